/**
 * Reads rows by their keys: multi_get with sort keys, and batch_get. Rows come in the order of the
 * request; what is missing or expired is left out. A limit is checked before each row that was
 * found, so one row always fits; a row that does not fit any more ends the read as incomplete.
 */
import { assert } from '../base/assert.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { EngineStatus, type RowBlock } from '../env/engine.ts';
import { encodeKey, HASH_KEY_BYTES_MAX } from '../model/key.ts';
import { isExpired, ttlNow } from '../model/ttl.ts';
import { expireOf, VALUE_HEADER_BYTES } from '../model/value.ts';
import type { BatchGetRequest } from '../wire/generated/rrdb.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import type { Writer } from '../wire/writer.ts';
import { ReadOutcome } from './read-outcome.ts';
import { PoolLane, type PoolTask } from './read-pool.ts';
import { RowList } from './read-replies.ts';
import type { ReadJob, ReadScope } from './read-scope.ts';
import { RowStatusJob } from './row-status.ts';

/** Keys of one call to the engine. */
const CHUNK_KEYS_MAX = 64;
/** With more keys a late read goes in the lane of ranges. */
const POINT_KEYS_MAX = 16;
/** `RowBlock` of a multi-get: the value start of an absent key. */
const ABSENT = 0xffffffff;

export interface KeyPlan {
  /** Of all keys, when `hashKeys` is null. */
  readonly hashKey: Uint8Array;
  /** One for each sort key: then rows are answered with both. */
  readonly hashKeys: readonly Uint8Array[] | null;
  readonly sortKeys: readonly Uint8Array[];
  readonly noValue: boolean;
  readonly countMax: number;
  readonly bytesMax: number;
}

/** Null: a hash key that cannot exist. */
export function batchGetJob(scope: ReadScope, request: BatchGetRequest): ReadJob | null {
  const { keys } = request;
  if (keys.length === 0) return new RowStatusJob(scope, StorageStatus.invalidArgument);
  for (const { hashKey } of keys) {
    if (hashKey.length > HASH_KEY_BYTES_MAX) return null;
  }
  return new KeyReadJob(scope, {
    hashKey: EMPTY_BYTES,
    hashKeys: keys.map((key) => key.hashKey),
    sortKeys: keys.map((key) => key.sortKey),
    noValue: false,
    countMax: keys.length,
    bytesMax: scope.limits.replyBytesMax,
  });
}

export class KeyReadJob implements ReadJob, PoolTask {
  private readonly scope: ReadScope;
  private readonly plan: KeyPlan;
  private readonly block: RowBlock;
  private readonly nowSeconds: number;
  private next: number;
  private kept: number;
  private keptBytes: number;
  private full: boolean;
  private rows: RowList | null;
  private done: ((outcome: ReadOutcome) => void) | null;
  private readonly lane: PoolLane;
  deadlineMs: number;

  constructor(scope: ReadScope, plan: KeyPlan) {
    assert(plan.sortKeys.length > 0, 'a read by keys has keys');
    this.scope = scope;
    this.plan = plan;
    this.block = { bytes: EMPTY_BYTES, offsets: new Uint32Array(0), count: 0, exhausted: false };
    this.nowSeconds = ttlNow(scope.clock.wallMs());
    this.next = 0;
    this.kept = 0;
    this.keptBytes = 0;
    this.full = false;
    this.rows = null;
    this.done = null;
    this.lane = plan.sortKeys.length > POINT_KEYS_MAX ? PoolLane.range : PoolLane.point;
    this.deadlineMs = Infinity;
  }

  runNow(writer: Writer): ReadOutcome {
    const { limits, engine } = this.scope;
    if (this.plan.sortKeys.length > limits.turnRowsMax) return ReadOutcome.later;
    if (this.lane === PoolLane.range && !this.scope.pool.hasTurnLeft) return ReadOutcome.later;
    const rows = new RowList(writer, false);
    while (!this.isOver()) {
      if (this.keptBytes > limits.turnBytesMax) return ReadOutcome.later;
      const keys = this.chunk();
      const status = engine.multiGet(keys, this.block);
      if (status !== EngineStatus.ok) return this.scope.outcomeOf(status);
      if (!this.takeChunk(keys.length, rows)) return ReadOutcome.failed;
    }
    this.scope.pool.spendTurn(this.keptBytes);
    return this.finish(rows);
  }

