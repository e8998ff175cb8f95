/**
 * multi_get: rows of one hash key, named by their sort keys or as a range. An unknown filter type is refused in both
 * forms, although named keys are not filtered.
 */
import { compareBytes, EMPTY_BYTES } from '../base/bytes.ts';
import { EngineStatus } from '../env/engine.ts';
import { encodeKey, HASH_KEY_BYTES_MAX, hashKeyEnd, successor } from '../model/key.ts';
import type { MultiGetRequest } from '../wire/generated/rrdb.ts';
import { FilterType, StorageStatus } from '../wire/schema/rrdb.ts';
import type { Writer } from '../wire/writer.ts';
import { KeyReadJob } from './key-read.ts';
import { type RangeLimits, type RangePlan, type RangeRead, RowOutput } from './range-read.ts';
import { ReadOutcome } from './read-outcome.ts';
import { RowList } from './read-replies.ts';
import type { ReadJob, ReadScope } from './read-scope.ts';
import { isFilterType } from './row-filter.ts';
import { RowStatusJob } from './row-status.ts';
import type { StorageLimits } from './table-context.ts';

/** Null: no such hash key can exist. */
export function multiGetJob(scope: ReadScope, request: MultiGetRequest): ReadJob | null {
  if (request.hashKey.length > HASH_KEY_BYTES_MAX) return null;
  const filter = request.sortKeyFilterType;
  if (!isFilterType(filter)) return new RowStatusJob(scope, StorageStatus.invalidArgument);
  if (request.sortKeys.length > 0) {
    return new KeyReadJob(scope, {
      hashKey: request.hashKey,
      hashKeys: null,
      sortKeys: request.sortKeys,
      noValue: request.noValue,
      countMax: rowsMax(request.maxKvCount, scope.limits),
      bytesMax: bytesMax(request.maxKvSize, scope.limits.replyBytesMax),
    });
  }
  const plan = multiGetPlan(request, filter);
  if (plan === null) return new RowStatusJob(scope, StorageStatus.ok);
  const limits: RangeLimits = {
    keptMax: rowsMax(request.maxKvCount, scope.limits),
    examinedMax: scope.limits.multiGetRowsMax,
    bytesMax: bytesMax(request.maxKvSize, scope.limits.multiGetBytesMax),
    blocksBytesMax: Infinity,
    timeMsMax: scope.settings.rangeTimeMsMax,
  };
  return new MultiGetRangeJob(scope, plan, limits, request.hashKey.length);
}

function rowsMax(requested: number, limits: StorageLimits): number {
  return requested > 0 ? Math.min(requested, limits.multiGetRowsMax) : limits.multiGetRowsMax;
}

function bytesMax(requested: number, limit: number): number {
  return requested > 0 ? Math.min(requested, limit) : limit;
}

interface SortKeyRange {
  readonly start: Uint8Array;
  readonly startInclusive: boolean;
  readonly stop: Uint8Array;
  readonly stopInclusive: boolean;
}

/** The range asked for, as encoded keys, narrowed by a prefix filter. */
function sortKeyRange(request: MultiGetRequest, filter: FilterType): SortKeyRange {
  const { hashKey, stopSortkey, sortKeyFilterPattern } = request;
  let start = encodeKey(hashKey, request.startSortkey);
  let { startInclusive, stopInclusive } = request;
  let stop: Uint8Array;
  if (stopSortkey.length === 0) {
    stop = hashKeyEnd(hashKey);
    stopInclusive = false;
  } else {
    stop = encodeKey(hashKey, stopSortkey);
  }
  if (filter === FilterType.prefix && sortKeyFilterPattern.length > 0) {
    const first = encodeKey(hashKey, sortKeyFilterPattern);
    if (compareBytes(first, start) > 0) {
      start = first;
      startInclusive = true;
    }
    const behind = successor(first);
    if (behind !== null && compareBytes(behind, stop) <= 0) {
      stop = behind;
      stopInclusive = false;
    }
  }
  return { start, startInclusive, stop, stopInclusive };
}

/** Null when the range is empty. */
function multiGetPlan(request: MultiGetRequest, filter: FilterType): RangePlan | null {
  const { reverse, hashKey, noValue, sortKeyFilterPattern } = request;
  const { start, startInclusive, stop, stopInclusive } = sortKeyRange(request, filter);
  const order = compareBytes(start, stop);
  if (order > 0 || (order === 0 && !(startInclusive && stopInclusive))) return null;
  const hashEnd = hashKeyEnd(hashKey);
  const endsWithHashKey = compareBytes(stop, hashEnd) === 0;
  return {
    // Going back, rows of other hash keys count as "another row follows"; going forward they do not.
    lower: reverse ? EMPTY_BYTES : startInclusive ? start : directlyBehind(start),
    upper: reverse ? (stopInclusive ? directlyBehind(stop) : stop) : hashEnd,
    reverse,
    end: reverse ? start : endsWithHashKey ? null : stop,
    endInclusive: reverse ? startInclusive : stopInclusive,
    hashFilter: FilterType.none,
    hashPattern: EMPTY_BYTES,
    sortFilter: filter,
    sortPattern: sortKeyFilterPattern,
    output: RowOutput.sortKey,
    noValue,
    returnExpire: false,
    ownPartition: -1,
    partitionCount: 1,
  };
}

/** The key that comes next after `key` in byte order. */
export function directlyBehind(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

class MultiGetRangeJob implements ReadJob {
  private readonly scope: ReadScope;
  private readonly plan: RangePlan;
  private readonly limits: RangeLimits;
  private readonly hashKeyLength: number;

  constructor(scope: ReadScope, plan: RangePlan, limits: RangeLimits, hashKeyLength: number) {
    this.scope = scope;
    this.plan = plan;
    this.limits = limits;
    this.hashKeyLength = hashKeyLength;
  }

  runNow(writer: Writer): ReadOutcome {
    if (!this.scope.pool.hasTurnLeft) return ReadOutcome.later;
    const rows = new RowList(writer, this.plan.reverse);
    const read = this.begin(rows, this.scope.limits.turnBytesMax);
    const status = this.scope.runNow(read);
    if (status === EngineStatus.ok && !(read.isCut && read.isIncomplete)) {
      return this.finish(read, rows);
    }
    read.close();
    // What is too much for one turn goes on block by block.
    return status === EngineStatus.ok ? ReadOutcome.later : this.scope.outcomeOf(status);
  }

  runLater(writer: Writer, deadlineMs: number, done: (outcome: ReadOutcome) => void): void {
    const rows = new RowList(writer, this.plan.reverse);
    const read = this.begin(rows, Infinity);
    this.scope.runLater(read, deadlineMs, (outcome) => {
      if (outcome === ReadOutcome.done) {
        done(this.finish(read, rows));
      } else {
        read.close();
        done(outcome);
      }
    });
  }

  private begin(rows: RowList, blocksBytesMax: number): RangeRead {
    const read = this.scope.open(this.plan, true);
    read.begin({ ...this.limits, blocksBytesMax }, rows);
    return read;
  }

  private finish(read: RangeRead, rows: RowList): ReadOutcome {
    read.close();
    const { replies, meter } = this.scope;
    const error = read.isIncomplete ? StorageStatus.incomplete : StorageStatus.ok;
    replies.finishRows(rows, error);
    meter.answered(read.keptBytes + read.kept * this.hashKeyLength, read.examined);
    return ReadOutcome.done;
  }
}
