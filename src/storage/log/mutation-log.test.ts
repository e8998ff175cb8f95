import assert from 'node:assert/strict';
import test from 'node:test';
import { DIRECTORY, LogWorld, Partition } from '../../../test/log/log-world.ts';
import type { Decree } from '../../model/identity.ts';

async function newWorld(
  options: ConstructorParameters<typeof LogWorld>[1] = {},
): Promise<LogWorld> {
  const world = new LogWorld(1, options);
  await world.replay();
  return world;
}

function decree(value: number): Decree {
  return value as Decree;
}

test('a new log is empty, says that it is new, and an old one does not', async () => {
  const world = new LogWorld();
  const first = await world.replay();
  assert.equal(first.report.isNew, true);
  assert.deepEqual(first.lines, []);
  const second = await world.restart();
  assert.equal(second.report.isNew, false);
  assert.equal(second.report.closedCleanly, true);
});

test('what was appended is replayed in order, over partitions, ballots and control records', async () => {
  const world = await newWorld();
  const a = new Partition(1, 0);
  const b = new Partition(2, 7);
  await world.append(a, 2, true);
  await world.append(b, 1, false, 0x1_0000);
  a.ballot = 2;
  a.goBack(1);
  await world.append(a, 1, true);
  world.log.appendTruncated(a.gpid, decree(1), true);
  world.log.appendReset(b.gpid, decree(9), true);
  const { lines, mutations, report } = await world.restart();
  assert.deepEqual(lines, ['1.0:1/1', '1.0:2/1', '2.7:1/1', '1.0:2/2', '1.0<=1', '2.7=9']);
  assert.equal(report.recordCount, 6);
  const [first] = mutations;
  assert.deepEqual({ ...first }, { ...a.acked[0]!.mutation });
  assert.equal(mutations[2]!.body.length, 0x1_0000);
});

test('one turn of appends by all partitions is one block with one sync', async () => {
  const world = await newWorld();
  const partitions = Array.from({ length: 20 }, (_, index) => new Partition(1, index));
  for (const partition of partitions) {
    for (let index = 0; index < 5; index++) {
      world.log.append(partition.make(), partition, index === 2);
    }
  }
  await world.time.run(partitions[19]!.untilAcked(5));
  const { statistics } = world.log;
  assert.equal(statistics.blocks, 1);
  assert.equal(statistics.records, 100);
  assert.equal(statistics.syncedBlocks, 1);
});

test('what arrives while a block is written goes together as the next one', async () => {
  const world = await newWorld();
  world.disk.latencyMs = (operation) => (operation === 'sync' ? 10 : 1);
  const partition = new Partition(1, 0);
  world.log.append(partition.make(), partition, true);
  await world.time.run(partition.untilAcked(1));
  world.log.append(partition.make(), partition, true);
  for (let index = 0; index < 8; index++) {
    await world.time.advance(1);
    world.log.append(partition.make(), partition, true);
  }
  await world.time.run(partition.untilAcked(10));
  assert.equal(world.log.statistics.blocks, 3);
  assert.equal(world.log.statistics.recordsPerBlockMax, 8);
});

test('nothing durable is acknowledged before its sync, and acknowledgements never come inside append', async () => {
  const world = await newWorld();
  const partition = new Partition(1, 0);
  await world.append(partition, 1, true);
  world.disk.latencyMs = (operation) => (operation === 'sync' ? 10 : 1);
  world.log.append(partition.make(), partition, true);
  assert.equal(partition.acked.length, 1);
  await world.time.advance(10.5);
  assert.equal(partition.acked.length, 1);
  await world.time.advance(1);
  assert.equal(partition.acked.length, 2);
});

test('the owner hears of the ballot that was written, whatever became of the mutation since', async () => {
  const world = await newWorld();
  const partition = new Partition(1, 0);
  const mutation = partition.make();
  world.log.append(mutation, partition, true);
  mutation.ballot = 5 as typeof mutation.ballot;
  world.log.append(mutation, partition, true);
  await world.time.run(partition.untilAcked(2));
  assert.deepEqual(
    partition.acked.map((ack) => ack.ballot),
    [1, 5],
  );
});

