/**
 * The mutation log: one per data directory, shared by all replicas in it, group-committed, indexed
 * per replica.
 *
 * Life: `replay` once, then appends and reads, `close`. The owner of the directory holds its lock.
 *
 *  - Format: log-format.ts. Files: log-manifest.ts, log-segments.ts.
 *  - Group commit, failure and full disk: log-writer.ts.
 *  - Torn end against corrupt middle: log-recovery.ts.
 *  - Freeing of segments by holders, index: log-index.ts.
 *
 * Promises to a replica:
 *  1. After `onLogAppended` of a mutation appended durable, every later replay delivers it, in the
 *     order of appending, unless a later record took it back, all holders of the partition have
 *     passed it, or the report calls the partition suspect.
 *  2. Replay delivers nothing that was not appended. It may deliver what was never acknowledged.
 *  3. What is damaged is reported, never delivered, and never brings the process down.
 *
 * A segment lives until every partition in it needs it no more. The durable decree of a replica is
 * a holder like learners and backups are; a partition without holders keeps everything, so after
 * replay the owner sets holders for the replicas that it has and resets the others (`partitions`).
 */
import { assert, assertAtLeast } from '../../base/assert.ts';
import type { Mutation } from '../../consensus/mutation.ts';
import type { Decree, Gpid } from '../../model/identity.ts';
import { RecordKind } from './log-format.ts';
import { LogIndex } from './log-index.ts';
import { LogReader } from './log-reader.ts';
import { LogRecovery } from './log-recovery.ts';
import { LogSegments } from './log-segments.ts';
import type {
  LogEnvironment,
  LogOptions,
  LogOwner,
  LogRecoveryReport,
  LogStatistics,
  LogStraggler,
  LogVisitor,
} from './log-types.ts';
import { LogWriter } from './log-writer.ts';

export type {
  LogDamage,
  LogEnvironment,
  LogOptions,
  LogOwner,
  LogRecoveryReport,
  LogStatistics,
  LogStraggler,
  LogVisitor,
} from './log-types.ts';

const MIB = 1024 * 1024;

const DEFAULTS: LogOptions = {
  segmentBytesMax: 64 * MIB,
  blockBytesMax: 4 * MIB,
  congestedBytes: 32 * MIB,
  pendingBytesMax: 256 * MIB,
  syncIntervalMs: 1_000,
  fullRetryMs: 1_000,
  onFailed: () => {},
};

interface OpenedLog {
  readonly segments: LogSegments;
  readonly writer: LogWriter;
  readonly reader: LogReader;
}

export class MutationLog {
  readonly #environment: LogEnvironment;
  readonly #directory: string;
  readonly #options: LogOptions;
  readonly #index = new LogIndex();
  #opened: OpenedLog | null = null;
  #replaying = false;
  #trimScheduled = false;
  #closed = false;

