/**
 * get_scanner and scan: a partition, or a part of it, in batches. A scan sees the data as of
 * get_scanner, while expiry is judged anew for each batch.
 *
 * Which rows a scan may see: those of the start key's hash key only, unless the start has no hash
 * key, the request says `fullScan`, or it goes from behind a key to FF FF. (Two clients resume a
 * lost full scan so, and cannot say `fullScan`: the original ends their scan with the hash key and
 * they miss the rest. A scan of one hash key that ends at FF FF starts with its first key,
 * inclusive.)
 *
 * A batch may be short, or empty, with a live context: when the rows at hand are not in memory any
 * more, when they were left out, and when the batch is large.
 */
import { compareBytes, EMPTY_BYTES } from '../base/bytes.ts';
import { EngineStatus } from '../env/engine.ts';
import {
  encodeKey,
  HASH_KEY_BYTES_MAX,
  hashKeyEnd,
  hashKeyLengthAt,
  hashKeyOf,
  isClientKey,
  RESERVED_START,
} from '../model/key.ts';
import type { GetScannerRequest } from '../wire/generated/rrdb.ts';
import { FilterType, StorageStatus } from '../wire/schema/rrdb.ts';
import type { Writer } from '../wire/writer.ts';
import { directlyBehind } from './multi-get.ts';
import { type RangeLimits, type RangePlan, RowOutput } from './range-read.ts';
import { ReadOutcome } from './read-outcome.ts';
import { PoolLane } from './read-pool.ts';
import { CONTEXT_FINISHED, CONTEXT_NONE, type ContextId, RowList } from './read-replies.ts';
import type { ReadJob, ReadScope } from './read-scope.ts';
import { isFilterType } from './row-filter.ts';
import type { OpenScan } from './scan-contexts.ts';

/** Null: keys that no client may use. */
export function getScannerJob(scope: ReadScope, request: GetScannerRequest): ReadJob | null {
  const { hashKeyFilterType, sortKeyFilterType, startKey } = request;
  if (!isFilterType(hashKeyFilterType) || !isFilterType(sortKeyFilterType)) {
    return new ScanStatusJob(scope, StorageStatus.invalidArgument);
  }
  if (!isClientKey(startKey)) return null;
  if (request.hashKeyFilterPattern.length > HASH_KEY_BYTES_MAX) return null;
  const range = scanRange(request);
  if (typeof range === 'number') return new ScanStatusJob(scope, range);
  const validates = scope.settings.validatePartitionHash && request.validatePartitionHash !== false;
  const plan: RangePlan = {
    ...range,
    hashFilter: hashKeyFilterType,
    hashPattern: request.hashKeyFilterPattern.slice(),
    sortFilter: sortKeyFilterType,
    sortPattern: request.sortKeyFilterPattern.slice(),
    output: request.onlyReturnCount === true ? RowOutput.count : RowOutput.fullKey,
    noValue: request.noValue,
    returnExpire: request.returnExpireTs === true,
    ownPartition: validates ? scope.context.partitionIndex : -1,
    partitionCount: scope.settings.partitionCount,
  };
  const { scanRowsMax } = scope.limits;
  const batchRowsMax =
    request.batchSize > 0 ? Math.min(request.batchSize, scanRowsMax) : scanRowsMax;
  return new FirstBatchJob(scope, plan, batchRowsMax);
}

export function scanJob(scope: ReadScope, contextId: bigint): ReadJob {
  return new NextBatchJob(scope, contextIdOf(contextId));
}

/** Drops the scan, if there is one. */
export function clearScanner(scope: ReadScope, contextId: bigint): void {
  scope.scans.take(contextIdOf(contextId))?.read.close();
}

function contextIdOf(wire: bigint): ContextId {
  return { high: Number(BigInt.asUintN(32, wire >> 32n)), low: Number(BigInt.asUintN(32, wire)) };
}

