/** A loaded cluster grows, is rid of a server, and is restarted: no operation fails. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BalanceReport, Client } from '../../src/bin/client.ts';
import { Ledger } from '../support/ledger.ts';
import { type NodeReport, TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

const LIMIT_MS = 300_000;
const LOADED = 300;

async function more(ledger: Ledger, count = LOADED): Promise<void> {
  const target = ledger.acknowledged + count;
  await until('writes are acknowledged', LIMIT_MS, () => ledger.acknowledged >= target);
}

function spread(counts: readonly number[]): number {
  return Math.max(...counts) - Math.min(...counts);
}

/** Of the servers that live, and of no others. */
async function isEven(client: Client, serverCount: number): Promise<boolean> {
  const { servers, moves } = await client.admin.controlBalance('status');
  if (servers.length !== serverCount || moves.length > 0) return false;
  const replicas = spread(servers.map((server) => server.replicas));
  return replicas <= 1 && spread(servers.map((server) => server.primaries)) <= 1;
}

function named(nodes: readonly NodeReport[], name: string): NodeReport {
  const node = nodes.find((one) => one.name === name);
  assert.ok(node !== undefined, `there is a ${name}`);
  return node;
}

test('two servers are added, one is emptied and taken away, all are restarted: unaided, and nothing fails', async (t) => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  ledger.begin();
  await more(ledger);

  const beganMs = performance.now();
  const { nodes } = await onebox.json('start', '--replicas', '5');
  const even = async (count: number): Promise<void> => {
    await until('copies and leads are even', LIMIT_MS, () => isEven(client, count));
  };
  await even(5);
  t.diagnostic(`even after ${Math.round(performance.now() - beganMs)} ms`);
  await more(ledger);

  const { address } = named(nodes, 'replica2');
  const { drain } = await onebox.shellJson<{ drain: BalanceReport['drains'][number] }>(
    'drain',
    address,
  );
  assert.deepEqual([drain.isDone, drain.replicas, drain.primaries], [true, 0, 0]);
  await onebox.act('stop-node', 'replica', 2);
  await more(ledger);
  await even(4);

  await onebox.shellOutput('undrain', address);
  await onebox.act('start-node', 'replica', 2);
  await even(5);
  const before = (await onebox.status()).nodes.map(({ pid }) => pid);
  await onebox.json<unknown>('rolling-restart');
  const after = (await onebox.status()).nodes;
  for (const [at, { name, pid }] of after.entries()) {
    assert.equal(pid === before[at], !name.startsWith('replica'), `${name} was restarted`);
  }
  await more(ledger);
  await even(5);

  await ledger.end();
  t.diagnostic(`${ledger.acknowledged} writes, longest silence ${Math.round(ledger.gapMs)} ms`);
  t.diagnostic(`slowest write ${Math.round(ledger.slowestMs)} ms, in doubt ${ledger.inDoubt}`);
  assert.deepEqual(ledger.failures, []);
  assert.deepEqual((await ledger.verify(client)).problems, []);
  assert.deepEqual(onebox.complaints(), []);
});
