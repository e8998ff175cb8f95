/** What the engine waits for: one object per read or write that goes to a pool. */
import type { EngineStatus, RowBlock, ValueView } from '../../env/engine.ts';
import { EngineStatus as Status } from '../../env/engine.ts';
import { type Native, type Request, statusOfCode } from './native.ts';

/** The engine, as far as its requests need it. */
export interface RequestOwner {
  /** A request is over: its callback comes next. `text` tells of an error. */
  onComplete(code: number, textLength: number): void;
}

export class GetRequest implements Request {
  readonly #native: Native;
  readonly #owner: RequestOwner;
  readonly #into: ValueView;
  readonly #done: (status: EngineStatus) => void;

  constructor(
    native: Native,
    owner: RequestOwner,
    into: ValueView,
    done: (status: EngineStatus) => void,
  ) {
    this.#native = native;
    this.#owner = owner;
    this.#into = into;
    this.#done = done;
  }

  complete(code: number, length: number): void {
    this.#owner.onComplete(code, length);
    if (code >= 0) {
      this.#into.bytes = this.#native.output;
      this.#into.start = 0;
      this.#into.end = length;
    }
    this.#done(statusOfCode(code));
  }
}

/** For multi-gets and for the blocks of an iterator. */
export class RowsRequest implements Request {
  readonly #native: Native;
  readonly #owner: RequestOwner;
  readonly #into: RowBlock;
  readonly #isClosed: () => boolean;
  readonly #done: (status: EngineStatus) => void;

  constructor(
    native: Native,
    owner: RequestOwner,
    into: RowBlock,
    isClosed: () => boolean,
    done: (status: EngineStatus) => void,
  ) {
    this.#native = native;
    this.#owner = owner;
    this.#into = into;
    this.#isClosed = isClosed;
    this.#done = done;
  }

  complete(code: number, length: number, rows: number, flags: number): void {
    this.#owner.onComplete(code, length);
    const closed = this.#isClosed();
    if (code >= 0 && !closed) fillBlock(this.#into, this.#native, rows, flags === 1);
    this.#done(closed ? Status.invalid : statusOfCode(code));
  }
}

export class WriteRequest implements Request {
  /** Kept so that the memory stays while the addon reads it. */
  readonly batch: Uint8Array;
  readonly #owner: RequestOwner;
  readonly #done: (status: EngineStatus) => void;

  constructor(batch: Uint8Array, owner: RequestOwner, done: (status: EngineStatus) => void) {
    this.batch = batch;
    this.#owner = owner;
    this.#done = done;
  }

  complete(code: number, length: number): void {
    this.#owner.onComplete(code, length);
    this.#done(statusOfCode(code));
  }
}

export function fillBlock(into: RowBlock, native: Native, rows: number, exhausted: boolean): void {
  into.bytes = native.output;
  into.offsets = native.offsets;
  into.count = rows;
  into.exhausted = exhausted;
}
