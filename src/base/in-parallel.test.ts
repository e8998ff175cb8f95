import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inParallel } from './in-parallel.ts';

/** Jobs that end when told to. */
class Jobs {
  readonly begun: number[] = [];
  private readonly ends: (() => void)[] = [];

  readonly job = (item: number): Promise<void> => {
    this.begun.push(item);
    return new Promise((resolve) => this.ends.push(resolve));
  };

  async endOldest(): Promise<void> {
    this.ends.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('never more than so many jobs are under way, and they begin in order', async () => {
  const jobs = new Jobs();
  const done = inParallel([1, 2, 3, 4, 5], 2, jobs.job);
  assert.deepEqual(jobs.begun, [1, 2]);
  await jobs.endOldest();
  assert.deepEqual(jobs.begun, [1, 2, 3]);
  for (let count = 0; count < 4; count++) await jobs.endOldest();
  await done;
  assert.deepEqual(jobs.begun, [1, 2, 3, 4, 5]);
});

test('after a failure nothing new is begun', async () => {
  const begun: number[] = [];
  const job = async (item: number): Promise<void> => {
    begun.push(item);
    await Promise.resolve();
    if (item === 1) throw new Error('no');
  };
  await assert.rejects(inParallel([1, 2, 3, 4], 1, job), /no/);
  assert.deepEqual(begun, [1]);
});

test('no items, no jobs', async () => {
  await inParallel([], 3, () => Promise.reject(new Error('never')));
});
