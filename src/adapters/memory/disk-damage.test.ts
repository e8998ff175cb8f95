import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '../../base/prng.ts';
import { DiskError, type DiskFile } from '../../env/disk.ts';
import { MemoryDisk } from './disk.ts';
import { SECTOR_BYTES } from './disk-file-content.ts';

function append(file: DiskFile, bytes: Uint8Array, sync: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    file.append(bytes, sync, (error) => (error === null ? resolve() : reject(error)));
  });
}

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** Two replicas' folders with a file each, all durable. */
async function twoFolders(): Promise<MemoryDisk> {
  const disk = new MemoryDisk({ capacityBytes: 100_000 });
  for (const [path, value] of [
    ['a', 1],
    ['b', 2],
  ] as const) {
    await disk.makeDirectory(path);
    await disk.replaceFile(`${path}/file`, filled(2_000, value));
  }
  return disk;
}

test('a misdirected write is missing where it belongs and overwrites what it hits, also after a crash', async () => {
  const disk = await twoFolders();
  disk.damage.misdirect('a/file', 512, 512, 'b/file', 1_024);
  disk.crash(new SeededRandom(1));
  const from = await disk.readFile('a/file');
  const hit = await disk.readFile('b/file');
  assert.deepEqual(from.subarray(512, 1_024), filled(512, 0));
  assert.deepEqual(from.subarray(1_024), filled(976, 1));
  assert.deepEqual(hit.subarray(1_024, 1_536), filled(512, 1));
  assert.deepEqual(hit.subarray(1_536), filled(464, 2));
});

test('a misdirected write does not make the file longer that it hits', async () => {
  const disk = await twoFolders();
  disk.damage.misdirect('a/file', 0, 2_000, 'b/file', 1_900);
  assert.equal((await disk.readFile('b/file')).length, 2_000);
});

test('rot can be taken back as long as the file is the same, and no longer', async () => {
  const disk = await twoFolders();
  const undo = disk.damage.flipBits('a/file', [3, 700, 1_999], 6);
  const rotten = await disk.readFile('a/file');
  assert.deepEqual([rotten[3], rotten[700], rotten[1_999], rotten[4]], [65, 65, 65, 1]);
  undo();
  assert.deepEqual(await disk.readFile('a/file'), filled(2_000, 1));
  const late = disk.damage.flipBits('a/file', [3], 0);
  await disk.replaceFile('a/file', filled(2_000, 0));
  late();
  assert.deepEqual(await disk.readFile('a/file'), filled(2_000, 0));
});

test('a misdirected write can be taken back', async () => {
  const disk = await twoFolders();
  disk.damage.misdirect('a/file', 0, 512, 'b/file', 1_900)();
  assert.deepEqual(await disk.readFile('a/file'), filled(2_000, 1));
  assert.deepEqual(await disk.readFile('b/file'), filled(2_000, 2));
});

test('pages whose sync failed count as lost until the file is gone', async () => {
  const disk = new MemoryDisk();
  const file = await disk.open('file', 'create');
  await append(file, filled(600, 5), true);
  assert.equal(disk.hasLostPages, false);
  disk.failNext('sync');
  await assert.rejects(append(file, filled(600, 5), true), DiskError);
  await append(file, filled(600, 6), true);
  assert.equal(disk.hasLostPages, true);
  await disk.remove('file');
  assert.equal(disk.hasLostPages, false);
});

test('erased and swapped folders stay so after a crash, and an erased one gives its room back', async () => {
  const disk = await twoFolders();
  const { freeBytes } = await disk.space('');
  disk.damage.swap('a', 'b');
  disk.crash(new SeededRandom(1));
  assert.equal((await disk.readFile('a/file'))[0], 2);
  assert.equal((await disk.readFile('b/file'))[0], 1);
  disk.damage.erase('a');
  disk.crash(new SeededRandom(2));
  assert.equal(await disk.exists('a'), false);
  assert.equal((await disk.space('')).freeBytes, freeBytes + 2_000);
});

