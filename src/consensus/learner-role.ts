/**
 * A replica that catches up from the primary until it is attached.
 *
 * It drives the exchange: asks for what follows its committed decree, takes what comes, asks again. It goes on asking
 * when it follows and hears nothing: the ack by which it is to be promoted may have been lost, and a primary without
 * writes sends nothing that would bring out another one.
 * Its uncommitted tail stays until the primary shows another history: a request to promote what it
 * acknowledged in this tail may still be on its way, and then the tail counts. From the first
 * `Prepare` on, or an empty `LearnMutations` when there is nothing to prepare, it follows like a
 * secondary (`follower`).
 */

import { assert } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import type { Decree, NodeId } from '../model/identity.ts';
import type { LearnCheckpoint, LearnMutations, Prepare } from '../wire/generated/internal.ts';
import { Reader } from '../wire/reader.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { FollowerRole } from './follower-role.ts';
import { isIntact, type Mutation } from './mutation.ts';
import { unpackMutation } from './mutation-wire.ts';
import type { ReplicaState } from './replica-state.ts';

/** So many unanswered retries a learner that follows may stay behind before it asks again. */
const BEHIND_RETRIES = 6;

type LearnPhase = 'asking' | 'fetching' | 'following';

export class LearnerRole {
  readonly primary: NodeId;
  readonly learnId: number;
  private readonly state: ReplicaState;
  private phase: LearnPhase = 'asking';
  /** Since when it has neither asked nor got on. */
  private quietSinceMs = Number.NEGATIVE_INFINITY;
  private follower: FollowerRole | null = null;
  /** Up to here the primary is known to have the same, while asking. */
  private confirmed: number;
  /** Since when it follows without getting on, while the primary has committed more; NaN if not. */
  private behindSinceMs = Number.NaN;
  /** What was committed here at the last group check. */
  private lastOwn = 0;
  /** Received, and waiting for room in the prepare list. */
  private backlog: Mutation[] = [];

  constructor(state: ReplicaState, primary: NodeId, learnId: number) {
    assert(learnId > 0, 'learn ids are positive');
    this.state = state;
    this.primary = primary;
    this.learnId = learnId;
    this.confirmed = state.list.lastCommitted;
  }

  /** Attached: it has all that the primary has committed, or gets it in order. */
  get isFollowing(): boolean {
    return this.follower !== null;
  }

  start(nowMs: number): void {
    this.ask(nowMs);
  }

  onTick(nowMs: number): void {
    const { requestRetryMs } = this.state.options;
    const late = nowMs - this.quietSinceMs >= requestRetryMs;
    if (this.phase === 'asking' && late) this.ask(nowMs);
    if (this.follower === null) return;
    const isStuck = this.state.list.lastCommitted <= this.lastOwn;
    const isBehind = isStuck && nowMs - this.behindSinceMs >= BEHIND_RETRIES * requestRetryMs;
    if (isBehind) {
      // A late prepare may have made it follow although the primary has not attached it (any more).
      reached('consensus.learner.followsInVain');
      this.startOver(nowMs);
    } else if (late && this.hasLoggedAll()) {
      // It follows on: the primary attaches it again, or ignores this when its promotion is under way.
      reached('consensus.learner.asksOn');
      this.ask(nowMs);
    }
  }

  /** The primary's commit point, from a group check. */
  onCommitPoint(lastCommitted: number, nowMs: number): void {
    const own = this.state.list.lastCommitted;
    if (this.follower === null || lastCommitted <= own) this.behindSinceMs = Number.NaN;
    else if (own > this.lastOwn || Number.isNaN(this.behindSinceMs)) this.behindSinceMs = nowMs;
    this.lastOwn = own;
  }

  onLearnMutations(message: LearnMutations, nowMs: number): void {
    if (message.learnId !== this.learnId) return;
    if (message.mutations.length === 0) {
      this.onNothingLacking(message.fromDecree, nowMs);
      return;
    }
    if (this.phase !== 'asking') return;
    if (this.backlog.length > 0) {
      reached('consensus.learner.backlogWaits');
      return;
    }
    const reader = new Reader();
    this.backlog = message.mutations.map((bytes) => unpackMutation(bytes, reader));
    this.quietSinceMs = nowMs;
    this.takeBacklog();
    this.onOwnProgress(nowMs);
  }

