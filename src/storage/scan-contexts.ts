/**
 * Scans between two batches. Each holds an iterator, that is a snapshot of the engine, so their
 * number and age are bounded.
 *
 * Ids: the upper half is drawn at random per table of contexts and positive, the lower half counts.
 * So an id that was handed out before a restart or by another replica means nothing here (a stale
 * client starts its scan again), and no id is 0 or negative, which clients read as "none" and
 * "finished". An id is good for one call.
 */
import { assert, assertAtLeast } from '../base/assert.ts';
import type { Clock } from '../env/clock.ts';
import type { Random } from '../env/random.ts';
import type { RangeRead } from './range-read.ts';
import type { ContextId } from './read-replies.ts';

export interface OpenScan {
  readonly read: RangeRead;
  /** Rows of each batch. */
  readonly batchRowsMax: number;
}

interface Slot {
  readonly scan: OpenScan;
  readonly issuedMs: number;
}

const LOW_MAX = 0xffffffff;

export class ScanContexts {
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly countMax: number;
  private readonly idleMsMax: number;
  /** By lower half; a Map keeps the order of insertion, so the oldest is first. */
  private readonly slots: Map<number, Slot>;
  private high: number;
  private low: number;

  constructor(clock: Clock, random: Random, countMax: number, idleMsMax: number) {
    assertAtLeast(countMax, 1, 'scans need contexts');
    this.clock = clock;
    this.random = random;
    this.countMax = countMax;
    this.idleMsMax = idleMsMax;
    this.slots = new Map();
    this.high = drawHigh(random);
    this.low = 0;
  }

  get count(): number {
    return this.slots.size;
  }

  /** Keeps a scan under a new id; the oldest one goes when there are too many. */
  put(scan: OpenScan): ContextId {
    if (this.low === LOW_MAX) this.startOver();
    this.low++;
    const id = { high: this.high, low: this.low };
    this.insert(id.low, scan);
    return id;
  }

  /** Takes the scan out; null when there is none under this id (any more). */
  take(id: ContextId): OpenScan | null {
    if (id.high !== this.high) return null;
    const slot = this.slots.get(id.low);
    if (slot === undefined) return null;
    this.slots.delete(id.low);
    if (this.isIdle(slot)) {
      slot.scan.read.close();
      return null;
    }
    return slot.scan;
  }

  /** Gives back under its id what `take` took and nobody moved. */
  giveBack(id: ContextId, scan: OpenScan): void {
    assert(id.high === this.high, 'an id is given back to the table that made it');
    assert(!this.slots.has(id.low), 'an id is given back once');
    this.insert(id.low, scan);
  }

  /** Closes what was not asked for in time. */
  expire(): void {
    for (const [low, slot] of this.slots) {
      if (!this.isIdle(slot)) return;
      this.slots.delete(low);
      slot.scan.read.close();
    }
  }

  close(): void {
    for (const slot of this.slots.values()) slot.scan.read.close();
    this.slots.clear();
  }

  private insert(low: number, scan: OpenScan): void {
    if (this.slots.size >= this.countMax) this.dropOldest();
    this.slots.set(low, { scan, issuedMs: this.clock.monotonicMs() });
  }

  private dropOldest(): void {
    for (const [low, slot] of this.slots) {
      this.slots.delete(low);
      slot.scan.read.close();
      return;
    }
  }

  private isIdle(slot: Slot): boolean {
    return this.clock.monotonicMs() - slot.issuedMs > this.idleMsMax;
  }

  /** All lower halves are used up: ids of before lose their meaning. */
  private startOver(): void {
    this.close();
    this.high = drawHigh(this.random);
    this.low = 0;
  }
}

/** 1 … 2^31 − 1 */
function drawHigh(random: Random): number {
  return 1 + random.below(0x7fffffff);
}
