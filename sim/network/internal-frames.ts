/**
 * Finds the frames in the byte stream of an internal connection, so that faults can hit single
 * messages.
 *
 * Written against the format, not with the code under test: the magic `PGI1`, then frames of u32
 * length (big-endian, counting what follows it), u8 type, three bytes without meaning, and payload.
 * A stream that does not begin with the magic is passed on as it is: client traffic is a request
 * and answer protocol whose frames may not vanish one by one.
 */
import { assert } from '../../src/base/assert.ts';

const MAGIC: readonly number[] = [0x50, 0x47, 0x49, 0x31];
const MAGIC_BYTES = 4;
const LENGTH_BYTES = 4;
/** Type and reserved bytes: counted by the length. */
const TYPE_BYTES = 4;

export interface FrameSink {
  /** Bytes that belong to no frame: the magic, or all of a stream that is not internal. */
  plain(bytes: Uint8Array): void;
  /** One whole frame with its header; `type` and `payload` are views of its parts. */
  frame(type: number, payload: Uint8Array, whole: Uint8Array): void;
}

export class FrameCutter {
  readonly #sink: FrameSink;
  /** null while the bytes so far may still become the magic. */
  #isInternal: boolean | null = null;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** `bytes` may be kept; the caller never changes them (contract of `Connection.write`). */
  push(bytes: Uint8Array): void {
    if (this.#isInternal === false) {
      this.#sink.plain(bytes);
      return;
    }
    let data = bytes;
    if (this.#rest.length > 0) {
      data = new Uint8Array(this.#rest.length + bytes.length);
      data.set(this.#rest, 0);
      data.set(bytes, this.#rest.length);
    }
    this.#rest = data.subarray(this.#cut(data));
  }

  /** The bytes of an unfinished frame, when the stream ends. */
  takeRest(): Uint8Array {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    return rest;
  }

  /** Returns how many bytes were handed out. */
  #cut(data: Uint8Array): number {
    let at = 0;
    if (this.#isInternal === null) {
      const isPossible = MAGIC.every((byte, index) => index >= data.length || data[index] === byte);
      if (isPossible && data.length < MAGIC_BYTES) return 0;
      this.#isInternal = isPossible;
      if (!isPossible) {
        this.#sink.plain(data);
        return data.length;
      }
      this.#sink.plain(data.subarray(0, MAGIC_BYTES));
      at = MAGIC_BYTES;
    }
    while (data.length - at > LENGTH_BYTES) {
      const length = u32(data, at);
      assert(length >= TYPE_BYTES, 'an internal frame has at least its type');
      const end = at + LENGTH_BYTES + length;
      if (end > data.length) break;
      const typeAt = at + LENGTH_BYTES;
      const payload = data.subarray(typeAt + TYPE_BYTES, end);
      this.#sink.frame(data[typeAt]!, payload, data.subarray(at, end));
      at = end;
    }
    return at;
  }
}

function u32(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! << 24) | (bytes[at + 1]! << 16);
  return (high | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
