/**
 * Reads rows in key order between two bounds: what ranged multi_get, sortkey_count and scans have
 * in common.
 *
 * The semantics are the ones that clients of the original can observe:
 *  1. A read stops at a limit (rows kept, rows examined, bytes, time), at the end of its range, or
 *     when the engine has no more rows. Only a stop at a limit *while another row follows* leaves
 *     it incomplete (`isIncomplete`).
 *  2. "Another row follows" is a matter of the engine's bounds, which are wider than the range: the
 *     whole hash key going forward, everything before going back. The row that follows is not
 *     compared with the end of the range.
 *  3. Limits are checked between rows, so a read makes progress whatever they are.
 *
 * Rows come in blocks. Limits on row counts bound the blocks, so a read that stops at them stands
 * exactly behind the last row it examined and can go on later: that is what scans do. The engine
 * does not know the end of the range, so where there is one the blocks begin small: what lies
 * beyond it is fetched in vain.
 */
import { assert } from '../base/assert.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import type { U64 } from '../base/crc64.ts';
import type { Clock } from '../env/clock.ts';
import { type EngineIterator, EngineStatus, type RowBlock } from '../env/engine.ts';
import { partitionHash, partitionIndexOf } from '../model/hash.ts';
import { hashKeyLengthAt, KEY_HEADER_BYTES } from '../model/key.ts';
import { isExpired, ttlNow } from '../model/ttl.ts';
import { expireOf, VALUE_HEADER_BYTES } from '../model/value.ts';
import type { FilterType } from '../wire/schema/rrdb.ts';
import type { ReadMeter } from './read-meter.ts';
import { PoolLane, type PoolTask, type ReadPool } from './read-pool.ts';
import type { RowList } from './read-replies.ts';
import { compareRange, passesFilter } from './row-filter.ts';

const BLOCK_ROWS_MAX = 512;
/**
 * Of the first block of a batch that may meet the end of the range; each further one has so many
 * times the rows.
 */
const BLOCK_ROWS_FIRST = 32;
const BLOCK_GROWTH = 4;
/** Small, so that those who wait for the pool behind a scan do not wait long. */
const BLOCK_BYTES_MAX = 256 * 1024;

/** What of a row goes into the answer. */
export const RowOutput = { count: 0, sortKey: 1, fullKey: 2 } as const;
export type RowOutput = (typeof RowOutput)[keyof typeof RowOutput];

export interface RangePlan {
  /** Bounds of the engine's iterator: inclusive, exclusive. */
  readonly lower: Uint8Array;
  readonly upper: Uint8Array;
  readonly reverse: boolean;
  /** End of the range in the direction of reading; null when the engine's bound is the end. */
  readonly end: Uint8Array | null;
  readonly endInclusive: boolean;
  readonly hashFilter: FilterType;
  readonly hashPattern: Uint8Array;
  readonly sortFilter: FilterType;
  readonly sortPattern: Uint8Array;
  readonly output: RowOutput;
  readonly noValue: boolean;
  readonly returnExpire: boolean;
  /** Rows that this partition does not own are left out; −1 = all rows are fine. */
  readonly ownPartition: number;
  readonly partitionCount: number;
}

export interface RangeLimits {
  readonly keptMax: number;
  readonly examinedMax: number;
  /** Exact, between any two rows. */
  readonly bytesMax: number;
  /** What was read, kept or not. Between blocks only, so that nothing of a block is lost. */
  readonly blocksBytesMax: number;
  /** Milliseconds from now; 0 = no limit. */
  readonly timeMsMax: number;
}

export class RangeRead implements PoolTask {
  readonly plan: RangePlan;
  readonly lane: PoolLane;
  private readonly iterator: EngineIterator;
  private readonly clock: Clock;
  private readonly meter: ReadMeter;
  private readonly block: RowBlock;
  private readonly rowHash: U64;
  private limits: RangeLimits;
  private blockRowsMax: number;
  /** No more rows were wanted than it has. */
  private isBlockShort: boolean;
  /** Examined in this step. */
  private stepRows: number;
  /** `blocksBytes` when it began. */
  private stepBytes: number;
  /** When the time limit of the batch ends it. */
  private lateMs: number;
  private nowSeconds: number;
  private rows: RowList | null;
  private complete: boolean;
  private rowFollows: boolean;
  private late: boolean;
  private cut: boolean;
  private closed: boolean;
  private expired: boolean;
  private pool: ReadPool | null;
  private done: ((status: EngineStatus) => void) | null;
  deadlineMs: number;
  /** Rows in the answer, and bytes of their keys and values. */
  kept: number;
  keptBytes: number;
  /** Of all rows that were read, kept or not. */
  blocksBytes: number;
  examined: number;

