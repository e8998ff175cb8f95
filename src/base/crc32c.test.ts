import assert from 'node:assert/strict';
import test from 'node:test';
import { crc32c } from './crc32c.ts';

const digits = new TextEncoder().encode('123456789');

test('matches the published check value', () => {
  assert.equal(crc32c(digits, 0, 9), 0xe3069283);
});

test('can be computed piece by piece', () => {
  for (let cut = 0; cut <= 9; cut++) {
    assert.equal(crc32c(digits, cut, 9, crc32c(digits, 0, cut)), 0xe3069283);
  }
});

test('the eight-byte path agrees with the one-byte path at every alignment', () => {
  const bytes = Uint8Array.from({ length: 67 }, (_, index) => (index * 37 + 11) & 0xff);
  for (let start = 0; start < 9; start++) {
    let oneByOne = 0;
    for (let at = start; at < bytes.length; at++) oneByOne = crc32c(bytes, at, at + 1, oneByOne);
    assert.equal(crc32c(bytes, start, bytes.length), oneByOne);
  }
});