type ScanRange = Pick<RangePlan, 'lower' | 'upper' | 'reverse' | 'end' | 'endInclusive'>;

/** A status when there is nothing to read: an empty range, or one that makes no sense. */
function scanRange(request: GetScannerRequest): ScanRange | StorageStatus {
  const { startKey, stopKey, stopInclusive } = request;
  const isWhole =
    hashKeyLengthAt(startKey, 0) === 0 ||
    request.fullScan === true ||
    (!request.startInclusive && compareBytes(stopKey, RESERVED_START) === 0);
  let start = startKey;
  let { startInclusive } = request;
  if (request.hashKeyFilterType === FilterType.prefix && request.hashKeyFilterPattern.length > 0) {
    const first = encodeKey(request.hashKeyFilterPattern, EMPTY_BYTES);
    if (compareBytes(first, start) > 0) {
      // The scan is bound to one hash key, and that one does not begin with the pattern. The
      // original dies of it.
      if (!isWhole) return StorageStatus.invalidArgument;
      start = first;
      startInclusive = true;
    }
  }
  const order = compareBytes(start, stopKey);
  if (order > 0 || (order === 0 && !(startInclusive && stopInclusive))) return StorageStatus.ok;
  const upper = isWhole ? RESERVED_START : hashKeyEnd(hashKeyOf(startKey));
  return {
    lower: startInclusive ? start.slice() : directlyBehind(start),
    upper,
    reverse: false,
    end: compareBytes(stopKey, upper) >= 0 ? null : stopKey.slice(),
    endInclusive: stopInclusive,
  };
}

/** What the two kinds of batches share. */
class BatchWriter {
  private readonly scope: ReadScope;

  constructor(scope: ReadScope) {
    this.scope = scope;
  }

  begin(scan: OpenScan, examinedMax: number, writer: Writer): RowList {
    const limits: RangeLimits = {
      keptMax: scan.batchRowsMax,
      examinedMax,
      bytesMax: Infinity,
      blocksBytesMax: this.scope.limits.scanBytesMax,
      timeMsMax: this.scope.settings.rangeTimeMsMax,
    };
    const rows = new RowList(writer, false);
    scan.read.begin(limits, scan.read.plan.output === RowOutput.count ? null : rows);
    return rows;
  }

  runLater(
    scan: OpenScan,
    rows: RowList,
    deadlineMs: number,
    done: (outcome: ReadOutcome) => void,
  ): void {
    this.scope.runLater(scan.read, deadlineMs, (outcome) => {
      if (outcome === ReadOutcome.done) {
        done(this.finish(scan, rows));
      } else {
        scan.read.close();
        done(outcome);
      }
    });
  }

  /** Ends a batch that the engine answered; the scan is put away or closed. */
  finish(scan: OpenScan, rows: RowList): ReadOutcome {
    const { read } = scan;
    const { scans, replies, meter } = this.scope;
    meter.answered(read.keptBytes, read.examined);
    const kvCount = read.plan.output === RowOutput.count ? read.kept : -1;
    if (!read.isIncomplete) {
      read.close();
      replies.finishScan(rows, StorageStatus.ok, CONTEXT_FINISHED, kvCount);
    } else if (read.isLate) {
      read.close();
      replies.finishScan(rows, StorageStatus.incomplete, CONTEXT_NONE, kvCount);
    } else {
      replies.finishScan(rows, StorageStatus.ok, scans.put(scan), kvCount);
    }
    return ReadOutcome.done;
  }
}

class FirstBatchJob implements ReadJob {
  private readonly scope: ReadScope;
  private readonly batch: BatchWriter;
  private readonly plan: RangePlan;
  private readonly lane: PoolLane;
  private readonly batchRowsMax: number;

  constructor(scope: ReadScope, plan: RangePlan, batchRowsMax: number) {
    this.scope = scope;
    this.batch = new BatchWriter(scope);
    this.plan = plan;
    const isOfOneHashKey = plan.upper !== RESERVED_START;
    this.lane = isOfOneHashKey ? PoolLane.range : PoolLane.scan;
    this.batchRowsMax = batchRowsMax;
  }

