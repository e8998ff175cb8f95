import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '../../src/base/prng.ts';
import { type Point, trendOf } from './trend.ts';

const TOLERANCE = { fraction: 0.1, absolute: 5 };

function points(valueAt: (index: number) => number): Point[] {
  return Array.from({ length: 200 }, (_, index) => ({
    atSeconds: 5 * index,
    value: valueAt(index),
  }));
}

test('a saw is flat, however high its teeth', () => {
  const trend = trendOf(
    points((index) => 100 + (index % 20) * 4),
    TOLERANCE,
  );
  assert.equal(trend.isFlat, true);
  assert.equal(trend.highest, 176);
});

test('a leak under noise is seen, and how fast it is', () => {
  const random = new SeededRandom(1);
  const trend = trendOf(
    points((index) => 100 + index / 4 + 30 * random.fraction()),
    TOLERANCE,
  );
  assert.equal(trend.isFlat, false);
  assert.ok(Math.abs(trend.perHour - 180) < 20, `${trend.perHour} an hour`);
});

test('one peak, or a step down, is no leak; small numbers may move by the absolute amount', () => {
  assert.equal(
    trendOf(
      points((index) => (index === 150 ? 900 : 100)),
      TOLERANCE,
    ).isFlat,
    true,
  );
  assert.equal(
    trendOf(
      points((index) => (index < 100 ? 100 : 50)),
      TOLERANCE,
    ).isFlat,
    true,
  );
  assert.equal(
    trendOf(
      points((index) => index / 50),
      TOLERANCE,
    ).isFlat,
    true,
  );
});
