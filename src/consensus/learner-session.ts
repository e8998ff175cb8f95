/**
 * The primary's side of one learning attempt, until the learner is attached as a peer.
 *
 * What the learner lacks decides the way: all in memory → attach; in the log → read it from there;
 * else a checkpoint. The learner drives: each of its requests says how far it is. So a lost message
 * costs a retry, never the attempt.
 */

import { assert } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import type { Decree, NodeId } from '../model/identity.ts';
import type { LearnRequest } from '../wire/generated/internal.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { DIGEST_NONE, type Mutation } from './mutation.ts';
import { packMutation } from './mutation-wire.ts';
import type { ReplicaState } from './replica-state.ts';

export interface CheckpointFile {
  readonly name: string;
  readonly size: number;
}

export type LearnDecision = 'attach' | 'wait';

export class LearnerSession {
  readonly node: NodeId;
  readonly learnId: number;
  lastHeardMs: number;
  private readonly state: ReplicaState;
  /** The request that a log read or checkpoint is under way for. */
  private request: LearnRequest | null = null;
  private checkpoint: {
    readonly id: string;
    readonly decree: Decree;
    readonly files: readonly CheckpointFile[];
  } | null = null;

  constructor(state: ReplicaState, node: NodeId, learnId: number, nowMs: number) {
    assert(learnId > 0, 'learn ids are positive');
    this.state = state;
    this.node = node;
    this.learnId = learnId;
    this.lastHeardMs = nowMs;
  }

  onLearnRequest(request: LearnRequest, nowMs: number): LearnDecision {
    this.lastHeardMs = nowMs;
    const { list, effects } = this.state;
    const applied = request.appliedDecree;
    effects.holdLog(this.learnId, (applied + 1) as Decree);
    if (applied > list.lastCommitted) {
      // Ahead of what is committed here: it takes over from a checkpoint unless its history is this
      // one.
      reached('consensus.session.learnerAhead');
      if (list.digestAt(applied) === request.digest) return 'wait';
      return this.offerCheckpoint(request, true);
    }
    const known = applied === 0 ? DIGEST_NONE : list.digestAt(applied);
    if (known !== null) {
      if (known !== request.digest) {
        reached('consensus.session.learnerDiverged');
        return this.offerCheckpoint(request, true);
      }
      if (applied + 1 >= list.oldestInMemory) return 'attach';
    }
    if (this.checkpoint !== null && this.checkpoint.decree > applied) {
      return this.offerCheckpoint(request, false);
    }
    reached('consensus.session.readsLog');
    this.request = request;
    effects.readLog(this.learnId, (applied + 1) as Decree);
    return 'wait';
  }

  /** `mutations` is null when the log no longer has them. */
  onLogRead(mutations: readonly Mutation[] | null): void {
    const request = this.request;
    if (request === null) return;
    this.request = null;
    const { list, effects, gpid } = this.state;
    const first = mutations?.[0];
    const fits =
      first !== undefined &&
      first.decree === request.appliedDecree + 1 &&
      first.previousDigest === request.digest;
    if (!fits) {
      reached('consensus.session.logUnfit');
      this.offerCheckpoint(request, first !== undefined);
      return;
    }
    const committed = mutations!.filter((mutation) => mutation.decree <= list.lastCommitted);
    effects.send(this.node, InternalMessage.learnMutations, {
      gpid,
      learnId: this.learnId,
      fromDecree: first.decree,
      mutations: committed.map(packMutation),
      lastCommittedDecree: list.lastCommitted,
    });
  }

  /** It has everything: prepares follow as there are writes, until then this tells it to follow. */
  sendNothingLacking(request: LearnRequest): void {
    this.state.effects.send(this.node, InternalMessage.learnMutations, {
      gpid: this.state.gpid,
      learnId: this.learnId,
      fromDecree: request.appliedDecree + 1,
      mutations: [],
      lastCommittedDecree: this.state.list.lastCommitted,
    });
  }

  onCheckpointMade(id: string, decree: Decree, files: readonly CheckpointFile[]): void {
    this.checkpoint = { id, decree, files };
    const request = this.request;
    this.request = null;
    if (request !== null) this.offerCheckpoint(request, true);
  }

  /**
   * `diverged`: what the learner has is of no use, so any checkpoint helps it, not only a newer
   * one.
   */
  private offerCheckpoint(request: LearnRequest, diverged: boolean): LearnDecision {
    const { effects, gpid } = this.state;
    const { checkpoint } = this;
    if (checkpoint === null || (!diverged && checkpoint.decree <= request.appliedDecree)) {
      reached('consensus.session.makesCheckpoint');
      this.checkpoint = null;
      this.request = request;
      effects.makeCheckpoint(this.learnId);
      return 'wait';
    }
    effects.holdLog(this.learnId, (checkpoint.decree + 1) as Decree);
    effects.send(this.node, InternalMessage.learnCheckpoint, {
      gpid,
      learnId: this.learnId,
      checkpointId: checkpoint.id,
      decree: checkpoint.decree,
      fileNames: checkpoint.files.map((file) => file.name),
      fileSizes: checkpoint.files.map((file) => file.size),
    });
    return 'wait';
  }
}
