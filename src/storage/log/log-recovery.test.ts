import assert from 'node:assert/strict';
import test from 'node:test';
import { DIRECTORY, LogWorld, Partition } from '../../../test/log/log-world.ts';
import type { Decree } from '../../model/identity.ts';
import { BLOCK_HEADER_BYTES, RECORD_HEADER_BYTES } from './log-format.ts';

const BODY_BYTES = 20;
const BLOCK_BYTES = BLOCK_HEADER_BYTES + RECORD_HEADER_BYTES + BODY_BYTES;

interface Prepared {
  readonly world: LogWorld;
  readonly partitions: readonly Partition[];
}

/** One block per round and partition, in turn; the process is then killed. */
async function prepare(
  rounds: number,
  partitionCount: number,
  durable: boolean,
  segmentBytesMax: number = 1_000_000,
): Promise<Prepared> {
  const world = new LogWorld(1, { segmentBytesMax });
  await world.replay();
  const partitions = Array.from({ length: partitionCount }, (_, index) => new Partition(1, index));
  for (let round = 0; round < rounds; round++) {
    for (const partition of partitions) await world.append(partition, 1, durable, BODY_BYTES);
  }
  world.kill();
  return { world, partitions };
}

function segment(number: number): string {
  return `${DIRECTORY}/${String(number).padStart(10, '0')}.log`;
}

async function truncate(world: LogWorld, path: string, size: number): Promise<void> {
  const file = await world.time.run(world.disk.open(path, 'append'));
  await world.time.run(file.truncate(size));
  await world.time.run(file.sync());
  await world.time.run(file.close());
}

async function remove(world: LogWorld, path: string): Promise<void> {
  await world.time.run(world.disk.remove(path));
  await world.time.run(world.disk.syncDirectory(DIRECTORY));
}

/** Appends work after recovery, and what they wrote is found by the next one. */
async function goesOn(world: LogWorld): Promise<void> {
  const partition = new Partition(9, 9);
  await world.append(partition, 3, true);
  world.kill();
  const { lines } = await world.replay();
  assert.deepEqual(
    lines.filter((line) => line.startsWith('9.9')),
    ['9.9:1/1', '9.9:2/1', '9.9:3/1'],
  );
}

test('a tail torn at any byte is cut after the last whole block, is no damage, and the log goes on', async () => {
  for (let size = 0; size <= 3 * BLOCK_BYTES; size++) {
    const { world } = await prepare(3, 1, true);
    await truncate(world, segment(1), size);
    const { report, mutations } = await world.replay();
    const whole = Math.floor(size / BLOCK_BYTES);
    assert.equal(mutations.length, whole, `cut at ${size}`);
    assert.equal(report.tornBytes, size - whole * BLOCK_BYTES);
    assert.deepEqual(report.damages, []);
    assert.equal(report.closedCleanly, false);
    if (size % 40 === 0) await goesOn(world);
  }
});

test('a bit flipped in any block but the last is damage: nothing is cut, all other records are delivered', async () => {
  const blocks = 5;
  for (let block = 0; block < blocks - 1; block++) {
    for (let at = 0; at < BLOCK_BYTES; at += 7) {
      const { world } = await prepare(blocks, 1, true);
      world.disk.flipBit(segment(1), block * BLOCK_BYTES + at, at % 8);
      const { report, mutations } = await world.replay();
      const delivered = mutations.map((mutation) => mutation.decree);
      const others = [1, 2, 3, 4, 5].filter((decree) => decree !== block + 1);
      if (report.damages.length === 0) {
        // The block's own checksum or its count was hit: the records are all there.
        assert.equal(delivered.length, blocks);
        continue;
      }
      assert.deepEqual(delivered, others);
      assert.equal(report.damages.length, 1);
      assert.equal(report.damages[0]!.firstBlock, block + 1);
      assert.equal(report.damages[0]!.lastBlock, block + 1);
      assert.equal(report.isSuspect(new Partition(1, 0).gpid), true);
      assert.equal(report.tornBytes, 0);
      assert.equal((await world.segmentFiles())[0]!.size, blocks * BLOCK_BYTES);
      if (at % 21 === 0) await goesOn(world);
    }
  }
});

