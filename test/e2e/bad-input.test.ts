/**
 * What people get wrong: one clear sentence with what is wrong, one with what to do, an exit code
 * that is not 0, quickly, and nothing is damaged by it: at the end the cluster is as healthy as
 * before and has written nothing but ordinary events to its logs.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Command, type CommandOptions, type Ended, LAUNCHER, pegasus } from '../support/command.ts';
import { TestOnebox } from '../support/onebox.ts';
import { freePortBase } from '../support/ports.ts';
import { SmallDisk, whyNoSmallDisks } from '../support/tmpfs.ts';
import { until } from '../support/until.ts';

/** A wrong address is given up after 5 s. */
const REFUSAL_LIMIT_MS = 120_000;
const LINES_MAX = 3;
const KEY_BYTES_MAX = 65_534;
const MIB = 1024 * 1024;

const NOBODY = 65_534;

/** Why the launcher cannot be run as somebody else; false if it can. */
function whyNoOtherUser(): string | false {
  if (process.getuid?.() !== 0) return 'only root can become another user';
  const { status } = spawnSync(LAUNCHER, ['help'], { uid: NOBODY });
  return status === 0 ? false : `other users cannot run ${LAUNCHER}`;
}

let onebox: TestOnebox;
let scratch: string;
let freePort: number;

before(async () => {
  onebox = await TestOnebox.start();
  scratch = mkdtempSync(join(tmpdir(), 'pegasus-e2e-'));
  freePort = (await freePortBase()) + 1;
});

after(async () => {
  rmSync(scratch, { recursive: true, force: true });
  await onebox[Symbol.asyncDispose]();
});

