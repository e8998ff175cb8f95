/** Where the replicas of a new table go. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type NodeId, toNodeId } from '../model/identity.ts';
import { type PlacementNode, placePartitions } from './placement.ts';

function nodes(count: number): PlacementNode[] {
  return Array.from({ length: count }, (_, index) => ({
    id: toNodeId(`n${String(index).padStart(3, '0')}:1`),
    replicaCount: 0,
    primaryCount: 0,
  }));
}

function spread(counts: ReadonlyMap<NodeId, number>, all: readonly PlacementNode[]): number {
  const values = all.map((node) => counts.get(node.id) ?? 0);
  return Math.max(...values) - Math.min(...values);
}

function count(ids: Iterable<NodeId>): Map<NodeId, number> {
  const counts = new Map<NodeId, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

test('nodes of a partition are distinct; replicas and primaries differ by at most one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 0, max: 7 }),
      (nodeCount, replicaCount, power) => {
        fc.pre(replicaCount <= nodeCount);
        const all = nodes(nodeCount);
        const placed = placePartitions(all, { partitionCount: 2 ** power, replicaCount });
        for (const group of placed) assert.equal(new Set(group).size, replicaCount);
        assert.ok(spread(count(placed.flat()), all) <= 1, 'replicas');
        assert.ok(spread(count(placed.map((group) => group[0]!)), all) <= 1, 'primaries');
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

test('nodes that have less of other tables come first', () => {
  const [a, b, c, d] = nodes(4) as [PlacementNode, PlacementNode, PlacementNode, PlacementNode];
  const loaded = [{ ...a, replicaCount: 9, primaryCount: 9 }, b, { ...c, primaryCount: 4 }, d];
  const placed = placePartitions(loaded, { partitionCount: 1, replicaCount: 3 });
  assert.deepEqual(placed, [[b.id, c.id, d.id]]);
});

test('the same cluster gives the same placement, whatever the order of its nodes', () => {
  const all = nodes(5);
  const request = { partitionCount: 16, replicaCount: 3 };
  assert.deepEqual(placePartitions([...all].reverse(), request), placePartitions(all, request));
});

test('a large table on many nodes is placed in time', () => {
  const all = nodes(300);
  const startMs = performance.now();
  const placed = placePartitions(all, { partitionCount: 8_192, replicaCount: 3 });
  assert.ok(spread(count(placed.map((group) => group[0]!)), all) <= 1);
  assert.ok(performance.now() - startMs < 10_000);
});
