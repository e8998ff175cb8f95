/** Who leads of several, when, and how surely: stories, and then chance. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { serviceThrough } from '../../test/support/service-link.ts';
import { VirtualTime } from '../adapters/memory/clock.ts';
import {
  DEFAULT_MEMORY_COORDINATION,
  MemoryCoordination,
} from '../adapters/memory/coordination.ts';
import { SeededRandom } from '../base/prng.ts';
import type { Clock, TimerHandle, Timers } from '../env/clock.ts';
import type { Logger } from '../env/logger.ts';
import { type NodeId, parseHostPort } from '../model/identity.ts';
import { Leadership } from './leadership.ts';
import type { SharedStateStore } from './shared-state-store.ts';

const TIMEOUT_MS = 3_000;
const LATENCY_MS = 2;
const NAMES = ['a:1', 'b:1', 'c:1'];

/** Time as one process sees it: at a pace of its own, and not at all while the process is paused. */
class ProcessTime implements Clock, Timers {
  readonly #world: VirtualTime;
  readonly #rate: number;
  isPaused = false;
  isGone = false;
  #waiting: (() => void)[] = [];

  constructor(world: VirtualTime, rate: number) {
    this.#world = world;
    this.#rate = rate;
  }

  monotonicMs(): number {
    return this.#world.monotonicMs() * this.#rate;
  }

  wallMs(): number {
    return this.#world.wallMs();
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    return this.#world.after(delayMs / this.#rate, () => this.run(callback));
  }

  every(intervalMs: number, callback: () => void): TimerHandle {
    return this.#world.every(intervalMs / this.#rate, () => this.run(callback));
  }

  cancel(handle: TimerHandle): void {
    this.#world.cancel(handle);
  }

  defer(callback: () => void): void {
    this.#world.defer(() => this.run(callback));
  }

  run(callback: () => void): void {
    if (this.isGone) return;
    if (this.isPaused) this.#waiting.push(callback);
    else callback();
  }

  resume(): void {
    this.isPaused = false;
    for (const callback of this.#waiting.splice(0)) this.run(callback);
  }
}

class Meta {
  readonly name: string;
  readonly time: ProcessTime;
  readonly leadership: Leadership;
  /** The service does not answer this one. */
  isCut = false;
  store: SharedStateStore | null = null;
  readonly logged: string[] = [];

  constructor(world: World, name: string, rate: number, metaServers: readonly string[] = NAMES) {
    this.name = name;
    this.time = new ProcessTime(world.time, rate);
    const note = (event: string): void => {
      this.logged.push(event);
    };
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    const self = parseHostPort(name);
    assert.ok(self !== null);
    const service = serviceThrough(world.shared.client(), this);
    const environment = {
      service,
      clock: this.time,
      timers: this.time,
      random: new SeededRandom(world.seed),
      logger,
    };
    this.leadership = new Leadership(
      environment,
      { clusterName: 'c', self, metaServers: metaServers.map((one) => parseHostPort(one)!) },
      {
        onTermBegun: ({ store }) => {
          this.store = store;
          world.onTermBegun(name, store.epoch);
        },
        onTermEnded: () => {
          void this.store?.close();
          this.store = null;
        },
        sendPromiseRequest: (to, request) => {
          world.deliver(name, to, (meta, from) => meta.leadership.onPromiseRequest(from, request));
        },
        sendPromise: (to, promise) => {
          world.deliver(name, to, (meta, from) => meta.leadership.onPromise(from, promise));
        },
      },
    );
  }

  get isSure(): boolean {
    return !this.time.isPaused && !this.time.isGone && this.leadership.isSure();
  }

  run(callback: () => void): void {
    this.time.run(callback);
  }

  kill(): void {
    this.time.isGone = true;
  }
}

class World {
  readonly seed: number;
  readonly time = new VirtualTime();
  readonly shared: MemoryCoordination;
  readonly metas = new Map<string, Meta>();
  /** `from>to` that lose all messages. */
  readonly broken = new Set<string>();
  epochMost = 0;
  readonly problems: string[] = [];

