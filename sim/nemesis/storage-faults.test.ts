import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { Disk } from '../../src/env/disk.ts';
import type { ReplicaEnvironment } from '../../src/env/environment.ts';
import { ExpectedTrouble } from '../checkers/expected-trouble.ts';
import { ClusterObserver } from '../checkers/observer.ts';
import { Violations } from '../checkers/violations.ts';
import { Machine, type RunningProcess } from '../cluster/machine.ts';
import { MarkBook } from '../kernel/mark-book.ts';
import { Scheduler } from '../kernel/scheduler.ts';
import { RandomStreams } from '../kernel/streams.ts';
import { Trace } from '../kernel/trace.ts';
import { Network } from '../network/network.ts';
import { Atlas, NO_UNDO } from './atlas.ts';
import {
  bringCopyBack,
  misdirectedWrite,
  missingReplica,
  powerOffAll,
  powerOffReplica,
  rotInEngine,
  rotInLog,
  rotInMetaJournal,
  rotInReplicaFile,
  swappedReplicas,
  takeCopy,
} from './damage-faults.ts';
import { failedSync, fullDisk, readOnlyDisk, stalledDisk } from './disk-faults.ts';
import type { Fault } from './fault.ts';
import type { AnyMachine, Stage } from './stage.ts';
import { drawClock, drawSwarm } from './swarm.ts';

const PARTITION = '1.0';
const FOLDERS = ['data/log', 'data/replicas/1.0/engine', 'data/replicas/1.1/engine', 'meta'];

/** Has files as servers have them, each with its own content; starts only if it can write one. */
class Keeper implements RunningProcess {
  readonly disk: Disk;
  constructor(disk: Disk) {
    this.disk = disk;
  }

  static async open({ disk }: ReplicaEnvironment): Promise<Keeper> {
    if (!(await disk.exists('meta'))) {
      for (const folder of FOLDERS) await disk.makeDirectory(folder);
      for (const name of ['data/log/0000000001.log', 'data/log/MANIFEST']) await put(disk, name);
      for (const replica of ['data/replicas/1.0', 'data/replicas/1.1']) {
        await put(disk, `${replica}/replica.json`);
        await put(disk, `${replica}/engine/state.rows`);
      }
      await put(disk, 'meta/snapshot-000000000001');
    }
    await put(disk, 'data/server.json');
    return new Keeper(disk);
  }

  async close(): Promise<void> {}
}

function put(disk: Disk, path: string): Promise<void> {
  return disk.replaceFile(path, encodeUtf8(`${path} `.repeat(50)));
}

async function appendTo(disk: Disk, sync = true): Promise<void> {
  const file = await disk.open('data/log/0000000001.log', 'append');
  file.append(new Uint8Array(9), sync, () => {});
}

class World {
  readonly scheduler: Scheduler = new Scheduler(new Trace(0), (_, error) => {
    throw error;
  });
  readonly violations: Violations = new Violations(() => {});
  readonly trouble: ExpectedTrouble = new ExpectedTrouble(() => this.scheduler.nowUs);
  readonly observer: ClusterObserver;
  readonly stage: Stage;
  readonly undetected: string[] = [];
  isCalm: boolean = true;

  constructor(isDurable: boolean = true) {
    const { scheduler } = this;
    const streams = new RandomStreams(1);
    const swarm = drawSwarm(streams.of('swarm'));
    const network = new Network(scheduler, streams.of('network'), swarm.network);
    const events = {
      onBatchApplied: (): void => {},
      onStarted: (): void => {},
      onErrorLog: (): void => {},
      onStartFailed: (): void => {},
    };
    const world = { scheduler, network, streams, events };
    const clock = drawClock(streams.of('clock'));
    const traits = { clock, syncMsMean: 1, blockFraction: 0, slowReadFraction: 0 };
    const names = ['meta1', 'a', 'b', 'c'];
    const machines = names.map(
      (name, index): AnyMachine => new Machine(name, index, world, traits, Keeper.open),
    );
    this.observer = new ClusterObserver(this.violations, () => scheduler.nowUs, []);
    this.configure(1, 'a', ['b', 'c']);
    this.stage = {
      scheduler,
      network,
      marks: new MarkBook(scheduler),
      metas: machines.slice(0, 1),
      replicas: machines.slice(1),
      service: null,
      leadingMeta: () => null,
      clients: [],
      administrator: () => null,
      replicaCount: 3,
      isCalm: () => this.isCalm,
      atlas: new Atlas(
        this.observer,
        () => scheduler.nowUs,
        () => this.isCalm,
      ),
      onUndetected: (detail) => this.undetected.push(detail),
      expectTrouble: ({ name }, kind) => this.trouble.begin(name, kind),
      isDurable,
      beforeDeath: () => {},
      onWallStep: () => {},
      onMetaRestored: () => {},
    };
  }

