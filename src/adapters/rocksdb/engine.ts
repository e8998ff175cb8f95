/**
 * One RocksDB database as an `Engine`.
 *
 * 1. Reads look into memtables and block cache at once; what is on the disk is answered wouldBlock
 *    and read by the pool. A database that mostly misses is not asked first: the look costs nearly
 *    as much as the way over the pool.
 * 2. Batches keep their order: while one waits out a stall, `write` answers wouldBlock and further
 *    ones queue behind it.
 * 3. Closing waits for all that is under way, so the addon never drops the last reference on the
 *    event loop's thread.
 */
import { assert, assertAtLeast } from '../../base/assert.ts';
import { copyInto } from '../../base/bytes.ts';
import {
  COMPACT_ALL,
  type CompactionRules,
  type Engine,
  EngineError,
  type EngineIterator,
  type EngineStatistics,
  EngineStatus,
  type IterateOptions,
  type RowBlock,
  type ValueView,
} from '../../env/engine.ts';
import type { CompactionOrder } from '../../model/compaction-schedule.ts';
import { encodeUserRules, parseUserRules } from '../memory/engine-rules.ts';
import { RocksDbIterator } from './iterator.ts';
import {
  CODE_TOO_SMALL,
  engineError,
  hasText,
  type Native,
  NativeTask,
  type Request,
  statusOfCode,
} from './native.ts';
import { fillBlock, GetRequest, type RequestOwner, RowsRequest, WriteRequest } from './requests.ts';

const FLAG_REVERSE = 1;
const FLAG_KEYS_ONLY = 2;
const FLAG_FILL_CACHE = 4;

const LATER_WRITES_MAX = 4096;

/** Share of recent lookups that missed, in 1/1024, from which on most go to the pool unasked. */
const MISSES_HIGH = 922;
const MISSES_SCALE = 1024;
/** One in so many is tried nevertheless, to notice that the cache is warm again. */
const PROBE_EVERY = 16;

/** Options of the whole database; all others belong to its column family. */
const DATABASE_OPTIONS: ReadonlySet<string> = new Set([
  'bytes_per_sync',
  'compaction_readahead_size',
  'delete_obsolete_files_period_micros',
  'max_background_compactions',
  'max_background_flushes',
  'max_background_jobs',
  'max_open_files',
  'max_subcompactions',
  'stats_dump_period_sec',
  'writable_file_max_buffer_size',
]);

export class RocksDbEngine implements Engine, RequestOwner {
  readonly path: string;
  readonly #native: Native;
  readonly #handle: number;
  readonly #resolve: (path: string) => string;
  readonly #iterators = new Set<RocksDbIterator>();
  /** The first one is with the addon. */
  readonly #writes: WriteRequest[] = [];
  #pending = 0;
  #onIdle: (() => void) | null = null;
  #closing: Promise<void> | null = null;
  #misses = 0;
  #probe = 0;
  #lastError = '';

  constructor(native: Native, path: string, handle: number, resolve: (path: string) => string) {
    this.#native = native;
    this.path = path;
    this.#handle = handle;
    this.#resolve = resolve;
  }

  // ---- reads ----

