/**
 * The storage engine in memory, kept on a `Disk`: for the simulator and for tests of users, without native code.
 *
 * 1. Deterministic: time and disk come in, chance not at all.
 * 2. `flush` replaces one file with the whole state, so a crash leaves the state of the last completed flush.
 * 3. `…Later` callbacks fire from a timer. A write that is under way is applied then; until it is, `write` answers
 *    wouldBlock, so batches keep their order.
 * 4. `mayBlock` lets the simulator turn synchronous answers into wouldBlock, to walk the paths of a cold cache.
 *
 * Left out: anything that makes large states cheap. A flush costs as much as the engine holds.
 */
import { assert, assertAtLeast } from '../../base/assert.ts';
import { compareBytes, copyBytes, EMPTY_BYTES } from '../../base/bytes.ts';
import type { Clock, Timers } from '../../env/clock.ts';
import { type Disk, DiskError } from '../../env/disk.ts';
import {
  type CompactionRules,
  type Engine,
  EngineError,
  type EngineFactory,
  type EngineIterator,
  type EngineStatistics,
  EngineStatus,
  type IterateOptions,
  type RowBlock,
  type SstWriter,
  type ValueView,
} from '../../env/engine.ts';
import { applyBatch, isBatchSound } from './engine-batch.ts';
import { decodeRows, encodeRows, encodeSnapshot, type Row } from './engine-file.ts';
import { RowFilter } from './engine-filter.ts';
import { EngineScratch } from './engine-scratch.ts';
import { ByteTree, TreeCursor } from './engine-tree.ts';

const STATE_FILE = 'state.rows';
const ABSENT = 0xffff_ffff;
const LATER_WRITES_MAX = 4096;

/** Those of RocksDB's options that can change at run time and that operators set; without effect here. */
const OPTION_NAMES: ReadonlySet<string> = new Set([
  'disable_auto_compactions',
  'level0_file_num_compaction_trigger',
  'level0_slowdown_writes_trigger',
  'level0_stop_writes_trigger',
  'max_bytes_for_level_base',
  'max_write_buffer_number',
  'target_file_size_base',
  'write_buffer_size',
]);

export interface MemoryEngineOptions {
  readonly disk: Disk;
  readonly timers: Timers;
  /** For expiry in `compact`; null: compaction rules have no effect. */
  readonly clock: Clock | null;
  /** Asked once per synchronous call; true answers wouldBlock. Null = never. */
  readonly mayBlock: (() => boolean) | null;
  /** How long a read by a `…Later` call takes; left out: no time. */
  readonly readMs?: () => number;
}

/** What the engines of one factory have in common. */
interface Shared {
  readonly disk: Disk;
  readonly timers: Timers;
  readonly clock: Clock | null;
  readonly mayBlock: (() => boolean) | null;
  readonly readMs: () => number;
  readonly scratch: EngineScratch;
  readonly openPaths: Set<string>;
}

export class MemoryEngineFactory implements EngineFactory {
  readonly #shared: Shared;

  constructor(options: MemoryEngineOptions) {
    const { disk, timers, clock, mayBlock, readMs = () => 0 } = options;
    const scratch = new EngineScratch();
    this.#shared = { disk, timers, clock, mayBlock, readMs, scratch, openPaths: new Set() };
  }

