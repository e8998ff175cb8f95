/**
 * One replica of one partition: which role it has, and what each event means in that role.
 *
 * Roles come from configurations alone: the meta server's pushes, and the primary's group checks
 * for members and learners.
 *
 * Invariants:
 *  1. The ballot never goes back; what carries an older one is answered with the own or ignored.
 *  2. A replica that was just opened is inactive, whatever it was before: only a push of the meta
 *     server makes it primary, only a learn makes it secondary (the first configuration of a new
 *     table apart).
 *  3. `error` is final for this object; its files are untouched.
 */
import { assert, assertEqual } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import {
  type AppInfo,
  isMember,
  type PartitionConfiguration,
  ReplicaStatus,
} from '../model/configuration.ts';
import { configurationFromWire, tableFromWire } from '../model/configuration-wire.ts';
import type { Ballot, Decree, Gpid, NodeId } from '../model/identity.ts';
import type {
  GroupCheck,
  GroupCheckAck,
  LearnCheckpoint,
  LearnMutations,
  LearnRequest,
  Prepare,
  PrepareAck,
} from '../wire/generated/internal.ts';
import { PrepareResult } from '../wire/schema/internal.ts';
import { DIVERGED } from './divergence.ts';
import type { ReplicaCoreOptions, ReplicaEffects } from './effects.ts';
import { refusePrepare, sendGroupCheckAck } from './follower-answers.ts';
import { FollowerRole } from './follower-role.ts';
import { LeadershipYield } from './leadership-yield.ts';
import { LearnerRole } from './learner-role.ts';
import type { CheckpointFile } from './learner-session.ts';
import { isIntact, type Mutation } from './mutation.ts';
import { PrimaryRole } from './primary-role.ts';
import { ReplicaState } from './replica-state.ts';
import { SlowMembers } from './slow-members.ts';

export class ReplicaCore {
  readonly state: ReplicaState;
  private primary: PrimaryRole | null = null;
  private follower: FollowerRole | null = null;
  private learner: LearnerRole | null = null;
  /** Of the ballot under which this replica leads no more. */
  private yielded: LeadershipYield | null = null;
  /** The primary whose history is not this replica's; null = none such. See divergence.ts. */
  private divergedFrom: NodeId | null = null;
  /** Of the learn that it has failed in: its primary asks for this one. */
  private failedLearnId = 0;
  private readonly slowMembers: SlowMembers;
  private readonly nextLearnId: () => number;
  /** Newly made for the first configuration of its table: may become secondary without learning. */
  private readonly isNew: boolean;

  constructor(
    gpid: Gpid,
    self: NodeId,
    table: AppInfo,
    isNew: boolean,
    options: ReplicaCoreOptions,
    effects: ReplicaEffects,
    nextLearnId: () => number,
  ) {
    this.state = new ReplicaState(gpid, self, table, options, effects);
    this.slowMembers = new SlowMembers(options);
    this.isNew = isNew;
    this.nextLearnId = nextLearnId;
  }

  // ---- views ----

  /** Non-null while this replica leads. */
  get leading(): PrimaryRole | null {
    return this.primary;
  }

  get status(): ReplicaStatus {
    return this.state.status;
  }

  /** Of the current learn, as learner, or of the one that it has failed in; 0 if there is none. */
  get learnId(): number {
    return this.learner?.learnId ?? this.failedLearnId;
  }

  // ---- recovery, before any other event ----

  /** What was found on disk: the newest configuration seen, and what the engine holds. */
  onOpened(config: PartitionConfiguration, applied: Decree, digest: number): void {
    this.state.config = config;
    this.state.persistedBallot = config.ballot;
    this.state.reset(applied, digest);
  }

  /**
   * A record of the log, in log order. What the engine has already, what a later record replaces
   * and what does not continue this history (left over from before a learn) is passed over.
   */
  onReplay(mutation: Mutation): void {
    const { state } = this;
    const { list } = state;
    if (mutation.decree <= list.lastCommitted || !isIntact(mutation)) return;
    const existing = list.get(mutation.decree);
    if (existing !== null && existing.digest === mutation.digest) {
      if (mutation.ballot > existing.ballot) existing.ballot = mutation.ballot;
    } else {
      if (list.digestAt(mutation.decree - 1) !== mutation.previousDigest) {
        reached('consensus.replay.foreign');
        return;
      }
      if (existing !== null) reached('consensus.replay.replaced');
      state.truncateAfter((mutation.decree - 1) as Decree);
      mutation.logged = true;
      if (!list.hasRoom()) {
        this.fail('the log holds more uncommitted mutations than may be in flight');
        return;
      }
      state.append(mutation);
    }
    state.commitUpTo(Math.min(mutation.lastCommittedDecree, list.lastPrepared));
  }

