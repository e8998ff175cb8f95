/**
 * What the reads of one replica share, and the range reads that are open outside of a single turn: they hold an
 * iterator of the engine and must be closed before it is.
 */
import { assert } from '../base/assert.ts';
import type { Clock } from '../env/clock.ts';
import { type Engine, EngineStatus } from '../env/engine.ts';
import type { TableSettings } from '../model/table-settings.ts';
import type { Writer } from '../wire/writer.ts';
import { type RangePlan, RangeRead } from './range-read.ts';
import type { ReadMeter } from './read-meter.ts';
import { ReadOutcome } from './read-outcome.ts';
import { PoolLane, type ReadPool } from './read-pool.ts';
import { ReadReplies } from './read-replies.ts';
import type { ScanContexts } from './scan-contexts.ts';
import type { ReplicaContext, StorageLimits } from './table-context.ts';

/** One read, decoded. It runs once, either way; its views into the request live as long as it does. */
export interface ReadJob {
  /** Writes the result, or leaves a piece of it that the caller rewinds when the outcome is not done. */
  runNow(writer: Writer): ReadOutcome;
  runLater(writer: Writer, deadlineMs: number, done: (outcome: ReadOutcome) => void): void;
}

export class ReadScope {
  readonly engine: Engine;
  readonly context: ReplicaContext;
  readonly clock: Clock;
  readonly limits: StorageLimits;
  readonly replies: ReadReplies;
  readonly scans: ScanContexts;
  readonly meter: ReadMeter;
  readonly pool: ReadPool;
  settings: TableSettings;
  private readonly lateReads: Set<RangeRead>;
  private closed: boolean;

  constructor(
    engine: Engine,
    context: ReplicaContext,
    settings: TableSettings,
    limits: StorageLimits,
    clock: Clock,
    scans: ScanContexts,
    meter: ReadMeter,
    pool: ReadPool,
  ) {
    this.engine = engine;
    this.context = context;
    this.settings = settings;
    this.limits = limits;
    this.clock = clock;
    this.scans = scans;
    this.meter = meter;
    this.pool = pool;
    this.replies = new ReadReplies(context);
    this.lateReads = new Set();
    this.closed = false;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /**
   * The caller closes the read, or gives it to `scans`. What it meets on the disk stays in the cache, unless the read
   * goes over so much that it would push out what others read again and again.
   */
  open(plan: RangePlan, fillCache: boolean, lane: PoolLane = PoolLane.range): RangeRead {
    assert(!this.closed, 'a closed replica opens no reads');
    const { lower, upper, reverse } = plan;
    const iterator = this.engine.iterate({
      lower,
      upper,
      reverse,
      keysOnly: false,
      fillCache,
    });
    return new RangeRead(plan, iterator, this.clock, this.meter, lane);
  }

  /** Runs a batch to its end from memory. */
  runNow(read: RangeRead): EngineStatus {
    if (read.lane !== PoolLane.scan) {
      const status = read.runNow();
      this.pool.spendTurn(read.blocksBytes);
      return status;
    }
    this.pool.beginScan();
    const status = read.runNow();
    this.pool.endScan(read.blocksBytes);
    return status;
  }

  /** Runs a batch over several turns: `done` when it came to its end, else why it did not. */
  runLater(read: RangeRead, deadlineMs: number, done: (outcome: ReadOutcome) => void): void {
    this.lateReads.add(read);
    read.runLater(this.pool, deadlineMs, (status) => {
      this.lateReads.delete(read);
      if (this.closed) done(ReadOutcome.closed);
      else if (read.hasExpired) done(ReadOutcome.expired);
      else done(status === EngineStatus.ok ? ReadOutcome.done : this.outcomeOf(status));
    });
  }

  /** Outcome of a read that the engine did not answer with ok. */
  outcomeOf(status: EngineStatus): ReadOutcome {
    assert(status !== EngineStatus.ok, 'only what went wrong is an outcome of its own');
    if (this.closed) return ReadOutcome.closed;
    return status === EngineStatus.wouldBlock ? ReadOutcome.later : ReadOutcome.failed;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const read of this.lateReads) read.close();
    this.scans.close();
  }
}
