/** A replica compacts when its table asks for it: once per trigger, in its turn, and not again after a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../adapters/memory/engine.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { type Engine, EngineStatus } from '../env/engine.ts';
import type { Logger } from '../env/logger.ts';
import { CompactionEnv, compactionSchedule } from '../model/compaction-schedule.ts';
import { gpidOf } from '../model/identity.ts';
import { encodeKey } from '../model/key.ts';
import { readCompactionMark } from '../storage/compaction-mark.ts';
import { WriteBatchBuilder } from '../storage/write-batch.ts';
import { CompactionSlots } from './compaction-slots.ts';
import { type CompactionSubject, ManualCompaction } from './manual-compaction.ts';

const TICK_MS = 100;
const HOUR_MS = 3_600_000;
const { onceSeconds: ONCE, dailyTimes: DAILY, disabled: DISABLED } = CompactionEnv;

/** A server without replicas. */
class Scene {
  readonly time = new VirtualTime();
  readonly slots = new CompactionSlots();
  readonly events: string[] = [];
  utcOffsetMinutes = 0;
  private readonly factory: MemoryEngineFactory;

  constructor() {
    const { time } = this;
    const disk = new MemoryDisk();
    this.factory = new MemoryEngineFactory({ disk, timers: time, clock: time, mayBlock: null });
  }

  get nowSeconds(): number {
    return Math.floor(this.time.wallMs() / 1_000);
  }

  open(name: string): Promise<Engine> {
    return this.time.run(this.factory.open(name));
  }

  replica(name: string, engine: Engine, envs: Record<string, string>): Subject {
    return new Subject(this, name, engine, envs);
  }

  logger(name: string): Logger {
    const note = (event: string): void => {
      this.events.push(`${name} ${event.replace('replica.compaction.', '')}`);
    };
    return { debug: note, info: note, warn: note, error: note };
  }

  /** The first tick reads what was done, the second begins. */
  async untilBegun(subjects: readonly Subject[]): Promise<void> {
    for (const subject of subjects) subject.tick();
    await this.time.advance(0);
    for (const subject of subjects) subject.tick();
  }

  async pass(ms: number, subjects: readonly Subject[]): Promise<void> {
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      for (const subject of subjects) subject.tick();
      await this.time.advance(TICK_MS);
    }
  }
}

/** What is left of a replica when only its engine counts. */
class Subject implements CompactionSubject {
  readonly compaction: ManualCompaction;
  current: Engine | null;
  isCurrent = true;
  private readonly scene: Scene;

  constructor(scene: Scene, name: string, engine: Engine, envs: Record<string, string>) {
    this.scene = scene;
    this.current = engine;
    const { time, slots } = scene;
    const environment = {
      clock: time,
      timers: time,
      logger: scene.logger(name),
      utcOffsetMinutes: () => scene.utcOffsetMinutes,
    };
    const schedule = compactionSchedule(new Map(Object.entries(envs)));
    this.compaction = new ManualCompaction(environment, gpidOf(1, 0), this, slots, schedule);
  }

  set(envs: Record<string, string>): void {
    this.compaction.applySchedule(compactionSchedule(new Map(Object.entries(envs))));
  }

  async flush(): Promise<void> {
    await this.current?.flush();
  }

  tick(): void {
    this.compaction.onTick(this.scene.time.monotonicMs(), this.isCurrent);
  }
}

test('a trigger is obeyed once, also after a restart, and the next one again', async () => {
  const scene = new Scene();
  const engine = await scene.open('engine');
  const trigger = scene.nowSeconds - 10;
  const envs = { [ONCE]: String(trigger) };
  const replica = scene.replica('a', engine, envs);
  assert.equal(replica.compaction.state, 'idle');
  await scene.pass(2_000, [replica]);
  assert.deepEqual(scene.events, ['a begun', 'a done']);
  assert.equal(replica.compaction.state, 'finished');
  assert(replica.compaction.markSeconds >= trigger);

  await scene.time.run(engine.close({ flush: false }));
  const again = await scene.open('engine');
  const restarted = scene.replica('b', again, envs);
  await scene.pass(2_000, [restarted]);
  assert.equal(scene.events.length, 2, 'the engine knows what was done');
  assert.equal(restarted.compaction.state, 'finished');

  restarted.set({ [ONCE]: String(scene.nowSeconds) });
  await scene.pass(2_000, [restarted]);
  assert.deepEqual(scene.events.slice(2), ['b begun', 'b done']);
});

