/** The partition hash is the one that all clients compute. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex } from './bytes.ts';
import { crc64, type U64, u64Modulo } from './crc64.ts';
import { encodeUtf8 } from './utf8.ts';

const VECTORS: readonly (readonly [Uint8Array, string, number, number])[] = [
  [encodeUtf8(''), '0000000000000000', 0, 0],
  [encodeUtf8('a'), '8c2f8445b4cbfc3c', 4, 0],
  [encodeUtf8('abc'), '05e5cabb3fc1faeb', 3, 3],
  [encodeUtf8('123456789'), 'ae8b14860a799888', 0, 0],
  [encodeUtf8('hash_key'), '65641f36e9f6a96d', 5, 1],
  [encodeUtf8('sort_key'), 'd179afab74442587', 7, 3],
  [Uint8Array.of(0), 'd5da5047efec8728', 0, 0],
  [Uint8Array.of(255, 255, 255), 'ffffff0000000000', 0, 0],
];

test('published vectors and the partitions they fall into', () => {
  for (const [bytes, expected, ofEight, ofFour] of VECTORS) {
    const hash: U64 = { high: 0, low: 0 };
    crc64(bytes, 0, bytes.length, hash);
    const view = new DataView((fromHex(expected) ?? assert.fail()).buffer);
    assert.deepEqual(hash, { high: view.getUint32(0), low: view.getUint32(4) });
    assert.equal(u64Modulo(hash, 8), ofEight);
    assert.equal(u64Modulo(hash, 4), ofFour);
  }
});

test('the remainder is unsigned and exact for divisors that are no power of two', () => {
  const value = { high: 0xfedcba98, low: 0x76543210 };
  for (const divisor of [1, 3, 7, 1000, 1 << 20, (1 << 20) - 1]) {
    assert.equal(u64Modulo(value, divisor), Number(0xfedcba9876543210n % BigInt(divisor)));
  }
});
