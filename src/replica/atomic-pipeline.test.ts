import assert from 'node:assert/strict';
import test from 'node:test';
import { startTestCluster } from '../bin/testing.ts';

test('concurrent increments of one counter neither get lost nor wait for each other', async () => {
  await using cluster = await startTestCluster();
  await using client = await cluster.connect();
  const table = client.table('temp');
  const count = 500;
  const results = await Promise.all(
    Array.from({ length: count }, () => table.incr('counter', 'hits', 1)),
  );
  const seen = new Set(results.map(Number));
  assert.equal(seen.size, count, 'each sees the effect of those before it');
  assert.equal(Math.max(...seen), count);
});

test('an atomic write sees plain writes that are still in flight, in their order', async () => {
  await using cluster = await startTestCluster();
  await using client = await cluster.connect();
  const table = client.table('temp');
  const [, first, , second] = await Promise.all([
    table.set('user', 'visits', '41'),
    table.incr('user', 'visits', 1),
    table.del('user', 'visits'),
    table.incr('user', 'visits', 1),
  ]);
  assert.equal(Number(first), 42);
  assert.equal(Number(second), 1);
});
