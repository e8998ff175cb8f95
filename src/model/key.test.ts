import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvariantError } from '../base/assert.ts';
import { bytesEqual, compareBytes, EMPTY_BYTES, fromHex, toHex } from '../base/bytes.ts';
import {
  APPLIED_DECREE_KEY,
  encodedKeyLength,
  encodeKey,
  HASH_KEY_BYTES_MAX,
  hashKeyEnd,
  hashKeyOf,
  isClientKey,
  RESERVED_START,
  sortKeyOf,
  successor,
} from './key.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const anyBytes = (maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: 0, maxLength });

test('an encoded key is length, hash key, sort key', () => {
  assert.equal(toHex(encodeKey(bytes('a'), bytes('bc'))), '0001616263');
  assert.equal(toHex(encodeKey(EMPTY_BYTES, EMPTY_BYTES)), '0000');
});

test('encoding loses nothing', () => {
  fc.assert(
    fc.property(anyBytes(300), anyBytes(300), (hashKey, sortKey) => {
      const key = encodeKey(hashKey, sortKey);
      assert.ok(isClientKey(key));
      assert.equal(key.length, encodedKeyLength(hashKey, sortKey));
      assert.ok(bytesEqual(hashKeyOf(key), hashKey));
      assert.ok(bytesEqual(sortKeyOf(key), sortKey));
    }),
    { seed: 1 },
  );
});

test('keys that no client may use are told apart', () => {
  for (const hex of ['', '00', '000161'.slice(0, 4), 'ffff', 'ffff00', '000261']) {
    assert.equal(isClientKey(fromHex(hex)!), false, hex);
  }
  assert.equal(isClientKey(encodeKey(new Uint8Array(HASH_KEY_BYTES_MAX), EMPTY_BYTES)), true);
});

test('a hash key of 65,535 bytes cannot be encoded', () => {
  const tooLong = new Uint8Array(HASH_KEY_BYTES_MAX + 1);
  assert.throws(() => encodeKey(tooLong, EMPTY_BYTES), InvariantError);
});

test('the successor is the first string behind all that begin with the prefix', () => {
  fc.assert(
    fc.property(anyBytes(6), anyBytes(6), (prefix, rest) => {
      const next = successor(prefix);
      const inside = new Uint8Array([...prefix, ...rest]);
      if (next === null) {
        assert.ok(prefix.every((byte) => byte === 0xff));
      } else {
        assert.ok(compareBytes(inside, next) < 0);
        assert.ok(compareBytes(prefix, next) < 0);
        assert.notEqual(next.length, 0);
      }
    }),
    { seed: 2 },
  );
  assert.equal(toHex(successor(fromHex('61ffff')!)!), '62');
});

test('rows of a hash key end where those of the next one begin, also with a carry into the length', () => {
  assert.equal(toHex(hashKeyEnd(bytes('a'))), '000162');
  assert.equal(toHex(hashKeyEnd(fromHex('ffff')!)), '0003');
  assert.equal(toHex(hashKeyEnd(EMPTY_BYTES)), '0001');
});

test('no key of a client reaches our own key space', () => {
  const longest = new Uint8Array(HASH_KEY_BYTES_MAX).fill(0xff);
  const last = encodeKey(longest, fromHex('ffffffff')!);
  assert.ok(compareBytes(last, RESERVED_START) < 0);
  assert.ok(compareBytes(hashKeyEnd(longest), RESERVED_START) <= 0);
  assert.ok(compareBytes(APPLIED_DECREE_KEY, RESERVED_START) > 0);
  assert.equal(isClientKey(APPLIED_DECREE_KEY), false);
});
