/** Codecs give back what they were given, and those for keys keep its order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareBytes, toHex } from '../base/bytes.ts';
import { bytes, type Codec, decimal, float64, int64, integer, json, text } from './codec.ts';
import { InvalidArgumentError } from './errors.ts';

const RUNS = { numRuns: 500, seed: 1 };

function roundTrips<T>(codec: Codec<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, (value) => assert.deepEqual(codec.decode(codec.encode(value)), value)),
    RUNS,
  );
}

function keepsOrder<T>(codec: Codec<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const order = compareBytes(codec.encode(a), codec.encode(b));
      assert.equal(Math.sign(order), a < b ? -1 : a > b ? 1 : 0);
    }),
    RUNS,
  );
}

const numbers = fc.double({ noNaN: true }).map((value) => (value === 0 ? 0 : value));
const safeIntegers = fc.maxSafeInteger();
const bigints = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
/** Without lone surrogates, which UTF-8 does not have. */
const texts = fc.string({ unit: 'binary' });

test('every codec gives back what it was given', () => {
  roundTrips(text(), texts);
  roundTrips(float64(), numbers);
  roundTrips(integer(), safeIntegers);
  roundTrips(int64(), bigints);
  roundTrips(decimal(), bigints);
  roundTrips(json<unknown>(), fc.jsonValue({ noUnicodeString: false }).filter(hasNoMinusZero));
  assert.deepEqual(bytes().decode(bytes().encode('é')), new Uint8Array([0xc3, 0xa9]));
});

function hasNoMinusZero(value: unknown): boolean {
  return !JSON.stringify([value], (_, item) =>
    Object.is(item, -0) ? 'minus zero' : item,
  ).includes('minus zero');
}

test('numbers are in the same order as their bytes', () => {
  keepsOrder(float64(), numbers);
  keepsOrder(integer(), safeIntegers);
  keepsOrder(int64(), bigints);
});

test('the layouts never change, because they are in the tables', () => {
  assert.equal(toHex(int64().encode(0n)), '8000000000000000');
  assert.equal(toHex(int64().encode(-1n)), '7fffffffffffffff');
  assert.equal(toHex(int64().encode(-(2n ** 63n))), '0000000000000000');
  assert.equal(toHex(integer().encode(1)), '8000000000000001');
  assert.equal(toHex(float64().encode(0)), '8000000000000000');
  assert.equal(toHex(float64().encode(-0)), '8000000000000000');
  assert.equal(toHex(float64().encode(1)), 'bff0000000000000');
  assert.equal(toHex(float64().encode(-1)), '400fffffffffffff');
  assert.equal(toHex(decimal().encode(-12n)), '2d3132');
});

test('what has no bytes is refused', () => {
  const refused = [
    () => float64().encode(Number.NaN),
    () => integer().encode(0.5),
    () => integer().encode(2 ** 53),
    () => int64().encode(2n ** 63n),
    () => decimal().encode(-(2n ** 63n) - 1n),
    () => json<unknown>().encode(undefined),
    () => json<unknown>().encode(() => 1),
  ];
  for (const encode of refused) assert.throws(encode, InvalidArgumentError);
});

test('bytes that no encoder wrote are an error, not a value', () => {
  const seven = new Uint8Array(7);
  assert.throws(() => int64().decode(seven), RangeError);
  assert.throws(() => float64().decode(seven), RangeError);
  assert.throws(() => integer().decode(int64().encode(2n ** 60n)), RangeError);
  assert.throws(() => decimal().decode(text().encode('12x')), RangeError);
  assert.throws(() => json<unknown>().decode(text().encode('{')), SyntaxError);
  assert.equal(decimal().decode(new Uint8Array(0)), 0n);
});
