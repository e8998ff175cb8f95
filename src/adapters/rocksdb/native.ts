/**
 * The addon as seen from JavaScript: its functions, the memory that both sides share, and the
 * completions of what runs on its pools. `native/rocksdb/src/calls.h` says what each function
 * expects in the control words.
 *
 * 1. One instance per process: the addon holds one set of memory.
 * 2. `input`, `output` and `offsets` are replaced by larger ones when something does not fit.
 *    Output is overwritten by the next call.
 * 3. The process stays alive while requests are pending, and not on account of the addon otherwise.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import { assert } from '../../base/assert.ts';
import { EngineError, EngineStatus } from '../../env/engine.ts';

/** Codes of `native/rocksdb/src/status.h`. */
const CODE_NOT_FOUND = -1;
const CODE_WOULD_BLOCK = -2;
export const CODE_TOO_SMALL: number = -3;
const CODE_CORRUPTION = -10;
const CODE_FULL = -12;
const CODE_INVALID = -13;

/** Numbers of `native/rocksdb/src/jobs.cc`. */
export const NativeTask = {
  flush: 0,
  checkpoint: 1,
  compact: 2,
  ingest: 3,
  close: 4,
  destroy: 5,
  sstFinish: 6,
} as const;
export type NativeTask = (typeof NativeTask)[keyof typeof NativeTask];

export interface Binding {
  setup(control: Uint32Array, onDone: () => void): void;
  /** The process is about to exit with this code; may be the end of it. */
  end(code: number): void;
  setMemory(input: Uint8Array, output: Uint8Array, offsets: Uint32Array): void;
  take(): number;
  get(): number;
  submitGet(): void;
  multiGet(): number;
  submitMultiGet(): void;
  iteratorOpen(): number;
  iteratorNext(): number;
  submitIteratorNext(): void;
  iteratorClose(): void;
  write(database: number, batch: Uint8Array): number;
  submitWrite(database: number, batch: Uint8Array, request: number): void;
  submitOpen(): void;
  submitTask(): number;
  submitSstOpen(): void;
  submitSstRows(file: number, rows: Uint8Array, request: number): void;
  submitLogAppend(fd: number, bytes: Uint8Array, sync: number, request: number): void;
  sharedCreate(): number;
  setFilterRules(): number;
  setOptions(): number;
  cancelCompactions(): number;
  setRate(): number;
  property(): number;
  figures(): number;
  cacheUsage(): number;
  tickers(): number;
}

/**
 * Who waits for a request. Its `complete` may read `output` and `offsets` until it calls anything.
 */
export interface Request {
  /** `code` below 0 is a failure; `length` bytes are in `output`, `rows` rows in `offsets`. */
  complete(code: number, length: number, rows: number, flags: number): void;
}

const CONTROL_WORDS = 16;
const INPUT_BYTES = 64 * 1024;
/** Not resident until used. */
const OUTPUT_BYTES = 1024 * 1024;
const OFFSETS_ROWS = 4096;
export const OFFSETS_PER_ROW = 4;
/** More than a server's clients may have under way; each holds a few hundred bytes. */
const REQUESTS_MAX = 65_536;

const ADDON_PATH = 'native/rocksdb/build/pegasus_rocksdb.node';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Native {
  readonly binding: Binding;
  readonly control: Uint32Array = new Uint32Array(CONTROL_WORDS);
  input: Uint8Array = new Uint8Array(INPUT_BYTES);
  output: Uint8Array = new Uint8Array(OUTPUT_BYTES);
  offsets: Uint32Array = new Uint32Array(OFFSETS_ROWS * OFFSETS_PER_ROW);
  readonly #requests: (Request | null)[] = [];
  readonly #free: number[] = [];

  constructor(binding: Binding) {
    this.binding = binding;
    binding.setup(this.control, this.#drain);
    binding.setMemory(this.input, this.output, this.offsets);
    process.once('exit', (code) => binding.end(code));
  }

  /** False when so much is under way that reads have to be put off. */
  get hasRoom(): boolean {
    return this.#requests.length - this.#free.length < REQUESTS_MAX;
  }

  /** The number under which the addon will answer. */
  add(request: Request): number {
    const index = this.#free.pop();
    if (index === undefined) return this.#requests.push(request) - 1;
    assert(this.#requests[index] === null, 'a free number belongs to nobody');
    this.#requests[index] = request;
    return index;
  }

  growInput(bytes: number): void {
    if (bytes <= this.input.length) return;
    this.input = new Uint8Array(Math.max(bytes, 2 * this.input.length));
    this.binding.setMemory(this.input, this.output, this.offsets);
  }

  growOutput(bytes: number, rows: number): void {
    const offsets = rows * OFFSETS_PER_ROW;
    if (bytes <= this.output.length && offsets <= this.offsets.length) return;
    if (bytes > this.output.length) {
      this.output = new Uint8Array(Math.max(bytes, 2 * this.output.length));
    }
    if (offsets > this.offsets.length) {
      this.offsets = new Uint32Array(Math.max(offsets, 2 * this.offsets.length));
    }
    this.binding.setMemory(this.input, this.output, this.offsets);
  }

  /** Puts a text into the input memory; returns its length. */
  putText(text: string): number {
    const bytes = encoder.encode(text);
    this.growInput(bytes.length);
    this.input.set(bytes);
    return bytes.length;
  }

  text(length: number): string {
    return decoder.decode(this.output.subarray(0, length));
  }

  /**
   * Runs something long on the pool; rejects with an `EngineError` about `path`. Resolves to what
   * the addon tells.
   */
  task(kind: NativeTask, handle: number, texts: readonly string[], path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const length = this.putText(texts.map((text) => `${text}\0`).join(''));
      const request = this.add(new TaskRequest(this, path, (text) => resolve(text), reject));
      this.control[0] = kind;
      this.control[1] = handle;
      this.control[2] = request;
      this.control[3] = length;
      assert(this.binding.submitTask() === 0, 'a task is for a handle that is there');
    });
  }

  readonly #drain = (): void => {
    let drained = false;
    try {
      while (this.#takeOne());
      drained = true;
    } finally {
      // A callback threw: should the process live on, the others must not be lost.
      if (!drained) setImmediate(this.#drain);
    }
  };

  #takeOne(): boolean {
    const { binding, control } = this;
    let taken = binding.take();
    if (taken === CODE_TOO_SMALL) {
      this.growOutput(control[0]!, control[1]!);
      taken = binding.take();
    }
    if (taken === 0) return false;
    assert(taken === 1, 'a completion fits after growing');
    const index = control[0]!;
    const request = this.#requests[index];
    assert(request !== null && request !== undefined, 'a completion belongs to a request');
    this.#requests[index] = null;
    this.#free.push(index);
    request.complete(control[1]! | 0, control[2]!, control[3]!, control[4]!);
    return true;
  }
}