test('a copy that is made of a compacted engine is compacted', async () => {
  const scene = new Scene();
  const engine = await scene.open('engine');
  const envs = { [ONCE]: String(scene.nowSeconds) };
  await scene.pass(1_000, [scene.replica('a', engine, envs)]);
  await scene.time.run(engine.checkpoint('copy'));
  const copy = await scene.open('copy');
  await scene.pass(1_000, [scene.replica('b', copy, envs)]);
  assert.deepEqual(scene.events, ['a begun', 'a done']);
});

test('an engine that is replaced is compacted anew', async () => {
  const scene = new Scene();
  const engine = await scene.open('engine');
  const replica = scene.replica('a', engine, { [ONCE]: String(scene.nowSeconds) });
  await scene.pass(1_000, [replica]);
  replica.current = null;
  await scene.pass(1_000, [replica]);
  assert.equal(replica.compaction.markSeconds, 0);
  replica.current = await scene.open('other');
  await scene.pass(1_000, [replica]);
  assert.equal(scene.events.length, 4);
});

test('the replicas of a server are compacted one after the other', async () => {
  const scene = new Scene();
  const envs = { [ONCE]: String(scene.nowSeconds) };
  const replicas = ['a', 'b', 'c'].map(async (name) =>
    scene.replica(name, await scene.open(name), envs),
  );
  const all = await Promise.all(replicas);
  await scene.untilBegun(all);
  const states = all.map(({ compaction }) => compaction.state);
  assert.deepEqual(states, ['running', 'queuing', 'queuing']);
  await scene.pass(3_000, all);
  const expected = ['a begun', 'a done', 'b begun', 'b done', 'c begun', 'c done'];
  assert.deepEqual(scene.events, expected);
});

test('what is disabled does not begin, also when it was waiting; what is not known to hold today neither', async () => {
  const scene = new Scene();
  const once = { [ONCE]: String(scene.nowSeconds) };
  const first = scene.replica('a', await scene.open('a'), once);
  const second = scene.replica('b', await scene.open('b'), once);
  const third = scene.replica('c', await scene.open('c'), once);
  third.isCurrent = false;
  await scene.untilBegun([first, second, third]);
  assert.equal(second.compaction.state, 'queuing');
  second.set({ ...once, [DISABLED]: 'true' });
  await scene.pass(3_000, [first, second, third]);
  assert.deepEqual(scene.events, ['a begun', 'a done']);
  assert.equal(second.compaction.state, 'idle');
  second.set(once);
  third.isCurrent = true;
  await scene.pass(3_000, [first, second, third]);
  assert.equal(scene.events.length, 6, 'nothing stands in the way of the others');
});

test('a daily compaction begins at its minute of the local day, each day', async () => {
  const scene = new Scene();
  scene.utcOffsetMinutes = 60;
  // The scene begins at midnight UTC.
  const replica = scene.replica('a', await scene.open('engine'), { [DAILY]: '3:30' });
  const tickAfter = async (ms: number): Promise<void> => {
    await scene.time.advance(ms);
    await scene.pass(1_000, [replica]);
  };
  await tickAfter(2.4 * HOUR_MS);
  assert.equal(scene.events.length, 0);
  await tickAfter(0.1 * HOUR_MS);
  assert.deepEqual(scene.events, ['a begun', 'a done']);
  await tickAfter(20 * HOUR_MS);
  assert.equal(scene.events.length, 2);
  await tickAfter(4 * HOUR_MS);
  assert.equal(scene.events.length, 4);
});

test('a server that ends in the middle of it leaves no mark, and the next start begins anew', async () => {
  const scene = new Scene();
  const engine = await scene.open('engine');
  const builder = new WriteBatchBuilder();
  const stamp = { expireSeconds: 0, timestampUs: 1, tag: 2 };
  builder.putEncoded(encodeKey(Buffer.from('h'), EMPTY_BYTES), Buffer.from('value'), stamp);
  assert.equal(engine.write(builder.seal(1)), EngineStatus.ok);
  const envs = { [ONCE]: String(scene.nowSeconds) };
  const replica = scene.replica('a', engine, envs);
  await scene.untilBegun([replica]);
  assert.equal(replica.compaction.state, 'running');
  replica.current = null;
  replica.compaction.stop();
  await scene.time.run(engine.close({ flush: false }));
  await scene.time.advance(1_000);
  const again = await scene.open('engine');
  assert.equal(await scene.time.run(readCompactionMark(again)), 0);
  await scene.pass(1_000, [scene.replica('b', again, envs)]);
  assert.deepEqual(scene.events, ['a begun', 'b begun', 'b done']);
});
