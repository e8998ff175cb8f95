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

test('a fork depends on seed and label, not on what was drawn before', () => {
  const fresh = new SeededRandom(1);
  const used = new SeededRandom(1);
  used.u32();
  assert.equal(fresh.fork('disk').u32(), used.fork('disk').u32());
  assert.notEqual(fresh.fork('disk').u32(), fresh.fork('net').u32());
});

test('below stays below and reaches every value about equally often', () => {
  const random = new SeededRandom(3);
  const counts = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 10_000; draw++) counts[random.below(10)]! += 1;
  for (const count of counts) assert.ok(count > 850 && count < 1150, `${counts}`);
});