  onLearnCheckpoint(message: LearnCheckpoint): void {
    if (message.learnId !== this.learnId || this.phase !== 'asking') return;
    this.phase = 'fetching';
    this.state.effects.fetchCheckpoint(this.primary, message);
  }

  /** The engine has been replaced (`state` was reset to it), or could not be. */
  onCheckpointInstalled(learnId: number, nowMs: number): void {
    if (learnId !== this.learnId || this.phase !== 'fetching') return;
    this.phase = 'asking';
    this.confirmed = this.state.list.lastCommitted;
    this.ask(nowMs);
  }

  onPrepare(message: Prepare, nowMs: number): void {
    if (this.phase === 'fetching') return;
    if (this.follower === null) {
      if (message.decree > this.state.list.lastPrepared + 1) return;
      this.follow();
    }
    this.quietSinceMs = nowMs;
    if (this.follower?.onPrepare(message) === 'diverged') {
      reached('consensus.learner.diverged');
      this.startOver(nowMs);
    }
  }

  onOwnProgress(nowMs: number): void {
    if (this.follower !== null) {
      this.follower.onOwnProgress();
      return;
    }
    if (this.hasAllConfirmed()) return;
    // What a primary sends while learning is committed; here it is as soon as it is in the log.
    this.state.commitUpTo(this.confirmed);
    this.takeBacklog();
    if (this.hasAllConfirmed()) this.ask(nowMs);
  }

  flushAck(): void {
    this.follower?.flushAck();
  }

  private ask(nowMs: number): void {
    const { list, gpid, config, effects, options } = this.state;
    this.quietSinceMs = nowMs;
    if (!this.hasAllConfirmed()) return;
    effects.send(this.primary, InternalMessage.learnRequest, {
      gpid,
      ballot: config.ballot,
      learnId: this.learnId,
      appliedDecree: list.lastCommitted,
      digest: list.lastCommittedDigest,
      incarnation: options.incarnation,
    });
  }

  /** The primary has attached this learner and has nothing from `fromDecree` on to prepare yet. */
  private onNothingLacking(fromDecree: number, nowMs: number): void {
    if (this.phase === 'asking') {
      const { list } = this.state;
      if (!this.hasAllConfirmed() || fromDecree !== list.lastCommitted + 1) return;
      this.follow();
    }
    this.quietSinceMs = nowMs;
    this.follower?.onOwnProgress();
  }

  private follow(): void {
    this.phase = 'following';
    this.backlog = [];
    this.follower = new FollowerRole(this.state, this.primary);
  }

  private startOver(nowMs: number): void {
    this.follower = null;
    this.phase = 'asking';
    this.confirmed = this.state.list.lastCommitted;
    this.behindSinceMs = Number.NaN;
    this.ask(nowMs);
  }

  private hasAllConfirmed(): boolean {
    return this.state.list.lastCommitted >= this.confirmed;
  }

  /** What is on its way to the log is acknowledged from there. */
  private hasLoggedAll(): boolean {
    return this.state.lastLogged === this.state.list.lastPrepared;
  }

  private takeBacklog(): void {
    let taken = 0;
    for (const mutation of this.backlog) {
      const result = this.take(mutation);
      if (result === 'full') {
        reached('consensus.learner.windowFull');
        break;
      }
      if (result === 'unfit') {
        reached('consensus.learner.unfit');
        taken = this.backlog.length;
        break;
      }
      taken += 1;
    }
    this.backlog = this.backlog.slice(taken);
  }

  /**
   * What is committed at the primary replaces what is not known to be, and confirms what is the
   * same.
   */
  private take(mutation: Mutation): 'taken' | 'full' | 'unfit' {
    const { list } = this.state;
    const { decree } = mutation;
    if (decree <= list.lastCommitted) return 'taken';
    if (decree > list.lastPrepared + 1) return 'unfit';
    const existing = list.get(decree);
    if (existing?.digest !== mutation.digest) {
      if (existing !== null) reached('consensus.learner.tailReplaced');
      const fits = list.digestAt(decree - 1) === mutation.previousDigest && isIntact(mutation);
      if (!fits) return 'unfit';
      this.state.truncateAfter((decree - 1) as Decree);
      if (!list.hasRoom()) return 'full';
      this.state.append(mutation);
    }
    if (decree > this.confirmed) this.confirmed = decree;
    return 'taken';
  }
}
