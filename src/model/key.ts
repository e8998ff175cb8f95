/**
 * Encoded keys: u16 BE length of the hash key ‖ hash key ‖ sort key. The layout is the one of clients and of the
 * original's data files, so it can never change.
 *
 * Facts that the rest of the code leans on:
 *  1. Order is unsigned byte order of the encoded key; so a shorter hash key sorts before any longer one.
 *  2. All rows of one hash key are contiguous: [enc(hash key, ""), successor(enc(hash key, ""))).
 *  3. A hash key has at most 65,534 bytes, so no key of a client begins with FF FF. Everything from FF FF on is
 *     ours (`RESERVED_START`): a scan of a client ends there, whatever end it asks for.
 */
import { assert, assertAtMost } from '../base/assert.ts';
import { copyInto, EMPTY_BYTES } from '../base/bytes.ts';

export const KEY_HEADER_BYTES = 2;

/** Longest hash key. */
export const HASH_KEY_BYTES_MAX = 65_534;

/** End of the keys of clients, exclusive; start of our own. */
export const RESERVED_START: Uint8Array = new Uint8Array([0xff, 0xff]);

/** Holds the decree and digest of the last batch that the engine has applied. */
export const APPLIED_DECREE_KEY: Uint8Array = new Uint8Array([0xff, 0xff, 0x00]);

/** Holds what this engine was compacted for last (storage/compaction-mark.ts); in no batch of a mutation. */
export const COMPACTION_MARK_KEY: Uint8Array = new Uint8Array([0xff, 0xff, 0x01]);

/** True when `key` is one that a client may use: whole header, hash key inside the key and not too long. */
export function isClientKey(key: Uint8Array): boolean {
  if (key.length < KEY_HEADER_BYTES) return false;
  const length = (key[0]! << 8) | key[1]!;
  return length <= HASH_KEY_BYTES_MAX && KEY_HEADER_BYTES + length <= key.length;
}

/** Length of the hash key in the encoded key that starts at `start`; the caller knows that the header is there. */
export function hashKeyLengthAt(bytes: Uint8Array, start: number): number {
  return (bytes[start]! << 8) | bytes[start + 1]!;
}

export function encodedKeyLength(hashKey: Uint8Array, sortKey: Uint8Array): number {
  return KEY_HEADER_BYTES + hashKey.length + sortKey.length;
}

export function encodeKey(hashKey: Uint8Array, sortKey: Uint8Array): Uint8Array {
  const key = new Uint8Array(encodedKeyLength(hashKey, sortKey));
  encodeKeyInto(hashKey, sortKey, key, 0);
  return key;
}

/** Writes the encoded key at `at` and returns the offset after it. */
export function encodeKeyInto(
  hashKey: Uint8Array,
  sortKey: Uint8Array,
  target: Uint8Array,
  at: number,
): number {
  const hashLength = hashKey.length;
  assertAtMost(hashLength, HASH_KEY_BYTES_MAX, 'a hash key has at most 65,534 bytes');
  target[at] = hashLength >>> 8;
  target[at + 1] = hashLength;
  const sortAt = at + KEY_HEADER_BYTES + hashLength;
  copyInto(hashKey, 0, hashLength, target, at + KEY_HEADER_BYTES);
  copyInto(sortKey, 0, sortKey.length, target, sortAt);
  return sortAt + sortKey.length;
}

/** A view into `key`. */
export function hashKeyOf(key: Uint8Array): Uint8Array {
  assert(isClientKey(key), 'only a valid key has a hash key');
  return key.subarray(KEY_HEADER_BYTES, KEY_HEADER_BYTES + hashKeyLengthAt(key, 0));
}

/** A view into `key`. */
export function sortKeyOf(key: Uint8Array): Uint8Array {
  assert(isClientKey(key), 'only a valid key has a sort key');
  return key.subarray(KEY_HEADER_BYTES + hashKeyLengthAt(key, 0));
}

/**
 * The smallest byte string greater than all that begin with `prefix`. Null when there is none (nothing but FF):
 * an encoded hash key always has one, because its header is at most FF FE.
 */
export function successor(prefix: Uint8Array): Uint8Array | null {
  let length = prefix.length;
  while (length > 0 && prefix[length - 1] === 0xff) length--;
  if (length === 0) return null;
  const next = prefix.slice(0, length);
  next[length - 1] = next[length - 1]! + 1;
  return next;
}

/** End, exclusive, of the rows of one hash key. */
export function hashKeyEnd(hashKey: Uint8Array): Uint8Array {
  const end = successor(encodeKey(hashKey, EMPTY_BYTES));
  assert(end !== null, 'a hash key has an end');
  return end;
}