test('a bit flipped in a body names just the partition whose body it is', async () => {
  const { world, partitions } = await prepare(2, 3, true);
  world.disk.flipBit(segment(1), BLOCK_BYTES + BLOCK_HEADER_BYTES + RECORD_HEADER_BYTES + 2, 1);
  const { report } = await world.replay();
  assert.deepEqual(
    report.damages.map((damage) => damage.partitions),
    [[partitions[1]!.gpid]],
  );
  assert.deepEqual(
    partitions.map((partition) => report.isSuspect(partition.gpid)),
    [false, true, false],
  );
});

test('rot in the very last block passes for a torn write only until a marker or a close follows', async () => {
  const at = 2 * BLOCK_BYTES + 70;
  const torn = await prepare(3, 1, true);
  torn.world.disk.flipBit(segment(1), at, 0);
  assert.equal((await torn.world.replay()).report.tornBytes, BLOCK_BYTES);

  const marked = new LogWorld();
  await marked.replay();
  const partition = new Partition(1, 0);
  for (let index = 0; index < 3; index++) await marked.append(partition, 1, true, BODY_BYTES);
  await marked.time.advance(2_000);
  marked.kill();
  marked.disk.flipBit(segment(1), at, 0);
  const found = await marked.replay();
  assert.equal(found.report.damages.length, 1);
  assert.equal(found.report.isSuspect(partition.gpid), true);

  const closed = new LogWorld();
  await closed.replay();
  const other = new Partition(1, 0);
  for (let index = 0; index < 3; index++) await closed.append(other, 1, true, BODY_BYTES);
  await closed.time.run(closed.log.close());
  closed.kill();
  await truncate(closed, segment(1), at);
  const { report } = await closed.replay();
  assert.equal(report.damages.length, 1);
  assert.equal(report.closedCleanly, false);
  assert.equal(report.isSuspect(other.gpid), true);
});

test('of blocks never synced a lost one ends the log, also when later ones survived whole', async () => {
  const { world } = await prepare(5, 1, false);
  world.disk.flipBit(segment(1), 2 * BLOCK_BYTES + 5, 2);
  const { report, mutations } = await world.replay();
  assert.equal(mutations.length, 2);
  assert.deepEqual(report.damages, []);
  assert.equal(report.tornBytes, 3 * BLOCK_BYTES);
  await goesOn(world);
});

test('durable damage and a torn end in one segment are told apart, and the damaged bytes are kept', async () => {
  const world = new LogWorld();
  await world.replay();
  const partition = new Partition(1, 0);
  for (const durable of [true, true, true, false, false]) {
    await world.append(partition, 1, durable, BODY_BYTES);
  }
  world.kill();
  world.disk.flipBit(segment(1), 1 * BLOCK_BYTES + 2, 2);
  world.disk.flipBit(segment(1), 3 * BLOCK_BYTES + 2, 2);
  const { report, mutations } = await world.replay();
  assert.deepEqual(
    mutations.map((mutation) => mutation.decree),
    [1, 3],
  );
  assert.equal(report.damages.length, 1);
  assert.equal(report.damages[0]!.firstBlock, 2);
  assert.equal(report.tornBytes, 2 * BLOCK_BYTES);
  await goesOn(world);
});

test('damage right before the torn end is set aside before the end is cut', async () => {
  const { world } = await prepare(3, 1, true);
  world.disk.flipBit(segment(1), BLOCK_BYTES + 2, 2);
  world.disk.flipBit(segment(1), 2 * BLOCK_BYTES + 90, 2);
  const { report, mutations } = await world.replay();
  assert.equal(mutations.length, 1);
  assert.equal(report.damages[0]!.firstBlock, 2);
  const names = (await world.files()).map((file) => file.name);
  assert.ok(names.includes('0000000001.log.damaged'));
  world.kill();
  const again = await world.replay();
  assert.equal(again.report.isSuspect(new Partition(1, 0).gpid), true);
});

