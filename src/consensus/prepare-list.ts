/**
 * The mutations of one replica that are in memory: all uncommitted ones, and a tail of committed
 * ones from which a learner or a reconnecting secondary is served without reading the log.
 *
 *     oldest … lastCommitted … lastPrepared
 *     (committed tail)  (uncommitted)
 *
 * Invariants:
 *  1. Decrees are contiguous, and each mutation's previous digest is the digest of the one before
 *     it.
 *  2. lastCommitted never goes back, and a mutation at or below it is never replaced.
 *  3. The uncommitted part is at most `uncommittedMax` long; the committed tail gives way first.
 */
import { assert, assertAtLeast, assertAtMost, assertEqual } from '../base/assert.ts';
import type { Decree } from '../model/identity.ts';
import { DIGEST_NONE, type Mutation } from './mutation.ts';

export interface PrepareListLimits {
  /** Slots, a power of two; at least twice `uncommittedMax`. */
  readonly capacity: number;
  readonly uncommittedMax: number;
  /** Body bytes of the committed tail. */
  readonly tailBytesMax: number;
}

export class PrepareList {
  private readonly ring: (Mutation | null)[];
  private readonly mask: number;
  private readonly limits: PrepareListLimits;
  /** Smallest decree in memory; lastPrepared + 1 when nothing is. */
  private oldest = 1;
  private tailBytes = 0;
  private committed = 0;
  private committedDigest = DIGEST_NONE;
  private prepared = 0;

  constructor(limits: PrepareListLimits) {
    assert((limits.capacity & (limits.capacity - 1)) === 0, 'the capacity is a power of two');
    assertAtLeast(limits.capacity, 2 * limits.uncommittedMax, 'prepare list capacity');
    this.limits = limits;
    this.ring = new Array<Mutation | null>(limits.capacity).fill(null);
    this.mask = limits.capacity - 1;
  }

  get lastCommitted(): Decree {
    return this.committed as Decree;
  }

  get lastPrepared(): Decree {
    return this.prepared as Decree;
  }

  /** Digest at `lastCommitted`. */
  get lastCommittedDigest(): number {
    return this.committedDigest;
  }

  /** Smallest decree that `get` can return; lastPrepared + 1 when there is none. */
  get oldestInMemory(): Decree {
    return this.oldest as Decree;
  }

  get uncommittedCount(): number {
    return this.prepared - this.committed;
  }

  hasRoom(): boolean {
    return this.uncommittedCount < this.limits.uncommittedMax;
  }

  /** Starts over at a state that the engine holds. */
  reset(committed: Decree, digest: number): void {
    this.ring.fill(null);
    this.tailBytes = 0;
    this.committed = committed;
    this.prepared = committed;
    this.committedDigest = digest;
    this.oldest = committed + 1;
  }

  get(decree: number): Mutation | null {
    if (decree < this.oldest || decree > this.prepared) return null;
    const mutation = this.ring[decree & this.mask]!;
    assert(mutation !== null, 'a decree in range is in memory');
    assertEqual(mutation.decree, decree, 'ring slot holds its decree');
    return mutation;
  }

  /** Digest at `decree`, or null when it is not in memory (any more). */
  digestAt(decree: number): number | null {
    if (decree === this.committed) return this.committedDigest;
    const mutation = this.get(decree);
    if (mutation !== null) return mutation.digest;
    const next = this.get(decree + 1);
    return next === null ? null : next.previousDigest;
  }

  lastPreparedDigest(): number {
    if (this.prepared === this.committed) return this.committedDigest;
    return this.get(this.prepared)!.digest;
  }

  append(mutation: Mutation): void {
    assertEqual(mutation.decree, this.prepared + 1, 'decrees are contiguous');
    assertEqual(mutation.previousDigest, this.lastPreparedDigest(), 'digests are chained');
    assert(this.hasRoom(), 'the uncommitted part is bounded');
    while (this.prepared + 1 - this.oldest >= this.limits.capacity) this.evictOldest();
    this.ring[mutation.decree & this.mask] = mutation;
    this.prepared = mutation.decree;
  }

  /** Drops everything above `decree`, which is at least the committed point. */
  truncateAfter(decree: number): void {
    assertAtLeast(decree, this.committed, 'a committed mutation is never dropped');
    while (this.prepared > decree) {
      this.ring[this.prepared & this.mask] = null;
      this.prepared -= 1;
    }
    if (this.oldest > this.prepared) this.oldest = this.prepared + 1;
  }

  /** Moves the commit point by one and returns the mutation that became committed. */
  commitNext(): Mutation {
    assertAtMost(this.committed + 1, this.prepared, 'only prepared mutations are committed');
    const mutation = this.get(this.committed + 1)!;
    this.committed = mutation.decree;
    this.committedDigest = mutation.digest;
    this.tailBytes += mutation.body.length;
    while (this.tailBytes > this.limits.tailBytesMax && this.oldest <= this.committed) {
      this.evictOldest();
    }
    return mutation;
  }

  private evictOldest(): void {
    assertAtMost(this.oldest, this.committed, 'only committed mutations leave memory');
    const slot = this.oldest & this.mask;
    this.tailBytes -= this.ring[slot]!.body.length;
    this.ring[slot] = null;
    this.oldest += 1;
  }
}
