/**
 * A replica that leads its partition under one ballot: two-phase commit, learners, and requests for
 * changes of the configuration. A new ballot makes a new object, so state of an older one cannot
 * leak into it.
 *
 * Invariants:
 *  1. A mutation is committed only when it is in the own log and every peer that counts has
 *     acknowledged it under this ballot.
 *  2. Every secondary counts. A learner counts from the moment that it has caught up, and stays
 *     counted until the meta server has decided on its promotion.
 *  3. One request to the meta server is under way at a time, until a new ballot ends this object
 *     (change-request.ts).
 *  4. Below the write floor nothing is committed but what was inherited (write-floor.ts).
 *  5. Nothing is prepared, and no peer hears of the ballot, before it is stored here. Otherwise a meta server that came
 *     back with an older state could not find out that it was in use, and would give it to somebody else.
 */
import { assert, assertAtMost } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import { isMember, ReplicaStatus } from '../model/configuration.ts';
import { configurationToWire, tableToWire } from '../model/configuration-wire.ts';
import { type Ballot, type Decree, type NodeId, toDecree } from '../model/identity.ts';
import type { GroupCheckAck, LearnRequest, PrepareAck } from '../wire/generated/internal.ts';
import { InternalMessage, PrepareResult } from '../wire/schema/internal.ts';
import { ChangeRequest } from './change-request.ts';
import { comparedHistory, DIVERGED, DivergenceCourt } from './divergence.ts';
import { LagMeter } from './lag-meter.ts';
import { type CheckpointFile, LearnerSession } from './learner-session.ts';
import { Mutation, sealDigest } from './mutation.ts';
import { prepareMessage } from './mutation-wire.ts';
import { Peer } from './peer.ts';
import type { ReplicaState } from './replica-state.ts';
import type { MemberLag } from './slow-members.ts';
import { writeFloor } from './write-floor.ts';

/** Prepares are not sent again for a gap so soon after they were last sent. */
const GAP_RESEND_MS = 20;

export class PrimaryRole {
  readonly ballot: Ballot;
  /** Reads wait until this is committed: what was prepared when the role was taken over. */
  readonly readableFrom: Decree;
  private readonly state: ReplicaState;
  private readonly peers: Peer[];
  private session: LearnerSession | null = null;
  private readonly changes: ChangeRequest;
  private lastGroupCheckMs: number;
  /** Commit point that peers were last told. */
  private announced: number;
  private lastTimestampUs = 0;
  /** The ballot is stored, and peers were told. */
  private begun = false;
  /** Nothing new is proposed: the lead is to be handed over (replica/handover.ts). */
  isPausing = false;
  private readonly ownLag = new LagMeter();
  private readonly court: DivergenceCourt;
  private readonly nextLearnId: () => number;

  constructor(state: ReplicaState, readableFrom: Decree, nextLearnId: () => number, nowMs: number) {
    this.state = state;
    this.ballot = state.config.ballot;
    this.readableFrom = readableFrom;
    this.nextLearnId = nextLearnId;
    this.lastGroupCheckMs = nowMs;
    this.announced = state.list.lastCommitted;
    this.changes = new ChangeRequest(state);
    this.court = new DivergenceCourt(state.options.prepareTimeoutMs);
    const committed = state.list.lastCommitted;
    this.peers = state.config.secondaries.map((node) => new Peer(node, 0, 0, committed, nowMs));
    assert(state.config.primary === state.self, 'the configuration names this node as primary');
  }

  start(nowMs: number): void {
    const { list } = this.state;
    for (let decree = list.lastCommitted + 1; decree <= list.lastPrepared; decree++) {
      reached('consensus.primary.inheritsTail');
      list.get(decree)!.ballot = this.ballot;
    }
    this.begin(nowMs);
  }

