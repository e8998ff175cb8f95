/**
 * A server is frozen for longer than its lease and goes on as if nothing had happened. It must not
 * answer from the past.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client, Table } from '../../src/bin/client.ts';
import { Ledger } from '../support/ledger.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

const FAILOVER_LIMIT_MS = 20_000;
const KEYS = 20;
/** Longer than lease and grace. */
const PAUSE_MS = 8_000;

async function primaryOf(table: Table, hashKey: string): Promise<string> {
  const { partitions } = await table.config();
  const { primary } = partitions[await table.partitionOf(hashKey)]!;
  assert(primary !== null);
  return primary;
}

test('a primary that was frozen past its lease answers nothing of what it knew', async (t) => {
  await using onebox = await TestOnebox.start();
  await using writer = await onebox.connect();
  const table = writer.table('temp');
  const victim = await primaryOf(table, 'key 0');
  const keys: string[] = [];
  for (let index = 0; keys.length < KEYS; index++) {
    const key = `key ${index}`;
    if ((await primaryOf(table, key)) === victim) keys.push(key);
  }
  // Clients that know the old primary, and will ask it.
  const readers: Client[] = [];
  for (let index = 0; index < 3; index++) readers.push(await onebox.connect());
  for (const key of keys) {
    await table.set(key, '', 'old');
    for (const reader of readers)
      assert.equal(await reader.table('temp').getString(key, ''), 'old');
  }
  const index = Number(victim.split(':')[1]) - onebox.portBase - 200;
  await onebox.act('pause', 'replica', index);
  const beganMs = performance.now();
  const written = keys.map((key) => table.set(key, '', 'new', { timeoutMs: FAILOVER_LIMIT_MS }));
  await Promise.all(written);
  t.diagnostic(`writes go on ${Math.round(performance.now() - beganMs)} ms after the freeze`);

  // These wait in the frozen server's sockets and are the first that it sees.
  const reads = readers.flatMap((reader) =>
    keys.map((key) => reader.table('temp').getString(key, '', { timeoutMs: FAILOVER_LIMIT_MS })),
  );
  await onebox.act('resume', 'replica', index);
  assert.deepEqual([...new Set(await Promise.all(reads))], ['new']);
  for (const reader of readers) await reader.close();
  t.diagnostic(`healthy ${Math.round(await onebox.untilHealthy())} ms after the thaw`);
  assert.deepEqual(onebox.complaints(), []);
});

test('a meta server frozen past all leases stops the cluster and harms nothing', async () => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  ledger.begin();
  await until('a load runs', FAILOVER_LIMIT_MS, () => ledger.acknowledged > 200);
  await onebox.act('pause', 'meta', 1);
  await until('no server may answer any more', PAUSE_MS + FAILOVER_LIMIT_MS, () => {
    return ledger.gapMs > PAUSE_MS;
  });
  await onebox.act('resume', 'meta', 1);
  const { acknowledged } = ledger;
  await until('writes go on', FAILOVER_LIMIT_MS, () => ledger.acknowledged > acknowledged + 200);
  await ledger.end();
  assert.deepEqual(ledger.failures, []);
  assert.deepEqual((await ledger.verify(client)).problems, []);
  await onebox.untilHealthy();
});

test('short freezes of every server in turn disturb nobody', async () => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  ledger.begin();
  for (const index of [1, 2, 3]) {
    const target = ledger.acknowledged + 200;
    await until('a load runs', FAILOVER_LIMIT_MS, () => ledger.acknowledged >= target);
    await onebox.act('pause', 'replica', index);
    await onebox.act('resume', 'replica', index);
  }
  await ledger.end();
  assert.deepEqual(ledger.failures, []);
  assert.deepEqual((await ledger.verify(client)).problems, []);
  await onebox.untilHealthy();
});
