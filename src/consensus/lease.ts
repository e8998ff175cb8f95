/**
 * The lease of a replica server, worker side of the failure detector.
 *
 * It lasts until the *send time* of the last acknowledged beacon plus the lease, all on this node's
 * monotonic clock. The meta server counts its longer grace from the *receipt* of the beacon, so it
 * can never think the lease over while it is not: send time ≤ receive time, lease × (1 + drift) +
 * margin ≤ grace.
 *
 * A paused or late process needs no special case: whoever asks compares with the clock at that
 * moment.
 */
import { assert, assertAtLeast } from '../base/assert.ts';

/** Clocks of two machines run at most this much apart (relative). */
export const CLOCK_DRIFT_MAX = 0.05;
export const LEASE_MARGIN_MS = 250;

const BEACONS_IN_FLIGHT_MAX = 64;

/** Throws when a grace is too short for a lease. */
export function assertLeaseSafe(leaseMs: number, graceMs: number): void {
  assertAtLeast(
    graceMs,
    leaseMs * (1 + CLOCK_DRIFT_MAX) + LEASE_MARGIN_MS,
    'the grace outlasts the lease, drift and margin included',
  );
}

export class Lease {
  private readonly leaseMs: number;
  /** Ring: send times of recent beacons by sequence. */
  private readonly sentAtMs = new Float64Array(BEACONS_IN_FLIGHT_MAX);
  private lastSequence = 0;
  private deadline = Number.NEGATIVE_INFINITY;
  private allowed = true;

  constructor(leaseMs: number) {
    assertAtLeast(leaseMs, 1, 'lease');
    this.leaseMs = leaseMs;
  }

  /** Returns the sequence number to put into the beacon that is sent right after. */
  onBeaconSent(nowMs: number): number {
    this.lastSequence += 1;
    this.sentAtMs[this.lastSequence % BEACONS_IN_FLIGHT_MAX] = nowMs;
    return this.lastSequence;
  }

  /** `grantedMs` is what the meta server grants; the shorter of it and the own setting counts. */
  onBeaconAcked(sequence: number, allowed: boolean, grantedMs: number): void {
    if (sequence < 1 || sequence > this.lastSequence) return;
    if (sequence <= this.lastSequence - BEACONS_IN_FLIGHT_MAX) return;
    this.allowed = allowed;
    if (!allowed) return;
    const sentAt = this.sentAtMs[sequence % BEACONS_IN_FLIGHT_MAX]!;
    const until = sentAt + Math.min(this.leaseMs, grantedMs);
    if (until > this.deadline) this.deadline = until;
  }

  isValid(nowMs: number): boolean {
    return this.allowed && nowMs < this.deadline;
  }

  /** Negative when it is over. */
  remainingMs(nowMs: number): number {
    return this.deadline - nowMs;
  }

  /** Gives the lease up at once, for leaving. */
  surrender(): void {
    this.allowed = false;
    this.deadline = Number.NEGATIVE_INFINITY;
    assert(!this.isValid(0), 'a surrendered lease is over');
  }
}
