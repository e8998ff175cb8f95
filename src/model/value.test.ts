import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvariantError } from '../base/assert.ts';
import { toHex } from '../base/bytes.ts';
import {
  expireOf,
  timestampOf,
  timetagByte,
  VALUE_HEADER_BYTES,
  writeValueHeader,
} from './value.ts';

test('a stored value has the bytes of the reference', () => {
  const value = new Uint8Array(VALUE_HEADER_BYTES);
  writeValueHeader(value, 0, 100, 1_700_000_000_000_000, timetagByte(1, false));
  assert.equal(toHex(value), '00000064060a24181e400002');
});

test('expiry and timestamp are read back as they were written', () => {
  const expires = fc.integer({ min: 0, max: 0xffffffff });
  const timestamps = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(expires, timestamps, fc.integer({ min: 1, max: 127 }), (expire, us, cluster) => {
      const bytes = new Uint8Array(3 + VALUE_HEADER_BYTES);
      const end = writeValueHeader(bytes, 3, expire, us, timetagByte(cluster, true));
      assert.equal(end, bytes.length);
      assert.equal(expireOf(bytes, 3), expire);
      assert.equal(timestampOf(bytes, 3), us);
      assert.equal(bytes[end - 1], (cluster << 1) | 1);
    }),
    { seed: 3 },
  );
});

test('a cluster id that a time tag cannot hold is refused', () => {
  assert.throws(() => timetagByte(0, false), InvariantError);
  assert.throws(() => timetagByte(128, false), InvariantError);
});
