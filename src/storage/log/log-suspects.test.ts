import assert from 'node:assert/strict';
import test from 'node:test';
import { DIRECTORY, LogWorld, Partition } from '../../../test/log/log-world.ts';
import { Mutation } from '../../consensus/mutation.ts';
import type { Ballot, Decree } from '../../model/identity.ts';
import { gpidOf } from '../../model/identity.ts';
import { BLOCK_HEADER_BYTES, RECORD_HEADER_BYTES } from './log-format.ts';
import { LogSuspects } from './log-suspects.ts';

const GPID = gpidOf(1, 0);

function mutation(decree: number, digest: number, previousDigest: number): Mutation {
  const committed = (decree - 1) as Decree;
  const body = new Uint8Array(4);
  const ballot = 1 as Ballot;
  return new Mutation(GPID, ballot, decree as Decree, committed, 0, previousDigest, digest, body);
}

/** Decrees 1 … 3, then damage. */
function damaged(): LogSuspects {
  const suspects = new LogSuspects();
  for (let decree = 1; decree <= 3; decree++) {
    suspects.onMutation(mutation(decree, decree, decree - 1));
  }
  suspects.onDamage(GPID);
  return suspects;
}

test('a partition is cleared by the next decree that chains, or by its last one again', () => {
  const next = damaged();
  next.onMutation(mutation(4, 4, 3));
  assert.equal(next.isSuspect(GPID, 0), false);
  const repeated = damaged();
  repeated.onMutation(mutation(3, 3, 2));
  assert.equal(repeated.isSuspect(GPID, 0), false);
});

test('another mutation at a decree that was there clears nothing: the one that it follows may be lost', () => {
  const suspects = damaged();
  // Decree 2 was replaced, and the replacement is lost.
  suspects.onMutation(mutation(3, 33, 22));
  suspects.onMutation(mutation(4, 44, 33));
  assert.equal(suspects.isSuspect(GPID, 0), true);
  assert.equal(suspects.isSuspect(GPID, 2), false);
});

test('where decrees are left out, the engine must hold what was before, or its files are older than the log', () => {
  const suspects = new LogSuspects();
  suspects.onMutation(mutation(21, 21, 20));
  assert.equal(suspects.isSuspect(GPID, 20), false);
  assert.equal(suspects.isSuspect(GPID, 19), true);
  // It learned up to 40 by a checkpoint, which was durable before the log went on.
  suspects.onMutation(mutation(41, 41, 40));
  assert.equal(suspects.isSuspect(GPID, 40), false);
  assert.equal(suspects.isSuspect(GPID, 21), true);
  // A new ballot took that back: it goes on after 29.
  suspects.onMutation(mutation(30, 33, 29));
  assert.equal(suspects.isSuspect(GPID, 29), false);
  assert.equal(suspects.isSuspect(GPID, 28), true);
  suspects.onReset(GPID, 0 as Decree);
  assert.equal(suspects.isSuspect(GPID, 0), false);
});

test('a record that is lost in the middle of a block is missed although those behind it in the block chain on', async () => {
  const world = new LogWorld(1, { segmentBytesMax: 1_000_000 });
  await world.replay();
  const partition = new Partition(1, 0);
  const bodyBytes = 20;
  await world.append(partition, 1, true, bodyBytes);
  for (let count = 0; count < 3; count++)
    world.log.append(partition.make(bodyBytes), partition, true);
  await world.time.advance(100);
  await world.append(partition, 2, true, bodyBytes);
  world.kill();
  const recordBytes = RECORD_HEADER_BYTES + bodyBytes;
  const inSecondBlock = 2 * BLOCK_HEADER_BYTES + recordBytes;
  const bodyOfThird = inSecondBlock + recordBytes + RECORD_HEADER_BYTES;
  world.disk.flipBit(`${DIRECTORY}/0000000001.log`, bodyOfThird + 1, 0);
  const { report } = await world.replay();
  assert.equal(report.damages.length, 1);
  assert.equal(report.isSuspect(partition.gpid, 2), true);
  assert.equal(report.isSuspect(partition.gpid, 3), false);
});