  // ---- configuration ----

  /** From the meta server. `config` names this partition. */
  onConfigurationPush(table: AppInfo, config: PartitionConfiguration, nowMs: number): void {
    const { state } = this;
    if (state.status === ReplicaStatus.error || config.ballot < state.config.ballot) return;
    if (config.ballot === state.config.ballot && this.hasRole()) {
      this.refresh(table, config, nowMs);
      return;
    }
    if (config.ballot === this.yielded?.ballot) {
      reached('consensus.yield.pushed');
      return;
    }
    if (this.settleDivergence(config)) return;
    if (config.primary === state.self) this.becomePrimary(table, config, nowMs);
    // A recalled table has members before it has a primary: nobody plays a role in that.
    else if (config.primary === null) this.becomeInactive(table, config);
    else if (config.secondaries.includes(state.self)) this.becomeSecondary(table, config);
    else if (config.learner !== state.self || this.learner === null)
      this.becomeInactive(table, config);
  }

  /** From the primary, to a member or learner. */
  onGroupCheck(from: NodeId, message: GroupCheck, nowMs: number): void {
    const { state } = this;
    const config = configurationFromWire(message.configuration);
    const table = tableFromWire(message.table);
    if (config.primary !== from || config.ballot < state.config.ballot) {
      reached('consensus.check.stale');
      this.ackGroupCheck(from);
      return;
    }
    if (state.status !== ReplicaStatus.error)
      this.followGroupCheck(from, message, config, table, nowMs);
    this.ackGroupCheck(from);
  }

  onGroupCheckAck(from: NodeId, message: GroupCheckAck, nowMs: number): void {
    this.primary?.onGroupCheckAck(from, message, nowMs);
    if (this.primary?.isOddOneOut(nowMs) !== true) return;
    reached('consensus.primary.oddOneOut');
    this.fail(`${DIVERGED}: the history differs from that of every secondary`);
  }

  // ---- two-phase commit ----

  onPrepare(from: NodeId, message: Prepare, nowMs: number): void {
    const { state } = this;
    const { config } = state;
    if (message.ballot !== config.ballot || config.primary !== from) {
      if (message.ballot > config.ballot) {
        reached('consensus.prepare.unknownBallot');
        // Under the sender's ballot: it listens to no other.
        refusePrepare(this.state, from, PrepareResult.unknownBallot, message.ballot);
      } else {
        reached('consensus.prepare.staleBallot');
        refusePrepare(this.state, from, PrepareResult.staleBallot, config.ballot);
      }
      return;
    }
    if (this.follower !== null) {
      const result = this.follower.onPrepare(message);
      if (result === 'diverged') this.diverge(from);
    } else if (this.learner !== null) {
      this.learner.onPrepare(message, nowMs);
    } else if (this.divergedFrom !== null) {
      this.ackGroupCheck(from);
    } else if (state.status === ReplicaStatus.error || config.secondaries.includes(state.self)) {
      // A secondary by name only, as after a restart: the sooner it is out, the sooner it learns.
      reached('consensus.prepare.byNameOnly');
      refusePrepare(this.state, from, PrepareResult.failed, config.ballot);
    }
  }

  onPrepareAck(from: NodeId, message: PrepareAck, nowMs: number): void {
    this.primary?.onPrepareAck(from, message, nowMs);
  }

  onLogAppended(mutation: Mutation, nowMs: number): void {
    if (this.state.onLogAppended(mutation)) this.onOwnProgress(nowMs);
  }

  onConfigurationPersisted(ballot: Ballot, nowMs: number): void {
    if (ballot <= this.state.persistedBallot) return;
    this.state.persistedBallot = ballot;
    this.onOwnProgress(nowMs);
  }

  flushAcks(): void {
    this.follower?.flushAck();
    this.learner?.flushAck();
  }

  // ---- learning ----

  onLearnRequest(from: NodeId, message: LearnRequest, nowMs: number): void {
    this.primary?.onLearnRequest(from, message, nowMs);
  }

  onLogRead(learnId: number, mutations: readonly Mutation[] | null): void {
    this.primary?.onLogRead(learnId, mutations);
  }

  onCheckpointMade(
    learnId: number,
    id: string,
    decree: Decree,
    files: readonly CheckpointFile[],
  ): void {
    this.primary?.onCheckpointMade(learnId, id, decree, files);
  }

  onLearnMutations(from: NodeId, message: LearnMutations, nowMs: number): void {
    if (this.learner?.primary === from) this.learner.onLearnMutations(message, nowMs);
  }

  onLearnCheckpoint(from: NodeId, message: LearnCheckpoint): void {
    if (this.learner?.primary === from) this.learner.onLearnCheckpoint(message);
  }

