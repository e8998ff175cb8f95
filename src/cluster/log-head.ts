/**
 * Who leads when every member's server has begun another life: a member that shows its replica, and with it the head
 * of its log.
 *
 * A member has all that was committed as long as its log kept what it acknowledged. With `durability = os` a cut of
 * power takes the end of the log, and the replica cannot know how much; its server notices that it happened (another
 * boot of its machine, no mark of an orderly end) and reports the tail as unproven. So:
 *
 *  1. A member whose tail is proven leads, at once. Of several, the one with the longest log.
 *  2. Those with unproven tails lead only when every member of the last configuration has shown what it has, or that
 *     it has nothing: whoever is missing may be the one that lost nothing. Then the highest head wins: the newest
 *     ballot in the log, then the decree.
 *  3. Nobody leads who shows less than what is known to be committed: the partition waits for people to decide.
 */
import { reached } from '../base/marks.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Holding, Partition } from './partition.ts';
import type { Seat } from './records.ts';
import { intactHolding, leadsLess, seatState } from './seats.ts';

interface Candidate {
  readonly seat: Seat;
  readonly holding: Holding;
}

/** In its present life; null while nobody may lead, or somebody better may yet show up. */
export function chooseRestored(state: ClusterState, partition: Partition): Seat | null {
  const proven: Candidate[] = [];
  const unproven: Candidate[] = [];
  let hasAllReported = true;
  for (const seat of partition.record.seats) {
    const node = state.nodes.get(seat.node);
    const life = node?.usable === true ? node.incarnation : 0;
    if (life === 0 || partition.holdingOf(seat.node, life) === undefined) hasAllReported = false;
    const holding = intactHolding(state, partition, seat.node);
    if (holding === undefined) continue;
    // A recalled table: who led it before has not heard yet that this is over. Wait until it has.
    if (seat.incarnation === 0 && holding.status === ReplicaStatus.primary) {
      reached('cluster.cure.waitsForFormerPrimary');
      return null;
    }
    if (seatState(state, partition, seat) !== 'restarted') continue;
    if (holding.lastPreparedDecree < partition.committedDecree) {
      reached('cluster.cure.tooShort');
      continue;
    }
    const candidate = { seat: { node: seat.node, incarnation: life }, holding };
    (holding.tailUnproven ? unproven : proven).push(candidate);
  }
  if (proven.length > 0) return best(state, proven, byDecree);
  if (unproven.length === 0) return null;
  if (!hasAllReported) {
    reached('cluster.cure.waitsForHeads');
    return null;
  }
  reached('cluster.cure.unprovenLeads');
  return best(state, unproven, byHead);
}

function byDecree(a: Holding, b: Holding): number {
  return a.lastPreparedDecree - b.lastPreparedDecree;
}

/** A ballot of 0 is unknown: all that the replica has is in its engine. */
function byHead(a: Holding, b: Holding): number {
  const isKnown = a.headBallot > 0 && b.headBallot > 0;
  return (isKnown ? a.headBallot - b.headBallot : 0) || byDecree(a, b);
}

/** Of equals, the one that leads least. */
function best(
  state: ClusterState,
  candidates: readonly Candidate[],
  compare: (a: Holding, b: Holding) => number,
): Seat {
  const chosen = candidates.reduce((a, b) => {
    const order = compare(b.holding, a.holding);
    return order > 0 || (order === 0 && leadsLess(state, b.seat.node, a.seat.node)) ? b : a;
  });
  return chosen.seat;
}
