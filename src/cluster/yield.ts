/**
 * A primary that cannot go on (its disk is full, or holds all others up) has stopped, and asks for another one; or one
 * that was asked to hand over has stopped (moves.ts).
 *
 * It never leads again under the ballot of its request, so the answer is a new ballot in any case: under another
 * primary and without it, or, when no other member can lead, with the same members under itself.
 */
import { reached } from '../base/marks.ts';
import type { NodeId } from '../model/identity.ts';
import type { ClusterState } from './cluster-state.ts';
import { bestSuccessor, intactHolding, type PlannedChange, seatState } from './guardian.ts';
import { planFence } from './learner-choice.ts';
import { nextRecord, type Partition } from './partition.ts';

/** `mayReplace`: the automatism that changes members is on. */
export function planYield(
  state: ClusterState,
  partition: Partition,
  mayReplace: boolean,
): PlannedChange | null {
  const { config, seats } = partition.record;
  const live = seats.filter(
    (seat) => seat.node !== config.primary && seatState(state, partition, seat) === 'live',
  );
  const successor = mayReplace ? bestSuccessor(state, partition, live) : null;
  if (successor === null) {
    reached('cluster.yield.alone');
    return planFence(partition);
  }
  reached('cluster.yield.granted');
  const secondaries = live.filter((seat) => seat !== successor);
  const record = nextRecord(partition, { primary: successor, secondaries }, null);
  return { partition, record, reason: 'yieldPrimary' };
}

/**
 * The primary has committed all that it had prepared: each member has all there is. It stays, unless its copy moves.
 */
export function planHandover(
  state: ClusterState,
  partition: Partition,
  mayReplace: boolean,
  successor: NodeId,
): PlannedChange | null {
  const { config, seats } = partition.record;
  const live = seats.filter((seat) => seatState(state, partition, seat) === 'live');
  const next = live.find((seat) => seat.node === successor && seat.node !== config.primary);
  const isWhole = next !== undefined && intactHolding(state, partition, successor) !== undefined;
  if (!mayReplace || !isWhole) {
    reached('cluster.yield.notHandedOver');
    return planFence(partition);
  }
  reached('cluster.yield.handedOver');
  const { move } = partition;
  const isSurplus = live.length > partition.table.app.maxReplicaCount;
  const isMoved = move?.kind === 'copy' && move.to === successor && move.from === config.primary;
  const secondaries = live.filter(
    (seat) => seat !== next && !(isMoved && isSurplus && seat.node === config.primary),
  );
  const record = nextRecord(partition, { primary: next, secondaries }, null);
  return { partition, record, reason: 'handOver' };
}
