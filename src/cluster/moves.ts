/**
 * A move of a partition: its lead goes from the primary to one of its secondaries, or a copy goes from one server to
 * another. Wanted by the balance, by a drain or by an administrator; one per partition at a time.
 *
 * A move is a wish in memory, looked at again and again (docs/internals/replication.md, "Configuration", 10). Every
 * step is a change that could be made without it, so whatever dies in the middle leaves a partition that the guardian
 * knows what to do with, and nothing has to be taken back:
 *
 *  lead   the primary is asked to hand over; when it has stopped, a new ballot under the other one.
 *  copy   1. the target learns, as one member more than is wanted,
 *         2. when it and all others follow, the source leaves. Was that the primary, it hands over to the target.
 *
 * So there are never fewer live members than before. A partition that loses a member meanwhile gives the move up: the
 * target that learns is then the replacement, and a target that has learned already has replaced it.
 */
import { ReplicaStatus } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Partition } from './partition.ts';
import type { Seat } from './records.ts';
import { intactHolding, seatState } from './seats.ts';

export type MoveCause = 'balance' | 'drain' | 'command';

export interface Move {
  readonly kind: 'lead' | 'copy';
  /** Leads now, or has the copy that is to go. */
  readonly from: NodeId;
  readonly to: NodeId;
  readonly cause: MoveCause;
}

/** A move that was begun. */
export interface StandingMove extends Move {
  readonly beganMs: number;
  /** Since when its present step is late, unless somebody learns. */
  stepMs: number;
  /** When the primary was last asked to hand over. */
  askedMs: number;
}

/** A hand-over is over in a moment; a copy keeps two servers busy. */
export function moveWeight(kind: Move['kind']): number {
  return kind === 'lead' ? 1 : 4;
}

/** The copy is to be made at the target first. */
export function awaitsCopy(partition: Partition): boolean {
  const { move, record } = partition;
  if (move?.kind !== 'copy' || partition.seatOf(move.to) !== undefined) return false;
  return record.seats.length === partition.table.app.maxReplicaCount;
}

export function lacksMembers(partition: Partition): boolean {
  return partition.record.seats.length < partition.table.app.maxReplicaCount;
}

/** Whether there is a place for a learner. */
export function wantsMember(partition: Partition): boolean {
  return lacksMembers(partition) || awaitsCopy(partition);
}

/** All members are live, hold the replica and have taken their roles under the newest ballot. */
export function followTheNewest(state: ClusterState, partition: Partition): boolean {
  const { config, seats } = partition.record;
  return seats.every((seat) => {
    if (seatState(state, partition, seat) !== 'live') return false;
    const holding = intactHolding(state, partition, seat.node);
    if (holding === undefined || holding.ballot !== config.ballot) return false;
    const role = seat.node === config.primary ? ReplicaStatus.primary : ReplicaStatus.secondary;
    return holding.status === role;
  });
}

/** Who leaves a partition that has a member too many because of its move. */
export function moveSource(partition: Partition, secondaries: readonly Seat[]): Seat | null {
  const { move } = partition;
  if (move?.kind !== 'copy' || partition.seatOf(move.to) === undefined) return null;
  return secondaries.find((seat) => seat.node === move.from) ?? null;
}

/** The primary is to hand over to the target, now that this one follows. */
export function isLeadMoving(partition: Partition): boolean {
  const { move, record } = partition;
  if (move === null || record.config.primary !== move.from) return false;
  return partition.seatOf(move.to) !== undefined;
}

/** Why the move cannot go on, or that it is done; null: it goes on. */
export function moveEnd(state: ClusterState, partition: Partition, move: Move): MoveEnd | null {
  const { record, table } = partition;
  const { primary } = record.config;
  const source = partition.seatOf(move.from);
  const target = partition.seatOf(move.to);
  if (!table.isAvailable) return 'the table is gone';
  if (move.kind === 'lead' && primary === move.to) return 'done';
  if (move.kind === 'copy' && target !== undefined && source === undefined) return 'done';
  if (lacksMembers(partition)) return 'a member is missing';
  if (source === undefined || seatState(state, partition, source) !== 'live') {
    return 'the source is gone';
  }
  if (move.kind === 'lead' && primary !== move.from) return 'the source does not lead';
  if (target !== undefined) {
    if (seatState(state, partition, target) !== 'live') return 'the target is gone';
    const isFull = record.seats.length <= table.app.maxReplicaCount;
    return move.kind === 'copy' && isFull ? 'another member has left' : null;
  }
  if (move.kind === 'lead') return 'the target is gone';
  return state.nodes.get(move.to)?.usable === true ? null : 'the target is gone';
}

export type MoveEnd =
  | 'done'
  | 'a member is missing'
  | 'another member has left'
  | 'it takes too long'
  | 'the source does not lead'
  | 'the source is gone'
  | 'the table is gone'
  | 'the target could not learn'
  | 'the target is gone'
  | 'called off';

/** To be looked at as time goes by. */
export function isNeedy(state: ClusterState, partition: Partition): boolean {
  if (!partition.table.isAvailable) return false;
  if (partition.isDoubted || lacksMembers(partition)) return true;
  if (partition.learner !== null || partition.move !== null) return true;
  return partition.record.seats.some((seat) => seatState(state, partition, seat) !== 'live');
}
