/**
 * The storage engine of one replica: an ordered map from byte strings to byte strings with atomic
 * batches (RocksDB in production, a map over `Disk` in the simulator).
 *
 * Contract:
 *  1. Order is unsigned byte order. Snapshots: an iterator sees the state at its creation.
 *  2. Batches are applied whole and in call order. After a crash the engine holds the effect of a
 *     prefix of them: at least all before the last completed `flush`, in no case a part of one.
 *  3. No call waits for the disk in the turn of the caller: what would is answered `wouldBlock` and
 *     can be asked again through the `…Later` form, whose callback fires in a later turn.
 *  4. Output (`ValueView`, `RowBlock`) points into memory that the next call on *any* engine of the
 *     node overwrites: use or copy it first.
 *
 * A batch is RocksDB's write-batch representation: u64 LE sequence (0), u32 LE record count, then
 * records 0x01 varint32 length key varint32 length value (put) or 0x00 varint32 length key
 * (delete).
 */
import type { CompactionOrder } from '../model/compaction-schedule.ts';

export const EngineStatus = {
  ok: 0,
  notFound: 1,
  /** The answer is not in memory; ask again with the `…Later` form. */
  wouldBlock: 2,
  corruption: 3,
  io: 4,
  full: 5,
  /** Damaged batch or argument; nothing was applied. */
  invalid: 6,
} as const;
export type EngineStatus = (typeof EngineStatus)[keyof typeof EngineStatus];

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly status: EngineStatus;
  readonly path: string;
  constructor(status: EngineStatus, path: string, message: string) {
    super(message);
    this.status = status;
    this.path = path;
  }
}

/** Where a value lies: `bytes[start … end)`. Reuse one object. */
export interface ValueView {
  bytes: Uint8Array;
  start: number;
  end: number;
}

/**
 * Rows of an iterator, packed. Row i has its key at offsets[4i] … offsets[4i+1], its value at
 * [4i+2] … [4i+3].
 */
export interface RowBlock {
  bytes: Uint8Array;
  offsets: Uint32Array;
  count: number;
  /** No row follows the last one of this block. */
  exhausted: boolean;
}

export interface IterateOptions {
  /** First key, inclusive. Empty = from the start. */
  readonly lower: Uint8Array;
  /** End, exclusive. Empty = to the end. */
  readonly upper: Uint8Array;
  /** From the end towards the start. */
  readonly reverse: boolean;
  /** Values come back empty. */
  readonly keysOnly: boolean;
  /** False for scans that would push hot blocks out of the cache. */
  readonly fillCache: boolean;
}

export interface EngineIterator {
  /**
   * Fetches the next rows, at least one unless exhausted; `rowsMax` and `bytesMax` ≥ 1 bound the
   * block.
   */
  next(rowsMax: number, bytesMax: number, into: RowBlock): EngineStatus;
  /** As `next`, from the disk. One call at a time; `into` is filled when `done` is called. */
  nextLater(
    rowsMax: number,
    bytesMax: number,
    into: RowBlock,
    done: (status: EngineStatus) => void,
  ): void;
  /** Idempotent; fine while a `nextLater` is under way (its callback then gets `invalid`). */
  close(): void;
}

/** What the compaction filter removes. Applied by the engine on its own threads. */
export interface CompactionRules {
  /** Off until the replica has set it once: nothing is removed. */
  readonly enabled: boolean;
  /** Seconds; given to rows without expiry. 0 = none. */
  readonly defaultTtlSeconds: number;
  /** Partition count − 1 when rows of other partitions are to go, else −1. */
  readonly partitionVersion: number;
  readonly partitionIndex: number;
  /** Text of the env `user_specified_compaction`; empty = none. */
  readonly userRules: string;
}

export const COMPACT_ALL: CompactionOrder = { targetLevel: 0, rewritesLowest: true };

export interface EngineStatistics {
  readonly liveDataBytes: number;
  readonly memtableBytes: number;
  /** Estimate. */
  readonly keyCount: number;
  readonly sstFileCount: number;
}

export interface Engine {
  readonly path: string;
  /** ok, notFound, wouldBlock, corruption or io. */
  get(key: Uint8Array, into: ValueView): EngineStatus;
  /** From the disk. `key` is copied before the call returns. */
  getLater(key: Uint8Array, into: ValueView, done: (status: EngineStatus) => void): void;
  /**
   * Looks many keys up in one crossing. `into` has `keys.length` rows in the order of `keys`; an
   * absent key has a value start of 0xffffffff. ok or wouldBlock (then nothing is filled),
   * corruption, io.
   */
  multiGet(keys: readonly Uint8Array[], into: RowBlock): EngineStatus;
  multiGetLater(
    keys: readonly Uint8Array[],
    into: RowBlock,
    done: (status: EngineStatus) => void,
  ): void;
  iterate(options: IterateOptions): EngineIterator;
  /** Applies a batch now. wouldBlock when writes are stalled. */
  write(batch: Uint8Array): EngineStatus;
  /** Applies a batch, waiting out a stall; `batch` must not change until `done`. */
  writeLater(batch: Uint8Array, done: (status: EngineStatus) => void): void;

  /** Everything written before the call is durable when it resolves. */
  flush(): Promise<void>;
  /**
   * A consistent copy (hard links where possible) in a new folder `path`, durable when it resolves.
   */
  checkpoint(path: string): Promise<void>;
  /** Compacts the whole range; `COMPACT_ALL` unless told otherwise. Rejects when `close` breaks it off. */
  compact(order?: CompactionOrder): Promise<void>;
  /** Takes over files made by an `SstWriter`; all or nothing. */
  ingest(paths: readonly string[]): Promise<void>;
  setCompactionRules(rules: CompactionRules): void;
  /** RocksDB option names and values as text; rejects unknown ones with `EngineError` invalid. */
  setOptions(options: Readonly<Record<string, string>>): void;
  property(name: string): string | null;
  statistics(): EngineStatistics;
  /**
   * With `flush: false`, what was not flushed is lost, as in a crash. Waits for jobs under way, but
   * breaks a `compact` off, which may take long. Idempotent.
   */
  close(options: { readonly flush: boolean }): Promise<void>;
}

/** Builds a sorted file for `Engine.ingest`. Keys strictly ascending. */
export interface SstWriter {
  put(key: Uint8Array, value: Uint8Array): void;
  /** Bytes of the finished, durable file. */
  finish(): Promise<number>;
}

/** What is decided when an engine is made, and kept by one that is there. */
export interface EngineMaking {
  /** 1 to 10; 0 = as the engine likes. */
  readonly levels: number;
}

export const MADE_AS_USUAL: EngineMaking = { levels: 0 };

export interface EngineFactory {
  /** Creates the folder if it is missing. Rejects with `EngineError` (corruption, io, full). */
  open(path: string, making?: EngineMaking): Promise<Engine>;
  /** Removes an engine that is not open. */
  destroy(path: string): Promise<void>;
  createSstWriter(path: string): Promise<SstWriter>;
}
