/**
 * Builds a file to ingest. Rows are collected in chunks that a pool writes one after the other; what the caller puts
 * ahead of the disk waits in memory.
 */
import { assert } from '../../base/assert.ts';
import { compareBytes, copyBytes } from '../../base/bytes.ts';
import { EngineError, EngineStatus, type SstWriter } from '../../env/engine.ts';
import { type Native, NativeTask, TaskRequest } from './native.ts';

const CHUNK_BYTES = 256 * 1024;
const ROW_HEADER_BYTES = 8;

export class RocksDbSstWriter implements SstWriter {
  readonly #native: Native;
  readonly #path: string;
  readonly #handle: number;
  #chunk: Uint8Array = new Uint8Array(CHUNK_BYTES);
  #length = 0;
  #lastKey: Uint8Array | null = null;
  #finished = false;
  /** Rejects with the first error; later chunks are not written then. */
  #written: Promise<void> = Promise.resolve();

  constructor(native: Native, path: string, handle: number) {
    this.#native = native;
    this.#path = path;
    this.#handle = handle;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    assert(!this.#finished, 'a finished file takes no more rows');
    if (this.#lastKey !== null && compareBytes(this.#lastKey, key) >= 0) {
      const message = `${this.#path}: keys are not in ascending order; sort them first`;
      throw new EngineError(EngineStatus.invalid, this.#path, message);
    }
    this.#lastKey = copyBytes(key);
    const length = ROW_HEADER_BYTES + key.length + value.length;
    if (this.#length + length > this.#chunk.length) {
      this.#submit();
      this.#chunk = new Uint8Array(Math.max(CHUNK_BYTES, length));
    }
    const view = new DataView(this.#chunk.buffer);
    view.setUint32(this.#length, key.length, true);
    view.setUint32(this.#length + 4, value.length, true);
    this.#chunk.set(key, this.#length + ROW_HEADER_BYTES);
    this.#chunk.set(value, this.#length + ROW_HEADER_BYTES + key.length);
    this.#length += length;
  }

  async finish(): Promise<number> {
    assert(!this.#finished, 'a file is finished once');
    this.#finished = true;
    this.#submit();
    const failure = await this.#written.then(noFailure, (error: unknown) => error);
    // Also after a failure: it closes the file.
    const text = await this.#native.task(NativeTask.sstFinish, this.#handle, [], this.#path);
    if (failure !== null) throw failure;
    return Number(text);
  }

  #submit(): void {
    if (this.#length === 0) return;
    const rows = this.#chunk.subarray(0, this.#length);
    this.#length = 0;
    this.#written = this.#written.then(() => this.#write(rows));
    // `finish` tells of it; until then a failed chunk is no unhandled rejection.
    this.#written.catch(() => undefined);
  }

  #write(rows: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      // The closure keeps the rows alive while the addon reads them.
      const onWritten = (): void => resolve(assert(rows.length > 0, 'a chunk has rows'));
      const request = new TaskRequest(this.#native, this.#path, onWritten, reject);
      this.#native.binding.submitSstRows(this.#handle, rows, this.#native.add(request));
    });
  }
}

const noFailure = (): null => null;
