/**
 * The read side of one replica. Answers from memory in the turn of the request where it can
 * (`tryRead`); what has to wait for the disk, or is more work than one turn may hold, goes through
 * `readLater`.
 *
 * A get is the hot path: one look-up, the value copied once into the reply, nothing allocated but
 * the view of the key.
 */
import { assert } from '../base/assert.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import type { Clock } from '../env/clock.ts';
import type { Engine, ValueView } from '../env/engine.ts';
import type { Random } from '../env/random.ts';
import { isClientKey } from '../model/key.ts';
import type { TableSettings } from '../model/table-settings.ts';
import {
  readBatchGetRequest,
  readGetScannerRequest,
  readMultiGetRequest,
  readScanRequest,
} from '../wire/generated/rrdb.ts';
import { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { WireError } from '../wire/types.ts';
import type { Writer } from '../wire/writer.ts';
import { batchGetJob } from './key-read.ts';
import { multiGetJob } from './multi-get.ts';
import { answerPoint, pointReadJob } from './point-read.ts';
import { ReadMeter } from './read-meter.ts';
import { type ReadDone, ReadOutcome, type Reads } from './read-outcome.ts';
import { ReadPool } from './read-pool.ts';
import { type ReadJob, ReadScope } from './read-scope.ts';
import { clearScanner, getScannerJob, scanJob } from './scan.ts';
import { ScanContexts } from './scan-contexts.ts';
import { sortkeyCountJob } from './sortkey-count.ts';
import {
  assertLimits,
  type ReplicaContext,
  STORAGE_LIMITS,
  type StorageLimits,
} from './table-context.ts';

/** What a server shares between its replicas, or keeps when an engine is replaced; made here when it is not given. */
export interface ReadParts {
  readonly limits?: StorageLimits;
  readonly meter?: ReadMeter;
  readonly pool?: ReadPool;
}

export class ReadService implements Reads {
  private readonly scope: ReadScope;
  private readonly lateReader: Reader;
  private readonly view: ValueView;
  /** Late reads of this replica under way. */
  private lateCount = 0;

  constructor(
    engine: Engine,
    context: ReplicaContext,
    settings: TableSettings,
    clock: Clock,
    random: Random,
    parts: ReadParts = {},
  ) {
    const limits = parts.limits ?? STORAGE_LIMITS;
    const meter = parts.meter ?? new ReadMeter();
    const pool = parts.pool ?? new ReadPool(clock);
    assertLimits(limits);
    const scans = new ScanContexts(clock, random, limits.scanContextsMax, limits.scanIdleMsMax);
    this.scope = new ReadScope(engine, context, settings, limits, clock, scans, meter, pool);
    this.lateReader = new Reader();
    this.view = { bytes: EMPTY_BYTES, start: 0, end: 0 };
  }

  /** Scans that wait for their next batch. */
  get scanCount(): number {
    return this.scope.scans.count;
  }

  isSupported(code: RpcCode): boolean {
    return code >= RpcCode.get && code <= RpcCode.clearScanner;
  }

  tryRead(code: RpcCode, reader: Reader, writer: Writer): ReadOutcome {
    if (this.scope.isClosed) return ReadOutcome.closed;
    const argumentAt = reader.position;
    const resultAt = writer.length;
    if (code < RpcCode.getScanner) this.scope.pool.noteOther();
    let outcome: ReadOutcome;
    try {
      outcome = this.readNow(code, reader, writer);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      outcome = ReadOutcome.invalidParameters;
    }
    if (outcome !== ReadOutcome.done) writer.rewind(resultAt);
    if (outcome === ReadOutcome.later) reader.position = argumentAt;
    return outcome;
  }

  readLater(
    code: RpcCode,
    argument: Uint8Array,
    done: ReadDone,
    deadlineMs: number = Infinity,
  ): void {
    const job = this.decodeLate(code, argument);
    if (typeof job === 'number') {
      done(job, EMPTY_BYTES);
      return;
    }
    if (deadlineMs !== Infinity && this.scope.clock.monotonicMs() > deadlineMs) {
      done(ReadOutcome.expired, EMPTY_BYTES);
      return;
    }
    const { pool } = this.scope;
    if (this.lateCount >= pool.pendingOfReplicaMax || !pool.enter()) {
      done(ReadOutcome.busy, EMPTY_BYTES);
      return;
    }
    this.lateCount++;
    const writer = pool.takeWriter();
    job.runLater(writer, deadlineMs, (outcome) => {
      this.lateCount--;
      pool.leave();
      // The engine has no room either.
      const end = outcome === ReadOutcome.later ? ReadOutcome.busy : outcome;
      done(end, end === ReadOutcome.done ? writer.output() : EMPTY_BYTES);
      pool.giveWriter(writer);
    });
  }

  applySettings(settings: TableSettings): void {
    this.scope.settings = settings;
  }

  expireScans(): void {
    this.scope.scans.expire();
  }

  close(): void {
    this.scope.close();
  }

  private readNow(code: RpcCode, reader: Reader, writer: Writer): ReadOutcome {
    if (code === RpcCode.get || code === RpcCode.ttl) {
      const key = reader.readBlob();
      if (!isClientKey(key)) return ReadOutcome.invalidParameters;
      const status = this.scope.engine.get(key, this.view);
      return answerPoint(this.scope, code, key.length, status, this.view, writer);
    }
    if (code === RpcCode.clearScanner) {
      clearScanner(this.scope, reader.readI64Big());
      return ReadOutcome.noReply;
    }
    const job = this.decodeJob(code, reader);
    return job === null ? ReadOutcome.invalidParameters : job.runNow(writer);
  }

  /**
   * Held reads come here untried, so anything may be wrong with them. An outcome when there is
   * nothing to run.
   */
  private decodeLate(code: RpcCode, argument: Uint8Array): ReadJob | ReadOutcome {
    if (this.scope.isClosed) return ReadOutcome.closed;
    const reader = this.lateReader;
    reader.reset(argument, 0, argument.length);
    try {
      if (code === RpcCode.clearScanner) {
        clearScanner(this.scope, reader.readI64Big());
        return ReadOutcome.noReply;
      }
      return this.decodeJob(code, reader) ?? ReadOutcome.invalidParameters;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return ReadOutcome.invalidParameters;
    }
  }

  /** Null when the request names keys that cannot exist. */
  private decodeJob(code: RpcCode, reader: Reader): ReadJob | null {
    switch (code) {
      case RpcCode.get:
      case RpcCode.ttl:
        return pointReadJob(this.scope, code, reader.readBlob());
      case RpcCode.multiGet:
        return multiGetJob(this.scope, readMultiGetRequest(reader));
      case RpcCode.batchGet:
        return batchGetJob(this.scope, readBatchGetRequest(reader));
      case RpcCode.sortkeyCount:
        return sortkeyCountJob(this.scope, reader.readBlob());
      case RpcCode.getScanner:
        return getScannerJob(this.scope, readGetScannerRequest(reader));
      default:
        assert(code === RpcCode.scan, 'only supported reads are decoded');
        return scanJob(this.scope, readScanRequest(reader).contextId);
    }
  }
}
