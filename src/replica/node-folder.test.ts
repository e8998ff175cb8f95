import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { UserError } from '../base/user-error.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { toNodeId } from '../model/identity.ts';
import { openNodeFolder } from './node-folder.ts';

const NODE = toNodeId('127.0.0.1:34801');

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => assert.fail('it was accepted'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UserError);
  assert.notEqual(error.remedy, '');
  return error.message;
}

test('the incarnation grows with every start', async () => {
  const disk = new MemoryDisk();
  const first = await openNodeFolder(disk, 'data', 'one', NODE);
  assert.equal(first.incarnation, 1);
  await first.lock.release();
  assert.equal((await openNodeFolder(disk, 'data', 'one', NODE)).incarnation, 2);
});

test('a second server on the folder is refused', async () => {
  const disk = new MemoryDisk();
  await openNodeFolder(disk, 'data', 'one', NODE);
  assert.match(
    await refusal(openNodeFolder(disk, 'data', 'one', NODE)),
    /Another server is running/,
  );
});

test('the folder of another cluster, server or program is refused and left as it is', async () => {
  const disk = new MemoryDisk();
  const own = await openNodeFolder(disk, 'data', 'one', NODE);
  await own.lock.release();
  const before = await disk.readFile('data/server.json');
  assert.match(
    await refusal(openNodeFolder(disk, 'data', 'two', NODE)),
    /cluster 'one', not to 'two'/,
  );
  const other = toNodeId('127.0.0.1:34802');
  assert.match(await refusal(openNodeFolder(disk, 'data', 'one', other)), /not to 127.0.0.1:34802/);
  assert.deepEqual(await disk.readFile('data/server.json'), before);

  await disk.makeDirectory('foreign');
  await disk.replaceFile('foreign/letters.txt', encodeUtf8('dear diary'));
  assert.match(
    await refusal(openNodeFolder(disk, 'foreign', 'one', NODE)),
    /not made by a replica/,
  );
  assert.deepEqual(
    (await disk.list('foreign')).map((entry) => entry.name),
    ['letters.txt'],
  );
});

test('a refused folder is not left locked', async () => {
  const disk = new MemoryDisk();
  await (await openNodeFolder(disk, 'data', 'one', NODE)).lock.release();
  await refusal(openNodeFolder(disk, 'data', 'two', NODE));
  await openNodeFolder(disk, 'data', 'one', NODE);
});

test('a tail is at risk after another boot of the machine, unless every write was synced', async () => {
  const disk = new MemoryDisk();
  const start = async (bootId: string, durability: 'fsync' | 'os', settles = true) => {
    const folder = await openNodeFolder(disk, 'data', 'one', NODE, { bootId, durability });
    if (settles) await folder.settleTails();
    await folder.lock.release();
    return folder.isTailAtRisk;
  };
  assert.equal(await start('boot 1', 'os'), false, 'there was nothing before');
  assert.equal(await start('boot 1', 'os'), false, 'a killed process loses nothing');
  assert.equal(await start('boot 2', 'fsync'), true);
  assert.equal(await start('boot 3', 'os'), false, 'the life before had synced all');
  assert.equal(await start('', 'os'), true, 'who cannot tell boots apart must doubt');
  assert.equal(await start('', 'fsync'), true);
  assert.equal(await start('', 'fsync'), false);
});

test('a doubt that was not written down with the replicas is passed on to the next life', async () => {
  const disk = new MemoryDisk();
  const start = async (bootId: string) => {
    const folder = await openNodeFolder(disk, 'data', 'one', NODE, { bootId, durability: 'os' });
    await folder.lock.release();
    return folder;
  };
  await start('boot 1');
  assert.equal((await start('boot 2')).isTailAtRisk, true);
  const last = await start('boot 2');
  assert.equal(last.isTailAtRisk, true);
  await last.settleTails();
  assert.equal((await start('boot 2')).isTailAtRisk, false);
});

test('a first start that was killed before it had written who it is leaves a folder as good as new', async () => {
  const disk = new MemoryDisk();
  await disk.makeDirectory('data');
  await disk.replaceFile('data/server.json.tmp', encodeUtf8('{"form'));
  assert.equal((await openNodeFolder(disk, 'data', 'one', NODE)).incarnation, 1);
});
