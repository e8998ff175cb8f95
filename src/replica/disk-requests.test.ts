/** What a server tells of its disk. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ReplicaStatus } from '../model/configuration.ts';
import { gpidOf } from '../model/identity.ts';
import { readQueryDiskInfoResponse, writeQueryDiskInfoResponse } from '../wire/generated/meta.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { type DiskHost, diskInfo } from './disk-requests.ts';

const { primary, secondary, inactive } = ReplicaStatus;

const HOST: DiskHost = {
  dataPath: '/data/1',
  space: { totalBytes: 10 * 1_048_576 + 5, freeBytes: 4 * 1_048_576 },
  replicas: () => [
    { gpid: gpidOf(1, 0), appName: 'temp', status: primary },
    { gpid: gpidOf(1, 1), appName: 'temp', status: secondary },
    { gpid: gpidOf(2, 0), appName: 'other', status: primary },
    { gpid: gpidOf(1, 3), appName: 'temp', status: primary },
    { gpid: gpidOf(2, 1), appName: 'other', status: inactive },
  ],
};

test('the disk is told with its room, and its replicas by role and table', () => {
  const { err, totalCapacityMb, totalAvailableMb, diskInfos } = diskInfo(HOST, '');
  assert.deepEqual([err, totalCapacityMb, totalAvailableMb], ['ERR_OK', 10, 4]);
  const [disk] = diskInfos;
  assert.equal(disk?.fullDir, '/data/1');
  const primaries = [...disk.holdingPrimaryReplicas].map(([table, ids]) => [table, ids.length]);
  assert.deepEqual(primaries, [
    [1, 2],
    [2, 1],
  ]);
  assert.deepEqual([...disk.holdingSecondaryReplicas], [[1, [gpidOf(1, 1)]]]);
});

test('of one table on demand; of one that has no replica here nothing', () => {
  const [disk] = diskInfo(HOST, 'other').diskInfos;
  assert.deepEqual([...(disk?.holdingPrimaryReplicas ?? [])], [[2, [gpidOf(2, 0)]]]);
  const { err, diskInfos } = diskInfo(HOST, 'absent');
  assert.deepEqual([err, diskInfos], ['ERR_OBJECT_NOT_FOUND', []]);
});

test('sets of partitions travel under the type that the original reads', () => {
  const writer = new Writer();
  const told = diskInfo(HOST, '');
  writeQueryDiskInfoResponse(writer, told);
  const bytes = writer.take();
  // map<i32, set<struct>>: key type 8, value type 14.
  const at = Buffer.from(bytes).indexOf(Buffer.from([13, 0, 5, 8, 14, 0, 0, 0, 2]));
  assert.notEqual(at, -1);
  const reader = new Reader();
  reader.reset(bytes, 0, bytes.length);
  assert.deepEqual(readQueryDiskInfoResponse(reader), told);
});
