/**
 * Jobs side by side, but only so many at a time: for work that waits for the disk, where one at a
 * time is slow and all at once costs memory and threads.
 */
import { assertAtLeast } from './assert.ts';

/**
 * Begins the jobs in the order of `items`. Rejects with the first failure; nothing new is begun
 * after it.
 */
export async function inParallel<T>(
  items: readonly T[],
  countMax: number,
  job: (item: T) => Promise<void>,
): Promise<void> {
  assertAtLeast(countMax, 1, 'at least one job at a time');
  let next = 0;
  let failed = false;
  const work = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const item = items[next]!;
      next += 1;
      try {
        await job(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(countMax, items.length) }, work));
}
