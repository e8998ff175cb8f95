/** Where the replicas of a new table go. */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type NodeId, toNodeId } from '../model/identity.ts';
import { type Labels, NO_LABELS, sharedRisk } from './fault-domains.ts';
import { type PlacementNode, placePartitions } from './placement.ts';

function nodes(count: number): PlacementNode[] {
  return Array.from({ length: count }, (_, index) => ({
    id: toNodeId(`n${String(index).padStart(3, '0')}:1`),
    replicaCount: 0,
    primaryCount: 0,
    labels: NO_LABELS,
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

/** Of each zone as many racks, of each rack as many hosts, of each host as many nodes. */
function labelled(zones: number, racks: number, hosts: number, servers: number): PlacementNode[] {
  const [plain] = nodes(1) as [PlacementNode];
  const found: PlacementNode[] = [];
  for (let zone = 0; zone < zones; zone++) {
    for (let rack = 0; rack < racks; rack++) {
      for (let host = 0; host < hosts; host++) {
        const labels = { zone: `z${zone}`, rack: `r${rack}`, host: `h${zone}.${rack}.${host}` };
        for (let server = 0; server < servers; server++) {
          found.push({ ...plain, id: toNodeId(`${labels.host}:${server}`), labels });
        }
      }
    }
  }
  return found;
}

function domainsOf(group: readonly NodeId[], all: readonly PlacementNode[]): Labels[] {
  return group.map((id) => all.find((node) => node.id === id)!.labels);
}

function distinct(values: readonly string[]): number {
  return new Set(values).size;
}

test('copies are in as many zones as there are, then racks, then hosts; nodes stay even where domains are', () => {
  const shapes = [
    [3, 2, 2, 1, 3],
    [2, 3, 1, 2, 3],
    [1, 4, 1, 3, 3],
    [1, 1, 4, 4, 3],
    [1, 1, 2, 4, 3],
    [5, 1, 1, 1, 5],
  ] as const;
  for (const [zones, racks, hosts, servers, replicaCount] of shapes) {
    const all = labelled(zones, racks, hosts, servers);
    const placed = placePartitions(all, { partitionCount: 64, replicaCount });
    for (const group of placed) {
      const labels = domainsOf(group, all);
      const rackNames = labels.map(({ zone, rack }) => `${zone}/${rack}`);
      assert.equal(distinct(labels.map(({ zone }) => zone)), Math.min(zones, replicaCount));
      assert.equal(distinct(rackNames), Math.min(zones * racks, replicaCount));
      assert.equal(
        distinct(labels.map(({ host }) => host)),
        Math.min(zones * racks * hosts, replicaCount),
      );
    }
    assert.ok(spread(count(placed.flat()), all) <= 1, `replicas of ${zones}.${racks}.${hosts}`);
    assert.ok(spread(count(placed.map((group) => group[0]!)), all) <= 1, 'primaries');
  }
});

test('a small zone gets its copy of every partition though its nodes hold more than others then', () => {
  const all = [...labelled(2, 1, 3, 1), ...labelled(3, 1, 1, 1).slice(2)];
  const placed = placePartitions(all, { partitionCount: 32, replicaCount: 3 });
  for (const group of placed) {
    const [first, ...others] = domainsOf(group, all) as [Labels, ...Labels[]];
    assert.equal(sharedRisk(first, others), 0);
  }
});