  /** Owns `iterator`, which was made with the plan's bounds. */
  constructor(
    plan: RangePlan,
    iterator: EngineIterator,
    clock: Clock,
    meter: ReadMeter,
    lane: PoolLane = PoolLane.range,
  ) {
    this.plan = plan;
    this.lane = lane;
    this.iterator = iterator;
    this.clock = clock;
    this.meter = meter;
    this.block = { bytes: EMPTY_BYTES, offsets: NO_OFFSETS, count: 0, exhausted: false };
    this.rowHash = { high: 0, low: 0 };
    this.limits = NO_LIMITS;
    this.blockRowsMax = BLOCK_ROWS_MAX;
    this.isBlockShort = false;
    this.stepRows = 0;
    this.stepBytes = 0;
    this.lateMs = 0;
    this.nowSeconds = 0;
    this.rows = null;
    this.blocksBytes = 0;
    this.complete = false;
    this.rowFollows = true;
    this.late = false;
    this.cut = false;
    this.closed = false;
    this.expired = false;
    this.pool = null;
    this.done = null;
    this.deadlineMs = Infinity;
    this.kept = 0;
    this.keptBytes = 0;
    this.examined = 0;
  }

  /** Begins a batch, which adds its rows to `rows` (null when the plan only counts). */
  begin(limits: RangeLimits, rows: RowList | null): void {
    assert(!this.complete, 'a complete read has no further batch');
    assert(this.rowFollows, 'an exhausted read has no further batch');
    assert(limits.keptMax >= 1 && limits.examinedMax >= 1, 'a batch makes progress');
    this.limits = limits;
    this.rows = rows;
    this.nowSeconds = ttlNow(this.clock.wallMs());
    this.lateMs = limits.timeMsMax === 0 ? Infinity : this.clock.monotonicMs() + limits.timeMsMax;
    this.blockRowsMax = this.plan.end === null ? BLOCK_ROWS_MAX : BLOCK_ROWS_FIRST;
    this.blocksBytes = 0;
    this.late = false;
    this.cut = false;
    this.kept = 0;
    this.keptBytes = 0;
    this.examined = 0;
  }

  /** The time limit ended the batch. */
  get isLate(): boolean {
    return this.late;
  }

  /** The limit on what is read between two looks at it ended the batch, and none of the others. */
  get isCut(): boolean {
    return this.cut;
  }

  /** The deadline of the request passed while the batch waited. */
  get hasExpired(): boolean {
    return this.expired;
  }

  /** A limit ended the batch and a row follows. */
  get isIncomplete(): boolean {
    return !this.complete && this.rowFollows;
  }

  /**
   * Runs the batch to its end from memory. Other than ok: rows so far are in the answer, the place
   * is kept.
   */
  runNow(): EngineStatus {
    while (!this.isOver()) {
      const status = this.iterator.next(this.takeRowsWanted(), BLOCK_BYTES_MAX, this.block);
      if (status !== EngineStatus.ok) return status;
      if (!this.takeBlock()) return EngineStatus.corruption;
    }
    return EngineStatus.ok;
  }

  /** Runs the batch to its end, a step in each turn that the pool gives it. */
  runLater(pool: ReadPool, deadlineMs: number, done: (status: EngineStatus) => void): void {
    assert(this.done === null, 'one run at a time');
    assert(this.examined === 0, 'a batch runs once');
    this.pool = pool;
    this.deadlineMs = deadlineMs;
    this.done = done;
    pool.submit(this.lane, this);
  }

  start(): void {
    if (this.closed) {
      this.onBlock(EngineStatus.invalid);
      return;
    }
    this.stepRows = 0;
    this.stepBytes = this.blocksBytes;
    this.readLater();
  }

  private readLater(): void {
    const rows = this.takeRowsWanted();
    this.iterator.nextLater(rows, BLOCK_BYTES_MAX, this.block, (status) => this.onBlock(status));
  }

  expire(): void {
    this.expired = true;
    this.end(EngineStatus.ok);
  }

  /** Idempotent. */
  close(): void {
    this.closed = true;
    this.iterator.close();
  }

  private onBlock(status: EngineStatus): void {
    const { pool } = this;
    assert(pool !== null, 'blocks come while a run is under way');
    const isSound = status !== EngineStatus.ok || this.takeBlock();
    const isOver = status !== EngineStatus.ok || !isSound || this.isOver();
    if (!isOver && !this.closed && this.hasStepLeft()) {
      this.readLater();
      return;
    }
    // Its next step waits behind those of others.
    if (!isOver) pool.submit(this.lane, this);
    pool.finished(this.lane);
    if (isOver) this.end(isSound ? status : EngineStatus.corruption);
  }

  /**
   * Where few rows are wanted and a filter leaves none, blocks are as small as what is wanted: many are a step, or each
   * would wait for its turn.
   */
  private hasStepLeft(): boolean {
    this.stepRows += this.block.count;
    if (!this.isBlockShort || this.stepRows >= BLOCK_ROWS_MAX) return false;
    return this.blocksBytes - this.stepBytes < BLOCK_BYTES_MAX;
  }

