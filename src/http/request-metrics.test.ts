import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplicaActivity } from '../replica/replica-activity.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { metricsReply } from './metrics.ts';
import { requestMetrics, serverRequestMetrics } from './request-metrics.ts';

test('what replicas did is told under the names of the original', () => {
  const activity = new ReplicaActivity();
  activity.counters.onRead(RpcCode.get, 5_000, true);
  activity.counters.onRead(RpcCode.getScanner, 100, false);
  activity.counters.onRead(RpcCode.scan, 50, false);
  activity.counters.rejectedWrites = 3;
  activity.meter.expiredValues = 7;
  const values = new Map(
    requestMetrics(activity).map((metric) => [metric.name, 'value' in metric ? metric.value : -1]),
  );
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

test('latencies of each kind of request are told in the percentiles of the original', () => {
  const activity = new ReplicaActivity();
  const { latencies } = activity.counters;
  for (let count = 0; count < 99; count++) latencies.record(RpcCode.get, 0.01, 5_000);
  latencies.record(RpcCode.get, 20, 5_000);
  latencies.record(RpcCode.scan, 1, 5_000);
  const metrics = new Map(requestMetrics(activity).map((metric) => [metric.name, metric]));
  const get = metrics.get('get_latency_ns')!;
  assert.equal(get.type, 'Percentile');
  assert.equal(get.p50, 10_300);
  assert.equal(get.p99, 10_300);
  assert.ok(get.p999 >= 20_000_000 && get.p999 < 21_300_000);
  const kinds = [...metrics.values()].filter(({ type }) => type === 'Percentile');
  assert.deepEqual(kinds.map(({ name }) => name.replace('_latency_ns', '')).sort(), [
    ...['batch_get', 'check_and_mutate', 'check_and_set', 'get', 'incr', 'multi_get'],
    ...['multi_put', 'multi_remove', 'put', 'remove', 'scan'],
  ]);
  const scan = metrics.get('scan_latency_ns')!;
  assert.ok(scan.type === 'Percentile' && scan.p50 >= 1_000_000);
});

test('percentiles are fields of their own in an answer', () => {
  const origin = { cluster: 'c', role: 'replica', host: 'h', port: 1 };
  const metrics = requestMetrics(new ReplicaActivity());
  const entities = [{ type: 'replica', id: 'replica@1.0', attributes: {}, metrics }];
  const ask = (query: Record<string, string>): unknown => {
    const chosen = new Map(Object.entries({ metrics: 'put_latency_ns', ...query }));
    const { body } = metricsReply(origin, entities, 0, chosen);
    return (JSON.parse(body) as { entities: { metrics: unknown[] }[] }).entities[0]!.metrics[0];
  };
  const zeros = { p50: 0, p90: 0, p95: 0, p99: 0, p999: 0 };
  assert.deepEqual(ask({}), { name: 'put_latency_ns', ...zeros });
  assert.deepEqual(ask({ with_metric_fields: 'p99,unit' }), { unit: 'NanoSeconds', p99: 0 });
});

test('latencies are those of the last seconds: older ones go', () => {
  const { latencies } = new ReplicaActivity().counters;
  const worstNs = (): number => latencies.percentileNs(RpcCode.put, 1);
  latencies.record(RpcCode.put, 500, 1_000);
  latencies.record(RpcCode.put, 1, 12_000);
  assert.ok(worstNs() >= 500_000_000, 'of the window before');
  latencies.record(RpcCode.put, 1, 23_000);
  assert.ok(worstNs() < 2_000_000);
  latencies.record(RpcCode.put, 500, 24_000);
  latencies.record(RpcCode.put, 1, 90_000);
  assert.ok(worstNs() < 2_000_000, 'also after a time without requests');
});

test('a server tells the sum of its replicas', () => {
  const activities = [new ReplicaActivity(), new ReplicaActivity()];
  for (const { counters } of activities) counters.busyReads = 2;
  const busy = serverRequestMetrics(activities).find(({ name }) => name === 'read_busy_requests');
  assert.equal(busy!.value, 4);
});