  constructor(seed = 1, serviceLatencyMs = DEFAULT_MEMORY_COORDINATION.latencyMs) {
    this.seed = seed;
    const options = { ...DEFAULT_MEMORY_COORDINATION, latencyMs: serviceLatencyMs };
    this.shared = new MemoryCoordination(this.time, options);
  }

  static async withLeader(): Promise<World> {
    const world = new World();
    for (const name of NAMES) world.start(name);
    await world.time.advance(TIMEOUT_MS + 500);
    assert.deepEqual(world.sure, ['a:1']);
    return world;
  }

  start(name: string, rate = 1, metaServers?: readonly string[]): Meta {
    const meta = new Meta(this, name, rate, metaServers);
    this.metas.set(name, meta);
    return meta;
  }

  meta(name: string): Meta {
    const meta = this.metas.get(name);
    assert.ok(meta !== undefined);
    return meta;
  }

  get sure(): string[] {
    return [...this.metas.values()].filter((meta) => meta.isSure).map(({ name }) => name);
  }

  deliver(from: string, to: NodeId, arrive: (meta: Meta, from: NodeId) => void): void {
    this.time.after(LATENCY_MS, () => {
      const meta = this.metas.get(to);
      if (meta === undefined || this.broken.has(`${from}>${to}`)) return;
      meta.time.run(() => arrive(meta, from as NodeId));
    });
  }

  onTermBegun(name: string, epoch: number): void {
    assert.ok(epoch > this.epochMost, 'epochs grow');
    this.epochMost = epoch;
    const others = this.sure.filter((one) => one !== name);
    if (others.length > 0) this.problems.push(`${others.join()} sure when ${name} begins ${epoch}`);
  }

  /** Nobody grants anything once a later term has begun. */
  check(): void {
    assert.deepEqual(this.problems, [], `seed ${this.seed}`);
    for (const meta of this.metas.values()) {
      if (meta.isSure) assert.equal(meta.store?.epoch, this.epochMost, meta.name);
    }
  }

  /** Until one of `names` is sure; how long it took. */
  async untilSure(...names: string[]): Promise<number> {
    const beganMs = this.time.monotonicMs();
    while (!this.sure.some((name) => names.includes(name))) {
      assert.ok(this.time.monotonicMs() - beganMs < 20_000, 'somebody leads in the end');
      await this.time.advance(10);
      this.check();
    }
    return this.time.monotonicMs() - beganMs;
  }

  async passing(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      await this.time.advance(50);
      this.check();
    }
  }
}

test('of three that start, one leads, and the others name it', async () => {
  const world = await World.withLeader();
  for (const name of ['b:1', 'c:1']) {
    const { leadership } = world.meta(name);
    assert.equal(leadership.state, 'following');
    assert.deepEqual(leadership.leader, { host: 'a', port: 1 });
  }
  await world.passing(20_000);
  assert.equal(world.epochMost, 1, 'and it stays so');
});

test('a leader that dies is followed within 5 s', async () => {
  const world = await World.withLeader();
  world.meta('a:1').kill();
  assert.ok((await world.untilSure('b:1', 'c:1')) < 4_000);
  assert.equal(world.epochMost, 2);
});

test('a leader that stops is followed at once: it gives its promises back', async () => {
  const world = await World.withLeader();
  void world.meta('a:1').leadership.close();
  world.check();
  assert.ok((await world.untilSure('b:1', 'c:1')) < 500);
});

test('while the service is away for 30 s the leader stays sure, and has the same term after it', async () => {
  const world = await World.withLeader();
  world.shared.isDown = true;
  for (let second = 0; second < 30; second++) {
    await world.passing(1_000);
    assert.deepEqual(world.sure, ['a:1'], `after ${second + 1} s`);
  }
  assert.notEqual(world.meta('a:1').leadership.trouble, null);
  world.shared.isDown = false;
  await world.passing(10_000);
  assert.equal(world.sure.length, 1);
});

