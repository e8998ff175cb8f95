/** What becomes of a server whose log has no room, or has failed. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { LogWorld, Partition } from '../../test/log/log-world.ts';
import type { Decree } from '../model/identity.ts';
import { LogKeeper, type LogUser } from './log-keeper.ts';

class World extends LogWorld {
  readonly partition: Partition = new Partition(1, 0);
  readonly failed: string[] = [];
  readonly yielded: string[] = [];
  readonly replayed: number[] = [];
  disowned = 0;
  /** The replica is on this server. */
  hasCopies = true;
  readonly keeper: LogKeeper;

  constructor() {
    super();
    const replica: LogUser = {
      gpid: this.partition.gpid,
      isDeaf: false,
      core: {
        fail: (reason) => this.failed.push(reason),
        yieldLeadership: (reason) => this.yielded.push(reason),
      },
      copy: 7,
      onReplay: (mutation) => this.replayed.push(mutation.decree),
      disown: () => {
        this.disowned += 1;
        return Promise.resolve();
      },
      settled: () => Promise.resolve(),
      inspect: () => ({ durableDecree: 0 }),
      flush: () => Promise.resolve(),
    };
    const world = this;
    const users = {
      replicas: () => (world.hasCopies ? [replica] : []),
      find: () => (world.hasCopies ? replica : null),
      get hasCopies(): boolean {
        return world.hasCopies;
      },
    };
    const limits = {
      logSegmentBytesMax: 1 << 20,
      logCongestedBytes: 1 << 20,
      logBytesMax: 1 << 20,
    };
    this.keeper = new LogKeeper(this.environment, limits, 'data', users, () => 'stamp');
  }

  async begin(): Promise<void> {
    await this.time.run(this.disk.makeDirectory('data/trash'));
    await this.time.run(this.keeper.open());
    this.keeper.forgiveDamage();
  }

  write(): void {
    this.keeper.current.append(this.partition.make(), this.partition, true);
  }

  async tick(): Promise<void> {
    await this.time.advance(1_000);
    this.keeper.onTick(this.time.monotonicMs());
    await this.time.advance(10);
  }
}

test('a failed sync fails the replicas, and their log stays as long as one of their copies is here', async () => {
  const world = new World();
  await world.begin();
  world.write();
  await world.tick();
  world.disk.failNext('sync', 'io', '.log');
  world.write();
  await world.tick();
  assert.equal(world.failed.length, 1);
  assert.equal(world.keeper.condition, 'failed');
  await world.tick();
  assert.equal(world.keeper.condition, 'failed', 'it may be the last good copy');
  assert.equal(await world.time.run(world.disk.exists('data/trash/log.stamp')), false);
});

test('once the last of them is in the trash the log follows, and a new one takes appends', async () => {
  const world = new World();
  await world.begin();
  world.disk.failNext('sync', 'io', '.log');
  world.write();
  await world.tick();
  const failedLog = world.keeper.current;
  world.hasCopies = false;
  await world.tick();
  assert.equal(world.keeper.condition, 'ok');
  assert.notEqual(world.keeper.current, failedLog);
  assert.equal(await world.time.run(world.disk.exists('data/trash/log.stamp')), true);
  world.partition.goBack(0);
  world.write();
  await world.time.run(world.partition.untilAcked(1));
});

test('a disk that refuses a new log is asked again', async () => {
  const world = new World();
  await world.begin();
  world.disk.failNext('sync', 'io', '.log');
  world.write();
  await world.tick();
  world.hasCopies = false;
  world.disk.failNext('metadata', 'io', 'data/log');
  await world.tick();
  assert.equal(world.keeper.condition, 'failed');
  await world.tick();
  await world.tick();
  assert.equal(world.keeper.condition, 'ok');
});

test('a log without room makes its replicas yield after a second, and no more when there is room', async () => {
  const world = new World();
  await world.begin();
  world.write();
  await world.tick();
  const callOff = world.disk.failNext('append', 'full', '.log', 1_000);
  world.write();
  await world.tick();
  assert.equal(world.keeper.condition, 'full');
  assert.deepEqual(world.yielded, [], 'a moment is no reason');
  await world.tick();
  assert.equal(world.yielded.length, 1);
  callOff();
  await world.tick();
  await world.tick();
  assert.equal(world.keeper.condition, 'ok');
  assert.equal(world.partition.acked.length, 2, 'what waited is logged');
  assert.deepEqual(world.failed, []);
});

for (const [firstCopy, disowned, why] of [
  [6, 0, 'a copy that was made after a removal takes only what was logged since'],
  [8, 1, 'a copy that is older than a removal is not to be trusted'],
] as const) {
  test(why, async () => {
    const world = new World();
    const { partition } = world;
    await world.replay();
    await world.append(partition, 3, true);
    world.log.appendReset(partition.gpid, 0 as Decree, true, firstCopy);
    partition.decree = 0;
    partition.digests.length = 1;
    await world.append(partition, 2, true);
    world.kill();
    await world.begin();
    assert.deepEqual(world.replayed, [1, 2]);
    assert.equal(world.disowned, disowned);
  });
}

test('a server on a disk that became read-only can be stopped', async () => {
  const world = new World();
  await world.begin();
  world.write();
  await world.tick();
  world.disk.isReadOnly = true;
  await world.time.run(world.keeper.close());
  assert.ok(world.events.includes('replica.log.close_failed'));
});
