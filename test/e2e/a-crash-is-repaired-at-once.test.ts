/**
 * A server that crashes or is told to go is replaced within moments, whatever the grace is: here it is so long that
 * nobody could mistake its end for a proof.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Client } from '../../src/bin/client.ts';
import { Ledger } from '../support/ledger.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

const GRACE_MS = 300_000;
/** A busy machine takes its time, but less than any grace. */
const LIMIT_MS = 100_000;
const LOADED = 200;
const GRACE_KEY = 'PEGASUS_META_GRACE_MS';

before(() => {
  process.env[GRACE_KEY] = `${GRACE_MS}`;
});

after(() => {
  delete process.env[GRACE_KEY];
});

/** A key in each partition that the server leads. */
async function keysLedBy(client: Client, address: string): Promise<string[]> {
  const table = client.table('temp');
  const { partitions } = await table.config();
  const wanted = new Set<number>();
  for (const [index, { primary }] of partitions.entries())
    if (primary === address) wanted.add(index);
  const keys: string[] = [];
  for (let number = 0; wanted.size > 0; number++) {
    const key = `row ${number}`;
    if (wanted.delete(await table.partitionOf(key))) keys.push(key);
  }
  return keys;
}

async function failover(
  onebox: TestOnebox,
  ledger: Ledger,
  signal: NodeJS.Signals,
): Promise<{ name: string; tookMs: number }> {
  await using client = await onebox.connect();
  const { nodes } = await onebox.status();
  const led = await Promise.all(nodes.map(({ address }) => keysLedBy(client, address)));
  const most = led.reduce((a, b) => (b.length > a.length ? b : a));
  const victim = nodes[led.indexOf(most)]!;
  assert(most.length > 0, 'somebody leads');
  const target = ledger.acknowledged + LOADED;
  await until('writes are under way', LIMIT_MS, () => ledger.acknowledged >= target);

  process.kill(victim.pid, signal);
  const beganMs = performance.now();
  const table = client.table('temp');
  await Promise.all(most.map((key) => table.set(key, 'written', signal, { timeoutMs: LIMIT_MS })));
  return { name: victim.name, tookMs: performance.now() - beganMs };
}

test('all partitions that a killed server led take writes again long before its grace is over', async (t) => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  ledger.begin();
  for (const signal of ['SIGKILL', 'SIGKILL', 'SIGTERM'] as const) {
    const { name, tookMs } = await failover(onebox, ledger, signal);
    t.diagnostic(`${signal} of ${name}: writes go on after ${Math.round(tookMs)} ms`);
    assert(tookMs < LIMIT_MS);
    await until('it is gone', LIMIT_MS, async () => {
      const { nodes } = await onebox.status();
      return nodes.find((node) => node.name === name)?.state === 'stopped';
    });
    await onebox.act('start-node', 'replica', Number(name.slice(-1)));
    await onebox.untilHealthy();
  }
  await ledger.end();
  assert.deepEqual(ledger.failures, [], 'the client saw delays and nothing else');
  await using reader = await onebox.connect();
  assert.deepEqual((await ledger.verify(reader)).problems, []);
  assert.deepEqual(onebox.complaints(), []);
});
