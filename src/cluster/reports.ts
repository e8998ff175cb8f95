/**
 * Takes up what replica servers report, and finds what they should be told (docs/internals/replication.md,
 * "Configuration", 7). A report lists all replicas of its server, so what is not in it is not there.
 *
 * Who may be sent a configuration: a node in the life in which it holds its seat, or one that has no such seat. A
 * member that restarted is told nothing of the configuration in which its former life took part, or it would take
 * the old role again under the old ballot; the guardian puts it out first.
 */

import { assert } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';
import type { ReplicaReport, ReplicaState } from '../wire/generated/internal.ts';
import type { ClusterState } from './cluster-state.ts';
import { followTheNewest, lacksMembers } from './moves.ts';
import type { ServerNode } from './node-registry.ts';
import type { Holding, LearnerWish, Partition } from './partition.ts';

export class ReportBook {
  readonly #state: ClusterState;
  /** Partitions of which each node has a replica, as far as reported. */
  readonly #held = new Map<NodeId, Set<Partition>>();

  constructor(state: ClusterState) {
    this.#state = state;
  }

  /** Partitions of which the node reported a replica last. */
  heldBy(node: NodeId): ReadonlySet<Partition> {
    return this.#held.get(node) ?? NO_PARTITIONS;
  }

  /** Whether the report is of the node's present life and newer than the last one. */
  isCurrent(node: ServerNode, report: ReplicaReport): boolean {
    if (!node.usable || report.incarnation !== node.incarnation) return false;
    return report.sequence === 0 || report.sequence > node.reportSequence;
  }

  /** Returns the partitions about which something has changed that rules may hang on. */
  take(node: ServerNode, report: ReplicaReport, nowMs: number): Set<Partition> {
    assert(this.isCurrent(node, report), 'stale reports are not taken up');
    const isFirst = !node.reported;
    node.reported = true;
    node.shownMs = nowMs;
    node.reportSequence = Math.max(node.reportSequence, report.sequence);
    const touched = new Set<Partition>();
    const held = new Set<Partition>();
    for (const replica of report.replicas) {
      const partition = this.#state.partition(replica.gpid);
      if (partition === undefined) continue;
      held.add(partition);
      if (takeReplica(partition, node, replica, nowMs) || isFirst) touched.add(partition);
    }
    for (const partition of this.#state.hostedBy(node.id)) {
      if (!held.has(partition) && takeAbsence(partition, node)) touched.add(partition);
      else if (isFirst) touched.add(partition);
    }
    for (const partition of this.heldBy(node.id)) {
      if (held.has(partition)) continue;
      touched.add(partition);
      if (partition.seatOf(node.id) === undefined) partition.holdings.delete(node.id);
    }
    this.#held.set(node.id, held);
    return touched;
  }
}

const NO_PARTITIONS: ReadonlySet<Partition> = new Set();

/** Returns whether anything but counters of progress has changed. */
function takeReplica(
  partition: Partition,
  node: ServerNode,
  replica: ReplicaState,
  nowMs: number,
): boolean {
  const failed = replica.status === ReplicaStatus.error || replica.failure !== '';
  // What was committed before a lead was given by force may be gone.
  const isOfNow = replica.ballot >= (partition.record.forced?.ballot ?? 0);
  if (!failed && isOfNow && replica.lastCommittedDecree > partition.committedDecree) {
    partition.committedDecree = replica.lastCommittedDecree;
  }
  const holding = partition.holdings.get(node.id) ?? blankHolding(partition, node);
  const turned =
    !holding.present ||
    holding.incarnation !== node.incarnation ||
    holding.failed !== failed ||
    holding.tailUnproven !== replica.tailUnproven ||
    holding.status !== replica.status ||
    holding.ballot !== replica.ballot;
  holding.incarnation = node.incarnation;
  holding.present = true;
  holding.missedReports = 0;
  holding.failed = failed;
  holding.ballot = replica.ballot;
  holding.status = replica.status;
  holding.lastCommittedDecree = replica.lastCommittedDecree;
  holding.lastPreparedDecree = replica.lastPreparedDecree;
  holding.appliedDecree = replica.appliedDecree;
  holding.learnId = replica.learnId;
  holding.dataBytes = replica.dataBytes;
  holding.tailUnproven = replica.tailUnproven;
  holding.headBallot = replica.headBallot;
  holding.compactedSeconds = replica.compactedSeconds;
  noteUnits(holding, replica.capacityUnits, nowMs);
  if (partition.learner?.node === node.id && !failed)
    noteProgress(partition.learner, replica, nowMs);
  return turned;
}