  /** The engine was replaced and holds `decree`; its digest was read from it. */
  onCheckpointInstalled(learnId: number, decree: Decree, digest: number, nowMs: number): void {
    this.state.reset(decree, digest);
    this.learner?.onCheckpointInstalled(learnId, nowMs);
  }

  /** Nothing has changed; ask again. */
  onCheckpointFailed(learnId: number, nowMs: number): void {
    this.learner?.onCheckpointInstalled(learnId, nowMs);
  }

  // ---- time and trouble ----

  onTick(nowMs: number): void {
    this.primary?.onTick(nowMs);
    this.learner?.onTick(nowMs);
    this.yielded?.onTick(nowMs);
    this.watchSlowness(nowMs);
  }

  /** Stops leading, if enough members can go on without this one, and asks for another primary. */
  yieldLeadership(reason: string, nowMs: number): void {
    if (this.primary?.canSpare(this.state.self) === true) this.stopLeading(reason, nowMs);
  }

  /** The meta server knows that the others, who cannot be reached from here, are enough. */
  onYieldAsked(ballot: number, nowMs: number): void {
    if (this.primary === null || this.state.config.ballot !== ballot) return;
    this.stopLeading('cut off from all other members', nowMs);
  }

  /** Proposes nothing more, until the lead is handed over to that secondary. False: it cannot be. */
  pauseFor(ballot: number, successor: NodeId): boolean {
    const { primary, state } = this;
    if (primary === null || state.config.ballot !== ballot) return false;
    if (!state.config.secondaries.includes(successor)) return false;
    primary.isPausing = true;
    return true;
  }

  /** All that was proposed is committed: the secondary has it too. */
  handOver(successor: NodeId, nowMs: number): void {
    assert(this.primary?.isPausing === true, 'who hands over has paused');
    assertEqual(this.state.list.uncommittedCount, 0, 'what is under way is committed before');
    reached('consensus.yield.handedOver');
    this.stopLeading('handed over', nowMs, successor);
  }

  private stopLeading(reason: string, nowMs: number, successor: NodeId | null = null): void {
    const { state } = this;
    reached('consensus.yield.asked');
    this.leaveRoles();
    state.changeRole(ReplicaStatus.inactive, state.config, state.table);
    this.yielded = new LeadershipYield(state, reason, successor);
    this.yielded.onTick(nowMs);
  }

  /** It led under its present ballot and has stopped: it has all that it ever had. */
  private hasStopped(): boolean {
    return this.yielded !== null && this.yielded.ballot === this.state.config.ballot;
  }

  /** The replica cannot go on: closes all roles. Idempotent. */
  fail(reason: string): void {
    const { state } = this;
    if (state.status === ReplicaStatus.error) return;
    reached('consensus.failed');
    this.failedLearnId = this.learnId;
    this.leaveRoles();
    state.failure = reason;
    const { primary } = state.config;
    state.changeRole(ReplicaStatus.error, state.config, state.table);
    state.effects.failed(reason);
    if (primary !== null && primary !== state.self) this.ackGroupCheck(primary);
  }

  // ---- helpers ----

  /** Files and history stay as they are; the primary finds out whose is wrong. */
  private diverge(primary: NodeId): void {
    const { state } = this;
    reached('consensus.follower.diverged');
    this.leaveRoles();
    this.divergedFrom = primary;
    state.changeRole(ReplicaStatus.inactive, state.config, state.table);
    this.ackGroupCheck(primary);
  }

  /** True when the configuration leaves nothing to be done but to wait, or to fail. */
  private settleDivergence(config: PartitionConfiguration): boolean {
    const { divergedFrom, state } = this;
    if (divergedFrom === null) return false;
    if (config.primary !== divergedFrom) {
      // The other one was wrong, or is gone: with whom leads now it is found out anew.
      this.divergedFrom = null;
      return false;
    }
    if (config.secondaries.includes(state.self)) {
      if (config.ballot > state.config.ballot) {
        state.changeRole(ReplicaStatus.inactive, config, state.table);
      }
      return true;
    }
    this.divergedFrom = null;
    this.fail(`${DIVERGED}: the history differs from that of all other members`);
    return true;
  }

  private watchSlowness(nowMs: number): void {
    if (this.primary === null) return;
    if (this.primary.isHeldUp(nowMs)) {
      this.yieldLeadership('slow: its configuration cannot be stored', nowMs);
      return;
    }
    const { self } = this.state;
    const node = this.slowMembers.find(this.primary.lags(nowMs), nowMs);
    if (node === null || !this.primary.canSpare(node)) return;
    this.slowMembers.onNamed(node, nowMs);
    if (node !== self) this.primary.removeSlow(node, nowMs);
    else this.yieldLeadership('slow: its log holds all others up', nowMs);
  }