  /**
   * Brings every peer to this ballot: configuration first, then all that is not committed, again.
   */
  private begin(nowMs: number): void {
    assert(!this.begun, 'peers are brought to a ballot once');
    if (this.state.persistedBallot < this.ballot) {
      reached('consensus.primary.ballotNotDurable');
      return;
    }
    this.begun = true;
    this.lastGroupCheckMs = nowMs;
    for (const peer of this.peers) {
      peer.lastHeardMs = nowMs;
      this.sendGroupCheck(peer.node, 0);
      this.sendPrepares(peer, nowMs);
    }
    this.advanceCommit();
    this.followLearnerWish(nowMs);
  }

  /** The ballot is not stored yet although there was time: nothing can be written under it meanwhile. */
  isHeldUp(nowMs: number): boolean {
    return !this.begun && nowMs - this.lastGroupCheckMs > this.state.options.prepareTimeoutMs;
  }

  // ---- writes ----

  get memberCount(): number {
    return 1 + this.state.config.secondaries.length;
  }

  hasWriteQuorum(): boolean {
    const { options, config } = this.state;
    return this.memberCount >= writeFloor(options.minReplicaCount, config.maxReplicaCount);
  }

  /** Without this member there are still enough to take writes. */
  canSpare(node: NodeId): boolean {
    const { options, config } = this.state;
    assert(isMember(config, node), 'only members are spared');
    return this.memberCount > writeFloor(options.minReplicaCount, config.maxReplicaCount);
  }

  canPropose(): boolean {
    if (!this.begun || this.isPausing) return false;
    return this.state.list.uncommittedCount < this.state.options.inFlightMax;
  }

  /** `body` was built for decree lastPrepared + 1 and has room for the digest at its end. */
  propose(body: Uint8Array, wallUs: number, nowMs: number): Mutation {
    const { list, gpid } = this.state;
    assert(this.canPropose(), 'the ballot is stored, and the mutations in flight are bounded');
    const decree = toDecree(list.lastPrepared + 1);
    const previousDigest = list.lastPreparedDigest();
    const digest = sealDigest(previousDigest, decree, body);
    const timestampUs = Math.max(wallUs, this.lastTimestampUs + 1);
    this.lastTimestampUs = timestampUs;
    const mutation = new Mutation(
      gpid,
      this.ballot,
      decree,
      list.lastCommitted,
      timestampUs,
      previousDigest,
      digest,
      body,
    );
    this.ownLag.onGiven(decree, nowMs);
    this.state.append(mutation);
    for (const peer of this.peers) this.sendPrepares(peer, nowMs);
    return mutation;
  }

  /** The own log, or the persisted ballot, has come further. */
  onOwnProgress(nowMs: number): void {
    this.ownLag.onLogged(this.state.lastLogged, nowMs);
    if (this.begun) this.advanceCommit();
    else this.begin(nowMs);
  }

  /** From being given a mutation to having it logged, of each member. */
  lags(nowMs: number): MemberLag[] {
    const members = [{ node: this.state.self, lagMs: this.ownLag.lagMs(nowMs) }];
    for (const peer of this.peers) {
      if (!peer.isLearner) members.push({ node: peer.node, lagMs: peer.lag.lagMs(nowMs) });
    }
    return members;
  }

  /** It holds all others up, and they are enough without it. */
  removeSlow(node: NodeId, nowMs: number): void {
    const peer = this.findPeer(node);
    assert(peer !== null && !peer.isLearner, 'a slow secondary is a peer');
    assert(this.canSpare(node), 'nobody is removed whom the write floor needs');
    reached('consensus.primary.slowRemoved');
    this.onPeerFailed(peer, 'slow: its log holds all others up', nowMs);
  }

  onPrepareAck(from: NodeId, message: PrepareAck, nowMs: number): void {
    if (message.ballot !== this.ballot) return;
    const peer = this.findPeer(from);
    if (peer === null) return;
    peer.lastHeardMs = nowMs;
    switch (message.result) {
      case PrepareResult.ok:
        this.onPeerLogged(peer, message.decree, nowMs);
        return;
      case PrepareResult.unknownBallot:
        this.onPeerUnaware(peer, nowMs);
        return;
      case PrepareResult.gap:
        this.onPeerGap(peer, nowMs);
        return;
      case PrepareResult.failed:
        this.onPeerFailed(peer, 'cannot log', nowMs);
        return;
      default:
        return;
    }
  }

