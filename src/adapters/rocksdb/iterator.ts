/** Rows in packed blocks, one crossing per block. */
import { assert, assertAtLeast } from '../../base/assert.ts';
import { type EngineIterator, EngineStatus, type RowBlock } from '../../env/engine.ts';
import type { RocksDbEngine } from './engine.ts';
import { CODE_TOO_SMALL, hasText, type Native, statusOfCode } from './native.ts';
import { fillBlock, RowsRequest } from './requests.ts';

/** A block may hold fewer rows and bytes than asked for; beyond these the output would grow for nothing. */
const BLOCK_BYTES_MAX = 8 * 1024 * 1024;
const BLOCK_ROWS_MAX = 65_536;

export class RocksDbIterator implements EngineIterator {
  readonly #native: Native;
  readonly #engine: RocksDbEngine;
  readonly #handle: number;
  #busy = false;
  #closed = false;

  constructor(native: Native, engine: RocksDbEngine, handle: number) {
    assertAtLeast(handle, 0, 'an iterator has a handle');
    this.#native = native;
    this.#engine = engine;
    this.#handle = handle;
  }

  next(rowsMax: number, bytesMax: number, into: RowBlock): EngineStatus {
    assert(!this.#busy, 'one call at a time on an iterator');
    if (this.#closed) return EngineStatus.invalid;
    const native = this.#native;
    native.growOutput(Math.min(bytesMax, BLOCK_BYTES_MAX), Math.min(rowsMax, BLOCK_ROWS_MAX));
    this.#arguments(rowsMax, bytesMax);
    let count = native.binding.iteratorNext();
    if (count === CODE_TOO_SMALL) {
      native.growOutput(native.control[0]!, 0);
      this.#arguments(rowsMax, bytesMax);
      count = native.binding.iteratorNext();
    }
    if (count < 0) {
      if (hasText(count)) this.#engine.onError(native.control[0]!);
      return statusOfCode(count);
    }
    fillBlock(into, native, count, native.control[1] === 1);
    return EngineStatus.ok;
  }

  nextLater(
    rowsMax: number,
    bytesMax: number,
    into: RowBlock,
    done: (status: EngineStatus) => void,
  ): void {
    assert(!this.#busy, 'one call at a time on an iterator');
    if (this.#closed || !this.#engine.hasRoom) {
      const status = this.#closed ? EngineStatus.invalid : EngineStatus.wouldBlock;
      this.#engine.answerLater(status, done);
      return;
    }
    this.#busy = true;
    const onDone = (status: EngineStatus): void => {
      this.#busy = false;
      done(status);
    };
    const { control } = this.#native;
    const request = new RowsRequest(this.#native, this.#engine, into, () => this.#closed, onDone);
    const number = this.#engine.begin(request);
    this.#arguments(rowsMax, bytesMax);
    control[3] = number;
    this.#native.binding.submitIteratorNext();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#engine.onIteratorClosed(this);
    this.#native.control[0] = this.#handle;
    this.#native.binding.iteratorClose();
  }

  #arguments(rowsMax: number, bytesMax: number): void {
    assertAtLeast(rowsMax, 1, 'a block has room for a row');
    assertAtLeast(bytesMax, 1, 'a block has room for a byte');
    const { control } = this.#native;
    control[0] = this.#handle;
    control[1] = Math.min(rowsMax, BLOCK_ROWS_MAX);
    control[2] = Math.min(bytesMax, BLOCK_BYTES_MAX);
  }
}
