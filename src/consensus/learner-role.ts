/**
 * A replica that catches up from the primary until it is attached.
 *
 * It drives the exchange: asks for what follows its committed decree, takes what comes, asks again.
 * Its uncommitted tail is dropped at the start: it is no member, so nothing depends on that tail,
 * and what of it was committed comes back. From the first `Prepare` on, or an empty `LearnMutations`
 * when there is nothing to prepare, it follows like a secondary (`follower`).
 */

import { assert } from '../base/assert.ts';
import type { NodeId } from '../model/identity.ts';
import type { LearnCheckpoint, LearnMutations, Prepare } from '../wire/generated/internal.ts';
import { Reader } from '../wire/reader.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { FollowerRole } from './follower-role.ts';
import { isIntact, type Mutation } from './mutation.ts';
import { unpackMutation } from './mutation-wire.ts';
import type { ReplicaState } from './replica-state.ts';

type LearnPhase = 'asking' | 'fetching' | 'following';

export class LearnerRole {
  readonly primary: NodeId;
  readonly learnId: number;
  private readonly state: ReplicaState;
  private phase: LearnPhase = 'asking';
  private askedAtMs = Number.NEGATIVE_INFINITY;
  private follower: FollowerRole | null = null;
  /** Received, and waiting for room in the prepare list. */
  private backlog: Mutation[] = [];

  constructor(state: ReplicaState, primary: NodeId, learnId: number) {
    assert(learnId > 0, 'learn ids are positive');
    this.state = state;
    this.primary = primary;
    this.learnId = learnId;
  }

  /** Attached: it has all that the primary has committed, or gets it in order. */
  get isFollowing(): boolean {
    return this.follower !== null;
  }

  start(nowMs: number): void {
    this.state.truncateAfter(this.state.list.lastCommitted);
    this.ask(nowMs);
  }

  onTick(nowMs: number): void {
    const late = nowMs - this.askedAtMs >= this.state.options.requestRetryMs;
    if (this.phase === 'asking' && late) this.ask(nowMs);
  }

  onLearnMutations(message: LearnMutations, nowMs: number): void {
    if (message.learnId !== this.learnId) return;
    if (message.mutations.length === 0) {
      this.onNothingLacking(message.fromDecree);
      return;
    }
    if (this.phase !== 'asking') return;
    if (this.backlog.length > 0) return;
    const reader = new Reader();
    this.backlog = message.mutations.map((bytes) => unpackMutation(bytes, reader));
    this.askedAtMs = nowMs;
    this.takeBacklog();
    this.onOwnProgress(nowMs);
  }

  onLearnCheckpoint(message: LearnCheckpoint): void {
    if (message.learnId !== this.learnId || this.phase !== 'asking') return;
    this.phase = 'fetching';
    this.state.truncateAfter(this.state.list.lastCommitted);
    this.state.effects.fetchCheckpoint(this.primary, message);
  }

  /** The engine has been replaced (`state` was reset to it), or could not be. */
  onCheckpointInstalled(learnId: number, nowMs: number): void {
    if (learnId !== this.learnId || this.phase !== 'fetching') return;
    this.phase = 'asking';
    this.ask(nowMs);
  }

  onPrepare(message: Prepare, nowMs: number): void {
    if (this.phase === 'fetching') return;
    if (this.follower === null) {
      if (message.decree > this.state.list.lastPrepared + 1) return;
      this.follow();
    }
    if (this.follower?.onPrepare(message) === 'diverged') this.startOver(nowMs);
  }

  onOwnProgress(nowMs: number): void {
    if (this.follower !== null) {
      this.follower.onOwnProgress();
      return;
    }
    const { list, lastLogged } = this.state;
    if (list.uncommittedCount === 0) return;
    // What a primary sends while learning is committed; here it is as soon as it is in the log.
    this.state.commitUpTo(lastLogged);
    this.takeBacklog();
    if (list.uncommittedCount === 0) this.ask(nowMs);
  }

  flushAck(): void {
    this.follower?.flushAck();
  }

  private ask(nowMs: number): void {
    const { list, gpid, config, effects, options } = this.state;
    this.askedAtMs = nowMs;
    if (list.uncommittedCount > 0) return;
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
  private onNothingLacking(fromDecree: number): void {
    if (this.phase === 'asking') {
      const { list } = this.state;
      if (list.uncommittedCount > 0 || fromDecree !== list.lastCommitted + 1) return;
      this.follow();
    }
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
    this.state.truncateAfter(this.state.list.lastCommitted);
    this.ask(nowMs);
  }

  private takeBacklog(): void {
    const { list } = this.state;
    let taken = 0;
    for (const mutation of this.backlog) {
      if (mutation.decree > list.lastPrepared) {
        if (!list.hasRoom()) break;
        if (!this.continues(mutation)) {
          taken = this.backlog.length;
          break;
        }
        this.state.append(mutation);
      }
      taken += 1;
    }
    this.backlog = this.backlog.slice(taken);
  }

  private continues(mutation: Mutation): boolean {
    const { list } = this.state;
    if (mutation.decree !== list.lastPrepared + 1) return false;
    if (mutation.previousDigest !== list.lastPreparedDigest()) return false;
    return isIntact(mutation);
  }
}