  configure(ballot: number, primary: string, secondaries: string[]): void {
    const seen = { partition: PARTITION, ballot, primary, secondaries };
    this.observer.onConfiguration(seen, primary);
  }

  machine(name: string): AnyMachine {
    return [...this.stage.metas, ...this.stage.replicas].find((one) => one.name === name)!;
  }

  async start(): Promise<void> {
    for (const machine of [...this.stage.metas, ...this.stage.replicas]) machine.start();
    await this.run(1000);
  }

  run(forMs: number): Promise<void> {
    return this.scheduler.run(this.scheduler.nowUs + forMs * 1000);
  }

  /** What all replica servers have on their disks. */
  contents(): Map<string, string> {
    const found = new Map<string, string>();
    for (const { name, disk } of this.stage.replicas) {
      for (const path of disk.damage.paths('')) {
        if (path !== 'data/server.json')
          found.set(`${name}/${path}`, String(disk.damage.bytes(path)));
      }
    }
    return found;
  }
}

/** Paths whose content has changed, of the one machine to which it happened. */
async function changedBy(fault: Fault, seed: number): Promise<string[]> {
  const world = new World();
  await world.start();
  const before = world.contents();
  const active = fault(world.stage, new SeededRandom(seed));
  await world.run(100);
  active?.end();
  await world.run(1000);
  const after = world.contents();
  const changed = [...before.keys()].filter((path) => before.get(path) !== after.get(path));
  const machines = new Set(changed.map((path) => path.split('/')[0]));
  assert.ok(machines.size <= 1, 'one machine is damaged');
  assert.ok(world.stage.replicas.every((machine) => machine.process !== null));
  return changed.map((path) => path.slice(path.indexOf('/') + 1));
}

