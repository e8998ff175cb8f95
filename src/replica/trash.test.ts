/** What was put aside stays for its time, then goes, and can be brought back until then. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { AppStatus } from '../model/configuration.ts';
import { gpidOf, toBallot } from '../model/identity.ts';
import { ReplicaFolder, type StoredReplica } from './replica-folder.ts';
import { writeServerRecord } from './server-file.ts';
import { emptyTrash, listTrash, parseTrashName, restoreTrashed } from './trash.ts';

const DAY_MS = 86_400_000;
const HOLDS = { trashRemovedHoldMs: DAY_MS, trashFailedHoldMs: 7 * DAY_MS };
const NOW_MS = 1_800_000_000_000;

async function folderWith(names: readonly string[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  for (const folder of ['replicas', 'trash']) await disk.makeDirectory(`data/${folder}`);
  for (const name of names) {
    await disk.makeDirectory(`data/trash/${name}`);
    await disk.replaceFile(`data/trash/${name}/file`, Uint8Array.of(1));
  }
  return disk;
}

async function namesIn(disk: MemoryDisk): Promise<string[]> {
  return (await disk.list('data/trash')).map(({ name }) => name);
}

test('copies that were removed or not finished go after a day, what had failed after a week', async () => {
  const at = NOW_MS - 2 * DAY_MS;
  const gone = [`2.5.7-${at}.gar`, `2.6.7-${at}.tmp`, `2.7.7-${at}`];
  const held = [`2.8.7-${at}.err`, `log.7-${at}`, `3.0.7-${NOW_MS - 1}.gar`, 'mine', '2.5.bak'];
  const disk = await folderWith([...gone, ...held]);
  assert.deepEqual((await emptyTrash(disk, 'data', HOLDS, NOW_MS)).sort(), [...gone].sort());
  assert.deepEqual(await namesIn(disk), [...held].sort());
  await emptyTrash(disk, 'data', HOLDS, NOW_MS + 8 * DAY_MS);
  assert.deepEqual(await namesIn(disk), ['2.5.bak', 'mine'], 'what is somebody else’s stays');
});

test('names tell what it was and when it was put aside; the list begins with the oldest', async () => {
  const gpid = gpidOf(2, 5);
  assert.deepEqual(parseTrashName('2.5.7-100.err'), {
    name: '2.5.7-100.err',
    kind: 'err',
    gpid,
    trashedMs: 100,
  });
  assert.equal(parseTrashName('2.5.7-100')?.kind, 'gar');
  assert.equal(parseTrashName('log.7-100')?.kind, 'log');
  for (const name of ['2.5', 'log.7-100.gar', '2.5.7-100.bak', '../2.5.7-100']) {
    assert.equal(parseTrashName(name), null, name);
  }
  const disk = await folderWith(['2.5.7-200.gar', '2.6.7-100.gar']);
  const names = (await listTrash(disk, 'data')).map(({ name }) => name);
  assert.deepEqual(names, ['2.6.7-100.gar', '2.5.7-200.gar']);
});

test('a copy is brought back with a number above all others and a tail in doubt, where none is in its place', async () => {
  const disk = await folderWith([]);
  const gpid = gpidOf(2, 5);
  const stored: StoredReplica = {
    config: {
      gpid,
      ballot: toBallot(4),
      maxReplicaCount: 3,
      primary: null,
      secondaries: [],
      learner: null,
    },
    table: {
      appId: 2,
      appName: 'temp',
      appType: 'pegasus',
      status: AppStatus.available,
      partitionCount: 8,
      maxReplicaCount: 3,
      envs: new Map(),
      createSeconds: 1,
      dropSeconds: 0,
      expireSeconds: 0,
      atomicIdempotent: false,
      revision: 1,
    },
    tailUnproven: false,
    copy: 5,
  };
  await writeServerRecord(disk, 'data', {
    clusterName: 'c',
    nodeId: 'a:1',
    incarnation: 3,
    bootId: '',
    durability: 'fsync',
    tailAtRisk: false,
  });
  const folder = new ReplicaFolder(disk, 'data', gpid);
  await folder.create(stored);
  await folder.trash('3-100');
  await folder.create({ ...stored, copy: 6 });
  await assert.rejects(restoreTrashed(disk, 'data', '2.5.3-100.gar'), /holds a copy/);
  await folder.trash('3-200');

  const lock = await disk.lock('data/server.lock');
  await assert.rejects(restoreTrashed(disk, 'data', '2.5.3-100.gar'), /server is running/);
  await lock.release();
  await assert.rejects(restoreTrashed(disk, 'data', '2.6.3-100.gar'), /no copy/);
  assert.deepEqual(await restoreTrashed(disk, 'data', '2.5.3-100.gar'), gpid);
  assert.deepEqual(await folder.read(), {
    ...stored,
    tailUnproven: true,
    copy: 4 * 0x100000000 - 1,
  });
});
