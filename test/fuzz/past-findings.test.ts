/** What campaigns have found, each told once more: input whose checksums hold, over what nobody has written. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { crc32c } from '../../src/base/crc32c.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import { decodeRecord, StateFormatError } from '../../src/cluster/records.ts';
import { tableFromWire } from '../../src/model/configuration-wire.ts';
import { type Decree, gpidOf } from '../../src/model/identity.ts';
import { ReplicaFolder } from '../../src/replica/replica-folder.ts';
import { decodeManifest, encodeManifest } from '../../src/storage/log/log-manifest.ts';
import { makeTableInfo } from '../../src/wire/generated/internal.ts';
import { WireError } from '../../src/wire/types.ts';
import { LogWorld, Partition } from '../log/log-world.ts';
import { LogTarget } from './log-target.ts';

test('a record of a partition that breaks its own rules is no format that is known', () => {
  const whole = {
    ballot: 3,
    replicas: 3,
    primary: 'a:1',
    secondaries: ['b:1'],
    seats: [],
    materialised: [],
    drops: [],
    dormant: [],
    committedDecree: 7,
  };
  const decode = (fields: object): unknown =>
    decodeRecord({ key: 'partition/1/0', value: encodeUtf8(JSON.stringify(fields)) });
  assert.notEqual(decode(whole), null);
  for (const wrong of [
    { ballot: -1 },
    { replicas: 0 },
    { primary: '' },
    { primary: 'b:1' },
    { secondaries: ['b:1', 'b:1'] },
  ]) {
    assert.throws(() => decode({ ...whole, ...wrong }), StateFormatError);
  }
});

test('a table that another server tells of has a number of partitions that there can be', () => {
  const info = { ...makeTableInfo(), appId: 1, partitionCount: 8, maxReplicaCount: 3 };
  assert.equal(tableFromWire(info).partitionCount, 8);
  for (const wrong of [{ appId: 0 }, { partitionCount: 6 }, { partitionCount: 2 ** 30 }]) {
    assert.throws(() => tableFromWire({ ...info, ...wrong }), WireError);
  }
});

test('replica.json without what a server needs is damaged, whatever its checksum says', async () => {
  const disk = new MemoryDisk();
  const folder = new ReplicaFolder(disk, 'data', gpidOf(1, 0));
  await disk.makeDirectory(folder.path);
  const table = { appId: 1, partitionCount: 8, maxReplicaCount: 3, envs: {} };
  const whole = {
    gpid: '1.0',
    ballot: 3,
    maxReplicaCount: 3,
    primary: null,
    secondaries: [],
    table,
  };
  const read = async (content: object): Promise<unknown> => {
    const text = encodeUtf8(JSON.stringify(content));
    const file = { format: 2, checksum: crc32c(text, 0, text.length), content };
    await disk.replaceFile(`${folder.path}/replica.json`, encodeUtf8(JSON.stringify(file)));
    return await folder.read();
  };
  assert.notEqual(await read(whole), null);
  for (const wrong of [
    { ballot: 'x' },
    { secondaries: 'b:1' },
    { primary: 5 },
    { table: null },
    { table: { ...table, envs: null } },
    { table: { ...table, partitionCount: 3 } },
  ]) {
    assert.equal(await read({ ...whole, ...wrong }), null);
  }
});

test('a manifest of the log whose numbers are none is damaged', () => {
  const logId = { high: 1, low: 2 };
  const numbers = { firstSegment: 1, firstSequence: 0, lastSegment: 2, lastSequence: 9 };
  const bytes = encodeManifest({ logId, ...numbers, durableSequence: 5, isClosed: false });
  assert.notEqual(decodeManifest(bytes, 'MANIFEST'), null);
  bytes[47] = 0xff;
  const view = new DataView(bytes.buffer);
  view.setUint32(56, crc32c(bytes, 0, 56), true);
  assert.equal(decodeManifest(bytes, 'MANIFEST'), null);
});

/** A log of one block in one segment, changed at `at`, all checksums made to hold. */
async function replayChanged(at: number, value: number): Promise<LogWorld> {
  const world = new LogWorld();
  await world.replay();
  await world.append(new Partition(1, 0), 2, true);
  await world.time.run(world.log.close());
  const path = (await world.segmentFiles())[0]!.path;
  const bytes = await world.time.run(world.disk.readFile(path));
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value, true);
  const changed = new LogTarget('any', 1, 0).repair(bytes);
  await world.time.run(world.disk.replaceFile(path, changed));
  const { report } = await world.restart();
  assert.equal(report.damages.length, 1);
  return world;
}

test('a log with numbers that none of its records can have is damaged, and the server starts', async () => {
  const block = 0;
  const record = 48;
  for (const [at, value] of [
    // Sequence of the block, and what it says is durable.
    [block + 28, 0xffffffff],
    [block + 36, 0xffffffff],
    // Table, partition, ballot, decree, commit point.
    [record + 8, 0],
    [record + 12, 0xffffffff],
    [record + 20, 0xffffffff],
    [record + 24, 0],
    [record + 32, 1],
  ] as const) {
    await replayChanged(at, value);
  }
});

test('a block that claims gigabytes takes no memory', async () => {
  const world = await replayChanged(4, 0xfffffff0);
  const before = process.memoryUsage().arrayBuffers;
  assert.equal(await world.time.run(world.log.read(gpidOf(1, 0), 1 as Decree, 1 << 20)), null);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1 << 24);
});
