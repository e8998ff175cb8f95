/**
 * Three meta servers and the service that they share, etcd or ZooKeeper, all of them processes, under load: the leader
 * is killed, and then the service is away.
 *
 * PEGASUS_E2E_STORE_AWAY_MS: how long, if not 8 s, which is longer than every lease and lead.
 */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findEtcd } from '../../src/adapters/etcd/server-process.ts';
import { haveZooKeeper } from '../../src/adapters/zookeeper/server-process.ts';
import { type Client, InDoubtError } from '../../src/bin/client.ts';
import { Ledger } from '../support/ledger.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

const LIMIT_MS = 120_000;
const LOADED = 300;
const AWAY_MS = Number(process.env['PEGASUS_E2E_STORE_AWAY_MS'] ?? 8_000);
const ETCD_CACHE = fileURLToPath(new URL('../../.cache/etcd', import.meta.url));

const STORES = [
  {
    metaStore: 'etcd',
    isThere: (): boolean => findEtcd(ETCD_CACHE) !== null,
    without: 'no etcd: neither on the path nor from Debian (etcd-server)',
  },
  {
    metaStore: 'zookeeper',
    isThere: (): boolean => haveZooKeeper(),
    without: 'no ZooKeeper: neither there nor from Debian (zookeeper)',
  },
] as const;

/** Until that many writes more have been acknowledged. */
async function more(ledger: Ledger, count = LOADED): Promise<void> {
  const target = ledger.acknowledged + count;
  await until('writes are acknowledged', LIMIT_MS, () => ledger.acknowledged >= target);
}

/** Number of the meta server that leads. */
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

/** Names of the events in the log of a meta server, in order, of those asked for. */
function eventsOf(onebox: TestOnebox, meta: number, names: readonly string[]): string[] {
  const lines = onebox.log(`meta${meta}`).trimEnd().split('\n');
  const events = lines.map((line) => (JSON.parse(line) as { readonly event: string }).event);
  return events.filter((event) => names.includes(event));
}

/** Nothing went wrong for those who write, nor in the eyes of any server. */
async function assertAllIsWell(onebox: TestOnebox, client: Client, ledger: Ledger): Promise<void> {
  await ledger.end();
  assert.deepEqual(ledger.failures, []);
  assert.deepEqual((await ledger.verify(client)).problems, []);
  assert.deepEqual(onebox.complaints(), []);
}

async function killLeader(t: TestContext, onebox: TestOnebox): Promise<void> {
  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  ledger.begin();
  await more(ledger);
  const former = await leaderOf(onebox);
  const { address } = (await onebox.status()).nodes.find(({ name }) => name === 'replica2')!;
  assert.ok((await led(client, address)) > 0, 'there is something to repair');

  await onebox.act('kill', 'meta', former);
  const beganMs = performance.now();
  await onebox.act('kill', 'replica', 2);
  await until(
    'another leader has repaired',
    LIMIT_MS,
    async () => (await led(client, address)) === 0,
  );
  const tookMs = Math.round(performance.now() - beganMs);
  t.diagnostic(`another leader had acted ${tookMs} ms after the former one was killed`);
  await more(ledger);
  const next = await leaderOf(onebox);
  assert.notEqual(next, former);
  const events = eventsOf(onebox, next, ['meta.term.begun', 'node.ended', 'partition.change']);
  assert.equal(events[0], 'meta.term.begun', 'nothing is changed before the term has begun');
  assert.ok(events.includes('partition.change'));

  await onebox.act('start-node', 'meta', former);
  await onebox.act('start-node', 'replica', 2);
  t.diagnostic(`healthy after ${Math.round(await onebox.untilHealthy())} ms`);
  await onebox.act('stop-node', 'meta', await leaderOf(onebox));
  await more(ledger);
  await assertAllIsWell(onebox, client, ledger);
  t.diagnostic(`${ledger.acknowledged} writes, longest silence ${Math.round(ledger.gapMs)} ms`);
}

/** Asked again when a leader that has lost its election meanwhile cannot say what has become of it. */
async function create(client: Client, name: string): Promise<void> {
  const options = { partitionCount: 4, successIfExists: true, timeoutMs: LIMIT_MS };
  for (;;) {
    try {
      await client.admin.createTable(name, options);
      return;
    } catch (error) {
      if (!(error instanceof InDoubtError)) throw error;
    }
  }
}

/** Reads and writes go on while it is away; what is asked for comes true when it is back. */
async function takeAway(
  t: TestContext,
  onebox: TestOnebox,
  metaStore: 'etcd' | 'zookeeper',
  fault: 'kill' | 'pause',
): Promise<void> {
  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  ledger.begin();
  await more(ledger);
  await onebox.act(fault, metaStore, 1);
  const beganMs = performance.now();
  while (performance.now() - beganMs < AWAY_MS) {
    await more(ledger, 50);
    await client.table('temp').get('not', 'there');
  }
  // What was granted before the service was away is over by now.
  await more(ledger, 50);
  t.diagnostic(`${fault}: longest silence ${Math.round(ledger.gapMs)} ms`);
  let isCreated = false;
  const creating = create(client, `after-${fault}`).then(() => {
    isCreated = true;
  });
  await more(ledger, 50);
  assert.equal(isCreated, false, 'nothing is acknowledged that is not kept');
  await onebox.act(fault === 'kill' ? 'start-node' : 'resume', metaStore, 1);
  await creating;
  await more(ledger);
  await assertAllIsWell(onebox, client, ledger);
}

for (const { metaStore, isThere, without } of STORES) {
  const skip = isThere() ? false : without;
  describe(`with ${metaStore}`, { skip }, () => {
    test('the leader and a replica server are killed at once: another leader repairs, and no operation fails', async (t) => {
      await using onebox = await TestOnebox.start({ metas: 3, metaStore });
      await killLeader(t, onebox);
    });

    test(`${metaStore} is killed, and then hangs, for ${AWAY_MS / 1_000} s each: reads and writes go on`, async (t) => {
      await using onebox = await TestOnebox.start({ metas: 3, metaStore });
      await takeAway(t, onebox, metaStore, 'kill');
      await takeAway(t, onebox, metaStore, 'pause');
    });
  });
}
