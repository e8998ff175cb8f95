/**
 * What the replicas of one server have under way for clients, taken together. What does not fit is refused at once with
 * ERR_BUSY: an overloaded server says so early, instead of answering everybody too late.
 */
import { assertAtLeast } from '../base/assert.ts';
import type { Clock } from '../env/clock.ts';
import { READ_POOL_LIMITS, ReadPool } from '../storage/read-pool.ts';

export class ServerLoad {
  readonly reads: ReadPool;
  /** Writes that were taken up and are not answered. */
  writes = 0;
  readonly writesMax: number;
  /** No replica may have more than half of them: one that is overrun must not shut the others out. */
  readonly writesOfReplicaMax: number;

  constructor(clock: Clock, limits: { readonly readsMax: number; readonly writesMax: number }) {
    assertAtLeast(limits.writesMax, 2, 'a server takes writes');
    this.reads = new ReadPool(clock, { ...READ_POOL_LIMITS, pendingMax: limits.readsMax });
    this.writesMax = limits.writesMax;
    this.writesOfReplicaMax = limits.writesMax >> 1;
  }
}
