/**
 * The rules by which the meta server itself changes a configuration (docs/internals/replication.md,
 * "Configuration", 3 and 5), as one function from what is known to the next record of a partition.
 *
 * A member holds its seat in one life of its server. It is
 *   live       alive in that life, and not known to be without its replica or to have it damaged
 *   restarted  its server lives another life; what the old one was trusted with is void
 *   missing    alive, but its replica is not there though it once was
 *   failed     alive, with a damaged replica
 *   dead       its server is not heard of
 * Whoever is not live is put out of the configuration, as long as somebody stays who holds all that was committed.
 *
 * Nothing is decided for a table that is dropped or frozen, nor while a change is under way.
 */
import { reached } from '../base/marks.ts';
import type { ClusterState } from './cluster-state.ts';
import { sharedRisk } from './fault-domains.ts';
import { chooseRestored } from './log-head.ts';
import { followTheNewest, isLeadMoving, moveSource } from './moves.ts';
import { annotatedRecord, nextRecord, type Partition } from './partition.ts';
import type { PartitionRecord, Seat } from './records.ts';
import { intactHolding, leadsLess, seatState } from './seats.ts';

export type ChangeReason =
  | 'materialise'
  | 'removeSecondary'
  | 'promoteSecondary'
  | 'yieldPrimary'
  | 'handOver'
  | 'restoreMember'
  | 'removeSurplus'
  | 'addSecondary'
  | 'giveUpLearner'
  | 'adopt'
  | 'drop'
  | 'recall';

export interface PlannedChange {
  readonly partition: Partition;
  readonly record: PartitionRecord;
  readonly reason: ChangeReason;
}

export { intactHolding, type SeatState, seatState } from './seats.ts';

export function isChangeable(partition: Partition): boolean {
  const { table, changing, isDoubted } = partition;
  return table.isAvailable && !table.frozen && !changing && !isDoubted;
}

export function decideChange(state: ClusterState, partition: Partition): PlannedChange | null {
  if (!isChangeable(partition)) return null;
  const noted = noteMembers(state, partition);
  if (noted !== null) return { partition, record: noted, reason: 'materialise' };

  const { config, seats } = partition.record;
  const live = seats.filter((seat) => seatState(state, partition, seat) === 'live');
  const primary = live.find((seat) => seat.node === config.primary);
  if (primary !== undefined) return decideUnderPrimary(state, partition, primary, live);
  const successor = bestSuccessor(state, partition, live);
  const isLast = live.length === 1;
  const lapseMs = state.nodes.reportLapseMs;
  if (successor !== null && !(isLast && isUnsureOf(state, partition, successor, lapseMs))) {
    reached('cluster.cure.promoted');
    const secondaries = live.filter((seat) => seat !== successor);
    const record = nextRecord(partition, { primary: successor, secondaries }, null);
    return { partition, record, reason: 'promoteSecondary' };
  }
  // A live secondary that has not shown its replica yet will do so; nobody else is better.
  if (live.length > 0) {
    reached('cluster.cure.waitsForReport');
    return null;
  }
  return decideRestoration(state, partition);
}

/**
 * Rule 3: who has reported the replica is materialised from then on. A member that restarted before it held
 * anything is as good as new and keeps its seat.
 */
function noteMembers(state: ClusterState, partition: Partition): PartitionRecord | null {
  const { record } = partition;
  if (record.materialised.length === record.seats.length) return null;
  let changed = false;
  const materialised = [...record.materialised];
  const seats = record.seats.map((seat) => {
    const node = state.nodes.get(seat.node);
    if (node === undefined || materialised.includes(seat.node)) return seat;
    const holding = partition.holdingOf(seat.node, node.incarnation);
    if (holding?.present === true) {
      materialised.push(seat.node);
      changed = true;
      return seat;
    }
    const isNew = partition.ballot === 1 && holding !== undefined && node.usable;
    if (!isNew || node.incarnation === seat.incarnation) return seat;
    reached('cluster.cure.rebornAsNew');
    changed = true;
    return { node: seat.node, incarnation: node.incarnation };
  });
  return changed ? annotatedRecord(record, seats, materialised) : null;
}

