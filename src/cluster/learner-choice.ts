/**
 * Rule 6 of "Configuration": which node a partition that lacks members asks to learn, and when it gives up on one.
 *
 * In this order:
 *  1. a node that is learning from this primary already (a new meta server finds it so),
 *  2. a node that holds an intact copy, former members first and the latest of them first,
 *  3. when those that left had their time to come back: a node that shares the least of what may fail at once with the
 *     members (fault-domains.ts), of these the one with the fewest replicas,
 *  4. a node with which it went wrong more than once lately (`LearnBackoff`), when it is its turn again.
 * Who is to get no copies (admission.ts) is not asked. Never more than `learnsPerNodeMax` at a time on one node, as
 * learner and as teacher.
 *
 * Giving up makes a new ballot with the same members. A request of the primary to make that learner a member may be
 * on its way; under the new ballot it is void, so that nobody has to guess its fate.
 */
import { reached } from '../base/marks.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';
import type { ClusterState } from './cluster-state.ts';
import { sharedRisk } from './fault-domains.ts';
import { intactHolding, isChangeable, type PlannedChange, seatState } from './guardian.ts';
import { lacksMembers, wantsMember } from './moves.ts';
import type { ServerNode } from './node-registry.ts';
import { type LearnerWish, nextRecord, type Partition } from './partition.ts';
import type { Seat } from './records.ts';
import { type ClusterSettings, writeFloor } from './settings.ts';

/** Learners under way, by the node that learns and by the primary that teaches. */
export class LearnCounts {
  readonly #learning = new Map<NodeId, number>();
  readonly #teaching = new Map<NodeId, number>();

  learningOn(node: NodeId): number {
    return this.#learning.get(node) ?? 0;
  }

  teachingOn(node: NodeId): number {
    return this.#teaching.get(node) ?? 0;
  }

  add(learner: NodeId, teacher: NodeId): void {
    this.#learning.set(learner, this.learningOn(learner) + 1);
    this.#teaching.set(teacher, this.teachingOn(teacher) + 1);
  }
}

export function countLearners(partitions: Iterable<Partition>): LearnCounts {
  const counts = new LearnCounts();
  for (const { learner, record } of partitions) {
    const { primary } = record.config;
    if (learner !== null && primary !== null) counts.add(learner.node, primary);
  }
  return counts;
}

/** The primary's seat when it is live and has its replica; without one nobody can learn. */
export function teachingSeat(state: ClusterState, partition: Partition): Seat | null {
  const { primary } = partition.record.config;
  if (primary === null) return null;
  const seat = partition.seatOf(primary);
  if (seat === undefined || !partition.isMaterialised(primary)) return null;
  return seatState(state, partition, seat) === 'live' ? seat : null;
}

/** Whether the wish that stands should be given up, and why. */
export function learnerTrouble(
  state: ClusterState,
  settings: ClusterSettings,
  partition: Partition,
  wish: LearnerWish,
  nowMs: number,
): 'gone' | 'failed' | 'stalled' | 'unwanted' | null {
  const node = state.nodes.get(wish.node);
  if (node === undefined || !node.usable || node.incarnation !== wish.incarnation) return 'gone';
  if (!wantsMember(partition)) {
    reached('cluster.learner.unwanted');
    return 'unwanted';
  }
  const holding = partition.holdingOf(wish.node, wish.incarnation);
  const learnFailed = holding?.present === true && holding.failed && holding.learnId > 0;
  const idleMs = nowMs - wish.progressAtMs;
  if (learnFailed && idleMs > settings.learnStallMs / 3) {
    reached('cluster.learner.failed');
    return 'failed';
  }
  return idleMs > settings.learnStallMs ? 'stalled' : null;
}

/** The same members under a new ballot. Null while another change is under way. */
export function planFence(partition: Partition): PlannedChange | null {
  if (!isChangeable(partition)) return null;
  const { config, seats } = partition.record;
  const primary = seats.find((seat) => seat.node === config.primary) ?? null;
  const secondaries = seats.filter((seat) => seat !== primary);
  const record = nextRecord(partition, { primary, secondaries }, null);
  return { partition, record, reason: 'giveUpLearner' };
}

export function chooseLearner(
  state: ClusterState,
  settings: ClusterSettings,
  counts: LearnCounts,
  partition: Partition,
  nowMs: number,
): ServerNode | null {
  if (!isChangeable(partition) || !lacksMembers(partition)) return null;
  const teacher = teachingSeat(state, partition);
  if (teacher === null) return null;
  if (counts.teachingOn(teacher.node) >= settings.learnsPerNodeMax) return null;
  const candidates = state.nodes
    .usableNodes()
    .filter((node) => isCandidate(state, settings, counts, partition, node, nowMs));
  const adopted = adoptable(state, partition, candidates);
  if (adopted !== null) return adopted;
  // Who is to be emptied learns only where nobody else could.
  const welcome = candidates.filter((node) => !state.wishes.isEmptied(node.id));
  const chosen = chooseAmong(state, settings, counts, partition, welcome, nowMs);
  if (chosen !== null || welcome.length > 0) return chosen;
  return chooseAmong(state, settings, counts, partition, candidates, nowMs);
}

