/**
 * The lease of a replica server, worker side of the failure detector.
 *
 * It lasts until the *send time* of the last acknowledged beacon plus the lease, all on this node's
 * monotonic clock. The meta server counts its longer grace from the *receipt* of the beacon, so it
 * can never think the lease over while it is not: send time ≤ receive time, lease × (1 + drift) +
 * margin ≤ grace.
 *
 * A paused or late process needs no special case: whoever asks compares with the clock at that
 * moment, and an answer is right if there was one valid moment between its question and its value
 * (docs/internals/replication.md, "Leases"). Only a process whose clock stood still with it cannot
 * know: whoever suspects that calls `forfeit`.
 *
 * The same times tell what the meta server says is worth (`answeredUntilMs`): until then it cannot have counted this
 * server out, and what arrives may be acted upon. Later, messages may have waited, in a socket of a process that was
 * paused or behind a cut, since before it did.
 */
import { assert, assertAtLeast } from '../base/assert.ts';

/** What the grace allows for besides drift: shorter steps of a clock are no reason to worry. */
export const LEASE_MARGIN_MS = 250;

const BEACONS_IN_FLIGHT_MAX = 64;

export class Lease {
  private readonly leaseMs: number;
  /** Ring: send times of recent beacons by sequence. */
  private readonly sentAtMs = new Float64Array(BEACONS_IN_FLIGHT_MAX);
  private lastSequence = 0;
  /** Beacons before it grant nothing any more. */
  private firstSequence = 1;
  private deadline = Number.NEGATIVE_INFINITY;
  private allowed = true;
  /** What the meta server grants when it does, if that is shorter than the own setting. */
  private termMs: number;
  private answeredMs = Number.NEGATIVE_INFINITY;

  constructor(leaseMs: number) {
    assertAtLeast(leaseMs, 1, 'lease');
    this.leaseMs = leaseMs;
    this.termMs = leaseMs;
  }

  /** Returns the sequence number to put into the beacon that is sent right after. */
  onBeaconSent(nowMs: number): number {
    this.lastSequence += 1;
    this.sentAtMs[this.lastSequence % BEACONS_IN_FLIGHT_MAX] = nowMs;
    return this.lastSequence;
  }

  /** `grantedMs` is what the meta server grants; the shorter of it and the own setting counts. */
  onBeaconAcked(sequence: number, allowed: boolean, grantedMs: number): void {
    if (sequence < this.firstSequence || sequence > this.lastSequence) return;
    if (sequence <= this.lastSequence - BEACONS_IN_FLIGHT_MAX) return;
    const sentAt = this.sentAtMs[sequence % BEACONS_IN_FLIGHT_MAX]!;
    if (grantedMs > 0) this.termMs = Math.min(this.leaseMs, grantedMs);
    if (sentAt > this.answeredMs) this.answeredMs = sentAt;
    this.allowed = allowed;
    if (!allowed) return;
    const until = sentAt + Math.min(this.leaseMs, grantedMs);
    if (until > this.deadline) this.deadline = until;
  }

  isValid(nowMs: number): boolean {
    return this.allowed && nowMs < this.deadline;
  }

  /** When one lease has passed since the last beacon that was answered, whether with a lease or without. */
  get answeredUntilMs(): number {
    return this.answeredMs + this.termMs;
  }

  /** Negative when it is over. */
  remainingMs(nowMs: number): number {
    return this.deadline - nowMs;
  }

  /**
   * The clock cannot be trusted for the time until now: what was granted is void, and so is what
   * was asked for. A beacon that is sent from now on counts.
   */
  forfeit(): void {
    this.firstSequence = Math.max(this.firstSequence, this.lastSequence + 1);
    this.deadline = Number.NEGATIVE_INFINITY;
    this.answeredMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * Gives the lease up for good, for leaving: an answer that is on its way to an earlier beacon
   * must not bring it back, for the meta server may already have chosen others.
   */
  surrender(): void {
    this.firstSequence = Number.POSITIVE_INFINITY;
    this.deadline = Number.NEGATIVE_INFINITY;
    assert(!this.isValid(0), 'a surrendered lease is over');
  }
}