test('records that nobody asked to sync are durable after about a second', async () => {
  const world = await newWorld();
  const partition = new Partition(1, 0);
  await world.append(partition, 3, false);
  assert.equal(world.log.statistics.syncedBlocks, 0);
  await world.time.advance(1_500);
  assert.equal(world.log.statistics.backgroundSyncs, 1);
  world.crash();
  assert.equal((await world.replay()).mutations.length, 3);
});

test('an idle log falls silent: one marker block after the last sync, no timer after it', async () => {
  const world = await newWorld();
  const partition = new Partition(1, 0);
  await world.append(partition, 1, true);
  await world.time.advance(60_000);
  const { statistics } = world.log;
  assert.equal(statistics.blocks, 2);
  assert.equal(statistics.records, 1);
  assert.equal(statistics.backgroundSyncs, 0);
});

test('a failed sync is final: nothing is acknowledged, owners and the directory hear of it, later appends too', async () => {
  const world = await newWorld();
  const a = new Partition(1, 0);
  const b = new Partition(1, 1);
  await world.append(a, 1, true);
  world.disk.failNext('sync', 'io', '.log');
  for (let index = 0; index < 3; index++) world.log.append(a.make(), a, true);
  await world.time.advance(0);
  world.log.append(b.make(), b, false);
  await world.time.advance(5_000);
  assert.equal(a.acked.length, 1);
  assert.equal(b.acked.length, 0);
  assert.equal(a.failures.length, 1);
  assert.equal(b.failures.length, 1);
  assert.equal(world.failures.length, 1);
  assert.equal(world.log.hasFailed, true);
  world.log.append(b.make(), b, true);
  assert.equal(b.failures.length, 1);
  await world.time.advance(0);
  assert.equal(b.failures.length, 2);
  await world.time.run(world.log.close());
});

test('a failed background sync is final too', async () => {
  const world = await newWorld();
  const partition = new Partition(1, 0);
  await world.append(partition, 1, false);
  world.disk.failNext('sync', 'io', '.log');
  await world.time.advance(2_000);
  assert.equal(world.failures.length, 1);
  world.log.append(partition.make(), partition, true);
  await world.time.advance(0);
  assert.equal(partition.acked.length, 1);
  assert.equal(partition.failures.length, 1);
  await world.time.run(world.log.close());
});

test('a full disk makes appends wait and congests the log; it goes on by itself when there is room', async () => {
  const world = await newWorld();
  const partition = new Partition(1, 0);
  await world.append(partition, 2, true);
  world.disk.capacityBytes = 2_000;
  for (let index = 0; index < 30; index++) world.log.append(partition.make(100), partition, true);
  await world.time.advance(3_000);
  assert.equal(partition.acked.length, 2);
  assert.equal(world.log.isFull, true);
  assert.equal(world.log.isCongested, true);
  assert.deepEqual(partition.failures, []);
  world.disk.capacityBytes = 1_000_000;
  await world.time.run(partition.untilAcked(32));
  assert.equal(world.log.isFull, false);
  assert.equal(world.log.isCongested, false);
  const { mutations, report } = await world.restart();
  assert.equal(mutations.length, 32);
  assert.equal(report.damages.length, 0);
});

test('a disk that is full at the change of segments is waited for as well', async () => {
  const world = await newWorld({ segmentBytesMax: 200 });
  const partition = new Partition(1, 0);
  await world.append(partition, 3, true);
  world.disk.failNext('append', 'full', 'MANIFEST', 3);
  for (let index = 0; index < 3; index++) world.log.append(partition.make(), partition, true);
  await world.time.run(partition.untilAcked(6));
  assert.equal((await world.restart()).mutations.length, 6);
});

test('closing a log on a full disk fails what waits and keeps what was acknowledged', async () => {
  const world = await newWorld();
  const partition = new Partition(1, 0);
  await world.append(partition, 2, true);
  world.disk.capacityBytes = 500;
  for (let index = 0; index < 30; index++) world.log.append(partition.make(), partition, true);
  await world.time.advance(500);
  const { mutations } = await world.restart();
  assert.equal(partition.failures.length, 1);
  assert.ok(mutations.length >= 2);
});