  /** The folder is created by `replay` if it is missing. */
  constructor(environment: LogEnvironment, directory: string, options: Partial<LogOptions> = {}) {
    this.#environment = environment;
    this.#directory = directory;
    this.#options = { ...DEFAULTS, ...options };
    assertAtLeast(this.#options.segmentBytesMax, 1, 'segment size');
    assertAtLeast(this.#options.blockBytesMax, 1, 'block size');
  }

  /**
   * Delivers all records in log order and makes ready for appends. Once, before anything else but
   * `hold`; creates the folder if it is missing. Rejects with a `DiskError` when the disk cannot be
   * used at all.
   */
  async replay(visitor: LogVisitor): Promise<LogRecoveryReport> {
    assert(!this.#replaying, 'a log is replayed once');
    this.#replaying = true;
    const recovery = new LogRecovery(this.#environment, this.#directory, this.#index, visitor);
    const { manifest, nextSequence, report } = await recovery.run();
    this.#index.pinned = report.damages.length > 0;
    const segments = new LogSegments(this.#environment, this.#directory, this.#index, manifest);
    this.#opened = {
      segments,
      writer: new LogWriter(this.#environment, this.#options, this.#index, segments, nextSequence),
      reader: new LogReader(this.#environment, this.#directory, this.#index, manifest.logId),
    };
    return report;
  }

  // ---- appending ----

  /**
   * Takes the mutation over (it must not change but for its ballot) and tells `owner` when it is in
   * the log; with `durable`, on the disk. False = refused, too much is pending: nothing was taken,
   * nobody will be told. After a failure of the log the answer is `onLogFailed`.
   */
  append(mutation: Mutation, owner: LogOwner, durable: boolean): boolean {
    return this.#running().writer.appendMutation(mutation, owner, durable);
  }

  /** Records of `gpid` above `decree` are given up (a learner drops its uncommitted tail). */
  appendTruncated(gpid: Gpid, decree: Decree, durable: boolean): void {
    this.#running().writer.appendControl(RecordKind.truncated, gpid, decree, durable, 0);
  }

  /**
   * All records of `gpid` so far are void: it was removed (`decree` 0), or its state was replaced
   * by a checkpoint at `decree`. Clears a suspect. Copies of it that are begun from now on have
   * numbers from `firstCopy` on.
   */
  appendReset(gpid: Gpid, decree: Decree, durable: boolean, firstCopy: number = 0): void {
    this.#running().writer.appendControl(RecordKind.reset, gpid, decree, durable, firstCopy);
  }

  /** The disk lags or is full: accept no new client writes. */
  get isCongested(): boolean {
    return this.#opened?.writer.isCongested ?? false;
  }

  /** Waiting for room on the disk; goes on by itself. */
  get isFull(): boolean {
    return this.#opened?.writer.isFull ?? false;
  }

  get hasFailed(): boolean {
    return (this.#opened?.writer.failure ?? null) !== null;
  }

  /** Bytes accepted and not yet in the log. */
  get pendingBytes(): number {
    return this.#running().writer.pendingBytes;
  }

  get statistics(): Readonly<LogStatistics> {
    return this.#running().writer.statistics;
  }

  // ---- reading ----

  /**
   * Mutations from `fromDecree` on, without a gap, verified, at least one, about `bytesMax` bytes.
   * Null when `fromDecree` is not (or no longer, or not readably) in the log.
   */
  async read(gpid: Gpid, fromDecree: Decree, bytesMax: number): Promise<Mutation[] | null> {
    return await this.#running().reader.read(gpid, fromDecree, bytesMax);
  }

  // ---- freeing ----

  /** Of all segments. */
  get byteLength(): number {
    return this.#index.byteLength;
  }

  get segmentCount(): number {
    return this.#index.segments.length;
  }

  /** Partitions with records in the log, in order. */
  partitions(): Gpid[] {
    return this.#index.partitions();
  }

  /** From now on `holder` needs what is above `decree`, and nothing else. */
  hold(gpid: Gpid, holder: string, decree: Decree): void {
    this.#index.hold(gpid, holder, decree);
    this.#scheduleTrim();
  }

  release(gpid: Gpid, holder: string): void {
    this.#index.release(gpid, holder);
    this.#scheduleTrim();
  }

  /**
   * Who must move up so that the log can shrink to `bytesBudget`; empty when it is small enough.
   */
  oldestHolders(bytesBudget: number): LogStraggler[] {
    return this.#index.stragglers(bytesBudget);
  }

  /**
   * The owner has made sure (by a mark that survives a crash, or by learning) that no suspect of
   * the report will be taken for whole. Until then nothing is freed.
   */
  acknowledgeDamage(): void {
    this.#index.pinned = false;
    this.#scheduleTrim();
  }

  /** Writes and syncs what was accepted. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#opened === null) return;
    await this.#opened.segments.trim();
    await this.#opened.writer.close();
  }

  #scheduleTrim(): void {
    if (this.#trimScheduled || this.#closed) return;
    this.#trimScheduled = true;
    this.#environment.timers.defer(this.#onTrimDue);
  }

  readonly #onTrimDue = (): void => {
    this.#trimScheduled = false;
    if (this.#closed || this.#opened === null || this.#index.freeable() === null) return;
    void this.#opened.segments.trim();
  };

  #running(): OpenedLog {
    assert(this.#opened !== null, 'a log is replayed before it is used');
    return this.#opened;
  }
}
