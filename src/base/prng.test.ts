import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from './prng.ts';

function take(random: SeededRandom, count: number): number[] {
  return Array.from({ length: count }, () => random.u32());
}

test('gives the values of the reference implementation from the state 1, 2, 3, 4', () => {
  assert.deepEqual(
    take(SeededRandom.withState(1, 2, 3, 4), 10),
    [
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597,
      4258142804,
    ],
  );
});

test('a seed means the same sequence for ever', () => {
  assert.deepEqual(take(new SeededRandom(0), 3), [1789933344, 44971166, 2521387044]);
  assert.deepEqual(take(new SeededRandom(42), 3), [660444221, 3652823732, 77672526]);
  const largest = new SeededRandom(Number.MAX_SAFE_INTEGER);
  assert.deepEqual(take(largest, 3), [3072878367, 2138396860, 3538615019]);
});

test('seeds that differ in the high word only give different sequences', () => {
  assert.notDeepEqual(take(new SeededRandom(7), 4), take(new SeededRandom(7 + 2 ** 32), 4));
});

test('below is uniform, also where the bound does not divide 2^32', () => {
  const random = new SeededRandom(1);
  for (const bound of [1, 2, 3, 10, 1000]) {
    const counts = new Array<number>(Math.min(bound, 10)).fill(0);
    for (let draw = 0; draw < 10_000; draw++) {
      const value = random.below(bound);
      assert.ok(value >= 0 && value < bound && Number.isInteger(value));
      const bucket = Math.floor((value * counts.length) / bound);
      counts[bucket]! += 1;
    }
    for (const count of counts) {
      const expected = 10_000 / counts.length;
      assert.ok(Math.abs(count - expected) < 6 * Math.sqrt(expected), `${bound}: ${counts}`);
    }
  }
  assert.ok(random.below(2 ** 32) < 2 ** 32);
});

test('fraction lies in [0, 1) and uses more than 32 bits', () => {
  const random = new SeededRandom(2);
  let sum = 0;
  let fine = 0;
  for (let draw = 0; draw < 10_000; draw++) {
    const value = random.fraction();
    assert.ok(value >= 0 && value < 1);
    sum += value;
    if ((value * 2 ** 32) % 1 !== 0) fine += 1;
  }
  assert.ok(Math.abs(sum / 10_000 - 0.5) < 0.02);
  assert.ok(fine > 9_000);
});

test('a fork is a stream of its own: drawing from it does not shift its origin', () => {
  const left = new SeededRandom(1);
  const right = new SeededRandom(1);
  const leftFork = left.fork();
  assert.equal(leftFork.u32(), right.fork().u32());
  leftFork.u32();
  assert.equal(left.u32(), right.u32());
  assert.notDeepEqual(take(left.fork(), 4), take(left, 4));
});
