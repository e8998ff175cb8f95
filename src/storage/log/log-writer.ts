/**
 * Group commit: one block, one append, at a time.
 *
 * What arrives in one turn of the event loop, and while a block is on its way, goes together as the next block: it is synced
 * if any record in it asks for that. Owners are told when it is done, in the order of appending. Blocks that nobody asked to
 * sync are synced in the background, beside the appends. Once all is synced and nothing follows, an empty *marker* block
 * writes down that it is: recovery then knows the last records as durable.
 *
 * A failed sync or write is final: what the file holds is unknown, so nothing is acknowledged any more. A full disk is not: the
 * part of the block that was written is cut off and the append is tried again until there is room; meanwhile the log is
 * congested. (`full` from an append says that the write, not the sync, failed.)
 *
 * A segment is synced as a whole before the next one begins, so only the newest can have a torn end.
 */
import { assert, assertAtLeast } from '../../base/assert.ts';
import type { Mutation } from '../../consensus/mutation.ts';
import type { TimerHandle } from '../../env/clock.ts';
import { DiskError, type DiskFile } from '../../env/disk.ts';
import type { Decree, Gpid } from '../../model/identity.ts';
import type { RecordKind } from './log-format.ts';
import { LogGroup, type RecordSink } from './log-group.ts';
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
  #failure: DiskError | null = null;
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

  appendMutation(mutation: Mutation, owner: LogOwner, durable: boolean): boolean {
    assert(!this.#closing, 'no append to a closed log');
    if (this.#failure !== null) {
      const failure = this.#failure;
      this.#environment.timers.defer(() => owner.onLogFailed(failure));
      return true;
    }
    if (this.#pendingBytes >= this.#options.pendingBytesMax) return false;
    const group = this.#openGroup();
    const before = group.byteLength;
    group.addMutation(mutation, owner, durable);
    this.#onAdded(group.byteLength - before);
    return true;
  }

  /** Few and small: never refused. */
  appendControl(kind: RecordKind, gpid: Gpid, decree: Decree, durable: boolean): void {
    assert(!this.#closing, 'no append to a closed log');
    if (this.#failure !== null) return;
    const group = this.#openGroup();
    const before = group.byteLength;
    group.addControl(kind, gpid, decree, durable);
    this.#onAdded(group.byteLength - before);
  }

  /** Writes and syncs what was accepted, then lets go of the file. */
  async close(): Promise<void> {
    assert(!this.#closing, 'a log is closed once');
    this.#closing = true;
    if (this.#full) this.#failFull();
    await this.#idle();
    const { timers } = this.#environment;
    if (this.#syncTimer !== null) timers.cancel(this.#syncTimer);
    this.#syncTimer = null;
    if (this.#syncing !== null) await this.#syncing;
    const file = this.#file;
    this.#file = null;
    if (file === null) return;
    if (this.#failure === null) {
      if (this.#syncedSequence < this.#sequence - 1) await file.sync();
      await this.#segments.markClosed(this.#sequence - 1);
    }
    await file.close();
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
    if (this.#pendingBytes > this.#options.congestedBytes) this.#congested = true;
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
    if (group === undefined) {
      this.#onIdle?.();
      return;
    }
    if (this.#file === null || this.#fileBytes >= this.#options.segmentBytesMax) {
      this.#roll();
    } else {
      this.#queue.shift();
      this.#write(group, group.durable);
    }
  }

  #write(group: LogGroup, sync: boolean): void {
    assert(this.#inFlight === null, 'one block at a time');
    assert(this.#file !== null, 'a block is written to an open segment');
    const { logId, lastSegment } = this.#segments.manifest;
    const bytes = group.seal(logId, lastSegment, this.#sequence, this.#syncedSequence);
    this.#inFlight = group;
    this.#inFlightSync = sync;
    this.#inFlightBytes = bytes.length;
    this.#inFlightSince = sync ? this.#environment.clock.monotonicMs() : 0;
    this.#file.append(bytes, sync, this.#onWritten);
  }

  readonly #onWritten = (error: DiskError | null): void => {
    const group = this.#inFlight;
    assert(group !== null, 'a block that completes is under way');
    this.#inFlight = null;
    if (error !== null) {
      this.#queue.unshift(group);
      if (error.code === 'full' && !this.#closing) this.#onFull();
      else this.#fail(error);
      return;
    }
    this.#onWrittenCount(group);
    const blockPosition = this.#index.byteLengthEver;
    this.#index.onBlock(this.#inFlightBytes);
    this.#fileBytes += this.#inFlightBytes;
    this.#recordedSyncedSequence = this.#syncedSequence;
    if (this.#inFlightSync) this.#syncedSequence = this.#sequence;
    if (group.recordCount > 0) this.#recordSequence = this.#sequence;
    this.#sequence += 1;
    this.#release(group.byteLength);
    this.#armSync();
    // The next block is on its way before owners are told, so the disk does not wait for them.
    this.#flush();
    group.deliver(this.#index, blockPosition);
    group.clear();
    if (this.#spares.length < SPARE_GROUPS_MAX) this.#spares.push(group);
  };
