import assert from 'node:assert/strict';
import test from 'node:test';
import { DIRECTORY, LogWorld, Partition } from '../../test/log/log-world.ts';
import { mustBeFound } from './log-view.ts';

const SEGMENT = `${DIRECTORY}/0000000001.log`;

test('damage must be found up to what later blocks say is durable, and the log does find that', async () => {
  let found = 0;
  let unknown = 0;
  for (let at = 0; ; at += 37) {
    const world = new LogWorld(1, { segmentBytesMax: 1_000_000 });
    await world.replay();
    const partition = new Partition(1, 0);
    for (let round = 0; round < 4; round++) await world.append(partition, 1, true, 20);
    world.kill();
    const before = world.disk.damage.bytes(SEGMENT);
    if (at >= before.length) break;
    world.disk.flipBit(SEGMENT, at, at % 8);
    const isPromised = mustBeFound(before, world.disk.damage.bytes(SEGMENT));
    const { report, mutations } = await world.replay();
    if (isPromised) {
      found += 1;
      assert.ok(report.isSuspect(partition.gpid) || mutations.length === 4, `byte ${at}`);
    } else unknown += 1;
  }
  assert.ok(found > 5, 'most of it must be found');
  assert.ok(unknown > 0, 'the last block cannot be told from a torn one');
});