/** A mean that forgets within a minute or so. */
function noteUnits(holding: Holding, units: number, nowMs: number): void {
  const passedMs = nowMs - holding.unitsAtMs;
  if (passedMs < UNITS_INTERVAL_MS) return;
  const isFirst = holding.unitsAtMs === Number.NEGATIVE_INFINITY || units < holding.units;
  const rate = isFirst ? 0 : ((units - holding.units) * 1_000) / passedMs;
  const share = isFirst ? 0 : Math.min(1, passedMs / UNITS_MEMORY_MS);
  holding.unitsPerSecond += (rate - holding.unitsPerSecond) * share;
  holding.units = units;
  holding.unitsAtMs = nowMs;
}

const UNITS_INTERVAL_MS = 5_000;
const UNITS_MEMORY_MS = 60_000;

function noteProgress(wish: LearnerWish, replica: ReplicaState, nowMs: number): void {
  const decrees = replica.lastPreparedDecree + replica.appliedDecree;
  if (decrees <= wish.decreesMost && replica.fetchedBytes <= wish.fetchedMost) return;
  wish.decreesMost = Math.max(wish.decreesMost, decrees);
  wish.fetchedMost = Math.max(wish.fetchedMost, replica.fetchedBytes);
  wish.progressAtMs = nowMs;
}

/** A member did not report its replica. Returns whether this may matter. */
function takeAbsence(partition: Partition, node: ServerNode): boolean {
  const holding = partition.holdings.get(node.id) ?? blankHolding(partition, node);
  if (holding.incarnation !== node.incarnation) holding.missedReports = 0;
  holding.incarnation = node.incarnation;
  holding.present = false;
  holding.missedReports += 1;
  return true;
}

function blankHolding(partition: Partition, node: ServerNode): Holding {
  const holding: Holding = {
    incarnation: node.incarnation,
    present: false,
    missedReports: 0,
    failed: false,
    ballot: 0,
    status: 0,
    lastCommittedDecree: 0,
    lastPreparedDecree: 0,
    appliedDecree: 0,
    learnId: 0,
    dataBytes: 0,
    tailUnproven: false,
    headBallot: 0,
    compactedSeconds: 0,
    units: 0,
    unitsAtMs: Number.NEGATIVE_INFINITY,
    unitsPerSecond: 0,
  };
  partition.holdings.set(node.id, holding);
  return holding;
}

/** May this node, in its present life, be sent the configuration of this partition? */
export function mayBeTold(partition: Partition, node: ServerNode): boolean {
  if (!node.usable || partition.isDoubted) return false;
  const seat = partition.seatOf(node.id);
  if (seat === undefined || seat.incarnation === node.incarnation) return true;
  // A seat that no life has taken yet, after a recall: nothing was ever done under this ballot.
  return seat.incarnation === 0;
}

/** Whether what the node reported last differs from what it should be, or there is something to repeat. */
export function needsPush(partition: Partition, node: ServerNode): boolean {
  if (partition.changing || !mayBeTold(partition, node)) return false;
  const holding = partition.holdingOf(node.id, node.incarnation);
  const seat = partition.seatOf(node.id);
  if (seat === undefined) {
    if (holding === undefined || !holding.present) return false;
    const { status } = holding;
    if (status === ReplicaStatus.primary || status === ReplicaStatus.secondary) return true;
    if (status !== ReplicaStatus.potentialSecondary) return false;
    // One that learns from the present primary may be chosen yet, by a meta server that has just started.
    if (partition.learner === null && lacksMembers(partition))
      return holding.ballot !== partition.ballot;
    return partition.learner?.node !== node.id;
  }
  if (holding === undefined || !holding.present) {
    // Only a member that never held the replica may begin with an empty one.
    return partition.ballot === 1 && !partition.isMaterialised(node.id);
  }
  const leads = partition.record.config.primary === node.id;
  const role = leads ? ReplicaStatus.primary : ReplicaStatus.secondary;
  if (holding.ballot !== partition.ballot || holding.status !== role) return true;
  return (leads && partition.learner !== null) || (partition.tablePushes.get(node.id) ?? 0) > 0;
}

