/**
 * Which leads are handed over so that every server leads as many partitions as any other: of each table, then over all.
 *
 * A lead can only go where there is a copy. Where the fullest server has no partition in common with an emptier one, a
 * chain does it: it hands over to a third, and that one another partition onward. If there is no chain either, a copy
 * has to move together with its lead.
 */
import { reached } from '../base/marks.ts';
import type { NodeId } from '../model/identity.ts';
import { followers, weightOf } from './balance-candidates.ts';
import type { BalancePlan, PlannedMove } from './balance-plan.ts';
import type { Partition } from './partition.ts';
import type { Table } from './table.ts';

const CHAINS_MAX = 256;

/** No two servers that may lead differ by more than one in this table. */
export function evenLeads(plan: BalancePlan, table: Table): void {
  const led = (node: NodeId): number => plan.loads.tablePrimaries(table, node);
  if (spread(plan, led) < 2) return;
  const partitionsOf = byPrimary(plan, table);
  for (let round = 0; round < CHAINS_MAX && !plan.isFull; round++) {
    const chain = findChain(plan, led, partitionsOf);
    if (chain === null) return;
    if (chain.length > 1) reached('cluster.balance.chain');
    for (const { partition, move } of chain) plan.take(partition, move);
  }
}

/** Over all tables, by moves that leave every table as even as it is. */
export function evenLeadsOfAll(plan: BalancePlan): void {
  const { loads, state } = plan;
  const led = (node: NodeId): number => loads.primariesOf(node);
  if (spread(plan, led) < 2) return;
  const full = [...plan.leaders].sort((a, b) => led(b.id) - led(a.id) || (a.id < b.id ? -1 : 1));
  for (const { id: from } of full) {
    for (const partition of state.hostedBy(from)) {
      if (partition.record.config.primary !== from || !isMovable(plan, partition)) continue;
      const { table } = partition;
      const to = followers(plan.state, partition).find(
        (node) =>
          led(node) <= led(from) - 2 &&
          loads.tablePrimaries(table, node) < loads.tablePrimaries(table, from),
      );
      if (to !== undefined) plan.takeIfMay(partition, { kind: 'lead', from, to, cause: 'balance' });
    }
  }
}

/** For a table that hand-overs cannot even: a lead moves with its copy. */
export function copyLeads(plan: BalancePlan, table: Table): void {
  const led = (node: NodeId): number => plan.loads.tablePrimaries(table, node);
  if (spread(plan, led) < 2) return;
  const hosts = plan.leaders
    .map(({ id }) => id)
    .sort((a, b) => led(b) - led(a) || (a < b ? -1 : 1));
  const from = hosts[0]!;
  for (const to of hosts.toReversed()) {
    if (led(from) - led(to) < 2) return;
    for (const partition of plan.state.hostedBy(from)) {
      if (partition.table !== table || partition.record.config.primary !== from) continue;
      if (partition.seatOf(to) !== undefined) continue;
      if (!plan.takeIfMay(partition, { kind: 'copy', from, to, cause: 'balance' })) continue;
      reached('cluster.balance.copyLead');
      return;
    }
  }
}

/** The largest difference between two servers that may lead. */
function spread(plan: BalancePlan, led: (node: NodeId) => number): number {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const { id } of plan.leaders) {
    const count = led(id);
    if (count < least) least = count;
    if (count > most) most = count;
  }
  return most - least;
}

type Chain = readonly PlannedMove[];

/** The shortest from a server that leads most to one that leads at least two less; null: there is none. */
function findChain(
  plan: BalancePlan,
  led: (node: NodeId) => number,
  partitionsOf: ReadonlyMap<NodeId, readonly Partition[]>,
): Chain | null {
  const least = Math.min(...plan.leaders.map(({ id }) => led(id)));
  const full = plan.leaders
    .map(({ id }) => id)
    .filter((id) => led(id) >= least + 2)
    .sort((a, b) => led(b) - led(a) || (a < b ? -1 : 1));
  for (const from of full) {
    const chain = chainFrom(plan, led, partitionsOf, from);
    if (chain !== null) return chain;
  }
  return null;
}

function chainFrom(
  plan: BalancePlan,
  led: (node: NodeId) => number,
  partitionsOf: ReadonlyMap<NodeId, readonly Partition[]>,
  from: NodeId,
): Chain | null {
  const cameBy = new Map<NodeId, PlannedMove>();
  const queue: NodeId[] = [from];
  for (let head = 0; head < queue.length; head++) {
    const node = queue[head]!;
    if (led(node) <= led(from) - 2) return backTo(cameBy, node, from);
    for (const [to, partition] of reachable(plan, partitionsOf.get(node) ?? [], node)) {
      if (to === from || cameBy.has(to)) continue;
      cameBy.set(to, { partition, move: { kind: 'lead', from: node, to, cause: 'balance' } });
      queue.push(to);
    }
  }
  return null;
}

/** For each server that `node` can hand a lead over to, the partition that evens their weights best. */
function reachable(
  plan: BalancePlan,
  partitions: readonly Partition[],
  node: NodeId,
): Map<NodeId, Partition> {
  const best = new Map<NodeId, Partition>();
  for (const partition of partitions) {
    if (!plan.isFree(partition)) continue;
    for (const to of followers(plan.state, partition)) {
      const other = best.get(to);
      if (other !== undefined && weightOf(other).requests >= weightOf(partition).requests) continue;
      if (plan.mayTake(partition, { kind: 'lead', from: node, to, cause: 'balance' })) {
        best.set(to, partition);
      }
    }
  }
  return best;
}

function backTo(cameBy: ReadonlyMap<NodeId, PlannedMove>, end: NodeId, from: NodeId): Chain {
  const chain: PlannedMove[] = [];
  for (let node = end; node !== from; ) {
    const step = cameBy.get(node)!;
    chain.push(step);
    node = step.move.from;
  }
  return chain;
}

function byPrimary(plan: BalancePlan, table: Table): Map<NodeId, Partition[]> {
  const map = new Map<NodeId, Partition[]>();
  for (const partition of table.partitions) {
    const { primary } = partition.record.config;
    if (primary === null || !isMovable(plan, partition)) continue;
    const list = map.get(primary);
    if (list === undefined) map.set(primary, [partition]);
    else list.push(partition);
  }
  return map;
}

function isMovable(plan: BalancePlan, partition: Partition): boolean {
  return plan.isFree(partition) && !plan.state.wishes.isIgnored(partition.table.app.appId);
}