  get(key: Uint8Array, into: ValueView): EngineStatus {
    this.#assertOpen();
    if (this.#skipsProbe()) return EngineStatus.wouldBlock;
    const native = this.#native;
    this.#putKey(key);
    let length = native.binding.get();
    if (length === CODE_TOO_SMALL) {
      native.growOutput(native.control[0]!, 0);
      this.#putKey(key);
      length = native.binding.get();
    }
    if (length < 0) return this.#failed(length);
    this.#misses -= this.#misses >> 4;
    into.bytes = native.output;
    into.start = 0;
    into.end = length;
    return EngineStatus.ok;
  }

  getLater(key: Uint8Array, into: ValueView, done: (status: EngineStatus) => void): void {
    this.#assertOpen();
    if (!this.hasRoom) {
      this.answerLater(EngineStatus.wouldBlock, done);
      return;
    }
    const number = this.begin(new GetRequest(this.#native, this, into, done));
    this.#putKey(key);
    this.#native.control[2] = number;
    this.#native.binding.submitGet();
  }

  #putKey(key: Uint8Array): void {
    const native = this.#native;
    if (key.length > native.input.length) native.growInput(key.length);
    copyInto(key, 0, key.length, native.input, 0);
    native.control[0] = this.#handle;
    native.control[1] = key.length;
  }

  multiGet(keys: readonly Uint8Array[], into: RowBlock): EngineStatus {
    this.#assertOpen();
    if (this.#skipsProbe()) return EngineStatus.wouldBlock;
    const native = this.#native;
    native.growOutput(0, keys.length);
    this.#putKeys(keys);
    let code = native.binding.multiGet();
    if (code === CODE_TOO_SMALL) {
      native.growOutput(native.control[0]!, keys.length);
      this.#putKeys(keys);
      code = native.binding.multiGet();
    }
    if (code < 0) return this.#failed(code);
    this.#misses -= this.#misses >> 4;
    fillBlock(into, native, keys.length, true);
    return EngineStatus.ok;
  }

  multiGetLater(
    keys: readonly Uint8Array[],
    into: RowBlock,
    done: (status: EngineStatus) => void,
  ): void {
    this.#assertOpen();
    if (!this.hasRoom) {
      this.answerLater(EngineStatus.wouldBlock, done);
      return;
    }
    const onDone = (status: EngineStatus): void => {
      if (status === EngineStatus.ok) into.exhausted = true;
      done(status);
    };
    const request = new RowsRequest(this.#native, this, into, neverClosed, onDone);
    const number = this.begin(request);
    this.#putKeys(keys);
    this.#native.control[2] = number;
    this.#native.binding.submitMultiGet();
  }

  #putKeys(keys: readonly Uint8Array[]): void {
    const native = this.#native;
    let length = 4 * keys.length;
    for (let index = 0; index < keys.length; index++) length += keys[index]!.length;
    if (length > native.input.length) native.growInput(length);
    const { input } = native;
    let at = 4 * keys.length;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index]!;
      const keyLength = key.length;
      const word = 4 * index;
      input[word] = keyLength;
      input[word + 1] = keyLength >>> 8;
      input[word + 2] = keyLength >>> 16;
      input[word + 3] = keyLength >>> 24;
      copyInto(key, 0, keyLength, input, at);
      at += keyLength;
    }
    native.control[0] = this.#handle;
    native.control[1] = keys.length;
    native.control[3] = length;
  }

  iterate(options: IterateOptions): EngineIterator {
    this.#assertOpen();
    const native = this.#native;
    const { lower, upper } = options;
    native.growInput(lower.length + upper.length);
    native.input.set(lower);
    native.input.set(upper, lower.length);
    native.control[0] = this.#handle;
    native.control[1] =
      (options.reverse ? FLAG_REVERSE : 0) |
      (options.keysOnly ? FLAG_KEYS_ONLY : 0) |
      (options.fillCache ? FLAG_FILL_CACHE : 0);
    native.control[2] = lower.length;
    native.control[3] = upper.length;
    const iterator = new RocksDbIterator(native, this, native.binding.iteratorOpen());
    this.#iterators.add(iterator);
    return iterator;
  }

  // ---- writes ----

  write(batch: Uint8Array): EngineStatus {
    this.#assertOpen();
    if (this.#writes.length > 0) return EngineStatus.wouldBlock;
    const code = this.#native.binding.write(this.#handle, batch);
    if (hasText(code)) this.onError(this.#native.control[0]!);
    return statusOfCode(code);
  }

  writeLater(batch: Uint8Array, done: (status: EngineStatus) => void): void {
    this.#assertOpen();
    if (this.#writes.length >= LATER_WRITES_MAX) {
      this.answerLater(EngineStatus.wouldBlock, done);
      return;
    }
    const onDone = (status: EngineStatus): void => {
      this.#writes.shift();
      if (this.#writes.length > 0) this.#submitWrite();
      done(status);
    };
    this.#writes.push(new WriteRequest(batch, this, onDone));
    this.#pending += 1;
    if (this.#writes.length === 1) this.#submitWrite();
  }

  #submitWrite(): void {
    const request = this.#writes[0]!;
    const number = this.#native.add(request);
    this.#native.binding.submitWrite(this.#handle, request.batch, number);
  }

  // ---- jobs ----

  async flush(): Promise<void> {
    await this.#task(NativeTask.flush, []);
  }

  async checkpoint(path: string): Promise<void> {
    await this.#task(NativeTask.checkpoint, [this.#resolve(path)]);
  }

  async compact({ targetLevel, rewritesLowest }: CompactionOrder = COMPACT_ALL): Promise<void> {
    await this.#task(NativeTask.compact, [String(targetLevel), rewritesLowest ? '1' : '0']);
  }

  async ingest(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    await this.#task(NativeTask.ingest, paths.map(this.#resolve));
  }

  async #task(kind: NativeTask, texts: readonly string[]): Promise<void> {
    this.#assertOpen();
    this.#pending += 1;
    try {
      await this.#native.task(kind, this.#handle, texts, this.path);
    } finally {
      this.#end();
    }
  }

  // ---- settings ----

  setCompactionRules(rules: CompactionRules): void {
    this.#assertOpen();
    const native = this.#native;
    const compact = encodeUserRules(parseUserRules(rules.userRules));
    native.growInput(compact.length);
    native.input.set(compact);
    native.control[0] = this.#handle;
    native.control[1] = rules.enabled ? 1 : 0;
    native.control[2] = rules.defaultTtlSeconds;
    native.control[3] = rules.partitionVersion;
    native.control[4] = rules.partitionIndex;
    native.control[5] = compact.length;
    assert(native.binding.setFilterRules() === 0, 'rules that were encoded here are sound');
  }

  setOptions(options: Readonly<Record<string, string>>): void {
    this.#assertOpen();
    const entries = Object.entries(options);
    this.#setOptions(
      entries.filter(([name]) => !DATABASE_OPTIONS.has(name)),
      0,
    );
    this.#setOptions(
      entries.filter(([name]) => DATABASE_OPTIONS.has(name)),
      1,
    );
  }

  #setOptions(entries: readonly (readonly [string, string])[], ofDatabase: 0 | 1): void {
    if (entries.length === 0) return;
    const native = this.#native;
    const length = native.putText(entries.map(([name, value]) => `${name}\0${value}\0`).join(''));
    native.control[0] = this.#handle;
    native.control[1] = ofDatabase;
    native.control[2] = length;
    const code = native.binding.setOptions();
    if (code < 0) throw engineError(code, this.path, native.text(native.control[0]!));
  }

