/**
 * SIGTERM and SIGINT under load: a server drains, exits 0 within 5 s by itself, and leaves neither
 * process nor lock nor port.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { type Client, connect } from '../../src/bin/client.ts';
import { Command, LAUNCHER, setUp } from '../support/command.ts';
import { Ledger } from '../support/ledger.ts';
import { freePortBase } from '../support/ports.ts';
import { until } from '../support/until.ts';

const DRAIN_LIMIT_MS = 5_000;
const SERVE_LIMIT_MS = 20_000;
const LOADED = 200;

/** Servers that are children of this process, so that it sees how they end. */
class Servers implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'pegasus-e2e-'));
  readonly base: number;
  readonly running: Map<string, Command> = new Map();

  constructor(base: number) {
    this.base = base;
    process.once('exit', () => this.#kill());
  }

  get meta(): string {
    return `127.0.0.1:${this.base + 1}`;
  }

  port(name: string): number {
    return name === 'meta' ? this.base + 1 : this.base + 200 + Number(name.slice(-1));
  }

  start(name: string): Command {
    const kind = name === 'meta' ? 'meta' : 'replica';
    const options = [
      [`--${kind}.listen`, `127.0.0.1:${this.port(name)}`],
      [`--${kind}.data_dir`, join(this.folder, name)],
      kind === 'meta' ? [] : ['--cluster.meta_servers', this.meta],
    ];
    const command = new Command(LAUNCHER, [kind, ...options.flat()]);
    this.running.set(name, command);
    return command;
  }

  async startAll(): Promise<void> {
    for (const name of ['meta', 'replica1', 'replica2', 'replica3']) this.start(name);
    await using client = await this.connect();
    await until('three servers are known', SERVE_LIMIT_MS, async () => {
      const nodes = await client.admin.listNodes();
      return nodes.filter(({ alive }) => alive).length === 3;
    });
    await client.admin.createTable('temp', { successIfExists: true });
    await client.admin.waitHealthy('temp');
  }

  async connect(): Promise<Client> {
    return await connect({ metas: this.meta, connectTimeoutMs: SERVE_LIMIT_MS });
  }

  /** Sends the signal; the server has to end in order and in time. */
  async end(name: string, signal: NodeJS.Signals): Promise<number> {
    const command = this.running.get(name)!;
    const beganMs = performance.now();
    command.child.kill(signal);
    const { exitCode, signal: killedBy, stderr } = await command.ended;
    const tookMs = performance.now() - beganMs;
    this.running.delete(name);
    const tail = stderr.split('\n').slice(-10).join('\n');
    assert.equal(killedBy, null, tail);
    assert.equal(exitCode, 0, tail);
    assert(tookMs < DRAIN_LIMIT_MS, `${name} took ${tookMs} ms\n${tail}`);
    assert.match(stderr, /"process\.drained"/);
    const complaints = stderr.split('\n').filter((line) => /"level":"(?:error|fatal)"/.test(line));
    assert.deepEqual(complaints, []);
    return tookMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill();
    await Promise.all([...this.running.values()].map(({ ended }) => ended));
    rmSync(this.folder, { recursive: true });
  }

  #kill(): void {
    for (const { child } of this.running.values()) child.kill('SIGKILL');
  }
}

async function isRefused(port: number): Promise<boolean> {
  const socket = connectSocket(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return true;
  } finally {
    socket.destroy();
  }
}

before(setUp);

test('each replica server in turn, under load: exit 0 in time, no write fails, the folder is free', async (t) => {
  await using servers = new Servers(await freePortBase());
  await servers.startAll();
  await using client = await servers.connect();
  const ledger = new Ledger(client);
  ledger.begin();
  const more = async (): Promise<void> => {
    const target = ledger.acknowledged + LOADED;
    await until('writes go on', SERVE_LIMIT_MS, () => ledger.acknowledged >= target);
  };
  await more();
  for (const name of ['replica1', 'replica2', 'replica3']) {
    const tookMs = await servers.end(name, name === 'replica2' ? 'SIGINT' : 'SIGTERM');
    assert.equal(await isRefused(servers.port(name)), true);
    await more();
    t.diagnostic(`${name} ended in ${Math.round(tookMs)} ms`);
    // Would be refused if the lock of the folder or the port were still held.
    servers.start(name);
    await client.admin.waitHealthy('temp', { timeoutMs: SERVE_LIMIT_MS });
  }
  t.diagnostic(`longest silence of the load: ${Math.round(ledger.gapMs)} ms`);
  await ledger.end();
  assert.deepEqual(ledger.failures, []);
  assert.deepEqual((await ledger.verify(client)).problems, []);
});

test('the meta server, then all the others, with clients that stay connected', async () => {
  await using servers = new Servers(await freePortBase());
  await servers.startAll();
  await using client = await servers.connect();
  await client.table('temp').set('a', 'b', 'c');
  const silent = connectSocket(servers.port('replica1'), '127.0.0.1');
  await once(silent, 'connect');
  // A server that ends may reset it.
  silent.on('error', () => undefined);
  await servers.end('meta', 'SIGTERM');
  assert.equal(await client.table('temp').getString('a', 'b'), 'c', 'within the lease');
  const names = [...servers.running.keys()];
  await Promise.all(names.map((name) => servers.end(name, 'SIGTERM')));
  silent.destroy();
  await servers.startAll();
  assert.equal(await client.table('temp').getString('a', 'b', { timeoutMs: 20_000 }), 'c');
});

test('a server that is told to end while it starts does so', async () => {
  await using servers = new Servers(await freePortBase());
  const command = servers.start('replica1');
  await until(
    'it runs',
    SERVE_LIMIT_MS,
    () => command.stderr !== '' || command.child.exitCode !== null,
  );
  command.child.kill('SIGTERM');
  const { exitCode, stderr } = await command.ended;
  servers.running.delete('replica1');
  assert.equal(exitCode, 0, stderr);
});
