/**
 * Which partition owns a key: crc64 of the hash key, or of the sort key when the hash key is empty, modulo the
 * partition count. Operations that name only a hash key use its crc64 as it is, so the empty one is partition 0.
 *
 * Partition counts are powers of two: clients with a signed modulo agree with the unsigned one only then.
 */
import { assert } from '../base/assert.ts';
import { crc64, type U64 } from '../base/crc64.ts';
import { hashKeyLengthAt, KEY_HEADER_BYTES } from './key.ts';

/** Hash of the encoded key `bytes[start … end)`, which must be a valid one. */
export function partitionHash(bytes: Uint8Array, start: number, end: number, into: U64): void {
  assert(end - start >= KEY_HEADER_BYTES, 'an encoded key has a header');
  const hashLength = hashKeyLengthAt(bytes, start);
  const hashStart = start + KEY_HEADER_BYTES;
  assert(hashStart + hashLength <= end, 'a hash key lies inside its key');
  crc64(bytes, hashStart, hashLength === 0 ? end : hashStart + hashLength, into);
}

/** Unsigned; exact because counts are powers of two. */
export function partitionIndexOf(hash: U64, partitionCount: number): number {
  assert(partitionCount > 0, 'a table has partitions');
  assert((partitionCount & (partitionCount - 1)) === 0, 'partition counts are powers of two');
  return (hash.low & (partitionCount - 1)) >>> 0;
}
