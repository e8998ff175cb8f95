/**
 * Rule 4 of "Configuration": what a primary asks for is granted or not by comparing with what is
 * known.
 *
 * A primary must count on its request until the ballot has changed: a copy of it may be on its way.
 * `removeSecondary` for a node that is no member (a learner whose admission is unresolved)
 * therefore makes a new ballot with the same members, under which the older request is void.
 */
import { reached } from '../base/marks.ts';
import type { NodeId } from '../model/identity.ts';
import type { ConfigurationUpdate } from '../wire/generated/internal.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import { MetaLevel } from '../wire/schema/meta.ts';
import type { ClusterState } from './cluster-state.ts';
import { isChangeable, type PlannedChange } from './guardian.ts';
import { planFence } from './learner-choice.ts';
import { lacksMembers, wantsMember } from './moves.ts';
import type { ServerNode } from './node-registry.ts';
import { nextRecord, type Partition } from './partition.ts';
import type { Seat } from './records.ts';
import { planHandover, planYield } from './yield.ts';

/** How a primary begins its reason when a member does answer, but holds all others up. */
const SLOW_PREFIX = 'slow';

/** Somebody leaves because something is wrong. */
export function isRemoval({ change }: ConfigurationUpdate): boolean {
  const { removeSecondary, yieldPrimary } = ConfigurationChange;
  return change === removeSecondary || change === yieldPrimary;
}

export function isSlowness(reason: string): boolean {
  return reason.startsWith(SLOW_PREFIX);
}

/** Null = refused or nothing to do. The sender leads the partition under its newest ballot. */
export function planUpdate(
  state: ClusterState,
  level: MetaLevel,
  partition: Partition,
  update: ConfigurationUpdate,
): PlannedChange | null {
  if (!isChangeable(partition)) return null;
  if (update.change === ConfigurationChange.yieldPrimary) {
    return planYield(state, partition, level >= MetaLevel.freezed);
  }
  if (update.change === ConfigurationChange.handOver) {
    return planHandover(state, partition, level >= MetaLevel.freezed, update.node as NodeId);
  }
  if (level < MetaLevel.freezed) return null;
  const { config, seats } = partition.record;
  const primary = seats.find((seat) => seat.node === config.primary);
  if (primary === undefined) return null;
  switch (update.change) {
    case ConfigurationChange.removeSecondary:
      return planRemoval(partition, primary, update.node);
    case ConfigurationChange.addSecondary:
      // A new primary admits nobody before it has committed again what is known to be committed.
      if (update.lastCommittedDecree < partition.committedDecree) {
        reached('cluster.update.tooEarly');
        return null;
      }
      return level > MetaLevel.freezed ? planAdmission(state, partition, primary, update) : null;
    default:
      return null;
  }
}

function planRemoval(partition: Partition, primary: Seat, node: string): PlannedChange | null {
  const { seats } = partition.record;
  if (node === primary.node) return null;
  if (!seats.some((seat) => seat.node === node)) {
    reached('cluster.update.fence');
    return planFence(partition);
  }
  const secondaries = seats.filter((seat) => seat !== primary && seat.node !== node);
  const record = nextRecord(partition, { primary, secondaries }, null);
  return { partition, record, reason: 'removeSecondary' };
}

/**
 * The learner that the primary asks for, when it is not the one that stands; null if it cannot be. A
 * meta server that was away may have chosen anew, while the primary must count on its request:
 * neither would give way. Giving up on a learner makes a new ballot, so a request under the present
 * one is for a learner that nobody has given up.
 */
export function otherLearner(
  state: ClusterState,
  partition: Partition,
  update: ConfigurationUpdate,
): ServerNode | null {
  const node = update.node as NodeId;
  if (update.change !== ConfigurationChange.addSecondary || !lacksMembers(partition)) return null;
  if (partition.learner?.node === node || partition.seatOf(node) !== undefined) return null;
  const server = state.nodes.get(node);
  return server?.usable === true && server.incarnation === update.incarnation ? server : null;
}

/**
 * Only the learner that stands may join, in the life in which it was chosen and in which it has
 * caught up: a primary may not have noticed yet that its learner has begun another.
 */
function planAdmission(
  state: ClusterState,
  partition: Partition,
  primary: Seat,
  update: ConfigurationUpdate,
): PlannedChange | null {
  const wish = partition.learner;
  if (!wantsMember(partition)) {
    // Of a move that nobody knows of any more: the primary must count on its request until the ballot changes.
    reached('cluster.update.notWanted');
    return planFence(partition);
  }
  if (wish === null || wish.node !== update.node) return null;
  const server = state.nodes.get(wish.node);
  if (server === undefined || !server.usable) return null;
  if (server.incarnation !== wish.incarnation) {
    reached('cluster.update.learnerReborn');
    return null;
  }
  if (update.incarnation !== wish.incarnation) return null;
  const joined: Seat = { node: wish.node, incarnation: wish.incarnation };
  const secondaries = [...partition.record.seats.filter((seat) => seat !== primary), joined];
  const record = nextRecord(partition, { primary, secondaries }, joined.node);
  return { partition, record, reason: 'addSecondary' };
}