test('a log that cannot follow says so, then refuses, and recovers', async () => {
  const world = await newWorld({ congestedBytes: 1_000, pendingBytesMax: 2_000 });
  world.disk.latencyMs = () => 50;
  const partition = new Partition(1, 0);
  let taken = 0;
  let congestedAt = 0;
  for (; taken < 100; taken++) {
    if (!world.log.append(partition.make(), partition, true)) break;
    if (congestedAt === 0 && world.log.isCongested) congestedAt = taken;
  }
  assert.ok(congestedAt > 5 && congestedAt < taken);
  assert.ok(taken > 20 && taken < 100);
  await world.time.run(partition.untilAcked(taken));
  assert.equal(world.log.isCongested, false);
  assert.equal(world.log.pendingBytes, 0);
});

test('reads give each decree once in its newest version, verified, in pieces of the wanted size', async () => {
  const world = await newWorld({ segmentBytesMax: 20_000 });
  const partition = new Partition(1, 0);
  const other = new Partition(1, 1);
  for (let round = 0; round < 40; round++) {
    await world.append(partition, 5, false, 300);
    await world.append(other, 5, false, 300);
  }
  partition.ballot = 2;
  partition.goBack(190);
  for (let index = 0; index < 20; index++) {
    world.log.append(partition.make(300, 77), partition, true);
  }
  await world.time.run(partition.untilAcked(220));
  assert.ok(world.log.segmentCount > 5);
  for (const next of [1, 2, 100, 189, 190, 191, 210]) {
    const found = await world.time.run(world.log.read(partition.gpid, decree(next), 1e9));
    assert.ok(found !== null);
    assert.equal(found[0]!.decree, next);
    assert.equal(found.length, 211 - next);
    for (const [index, mutation] of found.entries()) {
      assert.equal(mutation.digest, partition.digests[next + index]);
      assert.equal(mutation.ballot, mutation.decree > 190 ? 2 : 1);
    }
  }
  const piece = await world.time.run(world.log.read(partition.gpid, decree(50), 1_000));
  assert.deepEqual(
    piece?.map((mutation) => mutation.decree),
    [50, 51, 52],
  );
  assert.equal(await world.time.run(world.log.read(partition.gpid, decree(211), 1_000)), null);
  assert.equal(await world.time.run(world.log.read(new Partition(3, 3).gpid, decree(1), 1)), null);
});

test('a read finds what is there after a restart, a truncation and a reset', async () => {
  const world = await newWorld();
  const partition = new Partition(1, 0);
  await world.append(partition, 10, true);
  world.log.appendTruncated(partition.gpid, decree(6), true);
  partition.goBack(6);
  await world.append(partition, 2, true, 40);
  await world.restart();
  const found = await world.time.run(world.log.read(partition.gpid, decree(5), 1e9));
  assert.deepEqual(
    found?.map((mutation) => [mutation.decree, mutation.body.length]),
    [
      [5, 20],
      [6, 20],
      [7, 40],
      [8, 40],
    ],
  );
  world.log.appendReset(partition.gpid, decree(30), true);
  partition.decree = 30;
  partition.digests[30] = 4711;
  await world.append(partition, 1, true);
  assert.equal(await world.time.run(world.log.read(partition.gpid, decree(8), 1e9)), null);
  assert.equal((await world.time.run(world.log.read(partition.gpid, decree(31), 1e9)))?.length, 1);
});

test('a read that meets rot gives what is whole before it, and nothing of it', async () => {
  const world = await newWorld();
  const partition = new Partition(1, 0);
  for (let index = 0; index < 3; index++) await world.append(partition, 1, true, 1_000);
  const [segment] = await world.segmentFiles();
  world.disk.flipBit(segment!.path, 1_700, 3);
  const found = await world.time.run(world.log.read(partition.gpid, decree(1), 1e9));
  assert.deepEqual(
    found?.map((mutation) => mutation.decree),
    [1],
  );
  assert.equal(await world.time.run(world.log.read(partition.gpid, decree(2), 1e9)), null);
});

