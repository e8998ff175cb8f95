/**
 * Reads RocksDB's write-batch representation as far as the engine's contract uses it.
 *
 * A batch is checked whole before the first record is applied: count as declared, lengths in range, only puts and
 * deletes, nothing trailing. The native addon makes the same check in C++.
 */
import type { ByteTree } from './engine-tree.ts';

const HEADER_BYTES = 12;
const TAG_DELETE = 0x00;
const TAG_PUT = 0x01;

/** One record of a batch: tag, and where its key and value lie. */
class BatchReader {
  readonly bytes: Uint8Array;
  at: number;
  tag = 0;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.at = HEADER_BYTES;
  }

  /** False when the record is damaged. */
  next(): boolean {
    this.tag = this.bytes[this.at++]!;
    if (this.tag !== TAG_PUT && this.tag !== TAG_DELETE) return false;
    const keyLength = this.#length();
    if (keyLength < 0) return false;
    this.keyStart = this.at;
    this.at += keyLength;
    this.keyEnd = this.at;
    if (this.tag === TAG_DELETE) return true;
    const valueLength = this.#length();
    if (valueLength < 0) return false;
    this.valueStart = this.at;
    this.at += valueLength;
    this.valueEnd = this.at;
    return true;
  }

  /** A varint32 that does not reach beyond the batch, or −1. */
  #length(): number {
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      if (this.at >= this.bytes.length) return -1;
      const byte = this.bytes[this.at++]!;
      if (shift === 28 && byte > 0x0f) return -1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value <= this.bytes.length - this.at ? value : -1;
    }
    return -1;
  }
}

function declaredCount(batch: Uint8Array): number {
  return (batch[8]! | (batch[9]! << 8) | (batch[10]! << 16) | (batch[11]! << 24)) >>> 0;
}

export function isBatchSound(batch: Uint8Array): boolean {
  if (batch.length < HEADER_BYTES) return false;
  const reader = new BatchReader(batch);
  let count = 0;
  while (reader.at < batch.length) {
    if (!reader.next()) return false;
    count += 1;
  }
  return count === declaredCount(batch);
}

/** `batch` is sound. Keys and values are copied out of it. */
export function applyBatch(batch: Uint8Array, tree: ByteTree): void {
  const reader = new BatchReader(batch);
  while (reader.at < batch.length) {
    reader.next();
    const key = batch.slice(reader.keyStart, reader.keyEnd);
    if (reader.tag === TAG_PUT) tree.set(key, batch.slice(reader.valueStart, reader.valueEnd));
    else tree.delete(key);
  }
}