test('a missing middle segment is damage; whose records go on without a gap is cleared', async () => {
  const world = new LogWorld(1, { segmentBytesMax: 3 * BLOCK_BYTES });
  await world.replay();
  const hurt = new Partition(1, 0);
  const idle = new Partition(1, 1);
  const whole = new Partition(1, 2);
  const ended = new Partition(1, 3);
  const writers = [whole, idle, ended, hurt, hurt, ended, whole, hurt, whole];
  for (const partition of writers) await world.append(partition, 1, true, BODY_BYTES);
  world.kill();
  await remove(world, segment(2));
  const { report, lines } = await world.replay();
  assert.deepEqual(lines, ['1.2:1/1', '1.1:1/1', '1.3:1/1', '1.2:2/1', '1.0:3/1', '1.2:3/1']);
  assert.equal(report.damages.length, 1);
  assert.equal(report.damages[0]!.firstBlock, 4);
  assert.equal(report.damages[0]!.lastBlock, 6);
  assert.equal(report.isSuspect(whole.gpid), false);
  assert.equal(report.isSuspect(ended.gpid), true, 'its last record was in there');
  assert.equal(report.isSuspect(idle.gpid), true, 'nobody can know that nothing of it was');
  assert.equal(report.isSuspect(new Partition(7, 7).gpid), true, 'nor of one never seen');
});

test('a missing oldest or newest segment is damage too', async () => {
  for (const missing of [1, 3]) {
    const { world, partitions } = await prepare(9, 1, true, 3 * BLOCK_BYTES);
    await remove(world, segment(missing));
    const { report, mutations } = await world.replay();
    assert.equal(mutations.length, 6);
    assert.ok(report.damages.length > 0);
    const { gpid } = partitions[0]!;
    assert.equal(report.isSuspect(gpid), true);
    // What the engine holds anyway is not missed at the start.
    assert.equal(report.isSuspect(gpid, 2), true);
    assert.equal(report.isSuspect(gpid, 3), missing === 3);
    await goesOn(world);
  }
});

test('a segment that the disk cannot read is damage, and is read again when it can', async () => {
  const { world, partitions } = await prepare(9, 1, true, 3 * BLOCK_BYTES);
  for (const unreadable of ['0000000002.log', '0000000003.log']) {
    world.disk.failNext('read', 'io', unreadable);
    const { report, mutations } = await world.replay();
    assert.equal(mutations.length, 6);
    assert.equal(report.isSuspect(partitions[0]!.gpid), true);
    world.kill();
  }
  const { report, mutations } = await world.replay();
  assert.equal(mutations.length, 9);
  assert.deepEqual(report.damages, []);
});

test('an empty newest segment is the mark of a crash at its start and no damage', async () => {
  const { world } = await prepare(6, 1, true, 3 * BLOCK_BYTES);
  await truncate(world, segment(2), 0);
  const cut = await world.replay();
  assert.equal(cut.mutations.length, 3);
  assert.deepEqual(cut.report.damages, []);
  await goesOn(world);
});

test('a sealed segment that lost its end is damage, also when the next one is empty', async () => {
  const { world } = await prepare(6, 1, true, 3 * BLOCK_BYTES);
  await truncate(world, segment(2), 0);
  await truncate(world, segment(1), 2 * BLOCK_BYTES + 10);
  const { report, mutations } = await world.replay();
  assert.equal(mutations.length, 2);
  assert.equal(report.damages.length, 1);
  assert.equal(report.damages[0]!.firstBlock, 3);
});

test('a crash at any moment of a change of segments loses nothing that was acknowledged', async () => {
  for (let moment = 0; moment < 60; moment++) {
    const world = new LogWorld(moment + 1, { segmentBytesMax: 2 * BLOCK_BYTES });
    await world.replay();
    const partition = new Partition(1, 0);
    await world.append(partition, 1, true, BODY_BYTES);
    await world.append(partition, 1, false, BODY_BYTES);
    await world.append(partition, 1, false, BODY_BYTES);
    world.disk.latencyMs = () => 1;
    for (let index = 0; index < 3; index++) world.log.append(partition.make(), partition, true);
    await world.time.advance(moment / 2);
    const acked = partition.acked.length;
    world.crash();
    const { report, mutations } = await world.replay();
    assert.deepEqual(report.damages, []);
    assert.ok(mutations.length >= (acked > 3 ? acked : 1), `moment ${moment}`);
    assert.deepEqual(
      mutations.map((mutation) => mutation.decree),
      mutations.map((_, index) => index + 1),
    );
    await goesOn(world);
  }
});