test('a segment goes when every holder of every partition in it has passed it, oldest first', async () => {
  const world = await newWorld({ segmentBytesMax: 1_000 });
  const a = new Partition(1, 0);
  const b = new Partition(1, 1);
  for (let round = 0; round < 10; round++) {
    await world.append(a, 5, true);
    await world.append(b, 5, true);
  }
  await world.time.advance(100);
  const count = world.log.segmentCount;
  assert.ok(count >= 6);
  world.log.hold(a.gpid, 'checkpoint', decree(50));
  await world.time.advance(100);
  assert.equal(world.log.segmentCount, count, 'the other partition has no holder: it needs all');
  world.log.hold(b.gpid, 'checkpoint', decree(50));
  world.log.hold(b.gpid, 'learner', decree(20));
  await world.time.advance(100);
  const held = world.log.segmentCount;
  assert.ok(held < count && held > 1);
  assert.deepEqual((await world.segmentFiles()).length, held);
  const kept = await world.time.run(world.log.read(b.gpid, decree(21), 1e9));
  assert.equal(kept?.at(-1)?.decree, 50);
  world.log.release(b.gpid, 'learner');
  await world.time.advance(100);
  assert.equal(world.log.segmentCount, 1);
  const { report, mutations } = await world.restart();
  assert.deepEqual(report.damages, []);
  assert.ok(mutations.length > 0);
});

test('what a new ballot took back does not hold a segment', async () => {
  const world = await newWorld({ segmentBytesMax: 500 });
  const partition = new Partition(1, 0);
  await world.append(partition, 10, true);
  world.log.appendTruncated(partition.gpid, decree(4), true);
  partition.goBack(4);
  await world.append(partition, 1, true);
  world.log.hold(partition.gpid, 'checkpoint', decree(5));
  await world.time.advance(100);
  assert.equal(world.log.segmentCount, 1);
});

test('the records of a removed replica hold nothing', async () => {
  const world = await newWorld({ segmentBytesMax: 500 });
  const a = new Partition(1, 0);
  const b = new Partition(1, 1);
  await world.append(a, 10, true);
  await world.append(b, 10, true);
  world.log.appendReset(a.gpid, decree(0), true);
  await world.append(b, 10, true);
  assert.deepEqual(world.log.partitions(), [b.gpid]);
  world.log.hold(b.gpid, 'checkpoint', decree(20));
  await world.time.advance(100);
  assert.equal(world.log.segmentCount, 1);
});

test('over its budget the log names those who keep it from shrinking, and how far they must move', async () => {
  const world = await newWorld({ segmentBytesMax: 1_000 });
  const lazy = new Partition(1, 0);
  const busy = new Partition(1, 1);
  await world.append(lazy, 3, true);
  for (let round = 0; round < 20; round++) await world.append(busy, 5, true);
  world.log.hold(lazy.gpid, 'checkpoint', decree(1));
  world.log.hold(lazy.gpid, 'backup', decree(2));
  world.log.hold(busy.gpid, 'checkpoint', decree(90));
  await world.time.advance(100);
  assert.deepEqual(world.log.oldestHolders(1_000_000), []);
  assert.deepEqual(world.log.oldestHolders(world.log.byteLength - 1), [
    { gpid: lazy.gpid, holder: 'checkpoint', decree: 1, wantedDecree: 3 },
  ]);
  const all = world.log.oldestHolders(0);
  assert.deepEqual(
    all.map((straggler) => [straggler.gpid.partitionIndex, straggler.wantedDecree]),
    [
      [0, 3],
      [1, 100],
    ],
  );
});

test('a log in another folder of the same disk is another log', async () => {
  const world = await newWorld();
  const partition = new Partition(1, 0);
  await world.append(partition, 3, true);
  const [segment] = await world.segmentFiles();
  const bytes = await world.time.run(world.disk.readFile(segment!.path));
  const other = new LogWorld(2);
  await other.replay();
  await other.time.run(other.log.close());
  const foreign = await other.time.run(other.disk.open(`${DIRECTORY}/0000000001.log`, 'create'));
  await other.time.run(
    new Promise<void>((resolve) => {
      foreign.append(bytes, true, () => resolve());
    }),
  );
  const { mutations } = await other.restart();
  assert.deepEqual(mutations, []);
});