test('an old copy of a folder or of the whole disk comes back as it was, as often as one likes', async () => {
  const disk = await twoFolders();
  const ofFolder = disk.damage.copy('a');
  const ofDisk = disk.damage.copy('');
  for (let round = 0; round < 2; round++) {
    await disk.replaceFile('a/file', filled(3_000, 7));
    await disk.replaceFile('b/other', filled(10, 8));
    disk.damage.restore('a', ofFolder);
    disk.crash(new SeededRandom(round));
    assert.deepEqual(await disk.readFile('a/file'), filled(2_000, 1));
    assert.equal(await disk.exists('b/other'), true);
    disk.damage.restore('', ofDisk);
    disk.crash(new SeededRandom(round));
    assert.equal(await disk.exists('b/other'), false);
    assert.equal((await disk.space('')).freeBytes, 96_000);
  }
});

test('a stale read gives the former content of some sectors once, then the truth again', async () => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = new MemoryDisk();
    await disk.replaceFile('state', filled(4_000, 1));
    await disk.replaceFile('state', filled(5_000, 2));
    disk.staleNext('stat', new SeededRandom(seed));
    const stale = await disk.readFile('state');
    const changed = [...stale.keys()].filter((index) => stale[index] !== 2);
    assert.ok(changed.length > 0);
    assert.equal(changed[0]! % SECTOR_BYTES, 0);
    for (const index of changed) assert.equal(stale[index], index < 4_000 ? 1 : 0);
    assert.deepEqual(await disk.readFile('state'), filled(5_000, 2));
  }
});

test('a stale read through an open file finds appended sectors empty', async () => {
  const disk = new MemoryDisk();
  const file = await disk.open('log', 'create');
  await append(file, filled(512, 5), true);
  disk.staleNext('log', new SeededRandom(3));
  const into = filled(512, 9);
  assert.equal(await file.read(0, into), 512);
  assert.deepEqual(into, filled(512, 0));
  await file.read(0, into);
  assert.deepEqual(into, filled(512, 5));
});

test('a disk that is remounted read-only refuses every change, serves reads, and takes changes again', async () => {
  const disk = await twoFolders();
  const file = await disk.open('a/file', 'append');
  disk.isReadOnly = true;
  const refused = { name: 'DiskError', code: 'permission' };
  const changes: (() => Promise<unknown>)[] = [
    () => append(file, filled(1, 1), true),
    () => file.sync(),
    () => file.truncate(1),
    () => disk.makeDirectory('new'),
    () => disk.replaceFile('a/file', filled(1, 1)),
    () => disk.open('a/file', 'append'),
    () => disk.open('a/other', 'create'),
    () => disk.rename('a', 'c'),
    () => disk.remove('a'),
    () => disk.lock('a/LOCK'),
  ];
  for (const change of changes) await assert.rejects(change, refused);
  await disk.makeDirectory('a');
  assert.deepEqual(await disk.readFile('a/file'), filled(2_000, 1));
  disk.isReadOnly = false;
  await append(file, filled(1, 1), true);
  await disk.remove('a');
});

test('an error on command can be called off', async () => {
  const disk = await twoFolders();
  const callOff = disk.failNext('read', 'io', 'a/', 3);
  await assert.rejects(disk.readFile('a/file'), DiskError);
  callOff();
  await disk.readFile('a/file');
  disk.staleNext('a/', new SeededRandom(1))();
  assert.deepEqual(await disk.readFile('a/file'), filled(2_000, 1));
});

test('between two files un-synced writes and removals are not ordered: any later one may survive alone', async () => {
  const outcomes = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const disk = await twoFolders();
    const first = await disk.open('a/file', 'append');
    const second = await disk.open('b/file', 'append');
    await append(first, filled(512, 3), false);
    await append(second, filled(512, 4), false);
    await disk.remove('a/file');
    await disk.open('b/new', 'create');
    disk.crash(new SeededRandom(seed));
    const a = (await disk.exists('a/file')) ? (await disk.readFile('a/file')).length : 'gone';
    const b = (await disk.readFile('b/file')).length;
    outcomes.add(`${a === 2_000} ${b === 2_512} ${await disk.exists('b/new')}`);
  }
  for (const outcome of ['true true true', 'true true false', 'false false true']) {
    assert.ok(outcomes.has(outcome), outcome);
  }
});
