/**
 * The meta server's disk is lost and replaced by a copy of weeks ago: what was decided since is taken from the
 * replicas, and nothing that was promised is lost.
 */
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ledger } from '../support/ledger.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

const LIMIT_MS = 120_000;
const LOADED = 300;

test('a meta server that is started on an old copy of its folder adopts what the replicas know', async (t) => {
  await using onebox = await TestOnebox.start();
  const folder = join(onebox.dir, 'meta1', 'data');
  const copy = `${folder}.copy`;
  await onebox.act('stop-node', 'meta', 1);
  cpSync(folder, copy, { recursive: true });
  await onebox.act('start-node', 'meta', 1);
  await onebox.untilHealthy();

  await using client = await onebox.connect();
  const ledger = new Ledger(client);
  const more = async (): Promise<void> => {
    const target = ledger.acknowledged + LOADED;
    await until('writes are acknowledged', LIMIT_MS, () => ledger.acknowledged >= target);
  };
  ledger.begin();
  await more();
  for (const index of [1, 2]) {
    await onebox.act('kill', 'replica', index);
    await more();
    await onebox.act('start-node', 'replica', index);
    await onebox.untilHealthy();
  }
  const ballots = async (): Promise<number[]> =>
    (await client.table('temp').config()).partitions.map(({ ballot }) => ballot);
  const before = await ballots();
  assert(before.every((ballot) => ballot > 1));

  await onebox.act('stop-node', 'meta', 1);
  rmSync(folder, { recursive: true });
  cpSync(copy, folder, { recursive: true });
  await onebox.act('start-node', 'meta', 1);
  t.diagnostic(`healthy after ${Math.round(await onebox.untilHealthy())} ms`);
  await until('ballots go on', LIMIT_MS, async () =>
    (await ballots()).every((ballot, index) => ballot >= before[index]!),
  );
  await more();
  await onebox.act('kill', 'replica', 3);
  await more();
  await ledger.end();

  assert(onebox.log('meta1').includes('journal.old'), 'it has noticed');
  assert.deepEqual(ledger.failures, [], 'the client saw delays and nothing else');
  await using reader = await onebox.connect();
  assert.deepEqual((await ledger.verify(reader)).problems, []);
  assert.deepEqual(onebox.complaints(), []);
});
