import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantError } from '../base/assert.ts';
import type { U64 } from '../base/crc64.ts';
import { partitionHash, partitionIndexOf } from './hash.ts';
import { encodeKey } from './key.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

function hashOf(key: Uint8Array): U64 {
  const hash = { high: 0, low: 0 };
  partitionHash(key, 0, key.length, hash);
  return hash;
}

test('the hash key alone decides, with the vectors of the reference', () => {
  const hash = hashOf(encodeKey(bytes('a'), bytes('whatever')));
  assert.deepEqual(hash, { high: 0x8c2f8445, low: 0xb4cbfc3c });
  assert.equal(partitionIndexOf(hash, 8), 4);
  assert.equal(partitionIndexOf(hashOf(encodeKey(bytes('hash_key'), bytes(''))), 8), 5);
});

test('with an empty hash key the sort key decides', () => {
  const hash = hashOf(encodeKey(bytes(''), bytes('sort_key')));
  assert.deepEqual(hash, { high: 0xd179afab, low: 0x74442587 });
  assert.equal(partitionIndexOf(hash, 8), 7);
});

test('a key inside a larger buffer hashes as if it stood alone', () => {
  const key = encodeKey(bytes('abc'), bytes('def'));
  const larger = new Uint8Array([9, 9, 9, ...key, 9, 9]);
  const hash = { high: 0, low: 0 };
  partitionHash(larger, 3, 3 + key.length, hash);
  assert.deepEqual(hash, hashOf(key));
});

test('the index is unsigned and partition counts are powers of two', () => {
  assert.equal(partitionIndexOf({ high: 0, low: 0xffffffff }, 256), 255);
  assert.throws(() => partitionIndexOf({ high: 0, low: 1 }, 6), InvariantError);
});
