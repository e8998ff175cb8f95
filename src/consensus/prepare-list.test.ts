import assert from 'node:assert/strict';
import test from 'node:test';
import { type Ballot, type Decree, gpidOf } from '../model/identity.ts';
import { Mutation, sealDigest } from './mutation.ts';
import { PrepareList } from './prepare-list.ts';

function listOf(tailBytesMax = 1_000): PrepareList {
  return new PrepareList({ capacity: 16, uncommittedMax: 8, tailBytesMax });
}

function next(list: PrepareList, fill = 1): Mutation {
  const decree = list.lastPrepared + 1;
  const body = new Uint8Array(100).fill(fill);
  const previous = list.lastPreparedDigest();
  const digest = sealDigest(previous, decree, body);
  return new Mutation(
    gpidOf(1, 0),
    1 as Ballot,
    decree as Decree,
    list.lastCommitted,
    decree,
    previous,
    digest,
    body,
  );
}

test('decrees are contiguous and chained by their digests', () => {
  const list = listOf();
  const first = next(list);
  list.append(first);
  assert.throws(() => list.append(first), /contiguous/);
  const other = listOf();
  other.append(next(other, 2));
  assert.throws(() => list.append(next(other)), /chained/);
});

test('the uncommitted part is bounded, the committed tail gives way to it', () => {
  const list = listOf();
  for (let count = 0; count < 8; count++) list.append(next(list));
  assert.equal(list.hasRoom(), false);
  for (let count = 0; count < 8; count++) list.commitNext();
  for (let count = 0; count < 8; count++) list.append(next(list));
  assert.equal(list.lastPrepared, 16);
  for (let count = 0; count < 8; count++) list.commitNext();
  list.append(next(list));
  assert.equal(list.get(17)?.decree, 17);
});

test('the committed tail is bounded by bytes', () => {
  const list = listOf(250);
  for (let count = 0; count < 5; count++) {
    list.append(next(list));
    list.commitNext();
  }
  assert.equal(list.oldestInMemory, 4);
  assert.equal(list.get(3), null);
});

test('the digest before the oldest decree in memory is still known, older ones are not', () => {
  const list = listOf(250);
  const digests: number[] = [];
  for (let count = 0; count < 5; count++) {
    list.append(next(list, count));
    digests.push(list.commitNext().digest);
  }
  assert.equal(list.digestAt(5), digests[4]);
  assert.equal(list.digestAt(3), digests[2]);
  assert.equal(list.digestAt(2), null);
});

test('what is committed is never truncated', () => {
  const list = listOf();
  for (let count = 0; count < 4; count++) list.append(next(list));
  list.commitNext();
  list.truncateAfter(2);
  assert.equal(list.lastPrepared, 2);
  assert.throws(() => list.truncateAfter(0), /committed mutation is never dropped/);
});

test('a list that starts over at an engine state has nothing in memory and goes on from there', () => {
  const list = listOf();
  list.append(next(list));
  list.reset(41 as Decree, 7);
  assert.equal(list.get(1), null);
  assert.equal(list.lastPreparedDigest(), 7);
  list.append(next(list));
  assert.equal(list.lastPrepared, 42);
});
