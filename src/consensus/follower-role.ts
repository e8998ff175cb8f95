/**
 * A replica that follows a primary by prepares: a secondary, or a learner that has been attached.
 *
 * Rules (docs/internals/replication.md, "Two-phase commit (secondary)"):
 *  1. A prepare is accepted only under the ballot of the own configuration.
 *  2. Accepting decree d means that the history up to d equals the primary's, because digests are
 *     chained; so an ack covers everything up to d, but nothing above it that an older primary left
 *     behind.
 *  3. A committed mutation is immutable: another digest for it is a divergence, which stops a
 *     secondary and makes a learner start over.
 *  4. Another digest for an uncommitted decree replaces it, and drops what lies above, only under a
 *     higher ballot.
 */
import { assert } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import type { Ballot, Decree, NodeId } from '../model/identity.ts';
import type { Prepare } from '../wire/generated/internal.ts';
import { InternalMessage, PrepareResult } from '../wire/schema/internal.ts';
import { isIntact } from './mutation.ts';
import { mutationFromPrepare } from './mutation-wire.ts';
import type { ReplicaState } from './replica-state.ts';

/**
 * `refused`: nothing was taken, the primary sends again. `diverged`: the primary's history is not a
 * continuation of what is committed here (or prepared under this very ballot).
 */
export type FollowResult = 'ok' | 'refused' | 'diverged';

export class FollowerRole {
  readonly primary: NodeId;
  readonly ballot: Ballot;
  private readonly state: ReplicaState;
  /** Highest decree that the primary of this ballot is known to agree with. */
  private confirmed: Decree;
  /** Highest commit point that the primary of this ballot has told. */
  private commitPoint = 0;
  private ackPending = false;
  private ackResult: PrepareResult = PrepareResult.ok;

  constructor(state: ReplicaState, primary: NodeId) {
    this.state = state;
    this.primary = primary;
    this.ballot = state.config.ballot;
    this.confirmed = state.list.lastCommitted;
  }

  /** Ballot and sender have been checked; `message.body` is a view into the frame. */
  onPrepare(message: Prepare): FollowResult {
    const { list } = this.state;
    const decree = message.decree;
    // Before anything else: what this commits makes room for the prepare.
    if (message.lastCommittedDecree > this.commitPoint) {
      this.commitPoint = message.lastCommittedDecree;
    }
    this.commitConfirmed();
    if (decree > list.lastPrepared + 1) {
      reached('consensus.follower.gap');
      this.ackLater(PrepareResult.gap);
      return 'refused';
    }
    const result = decree > list.lastCommitted ? this.accept(message) : this.compare(message);
    if (result !== 'ok') return result;
    if (decree > this.confirmed) this.confirmed = decree as Decree;
    this.commitConfirmed();
    // What is not in the log yet is acknowledged when it is.
    if (decree <= this.state.lastLogged) this.ackLater(PrepareResult.ok);
    return 'ok';
  }

  /** The primary's commit point with the digest there, from a group check. */
  onCommitPoint(lastCommitted: Decree, digest: number): FollowResult {
    const { list } = this.state;
    const own = list.digestAt(lastCommitted);
    if (own === null) return 'ok';
    if (own !== digest) {
      reached('consensus.follower.otherTail');
      return lastCommitted <= list.lastCommitted ? 'diverged' : 'ok';
    }
    if (lastCommitted > this.confirmed) this.confirmed = lastCommitted;
    if (lastCommitted > this.commitPoint) this.commitPoint = lastCommitted;
    this.commitConfirmed();
    return 'ok';
  }

  /** The own log, or the persisted ballot, has come further. */
  onOwnProgress(): void {
    this.commitConfirmed();
    this.ackLater(PrepareResult.ok);
  }

  flushAck(): void {
    if (!this.ackPending) return;
    this.ackPending = false;
    // Once the ballot is durable `onOwnProgress` asks for the ack again.
    if (this.state.persistedBallot < this.ballot) {
      reached('consensus.follower.ballotNotDurable');
      return;
    }
    const { gpid, lastLogged, list, effects } = this.state;
    effects.send(this.primary, InternalMessage.prepareAck, {
      appId: gpid.appId,
      partitionIndex: gpid.partitionIndex,
      ballot: this.ballot,
      decree: Math.min(lastLogged, this.confirmed),
      result: this.ackResult,
      lastCommittedDecree: list.lastCommitted,
    });
    this.ackResult = PrepareResult.ok;
    reached('consensus.follower.acked');
  }

  private commitConfirmed(): void {
    this.state.commitUpTo(Math.min(this.commitPoint, this.confirmed));
  }

  private ackLater(result: PrepareResult): void {
    if (result !== PrepareResult.ok) this.ackResult = result;
    if (this.ackPending) return;
    this.ackPending = true;
    this.state.effects.flushAcksSoon();
  }

  /** A decree that is committed here already. */
  private compare(message: Prepare): FollowResult {
    const own = this.state.list.digestAt(message.decree);
    return own === null || own === message.digest ? 'ok' : 'diverged';
  }

  /** Takes an uncommitted decree that is at most lastPrepared + 1. */
  private accept(message: Prepare): FollowResult {
    const { list } = this.state;
    const existing = list.get(message.decree);
    if (existing !== null && existing.digest === message.digest) {
      reached('consensus.follower.prepareRepeated');
      existing.ballot = this.ballot;
      return 'ok';
    }
    const before = list.digestAt(message.decree - 1);
    assert(before !== null, 'the digest before an uncommitted decree is known');
    if (before !== message.previousDigest) {
      if (message.decree - 1 <= this.confirmed) return 'diverged';
      // What lies before is of an older primary; the prepare that replaces it was lost on its way.
      reached('consensus.follower.gapOverStaleTail');
      this.ackLater(PrepareResult.gap);
      return 'refused';
    }
    if (existing !== null && existing.ballot >= this.ballot) return 'diverged';
    const mutation = mutationFromPrepare(message);
    if (!isIntact(mutation)) return 'refused';
    if (existing !== null) reached('consensus.follower.tailReplaced');
    this.state.truncateAfter((message.decree - 1) as Decree);
    if (!list.hasRoom()) {
      reached('consensus.follower.noRoom');
      // Until the log has come further, and with it the commit point here.
      this.ackLater(PrepareResult.gap);
      return 'refused';
    }
    this.state.append(mutation);
    return 'ok';
  }
}
