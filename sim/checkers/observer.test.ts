import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualTime } from '../../src/adapters/memory/clock.ts';
import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../../src/adapters/memory/engine.ts';
import type { Engine } from '../../src/env/engine.ts';
import { ReplicaStatus } from '../../src/model/configuration.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { ClusterObserver, type ReplicaView, type ServerView } from './observer.ts';
import { Violations } from './violations.ts';

const PARTITION = '1.0';

/** Puts `key` = decree, and the applied decree with its digest, as one batch. */
function body(decree: number, digest: number, key: number = decree): Uint8Array {
  const bytes = [0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0];
  bytes.push(1, 3, 0, 1, key, 1, decree);
  bytes.push(1, 3, 0xff, 0xff, 0, 12, 0, 0, 0, 0, 0, 0, 0, decree, 0, 0, 0, digest);
  return Uint8Array.from(bytes);
}

function prepare(ballot: number, decree: number, digest: number, key: number = decree): Uint8Array {
  const batch = body(decree, digest, key);
  const payload = new Uint8Array(52 + batch.length);
  const view = new DataView(payload.buffer);
  view.setInt32(0, 1);
  view.setBigInt64(8, BigInt(ballot));
  view.setBigInt64(16, BigInt(decree));
  view.setInt32(40, decree === 1 ? 0 : digest - 1);
  view.setInt32(44, digest);
  view.setUint32(48, batch.length);
  payload.set(batch, 52);
  return payload;
}

function ack(decree: number): Uint8Array {
  const payload = new Uint8Array(36);
  const view = new DataView(payload.buffer);
  view.setInt32(0, 1);
  view.setBigInt64(8, 1n);
  view.setBigInt64(16, BigInt(decree));
  return payload;
}

interface Server {
  view: ReplicaView;
  engine: Engine | null;
  isUp: boolean;
}

class Stage {
  readonly violations: Violations = new Violations(() => {});
  readonly servers: Map<string, Server> = new Map();
  readonly observer: ClusterObserver;

  constructor() {
    const views = ['a', 'b', 'c'].map((name): ServerView => {
      const server: Server = { view: replica(0, 0), engine: null, isUp: true };
      this.servers.set(name, server);
      return {
        name,
        get isUp(): boolean {
          return server.isUp;
        },
        generation: 0,
        replicas: () => [server.view],
        withEngine: (_, look) => {
          if (server.engine !== null) look(server.engine);
          return server.engine !== null;
        },
      };
    });
    this.observer = new ClusterObserver(this.violations, () => 0, views);
    this.configure(1, 'a', ['b']);
  }

  configure(ballot: number, primary: string, secondaries: string[]): void {
    this.observer.onConfiguration({ partition: PARTITION, ballot, primary, secondaries }, 'any');
  }

  prepares(from: string, ballot: number, decree: number, digest: number, key?: number): void {
    const payload = prepare(ballot, decree, digest, key ?? decree);
    this.observer.onFrame(from, 'b', InternalMessage.prepare, payload);
  }

  set(name: string, view: ReplicaView): void {
    this.servers.get(name)!.view = view;
  }

  kinds(): string[] {
    this.observer.look();
    return this.violations.all.map(({ kind }) => kind);
  }
}

function replica(committed: number, logged: number): ReplicaView {
  return {
    partition: PARTITION,
    status: ReplicaStatus.secondary,
    ballot: 1,
    persistedBallot: 1,
    lastCommittedDecree: committed,
    lastPreparedDecree: logged,
    digestAt: (decree) => (decree === 0 ? 0 : decree + 10),
  };
}

/** Decrees 1 … 3 with digests 11 … 13, committed by the primary `a`, logged by `b`. */
function threeWrites(): Stage {
  const stage = new Stage();
  for (let decree = 1; decree <= 3; decree++) stage.prepares('a', 1, decree, decree + 10);
  stage.set('a', replica(3, 3));
  stage.set('b', replica(2, 3));
  return stage;
}

test('a partition that does everything right is left alone', () => {
  assert.deepEqual(threeWrites().kinds(), []);
});

test('planted: two servers prepare under one ballot', () => {
  const stage = threeWrites();
  stage.prepares('b', 1, 4, 14);
  assert.deepEqual(stage.kinds(), ['V4-one-primary-per-ballot']);
});

test('planted: commit before all members have it', () => {
  const stage = threeWrites();
  stage.set('b', replica(2, 2));
  assert.deepEqual(stage.kinds(), ['V5-commit-invariant']);
});

test('planted: a member has another mutation under the decree that is committed', () => {
  const stage = threeWrites();
  const digestAt = (decree: number): number => (decree === 3 ? 99 : decree + 10);
  stage.set('b', { ...replica(2, 3), digestAt });
  assert.deepEqual(stage.kinds(), ['V5-commit-invariant']);
});

