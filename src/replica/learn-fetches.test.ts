/** One checkpoint is fetched and swapped in at a time, and who closes waits for the swap. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { gpidOf, toNodeId } from '../model/identity.ts';
import type { AppliedState } from '../storage/batch-records.ts';
import { type LearnCheckpoint, makeLearnCheckpoint } from '../wire/generated/internal.ts';
import { Bandwidth } from './bandwidth.ts';
import { LearnFetches } from './learn-fetches.ts';

const PRIMARY = toNodeId('primary:80');

class World {
  readonly time = new VirtualTime();
  readonly disk = new MemoryDisk({ timers: this.time });
  readonly told: string[] = [];
  readonly fetches: LearnFetches;
  endSwap: (error: Error | null) => void = () => assert.fail('no swap has begun');

  constructor() {
    const ignore = (): void => {};
    const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
    const parts = {
      environment: { clock: this.time, disk: this.disk, logger },
      gpid: gpidOf(1, 0),
      path: 'learn',
      bandwidth: new Bandwidth(this.time, this.time, 1 << 20),
      pieceBytesMax: 1 << 20,
    };
    this.fetches = new LearnFetches(parts, {
      request: () => this.told.push('requested'),
      swapEngine: () =>
        new Promise<AppliedState>((resolve, reject) => {
          this.told.push('swaps');
          this.endSwap = (error) => {
            if (error === null) resolve({ decree: 7, digest: 1 } as AppliedState);
            else reject(error);
          };
        }),
      onSwapped: (learnId, { decree }) => this.told.push(`swapped ${learnId} at ${decree}`),
      onSwapFailed: () => this.told.push('swap failed'),
      onFetchFailed: (learnId) => this.told.push(`failed ${learnId}`),
    });
  }

  /** Of no files, so that it is fetched at once; or of one that nobody sends. */
  async offer(learnId: number, fileNames: readonly string[] = []): Promise<void> {
    const offer: LearnCheckpoint = {
      ...makeLearnCheckpoint(),
      learnId,
      checkpointId: String(learnId),
      fileNames: [...fileNames],
      fileSizes: fileNames.map(() => 100),
    };
    this.fetches.begin(PRIMARY, offer);
    await this.time.advance(10);
  }
}

test('what was fetched is swapped in, and the learner is told where it is', async () => {
  const world = new World();
  await world.offer(1);
  world.endSwap(null);
  await world.time.advance(1);
  assert.deepEqual(world.told, ['swaps', 'swapped 1 at 7']);
  assert.equal(world.fetches.fetchedBytes, null);
});

test('a newer offer ends the fetch before it, which tells nothing any more', async () => {
  const world = new World();
  await world.offer(1, ['one.sst']);
  assert.equal(world.fetches.fetchedBytes, 0);
  await world.offer(2);
  assert.deepEqual(world.told, ['requested', 'swaps']);
  world.endSwap(null);
  await world.time.advance(1);
  assert.deepEqual(world.told, ['requested', 'swaps', 'swapped 2 at 7']);
});

test('an engine that cannot be opened after the swap is told, also when the learn is over', async () => {
  const world = new World();
  await world.offer(1);
  world.fetches.abandon(0);
  world.endSwap(new Error('damaged'));
  await world.time.advance(1);
  assert.deepEqual(world.told, ['swaps', 'swap failed']);
});

test('who closes during a swap waits for its end, and nothing is told then', async () => {
  const world = new World();
  await world.offer(1);
  let isClosed = false;
  const closing = world.fetches.close().then(() => {
    isClosed = true;
  });
  await world.time.advance(1_000);
  assert.equal(isClosed, false);
  world.endSwap(null);
  await world.time.run(closing);
  assert.deepEqual(world.told, ['swaps']);
});
