import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplicaActivity } from '../replica/replica-activity.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { requestMetrics, serverRequestMetrics } from './request-metrics.ts';

test('what replicas did is told under the names of the original', () => {
  const activity = new ReplicaActivity();
  activity.counters.onRead(RpcCode.get, 5_000, true);
  activity.counters.onRead(RpcCode.getScanner, 100, false);
  activity.counters.onRead(RpcCode.scan, 50, false);
  activity.counters.rejectedWrites = 3;
  activity.meter.expiredValues = 7;
  const values = new Map(requestMetrics(activity).map(({ name, value }) => [name, value]));
  assert.equal(values.get('get_requests'), 1);
  assert.equal(values.get('get_bytes'), 5_000);
  assert.equal(values.get('scan_requests'), 2);
  assert.equal(values.get('scan_bytes'), 150);
  assert.equal(values.get('read_capacity_units'), 4);
  assert.equal(values.get('backup_requests'), 1);
  assert.equal(values.get('throttling_rejected_write_requests'), 3);
  assert.equal(values.get('read_expired_values'), 7);
  for (const name of ['abnormal_read_requests', 'write_size_exceed_threshold_requests']) {
    assert.equal(values.get(name), 0);
  }
  assert.equal(new Set(values.keys()).size, requestMetrics(activity).length, 'names are unique');
});

test('a server tells the sum of its replicas', () => {
  const activities = [new ReplicaActivity(), new ReplicaActivity()];
  for (const { counters } of activities) counters.busyReads = 2;
  const busy = serverRequestMetrics(activities).find(({ name }) => name === 'read_busy_requests');
  assert.equal(busy!.value, 4);
});
