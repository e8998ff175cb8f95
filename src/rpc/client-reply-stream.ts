/**
 * Cuts the byte stream of a server into reply frames (wire/thrift-frame.ts).
 *
 * A frame that lies whole in what came in is handed out in place; only one that was split is copied together. Memory for
 * a split one grows with the bytes that have come, not with the length that they claim.
 */
import { assert } from '../base/assert.ts';
import { copyInto, EMPTY_BYTES } from '../base/bytes.ts';
import { WireError } from '../wire/types.ts';

/** Length, empty error name, message begin with an empty name. */
const REPLY_BYTES_MIN = 20;
/** Far above any answer: an explicit multi_get has no limit of its own. */
const REPLY_BYTES_MAX = 256 * 1024 * 1024;

export class ReplyStream {
  #kept: Uint8Array = EMPTY_BYTES;
  #keptLength = 0;

  /** Calls `onReply(bytes, start, end)` for each whole reply. Throws `WireError` at one that cannot be. */
  push(bytes: Uint8Array, onReply: (bytes: Uint8Array, start: number, end: number) => void): void {
    let at = 0;
    while (this.#keptLength > 0 && at < bytes.length) {
      const wanted = this.#keptLength < 4 ? 4 : replyLength(this.#kept, 0);
      const taken = Math.min(wanted - this.#keptLength, bytes.length - at);
      this.#keep(bytes, at, taken, wanted);
      at += taken;
      if (this.#keptLength < 4 || this.#keptLength < replyLength(this.#kept, 0)) continue;
      const length = this.#keptLength;
      this.#keptLength = 0;
      onReply(this.#kept, 0, length);
    }
    while (bytes.length - at >= 4) {
      const length = replyLength(bytes, at);
      if (length > bytes.length - at) break;
      onReply(bytes, at, at + length);
      at += length;
    }
    const rest = bytes.length - at;
    if (rest > 0) this.#keep(bytes, at, rest, rest < 4 ? 4 : replyLength(bytes, at));
  }

  /** The connection is gone: what was kept will never be whole. */
  reset(): void {
    this.#kept = EMPTY_BYTES;
    this.#keptLength = 0;
  }

  #keep(bytes: Uint8Array, start: number, length: number, wanted: number): void {
    const end = this.#keptLength + length;
    assert(end <= wanted, 'no more than one reply is kept');
    if (this.#kept.length < end) {
      // A claimed length is believed only as far as bytes have come.
      const grown = new Uint8Array(
        Math.min(Math.max(wanted, KEPT_BYTES_MIN), 4 * end + KEPT_BYTES_MIN),
      );
      grown.set(this.#kept.subarray(0, this.#keptLength), 0);
      this.#kept = grown;
    }
    copyInto(bytes, start, length, this.#kept, this.#keptLength);
    this.#keptLength = end;
  }
}

const KEPT_BYTES_MIN = 4096;

function replyLength(bytes: Uint8Array, at: number): number {
  const length =
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  if (length < REPLY_BYTES_MIN)
    throw new WireError('badFrame', 'a reply is shorter than its header');
  if (length > REPLY_BYTES_MAX)
    throw new WireError('tooLarge', 'a reply is longer than any can be');
  return length;
}