const damages: readonly (readonly [string, Fault, RegExp])[] = [
  ['rot in the log hits a file of the log', rotInLog, /^data\/log\//],
  ['rot in an engine hits its rows', rotInEngine, /state\.rows$/],
  ['rot in the configuration of a replica hits that', rotInReplicaFile, /replica\.json$/],
  ['a misdirected write hits logs or engines', misdirectedWrite, /^data\/log\/|state\.rows$/],
  ['a missing replica is one whole folder', missingReplica, /^data\/replicas\/1\.[01]\//],
  ['swapped replicas are both', swappedReplicas, /^data\/replicas\/1\.[01]\//],
];

for (const [claim, fault, path] of damages) {
  test(`${claim}, on one machine, and all servers run again`, async () => {
    let hits = 0;
    for (let seed = 0; seed < 10; seed++) {
      const changed = await changedBy(fault, seed);
      for (const each of changed) assert.match(each, path);
      if (changed.length > 0) hits += 1;
    }
    assert.ok(hits > 0, 'something was damaged');
  });
}

test('a copy is taken once and brought back later, and what happened since is forgotten', async () => {
  const world = new World();
  await world.start();
  const a = world.machine('a');
  world.stage.atlas.copies.set('a', { path: 'data', copy: a.disk.damage.copy('data') });
  a.disk.damage.erase('data/log');
  for (const other of world.stage.replicas) if (other !== a) other.pause();
  const active = bringCopyBack(world.stage, new SeededRandom(1));
  assert.equal(a.isDown, true);
  assert.equal(a.disk.damage.isThere('data/log'), true);
  assert.equal(world.stage.atlas.isExcused('a'), true);
  active?.end();
  takeCopy(world.stage, new SeededRandom(1));
  assert.ok(world.stage.atlas.copies.size >= 1);
});

test('one machine is damaged at a time, and nothing else begins until its configurations have left it', async () => {
  const world = new World();
  const { atlas } = world.stage;
  await world.start();
  const [a, b] = [world.machine('a'), world.machine('b')];
  world.isCalm = false;
  assert.equal(atlas.mayDamage(a), false, 'not while others may be in trouble');
  world.isCalm = true;
  assert.equal(atlas.mayDamage(a), true);
  let undone = 0;
  a.kill();
  atlas.onDamaged(a, { forgets: true, undo: () => (undone += 1) });
  assert.equal(atlas.isCritical, true);
  assert.equal(atlas.mayDamage(b), false);
  a.start();
  await world.run(100);
  assert.equal(atlas.isCritical, true, 'it is a member still');
  assert.equal(atlas.isExcused('a'), true);
  assert.equal(atlas.isExcused('b'), false);
  world.configure(2, 'b', ['c']);
  world.configure(3, 'b', ['c', 'a']);
  assert.equal(atlas.isCritical, false, 'it has left, and learned anew');
  assert.equal(undone, 1);
  assert.equal(atlas.isExcused('a'), false);
  assert.equal(atlas.mayDamage(b), true);
});

test('a dropped table has its members still: it may be recalled', async () => {
  const world = new World();
  const { atlas } = world.stage;
  await world.start();
  const seen = { partition: PARTITION, ballot: 2, primary: null, secondaries: [] };
  world.observer.onConfiguration(seen, 'a');
  world.isCalm = false;
  world.machine('a').kill();
  assert.equal(atlas.mayDamage(world.machine('a')), false);
});

test('a machine that is down and member of nothing may be damaged at any time', async () => {
  const world = new World();
  const { atlas } = world.stage;
  await world.start();
  world.isCalm = false;
  world.configure(2, 'b', ['c']);
  assert.equal(atlas.mayDamage(world.machine('a')), false);
  world.machine('a').kill();
  assert.equal(atlas.mayDamage(world.machine('a')), true);
  atlas.onDamaged(world.machine('a'), { forgets: false, undo: NO_UNDO });
  assert.equal(atlas.isCritical, false);
});

test('where acknowledged is not durable, power is cut as damage is done: in a calm moment, on one machine', async () => {
  const world = new World(false);
  await world.start();
  world.isCalm = false;
  assert.equal(powerOffReplica(world.stage, new SeededRandom(1)), null);
  world.isCalm = true;
  const first = powerOffReplica(world.stage, new SeededRandom(1));
  assert.notEqual(first, null);
  assert.equal(powerOffReplica(world.stage, new SeededRandom(2)), null);
  const dark = world.stage.replicas.filter(({ isDown }) => isDown);
  assert.equal(dark.length, 1);
  assert.equal(world.stage.atlas.isExcused(dark[0]!.name), true);
});

test('where acknowledged is not durable, all lose power and at most one of them what was acknowledged', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const world = new World(false);
    await world.start();
    world.isCalm = seed % 2 === 0;
    const { replicas } = world.stage;
    for (const { disk } of replicas) void appendTo(disk, false);
    await world.run(200);
    const before = world.contents();
    assert.notEqual(powerOffAll(world.stage, new SeededRandom(seed)), null);
    assert.ok(replicas.every(({ isDown }) => isDown));
    const excused = replicas.filter(({ name }) => world.stage.atlas.isExcused(name));
    assert.equal(excused.length, world.isCalm ? 1 : 0);
    const after = world.contents();
    for (const [path, content] of before) {
      const isExcused = excused.some(({ name }) => path.startsWith(`${name}/`));
      if (!isExcused) assert.equal(after.get(path), content, path);
    }
  }
});

test('planted: a meta server that reads its journal in spite of rot is found out', async () => {
  const world = new World();
  await world.start();
  const active = rotInMetaJournal(world.stage, new SeededRandom(1));
  await world.run(1000);
  active?.end();
  assert.equal(world.undetected.length, 1);
});

test('a full and a read-only disk keep a server from starting, and it is started again when they end', async () => {
  for (const fault of [fullDisk, readOnlyDisk]) {
    const world = new World();
    await world.start();
    let active = null;
    let victim: AnyMachine | undefined;
    for (let seed = 0; victim === undefined; seed++) {
      active?.end();
      active = fault(world.stage, new SeededRandom(seed));
      victim = world.stage.replicas.find(({ disk }) => disk.isReadOnly || disk.freeBytes === 0);
    }
    victim.kill();
    victim.start();
    await world.run(3000);
    assert.equal(victim.process, null);
    active?.end();
    await world.run(3000);
    assert.notEqual(victim.process, null);
    assert.equal(victim.disk.isReadOnly, false);
  }
});

test('a stalled disk ends nothing before the stall is over, and everything then', async () => {
  const world = new World();
  await world.start();
  const active = stalledDisk(world.stage, new SeededRandom(3))!;
  const ended = new Set<string>();
  for (const { name, disk } of [...world.stage.metas, ...world.stage.replicas]) {
    void disk.list('data').then(() => ended.add(name));
  }
  await world.run(active.durationMs);
  assert.equal(ended.size, world.stage.metas.length + world.stage.replicas.length - 1);
  active.end();
  await world.run(1);
  assert.equal(ended.size, world.stage.metas.length + world.stage.replicas.length);
});

test('a failed sync leaves pages that a power cut may take, which counts as damage', async () => {
  const world = new World();
  await world.start();
  let victim: AnyMachine | undefined;
  for (let seed = 0; victim === undefined; seed++) {
    const active = failedSync(world.stage, new SeededRandom(seed));
    for (const { disk } of world.stage.replicas) void appendTo(disk);
    await world.run(200);
    victim = world.stage.replicas.find(({ disk }) => disk.hasLostPages);
    active?.end();
  }
  world.isCalm = false;
  for (const machine of world.stage.replicas) if (machine !== victim) machine.kill();
  assert.equal(powerOffReplica(world.stage, new SeededRandom(1)), null);
});