test('a lost or rotten manifest is damage of unknown extent, and all records are still delivered', async () => {
  for (const kind of ['lost', 'rotten']) {
    const { world, partitions } = await prepare(9, 1, true, 3 * BLOCK_BYTES);
    if (kind === 'lost') await remove(world, `${DIRECTORY}/MANIFEST`);
    else world.disk.flipBit(`${DIRECTORY}/MANIFEST`, 30, 1);
    const { report, mutations } = await world.replay();
    assert.equal(mutations.length, 9);
    assert.equal(report.isNew, false);
    assert.equal(report.damages.length, 1);
    assert.equal(report.isSuspect(partitions[0]!.gpid), false, 'its records are all there');
    assert.equal(report.isSuspect(new Partition(7, 7).gpid), true);
    await goesOn(world);
  }
});

test('with an old copy of the manifest newer segments are found all the same', async () => {
  const world = new LogWorld(1, { segmentBytesMax: 3 * BLOCK_BYTES });
  await world.replay();
  const partition = new Partition(1, 0);
  await world.append(partition, 1, true, BODY_BYTES);
  const old = await world.time.run(world.disk.readFile(`${DIRECTORY}/MANIFEST`));
  for (let index = 0; index < 9; index++) await world.append(partition, 1, true, BODY_BYTES);
  world.kill();
  await world.time.run(world.disk.replaceFile(`${DIRECTORY}/MANIFEST`, old));
  const { report, mutations } = await world.replay();
  assert.equal(mutations.length, 10);
  assert.deepEqual(report.damages, []);
  await goesOn(world);
});

test('damage is found again at each start and keeps the log whole, until the owner has seen to it', async () => {
  const { world, partitions } = await prepare(9, 2, true, 3 * BLOCK_BYTES);
  const [a, b] = partitions as [Partition, Partition];
  await remove(world, segment(2));
  for (let start = 0; start < 2; start++) {
    const { report } = await world.replay();
    assert.ok(report.damages.length > 0);
    world.log.hold(a.gpid, 'checkpoint', 100 as Decree);
    world.log.hold(b.gpid, 'checkpoint', 100 as Decree);
    await world.time.advance(100);
    const before = world.log.segmentCount;
    assert.ok(before > 3);
    world.kill();
  }
  const { report } = await world.replay();
  assert.equal(report.isSuspect(a.gpid), true);
  world.log.appendReset(a.gpid, 100 as Decree, true);
  world.log.appendReset(b.gpid, 100 as Decree, true);
  a.decree = 100;
  a.digests[100] = 5;
  await world.append(a, 1, true);
  world.kill();
  const cleared = await world.replay();
  assert.ok(cleared.report.damages.length > 0);
  assert.equal(cleared.report.isSuspect(a.gpid), false);
  assert.equal(cleared.report.isSuspect(b.gpid), false);
  world.log.hold(a.gpid, 'checkpoint', 100 as Decree);
  world.log.acknowledgeDamage();
  await world.time.advance(100);
  assert.equal(world.log.segmentCount, 1);
  world.kill();
  assert.deepEqual((await world.replay()).report.damages, []);
});

test('what a failed sync left in the page cache is written anew before it counts: a second loss of power takes nothing', async () => {
  const { world, partitions } = await prepare(3, 1, true);
  const partition = partitions[0]!;
  await world.replay();
  world.disk.failNext('sync', 'io', '.log');
  world.log.append(partition.make(), partition, true);
  await world.time.advance(10);
  assert.equal(partition.failures.length, 1, 'nobody was told that it is durable');
  world.kill();
  const recovered = await world.replay();
  assert.equal(recovered.mutations.length, 4, 'the page cache still has it');
  world.crash();
  const again = await world.replay();
  assert.equal(again.mutations.length, 4);
  assert.deepEqual(again.report.damages, []);
});

test('without room to write it anew a start goes on with the file as it is', async () => {
  const { world } = await prepare(3, 1, false);
  world.disk.failNext('append', 'full', '.log');
  const { mutations } = await world.replay();
  assert.equal(mutations.length, 3);
});
