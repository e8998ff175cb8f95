import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { Bandwidth } from './bandwidth.ts';

test('whoever takes more than there is waits in the order of asking, and a new rate holds from then on', async () => {
  const time = new VirtualTime();
  const bandwidth = new Bandwidth(time, time, 1_000);
  const done: string[] = [];
  const take = (name: string, bytes: number): void => {
    void bandwidth.take(bytes).then(() => done.push(`${name} at ${time.monotonicMs()}`));
  };
  take('a', 2_000);
  take('b', 1_000);
  take('c', 1);
  await time.advance(10_000);
  assert.deepEqual(done, ['a at 0', 'b at 2000', 'c at 3000']);
  bandwidth.setRate(10_000);
  take('d', 5_000);
  take('e', 1);
  await time.advance(10_000);
  assert.deepEqual(done.slice(3), ['d at 10000', 'e at 10500']);
});
