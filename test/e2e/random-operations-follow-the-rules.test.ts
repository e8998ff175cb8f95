/** Random operations on real servers with RocksDB, each answer compared with the rules of the protocol. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore } from '../differential/explore.ts';
import { RealCluster } from '../differential/real-world.ts';
import { TestOnebox } from '../support/onebox.ts';

test('4,000 random operations are answered as the rules say', async (t) => {
  await using onebox = await TestOnebox.start({ durability: 'os' });
  await using cluster = new RealCluster(onebox.meta);
  const world = (): ReturnType<RealCluster['world']> => cluster.world();
  const options = { seed: 400, operations: 4000, world, pauses: 1, hasFills: true };
  const report = await explore({ ...options, shrinks: false });
  assert.deepEqual(report.differences, []);
  assert.deepEqual(onebox.complaints(), []);
  t.diagnostic(`${report.operations} operations in ${report.sequences} sequences`);
});
