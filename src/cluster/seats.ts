/**
 * What a seat of a configuration, and the replica that belongs to it, are worth at present (guardian.ts says what the
 * states mean).
 */
import type { NodeId } from '../model/identity.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Holding, Partition } from './partition.ts';
import type { Seat } from './records.ts';

export type SeatState = 'live' | 'restarted' | 'missing' | 'failed' | 'dead';

/** Reports without a replica before it counts as missing: one may have been made before the replica was. */
export const MISSED_REPORTS_MAX = 2;

export function seatState(state: ClusterState, partition: Partition, seat: Seat): SeatState {
  const node = state.nodes.get(seat.node);
  if (node === undefined || !node.usable) return 'dead';
  if (node.incarnation !== seat.incarnation) return 'restarted';
  const holding = partition.holdingOf(seat.node, seat.incarnation);
  if (holding === undefined) return 'live';
  if (holding.present) return holding.failed ? 'failed' : 'live';
  const shouldHold = partition.ballot > 1 || partition.isMaterialised(seat.node);
  return shouldHold && holding.missedReports >= MISSED_REPORTS_MAX ? 'missing' : 'live';
}

/** A replica that its server's present life has reported whole. */
export function intactHolding(
  state: ClusterState,
  partition: Partition,
  node: NodeId,
): Holding | undefined {
  const server = state.nodes.get(node);
  if (server === undefined || !server.usable) return undefined;
  const holding = partition.holdingOf(node, server.incarnation);
  return holding?.present === true && !holding.failed ? holding : undefined;
}

/** For choosing among equals: who is to lead nothing comes last. */
export function leadsLess(state: ClusterState, a: NodeId, b: NodeId): boolean {
  const isDrained = state.wishes.isDrained(a);
  if (isDrained !== state.wishes.isDrained(b)) return !isDrained;
  const difference = state.primaryCountOf(a) - state.primaryCountOf(b);
  return difference !== 0 ? difference < 0 : a < b;
}