/** A request whose outcome is a promise. */
export class TaskRequest implements Request {
  readonly #native: Native;
  readonly #path: string;
  readonly #resolve: (text: string, flags: number) => void;
  readonly #reject: (error: EngineError) => void;

  constructor(
    native: Native,
    path: string,
    resolve: (text: string, flags: number) => void,
    reject: (error: EngineError) => void,
  ) {
    this.#native = native;
    this.#path = path;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  complete(code: number, length: number, _rows: number, flags: number): void {
    const text = this.#native.text(length);
    if (code < 0) this.#reject(engineError(code, this.#path, text));
    else this.#resolve(text, flags);
  }
}

export function statusOfCode(code: number): EngineStatus {
  if (code >= 0) return EngineStatus.ok;
  switch (code) {
    case CODE_NOT_FOUND:
      return EngineStatus.notFound;
    case CODE_WOULD_BLOCK:
      return EngineStatus.wouldBlock;
    case CODE_CORRUPTION:
      return EngineStatus.corruption;
    case CODE_FULL:
      return EngineStatus.full;
    case CODE_INVALID:
      return EngineStatus.invalid;
    default:
      return EngineStatus.io;
  }
}

export function hasText(code: number): boolean {
  return code <= CODE_CORRUPTION;
}

export function engineError(code: number, path: string, text: string): EngineError {
  const status = statusOfCode(code);
  return new EngineError(status, path, `${path}: ${text}${remedy(status, text)}`);
}

function remedy(status: EngineStatus, text: string): string {
  if (/lock/i.test(text)) return '; another process or engine has the folder open: stop it first';
  if (/too many open files/i.test(text)) return '; raise the limit of open files (ulimit -n)';
  switch (status) {
    case EngineStatus.corruption:
      return '; the files are damaged: restore them from another replica or a backup';
    case EngineStatus.full:
      return '; free space on the disk';
    case EngineStatus.io:
      return '; check the disk and the permissions of the folder';
    default:
      return '';
  }
}

let instance: Native | null = null;

/** The addon, loaded by the first call. Throws with the command to run if it is not built. */
export function loadNative(): Native {
  if (instance !== null) return instance;
  const path = findAddon(dirname(fileURLToPath(import.meta.url)));
  instance = new Native(createRequire(import.meta.url)(path) as Binding);
  return instance;
}

/** Sources and compiled files lie at different depths below the package. */
function findAddon(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, ADDON_PATH);
    if (existsSync(path)) return path;
    if (dirname(folder) === folder) break;
  }
  throw new Error('The RocksDB addon is not built. Run: node native/rocksdb/build.mjs');
}

class AppendRequest implements Request {
  /** Kept so that the memory stays while the addon writes from it. */
  readonly bytes: Uint8Array;
  readonly #done: (error: Error | null) => void;

  constructor(bytes: Uint8Array, done: (error: Error | null) => void) {
    this.bytes = bytes;
    this.#done = done;
  }

  complete(code: number, _length: number, _rows: number, flags: number): void {
    if (code >= 0) {
      this.#done(null);
      return;
    }
    const name = getSystemErrorName(-flags);
    this.#done(Object.assign(new Error(`${name}: append failed`), { code: name }));
  }
}

/**
 * Appends all of `bytes` to `fd`, then makes it durable if `sync`, in one crossing on a thread of
 * its own. Calls back in a later turn, with an error that has the system's `code`. `bytes` must not
 * change until then. An error is final: how much was written is unknown.
 */
export function nativeAppend(
  fd: number,
  bytes: Uint8Array,
  sync: boolean,
  done: (error: Error | null) => void,
): void {
  const native = loadNative();
  const request = native.add(new AppendRequest(bytes, done));
  native.binding.submitLogAppend(fd, bytes, sync ? 1 : 0, request);
}
