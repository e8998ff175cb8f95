/**
 * Three meta servers over a service that they share, three replica servers, clients: the production code on the
 * simulated network. Whoever leads, and whatever becomes of the service, reads and writes go on and stay right.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryCoordination } from '../../src/adapters/memory/coordination.ts';
import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../../src/adapters/memory/engine.ts';
import { defaultOptions } from '../../src/base/option-table.ts';
import type { Client } from '../../src/client/api.ts';
import { openClient } from '../../src/client/client.ts';
import { META_OPTIONS } from '../../src/meta/options.ts';
import { MetaServer } from '../../src/meta/server.ts';
import { type HostPort, toNodeId } from '../../src/model/identity.ts';
import { REPLICA_OPTIONS } from '../../src/replica/options.ts';
import { ReplicaServer } from '../../src/replica/server.ts';
import { NetworkWorld, type WorldHost } from '../fuzz/network-world.ts';
import { serviceThrough } from '../support/service-link.ts';

const METAS = ['m1', 'm2', 'm3'];
const REPLICAS = ['a', 'b', 'c'];
const META_ADDRESSES = METAS.map((host): HostPort => ({ host, port: 34601 }));
const TABLE = 'temp';
const GRACE_MS = 6_000;

class Meta {
  readonly worldHost: WorldHost;
  /** Of the way to the service. */
  isCut = false;
  server: MetaServer | null = null;

  constructor(worldHost: WorldHost, shared: MemoryCoordination) {
    this.worldHost = worldHost;
    const { host, environment } = worldHost;
    const options = defaultOptions(META_OPTIONS, {
      listen: { host: host.name, port: 34601 },
      store: 'etcd',
      metaServers: META_ADDRESSES,
    });
    const service = serviceThrough(shared.client(), this);
    void MetaServer.join({ ...environment, disk: new MemoryDisk() }, options, service).then(
      (server) => {
        this.server = server;
      },
    );
  }

  run(callback: () => void): void {
    this.worldHost.environment.timers.after(0, callback);
  }
}

class World {
  readonly network = new NetworkWorld(11);
  readonly shared: MemoryCoordination;
  readonly metas = new Map<string, Meta>();
  readonly replicas = new Map<string, WorldHost>();
  readonly servers = new Map<string, ReplicaServer>();
  readonly #outside = this.network.addHost('service').environment;
  #clients = 0;

  constructor() {
    const { clock, timers } = this.#outside;
    this.shared = new MemoryCoordination({
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, callback) => timers.after(delayMs, callback),
    });
    for (const name of METAS) {
      this.metas.set(name, new Meta(this.network.addHost(name), this.shared));
    }
    for (const name of REPLICAS) void this.#openReplica(this.network.addHost(name));
  }

  /** With a table of three members in each partition. */
  static async ready(): Promise<World> {
    const world = new World();
    await world.until('somebody leads', 6_000, () => world.leaders.length === 1);
    const client = world.client();
    await world.run(
      client.admin.createTable(TABLE, { partitionCount: 4, replicaCount: 3, timeoutMs: 20_000 }),
    );
    await client.close();
    return world;
  }

  meta(name: string): Meta {
    const meta = this.metas.get(name);
    assert.ok(meta !== undefined);
    return meta;
  }

  host(name: string): WorldHost {
    const host = this.replicas.get(name) ?? this.metas.get(name)?.worldHost;
    assert.ok(host !== undefined);
    return host;
  }

  /** Those that may grant something at this moment. */
  get leaders(): string[] {
    return [...this.metas]
      .filter(([, { worldHost }]) => worldHost.host.owner.state === 'running')
      .filter(([, { server }]) => server?.state === 'leading')
      .map(([name]) => name);
  }

  get leader(): string {
    const [leader, ...others] = this.leaders;
    assert.ok(leader !== undefined && others.length === 0, `one leads: ${this.leaders.join()}`);
    return leader;
  }

  /** On a machine of its own. */
  client(metas: readonly string[] = METAS): Client {
    this.#clients += 1;
    const { environment } = this.network.addHost(`client${this.#clients}`);
    return openClient(environment, { metas: metas.map((host) => `${host}:34601`).join() });
  }

  kill(name: string): void {
    const { host } = this.host(name);
    host.owner.stop();
    this.network.network.processDied(host);
  }

  pause(name: string): void {
    this.host(name).host.owner.pause();
  }

  resume(name: string): void {
    this.network.scheduler.resume(this.host(name).host.owner, true);
  }

  cut(one: string, other: string): void {
    const [a, b] = [this.host(one).host, this.host(other).host];
    this.network.network.cut(a, b);
    this.network.network.cut(b, a);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#outside.timers.after(ms, resolve);
    });
  }

  /** Lets the world go on until the promise is settled. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    while (!isSettled) await this.network.run(5);
    return await promise;
  }

  /** How long it took. */
  async until(what: string, limitMs: number, holds: () => boolean): Promise<number> {
    for (let tookMs = 0; ; tookMs += 10) {
      if (holds()) return tookMs;
      assert.ok(tookMs < limitMs, `within ${limitMs} ms: ${what}`);
      await this.network.run(10);
    }
  }

  async #openReplica(worldHost: WorldHost): Promise<void> {
    const { host, environment } = worldHost;
    this.replicas.set(host.name, worldHost);
    const disk = new MemoryDisk();
    const engines = new MemoryEngineFactory({ ...environment, disk, mayBlock: () => false });
    const options = defaultOptions(REPLICA_OPTIONS, {
      listen: { host: host.name, port: 34801 },
      metaServers: META_ADDRESSES,
      dataPath: 'data',
    });
    const server = await ReplicaServer.open({ ...environment, disk, engines }, options);
    this.servers.set(host.name, server);
  }
}