  /** Names of RocksDB's, and `pegasus.last-error`. */
  property(name: string): string | null {
    this.#assertOpen();
    if (name === 'pegasus.last-error') return this.#lastError;
    const native = this.#native;
    const length = native.putText(name);
    native.control[0] = this.#handle;
    native.control[1] = length;
    const result = native.binding.property();
    if (result !== CODE_TOO_SMALL) return result < 0 ? null : native.text(result);
    native.growOutput(native.control[0]!, 0);
    return this.property(name);
  }

  statistics(): EngineStatistics {
    this.#assertOpen();
    const { binding, control } = this.#native;
    control[0] = this.#handle;
    assert(binding.figures() === 0, 'figures are there for an open database');
    return {
      liveDataBytes: wide(control, 0),
      memtableBytes: wide(control, 2),
      keyCount: wide(control, 4),
      sstFileCount: control[6]!,
    };
  }

  close(options: { readonly flush: boolean }): Promise<void> {
    this.#closing ??= this.#close(options.flush);
    return this.#closing;
  }

  async #close(flush: boolean): Promise<void> {
    if (this.#pending > 0) {
      this.#native.control[0] = this.#handle;
      assert(this.#native.binding.cancelCompactions() === 0, 'the database is open still');
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    for (const iterator of this.#iterators) iterator.close();
    try {
      if (flush) await this.#native.task(NativeTask.flush, this.#handle, [], this.path);
    } finally {
      await this.#native.task(NativeTask.close, this.#handle, [], this.path);
    }
  }

  // ---- for requests and iterators ----

  get hasRoom(): boolean {
    return this.#native.hasRoom;
  }

  /** Registers a request; its `onComplete` ends it. */
  begin(request: Request): number {
    this.#assertOpen();
    this.#pending += 1;
    return this.#native.add(request);
  }

  onComplete(code: number, textLength: number): void {
    if (hasText(code)) this.onError(textLength);
    this.#end();
  }

  /** The text of an error is in the output. */
  onError(textLength: number): void {
    this.#lastError = this.#native.text(textLength);
  }

  onIteratorClosed(iterator: RocksDbIterator): void {
    this.#iterators.delete(iterator);
  }

  /** Hands out a status that is known already, in a later turn. */
  answerLater(status: EngineStatus, done: (status: EngineStatus) => void): void {
    this.#assertOpen();
    this.#pending += 1;
    setImmediate(() => {
      this.#end();
      done(status);
    });
  }

  #end(): void {
    this.#pending -= 1;
    assertAtLeast(this.#pending, 0, 'what ends has begun');
    if (this.#pending === 0) this.#onIdle?.();
  }

  /** Also counts what misses the cache. */
  #failed(code: number): EngineStatus {
    const status = statusOfCode(code);
    if (status === EngineStatus.wouldBlock) {
      this.#misses += (MISSES_SCALE - this.#misses) >> 4;
    } else if (status === EngineStatus.notFound) {
      this.#misses -= this.#misses >> 4;
    } else {
      this.onError(this.#native.control[0]!);
    }
    return status;
  }

  #skipsProbe(): boolean {
    if (this.#misses < MISSES_HIGH) return false;
    this.#probe = (this.#probe + 1) % PROBE_EVERY;
    return this.#probe !== 0;
  }

  #assertOpen(): void {
    assert(this.#closing === null, 'a closed engine is not used');
  }
}

const neverClosed = (): boolean => false;

function wide(words: Uint32Array, index: number): number {
  return words[index]! + words[index + 1]! * 2 ** 32;
}

/** For the factory: an error of the file system as one of the engine. */
export function ioError(path: string, error: unknown): EngineError {
  const text = error instanceof Error ? error.message : String(error);
  const full = /ENOSPC|EDQUOT/.test(text);
  return new EngineError(
    full ? EngineStatus.full : EngineStatus.io,
    path,
    `${path}: ${text}; check the disk and the permissions of the folder`,
  );
}
