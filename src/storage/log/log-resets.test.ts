/** What a log says of records whose partition was removed or replaced later. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { LogWorld, Partition } from '../../../test/log/log-world.ts';
import type { Decree } from '../../model/identity.ts';
import { gpidText } from '../../model/identity.ts';

const NONE = 0 as Decree;
const SEGMENT_BYTES_MAX = 500;

function texts(mutations: readonly { gpid: Partition['gpid']; decree: number }[]): string[] {
  return mutations.map(({ gpid, decree }) => `${gpidText(gpid)}:${decree}`);
}

/** The partition begins anew, with mutations that contradict those of before. */
function beginAnew(partition: Partition): void {
  partition.decree = 0;
  partition.digests.length = 1;
}

test('records before the last reset of their partition are void before they are delivered, in every segment', async () => {
  const world = new LogWorld(1, { segmentBytesMax: SEGMENT_BYTES_MAX });
  await world.replay();
  const a = new Partition(1, 0);
  const b = new Partition(1, 1);
  for (let round = 1; round <= 3; round++) {
    await world.append(a, 6, true);
    await world.append(b, 1, true);
    if (round < 3) world.log.appendReset(a.gpid, NONE, true, round);
    if (round < 3) beginAnew(a);
  }
  assert.ok(world.log.segmentCount > 2);
  world.kill();
  const { report, mutations, valid } = await world.replay();
  assert.ok(mutations.length > valid.length);
  assert.deepEqual(texts(valid), [
    '1.1:1',
    '1.1:2',
    ...[1, 2, 3, 4, 5, 6].map((decree) => `1.0:${decree}`),
    '1.1:3',
  ]);
  assert.equal(report.firstCopyOf(a.gpid), 2);
  assert.equal(report.firstCopyOf(b.gpid), 0);
});

test('a reset in the same block counts for what stands before it there, and for nothing after it', async () => {
  const world = new LogWorld();
  await world.replay();
  const partition = new Partition(1, 0);
  for (let count = 0; count < 3; count++) world.log.append(partition.make(), partition, true);
  world.log.appendReset(partition.gpid, NONE, true, 5);
  beginAnew(partition);
  for (let count = 0; count < 2; count++) world.log.append(partition.make(), partition, true);
  await world.time.run(partition.untilAcked(5));
  world.kill();
  const { report, valid } = await world.replay();
  assert.equal(report.blockCount, 1);
  assert.deepEqual(texts(valid), ['1.0:1', '1.0:2']);
});

test('a reset that is cut off with the torn end never was', async () => {
  const world = new LogWorld();
  await world.replay();
  const partition = new Partition(1, 0);
  await world.append(partition, 2, true);
  const [file] = await world.segmentFiles();
  world.log.appendReset(partition.gpid, NONE, true, 5);
  await world.time.advance(10);
  world.kill();
  world.disk.flipBit(file!.path, file!.size + 70, 0);
  const { report, valid } = await world.replay();
  assert.ok(report.tornBytes > 0);
  assert.deepEqual(texts(valid), ['1.0:1', '1.0:2']);
  assert.equal(report.firstCopyOf(partition.gpid), 0);
});
