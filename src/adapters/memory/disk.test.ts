import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '../../base/prng.ts';
import { DiskError, type DiskFile } from '../../env/disk.ts';
import { VirtualTime } from './clock.ts';
import { MemoryDisk } from './disk.ts';

function append(file: DiskFile, bytes: Uint8Array, sync: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    file.append(bytes, sync, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Content after a crash, for many seeds; null where the file is gone. */
async function outcomes(
  prepare: (disk: MemoryDisk) => Promise<void>,
): Promise<(Uint8Array | null)[]> {
  const found: (Uint8Array | null)[] = [];
  for (let seed = 0; seed < 200; seed++) {
    const disk = new MemoryDisk();
    await prepare(disk);
    disk.crash(new SeededRandom(seed));
    found.push((await disk.exists('file')) ? await disk.readFile('file') : null);
  }
  return found;
}

test('synced bytes in a synced folder survive every crash', async () => {
  const content = new Uint8Array(5_000).fill(9);
  const found = await outcomes(async (disk) => {
    const file = await disk.open('file', 'create');
    await append(file, content, true);
    await disk.syncDirectory('');
    await append(file, new Uint8Array(3_000).fill(8), false);
  });
  const lengths = new Set<number>();
  for (const bytes of found) {
    assert.ok(bytes !== null);
    assert.deepEqual(bytes.subarray(0, 5_000), content);
    lengths.add(bytes.length);
  }
  assert.ok(lengths.has(5_000) && lengths.has(8_000) && lengths.size > 10);
});

test('of un-synced bytes any subset of sectors may survive, also a later one without an earlier', async () => {
  const found = await outcomes(async (disk) => {
    const file = await disk.open('file', 'create');
    await append(file, new Uint8Array(100).fill(9), true);
    await disk.syncDirectory('');
    await append(file, new Uint8Array(4_000).fill(8), false);
  });
  const hasHole = found.some((bytes) => {
    assert.ok(bytes !== null);
    return bytes[200] !== 8 && bytes.subarray(512).includes(8);
  });
  assert.ok(hasHole);
});

test('a created file may be gone unless its folder was synced', async () => {
  const found = await outcomes(async (disk) => {
    const file = await disk.open('file', 'create');
    await append(file, new Uint8Array(10), true);
  });
  assert.ok(found.includes(null));
  assert.ok(found.some((bytes) => bytes !== null));
});

test('a removed file may be back unless its folder was synced', async () => {
  const prepare = async (disk: MemoryDisk): Promise<void> => {
    const file = await disk.open('file', 'create');
    await append(file, new Uint8Array(10), true);
    await disk.syncDirectory('');
    await disk.remove('file');
  };
  const found = await outcomes(prepare);
  assert.ok(found.includes(null));
  assert.ok(found.some((bytes) => bytes !== null));
  const synced = await outcomes(async (disk) => {
    await prepare(disk);
    await disk.syncDirectory('');
  });
  assert.ok(synced.every((bytes) => bytes === null));
});

test('a replaced file is old or new at whatever step the crash comes, and new once it resolved', async () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 300; seed++) {
    const random = new SeededRandom(seed);
    const time = new VirtualTime();
    const disk = new MemoryDisk({ timers: time });
    await time.run(disk.replaceFile('state', new Uint8Array(2_000).fill(1)));
    disk.latencyMs = () => 1;
    let resolved = false;
    void disk.replaceFile('state', new Uint8Array(2_000).fill(2)).then(() => {
      resolved = true;
    });
    await time.advance(random.below(12));
    disk.crash(random);
    const content = await time.run(disk.readFile('state'));
    assert.equal(content.length, 2_000);
    assert.ok(content.every((byte) => byte === content[0]));
    if (resolved) assert.equal(content[0], 2);
    seen.add(content[0]!);
  }
  assert.deepEqual([...seen].sort(), [1, 2]);
});

test('after a failed sync the bytes are readable, a later sync succeeds, and a crash may still lose them', async () => {
  const found = await outcomes(async (disk) => {
    const file = await disk.open('file', 'create');
    await disk.syncDirectory('');
    disk.failNext('sync');
    await assert.rejects(append(file, new Uint8Array(600).fill(5), true), DiskError);
    await append(file, new Uint8Array(600).fill(6), true);
    assert.equal((await disk.readFile('file'))[0], 5);
  });
  assert.ok(found.some((bytes) => bytes !== null && bytes[0] !== 5));
  assert.ok(found.every((bytes) => bytes !== null && bytes[1_100] === 6));
});

test('a truncation that was not synced may be undone', async () => {
  const found = await outcomes(async (disk) => {
    const file = await disk.open('file', 'create');
    await append(file, new Uint8Array(1_000).fill(5), true);
    await disk.syncDirectory('');
    await file.truncate(10);
  });
  assert.deepEqual(new Set(found.map((bytes) => bytes?.length)), new Set([10, 1_000]));
});

test('a full disk takes a part of the append and has room again after a removal', async () => {
  const disk = new MemoryDisk({ capacityBytes: 1_000 });
  const file = await disk.open('file', 'create');
  await append(file, new Uint8Array(900), false);
  await assert.rejects(append(file, new Uint8Array(200), false), { code: 'full' });
  assert.equal(file.size, 1_000);
  assert.equal((await disk.space('')).freeBytes, 0);
  await file.close();
  await disk.remove('file');
  assert.equal((await disk.space('')).freeBytes, 1_000);
});

test('operations take their virtual time and nothing of a former life completes', async () => {
  const time = new VirtualTime();
  const disk = new MemoryDisk({ timers: time });
  const file = await time.run(disk.open('file', 'create'));
  disk.latencyMs = (operation) => (operation === 'sync' ? 10 : 1);
  const startMs = time.monotonicMs();
  await time.run(append(file, new Uint8Array(1), true));
  assert.equal(time.monotonicMs() - startMs, 11);
  let completed = false;
  file.append(new Uint8Array(1), true, () => {
    completed = true;
  });
  disk.crash(new SeededRandom(1));
  await time.advance(100);
  assert.equal(completed, false);
});

test('a kill closes files and locks but the machine still writes what it was given', async () => {
  const disk = new MemoryDisk();
  const file = await disk.open('file', 'create');
  await append(file, new Uint8Array(10).fill(1), false);
  await disk.lock('LOCK');
  disk.kill();
  assert.equal((await disk.readFile('file')).length, 10);
  await (await disk.lock('LOCK')).release();
  await assert.rejects(file.sync(), { code: 'closed' });
});

test('the same seed gives the same crash', async () => {
  const run = async (): Promise<Uint8Array> => {
    const disk = new MemoryDisk();
    const file = await disk.open('file', 'create');
    await disk.syncDirectory('');
    await append(file, new Uint8Array(9_000).fill(3), false);
    disk.crash(new SeededRandom(77));
    return await disk.readFile('file');
  };
  assert.deepEqual(await run(), await run());
});

test('what was written back survives every crash, though nobody has synced it', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const disk = new MemoryDisk();
    await disk.makeDirectory('folder');
    const file = await disk.open('folder/file', 'append');
    await new Promise<void>((resolve) => file.append(new Uint8Array(5000), false, () => resolve()));
    disk.writeBack();
    disk.crash(new SeededRandom(seed));
    assert.equal((await disk.readFile('folder/file')).length, 5000);
  }
});