/** Does the report claim a lead that another server has been given since? It may hold a lease for that no longer. */
export function claimsLostLead(
  state: ClusterState,
  node: ServerNode,
  report: ReplicaReport,
): boolean {
  return report.replicas.some((replica) => {
    if (replica.status !== ReplicaStatus.primary) return false;
    const config = state.partition(replica.gpid)?.record.config;
    return config !== undefined && config.primary !== node.id && replica.ballot < config.ballot;
  });
}

/**
 * Does the report claim a leadership that is not the node's, or not under this ballot? Or may it, when the report was
 * long on its way?
 */
export function claimsStaleLeadership(
  state: ClusterState,
  node: ServerNode,
  report: ReplicaReport,
): boolean {
  for (const replica of report.replicas) {
    const partition = state.partition(replica.gpid);
    if (partition === undefined) {
      // While its lease lapsed, another one may have been made primary, before the store was lost.
      const isStale = replica.status === ReplicaStatus.primary && !node.holdsLease;
      if (state.isForgetful && isStale) return true;
      // Of a table that this meta server has no record of: nobody else can have been made its primary either.
      continue;
    }
    const { config } = partition.record;
    // It may have been given the lead in between, and have lost it again, without saying so in this report.
    const isSecondary = replica.status === ReplicaStatus.secondary;
    if (isSecondary && replica.ballot + 1 < config.ballot) return true;
    if (replica.status !== ReplicaStatus.primary) continue;
    // What is under way may be that another one leads: the next report tells.
    if (partition.changing) {
      reached('cluster.lease.changeUnderWay');
      return true;
    }
    // While its lease lapsed, another one may have been made primary, in the part of the journal that may be lost.
    if (partition.isDoubted && (state.isOld || !node.holdsLease)) return true;
    if (config.primary !== node.id || config.ballot !== replica.ballot) return true;
    if (partition.seatOf(node.id)?.incarnation !== node.incarnation) return true;
  }
  return false;
}

/** Whether the node gets leases, by what it has just reported. Answers whether it does from now on. */
export function judgeLease(state: ClusterState, node: ServerNode, report: ReplicaReport): boolean {
  if (node.grantsLease) {
    // What it was granted leases for was an older report.
    node.grantsLease = !claimsLostLead(state, node, report);
    return false;
  }
  node.grantsLease = !claimsStaleLeadership(state, node, report);
  return node.grantsLease;
}

/** All wanted members are there and have taken their roles under the newest ballot. */
export function isHealthy(state: ClusterState, partition: Partition): boolean {
  if (lacksMembers(partition) || partition.changing || partition.learner !== null) return false;
  return followTheNewest(state, partition);
}

/**
 * Whether the node's copy is of no use any more: its table is dropped for good, or the partition has been healthy
 * without it for long enough. Copies of unknown tables are never given up: the meta server may be the one that
 * forgot.
 */
export function isForgettable(
  state: ClusterState,
  partition: Partition,
  node: ServerNode,
  now: { readonly monotonicMs: number; readonly wallSeconds: number },
  surplusDelayMs: number,
): boolean {
  if (partition.changing || partition.seatOf(node.id) !== undefined) return false;
  if (partition.learner?.node === node.id) return false;
  const { table } = partition;
  if (table.frozen) return false;
  if (!table.isAvailable) {
    const { expireSeconds } = table.app;
    return expireSeconds > 0 && now.wallSeconds >= expireSeconds;
  }
  if (partition.isDoubted || !isHealthy(state, partition)) {
    partition.healthySinceMs = Number.POSITIVE_INFINITY;
    return false;
  }
  if (partition.healthySinceMs === Number.POSITIVE_INFINITY) {
    partition.healthySinceMs = now.monotonicMs;
  }
  return now.monotonicMs - partition.healthySinceMs >= surplusDelayMs;
}