/** Writes growing numbers to a few rows, and reads them: what is read is never older than what was acknowledged. */
class Load {
  readonly #world: World;
  readonly #client: Client;
  readonly #newest: number[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly failures: string[] = [];
  done = 0;
  /** Longest time without an answer. */
  gapMs = 0;
  #lastMs: number;
  #isOver = false;

  constructor(world: World) {
    this.#world = world;
    this.#client = world.client();
    this.#lastMs = this.#nowMs();
    for (let row = 0; row < 8; row++) this.#loops.push(this.#work(row));
  }

  /** The newest number of the row that is acknowledged. */
  newest(row: number): number {
    return this.#newest[row] ?? 0;
  }

  /** Answers since the last call have come without longer breaks than this. */
  takeGap(): number {
    const gapMs = Math.max(this.gapMs, this.#nowMs() - this.#lastMs);
    this.gapMs = 0;
    return gapMs;
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#world.run(Promise.all(this.#loops));
    await this.#client.close();
    assert.deepEqual(this.failures, []);
  }

  async #work(row: number): Promise<void> {
    const table = this.#client.table(TABLE);
    for (let number = 1; !this.#isOver; number++) {
      try {
        await table.set(`row${row}`, 'n', `${number}`, { timeoutMs: 30_000 });
        this.#newest[row] = number;
        this.#note();
        const found = Number(await table.getString(`row${row}`, 'n', { timeoutMs: 30_000 }));
        if (found !== number) this.failures.push(`row ${row}: ${found} instead of ${number}`);
        this.#note();
      } catch (error) {
        this.failures.push(String(error));
      }
      await this.#world.sleep(20);
    }
  }

  #note(): void {
    const nowMs = this.#nowMs();
    this.gapMs = Math.max(this.gapMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.done += 1;
  }

  #nowMs(): number {
    return this.#world.network.scheduler.nowUs / 1_000;
  }
}

/** Lease, and what it takes to be known by another leader. */
const GAP_MS = 2_000;

test('a leader and a replica server that are killed at once: within 5 s another one leads and has repaired', async () => {
  const world = await World.ready();
  const load = new Load(world);
  await world.network.run(2_000);
  const former = world.leader;
  world.kill(former);
  world.kill('a');
  const tookMs = await world.until('another one leads, and knows', 5_000, () => {
    const [name] = world.leaders;
    if (name === undefined) return false;
    const { brain } = world.meta(name).server!;
    const table = brain.state.tableNamed(TABLE)!;
    return table.partitions.every(({ record }) => record.config.primary !== toNodeId('a:34801'));
  });
  assert.ok(tookMs > 1_000, 'not before the lead of the former one was over');
  await world.network.run(3_000);
  assert.ok(load.takeGap() < 5_000 + GAP_MS);
  const { done } = load;
  await world.network.run(1_000);
  assert.ok(load.done > done);
  await load.end();
});

test('while the service is away for 30 s, reads and writes go on; what was asked for comes true afterwards', async () => {
  const world = await World.ready();
  const load = new Load(world);
  await world.network.run(1_000);
  const { leader } = world;
  world.shared.isDown = true;
  const client = world.client();
  let isCreated = false;
  const creating = client.admin
    .createTable('more', { partitionCount: 2, replicaCount: 3, timeoutMs: 60_000 })
    .then(() => {
      isCreated = true;
    });
  for (let second = 0; second < 30; second++) {
    await world.network.run(1_000);
    assert.equal(world.leader, leader);
    assert.ok(load.takeGap() < 500, `after ${second + 1} s`);
  }
  assert.equal(isCreated, false, 'nothing is acknowledged that is not kept');
  world.shared.isDown = false;
  await world.run(creating);
  await client.close();
  await load.end();
});

