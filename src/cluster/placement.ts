/**
 * Where the replicas of a new table go: distinct nodes for each partition, apart from each other in zones, racks and
 * hosts as far as there are others (fault-domains.ts), replicas and primaries spread evenly over the nodes, first
 * within the table and then over the cluster. Same input, same output.
 *
 * Replicas: each partition takes one node after the other, always one that shares least with those that it has, and
 * of these the one with the fewest replicas of this table. So no two nodes differ by more than one, unless a domain
 * is so small that the copies that have to be in it are many for its nodes: being apart comes before being even.
 *
 * Primaries: the fewest within the partition's nodes, then moved along chains of partitions until no node leads two
 * more than another that it could reach.
 */
import { assert, assertAtLeast, assertAtMost } from '../base/assert.ts';
import type { NodeId } from '../model/identity.ts';
import { type Labels, riskOfPair } from './fault-domains.ts';

export interface PlacementNode {
  readonly id: NodeId;
  /** In the whole cluster, before this table. */
  readonly replicaCount: number;
  readonly primaryCount: number;
  readonly labels: Labels;
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
  const loads = loadsOf(nodes);
  const groups: Load[][] = [];
  for (let index = 0; index < request.partitionCount; index++) {
    const group = chooseGroup(loads, request.replicaCount);
    for (const load of group) {
      load.replicas += 1;
      load.place.replicas += 1;
    }
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
  /** With the members that the partition in hand has so far. */
  risk: number;
  isChosen: boolean;
  /** Of the nodes with the same labels. */
  readonly place: { replicas: number; nodes: number };
}

/** In the order of their ids, in which equals are chosen. */
function loadsOf(nodes: readonly PlacementNode[]): Load[] {
  const sorted = [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1));
  const places = new Map<string, Load['place']>();
  return sorted.map((node) => {
    const { zone, rack, host } = node.labels;
    const key = JSON.stringify([zone, rack, host]);
    const place = places.get(key) ?? { replicas: 0, nodes: 0 };
    places.set(key, place);
    place.nodes += 1;
    return { node, replicas: 0, primaries: 0, risk: 0, isChosen: false, place };
  });
}

function chooseGroup(loads: readonly Load[], count: number): Load[] {
  for (const load of loads) {
    load.risk = 0;
    load.isChosen = false;
  }
  const group: Load[] = [];
  while (group.length < count) {
    let best: Load | null = null;
    for (const load of loads) {
      if (!load.isChosen && (best === null || isBetter(load, best))) best = load;
    }
    assert(best !== null, 'there are as many nodes as replicas');
    best.isChosen = true;
    group.push(best);
    if (group.length === count) break;
    for (const load of loads) load.risk += riskOfPair(load.node.labels, best.node.labels);
  }
  return group;
}

function isBetter(a: Load, b: Load): boolean {
  const more = a.risk - b.risk || a.replicas - b.replicas || fullness(a) - fullness(b);
  return (more || a.node.replicaCount - b.node.replicaCount) < 0;
}

/** Of its place. Where nodes of one place must not have two copies, it may fall behind others unseen. */
function fullness({ place }: Load): number {
  return place.replicas / place.nodes;
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
