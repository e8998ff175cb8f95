/**
 * Three meta servers and a real etcd, all of them processes, under load: the leader is killed, and then etcd is away.
 *
 * PEGASUS_E2E_ETCD_AWAY_MS: how long, if not 8 s, which is longer than every lease and lead.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findEtcd } from '../../src/adapters/etcd/server-process.ts';
import type { Client } from '../../src/bin/client.ts';
import { Ledger } from '../support/ledger.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

const LIMIT_MS = 120_000;
const LOADED = 300;
const AWAY_MS = Number(process.env['PEGASUS_E2E_ETCD_AWAY_MS'] ?? 8_000);
const ETCD_CACHE = fileURLToPath(new URL('../../.cache/etcd', import.meta.url));
const skip =
  findEtcd(ETCD_CACHE) === null
    ? 'no etcd: neither on the path nor from Debian (etcd-server)'
    : false;

/** Until that many writes more have been acknowledged. */
async function more(ledger: Ledger, count = LOADED): Promise<void> {
  const target = ledger.acknowledged + count;
  await until('writes are acknowledged', LIMIT_MS, () => ledger.acknowledged >= target);
}

async function leaderOf(onebox: TestOnebox): Promise<number> {
  const { leader, nodes } = await onebox.status();
  const node = nodes.find(({ address }) => address === leader);
  assert.ok(node !== undefined, 'somebody leads');
  return Number(node.name.slice('meta'.length));
}

/** Of the partitions of `temp`, those that this server leads. */
async function led(client: Client, address: string): Promise<number> {
  const { partitions } = await client.admin.tableConfig('temp');
  return partitions.filter(({ primary }) => primary === address).length;
}

test('the leader and a replica server are killed at once: another leader repairs, and no operation fails', {
  skip,
}, async (t) => {
  await using onebox = await TestOnebox.start({ metas: 3 });
  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  ledger.begin();
  await more(ledger);
  const former = await leaderOf(onebox);
  const { address } = (await onebox.status()).nodes.find(({ name }) => name === 'replica2')!;

  await onebox.act('kill', 'meta', former);
  const beganMs = performance.now();
  await onebox.act('kill', 'replica', 2);
  await until(
    'another leader has repaired',
    LIMIT_MS,
    async () => (await led(client, address)) === 0,
  );
  t.diagnostic(
    `repaired ${Math.round(performance.now() - beganMs)} ms after the leader was killed`,
  );
  await more(ledger);
  assert.notEqual(await leaderOf(onebox), former);

  await onebox.act('start-node', 'meta', former);
  await onebox.act('start-node', 'replica', 2);
  t.diagnostic(`healthy after ${Math.round(await onebox.untilHealthy())} ms`);
  await onebox.act('stop-node', 'meta', await leaderOf(onebox));
  await more(ledger);
  await ledger.end();
  t.diagnostic(`${ledger.acknowledged} writes, longest silence ${Math.round(ledger.gapMs)} ms`);
  assert.deepEqual(ledger.failures, []);
  assert.deepEqual((await ledger.verify(client)).problems, []);
  assert.deepEqual(onebox.complaints(), []);
});

for (const [fault, repair] of [
  ['kill', 'start-node'],
  ['pause', 'resume'],
] as const) {
  test(`${fault} etcd for ${AWAY_MS / 1_000} s: reads and writes go on, and changes come true when it is back`, {
    skip,
  }, async (t) => {
    await using onebox = await TestOnebox.start({ metas: 3 });
    await using client = await onebox.connect();
    const ledger = new Ledger(client);
    ledger.begin();
    await more(ledger);
    await onebox.act(fault, 'etcd', 1);
    const beganMs = performance.now();
    while (performance.now() - beganMs < AWAY_MS) await more(ledger, 50);
    // What was granted before etcd was away is over by now.
    await more(ledger, 50);
    t.diagnostic(`longest silence ${Math.round(ledger.gapMs)} ms`);
    let isCreated = false;
    const creating = client.admin
      .createTable('more', { partitionCount: 4, timeoutMs: LIMIT_MS })
      .then(() => {
        isCreated = true;
      });
    await more(ledger, 50);
    assert.equal(isCreated, false);
    await onebox.act(repair, 'etcd', 1);
    await creating;
    await more(ledger);
    await ledger.end();
    assert.deepEqual(ledger.failures, []);
    assert.deepEqual((await ledger.verify(client)).problems, []);
    assert.deepEqual(onebox.complaints(), []);
  });
}