  private onOwnProgress(nowMs: number): void {
    this.primary?.onOwnProgress(nowMs);
    this.follower?.onOwnProgress();
    this.learner?.onOwnProgress(nowMs);
  }

  private hasRole(): boolean {
    return this.primary !== null || this.follower !== null || this.learner !== null;
  }

  /** Same ballot: members are the same; table settings and the learner wish may differ. */
  private refresh(table: AppInfo, config: PartitionConfiguration, nowMs: number): void {
    const { state } = this;
    assert(config.primary === state.config.primary, 'one ballot, one primary');
    state.changeRole(state.status, config, table);
    this.primary?.followLearnerWish(nowMs);
  }

  private becomePrimary(table: AppInfo, config: PartitionConfiguration, nowMs: number): void {
    const { state } = this;
    assert(config.ballot !== this.yielded?.ballot, 'a ballot that was given up is not taken up');
    const readableFrom = this.primary?.readableFrom ?? state.list.lastPrepared;
    if (this.primary !== null) reached('consensus.primary.reelected');
    if (this.learner !== null) reached('consensus.primary.wasLearner');
    this.leaveRoles();
    state.changeRole(ReplicaStatus.primary, config, table);
    this.primary = new PrimaryRole(state, readableFrom, this.nextLearnId, nowMs);
    this.primary.start(nowMs);
  }

  private becomeSecondary(table: AppInfo, config: PartitionConfiguration): void {
    const { state } = this;
    const fresh = this.isNew && state.config.ballot === 0 && config.ballot === 1;
    const follows = this.follower !== null || this.learner?.isFollowing === true;
    if (!fresh && !follows && this.primary === null && !this.hasStopped()) {
      // It was opened after a restart, or has not learned all: the primary will find out and start
      // a learn.
      reached('consensus.secondary.unlearned');
      this.becomeInactive(table, config);
      return;
    }
    assert(config.primary !== null, 'a secondary has a primary');
    this.leaveRoles();
    state.changeRole(ReplicaStatus.secondary, config, table);
    this.follower = new FollowerRole(state, config.primary);
  }

  private becomeInactive(table: AppInfo, config: PartitionConfiguration): void {
    if (
      config.ballot === this.state.config.ballot &&
      this.state.status === ReplicaStatus.inactive
    ) {
      return;
    }
    this.leaveRoles();
    this.state.changeRole(ReplicaStatus.inactive, config, table);
  }

  private becomeLearner(
    table: AppInfo,
    config: PartitionConfiguration,
    learnId: number,
    nowMs: number,
  ): void {
    const { state } = this;
    assert(config.primary !== null, 'a learner has a primary');
    this.leaveRoles();
    state.changeRole(ReplicaStatus.potentialSecondary, config, table);
    this.learner = new LearnerRole(state, config.primary, learnId);
    this.learner.start(nowMs);
  }

  private followGroupCheck(
    from: NodeId,
    message: GroupCheck,
    config: PartitionConfiguration,
    table: AppInfo,
    nowMs: number,
  ): void {
    const { state } = this;
    if (this.settleDivergence(config)) return;
    if (config.secondaries.includes(state.self)) {
      const adopted = config.ballot > state.config.ballot;
      if (adopted && (this.hasRole() || this.hasStopped())) this.becomeSecondary(table, config);
    } else if (config.learner === state.self && message.learnId > 0) {
      // A late invitation must not make the learner start over that a newer one has made.
      const known = this.learner?.primary === from ? this.learner.learnId : 0;
      if (config.ballot === state.config.ballot && message.learnId < known) {
        reached('consensus.learner.lateInvitation');
        return;
      }
      const same = known === message.learnId;
      if (!same || config.ballot > state.config.ballot) {
        this.becomeLearner(table, config, message.learnId, nowMs);
      }
    } else if (!isMember(config, state.self) && config.ballot > state.config.ballot) {
      this.becomeInactive(table, config);
    }
    if (config.ballot !== state.config.ballot) return;
    this.learner?.onCommitPoint(message.lastCommittedDecree, nowMs);
    if (this.follower === null) return;
    const decree = message.lastCommittedDecree as Decree;
    if (this.follower.onCommitPoint(decree, message.digest) === 'diverged') {
      this.diverge(config.primary!);
    }
  }

  private ackGroupCheck(to: NodeId): void {
    sendGroupCheckAck(this.state, to, this.learnId, this.divergedFrom === to);
  }

  private leaveRoles(): void {
    this.primary?.stop();
    this.primary = null;
    this.slowMembers.onRoleEnded();
    this.follower = null;
    this.learner = null;
    this.state.effects.abandonFetches(0);
  }
}