  // ---- members and learners ----

  onGroupCheckAck(from: NodeId, message: GroupCheckAck, nowMs: number): void {
    if (this.session?.node === from && message.learnId === this.session.learnId) {
      this.session.lastHeardMs = nowMs;
      if (message.failure !== '') {
        reached('consensus.primary.learnerFailed');
        this.endSession();
      }
    }
    if (message.ballot !== this.ballot) return;
    const peer = this.findPeer(from);
    if (peer === null || (peer.isLearner && message.learnId !== peer.learnId)) return;
    peer.lastHeardMs = nowMs;
    const history = comparedHistory(message, this.state.list);
    if (history === 'other' && !peer.isLearner) this.onPeerDiverged(peer, nowMs);
    else if (message.failure !== '') this.onPeerFailed(peer, message.failure, nowMs);
    else if (!peer.isLearner && message.status === ReplicaStatus.inactive) {
      // Under this ballot it will follow nobody. There may be no write for long that would show it.
      reached('consensus.primary.memberByNameOnly');
      this.onPeerFailed(peer, 'a secondary by name only', nowMs);
    } else if (history === 'same') this.court.onAgreed(peer.node, nowMs);
  }

  /** Every secondary holds another history than this primary. */
  isOddOneOut(nowMs: number): boolean {
    return this.court.verdict(this.state.config.secondaries, nowMs).kind === 'primary';
  }

  onLearnRequest(from: NodeId, message: LearnRequest, nowMs: number): void {
    const { session } = this;
    if (session === null || session.node !== from || session.learnId !== message.learnId) return;
    const attached = this.findPeer(from);
    if (attached !== null) {
      if (attached.counts && attached.incarnation !== message.incarnation) {
        // What it had acknowledged was acknowledged in another life.
        reached('consensus.primary.learnerReborn');
        this.onPeerFailed(attached, 'has begun another life', nowMs);
      }
      // It asks again, so it has started over: unless its promotion is under way, so do we.
      if (this.changes.node === from || attached.counts) return;
      reached('consensus.primary.learnerStartsOver');
      this.removePeer(attached);
    }
    if (session.onLearnRequest(message, nowMs) === 'wait') return;
    const { learnId } = session;
    const peer = new Peer(from, learnId, message.incarnation, message.appliedDecree, nowMs);
    this.peers.push(peer);
    // Its first ack makes it count: then it is known to follow, and what it is promoted from is this
    // attachment. So there has to be something to acknowledge.
    if (peer.sent < this.state.list.lastPrepared) this.sendPrepares(peer, nowMs);
    else {
      reached('consensus.primary.nothingLacking');
      session.sendNothingLacking(message);
    }
  }

  onLogRead(learnId: number, mutations: readonly Mutation[] | null): void {
    if (this.session?.learnId === learnId) this.session.onLogRead(mutations);
  }

  onCheckpointMade(
    learnId: number,
    id: string,
    decree: Decree,
    files: readonly CheckpointFile[],
  ): void {
    if (this.session?.learnId !== learnId) return;
    this.session.onCheckpointMade(id, decree, files);
  }

  /** The meta server's wish (`config.learner`) may have changed without a new ballot. */
  followLearnerWish(nowMs: number): void {
    if (!this.begun) return;
    const wish = this.state.config.learner;
    if (this.session !== null && this.session.node === wish) return;
    if (this.session !== null && !this.endSession()) return;
    if (wish === null) return;
    this.session = new LearnerSession(this.state, wish, this.nextLearnId(), nowMs);
    this.sendGroupCheck(wish, this.session.learnId);
  }

