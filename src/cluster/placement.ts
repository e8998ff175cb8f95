/**
 * Where the replicas of a new table go: distinct nodes for each partition, replicas and primaries spread evenly
 * over the nodes, first within the table and then over the cluster. Same input, same output.
 *
 * Replicas: each partition takes the nodes that have the fewest replicas of this table, so no two nodes differ by
 * more than one. Primaries: the fewest within the partition's nodes, then moved along chains of partitions until no
 * node leads two more than another that it could reach.
 */
import { assert, assertAtLeast, assertAtMost } from '../base/assert.ts';
import type { NodeId } from '../model/identity.ts';

export interface PlacementNode {
  readonly id: NodeId;
  /** In the whole cluster, before this table. */
  readonly replicaCount: number;
  readonly primaryCount: number;
}

export interface PlacementRequest {
  readonly partitionCount: number;
  readonly replicaCount: number;
}

/** One list per partition; its first node is to be the primary. */
export function placePartitions(
  nodes: readonly PlacementNode[],
  request: PlacementRequest,
): NodeId[][] {
  assertAtLeast(request.partitionCount, 1, 'partitions');
  assertAtLeast(request.replicaCount, 1, 'replicas');
  assertAtMost(request.replicaCount, nodes.length, 'each replica has a node of its own');
  const loads = nodes.map((node) => ({ node, replicas: 0, primaries: 0 }));
  const groups: Load[][] = [];
  for (let index = 0; index < request.partitionCount; index++) {
    loads.sort(byReplicas);
    const group = loads.slice(0, request.replicaCount);
    for (const load of group) load.replicas += 1;
    const leader = group.reduce((a, b) => (byPrimaries(b, a) < 0 ? b : a));
    leader.primaries += 1;
    groups.push([leader, ...group.filter((load) => load !== leader)]);
  }
  spreadPrimaries(groups, loads);
  const placed = groups.map((group) => group.map((load) => load.node.id));
  for (const group of placed) {
    assert(new Set(group).size === request.replicaCount, 'the nodes of a partition are distinct');
  }
  return placed;
}

interface Load {
  readonly node: PlacementNode;
  replicas: number;
  primaries: number;
}

function byReplicas(a: Load, b: Load): number {
  return (
    a.replicas - b.replicas ||
    a.node.replicaCount - b.node.replicaCount ||
    (a.node.id < b.node.id ? -1 : 1)
  );
}

function byPrimaries(a: Load, b: Load): number {
  return (
    a.primaries - b.primaries ||
    a.node.primaryCount - b.node.primaryCount ||
    (a.node.id < b.node.id ? -1 : 1)
  );
}

/** Each round moves one primary from a fullest node, along a shortest chain, to one with at least two less. */
function spreadPrimaries(groups: Load[][], loads: readonly Load[]): void {
  for (let round = 0; round < groups.length; round++) {
    const fullest = loads.reduce((a, b) => (b.primaries > a.primaries ? b : a));
    if (!shiftPrimary(groups, fullest)) return;
  }
}

function shiftPrimary(groups: Load[][], from: Load): boolean {
  const reachedBy = new Map<Load, Load[]>();
  const queue: Load[] = [from];
  const seen = new Set<Load>(queue);
  for (let head = 0; head < queue.length; head++) {
    const current = queue[head]!;
    if (current.primaries <= from.primaries - 2) {
      moveAlong(reachedBy, current, from);
      return true;
    }
    for (const group of groups) {
      if (group[0] !== current) continue;
      for (const load of group) {
        if (seen.has(load)) continue;
        seen.add(load);
        reachedBy.set(load, group);
        queue.push(load);
      }
    }
  }
  return false;
}

function moveAlong(reachedBy: ReadonlyMap<Load, Load[]>, to: Load, from: Load): void {
  let current = to;
  while (current !== from) {
    const group = reachedBy.get(current);
    assert(group !== undefined, 'a chain leads back to its start');
    const leader = group[0]!;
    const index = group.indexOf(current);
    group[index] = leader;
    group[0] = current;
    leader.primaries -= 1;
    current.primaries += 1;
    current = leader;
  }
}