/** The command fails in the way that this file is about, and its words match. */
async function refuses(
  args: readonly string[],
  patterns: readonly RegExp[],
  options?: CommandOptions,
): Promise<void> {
  const { exitCode, signal, stderr, stdout, tookMs } = await pegasus(args, options);
  const said = `./pegasus ${args.join(' ').slice(0, 200)}\n${stdout}${stderr}`;
  assert.equal(signal, null, said);
  assert(exitCode !== 0, said);
  assert(tookMs < REFUSAL_LIMIT_MS, said);
  for (const pattern of patterns) assert.match(stderr, pattern);
  assert(stderr.trimEnd().split('\n').length <= LINES_MAX, said);
  assert.doesNotMatch(stderr, /\n\s+at |this is a bug|undefined|\[object/, said);
}

/** Starts a server, waits for words in its log, and ends it. */
async function servesUntil(args: readonly string[], words: RegExp): Promise<Ended> {
  const server = new Command(LAUNCHER, args);
  try {
    await until(`${words} in the log`, REFUSAL_LIMIT_MS, () => words.test(server.stderr));
  } finally {
    server.child.kill('SIGTERM');
  }
  return await server.ended;
}

const shell = (...args: readonly string[]): string[] => ['shell', '--meta', onebox.meta, ...args];

/** Arguments of a replica server that is in order, but for what a test changes about it. */
function replica(changes: Readonly<Record<string, string>> = {}): string[] {
  const options = {
    'replica.listen': `127.0.0.1:${freePort}`,
    'replica.data_dir': join(scratch, 'new-replica'),
    'cluster.meta_servers': onebox.meta,
    ...changes,
  };
  return ['replica', ...Object.entries(options).flatMap(([key, value]) => [`--${key}`, value])];
}

function meta(changes: Readonly<Record<string, string>> = {}): string[] {
  const options = {
    'meta.listen': `127.0.0.1:${freePort}`,
    'meta.data_dir': join(scratch, 'new-meta'),
    ...changes,
  };
  return ['meta', ...Object.entries(options).flatMap(([key, value]) => [`--${key}`, value])];
}

function configFile(text: string): string {
  const path = join(scratch, 'config.toml');
  writeFileSync(path, text);
  return path;
}

test('an address where nobody listens, that does not exist, or is none', async () => {
  const nobody = `127.0.0.1:${freePort}`;
  await refuses(['shell', '--meta', nobody, 'ls'], [/no meta server answered/, /onebox status/]);
  await refuses(
    ['shell', '--meta', 'no-such-host.invalid:34601', 'ls'],
    [/no meta server answered/, /address/],
  );
  await refuses(['shell', '--meta', '127.0.0.1', 'ls'], [/no address of a meta server/, /e\.g\./]);
  await refuses(['shell', '--meta', '127.0.0.1:99999', 'ls'], [/no address of a meta server/]);
});

test('the address of a replica server instead of a meta server', async () => {
  const address = `127.0.0.1:${onebox.portBase + 201}`;
  await refuses(['shell', '--meta', address, 'ls'], [/meta server/]);
});

test('an address to listen on that is taken, or not of this machine', async () => {
  const taken = onebox.meta;
  const words = [/in use by another process/, /ss -ltnp/];
  await refuses(replica({ 'replica.listen': taken }), words);
  await refuses(meta({ 'meta.listen': taken }), words);
  await refuses(meta({ 'meta.listen': '192.0.2.1:34601' }), [/none of this machine/, /ip addr/]);
  await refuses(meta({ 'meta.listen': '127.0.0.1:70000' }), [/meta\.listen/, /HOST:PORT/]);
});

test('a port of a new onebox that is taken: it says which, and leaves nothing running', async () => {
  const dir = join(scratch, 'second-onebox');
  const start = ['onebox', 'start', '--dir', dir, '--port-base', `${onebox.portBase}`];
  const { exitCode, stderr } = await pegasus(start, { limitMs: REFUSAL_LIMIT_MS });
  assert.equal(exitCode, 1);
  assert.match(stderr, /in use by another process/);
  const status = await pegasus(['onebox', 'status', '--dir', dir, '--json']);
  const { nodes } = JSON.parse(status.stdout) as { nodes: { state: string }[] };
  assert(nodes.every(({ state }) => state === 'stopped'));
});

test('a second server on the same folder', async () => {
  const data = (name: string): string => join(onebox.dir, name, 'data');
  await refuses(replica({ 'replica.data_dir': data('replica1') }), [
    /[Aa]nother server is running on the data folder|in use by another/,
    /folder of its own|another folder/,
  ]);
  await refuses(meta({ 'meta.data_dir': data('meta1') }), [/in use by another/, /another folder/]);
});

test('a folder that belongs to something else is left as it is', async () => {
  const foreign = join(scratch, 'foreign');
  mkdirSync(foreign);
  writeFileSync(join(foreign, 'thesis.txt'), 'years of work');
  await refuses(replica({ 'replica.data_dir': foreign }), [/not empty/, /empty folder/]);
  await refuses(meta({ 'meta.data_dir': foreign }), [/thesis\.txt|not empty/, /empty folder/]);
  const start = ['onebox', 'start', '--dir', foreign, '--port-base', `${freePort}`];
  await refuses(start, [/not empty/, /--dir/]);
  assert.deepEqual(readdirSync(foreign), ['thesis.txt']);
});

test('a folder that cannot be made, because its parent is a file', async () => {
  const file = join(scratch, 'a-file');
  writeFileSync(file, '');
  await refuses(replica({ 'replica.data_dir': join(file, 'data') }), [/a-file/]);
  await refuses(meta({ 'meta.data_dir': join(file, 'data') }), [/a-file/]);
});

test('a folder that this user may not read', { skip: whyNoOtherUser() }, async () => {
  const locked = mkdtempSync(join(tmpdir(), 'pegasus-e2e-'));
  chmodSync(locked, 0o700);
  try {
    const path = join(locked, 'data');
    const words = [/cannot be (?:used|read|opened)|may not/, /owner|readable|chown|user/];
    await refuses(replica({ 'replica.data_dir': path }), words, { uid: NOBODY });
    await refuses(meta({ 'meta.data_dir': path }), words, { uid: NOBODY });
  } finally {
    rmSync(locked, { recursive: true });
  }
});

test('a server of another cluster stays outside and says why', async () => {
  const { exitCode, stderr } = await servesUntil(
    replica({ 'cluster.name': 'another', 'replica.data_dir': join(scratch, 'another') }),
    /"bus\.peer\.refused".*"other cluster"/,
  );
  assert.equal(exitCode, 0, stderr);
  const { nodes } = await onebox.shellJson<{ nodes: object[] }>('nodes');
  assert.equal(nodes.length, 3);
});

test('a disk that is full already', { skip: whyNoSmallDisks() }, async () => {
  using disk = new SmallDisk(join(scratch, 'full'), '64k');
  writeFileSync(join(disk.path, 'filler'), new Uint8Array(64 * 1024));
  await refuses(replica({ 'replica.data_dir': join(disk.path, 'data') }), [/full/, /[Ff]ree/]);
  await refuses(meta({ 'meta.data_dir': join(disk.path, 'meta') }), [/full/, /[Ff]ree/]);
});

test('configuration: no file, no TOML, a key that is unknown or missing, a value out of range', async () => {
  const missing = join(scratch, 'no-such.toml');
  await refuses(['replica', '--config', missing], [/does not exist/, /--config/]);
  const broken = configFile('[replica\nlisten = 1');
  await refuses(['replica', '--config', broken], [/config\.toml:1:9/, /TOML/]);
  const misspelt = configFile('[meta]\ndata_dri = "x"');
  await refuses(
    ['meta', '--config', misspelt],
    [/unknown option meta\.data_dri; did you mean meta\.data_dir\?/, /docs\/configuration\.md/],
  );
  await refuses(['replica', '--replica.data_dir', scratch], [/cluster\.meta_servers is not set/]);
  await refuses(meta({ 'meta.grase_ms': '1s' }), [
    /unknown option/,
    /Did you mean --meta\.grace_ms/,
  ]);
  await refuses(replica({ 'replica.durability': 'maybe' }), [/replica\.durability/, /fsync, os/]);
  await refuses(replica({ 'replica.in_flight_max': '0' }), [/in_flight_max/, /1 to 1024/]);
  await refuses(meta(), [/unknown option PEGASUS_META_LISTN; did you mean PEGASUS_META_LISTEN\?/], {
    environment: { PEGASUS_META_LISTN: 'x' },
  });
});

test('a command, a subcommand, an argument that does not exist', async () => {
  await refuses(['oneboxx'], [/no command oneboxx\. Did you mean onebox\?/]);
  await refuses(['onebox', 'strat'], [/unknown command/, /Did you mean start/]);
  await refuses(shell('sett', 'a', 'b', 'c'), [/no command sett\. Did you mean set\?/]);
  await refuses(shell('-t', 'temp', 'set', 'a'), [/needs more arguments/, /Usage: set/]);
  await refuses(shell('-t', 'temp', 'get', 'a\\q', 'b'), [/no escape/, /Escapes are/]);
  await refuses(shell('get', 'a', 'b'), [/No table is chosen/, /use TABLE/]);
  await refuses(
    ['onebox', 'kill', 'replica', '9', '--dir', onebox.dir],
    [/no replica 9/, /1 to 3/],
  );
  await refuses(['onebox', 'status', '--dir', scratch], [/no onebox/, /onebox start/]);
});

test('a table that does not exist, or exists already', async () => {
  await refuses(shell('-t', 'nope', 'get', 'a', 'b'), [/"nope" does not exist/, /shell ls/]);
  await refuses(shell('drop', 'nope'), [/nope/, /exist/]);
  await refuses(shell('create', 'temp', '-p', '4'), [/temp/, /exist/]);
});

test('a partition count or a replica count that no table can have', async () => {
  for (const count of ['1', '3', '48']) {
    await refuses(shell('create', 'odd', '-p', count), [/power of two/]);
  }
  await refuses(shell('create', 'odd', '-p', '0'), [/must be an integer of at least 1/]);
  await refuses(shell('create', 'odd', '-p', '1048576'), [/partition/]);
  await refuses(shell('create', 'odd', '-r', '4'), [/replica|server/]);
  await refuses(shell('create', 'odd', '-e', 'no.such.setting=1'), [/no\.such\.setting|setting/]);
  await refuses(shell('app', 'odd'), [/odd.*not exist/]);
});

test('a key of more than 65,534 bytes', async () => {
  const long = 'k'.repeat(KEY_BYTES_MAX + 1);
  await refuses(shell('-t', 'temp', 'set', long, 's', 'v'), [/hash key has at most 65534 bytes/]);
  const longest = 'k'.repeat(KEY_BYTES_MAX);
  await onebox.shellOutput('set', longest, 's', 'fits');
  assert.equal(await onebox.shellOutput('get', longest, 's'), '"fits"\n');
});

test('a body of more than 1 MiB is refused for certain; a little less is written', async () => {
  await using client = await onebox.connect();
  const table = client.table('temp');
  await assert.rejects(table.set('big', 'no', new Uint8Array(MIB)), {
    maybeApplied: false,
    message: /1048576|1 MiB|too large|ERR_INVALID_DATA/,
  });
  assert.equal(await table.exist('big', 'no'), false);
  await table.set('big', 'yes', new Uint8Array(MIB - 1024));
  assert.equal((await table.get('big', 'yes'))?.length, MIB - 1024);
});

test('an error as one JSON document, too', async () => {
  const { exitCode, stdout } = await pegasus(shell('--json', '-t', 'nope', 'get', 'a', 'b'));
  assert.equal(exitCode, 1);
  const document = JSON.parse(stdout) as { error: string; remedy: string };
  assert.match(document.error, /"nope" does not exist/);
  assert.match(document.remedy, /shell ls/);
});

test('after all that the cluster is as it was', async () => {
  const { healthy, nodes } = await onebox.status();
  assert.equal(healthy, true);
  assert.deepEqual(
    nodes.map(({ state }) => state),
    ['running', 'running', 'running', 'running'],
  );
  const { tables } = await onebox.shellJson<{ tables: { table: string }[] }>('ls');
  assert.deepEqual(
    tables.map(({ table }) => table),
    ['stat', 'temp'],
  );
  assert.deepEqual(onebox.complaints(), []);
});