function chooseAmong(
  state: ClusterState,
  settings: ClusterSettings,
  counts: LearnCounts,
  partition: Partition,
  candidates: readonly ServerNode[],
  nowMs: number,
): ServerNode | null {
  const isTroubled = (node: ServerNode): boolean =>
    state.admission.isUnstable(node) || partition.backoff.isTroubled(settings, node.id, nowMs);
  const untroubled = candidates.filter((node) => !isTroubled(node));
  const holder = copyHolder(state, partition, untroubled);
  if (holder !== null) return holder;
  if (mayReplace(state, settings, partition, nowMs)) {
    const fresh = leastShared(state, counts, partition, untroubled);
    if (fresh !== null) return fresh;
  }
  const troubled = candidates.filter(isTroubled);
  if (troubled.length > 0) reached('cluster.learner.troubled');
  return copyHolder(state, partition, troubled) ?? leastShared(state, counts, partition, troubled);
}

/** The partition cannot take writes as it is. */
function isUrgent(partition: Partition): boolean {
  return partition.record.seats.length < writeFloor(partition.table.app.maxReplicaCount);
}

function isCandidate(
  state: ClusterState,
  settings: ClusterSettings,
  counts: LearnCounts,
  partition: Partition,
  node: ServerNode,
  nowMs: number,
): boolean {
  if (!node.reported) return false;
  if (partition.seatOf(node.id) !== undefined) return false;
  const ban = state.admission.banOf(node);
  if (ban !== null && (ban !== 'unstable' || !isUrgent(partition))) {
    return false;
  }
  if (counts.learningOn(node.id) >= settings.learnsPerNodeMax) return false;
  return !partition.backoff.isAvoided(settings, node.id, isUrgent(partition), nowMs);
}

function adoptable(
  state: ClusterState,
  partition: Partition,
  candidates: readonly ServerNode[],
): ServerNode | null {
  for (const node of candidates) {
    const holding = intactHolding(state, partition, node.id);
    if (holding === undefined || holding.ballot !== partition.ballot) continue;
    if (holding.status !== ReplicaStatus.potentialSecondary) continue;
    reached('cluster.learner.adopted');
    return node;
  }
  return null;
}

function copyHolder(
  state: ClusterState,
  partition: Partition,
  candidates: readonly ServerNode[],
): ServerNode | null {
  let best: ServerNode | null = null;
  let bestRank = -1;
  let bestDecree = -1;
  for (const node of candidates) {
    const holding = intactHolding(state, partition, node.id);
    if (holding === undefined) continue;
    const rank = partition.record.drops.indexOf(node.id);
    const decree = holding.lastCommittedDecree;
    if (rank < bestRank || (rank === bestRank && best !== null && decree <= bestDecree)) continue;
    best = node;
    bestRank = rank;
    bestDecree = decree;
  }
  return best;
}

/** Whether it is time for a new copy instead of waiting for one that may come back. */
function mayReplace(
  state: ClusterState,
  settings: ClusterSettings,
  partition: Partition,
  nowMs: number,
): boolean {
  const { drops } = partition.record;
  const delayMs = isUrgent(partition)
    ? settings.urgentReplacementDelayMs
    : settings.replacementDelayMs;
  if (nowMs - partition.lastDropMs >= delayMs) return true;
  // Those that left may bring a copy as long as they are silent, or hold one that is not wanted just now.
  return drops.every((id) => {
    const node = state.nodes.get(id);
    if (node === undefined || !node.usable || !node.reported) return false;
    if (state.admission.banOf(node) !== null) return true;
    if (state.wishes.isEmptied(id)) return true;
    if (partition.backoff.isTroubled(settings, id, nowMs)) return true;
    return intactHolding(state, partition, id) === undefined;
  });
}

function leastShared(
  state: ClusterState,
  counts: LearnCounts,
  partition: Partition,
  candidates: readonly ServerNode[],
): ServerNode | null {
  const labels = partition.record.seats.map(({ node }) => state.nodes.labelsOf(node));
  let best: ServerNode | null = null;
  let bestRisk = 0;
  let bestLoad = 0;
  for (const node of candidates) {
    const risk = sharedRisk(node.labels, labels);
    const load = state.replicaCountOf(node.id) + counts.learningOn(node.id);
    const more = best === null ? -1 : risk - bestRisk || load - bestLoad;
    if (more > 0 || (more === 0 && best !== null && best.id < node.id)) continue;
    best = node;
    bestRisk = risk;
    bestLoad = load;
  }
  return best;
}
