import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareBytes } from '../base/bytes.ts';
import { FilterType } from '../wire/schema/rrdb.ts';
import { compareRange, isFilterType, passesFilter } from './row-filter.ts';

const few = fc.uint8Array({ min: 97, max: 98, maxLength: 6 });

test('a range of a buffer compares as it would alone', () => {
  fc.assert(
    fc.property(few, few, (a, b) => {
      const padded = new Uint8Array([0, ...a, 255]);
      const order = Math.sign(compareRange(padded, 1, 1 + a.length, b));
      assert.equal(order, Math.sign(compareBytes(a, b)));
    }),
    { seed: 11 },
  );
});

test('filters are the string functions of the same names', () => {
  fc.assert(
    fc.property(few, few, (pattern, key) => {
      const padded = new Uint8Array([...pattern, ...key, ...pattern]);
      const [start, end] = [pattern.length, pattern.length + key.length];
      const passes = (type: FilterType): boolean => passesFilter(type, pattern, padded, start, end);
      const [text, part] = [Buffer.from(key).toString(), Buffer.from(pattern).toString()];
      assert.equal(passes(FilterType.none), true);
      assert.equal(passes(FilterType.anywhere), text.includes(part));
      assert.equal(passes(FilterType.prefix), text.startsWith(part));
      assert.equal(passes(FilterType.postfix), text.endsWith(part));
    }),
    { seed: 12 },
  );
});

test('only four filter types exist', () => {
  const known = [-1, 0, 1, 2, 3, 4, 2147483647].filter(isFilterType);
  assert.deepEqual(known, [0, 1, 2, 3]);
});