  async open(path: string): Promise<Engine> {
    const { disk, openPaths } = this.#shared;
    if (openPaths.has(path)) {
      throw new EngineError(EngineStatus.io, path, `${path}: the engine is open already; close it`);
    }
    openPaths.add(path);
    try {
      await disk.makeDirectory(path);
      const tree = new ByteTree();
      const file = `${path}/${STATE_FILE}`;
      if (await disk.exists(file)) {
        for (const row of await readRows(disk, file)) tree.set(row.key, row.value);
      }
      return new MemoryEngine(this.#shared, path, tree);
    } catch (error) {
      openPaths.delete(path);
      throw toEngineError(error, path);
    }
  }

  async destroy(path: string): Promise<void> {
    if (this.#shared.openPaths.has(path)) {
      throw new EngineError(EngineStatus.io, path, `${path}: the engine is open; close it first`);
    }
    await this.#shared.disk.remove(path).catch((error: unknown) => {
      throw toEngineError(error, path);
    });
  }

  createSstWriter(path: string): Promise<SstWriter> {
    return Promise.resolve(new MemorySstWriter(this.#shared.disk, path));
  }
}

class MemoryEngine implements Engine {
  readonly path: string;
  readonly #shared: Shared;
  #tree: ByteTree;
  #rules: CompactionRules | null = null;
  /** Bytes of batches since the last flush. */
  #unflushedBytes = 0;
  #writeCount = 0;
  #flushedWriteCount = 0;
  #laterWrites = 0;
  #laterCalls = 0;
  #onLaterIdle: (() => void) | null = null;
  /** Jobs run one after the other. */
  #jobs: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  constructor(shared: Shared, path: string, tree: ByteTree) {
    this.#shared = shared;
    this.path = path;
    this.#tree = tree;
  }

  get isOpen(): boolean {
    return this.#closing === null;
  }

  get(key: Uint8Array, into: ValueView): EngineStatus {
    this.#assertOpen();
    return this.#blocks() ? EngineStatus.wouldBlock : this.#get(key, into);
  }

  getLater(key: Uint8Array, into: ValueView, done: (status: EngineStatus) => void): void {
    const copy = copyBytes(key);
    this.later(() => this.#get(copy, into), done);
  }

  #get(key: Uint8Array, into: ValueView): EngineStatus {
    const { scratch } = this.#shared;
    scratch.begin();
    const value = this.#tree.get(key);
    if (value === null) return EngineStatus.notFound;
    into.start = scratch.append(value);
    into.end = into.start + value.length;
    into.bytes = scratch.bytes;
    return EngineStatus.ok;
  }

  multiGet(keys: readonly Uint8Array[], into: RowBlock): EngineStatus {
    this.#assertOpen();
    return this.#blocks() ? EngineStatus.wouldBlock : this.#multiGet(keys, into);
  }

  multiGetLater(
    keys: readonly Uint8Array[],
    into: RowBlock,
    done: (status: EngineStatus) => void,
  ): void {
    const copies = keys.map(copyBytes);
    this.later(() => this.#multiGet(copies, into), done);
  }

  #multiGet(keys: readonly Uint8Array[], into: RowBlock): EngineStatus {
    const { scratch } = this.#shared;
    scratch.begin();
    for (const key of keys) {
      const value = this.#tree.get(key);
      const start = value === null ? ABSENT : scratch.append(value);
      scratch.appendRow(0, 0, start, value === null ? ABSENT : start + value.length);
    }
    fillBlock(into, scratch, true);
    return EngineStatus.ok;
  }

  iterate(options: IterateOptions): EngineIterator {
    this.#assertOpen();
    return new MemoryIterator(this, this.#shared, new TreeCursor(this.#tree.snapshot()), options);
  }

  write(batch: Uint8Array): EngineStatus {
    this.#assertOpen();
    if (this.#laterWrites > 0 || this.#blocks()) return EngineStatus.wouldBlock;
    return this.#write(batch);
  }

  writeLater(batch: Uint8Array, done: (status: EngineStatus) => void): void {
    if (this.#laterWrites >= LATER_WRITES_MAX) {
      this.#after(0, () => EngineStatus.wouldBlock, done);
      return;
    }
    this.#laterWrites += 1;
    const write = (): EngineStatus => {
      this.#laterWrites -= 1;
      return this.#write(batch);
    };
    this.#after(0, write, done);
  }

  #write(batch: Uint8Array): EngineStatus {
    if (!isBatchSound(batch)) return EngineStatus.invalid;
    applyBatch(batch, this.#tree);
    this.#writeCount += 1;
    this.#unflushedBytes += batch.length;
    return EngineStatus.ok;
  }

  flush(): Promise<void> {
    this.#assertOpen();
    return this.#run(() => this.#flush());
  }

  async #flush(): Promise<void> {
    if (this.#flushedWriteCount === this.#writeCount) return;
    const writeCount = this.#writeCount;
    const bytes = encodeSnapshot(this.#tree.snapshot());
    const unflushedBytes = this.#unflushedBytes;
    await this.#shared.disk.replaceFile(`${this.path}/${STATE_FILE}`, bytes);
    this.#flushedWriteCount = writeCount;
    this.#unflushedBytes -= unflushedBytes;
  }

  checkpoint(path: string): Promise<void> {
    this.#assertOpen();
    return this.#run(async () => {
      const { disk } = this.#shared;
      if (await disk.exists(path)) {
        throw new EngineError(EngineStatus.invalid, path, `${path}: exists; name a new folder`);
      }
      // RocksDB flushes for a checkpoint; the same here keeps what a crash leaves the same.
      await this.#flush();
      const bytes = encodeSnapshot(this.#tree.snapshot());
      await disk.makeDirectory(path);
      await disk.replaceFile(`${path}/${STATE_FILE}`, bytes);
    });
  }

  /** There are no levels here: all rows meet the rules. */
  compact(): Promise<void> {
    this.#assertOpen();
    return this.#run(async () => {
      if (this.#rules?.enabled === true) this.#applyRules(this.#rules);
      await this.#flush();
    });
  }

  #applyRules(rules: CompactionRules): void {
    const { clock } = this.#shared;
    if (clock === null) return;
    const filter = new RowFilter(rules, clock.wallMs());
    const cursor = new TreeCursor(this.#tree.snapshot());
    for (cursor.seek(EMPTY_BYTES); cursor.valid; cursor.next()) {
      const value = filter.apply(cursor.key, cursor.value);
      if (value === null) this.#tree.delete(cursor.key);
      else if (value !== cursor.value) this.#tree.set(cursor.key, value);
      else continue;
      this.#writeCount += 1;
    }
  }

  ingest(paths: readonly string[]): Promise<void> {
    this.#assertOpen();
    return this.#run(async () => {
      const files: Row[][] = [];
      for (const path of paths) files.push(await readRows(this.#shared.disk, path));
      for (const rows of files) {
        for (const row of rows) this.#tree.set(copyBytes(row.key), copyBytes(row.value));
      }
      this.#writeCount += 1;
      await this.#flush();
      for (const path of paths) await this.#shared.disk.remove(path);
    });
  }

  setCompactionRules(rules: CompactionRules): void {
    this.#assertOpen();
    this.#rules = rules;
  }

  setOptions(options: Readonly<Record<string, string>>): void {
    this.#assertOpen();
    for (const name of Object.keys(options)) {
      if (OPTION_NAMES.has(name)) continue;
      const message = `${this.path}: no option ${name} that can be changed at run time`;
      throw new EngineError(EngineStatus.invalid, this.path, message);
    }
  }

  property(name: string): string | null {
    this.#assertOpen();
    return name === 'rocksdb.estimate-num-keys' ? String(this.#tree.count) : null;
  }

  statistics(): EngineStatistics {
    this.#assertOpen();
    return {
      liveDataBytes: this.#tree.byteCount,
      memtableBytes: this.#unflushedBytes,
      keyCount: this.#tree.count,
      sstFileCount: this.#flushedWriteCount > 0 ? 1 : 0,
    };
  }

  close(options: { readonly flush: boolean }): Promise<void> {
    this.#closing ??= this.#close(options.flush);
    return this.#closing;
  }

  async #close(flush: boolean): Promise<void> {
    try {
      if (this.#laterCalls > 0) {
        await new Promise<void>((resolve) => {
          this.#onLaterIdle = resolve;
        });
      }
      await this.#run(() => (flush ? this.#flush() : Promise.resolve()));
    } finally {
      this.#shared.openPaths.delete(this.path);
      this.#tree = new ByteTree();
    }
  }

  /** For the iterators as well: runs `work` in a later turn and hands its status on. */
  later(work: () => EngineStatus, done: (status: EngineStatus) => void): void {
    this.#after(this.#shared.readMs(), work, done);
  }

  #after(delayMs: number, work: () => EngineStatus, done: (status: EngineStatus) => void): void {
    this.#assertOpen();
    this.#laterCalls += 1;
    this.#shared.timers.after(delayMs, () => {
      this.#laterCalls -= 1;
      if (this.#laterCalls === 0) this.#onLaterIdle?.();
      done(work());
    });
  }

  #run(job: () => Promise<void>): Promise<void> {
    const result = this.#jobs.then(job).catch((error: unknown) => {
      throw toEngineError(error, this.path);
    });
    this.#jobs = result.catch(() => undefined);
    return result;
  }

  #blocks(): boolean {
    return this.#shared.mayBlock?.() ?? false;
  }

  #assertOpen(): void {
    assert(this.#closing === null, 'a closed engine is not used');
  }
}

