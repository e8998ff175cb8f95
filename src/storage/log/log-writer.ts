/**
 * Group commit: one block, one append, at a time.
 *
 * What arrives in one turn of the event loop, and while a block is on its way, goes together as the
 * next block: it is synced if any record in it asks for that. Owners are told when it is done, in
 * the order of appending. Blocks that nobody asked to sync are synced in the background, beside the
 * appends. Once all is synced and nothing follows, an empty *marker* block writes down that it is:
 * recovery then knows the last records as durable.
 *
 * A failed sync or write is final: what the file holds is unknown, so nothing is acknowledged any
 * more. A full disk is not: the part of the block that was written is cut off and the append is
 * tried again until there is room; meanwhile the log is congested. (`full` from an append says that
 * the write, not the sync, failed.)
 *
 * A segment is synced as a whole before the next one begins, so only the newest can have a torn
 * end.
 */
import { assert, assertAtLeast } from '../../base/assert.ts';
import { reached } from '../../base/marks.ts';
import type { Mutation } from '../../consensus/mutation.ts';
import type { TimerHandle } from '../../env/clock.ts';
import { DiskError, type DiskFile } from '../../env/disk.ts';
import type { Decree, Gpid } from '../../model/identity.ts';
import { BLOCK_HEADER_BYTES, type RecordKind } from './log-format.ts';
import { LogGroup } from './log-group.ts';
import type { LogIndex } from './log-index.ts';
import type { LogSegments } from './log-segments.ts';
import type { LogEnvironment, LogOptions, LogOwner, LogStatistics } from './log-types.ts';

/** Kept for reuse; more are made and dropped when the disk lags. */
const SPARE_GROUPS_MAX = 2;

export class LogWriter {
  readonly #environment: LogEnvironment;
  readonly #options: LogOptions;
  readonly #index: LogIndex;
  readonly #segments: LogSegments;
  readonly statistics: LogStatistics = {
    blocks: 0,
    records: 0,
    bytes: 0,
    syncedBlocks: 0,
    syncedMs: 0,
    syncedMsMax: 0,
    backgroundSyncs: 0,
    recordsPerBlockMax: 0,
    fulls: 0,
  };

  /** Waiting, oldest first; records go to the last. */
  readonly #queue: LogGroup[] = [];
  readonly #spares: LogGroup[] = [];
  #inFlight: LogGroup | null = null;
  #pendingBytes = 0;
  #flushScheduled = false;
  #congested = false;

  #file: DiskFile | null = null;
  /** Of blocks in the file. */
  #fileBytes = 0;
  /** Opening the next segment, cutting the file or waiting for room: nothing is written. */
  #busy = false;
  #full = false;
  #fullError: DiskError | null = null;
  #failure: DiskError | null = null;
  #failureTold = false;
  readonly #told = new Set<LogOwner>();
  #closing = false;
  #onIdle: (() => void) | null = null;

  /** Of the next block. */
  #sequence: number;
  #syncedSequence: number;
  /** Newest block with records. */
  #recordSequence: number;
  /** What the newest block says is synced. */
  #recordedSyncedSequence: number;
  #inFlightSince = 0;
  #inFlightSync = false;
  #inFlightBytes = 0;
  #inFlightSyncedSequence = 0;
  #syncTimer: TimerHandle | null = null;
  #retryTimer: TimerHandle | null = null;
  #syncing: Promise<void> | null = null;

  constructor(
    environment: LogEnvironment,
    options: LogOptions,
    index: LogIndex,
    segments: LogSegments,
    nextSequence: number,
  ) {
    assertAtLeast(nextSequence, 1, 'block sequences start at 1');
    assert(options.congestedBytes < options.pendingBytesMax, 'congestion is told before refusal');
    this.#environment = environment;
    this.#options = options;
    this.#index = index;
    this.#segments = segments;
    this.#sequence = nextSequence;
    this.#syncedSequence = nextSequence - 1;
    this.#recordSequence = nextSequence - 1;
    this.#recordedSyncedSequence = nextSequence - 1;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  get isCongested(): boolean {
    return this.#congested || this.#full;
  }

  get isFull(): boolean {
    return this.#full;
  }

  get failure(): DiskError | null {
    return this.#failure;
  }

