/**
 * Cuts a byte stream into frames with few copies.
 *
 * Invariants:
 *  1. A frame that arrives within one piece is read where it lies. Only the bytes of frames that
 *     straddle pieces are copied, into `pending`, which holds at most one unfinished frame.
 *  2. `pending` grows with what has arrived, doubling, never with what a length field only claims,
 *     and never above the frame limit (the parser refuses larger frames).
 *  3. The frame's bytes are valid during `onFrame` only.
 */
import { assert } from '../base/assert.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import type { Reader } from '../wire/reader.ts';

export interface FrameParser {
  /** Size of the frame at the reader, 0 while unknown; does not move it. Throws `WireError`. */
  frameSize(reader: Reader): number;
  /**
   * The reader stands at the start of a whole frame of `size` bytes; where it stands afterwards
   * does not matter. False to stop: the rest of the stream is not wanted any more. May throw
   * `WireError`.
   */
  onFrame(reader: Reader, size: number): boolean;
}

/** A larger buffer is given back once its frame is done. */
const KEPT_BYTES_MAX = 64 * 1024;
const PENDING_BYTES_MIN = 1024;
/** Enough to learn the size of any frame of any dialect. */
const HEADER_BYTES_MAX = 20;

export class FrameBuffer {
  readonly #reader: Reader;
  readonly #parser: FrameParser;
  #pending: Uint8Array = EMPTY_BYTES;
  #pendingLength = 0;

  /** `reader` may be shared by many buffers: it is only used during `push`. */
  constructor(reader: Reader, parser: FrameParser) {
    this.#reader = reader;
    this.#parser = parser;
  }

  /** Bytes of the unfinished frame. */
  get pendingBytes(): number {
    return this.#pendingLength;
  }

  /**
   * Takes the next piece of the stream; hands out every frame that it completes. False when told to
   * stop.
   */
  push(bytes: Uint8Array): boolean {
    let at = 0;
    while (this.#pendingLength > 0) {
      const taken = this.#complete(bytes, at);
      if (taken < 0) return false;
      at += taken;
      if (at === bytes.length) return true;
    }
    return this.#readInPlace(bytes, at);
  }

  #readInPlace(bytes: Uint8Array, start: number): boolean {
    const reader = this.#reader;
    let at = start;
    while (at < bytes.length) {
      reader.reset(bytes, at, bytes.length);
      const size = this.#parser.frameSize(reader);
      if (size === 0 || at + size > bytes.length) break;
      if (!this.#parser.onFrame(reader, size)) return false;
      at += size;
    }
    if (at < bytes.length) this.#keep(bytes, at, bytes.length, bytes.length - at);
    return true;
  }

  /**
   * Adds to the unfinished frame what is known to belong to it: first its header, then the rest.
   * Hands the frame out when it is whole. Returns the bytes used, -1 when told to stop.
   */
  #complete(bytes: Uint8Array, at: number): number {
    const reader = this.#reader;
    reader.reset(this.#pending, 0, this.#pendingLength);
    let size = this.#parser.frameSize(reader);
    const wanted = size === 0 ? HEADER_BYTES_MAX : size;
    assert(wanted > this.#pendingLength, 'an unfinished frame lacks bytes');
    const taken = Math.min(wanted - this.#pendingLength, bytes.length - at);
    this.#keep(bytes, at, at + taken, wanted);
    reader.reset(this.#pending, 0, this.#pendingLength);
    if (size === 0) size = this.#parser.frameSize(reader);
    if (size === 0 || size > this.#pendingLength) return taken;
    return this.#handOut(size) ? taken : -1;
  }

  /** Only headers are read ahead, so more than one tiny frame may lie here. */
  #handOut(first: number): boolean {
    const reader = this.#reader;
    let size = first;
    let at = 0;
    while (size > 0 && at + size <= this.#pendingLength) {
      if (!this.#parser.onFrame(reader, size)) return false;
      at += size;
      reader.reset(this.#pending, at, this.#pendingLength);
      size = at < this.#pendingLength ? this.#parser.frameSize(reader) : 0;
    }
    this.#pending.copyWithin(0, at, this.#pendingLength);
    this.#pendingLength -= at;
    if (this.#pending.length > KEPT_BYTES_MAX && this.#pendingLength === 0) {
      this.#pending = EMPTY_BYTES;
    }
    return true;
  }

  /**
   * `wanted` bytes are known to belong to what lies here; memory does not grow beyond them in
   * advance.
   */
  #keep(bytes: Uint8Array, start: number, end: number, wanted: number): void {
    const needed = this.#pendingLength + end - start;
    if (needed > this.#pending.length) {
      const doubled = Math.min(2 * this.#pending.length, wanted);
      const grown = new Uint8Array(Math.max(needed, doubled, PENDING_BYTES_MIN));
      grown.set(this.#pending.subarray(0, this.#pendingLength));
      this.#pending = grown;
    }
    this.#pending.set(bytes.subarray(start, end), this.#pendingLength);
    this.#pendingLength = needed;
  }
}
