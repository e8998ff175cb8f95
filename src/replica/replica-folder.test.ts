import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { AppStatus, type PartitionConfiguration } from '../model/configuration.ts';
import { type AppId, type Ballot, gpidOf, toNodeId } from '../model/identity.ts';
import { listReplicaFolders, ReplicaFolder, type StoredReplica } from './replica-folder.ts';

const GPID = gpidOf(2, 5);

function stored(ballot: number): StoredReplica {
  const config: PartitionConfiguration = {
    gpid: GPID,
    ballot: ballot as Ballot,
    maxReplicaCount: 3,
    primary: toNodeId('a:1'),
    secondaries: [toNodeId('b:1')],
    learner: null,
  };
  const table = {
    appId: 2 as AppId,
    appName: 'temp',
    appType: 'pegasus',
    status: AppStatus.available,
    partitionCount: 8,
    maxReplicaCount: 3,
    envs: new Map([['default_ttl', '60']]),
    createSeconds: 1,
    dropSeconds: 0,
    expireSeconds: 0,
    atomicIdempotent: false,
    revision: 1,
  };
  return { config, table, tailUnproven: ballot % 2 === 0, copy: ballot + 10 };
}

async function folderOf(disk: MemoryDisk): Promise<ReplicaFolder> {
  const folder = new ReplicaFolder(disk, 'data', GPID);
  await folder.create(stored(1));
  return folder;
}

async function put(disk: MemoryDisk, path: string, text: string): Promise<void> {
  await disk.makeDirectory(path);
  await disk.replaceFile(`${path}/content`, encodeUtf8(text));
}

async function content(disk: MemoryDisk, path: string): Promise<string> {
  return Buffer.from(await disk.readFile(`${path}/content`)).toString();
}

test('the newest configuration is read back as it was written', async () => {
  const disk = new MemoryDisk();
  const folder = await folderOf(disk);
  await folder.write(stored(7));
  assert.deepEqual(await folder.read(), stored(7));
  assert.deepEqual(await listReplicaFolders(disk, 'data'), [GPID]);
});

test('no flipped bit makes another configuration of a stored one', async () => {
  const disk = new MemoryDisk();
  const folder = await folderOf(disk);
  const path = `${folder.path}/replica.json`;
  const { length } = await disk.readFile(path);
  for (let offset = 0; offset < length; offset++) {
    const undo = disk.damage.flipBits(path, [offset], offset % 8);
    const found = await folder.read();
    if (found !== null) assert.deepEqual(found, stored(1));
    undo();
  }
  assert.deepEqual(await folder.read(), stored(1));
});

test('the configuration of another replica is none', async () => {
  const disk = new MemoryDisk();
  const folder = await folderOf(disk);
  const other = new ReplicaFolder(disk, 'data', gpidOf(2, 6));
  await other.create({ ...stored(1), config: { ...stored(1).config, gpid: gpidOf(2, 6) } });
  disk.damage.swap(folder.path, other.path);
  assert.equal(await folder.read(), null);
  assert.equal(await other.read(), null);
});

test('a damaged configuration is no configuration', async () => {
  const disk = new MemoryDisk();
  const folder = await folderOf(disk);
  await disk.replaceFile(`${folder.path}/replica.json`, encodeUtf8('{"format":1,"ballot"'));
  assert.equal(await folder.read(), null);
});

test('a learned checkpoint takes the place of the engine', async () => {
  const disk = new MemoryDisk();
  const folder = await folderOf(disk);
  await put(disk, folder.enginePath, 'old');
  await put(disk, folder.learnPath, 'learned');
  await folder.installLearned();
  assert.equal(await content(disk, folder.enginePath), 'learned');
  const names = (await disk.list(folder.path)).map((entry) => entry.name);
  assert.deepEqual(names, ['engine', 'replica.json']);
});

test('a crash in the middle of the swap is undone', async () => {
  const disk = new MemoryDisk();
  const folder = await folderOf(disk);
  await put(disk, folder.enginePath, 'old');
  await put(disk, folder.learnPath, 'learned');
  await disk.rename(folder.enginePath, `${folder.path}/engine.old`);
  await folder.recover();
  assert.equal(await content(disk, folder.enginePath), 'old');
  assert.equal(await disk.exists(folder.learnPath), false);
});

test('what a learner or a learned checkpoint left behind is cleared away', async () => {
  const disk = new MemoryDisk();
  const folder = await folderOf(disk);
  await put(disk, folder.enginePath, 'new');
  await put(disk, `${folder.path}/engine.old`, 'old');
  await put(disk, folder.servePath('17'), 'served');
  await folder.recover();
  assert.equal(await content(disk, folder.enginePath), 'new');
  const names = (await disk.list(folder.path)).map((entry) => entry.name);
  assert.deepEqual(names, ['engine', 'replica.json']);
});

test('the trash keeps the whole folder', async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory('data/trash');
  const folder = await folderOf(disk);
  await put(disk, folder.enginePath, 'data');
  await folder.trash('1-2');
  assert.equal(await folder.exists(), false);
  assert.equal(await content(disk, 'data/trash/2.5.1-2.gar/engine'), 'data');
});

test('a move to the trash whose sync failed is finished by the next attempt', async () => {
  const disk = new MemoryDisk();
  const folder = await folderOf(disk);
  await disk.makeDirectory('data/trash');
  disk.failNext('sync', 'io', 'trash', 2);
  await assert.rejects(folder.trash('1-2'));
  await assert.rejects(folder.trash('1-3'), 'it is not durable yet');
  await folder.trash('1-4');
  assert.deepEqual(await listReplicaFolders(disk, 'data'), []);
  assert.equal((await disk.list('data/trash')).length, 1);
});
