/**
 * The example of the README on a slice of the data: the package index of this Debian machine goes in, and another
 * process finds all of it again, by range multi_gets and by a full scan; also when servers die meanwhile.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command, type Ended } from '../support/command.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

interface Loaded {
  readonly packages: number;
  readonly records: number;
  readonly recordsPerSecond: number;
  readonly slowestMs: number;
}

interface Verified {
  readonly ok: boolean;
  readonly packages: number;
  readonly records: number;
  readonly missingCount: number;
  readonly damagedCount: number;
  readonly expectedDigest: string;
  readonly multiGetDigest: string;
  readonly scanDigest: string;
}

const PACKAGES = 1_500;
const PACKAGES_UNDER_FIRE = 6_000;
const LIMIT_MS = 50_000;

const index = spawnSync('sh', ['-c', 'apt-cache dumpavail | head -1'], { encoding: 'utf8' });
const skip = index.stdout.startsWith('Package:') ? false : 'no package index: apt-get update';

function example(onebox: TestOnebox, ...flags: readonly string[]): Command {
  const script = ['--import', 'tsx', 'examples/debian-packages.ts', '--json'];
  return new Command(process.execPath, [...script, '--meta', onebox.meta, ...flags]);
}

function documentOf<T>({ exitCode, stdout, stderr }: Ended): T {
  assert.equal(exitCode, 0, `${stdout}${stderr}`);
  return JSON.parse(stdout) as T;
}

function assertWhole(verify: Verified, packages: number): void {
  assert.equal(verify.ok, true);
  assert.deepEqual([verify.missingCount, verify.damagedCount], [0, 0]);
  assert.equal(verify.packages, packages);
  assert.equal(verify.multiGetDigest, verify.expectedDigest);
  assert.equal(verify.scanDigest, verify.expectedDigest);
}

test('packages go in and another process reads back the same, by key and by scan', {
  skip,
}, async (t) => {
  await using onebox = await TestOnebox.start();
  const ended = await example(onebox, '--limit', `${PACKAGES}`).ended;
  const { load, verify } = documentOf<{ load: Loaded; verify: Verified }>(ended);
  t.diagnostic(`${load.records} records, ${load.recordsPerSecond} records/s with fsync`);
  assert.equal(load.packages, PACKAGES);
  assert.equal(verify.records, load.records);
  assertWhole(verify, PACKAGES);
});

test('the same with a server killed in the middle, and another one killed later', {
  skip,
}, async (t) => {
  await using onebox = await TestOnebox.start();
  const log = join(onebox.dir, '..', 'acknowledged');
  const acknowledged = (): number =>
    existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0;
  const flags = ['--limit', `${PACKAGES_UNDER_FIRE}`, '--ack-log', log];
  const loader = example(onebox, '--load-only', ...flags);
  await until('a quarter is loaded', LIMIT_MS, () => acknowledged() > PACKAGES_UNDER_FIRE / 4);
  await onebox.act('kill', 'replica', 2);
  assert.equal(loader.child.exitCode, null, 'the kill was in the middle of the load');
  const { load } = documentOf<{ load: Loaded }>(await loader.ended);
  t.diagnostic(`slowest write ${load.slowestMs} ms`);
  assert.equal(load.packages, PACKAGES_UNDER_FIRE);
  assert.equal(acknowledged(), PACKAGES_UNDER_FIRE);

  await onebox.act('start-node', 'replica', 2);
  await onebox.untilHealthy();
  await onebox.act('kill', 'replica', 1);
  const ended = await example(onebox, '--verify-only', ...flags).ended;
  assertWhole(documentOf<{ verify: Verified }>(ended).verify, PACKAGES_UNDER_FIRE);
  await onebox.act('start-node', 'replica', 1);
  await onebox.untilHealthy();
});