  onTick(nowMs: number): void {
    if (!this.begun) return;
    const { options, list } = this.state;
    this.judge(nowMs);
    for (const peer of [...this.peers]) this.checkPeer(peer, nowMs);
    const idleNews = list.lastCommitted > this.announced && list.uncommittedCount === 0;
    if (idleNews || nowMs - this.lastGroupCheckMs >= options.groupCheckIntervalMs) {
      this.groupCheck(nowMs);
    }
    if (this.session !== null && nowMs - this.session.lastHeardMs > options.memberSilenceMs) {
      reached('consensus.primary.learnerSilent');
      this.endSession();
    }
    this.followLearnerWish(nowMs);
    this.changes.onTick(nowMs);
  }

  stop(): void {
    if (this.session !== null) this.state.effects.releaseLearner(this.session.learnId);
    this.session = null;
  }

  // ---- helpers ----

  private groupCheck(nowMs: number): void {
    this.lastGroupCheckMs = nowMs;
    this.announced = this.state.list.lastCommitted;
    for (const peer of this.peers) this.sendGroupCheck(peer.node, peer.learnId);
    const { session } = this;
    if (session !== null && this.findPeer(session.node) === null) {
      this.sendGroupCheck(session.node, session.learnId);
    }
  }

  private sendGroupCheck(to: NodeId, learnId: number): void {
    const { config, table, list, effects } = this.state;
    effects.send(to, InternalMessage.groupCheck, {
      table: tableToWire(table),
      configuration: configurationToWire(config),
      lastCommittedDecree: list.lastCommitted,
      digest: list.lastCommittedDigest,
      learnId,
    });
  }

  private sendPrepares(peer: Peer, nowMs: number): void {
    const { list, effects } = this.state;
    if (peer.sent >= list.lastPrepared) return;
    if (Number.isNaN(peer.waitingSinceMs)) peer.waitingSinceMs = nowMs;
    // While prepares are outstanding, a new one is no progress: else a gap would never be repaired.
    if (peer.sent === peer.acked) peer.lastProgressMs = nowMs;
    peer.lag.onGiven(peer.sent + 1, nowMs);
    while (peer.sent < list.lastPrepared) {
      const mutation = list.get(peer.sent + 1);
      if (mutation === null) {
        reached('consensus.primary.peerBehindMemory');
        this.onPeerFailed(peer, 'lacks mutations that are no longer in memory', nowMs);
        return;
      }
      effects.send(
        peer.node,
        InternalMessage.prepare,
        prepareMessage(mutation, this.ballot, list.lastCommitted),
      );
      peer.sent += 1;
    }
  }

  private onPeerLogged(peer: Peer, decree: number, nowMs: number): void {
    const acked = Math.min(decree, peer.sent);
    if (acked > peer.acked) {
      peer.acked = acked;
      peer.lag.onLogged(acked, nowMs);
      peer.lastProgressMs = nowMs;
      peer.waitingSinceMs = peer.acked >= this.state.list.lastPrepared ? Number.NaN : nowMs;
    }
    this.countIfCaughtUp(peer, nowMs);
    this.advanceCommit();
  }

  /** It lacks the configuration of this ballot. */
  private onPeerUnaware(peer: Peer, nowMs: number): void {
    peer.wantsResend = true;
    // Every prepare on its way is answered like this; one of the answers is enough.
    if (nowMs - peer.toldAtMs < GAP_RESEND_MS) return;
    peer.toldAtMs = nowMs;
    reached('consensus.primary.peerUnaware');
    this.sendGroupCheck(peer.node, peer.learnId);
    this.resend(peer, nowMs);
  }

  /** It lacks a prepare between its last ack and what it got. */
  private onPeerGap(peer: Peer, nowMs: number): void {
    // Every prepare behind a gap is answered like this; one of the answers is enough.
    peer.wantsResend = true;
    if (nowMs - peer.lastProgressMs >= GAP_RESEND_MS) this.resend(peer, nowMs);
  }

