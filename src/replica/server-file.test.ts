/** No start takes an incarnation for new that its server has had before. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { crc32c } from '../base/crc32c.ts';
import { SeededRandom } from '../base/prng.ts';
import { UserError } from '../base/user-error.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import {
  readServerRecord,
  SERVER_FILE_NAMES,
  type ServerRecord,
  writeServerRecord,
} from './server-file.ts';

const RECORD: ServerRecord = {
  clusterName: 'onebox',
  nodeId: '127.0.0.1:34801',
  incarnation: 7,
  bootId: 'boot',
  durability: 'os',
  tailAtRisk: true,
};
const [FILE, COPY] = SERVER_FILE_NAMES.map((name) => `data/${name}`) as [string, string];

async function written(...records: ServerRecord[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  await disk.makeDirectory('data');
  for (const record of records) await writeServerRecord(disk, 'data', record);
  return disk;
}

async function refusal(disk: MemoryDisk): Promise<string> {
  const error: unknown = await readServerRecord(disk, 'data').then(
    () => assert.fail('it was read'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UserError);
  assert.notEqual(error.remedy, '');
  return error.message;
}

test('what was written is read, and nothing where nobody has written', async () => {
  assert.deepEqual(await readServerRecord(await written(RECORD), 'data'), RECORD);
  assert.equal(await readServerRecord(await written(), 'data'), null);
});

for (const path of [FILE, COPY]) {
  test(`any flipped bit of ${path} is found, and the other file is as good`, async () => {
    const random = new SeededRandom(1);
    const disk = await written(RECORD);
    const bytes = await disk.readFile(path);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const rotten = bytes.slice();
      rotten[bit >> 3]! ^= 1 << (bit & 7);
      if (random.below(8) === 0) rotten[random.below(bytes.length)]! ^= 1 << random.below(8);
      await disk.replaceFile(path, rotten);
      assert.deepEqual(await readServerRecord(disk, 'data'), RECORD, `bit ${bit}`);
    }
  });

  test(`without ${path} the other file is as good`, async () => {
    const disk = await written(RECORD);
    await disk.remove(path);
    assert.deepEqual(await readServerRecord(disk, 'data'), RECORD);
  });
}

test('of two files the one of the later life counts, whichever it is', async () => {
  const disk = await written(RECORD);
  const old = await disk.readFile(FILE);
  await writeServerRecord(disk, 'data', { ...RECORD, incarnation: 8 });
  for (const path of [FILE, COPY]) {
    const present = await disk.readFile(path);
    await disk.replaceFile(path, old);
    assert.equal((await readServerRecord(disk, 'data'))?.incarnation, 8);
    await disk.replaceFile(path, present);
  }
});

test('with both files damaged no incarnation is invented', async () => {
  const disk = await written(RECORD);
  for (const path of [FILE, COPY]) {
    const text = decodeUtf8(await disk.readFile(path));
    await disk.replaceFile(path, encodeUtf8(text.replace('"incarnation":7', '"incarnation":3')));
  }
  assert.match(await refusal(disk), /damaged or missing/);
  await disk.remove(FILE);
  assert.match(await refusal(disk), /damaged or missing/);
});

test('a newer format is told from damage', async () => {
  const disk = await written();
  const content = { more: 1 };
  const checksummed = encodeUtf8(`3 ${JSON.stringify(content)}`);
  const checksum = crc32c(checksummed, 0, checksummed.length);
  await disk.replaceFile(FILE, encodeUtf8(JSON.stringify({ format: 3, checksum, content })));
  assert.match(await refusal(disk), /newer version \(format 3\)/);
  const whole = await written(RECORD);
  const text = decodeUtf8(await whole.readFile(FILE));
  await whole.replaceFile(FILE, encodeUtf8(text.replace('"format":2', '"format":3')));
  assert.deepEqual(await readServerRecord(whole, 'data'), RECORD);
  // Another bit of it was lost as well.
  const worse = text.replace('"format":2', '"format":3').replace('onebox', 'oneboy');
  await whole.replaceFile(FILE, encodeUtf8(worse));
  assert.deepEqual(await readServerRecord(whole, 'data'), RECORD);
});

test('the format before, without checksum and copy, is read, with doubt where it says nothing', async () => {
  const disk = await written();
  const { bootId, durability, tailAtRisk, ...first } = RECORD;
  await disk.replaceFile(FILE, encodeUtf8(JSON.stringify({ format: 1, ...first })));
  const expected = { ...first, bootId: '', durability: 'os', tailAtRisk: false };
  assert.deepEqual(await readServerRecord(disk, 'data'), expected);
  const later = { format: 1, ...first, bootId, durability: 'fsync', tailAtRisk };
  await disk.replaceFile(FILE, encodeUtf8(JSON.stringify(later)));
  assert.deepEqual(await readServerRecord(disk, 'data'), { ...RECORD, durability: 'fsync' });
  await disk.replaceFile(FILE, encodeUtf8('{"format":1,'));
  assert.match(await refusal(disk), /damaged/);
});
