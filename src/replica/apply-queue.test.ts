import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../adapters/memory/engine.ts';
import { Mutation, sealDigest } from '../consensus/mutation.ts';
import { EngineStatus } from '../env/engine.ts';
import { type Ballot, DECREE_NONE, type Decree, gpidOf } from '../model/identity.ts';
import { readAppliedDecree } from '../storage/batch-records.ts';
import { WriteBatchBuilder } from '../storage/write-batch.ts';
import { ApplyQueue } from './apply-queue.ts';

function mutation(decree: number): Mutation {
  const builder = new WriteBatchBuilder();
  const body = builder.seal(decree);
  const digest = sealDigest(0, decree, body);
  const before = (decree - 1) as Decree;
  const ballot = 1 as Ballot;
  return new Mutation(gpidOf(1, 0), ballot, decree as Decree, before, decree, 0, digest, body);
}

interface Scene {
  readonly time: VirtualTime;
  readonly queue: ApplyQueue;
  readonly applied: number[];
  readonly failures: EngineStatus[];
  /** The engine stalls writes while this is true. */
  stalls: boolean;
  appliedInEngine(): Promise<number>;
}

async function scene(): Promise<Scene> {
  const time = new VirtualTime();
  const state = { stalls: false };
  const factory = new MemoryEngineFactory({
    disk: new MemoryDisk(),
    timers: time,
    clock: null,
    mayBlock: () => state.stalls,
  });
  const engine = await factory.open('engine');
  const applied: number[] = [];
  const failures: EngineStatus[] = [];
  const owner = {
    onApplied: ({ decree }: Mutation) => applied.push(decree),
    onApplyFailed: (status: EngineStatus) => failures.push(status),
  };
  const queue = new ApplyQueue(engine, owner, DECREE_NONE);
  return Object.assign(state, {
    time,
    queue,
    applied,
    failures,
    appliedInEngine: async () => (await time.run(readAppliedDecree(engine))).decree,
  });
}

test('mutations are applied at once and in order', async () => {
  const { queue, applied, appliedInEngine } = await scene();
  for (const decree of [1, 2, 3]) queue.apply(mutation(decree));
  assert.deepEqual(applied, [1, 2, 3]);
  assert.equal(await appliedInEngine(), 3);
});

test('a stall delays mutations and does not reorder them', async () => {
  const world = await scene();
  world.stalls = true;
  for (const decree of [1, 2, 3]) world.queue.apply(mutation(decree));
  assert.deepEqual(world.applied, []);
  assert.equal([...world.queue.unapplied()].length, 3);
  await world.time.run(world.queue.idle());
  assert.deepEqual(world.applied, [1, 2, 3]);
  world.stalls = false;
  world.queue.apply(mutation(4));
  assert.deepEqual(world.applied, [1, 2, 3, 4]);
});

test('what waits is shown newest first', async () => {
  const world = await scene();
  world.stalls = true;
  const bodies = [1, 2, 3].map((decree) => mutation(decree));
  for (const one of bodies) world.queue.apply(one);
  assert.deepEqual([...world.queue.unapplied()], bodies.map((one) => one.body).reverse());
  await world.time.run(world.queue.idle());
});

test('a mutation that the engine refuses ends the queue', async () => {
  const { queue, applied, failures } = await scene();
  queue.apply(mutation(1));
  const damaged = mutation(2);
  damaged.body[8] = 9;
  queue.apply(damaged);
  queue.apply(mutation(3));
  assert.deepEqual(applied, [1]);
  assert.deepEqual(failures, [EngineStatus.invalid]);
});

test('a stopped queue tells nobody of what was under way', async () => {
  const world = await scene();
  world.stalls = true;
  world.queue.apply(mutation(1));
  world.queue.stop();
  await world.queue.idle();
  await world.time.advance(1_000);
  assert.deepEqual(world.applied, []);
});
