/** From an empty folder to a cluster that answers, and around its whole life. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { pegasus, pegasusOutput } from '../support/command.ts';
import { type Report, TestOnebox } from '../support/onebox.ts';

const START_LIMIT_MS = 240_000;

test('one command starts a healthy cluster with stat (id 1) and temp (id 2)', async (t) => {
  await using onebox = await TestOnebox.prepare();
  const beganMs = performance.now();
  const report = await onebox.start();
  const tookMs = performance.now() - beganMs;
  t.diagnostic(`start of a new cluster, fsync: ${Math.round(tookMs)} ms`);
  assert(tookMs < START_LIMIT_MS);
  assert.equal(report.healthy, true);
  assert.deepEqual(report.metas, [onebox.meta]);
  assert.deepEqual(report.tables, [
    { name: 'stat', id: 1, partitions: 4, healthy: 4 },
    { name: 'temp', id: 2, partitions: 8, healthy: 8 },
  ]);
  const base = onebox.portBase;
  assert.deepEqual(
    report.nodes.map(({ name, address, state }) => [name, address, state]),
    [
      ['meta1', `127.0.0.1:${base + 1}`, 'running'],
      ['replica1', `127.0.0.1:${base + 201}`, 'running'],
      ['replica2', `127.0.0.1:${base + 202}`, 'running'],
      ['replica3', `127.0.0.1:${base + 203}`, 'running'],
    ],
  );
  assert.equal(new Set(report.nodes.map(({ pid }) => pid)).size, 4, 'four processes');
});

test('what the shell writes, the shell reads: rows, ranges, scans, deletes', async () => {
  await using onebox = await TestOnebox.start();
  await onebox.shellOutput('set', 'ada', 'born', '1815');
  assert.equal(await onebox.shellOutput('get', 'ada', 'born'), '"1815"\n');
  await onebox.shellOutput('multi_set', 'ada', 'city', 'London', 'known\\x00for', 'a\\nprogram');
  const rows = await onebox.shellJson<{ rows: object[]; complete: boolean }>('multi_get', 'ada');
  assert.deepEqual(rows.rows, [
    { sortKey: 'born', value: '1815' },
    { sortKey: 'city', value: 'London' },
    { sortKey: 'known\\x00for', value: 'a\\nprogram' },
  ]);
  assert.equal(rows.complete, true);
  assert.deepEqual(await onebox.shellJson('count', 'ada'), { count: 3 });
  await onebox.shellOutput('set', 'ada', 'visit', 'soon over', '1000');
  const { ttlSeconds } = await onebox.shellJson<{ ttlSeconds: number }>('ttl', 'ada', 'visit');
  assert(ttlSeconds > 900 && ttlSeconds <= 1000);
  const scan = await onebox.shellJson<{ rows: { sortKey: string }[] }>('full_scan');
  assert.deepEqual(
    scan.rows.map(({ sortKey }) => sortKey),
    ['born', 'city', 'known\\x00for', 'visit'],
  );
  await onebox.shellOutput('multi_del', 'ada', 'city', 'visit');
  await onebox.shellOutput('del', 'ada', 'born');
  assert.deepEqual(await onebox.shellJson('exist', 'ada', 'born'), { exists: false });
  const missing = await onebox.shell('get', 'ada', 'born');
  assert.deepEqual([missing.exitCode, missing.stderr], [1, 'There is no such row.\n']);
});

test('a table that the shell makes is there for the client, and gone when it is dropped', async () => {
  await using onebox = await TestOnebox.start();
  const made = await onebox.shellJson<{ id: number }>('create', 'users', '-p', '2');
  assert.equal(made.id, 3);
  await using client = await onebox.connect();
  await client.table('users').set('grace', 'rank', 'admiral');
  assert.equal(await client.table('users').getString('grace', 'rank'), 'admiral');
  await onebox.shellOutput('drop', 'users');
  const after = await pegasus([
    'shell',
    '--meta',
    onebox.meta,
    '-t',
    'users',
    'get',
    'grace',
    'rank',
  ]);
  assert.equal(after.exitCode, 1);
  assert.match(after.stderr, /table "users" does not exist/);
});

test('starting twice changes nothing; stop and start keep the data; clear leaves nothing', async (t) => {
  await using onebox = await TestOnebox.start();
  const first = await onebox.status();
  assert.deepEqual(await onebox.start(), first, 'the same processes');
  await onebox.shellOutput('set', 'kept', '', 'over a restart');
  {
    await using client = await onebox.connect();
    await client.admin.setEnvs('temp', { default_ttl: '86400' });
  }

  const stopped = await onebox.json<{ ended: number; killed: string[] }>('stop');
  assert.deepEqual(stopped, { ended: 4, killed: [] });
  const down = await onebox.status();
  assert.equal(down.healthy, false);
  assert.deepEqual([...new Set(down.nodes.map(({ state }) => state))], ['stopped']);

  const beganMs = performance.now();
  // Without any setting: the folder knows them.
  const again = await onebox.json<Report>('start');
  t.diagnostic(`start of a stopped cluster: ${Math.round(performance.now() - beganMs)} ms`);
  assert.equal(again.healthy, true);
  assert.deepEqual(again.tables, first.tables);
  assert.equal(await onebox.shellOutput('get', 'kept', ''), '"over a restart"\n');
  assert.deepEqual(onebox.complaints(), []);

  await pegasusOutput(['onebox', 'clear', '--dir', onebox.dir]);
  assert.equal(existsSync(onebox.dir), false);
  const cleared = await pegasusOutput(['onebox', 'clear', '--dir', onebox.dir]);
  assert.equal(cleared, 'There is nothing to remove.\n');
});
