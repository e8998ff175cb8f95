import assert from 'node:assert/strict';
import test from 'node:test';
import { bytesEqual, compareBytes, concatBytes, copyInto, fromHex, toHex } from './bytes.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

test('order is unsigned, and a prefix comes before what it begins', () => {
  const ascending = [
    bytes(),
    bytes(0),
    bytes(0, 0),
    bytes(1),
    bytes(127, 5),
    bytes(128),
    bytes(255),
  ];
  for (const [index, left] of ascending.entries()) {
    for (const [other, right] of ascending.entries()) {
      assert.equal(Math.sign(compareBytes(left, right)), Math.sign(index - other));
      assert.equal(bytesEqual(left, right), index === other);
    }
  }
});

test('pieces are joined and copied, short and long ones', () => {
  for (const length of [0, 1, 47, 48, 49, 500]) {
    const source = Uint8Array.from({ length }, (_, index) => index);
    const target = new Uint8Array(length + 2);
    copyInto(concatBytes([source, bytes(9)]), 0, length, target, 1);
    assert.equal(toHex(target), `00${toHex(source)}00`);
  }
});

test('hex text is read with blanks and refused with anything else', () => {
  assert.equal(toHex(fromHex('00 ff | 7f') ?? assert.fail()), '00ff7f');
  assert.equal(fromHex('0'), null);
  assert.equal(fromHex('0g'), null);
});