test('with the service away, a replica server that dies is missed until it is back; the others serve', async () => {
  const world = await World.ready();
  world.shared.isDown = true;
  await world.network.run(5_000);
  world.kill('c');
  await world.network.run(20_000);
  for (const name of ['a', 'b']) assert.equal(world.servers.get(name)!.hasLease, true);
  const { brain } = world.meta(world.leader).server!;
  const table = brain.state.tableNamed(TABLE)!;
  const led = (): number =>
    table.partitions.filter(({ record }) => record.config.primary === toNodeId('c:34801')).length;
  assert.ok(led() > 0, 'no change is made that is not kept');
  world.shared.isDown = false;
  await world.until('the others lead', 3_000, () => led() === 0);
  const load = new Load(world);
  await world.network.run(2_000);
  await load.end();
});

test('a leader that is paused comes back to another one: it grants nothing, changes nothing, and forwards', async () => {
  const world = await World.ready();
  const former = world.leader;
  world.pause(former);
  const load = new Load(world);
  await world.until('another one leads', 5_000, () => world.leaders.length === 1);
  const { leader } = world;
  assert.notEqual(leader, former);
  const administrator = world.client([leader]);
  await world.run(administrator.admin.createTable('later', { partitionCount: 2, replicaCount: 3 }));
  const ballots = (): number[] =>
    world
      .meta(leader)
      .server!.brain.state.tableNamed(TABLE)!
      .partitions.map(({ ballot }) => ballot);
  const before = ballots();
  world.resume(former);
  await world.network.run(GRACE_MS + 2_000);
  assert.deepEqual(world.leaders, [leader]);
  assert.deepEqual(ballots(), before, 'it has declared nobody dead for its own sleep');
  const other = world.client([former]);
  assert.equal((await world.run(other.admin.tableConfig('later'))).partitions.length, 2);
  await Promise.all([administrator.close(), other.close()]);
  await load.end();
});

test('two leaders for a moment: who hears only the former one loses its lease before others take over', async () => {
  const world = await World.ready();
  const former = world.leader;
  const others = METAS.filter((name) => name !== former);
  const load = new Load(world);
  await world.network.run(1_000);
  // The former leader sees nobody but one replica server, which sees no other meta server.
  world.meta(former).isCut = true;
  for (const other of others) {
    world.cut(former, other);
    world.cut('a', other);
  }
  for (const other of ['b', 'c']) world.cut(former, other);
  const reader = world.client([former]);
  const stale: string[] = [];
  let isOver = false;
  const reading = (async () => {
    while (!isOver) {
      const acknowledged = load.newest(0);
      try {
        const found = Number(
          await reader.table(TABLE).getString('row0', 'n', { timeoutMs: 1_000 }),
        );
        if (found < acknowledged) stale.push(`${found} after ${acknowledged}`);
      } catch {
        // It has no other way, so it may hear nothing.
      }
      await world.sleep(7);
    }
  })();
  const taken = (): boolean => {
    const [leader] = world.leaders;
    if (leader === undefined || leader === former) return false;
    const table = world.meta(leader).server!.brain.state.tableNamed(TABLE)!;
    return table.partitions.every(({ record }) => record.config.primary !== toNodeId('a:34801'));
  };
  await world.until('others have taken over from a', 20_000, taken);
  assert.equal(world.servers.get('a')!.hasLease, false);
  assert.deepEqual(world.leaders.includes(former), false);
  await world.network.run(5_000);
  isOver = true;
  await world.run(reading);
  assert.deepEqual(stale, []);
  await reader.close();
  await load.end();
});

test('a leader that dies in the middle of a large change leaves all of it or nothing', async () => {
  for (const afterMs of [3, 6, 9, 12, 30]) {
    const world = await World.ready();
    const former = world.leader;
    const client = world.client([former]);
    void client.admin
      .createTable('large', { partitionCount: 512, replicaCount: 3, timeoutMs: 60_000 })
      .catch(() => undefined);
    await world.network.run(afterMs);
    world.kill(former);
    await world.until('another one leads', 6_000, () => world.leaders.length === 1);
    const table = world.meta(world.leader).server!.brain.state.tableNamed('large');
    assert.ok(table === undefined || table.partitions.length === 512);
    await client.close();
  }
});
