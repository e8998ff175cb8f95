/**
 * What the replicas of one server have under way for clients, taken together. What does not fit is refused at once with
 * ERR_BUSY: an overloaded server says so early, instead of answering everybody too late.
 */
import { assertAtLeast } from '../base/assert.ts';
import type { Clock, Timers } from '../env/clock.ts';
import { READ_POOL_LIMITS, ReadPool } from '../storage/read-pool.ts';
import { CompactionSlots } from './compaction-slots.ts';

export class ServerLoad {
  readonly reads: ReadPool;
  readonly compactions: CompactionSlots = new CompactionSlots();
  /** Writes that were taken up and are not answered. */
  writes = 0;
  /** Of the mutations that carry them, once they are proposed. */
  writeBytes = 0;
  readonly writesMax: number;
  readonly writeBytesMax: number;
  /** No replica may have more than half of them: one that is overrun must not shut the others out. */
  readonly writesOfReplicaMax: number;

  constructor(
    environment: { readonly clock: Clock; readonly timers: Timers },
    limits: {
      readonly pendingReadsMax: number;
      readonly pendingWritesMax: number;
      readonly pendingWriteBytesMax: number;
    },
  ) {
    const { pendingReadsMax, pendingWritesMax, pendingWriteBytesMax } = limits;
    assertAtLeast(pendingWritesMax, 2, 'a server takes writes');
    const readLimits = { ...READ_POOL_LIMITS, pendingMax: pendingReadsMax };
    this.reads = new ReadPool(environment.clock, readLimits, environment.timers);
    this.writesMax = pendingWritesMax;
    this.writesOfReplicaMax = pendingWritesMax >> 1;
    this.writeBytesMax = pendingWriteBytesMax;
  }
}
