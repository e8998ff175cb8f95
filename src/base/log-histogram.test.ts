import assert from 'node:assert/strict';
import test from 'node:test';
import { LogHistogram } from './log-histogram.ts';
import { SeededRandom } from './prng.ts';

const FRACTIONS = [0.5, 0.9, 0.95, 0.99, 0.999, 1];

test('percentiles are those of the sorted values, and at most 6 % more', () => {
  const random = new SeededRandom(1);
  for (const bits of [4, 5, 6, 12, 20, 31]) {
    const histogram = new LogHistogram();
    const values = Array.from({ length: 5_000 }, () => random.u32() % 2 ** bits);
    for (const value of values) histogram.record(value);
    values.sort((a, b) => a - b);
    for (const fraction of FRACTIONS) {
      const exact = values[Math.ceil(values.length * fraction) - 1]!;
      const told = LogHistogram.percentile([histogram], fraction);
      assert.ok(told >= exact && told <= exact * 1.0625 + 1, `${bits} bits: ${told}, ${exact}`);
    }
  }
});

test('several histograms are looked at as one; one that was reset is empty', () => {
  const low = new LogHistogram();
  const high = new LogHistogram();
  for (let count = 0; count < 99; count++) low.record(7);
  high.record(30);
  assert.equal(LogHistogram.percentile([low, high], 0.99), 7);
  assert.equal(LogHistogram.percentile([low, high], 0.999), 30);
  low.reset();
  assert.equal(low.count, 0);
  assert.equal(LogHistogram.percentile([low, high], 0.5), 30);
  assert.equal(LogHistogram.percentile([low], 0.5), 0);
});

test('fractions are dropped, and what is too large counts as the largest', () => {
  const histogram = new LogHistogram();
  histogram.record(0.9);
  assert.equal(LogHistogram.percentile([histogram], 1), 0);
  for (const value of [2 ** 31, 1e12, Infinity]) histogram.record(value);
  assert.equal(LogHistogram.percentile([histogram], 1), 2 ** 31 - 1);
});