class MemoryIterator implements EngineIterator {
  readonly #engine: MemoryEngine;
  readonly #shared: Shared;
  readonly #cursor: TreeCursor;
  readonly #options: IterateOptions;
  #busy = false;
  #closed = false;

  constructor(engine: MemoryEngine, shared: Shared, cursor: TreeCursor, options: IterateOptions) {
    this.#engine = engine;
    this.#shared = shared;
    this.#cursor = cursor;
    this.#options = {
      ...options,
      lower: copyBytes(options.lower),
      upper: copyBytes(options.upper),
    };
    if (options.reverse) cursor.seekBefore(this.#options.upper);
    else cursor.seek(this.#options.lower);
  }

  next(rowsMax: number, bytesMax: number, into: RowBlock): EngineStatus {
    assert(!this.#busy, 'one call at a time on an iterator');
    if (this.#closed || !this.#engine.isOpen) return EngineStatus.invalid;
    if (this.#shared.mayBlock?.() ?? false) return EngineStatus.wouldBlock;
    return this.#next(rowsMax, bytesMax, into);
  }

  nextLater(
    rowsMax: number,
    bytesMax: number,
    into: RowBlock,
    done: (status: EngineStatus) => void,
  ): void {
    assert(!this.#busy, 'one call at a time on an iterator');
    this.#busy = true;
    this.#engine.later(() => {
      this.#busy = false;
      return this.#closed ? EngineStatus.invalid : this.#next(rowsMax, bytesMax, into);
    }, done);
  }

  close(): void {
    this.#closed = true;
  }

  #next(rowsMax: number, bytesMax: number, into: RowBlock): EngineStatus {
    assertAtLeast(rowsMax, 1, 'a block has room for a row');
    assertAtLeast(bytesMax, 1, 'a block has room for a byte');
    const { scratch } = this.#shared;
    const cursor = this.#cursor;
    scratch.begin();
    while (this.#isInside() && scratch.rows < rowsMax) {
      const { key } = cursor;
      const value = this.#options.keysOnly ? EMPTY_BYTES : cursor.value;
      const length = key.length + value.length;
      if (scratch.rows > 0 && scratch.length + length > bytesMax) break;
      const keyStart = scratch.append(key);
      const valueStart = scratch.append(value);
      scratch.appendRow(keyStart, valueStart, valueStart, valueStart + value.length);
      if (this.#options.reverse) cursor.previous();
      else cursor.next();
    }
    fillBlock(into, scratch, !this.#isInside());
    return EngineStatus.ok;
  }

  #isInside(): boolean {
    if (!this.#cursor.valid) return false;
    const { lower, upper, reverse } = this.#options;
    if (reverse) return compareBytes(this.#cursor.key, lower) >= 0;
    return upper.length === 0 || compareBytes(this.#cursor.key, upper) < 0;
  }
}

class MemorySstWriter implements SstWriter {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #rows: Row[] = [];
  #finished = false;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    assert(!this.#finished, 'a finished file takes no more rows');
    const last = this.#rows[this.#rows.length - 1];
    if (last !== undefined && compareBytes(last.key, key) >= 0) {
      const message = `${this.#path}: keys are not in ascending order; sort them first`;
      throw new EngineError(EngineStatus.invalid, this.#path, message);
    }
    this.#rows.push({ key: copyBytes(key), value: copyBytes(value) });
  }

  async finish(): Promise<number> {
    assert(!this.#finished, 'a file is finished once');
    this.#finished = true;
    if (this.#rows.length === 0) {
      const message = `${this.#path}: a file without rows cannot be made; leave it out`;
      throw new EngineError(EngineStatus.invalid, this.#path, message);
    }
    const bytes = encodeRows(this.#rows);
    await this.#disk.replaceFile(this.#path, bytes).catch((error: unknown) => {
      throw toEngineError(error, this.#path);
    });
    return bytes.length;
  }
}

function fillBlock(into: RowBlock, scratch: EngineScratch, exhausted: boolean): void {
  into.bytes = scratch.bytes;
  into.offsets = scratch.offsets;
  into.count = scratch.rows;
  into.exhausted = exhausted;
}

async function readRows(disk: Disk, path: string): Promise<Row[]> {
  const rows = decodeRows(await disk.readFile(path));
  if (rows !== null) return rows;
  const message = `${path}: the file is damaged; restore it from another replica`;
  throw new EngineError(EngineStatus.corruption, path, message);
}

function toEngineError(error: unknown, path: string): unknown {
  if (!(error instanceof DiskError)) return error;
  const status = error.code === 'full' ? EngineStatus.full : EngineStatus.io;
  return new EngineError(status, error.path || path, error.message);
}