test('with the service away and one of the others dead, the lead ends; it is won again afterwards', async () => {
  const world = await World.withLeader();
  world.shared.isDown = true;
  await world.passing(10_000);
  world.meta('c:1').kill();
  await world.passing(TIMEOUT_MS);
  assert.deepEqual(world.sure, []);
  world.start('c:1');
  await world.passing(10_000);
  assert.deepEqual(world.sure, [], 'not by promises: others may have led meanwhile');
  world.shared.isDown = false;
  assert.ok((await world.untilSure(...NAMES)) < 5_000);
  assert.equal(world.epochMost, 2);
});

test('one of the others may be started anew while the service is away', async () => {
  const world = await World.withLeader();
  world.shared.isDown = true;
  await world.passing(10_000);
  for (const name of ['b:1', 'c:1', 'b:1']) {
    world.meta(name).kill();
    await world.passing(1_000);
    world.start(name);
    await world.passing(5_000);
    assert.deepEqual(world.sure, ['a:1']);
    assert.deepEqual(world.meta(name).leadership.leader, { host: 'a', port: 1 });
  }
});

test('a service that takes a second for each answer elects one, keeps it, and has it followed', async () => {
  const world = new World(1, 1_000);
  for (const name of NAMES) world.start(name);
  await world.untilSure(...NAMES);
  await world.passing(30_000);
  assert.equal(world.epochMost, 1);
  const [leader] = world.sure;
  assert.ok(leader !== undefined);
  world.meta(leader).kill();
  const tookMs = await world.untilSure(...NAMES.filter((name) => name !== leader));
  assert.ok(tookMs < 10_000, String(tookMs));
});

test('a service that takes longer than a lead lasts makes nobody sure of a lead', async () => {
  const world = new World(1, TIMEOUT_MS + 100);
  for (const name of NAMES) world.start(name);
  await world.passing(20_000);
  assert.deepEqual(world.sure, []);
});

test('a leader that alone has lost the service gives way: the others could not change anything else', async () => {
  const world = await World.withLeader();
  world.meta('a:1').isCut = true;
  const tookMs = await world.untilSure('b:1', 'c:1');
  assert.ok(tookMs < 8_000, String(tookMs));
  assert.equal(world.meta('a:1').store, null, 'it was told');
});

test('who is elected waits until what it has promised to another one has run out', async () => {
  const world = await World.withLeader();
  const [a, b] = [world.meta('a:1'), world.meta('b:1')];
  world.shared.isDown = true;
  await world.passing(10_000);
  a.isCut = true;
  world.meta('c:1').isCut = true;
  world.shared.isDown = false;
  // Nobody tells the other that there is a new term.
  for (const name of ['b:1>a:1', 'c:1>a:1']) world.broken.add(name);
  await world.passing(500);
  assert.equal(b.leadership.state, 'beginning');
  assert.deepEqual(world.sure, ['a:1']);
  const waitedMs = await world.untilSure('b:1');
  assert.ok(waitedMs > 1_500 && waitedMs < TIMEOUT_MS, String(waitedMs));
});

test('so does one that was started anew, and has forgotten what it has promised', async () => {
  const world = await World.withLeader();
  world.meta('a:1').isCut = true;
  world.meta('c:1').isCut = true;
  await world.passing(TIMEOUT_MS - 500);
  world.meta('b:1').kill();
  for (const link of ['a:1>b:1', 'b:1>a:1']) world.broken.add(link);
  world.start('b:1');
  await world.passing(1_000);
  assert.deepEqual(world.sure, ['a:1']);
  await world.untilSure('b:1');
});

