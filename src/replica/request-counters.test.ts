import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RpcCode } from '../wire/rpc-codes.ts';
import { capacityUnits, RequestCounters } from './request-counters.ts';

test('a capacity unit is 4 KiB, begun or not', () => {
  assert.deepEqual([0, 1, 4096, 4097, 8192, 8193].map(capacityUnits), [1, 1, 1, 2, 2, 3]);
});

test('reads and writes cost what they answer and store; atomic operations read as well', () => {
  const counters = new RequestCounters();
  counters.onRead(RpcCode.get, 5_000, false);
  counters.onRead(RpcCode.get, 0, true);
  counters.onWritten(RpcCode.put, 10_000);
  counters.onWritten(RpcCode.incr, 20);
  counters.onWritten(RpcCode.checkAndSet, 0);
  assert.equal(counters.requests[RpcCode.get], 2);
  assert.equal(counters.bytes[RpcCode.get], 5_000);
  assert.equal(counters.readCapacityUnits, 2 + 1 + 1 + 1);
  assert.equal(counters.writeCapacityUnits, 3 + 1, 'a check that failed has written nothing');
  assert.deepEqual([counters.backupRequests, counters.backupBytes], [1, 0]);
});
