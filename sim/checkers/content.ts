/**
 * Digest of what an engine holds, the same for equal sets of rows in any order, so that it can be
 * carried along batch by batch.
 *
 * Two 32-bit sums over the rows. Written against the formats of `env/engine.ts` (write batch,
 * applied-decree row), not with the storage code, which is under test.
 */
import { assert } from '../../src/base/assert.ts';
import { crc32c } from '../../src/base/crc32c.ts';
import { type Engine, EngineStatus, type RowBlock } from '../../src/env/engine.ts';
import { latin1 } from './latin1.ts';

const HEADER_BYTES = 12;
const EMPTY = new Uint8Array(0);
const ABSENT = 0xffff_ffff;

export class ContentDigest {
  #high: number = 0;
  #low: number = 0;

  add(key: Uint8Array, value: Uint8Array): void {
    const ofKey = crc32c(key, 0, key.length, key.length);
    this.#high = (this.#high + highHash(ofKey, value)) >>> 0;
    this.#low = (this.#low + lowHash(ofKey, value)) >>> 0;
  }

  subtract(key: Uint8Array, value: Uint8Array): void {
    const ofKey = crc32c(key, 0, key.length, key.length);
    this.#high = (this.#high - highHash(ofKey, value)) >>> 0;
    this.#low = (this.#low - lowHash(ofKey, value)) >>> 0;
  }

  get text(): string {
    return this.#high.toString(16).padStart(8, '0') + this.#low.toString(16).padStart(8, '0');
  }
}

function lowHash(ofKey: number, value: Uint8Array): number {
  return crc32c(value, 0, value.length, ofKey);
}

function highHash(ofKey: number, value: Uint8Array): number {
  const high = crc32c(value, 0, value.length, Math.imul(ofKey, 0x9e3779b1) >>> 0);
  return Math.imul(high, 0x85ebca6b) >>> 0;
}

/** Rows of one engine as batches make them. */
export class ContentModel {
  readonly digest: ContentDigest = new ContentDigest();
  readonly #rows: Map<string, Uint8Array> = new Map();

  apply(batch: Uint8Array): void {
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    const count = view.getUint32(8, true);
    let at = HEADER_BYTES;
    const readBytes = (): Uint8Array => {
      let length = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = batch[at++]!;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      at += length;
      return batch.subarray(at - length, at);
    };
    for (let record = 0; record < count; record++) {
      const tag = batch[at++]!;
      const key = readBytes();
      if (tag === 1) this.#put(key, readBytes());
      else this.#removeRow(key, latin1(key));
    }
    assert(at === batch.length, 'a batch ends with its last record');
  }

  #put(key: Uint8Array, value: Uint8Array): void {
    const text = latin1(key);
    this.#removeRow(key, text);
    this.digest.add(key, value);
    this.#rows.set(text, value.slice());
  }

  #removeRow(key: Uint8Array, text: string): void {
    const old = this.#rows.get(text);
    if (old === undefined) return;
    this.digest.subtract(key, old);
    this.#rows.delete(text);
  }
}

export interface EngineContent {
  readonly digest: string;
  /**
   * From the row that each batch writes: key FF FF 00, value u64 decree, u32 digest. 0 when there
   * is none.
   */
  readonly appliedDecree: number;
  readonly appliedDigest: number;
  readonly rowCount: number;
}

/** Null when the engine cannot be read now. */
export function readContent(engine: Engine): EngineContent | null {
  const digest = new ContentDigest();
  const block: RowBlock = {
    bytes: EMPTY,
    offsets: new Uint32Array(0),
    count: 0,
    exhausted: false,
  };
  const everything = {
    lower: EMPTY,
    upper: EMPTY,
    reverse: false,
    keysOnly: false,
    fillCache: false,
  };
  const iterator = engine.iterate(everything);
  let appliedDecree = 0;
  let appliedDigest = 0;
  let rowCount = 0;
  while (!block.exhausted) {
    if (iterator.next(256, 1 << 20, block) !== EngineStatus.ok) {
      iterator.close();
      return null;
    }
    for (let row = 0; row < block.count; row++) {
      const key = slice(block, 4 * row);
      const value = slice(block, 4 * row + 2);
      digest.add(key, value);
      rowCount += 1;
      if (key.length !== 3 || key[0] !== 0xff || key[1] !== 0xff || key[2] !== 0) continue;
      const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
      appliedDecree = view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4);
      appliedDigest = view.getInt32(8);
    }
  }
  iterator.close();
  return { digest: digest.text, appliedDecree, appliedDigest, rowCount };
}

function slice(block: RowBlock, at: number): Uint8Array {
  const start = block.offsets[at]!;
  assert(start !== ABSENT, 'an iterated row is there');
  return block.bytes.subarray(start, block.offsets[at + 1]!);
}
