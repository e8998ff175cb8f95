import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { type AppInfo, AppStatus } from '../model/configuration.ts';
import { type Ballot, gpidOf } from '../model/identity.ts';
import { ConfigurationKeeper } from './configuration-keeper.ts';
import { ReplicaFolder, type StoredReplica } from './replica-folder.ts';

const GPID = gpidOf(2, 1);
const TABLE: AppInfo = {
  appId: 2,
  appName: 'temp',
  appType: 'pegasus',
  status: AppStatus.available,
  partitionCount: 4,
  maxReplicaCount: 3,
  envs: new Map(),
  createSeconds: 0,
  dropSeconds: 0,
  expireSeconds: 0,
  atomicIdempotent: false,
  revision: 1,
};

function stored(ballot: number): StoredReplica {
  const config = {
    gpid: GPID,
    ballot: ballot as Ballot,
    maxReplicaCount: 3,
    primary: null,
    secondaries: [],
    learner: null,
  };
  return { config, table: TABLE, tailUnproven: false, copy: 1 };
}

async function keeperOnDisk() {
  const time = new VirtualTime();
  const disk = new MemoryDisk({ timers: time });
  const folder = new ReplicaFolder(disk, 'data', GPID);
  await time.run(disk.makeDirectory(folder.path));
  const persisted: number[] = [];
  const failures: string[] = [];
  const keeper = new ConfigurationKeeper(folder, {
    onPersisted: (ballot) => persisted.push(ballot),
    onPersistFailed: (reason) => failures.push(reason),
  });
  return { time, disk, folder, keeper, persisted, failures };
}

test('a disk without room holds the ballot back, and it follows by itself when there is some', async () => {
  const { time, disk, folder, keeper, persisted, failures } = await keeperOnDisk();
  disk.failNext('append', 'full', 'replica.json');
  keeper.persist(stored(3));
  await time.advance(10);
  assert.deepEqual(persisted, []);
  keeper.persist(stored(4));
  keeper.onTick(1_000);
  await time.advance(10);
  assert.deepEqual(persisted, [4]);
  assert.deepEqual(failures, []);
  assert.equal((await time.run(folder.read()))?.config.ballot, 4);
});

test('any other failure ends the replica, and no ballot is called durable', async () => {
  const { time, disk, keeper, persisted, failures } = await keeperOnDisk();
  disk.failNext('sync', 'io', 'replica.json');
  keeper.persist(stored(3));
  await time.advance(10);
  assert.deepEqual(persisted, []);
  assert.equal(failures.length, 1);
});