  private end(status: EngineStatus): void {
    const { done } = this;
    assert(done !== null, 'a run ends once');
    this.done = null;
    this.pool = null;
    done(status);
  }

  private isOver(): boolean {
    if (this.complete || !this.rowFollows) return true;
    const { keptMax, examinedMax, bytesMax, blocksBytesMax } = this.limits;
    if (this.kept >= keptMax || this.examined >= examinedMax) return true;
    if (this.keptBytes >= bytesMax) return true;
    this.late = this.clock.monotonicMs() > this.lateMs;
    this.cut = !this.late && this.blocksBytes >= blocksBytesMax;
    return this.late || this.cut;
  }

  /** Rows of the next block. */
  private takeRowsWanted(): number {
    const { keptMax, examinedMax } = this.limits;
    const rows = Math.min(keptMax - this.kept, examinedMax - this.examined, this.blockRowsMax);
    this.isBlockShort = rows < this.blockRowsMax;
    this.blockRowsMax = Math.min(BLOCK_GROWTH * this.blockRowsMax, BLOCK_ROWS_MAX);
    return rows;
  }

  /** False when a row is damaged. */
  private takeBlock(): boolean {
    const { block } = this;
    const { count } = block;
    this.rowFollows = !block.exhausted;
    for (let index = 0; index < count; index++) {
      const order = this.compareWithEnd(index);
      if (order > 0) {
        this.complete = true;
        return true;
      }
      this.examined++;
      if (!this.takeRow(index)) return false;
      if (order === 0) {
        this.complete = true;
        return true;
      }
      if (this.keptBytes >= this.limits.bytesMax) {
        this.rowFollows = index + 1 < count || !block.exhausted;
        return true;
      }
    }
    return true;
  }

  /** Above 0: the row is outside the range. 0: it is the last row that the range can have. */
  private compareWithEnd(index: number): number {
    const { end, endInclusive, reverse } = this.plan;
    if (end === null) return -1;
    const { bytes, offsets } = this.block;
    const order = compareRange(bytes, offsets[4 * index]!, offsets[4 * index + 1]!, end);
    if (order === 0) return endInclusive ? 0 : 1;
    return reverse ? -order : order;
  }

  /** Adds the row to the answer if it belongs there; false when it is damaged. */
  private takeRow(index: number): boolean {
    const { plan, rows } = this;
    const { bytes, offsets } = this.block;
    const keyStart = offsets[4 * index]!;
    const keyEnd = offsets[4 * index + 1]!;
    const valueStart = offsets[4 * index + 2]!;
    const valueEnd = offsets[4 * index + 3]!;
    // The original keeps rows with an empty key in its data; they are nobody's.
    if (keyEnd - keyStart < KEY_HEADER_BYTES) return true;
    const sortStart = keyStart + KEY_HEADER_BYTES + hashKeyLengthAt(bytes, keyStart);
    if (sortStart > keyEnd || valueEnd - valueStart < VALUE_HEADER_BYTES) return false;
    this.blocksBytes += keyEnd - keyStart + (valueEnd - valueStart);
    const expireSeconds = expireOf(bytes, valueStart);
    if (isExpired(expireSeconds, this.nowSeconds)) {
      this.meter.expiredValues++;
      return true;
    }
    if (!this.isWanted(keyStart, sortStart, keyEnd)) {
      this.meter.filteredValues++;
      return true;
    }
    this.kept++;
    if (rows === null) return true;
    const shownStart = plan.output === RowOutput.sortKey ? sortStart : keyStart;
    const dataStart = plan.noValue ? valueEnd : valueStart + VALUE_HEADER_BYTES;
    const shownExpire = plan.returnExpire ? expireSeconds : -1;
    rows.addKeyValue(bytes, shownStart, keyEnd, dataStart, valueEnd, shownExpire);
    this.keptBytes += keyEnd - shownStart + (valueEnd - dataStart);
    return true;
  }

  private isWanted(keyStart: number, sortStart: number, keyEnd: number): boolean {
    const { plan, rowHash } = this;
    const { bytes } = this.block;
    const hashStart = keyStart + KEY_HEADER_BYTES;
    if (!passesFilter(plan.hashFilter, plan.hashPattern, bytes, hashStart, sortStart)) return false;
    if (!passesFilter(plan.sortFilter, plan.sortPattern, bytes, sortStart, keyEnd)) return false;
    if (plan.ownPartition < 0) return true;
    partitionHash(bytes, keyStart, keyEnd, rowHash);
    return partitionIndexOf(rowHash, plan.partitionCount) === plan.ownPartition;
  }
}

const NO_OFFSETS: Uint32Array = new Uint32Array(0);
const NO_LIMITS: RangeLimits = {
  keptMax: 1,
  examinedMax: 1,
  bytesMax: Infinity,
  blocksBytesMax: Infinity,
  timeMsMax: 0,
};
