/** A checkpoint for a learner is made as often as it takes, and what could not be finished takes no room. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../adapters/memory/engine.ts';
import type { Engine } from '../env/engine.ts';
import { gpidOf } from '../model/identity.ts';
import { CheckpointSource } from './checkpoint-source.ts';
import { ReplicaFolder } from './replica-folder.ts';

const LEARN_ID = 5;

class World {
  readonly time = new VirtualTime();
  readonly disk = new MemoryDisk();
  readonly folder = new ReplicaFolder(this.disk, 'data', gpidOf(1, 2));
  readonly source = new CheckpointSource(this.disk, this.folder);

  async openEngine(): Promise<Engine> {
    const { disk, time } = this;
    await disk.makeDirectory(this.folder.path);
    const engines = new MemoryEngineFactory({ disk, timers: time, clock: null, mayBlock: null });
    return await engines.open(this.folder.enginePath);
  }

  get served(): Promise<boolean> {
    return this.disk.exists(this.folder.servePath(String(LEARN_ID)));
  }
}

test('an attempt that failed leaves nothing behind, and the next one succeeds', async () => {
  const world = new World();
  const engine = await world.openEngine();
  world.disk.failNext('append', 'full', 'serve-', 1);
  await assert.rejects(world.source.make(engine, LEARN_ID), /serve-5/);
  assert.equal(await world.served, false);

  const made = await world.source.make(engine, LEARN_ID);
  assert.equal(made?.files.length, 1);
});

test('what could not be removed is no hindrance for the next attempt (simulator seed 17175)', async () => {
  const world = new World();
  const engine = await world.openEngine();
  await world.disk.makeDirectory(world.folder.servePath(String(LEARN_ID)));
  const made = await world.source.make(engine, LEARN_ID);
  assert.equal(made?.files.length, 1);
  await world.source.release(LEARN_ID);
  assert.equal(await world.served, false);
});