  runNow(writer: Writer): ReadOutcome {
    if (!mayRunNow(this.scope, this.lane)) return ReadOutcome.later;
    const scan = this.open();
    const rows = this.batch.begin(scan, this.scope.limits.scanRowsMax, writer);
    const status = this.scope.runNow(scan.read);
    if (isAnswered(status, scan)) return this.batch.finish(scan, rows);
    scan.read.close();
    return this.scope.outcomeOf(status);
  }

  runLater(writer: Writer, deadlineMs: number, done: (outcome: ReadOutcome) => void): void {
    const scan = this.open();
    const rows = this.batch.begin(scan, this.scope.limits.scanRowsMax, writer);
    this.batch.runLater(scan, rows, deadlineMs, done);
  }

  private open(): OpenScan {
    const { scope, plan, batchRowsMax, lane } = this;
    return { read: scope.open(plan, lane === PoolLane.range, lane), batchRowsMax };
  }
}

class NextBatchJob implements ReadJob {
  private readonly scope: ReadScope;
  private readonly batch: BatchWriter;
  private readonly id: ContextId;

  constructor(scope: ReadScope, id: ContextId) {
    this.scope = scope;
    this.batch = new BatchWriter(scope);
    this.id = id;
  }

  runNow(writer: Writer): ReadOutcome {
    const scan = this.scope.scans.take(this.id);
    if (scan === null) return this.finishUnknown(writer);
    if (!mayRunNow(this.scope, scan.read.lane)) {
      this.scope.scans.giveBack(this.id, scan);
      return ReadOutcome.later;
    }
    const rows = this.batch.begin(scan, scan.batchRowsMax, writer);
    const status = this.scope.runNow(scan.read);
    if (isAnswered(status, scan)) return this.batch.finish(scan, rows);
    if (status === EngineStatus.wouldBlock) this.scope.scans.giveBack(this.id, scan);
    else scan.read.close();
    return this.scope.outcomeOf(status);
  }

  runLater(writer: Writer, deadlineMs: number, done: (outcome: ReadOutcome) => void): void {
    const scan = this.scope.scans.take(this.id);
    if (scan === null) {
      done(this.finishUnknown(writer));
      return;
    }
    const rows = this.batch.begin(scan, scan.batchRowsMax, writer);
    this.batch.runLater(scan, rows, deadlineMs, done);
  }

  private finishUnknown(writer: Writer): ReadOutcome {
    const rows = new RowList(writer, false);
    this.scope.replies.finishScan(rows, StorageStatus.notFound, CONTEXT_NONE, -1);
    this.scope.meter.answered(0, 0);
    return ReadOutcome.done;
  }
}

function mayRunNow(scope: ReadScope, lane: PoolLane): boolean {
  return lane === PoolLane.scan ? scope.pool.mayScan : scope.pool.hasTurnLeft;
}

/** A batch that met rows which are not in memory is answered with the rows before them. */
function isAnswered(status: EngineStatus, scan: OpenScan): boolean {
  if (status === EngineStatus.ok) return true;
  return status === EngineStatus.wouldBlock && scan.read.examined > 0;
}

class ScanStatusJob implements ReadJob {
  private readonly scope: ReadScope;
  private readonly error: StorageStatus;

  constructor(scope: ReadScope, error: StorageStatus) {
    this.scope = scope;
    this.error = error;
  }

  runNow(writer: Writer): ReadOutcome {
    const rows = new RowList(writer, false);
    this.scope.replies.finishScan(rows, this.error, CONTEXT_NONE, -1);
    this.scope.meter.answered(0, 0);
    return ReadOutcome.done;
  }

  runLater(writer: Writer, _deadlineMs: number, done: (outcome: ReadOutcome) => void): void {
    done(this.runNow(writer));
  }
}
