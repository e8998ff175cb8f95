/**
 * Keys and values of the load: row i is always the same key, and the hash spreads the rows evenly
 * over the partitions.
 */
import { assert } from '../../src/base/assert.ts';
import type { U64 } from '../../src/base/crc64.ts';
import { SeededRandom } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import { partitionHash } from '../../src/model/hash.ts';
import { encodeKey } from '../../src/model/key.ts';

const HASH_KEY_PREFIX = 'user';
const DIGITS = 12;
const SORT_KEY = 'f';
const DIGITS_AT = 2 + HASH_KEY_PREFIX.length;
const ZERO = 0x30;

/** An encoded key that is written over for every operation. */
export class KeyBuffer {
  readonly bytes: Uint8Array = encodeKey(
    encodeUtf8(HASH_KEY_PREFIX + '0'.repeat(DIGITS)),
    encodeUtf8(SORT_KEY),
  );

  set(index: number, hash: U64): void {
    assert(index >= 0, 'rows are counted from 0');
    let rest = index;
    for (let digit = DIGITS - 1; digit >= 0; digit--) {
      const quotient = Math.floor(rest / 10);
      this.bytes[DIGITS_AT + digit] = ZERO + rest - quotient * 10;
      rest = quotient;
    }
    partitionHash(this.bytes, 0, this.bytes.length, hash);
  }
}

const VALUES = 256;

/** Incompressible values, made once: making them is not what is measured. */
export class ValuePool {
  readonly #values: readonly Uint8Array[];
  #next = 0;

  constructor(valueBytes: number, seed: number) {
    const random = new SeededRandom(seed);
    this.#values = Array.from({ length: VALUES }, () => {
      const value = new Uint8Array(valueBytes);
      for (let index = 0; index < valueBytes; index++) value[index] = random.below(256);
      return value;
    });
  }

  next(): Uint8Array {
    this.#next = (this.#next + 1) % VALUES;
    return this.#values[this.#next]!;
  }
}