  private resend(peer: Peer, nowMs: number): void {
    reached('consensus.primary.resend');
    peer.wantsResend = false;
    peer.sent = peer.acked;
    this.sendPrepares(peer, nowMs);
  }

  private checkPeer(peer: Peer, nowMs: number): void {
    const { options, list } = this.state;
    if (nowMs - peer.waitingSinceMs > options.prepareTimeoutMs) {
      reached('consensus.primary.prepareTimeout');
      this.onPeerFailed(peer, 'silent: does not acknowledge prepares', nowMs);
      return;
    }
    if (nowMs - peer.lastHeardMs > options.memberSilenceMs) {
      reached('consensus.primary.memberSilent');
      this.onPeerFailed(peer, 'silent: does not answer group checks', nowMs);
      return;
    }
    const behind = peer.acked < list.lastPrepared;
    if (behind && nowMs - peer.lastProgressMs >= options.prepareResendMs) {
      this.sendGroupCheck(peer.node, peer.learnId);
      this.resend(peer, nowMs);
    } else if (peer.wantsResend && nowMs - peer.lastProgressMs >= GAP_RESEND_MS) {
      this.resend(peer, nowMs);
    }
  }

  private onPeerDiverged(peer: Peer, nowMs: number): void {
    reached('consensus.primary.peerDiverged');
    if (this.court.onDiverged(peer.node, nowMs)) this.groupCheck(nowMs);
    this.judge(nowMs);
  }

  private judge(nowMs: number): void {
    const verdict = this.court.verdict(this.state.config.secondaries, nowMs);
    if (verdict.kind !== 'remove') return;
    const peer = this.findPeer(verdict.node);
    assert(peer !== null, 'a secondary is a peer');
    this.onPeerFailed(peer, `${DIVERGED}: its history differs from all others`, nowMs);
  }

  private onPeerFailed(peer: Peer, reason: string, nowMs: number): void {
    if (peer.isLearner && !peer.counts) {
      this.endSession();
      return;
    }
    // A learner whose promotion may be under way is removed by the meta server, like a secondary.
    this.changes.askToRemove(peer, reason, nowMs);
  }

  /**
   * Caught up is who has all that may be committed: what is known to be, and what was prepared when
   * this role was taken over, since the primary before may have committed it without our knowing.
   */
  private countIfCaughtUp(peer: Peer, nowMs: number): void {
    const needed = Math.max(this.state.list.lastCommitted, this.readableFrom);
    if (peer.counts || peer.acked < needed) return;
    peer.counts = true;
    reached('consensus.primary.learnerCounts');
    this.changes.askToAdd(peer, nowMs);
  }

  /** False when the learner must be kept because the meta server may be promoting it. */
  private endSession(): boolean {
    const { session } = this;
    if (session === null) return true;
    const peer = this.findPeer(session.node);
    if (peer?.counts === true) {
      reached('consensus.primary.learnerKept');
      return false;
    }
    if (peer !== null) this.removePeer(peer);
    this.session = null;
    this.state.effects.releaseLearner(session.learnId);
    return true;
  }

  private removePeer(peer: Peer): void {
    assert(peer.isLearner && !peer.counts, 'only a learner that does not count is dropped');
    this.peers.splice(this.peers.indexOf(peer), 1);
  }

  private advanceCommit(): void {
    if (!this.begun) return;
    let target: number = this.state.lastLogged;
    for (const peer of this.peers) {
      if (peer.counts && peer.acked < target) target = peer.acked;
    }
    assertAtMost(target, this.state.list.lastPrepared, 'only prepared mutations are committed');
    if (target > this.readableFrom && !this.hasWriteQuorum()) {
      reached('consensus.primary.belowFloor');
      target = this.readableFrom;
    }
    this.state.commitUpTo(target);
  }

  private findPeer(node: NodeId): Peer | null {
    for (const peer of this.peers) if (peer.node === node) return peer;
    return null;
  }
}