test('planted: a replica goes on from another mutation than the one that is committed', () => {
  const stage = threeWrites();
  const digestAt = (decree: number): number => (decree === 2 ? 99 : decree + 10);
  stage.set('b', { ...replica(3, 3), digestAt });
  assert.deepEqual(stage.kinds(), ['V6-one-digest-per-decree']);
});

test('planted: two replicas commit different mutations at one decree', () => {
  const stage = threeWrites();
  stage.prepares('b', 2, 3, 23);
  const digestAt = (decree: number): number => (decree === 3 ? 23 : decree + 10);
  stage.set('b', { ...replica(3, 3), digestAt });
  assert.deepEqual(stage.kinds(), ['V6-one-digest-per-decree', 'V5-commit-invariant']);
});

test('planted: one digest, two bodies', () => {
  const stage = threeWrites();
  stage.prepares('a', 1, 3, 13, 77);
  assert.deepEqual(stage.kinds(), ['V6-one-digest-per-decree']);
});

test('planted: a member comes back without what it had acknowledged', () => {
  for (const [logged, expected] of [
    [3, []],
    [2, ['V8-log-continuity']],
  ] as const) {
    const stage = threeWrites();
    stage.observer.onFrame('b', 'a', InternalMessage.prepareAck, ack(3));
    stage.observer.onServerDies('b');
    stage.servers.get('b')!.isUp = false;
    stage.set('c', replica(3, 3));
    stage.configure(2, 'a', ['c']);
    stage.servers.get('b')!.isUp = true;
    stage.set('b', replica(2, logged));
    stage.observer.onServerStarted('b');
    assert.deepEqual(stage.kinds(), expected);
  }
});

test('planted: a member comes back with an older ballot than it had acknowledged under', () => {
  const stage = threeWrites();
  stage.observer.onFrame('b', 'a', InternalMessage.prepareAck, ack(3));
  stage.observer.onServerDies('b');
  stage.set('b', { ...replica(2, 3), ballot: 0 });
  stage.observer.onServerStarted('b');
  assert.deepEqual(stage.kinds(), ['V8-log-continuity']);
});

test('less than a majority of three is below the write floor, unless the table ever wanted less', () => {
  const stage = new Stage();
  const seen = { partition: '2.0', primary: 'a', replicaCount: 3 };
  stage.observer.onConfiguration({ ...seen, ballot: 2, secondaries: ['b'] }, 'any');
  stage.observer.onConfiguration({ ...seen, ballot: 3, secondaries: [] }, 'any');
  const below = (): number[] =>
    [2, 3].filter((ballot) => stage.observer.isBelowFloor('2.0', ballot));
  assert.deepEqual(below(), [3]);
  stage.observer.onConfiguration({ ...seen, ballot: 3, secondaries: [], replicaCount: 2 }, 'any');
  assert.deepEqual(below(), []);
});

test('planted: a learner that lacks a committed decree becomes secondary', () => {
  const stage = threeWrites();
  stage.set('c', replica(2, 2));
  stage.configure(2, 'a', ['b', 'c']);
  assert.ok(stage.kinds().includes('V10-early-promotion'));
});

test('planted: one ballot with two sets of members', () => {
  const stage = threeWrites();
  stage.configure(1, 'a', ['c']);
  assert.deepEqual(stage.kinds(), ['V12-configuration']);
});

test('a decision that the meta server lost is void if no server has stored it, and only then', () => {
  const isStored = (ballot: number): string[] => {
    const stage = threeWrites();
    stage.set('b', { ...replica(3, 3), ballot });
    stage.configure(2, 'a', []);
    stage.observer.onMetaRestored();
    stage.configure(1, 'a', ['b']);
    stage.configure(2, 'b', []);
    return stage.kinds();
  };
  assert.deepEqual(isStored(1), []);
  assert.deepEqual(isStored(2), ['V12-configuration', 'V12-configuration']);
});

test('planted: an engine that lacks a part of a decree, or has applied what is not committed', async () => {
  const time = new VirtualTime();
  const disk = new MemoryDisk();
  const engines = new MemoryEngineFactory({ disk, timers: time, clock: null, mayBlock: null });
  const stage = threeWrites();
  const engine = await engines.open('engine');
  stage.servers.get('a')!.engine = engine;
  for (let decree = 1; decree <= 3; decree++) engine.write(body(decree, decree + 10));
  assert.deepEqual(stage.kinds(), []);
  assert.equal(stage.observer.contentComparisons, 1);
  // The row of decree 2 is gone, the applied decree says 3.
  const torn = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3, 0, 1, 2]);
  engine.write(torn);
  stage.observer.compareAllContents();
  assert.deepEqual(stage.kinds(), ['V9-torn-decree']);
});