  runLater(writer: Writer, deadlineMs: number, done: (outcome: ReadOutcome) => void): void {
    this.rows = new RowList(writer, false);
    this.deadlineMs = deadlineMs;
    this.done = done;
    this.scope.pool.submit(this.lane, this);
  }

  start(): void {
    const { scope, block } = this;
    if (scope.isClosed) {
      this.onStatus(EngineStatus.invalid, 0);
      return;
    }
    const keys = this.chunk();
    scope.engine.multiGetLater(keys, block, (status) => this.onStatus(status, keys.length));
  }

  expire(): void {
    this.end(ReadOutcome.expired);
  }

  private onStatus(status: EngineStatus, keyCount: number): void {
    const { pool } = this.scope;
    const outcome = this.outcomeOf(status, keyCount);
    if (outcome === null) pool.submit(this.lane, this);
    else this.end(outcome);
    pool.finished(this.lane);
  }

  /** Null: there are more keys to read. */
  private outcomeOf(status: EngineStatus, keyCount: number): ReadOutcome | null {
    const { rows, scope } = this;
    assert(rows !== null, 'a late read has a place for its answer');
    if (scope.isClosed) return ReadOutcome.closed;
    if (status !== EngineStatus.ok) return scope.outcomeOf(status);
    if (!this.takeChunk(keyCount, rows)) return ReadOutcome.failed;
    return this.isOver() ? this.finish(rows) : null;
  }

  private end(outcome: ReadOutcome): void {
    const { done } = this;
    assert(done !== null, 'a late read ends once');
    this.done = null;
    done(outcome);
  }

  private isOver(): boolean {
    return this.full || this.next === this.plan.sortKeys.length;
  }

  private chunk(): Uint8Array[] {
    const { hashKey, hashKeys, sortKeys } = this.plan;
    const end = Math.min(this.next + CHUNK_KEYS_MAX, sortKeys.length);
    const keys: Uint8Array[] = [];
    for (let index = this.next; index < end; index++) {
      keys.push(encodeKey(hashKeys === null ? hashKey : hashKeys[index]!, sortKeys[index]!));
    }
    return keys;
  }

  /** False when a row is damaged. */
  private takeChunk(count: number, rows: RowList): boolean {
    const { countMax, bytesMax, sortKeys, hashKeys, hashKey, noValue } = this.plan;
    const { bytes, offsets } = this.block;
    for (let row = 0; row < count; row++, this.next++) {
      const start = offsets[4 * row + 2]!;
      const end = offsets[4 * row + 3]!;
      if (start === ABSENT) continue;
      if (end - start < VALUE_HEADER_BYTES) return false;
      if (isExpired(expireOf(bytes, start), this.nowSeconds)) {
        this.scope.meter.expiredValues++;
        continue;
      }
      if (this.kept >= countMax || this.keptBytes >= bytesMax) {
        this.full = true;
        return true;
      }
      const sortKey = sortKeys[this.next]!;
      const dataStart = noValue ? end : start + VALUE_HEADER_BYTES;
      const itsHashKey = hashKeys === null ? hashKey : hashKeys[this.next]!;
      if (hashKeys === null) rows.addNamed(sortKey, bytes, dataStart, end);
      else rows.addFullData(itsHashKey, sortKey, bytes, dataStart, end);
      this.kept++;
      this.keptBytes += sortKey.length + (end - dataStart);
      if (hashKeys !== null) this.keptBytes += itsHashKey.length;
    }
    return true;
  }

  private finish(rows: RowList): ReadOutcome {
    const { replies, meter } = this.scope;
    const { hashKey, hashKeys } = this.plan;
    replies.finishRows(rows, this.full ? StorageStatus.incomplete : StorageStatus.ok);
    const sharedBytes = hashKeys === null ? this.kept * hashKey.length : 0;
    meter.answered(this.keptBytes + sharedBytes, this.next);
    return ReadOutcome.done;
  }
}
