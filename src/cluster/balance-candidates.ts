/** What the balance asks of a partition: who could lead it, where a copy of it would be as safe, what it weighs. */
import type { NodeId } from '../model/identity.ts';
import type { ClusterState } from './cluster-state.ts';
import { sharedRisk } from './fault-domains.ts';
import type { Partition } from './partition.ts';
import { intactHolding, seatState } from './seats.ts';

export interface Weight {
  readonly bytes: number;
  /** Capacity units per second, read and written. */
  readonly requests: number;
}

/** Of what its members have reported, the most. */
export function weightOf(partition: Partition): Weight {
  let bytes = 0;
  let requests = 0;
  for (const { node, incarnation } of partition.record.seats) {
    const holding = partition.holdingOf(node, incarnation);
    if (holding?.present !== true) continue;
    bytes = Math.max(bytes, holding.dataBytes);
    if (node === partition.record.config.primary) requests = holding.unitsPerSecond;
  }
  return { bytes, requests };
}

/** Secondaries that may be given the lead: live, whole, and not to be without leads. */
export function followers(state: ClusterState, partition: Partition): NodeId[] {
  return partition.record.config.secondaries.filter((node) => {
    const seat = partition.seatOf(node);
    if (seat === undefined || state.wishes.isDrained(node)) return false;
    if (seatState(state, partition, seat) !== 'live') return false;
    return intactHolding(state, partition, node) !== undefined;
  });
}

/** How much a copy at `node` shares of what may fail at once with the members other than `leaving`; less is better. */
export function riskAt(
  { nodes }: ClusterState,
  partition: Partition,
  leaving: NodeId,
  node: NodeId,
): number {
  const others = partition.record.seats
    .filter((seat) => seat.node !== leaving)
    .map((seat) => nodes.labelsOf(seat.node));
  return sharedRisk(nodes.labelsOf(node), others);
}

/** The copy shares no more of what may fail at once than it does now. */
export function isAsSafe(
  state: ClusterState,
  partition: Partition,
  from: NodeId,
  to: NodeId,
): boolean {
  return riskAt(state, partition, from, to) <= riskAt(state, partition, from, from);
}
