/**
 * Emptying a server that is marked for it (wishes.ts): its leads go first, to whoever leads least of each table; then,
 * if all is to go, its copies, to whoever has least and shares least of what may fail at once. Nothing is given up for
 * it: a partition keeps all its members, and what has no place elsewhere stays and is said.
 */
import type { NodeId } from '../model/identity.ts';
import { followers, riskAt } from './balance-candidates.ts';
import type { BalancePlan } from './balance-plan.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Partition } from './partition.ts';
import type { Drain } from './records.ts';

export function planDrains(plan: BalancePlan): void {
  for (const { node, what } of plan.state.wishes.record.drains) {
    if (plan.state.nodes.get(node)?.usable !== true) continue;
    const leadsOn = drainLeads(plan, node);
    if (what === 'all' && !leadsOn) drainCopies(plan, node);
  }
}

/** Answers whether some lead is still to go. */
function drainLeads(plan: BalancePlan, from: NodeId): boolean {
  const { loads } = plan;
  let isAwaited = false;
  for (const partition of plan.state.hostedBy(from)) {
    if (partition.record.config.primary !== from) continue;
    const { table } = partition;
    const [to] = followers(plan.state, partition).sort(
      (a, b) =>
        loads.tablePrimaries(table, a) - loads.tablePrimaries(table, b) ||
        loads.primariesOf(a) - loads.primariesOf(b) ||
        (a < b ? -1 : 1),
    );
    if (to === undefined) continue;
    isAwaited = true;
    if (!plan.hasRoom(from, 'lead') || plan.isFull) break;
    plan.takeIfMay(partition, { kind: 'lead', from, to, cause: 'drain' });
  }
  return isAwaited;
}

function drainCopies(plan: BalancePlan, from: NodeId): void {
  for (const partition of plan.state.hostedBy(from)) {
    if (!plan.hasRoom(from, 'copy') || plan.isFull) return;
    if (!plan.isFree(partition)) continue;
    for (const to of refuges(plan, partition, from)) {
      if (plan.takeIfMay(partition, { kind: 'copy', from, to, cause: 'drain' })) break;
    }
  }
}

/** Servers that could take the copy, the best first. */
function refuges(plan: BalancePlan, partition: Partition, from: NodeId): NodeId[] {
  const { loads, state } = plan;
  const { table } = partition;
  return plan.hosts
    .filter((host) => partition.seatOf(host.id) === undefined)
    .map((host) => ({ id: host.id, risk: riskAt(state, partition, from, host.id) }))
    .sort(
      (a, b) =>
        a.risk - b.risk ||
        loads.tableReplicas(table, a.id) - loads.tableReplicas(table, b.id) ||
        loads.replicasOf(a.id) - loads.replicasOf(b.id) ||
        (a.id < b.id ? -1 : 1),
    )
    .map(({ id }) => id);
}

export interface DrainProgress extends Drain {
  readonly isAlive: boolean;
  readonly primaries: number;
  readonly replicas: number;
  readonly isDone: boolean;
  /** Why it does not go on; empty while it does, or is done. */
  readonly obstacle: string;
}

export function drainProgress(state: ClusterState, { node, what }: Drain): DrainProgress {
  const primaries = state.primaryCountOf(node);
  const replicas = state.replicaCountOf(node);
  const isDone = what === 'all' ? replicas === 0 : primaries === 0;
  const isAlive = state.nodes.get(node)?.usable === true;
  const obstacle = isDone ? '' : obstacleOf(state, node, what);
  return { node, what, isAlive, primaries, replicas, isDone, obstacle };
}

function obstacleOf(state: ClusterState, node: NodeId, what: Drain['what']): string {
  let stuck = 0;
  for (const partition of state.hostedBy(node)) {
    if (what === 'primaries' && partition.record.config.primary !== node) continue;
    const isEligible = (id: NodeId): boolean => state.nodes.get(id)?.usable === true && id !== node;
    const candidates =
      what === 'primaries'
        ? partition.record.seats.filter((seat) => isEligible(seat.node))
        : state.nodes
            .usableNodes()
            .filter(({ id }) => partition.seatOf(id) === undefined && !state.wishes.isEmptied(id));
    if (candidates.length === 0) stuck += 1;
  }
  if (stuck === 0) return '';
  return what === 'primaries'
    ? `${stuck} partitions have no other copy that could lead`
    : `no server is left that could take a copy of ${stuck} partitions`;
}
