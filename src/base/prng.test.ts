import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from './prng.ts';

test('a seed always gives the same numbers, and another seed others', () => {
  const numbers = (seed: number): number[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 8 }, () => random.u32());
  };
  assert.deepEqual(numbers(7), numbers(7));
  assert.notDeepEqual(numbers(7), numbers(8));
  assert.notDeepEqual(numbers(7), numbers(7 + 2 ** 32));
});

test('a fork is a stream of its own: drawing from it does not shift its origin', () => {
  const left = new SeededRandom(1);
  const right = new SeededRandom(1);
  const leftFork = left.fork();
  assert.equal(leftFork.u32(), right.fork().u32());
  leftFork.u32();
  assert.equal(left.u32(), right.u32());
});

test('below stays below and reaches every value about equally often', () => {
  const random = new SeededRandom(3);
  const counts = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 10_000; draw++) counts[random.below(10)]! += 1;
  for (const count of counts) assert.ok(count > 850 && count < 1150, `${counts}`);
});