  /** See `MutationLog.append`. */
  appendMutation(mutation: Mutation, owner: LogOwner, durable: boolean): boolean {
    assert(!this.#closing, 'no append to a closed log');
    if (this.#failure !== null) {
      const failure = this.#failure;
      this.#environment.timers.defer(() => owner.onLogFailed(failure));
      return true;
    }
    if (this.#pendingBytes >= this.#options.pendingBytesMax) {
      reached('log.append.refused');
      return false;
    }
    const group = this.#openGroup();
    const before = group.byteLength;
    group.addMutation(mutation, owner, durable);
    this.#onAdded(group.byteLength - before);
    return true;
  }

  /** Few and small: never refused. */
  appendControl(
    kind: RecordKind,
    gpid: Gpid,
    decree: Decree,
    durable: boolean,
    firstCopy: number,
  ): void {
    assert(!this.#closing, 'no append to a closed log');
    if (this.#failure !== null) return;
    const group = this.#openGroup();
    const before = group.byteLength;
    group.addControl(kind, gpid, decree, durable, firstCopy);
    this.#onAdded(group.byteLength - before);
  }

  /** Writes and syncs what was accepted, then lets go of the file. */
  async close(): Promise<void> {
    assert(!this.#closing, 'a log is closed once');
    this.#closing = true;
    this.#giveUpRetry();
    await this.#idle();
    const { timers } = this.#environment;
    if (this.#syncTimer !== null) timers.cancel(this.#syncTimer);
    this.#syncTimer = null;
    if (this.#syncing !== null) await this.#syncing;
    const file = this.#file;
    this.#file = null;
    const last = this.#sequence - 1;
    if (this.#failure === null) {
      if (file !== null && this.#syncedSequence < last) await file.sync();
      if (!this.#segments.manifest.isClosed) await this.#segments.markClosed(last);
    }
    if (file !== null) await file.close();
  }

  #openGroup(): LogGroup {
    const last = this.#queue.at(-1);
    if (last !== undefined && last.byteLength < this.#options.blockBytesMax) return last;
    const group = this.#spares.pop() ?? new LogGroup();
    this.#queue.push(group);
    return group;
  }

  #onAdded(bytes: number): void {
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > this.#options.congestedBytes) {
      reached('log.congested');
      this.#congested = true;
    }
    if (this.#flushScheduled || this.#inFlight !== null || this.#busy) return;
    this.#flushScheduled = true;
    this.#environment.timers.defer(this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => {
    this.#flushScheduled = false;
    this.#flush();
  };

  /** Starts on the next group unless something is under way. */
  #flush(): void {
    if (this.#inFlight !== null || this.#busy || this.#failure !== null) return;
    const group = this.#queue[0];
    if (group === undefined) return;
    if (this.#file === null || this.#fileBytes >= this.#options.segmentBytesMax) {
      void this.#roll();
    } else {
      this.#queue.shift();
      this.#write(group, this.#file);
    }
  }

  #write(group: LogGroup, file: DiskFile): void {
    assert(this.#inFlight === null, 'one block at a time');
    const { logId, lastSegment } = this.#segments.manifest;
    const bytes = group.seal(logId, lastSegment, this.#sequence, this.#syncedSequence);
    this.#inFlight = group;
    this.#inFlightSync = group.durable;
    this.#inFlightBytes = bytes.length;
    this.#inFlightSyncedSequence = this.#syncedSequence;
    this.#inFlightSince = group.durable ? this.#environment.clock.monotonicMs() : 0;
    reached('log.append.before');
    file.append(bytes, group.durable, this.#onWritten);
  }

  readonly #onWritten = (error: DiskError | null): void => {
    const group = this.#inFlight;
    assert(group !== null, 'a block that completes is under way');
    this.#inFlight = null;
    if (error !== null || this.#failure !== null) {
      this.#queue.unshift(group);
      if (error !== null && error.code === 'full' && this.#failure === null)
        void this.#onFull(error);
      else this.#fail(this.#failure ?? error!);
      return;
    }
    this.#full = false;
    reached('log.append.after');
    const blockPosition = this.#index.onBlock(this.#inFlightBytes);
    this.#onWrittenBlock(group);
    // The next block is on its way before owners are told, so that the disk does not wait for them.
    this.#flush();
    group.deliver(this.#index, blockPosition);
    group.clear();
    if (this.#spares.length < SPARE_GROUPS_MAX) this.#spares.push(group);
    this.#checkIdle();
  };

  #onWrittenBlock(group: LogGroup): void {
    this.#fileBytes += this.#inFlightBytes;
    this.#recordedSyncedSequence = this.#inFlightSyncedSequence;
    if (this.#inFlightSync) this.#syncedSequence = this.#sequence;
    if (group.recordCount > 0) this.#recordSequence = this.#sequence;
    this.#sequence += 1;
    this.#pendingBytes -= this.#inFlightBytes - BLOCK_HEADER_BYTES;
    if (this.#pendingBytes < this.#options.congestedBytes / 2) this.#congested = false;
    this.#count(group);
    this.#armSync();
  }

  #count(group: LogGroup): void {
    const { statistics } = this;
    statistics.blocks += 1;
    statistics.records += group.recordCount;
    statistics.bytes += this.#inFlightBytes;
    statistics.recordsPerBlockMax = Math.max(statistics.recordsPerBlockMax, group.recordCount);
    if (!this.#inFlightSync) return;
    const tookMs = this.#environment.clock.monotonicMs() - this.#inFlightSince;
    statistics.syncedBlocks += 1;
    statistics.syncedMs += tookMs;
    statistics.syncedMsMax = Math.max(statistics.syncedMsMax, tookMs);
  }

  // ---- the next segment ----

  async #roll(): Promise<void> {
    assert(!this.#busy, 'one roll at a time');
    this.#busy = true;
    let isSealed = false;
    try {
      await this.#seal();
      isSealed = true;
      reached('log.roll.sealed');
      if (this.#failure === null) {
        this.#file = await this.#segments.openNext(this.#sequence);
        this.#fileBytes = 0;
      }
      this.#busy = false;
    } catch (error) {
      this.#busy = false;
      if (!(error instanceof DiskError)) throw error;
      if (error.code === 'full' && isSealed) await this.#onFull(error);
      else this.#fail(error);
      return;
    }
    this.#flush();
    this.#checkIdle();
    await this.#segments.trim();
  }

  /** Makes the segment durable as a whole and lets go of it. */
  async #seal(): Promise<void> {
    if (this.#syncing !== null) await this.#syncing;
    const file = this.#file;
    if (file === null || this.#failure !== null) return;
    if (this.#syncedSequence < this.#sequence - 1) await file.sync();
    this.#syncedSequence = this.#sequence - 1;
    this.#recordedSyncedSequence = this.#syncedSequence;
    this.#file = null;
    await file.close();
  }

  // ---- background sync ----

  /** There is something to sync, or to write down as synced. */
  #armSync(): void {
    if (this.#syncTimer !== null || this.#recordedSyncedSequence >= this.#recordSequence) return;
    const { syncIntervalMs } = this.#options;
    this.#syncTimer = this.#environment.timers.after(syncIntervalMs, this.#onSyncDue);
  }

  readonly #onSyncDue = (): void => {
    this.#syncTimer = null;
    if (this.#failure !== null || this.#closing || this.#busy) return;
    const file = this.#file;
    // A segment that was sealed meanwhile is synced, and the manifest says so.
    if (file === null || this.#recordedSyncedSequence >= this.#recordSequence) return;
    if (this.#syncedSequence < this.#recordSequence) {
      if (this.#syncing === null) this.#syncing = this.#syncBeside(file);
    } else if (this.#queue.length === 0 && this.#inFlight === null) {
      this.#queue.push(this.#spares.pop() ?? new LogGroup());
      this.#flush();
    } else {
      this.#armSync();
    }
  };

  async #syncBeside(file: DiskFile): Promise<void> {
    const sequence = this.#sequence - 1;
    let failure: DiskError | null = null;
    try {
      await file.sync();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      failure = error;
    }
    this.#syncing = null;
    this.statistics.backgroundSyncs += 1;
    if (failure !== null) {
      this.#fail(failure);
      return;
    }
    reached('log.synced.beside');
    this.#syncedSequence = Math.max(this.#syncedSequence, sequence);
    this.#armSync();
  }

  // ---- trouble ----

  /** Cuts off the part of a block that was written, and tries again in a while. */
  async #onFull(error: DiskError): Promise<void> {
    this.#busy = true;
    if (!this.#full) {
      reached('log.full');
      this.#full = true;
      this.statistics.fulls += 1;
      this.#environment.logger.warn('log.disk_full', { path: error.path });
    }
    try {
      await this.#file?.truncate(this.#fileBytes);
    } catch (failure) {
      if (!(failure instanceof DiskError)) throw failure;
      this.#busy = false;
      this.#fail(failure);
      return;
    }
    if (this.#closing) {
      this.#busy = false;
      this.#fail(error);
      return;
    }
    this.#fullError = error;
    this.#retryTimer = this.#environment.timers.after(this.#options.fullRetryMs, () => {
      this.#retryTimer = null;
      this.#busy = false;
      this.#flush();
    });
  }

  /** Closing does not wait for room. */
  #giveUpRetry(): void {
    if (this.#retryTimer === null || this.#fullError === null) return;
    this.#environment.timers.cancel(this.#retryTimer);
    this.#retryTimer = null;
    this.#busy = false;
    this.#fail(this.#fullError);
  }

  #fail(error: DiskError): void {
    if (this.#failure === null) {
      reached('log.failed');
      this.#failure = error;
      this.#environment.logger.warn('log.failed', { path: error.path, code: error.code });
    }
    const groups = this.#queue.splice(0);
    this.#pendingBytes = 0;
    this.#environment.timers.defer(() => {
      for (const group of groups) group.fail(error, this.#told);
      if (!this.#failureTold) {
        this.#failureTold = true;
        this.#options.onFailed(error);
      }
      this.#checkIdle();
    });
  }

  // ---- closing ----

  #isIdle(): boolean {
    if (this.#busy || this.#inFlight !== null) return false;
    return this.#failure === null ? this.#queue.length === 0 : this.#failureTold;
  }

  #checkIdle(): void {
    if (this.#onIdle === null || !this.#isIdle()) return;
    this.#onIdle();
    this.#onIdle = null;
  }

  async #idle(): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }
}