test('a leader that is paused is not sure when it goes on, and learns that it was followed', async () => {
  const world = await World.withLeader();
  const a = world.meta('a:1');
  a.time.isPaused = true;
  await world.untilSure('b:1', 'c:1');
  a.time.resume();
  assert.equal(a.isSure, false);
  await world.passing(1_000);
  assert.equal(a.leadership.state, 'following');
  assert.equal(world.sure.length, 1);
});

test('a leader that was paused while nobody followed it begins another term: it cannot know', async () => {
  const world = new World();
  const a = world.start('a:1');
  await world.untilSure('a:1');
  a.time.isPaused = true;
  await world.passing(10_000);
  a.time.resume();
  assert.equal(a.isSure, false);
  await world.untilSure('a:1');
  assert.equal(world.epochMost, 2);
});

test('one with another list gets no promise, and says why', async () => {
  const world = new World();
  const a = world.start('a:1', 1, ['a:1', 'b:1']);
  world.start('b:1', 1, ['a:1', 'b:1', 'c:1']);
  await world.untilSure('a:1');
  await world.passing(1_000);
  assert.ok(a.logged.includes('meta.promise'));
  world.shared.isDown = true;
  await world.passing(TIMEOUT_MS);
  assert.deepEqual(world.sure, []);
});

test('one that the list of the last term lacks leaves the lead to others', async () => {
  const world = new World();
  const c = world.start('c:1');
  await world.time.advance(100);
  const a = world.start('a:1', 1, ['a:1', 'b:1']);
  // The first term is of a list without c.
  c.isCut = true;
  await world.untilSure('a:1');
  c.isCut = false;
  a.kill();
  await world.passing(8_000);
  assert.ok(c.logged.includes('meta.term.refused'));
  assert.deepEqual(world.sure, []);
  world.start('b:1');
  await world.untilSure('b:1');
  world.meta('b:1').kill();
  await world.untilSure('c:1');
});

const SEEDS = 60;

test(`whatever happens, nobody is sure after a later term has begun (${SEEDS} seeds)`, async () => {
  let terms = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const chance = new SeededRandom(seed);
    const world = new World(seed);
    const rate = (): number => 0.98 + 0.04 * chance.fraction();
    for (const name of NAMES) world.start(name, rate());
    for (let step = 0; step < 80; step++) {
      disturb(world, chance, rate);
      await world.passing(50 * (1 + chance.below(30)));
    }
    world.shared.isDown = false;
    world.broken.clear();
    for (const name of NAMES) {
      const meta = world.meta(name);
      meta.isCut = false;
      if (meta.time.isGone) world.start(name, rate());
      else meta.time.resume();
    }
    await world.untilSure(...NAMES);
    terms += world.epochMost;
  }
  assert.ok(terms > 4 * SEEDS, `there were many terms: ${terms}`);
});

function disturb(world: World, chance: SeededRandom, rate: () => number): void {
  const meta = world.meta(NAMES[chance.below(NAMES.length)]!);
  const other = NAMES[chance.below(NAMES.length)]!;
  switch (chance.below(7)) {
    case 0:
      world.shared.isDown = chance.below(2) === 0;
      break;
    case 1:
      meta.isCut = chance.below(2) === 0;
      break;
    case 2:
      if (meta.time.isPaused) meta.time.resume();
      else meta.time.isPaused = true;
      break;
    case 3:
      if (meta.time.isGone) world.start(meta.name, rate());
      else if (chance.below(2) === 0) meta.kill();
      break;
    case 4:
      if (!meta.time.isGone && !meta.time.isPaused) void meta.leadership.close();
      meta.time.isGone = true;
      break;
    case 5:
      if (!world.broken.delete(`${meta.name}>${other}`)) world.broken.add(`${meta.name}>${other}`);
      break;
    default:
      if (chance.below(2) === 0) world.shared.faults.push('answerLost');
      else world.shared.deliverLate();
  }
}
