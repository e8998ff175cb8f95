/**
 * What replicas did for clients, under the original's names: each of its counters of requests, of bytes and of limits
 * that has a counterpart here. Those that the original does not have say "ours".
 */
import type { ReplicaActivity } from '../replica/replica-activity.ts';
import type { RequestCounters } from '../replica/request-counters.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { counter, type Metric, percentiles, type ValueMetric } from './metrics.ts';

const REQUESTS: readonly (readonly [string, RpcCode])[] = [
  ['get', RpcCode.get],
  ['multi_get', RpcCode.multiGet],
  ['batch_get', RpcCode.batchGet],
  ['put', RpcCode.put],
  ['multi_put', RpcCode.multiPut],
  ['remove', RpcCode.remove],
  ['multi_remove', RpcCode.multiRemove],
  ['incr', RpcCode.incr],
  ['check_and_set', RpcCode.checkAndSet],
  ['check_and_mutate', RpcCode.checkAndMutate],
  ['ttl', RpcCode.ttl],
  ['sortkey_count', RpcCode.sortkeyCount],
];

/** Those whose latency the original tells. */
const TIMED: readonly (readonly [string, RpcCode])[] = [
  ...REQUESTS.filter(([, rpc]) => rpc !== RpcCode.ttl && rpc !== RpcCode.sortkeyCount),
  ['scan', RpcCode.getScanner],
];

/** Name, unit, description, value. */
type Row = readonly [string, string, string, (counters: RequestCounters) => number];

const ROWS: readonly Row[] = [
  ['read_capacity_units', 'CapacityUnits', '4 KiB each', (c) => c.readCapacityUnits],
  ['write_capacity_units', 'CapacityUnits', '4 KiB each', (c) => c.writeCapacityUnits],
  ['backup_requests', 'Requests', 'reads that need no primary', (c) => c.backupRequests],
  ['backup_request_bytes', 'Bytes', 'answered to those', (c) => c.backupBytes],
  ['abnormal_read_requests', 'Requests', 'slow, or with large answers', (c) => c.abnormalReads],
  ['throttling_delayed_read_requests', 'Requests', 'put off', (c) => c.delayedReads],
  ['throttling_rejected_read_requests', 'Requests', 'above the limit', (c) => c.rejectedReads],
  ['throttling_delayed_backup_requests', 'Requests', 'put off', (c) => c.delayedBackups],
  ['throttling_rejected_backup_requests', 'Requests', 'above the limit', (c) => c.rejectedBackups],
  ['throttling_delayed_write_requests', 'Requests', 'put off', (c) => c.delayedWrites],
  ['throttling_rejected_write_requests', 'Requests', 'above the limit', (c) => c.rejectedWrites],
  ['splitting_rejected_read_requests', 'Requests', 'wrong partition', (c) => c.misroutedReads],
  ['splitting_rejected_write_requests', 'Requests', 'wrong partition', (c) => c.misroutedWrites],
  ['write_size_exceed_threshold_requests', 'Requests', 'too large', (c) => c.oversizedWrites],
  ['denied_read_requests', 'Requests', 'ours: by the table setting', (c) => c.deniedReads],
  ['denied_write_requests', 'Requests', 'ours: by the table setting', (c) => c.deniedWrites],
  ['expired_read_requests', 'Requests', 'ours: nobody waited any more', (c) => c.expiredReads],
  ['expired_write_requests', 'Requests', 'ours: nobody waited any more', (c) => c.expiredWrites],
];

/** The original counts these for the whole server. */
const SERVER_ROWS: readonly Row[] = [
  ['read_busy_requests', 'Requests', 'refused: too many under way', (c) => c.busyReads],
  ['write_busy_requests', 'Requests', 'refused: too many under way', (c) => c.busyWrites],
  ['read_failed_requests', 'Requests', 'answered with another error', (c) => c.failedReads],
  ['write_failed_requests', 'Requests', 'answered with another error', (c) => c.failedWrites],
];

export function requestMetrics({ counters, meter }: ReplicaActivity): Metric[] {
  const { requests, bytes } = counters;
  const metrics: Metric[] = [];
  for (const [name, rpc] of REQUESTS) {
    metrics.push(counter(`${name}_requests`, 'Requests', requests[rpc]!, name));
    metrics.push(counter(`${name}_bytes`, 'Bytes', bytes[rpc]!, `keys and values of ${name}`));
  }
  const scans = (values: Float64Array): number =>
    values[RpcCode.getScanner]! + values[RpcCode.scan]!;
  metrics.push(counter('scan_requests', 'Requests', scans(requests), 'batches of scans'));
  metrics.push(counter('scan_bytes', 'Bytes', scans(bytes), 'keys and values of scans'));
  const { latencies } = counters;
  for (const [name, rpc] of TIMED) {
    const percentileOf = (fraction: number): number => latencies.percentileNs(rpc, fraction);
    const desc = `from request to answer, last 10 to 20 seconds: ${name}`;
    metrics.push(percentiles(`${name}_latency_ns`, 'NanoSeconds', percentileOf, desc));
  }
  const { expiredValues, filteredValues } = meter;
  metrics.push(counter('read_expired_values', 'Values', expiredValues, 'met by reads'));
  metrics.push(counter('read_filtered_values', 'Values', filteredValues, 'left out by filters'));
  for (const [name, unit, desc, read] of ROWS) {
    metrics.push(counter(name, unit, read(counters), desc));
  }
  return metrics;
}

/** Of the replicas that the server has now: what one did that went away is gone with it. */
export function serverRequestMetrics(activities: readonly ReplicaActivity[]): ValueMetric[] {
  return SERVER_ROWS.map(([name, unit, desc, read]) => {
    const sum = activities.reduce((total, { counters }) => total + read(counters), 0);
    return counter(name, unit, sum, desc);
  });
}
