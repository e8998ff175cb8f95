import assert from 'node:assert/strict';
import test from 'node:test';
import { Heap } from './heap.ts';
import { SeededRandom } from './prng.ts';

test('pops in order whatever the order of pushes and pops', () => {
  const random = new SeededRandom(5);
  const heap = new Heap<number>((a, b) => a < b);
  const expected: number[] = [];
  for (let step = 0; step < 5_000; step++) {
    if (heap.size > 0 && random.below(3) === 0) {
      assert.equal(heap.peek(), expected[0]);
      assert.equal(heap.pop(), expected.shift());
    } else {
      const value = random.below(100);
      heap.push(value);
      const at = expected.findIndex((other) => other > value);
      expected.splice(at === -1 ? expected.length : at, 0, value);
    }
    assert.equal(heap.size, expected.length);
  }
});

test('an empty heap has no top and refuses to pop', () => {
  const heap = new Heap<number>((a, b) => a < b);
  assert.equal(heap.peek(), null);
  assert.throws(() => heap.pop(), /empty heap/);
});
