/**
 * A server dies in the middle of a load, comes back, another one dies: delays, but nothing that was
 * promised is lost.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../support/ledger.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

/** Lease, grace, choice of a new primary and its first writes, on a slow machine. */
const FAILOVER_LIMIT_MS = 120_000;
const LOADED = 500;

test('kill a server in the middle of a load, bring it back, kill another one', async (t) => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  const more = async (): Promise<number> => {
    const beganMs = performance.now();
    const target = ledger.acknowledged + LOADED;
    await until('writes are acknowledged', FAILOVER_LIMIT_MS, () => ledger.acknowledged >= target);
    return performance.now() - beganMs;
  };
  ledger.begin();
  await more();

  await onebox.act('kill', 'replica', 2);
  await more();
  t.diagnostic(`longest silence after the kill of replica 2: ${Math.round(ledger.gapMs)} ms`);
  await onebox.act('start-node', 'replica', 2);
  t.diagnostic(`three members again after ${Math.round(await onebox.untilHealthy())} ms`);

  await onebox.act('kill', 'replica', 3);
  await more();
  await onebox.act('start-node', 'replica', 3);
  t.diagnostic(`three members again after ${Math.round(await onebox.untilHealthy())} ms`);
  await more();
  await ledger.end();

  t.diagnostic(
    `${ledger.acknowledged} writes, longest silence ${Math.round(ledger.gapMs)} ms, slowest write ` +
      `${Math.round(ledger.slowestMs)} ms, ${ledger.inDoubt} in doubt, ${ledger.failed} failed`,
  );
  assert.deepEqual(ledger.failures, [], 'the client saw delays and nothing else');
  assert(ledger.gapMs < FAILOVER_LIMIT_MS);
  await using reader = await onebox.connect();
  assert.deepEqual((await ledger.verify(reader)).problems, []);
  assert.deepEqual(onebox.complaints(), []);
});

test('writes to the partitions of a killed primary go on as soon as its lease is over', async (t) => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  const table = client.table('temp');
  await table.set('row', 'of', 'the primary');
  const { partitions } = await table.config();
  const { primary } = partitions[await table.partitionOf('row')]!;
  const victim = (await onebox.status()).nodes.find(({ address }) => address === primary)!;

  process.kill(victim.pid, 'SIGKILL');
  const beganMs = performance.now();
  await table.set('row', 'of', 'another primary', { timeoutMs: FAILOVER_LIMIT_MS });
  t.diagnostic(
    `kill of a primary to its next write: ${Math.round(performance.now() - beganMs)} ms`,
  );
  assert.equal(await table.getString('row', 'of'), 'another primary');
});

test('a meta server that is away for a moment is not missed, and comes back with all it knew', async (t) => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  ledger.begin();
  await until('writes work', FAILOVER_LIMIT_MS, () => ledger.acknowledged >= LOADED);
  const before = await client.admin.listTables();
  await onebox.act('kill', 'meta', 1);
  const target = ledger.acknowledged + LOADED;
  await until('writes go on', FAILOVER_LIMIT_MS, () => ledger.acknowledged >= target);
  await onebox.act('start-node', 'meta', 1);
  t.diagnostic(`healthy again after ${Math.round(await onebox.untilHealthy())} ms`);
  await ledger.end();
  assert.deepEqual(ledger.failures, []);
  assert.deepEqual(await client.admin.listTables(), before);
  assert.deepEqual((await ledger.verify(client)).problems, []);
});

test('a server that stays away is no hindrance: two of three members take writes', async () => {
  await using onebox = await TestOnebox.start();
  await onebox.act('kill', 'replica', 1);
  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  ledger.begin();
  await until('writes work', FAILOVER_LIMIT_MS, () => ledger.acknowledged >= LOADED);
  await ledger.end();
  assert.deepEqual((await ledger.verify(client)).problems, []);
  const { healthy, nodes } = await onebox.status();
  assert.equal(healthy, false, 'and status says so');
  assert.equal(nodes.find(({ name }) => name === 'replica1')?.state, 'stopped');
});