function decideUnderPrimary(
  state: ClusterState,
  partition: Partition,
  primary: Seat,
  live: readonly Seat[],
): PlannedChange | null {
  // Before the primary has made its replica under ballot 1 a second ballot would leave it without one.
  if (!partition.isMaterialised(primary.node)) return null;
  // Nobody is put out for the sake of a primary whose own replica may be gone.
  if (partition.holdingOf(primary.node, primary.incarnation)?.present === false) return null;
  const secondaries = live.filter((seat) => seat !== primary);
  if (live.length < partition.record.seats.length) {
    if (secondaries.length === 0 && isUnsureOf(state, partition, primary, 0)) {
      reached('cluster.cure.waitsForPrimary');
      return null;
    }
    const record = nextRecord(partition, { primary, secondaries }, null);
    return { partition, record, reason: 'removeSecondary' };
  }
  if (live.length > partition.table.app.maxReplicaCount) {
    // Nobody leaves before all that stay are known to follow, and a primary leaves by handing over.
    if (!followTheNewest(state, partition) || isLeadMoving(partition)) return null;
    reached('cluster.cure.surplus');
    const surplus = moveSource(partition, secondaries) ?? surplusOf(state, secondaries, live);
    const rest = secondaries.filter((seat) => seat !== surplus);
    const record = nextRecord(partition, { primary, secondaries: rest }, null);
    return { partition, record, reason: 'removeSurplus' };
  }
  return null;
}

/** Who is to be emptied; else who shares most of what may fail at once with the others; of equals, the fullest. */
function surplusOf(state: ClusterState, secondaries: readonly Seat[], all: readonly Seat[]): Seat {
  const emptied = secondaries.find((seat) => state.wishes.isEmptied(seat.node));
  if (emptied !== undefined) return emptied;
  const riskOf = (seat: Seat): number => {
    const others = all.filter((one) => one !== seat).map(({ node }) => state.nodes.labelsOf(node));
    return sharedRisk(state.nodes.labelsOf(seat.node), others);
  };
  return secondaries.reduce((a, b) => {
    const more = riskOf(b) - riskOf(a);
    const isFuller = state.replicaCountOf(b.node) > state.replicaCountOf(a.node);
    return more > 0 || (more === 0 && isFuller) ? b : a;
  });
}

/**
 * Whether what is known of the last live member may be from before the others were lost.
 *
 * When the power of a whole site fails, everybody falls silent at once, and secondaries may be back, or be counted
 * out, before the primary's grace is over. If they were put out for it then, and it never came back, nobody could lead
 * though their copies are whole. The same if all were cut off and it is the first to be heard again, but its disk has
 * failed meanwhile. So a member is left alone only if it has shown its replica since the others were lost. One that
 * follows a dead primary may have done so `allowanceMs` before: it is late already.
 */
function isUnsureOf(
  state: ClusterState,
  partition: Partition,
  last: Seat,
  allowanceMs: number,
): boolean {
  const shownMs = state.nodes.get(last.node)?.shownMs ?? Number.NEGATIVE_INFINITY;
  return partition.record.seats.some((seat) => {
    const seatIs = seatState(state, partition, seat);
    if (seatIs !== 'restarted' && seatIs !== 'dead') return false;
    const node = state.nodes.get(seat.node);
    return node !== undefined && shownMs <= node.turnedMs - allowanceMs;
  });
}

/** The live secondary with the longest log; of equals, the one that leads least. */
export function bestSuccessor(
  state: ClusterState,
  partition: Partition,
  live: readonly Seat[],
): Seat | null {
  let best: Seat | null = null;
  let bestDecree = -1;
  for (const seat of live) {
    const holding = intactHolding(state, partition, seat.node);
    if (holding === undefined) continue;
    const decree = holding.lastPreparedDecree;
    const better =
      best === null ||
      decree > bestDecree ||
      (decree === bestDecree && leadsLess(state, seat.node, best.node));
    if (!better) continue;
    best = seat;
    bestDecree = decree;
  }
  return best;
}

/**
 * Nobody with a valid seat is left. A member that came back in another life may lead if it shows its replica, and
 * with it all that is known to be committed. All others leave: they learn what they lack.
 */
function decideRestoration(state: ClusterState, partition: Partition): PlannedChange | null {
  const primary = chooseRestored(state, partition);
  if (primary === null) return null;
  reached('cluster.cure.restored');
  const record = nextRecord(partition, { primary, secondaries: [] }, null);
  return { partition, record, reason: 'restoreMember' };
}
