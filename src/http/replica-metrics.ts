/**
 * What a replica server measures: its replicas by role, each replica's log and requests, and its disk.
 */
import { ReplicaStatus } from '../model/configuration.ts';
import type { ReplicaInspection } from '../replica/replica-host.ts';
import type { ReplicaServer } from '../replica/server.ts';
import { counter, gauge, type Metric, type MetricEntity } from './metrics.ts';
import { requestMetrics, serverRequestMetrics } from './request-metrics.ts';
import { serverMetrics } from './server-metrics.ts';

const MEGABYTE = 1_048_576;

export function replicaMetrics(server: ReplicaServer, dataPath: string): MetricEntity[] {
  const replicas = server.inspect();
  const withStatus = (status: ReplicaStatus): number =>
    replicas.filter((replica) => replica.status === status).length;
  const count = (name: string, value: number): Metric =>
    gauge(name, 'Replicas', value, `replicas of this server: ${name.replaceAll('_', ' ')}`);
  const condition = (name: string, holds: boolean, desc: string): Metric =>
    gauge(name, 'Conditions', holds ? 1 : 0, desc);
  const own: MetricEntity = {
    type: 'server',
    id: 'server',
    attributes: {},
    metrics: [
      count('total_replicas', replicas.length),
      count('primary_replicas', withStatus(ReplicaStatus.primary)),
      count('secondary_replicas', withStatus(ReplicaStatus.secondary)),
      count('learning_replicas', withStatus(ReplicaStatus.potentialSecondary)),
      count('inactive_replicas', withStatus(ReplicaStatus.inactive)),
      count('error_replicas', server.failures().length),
      condition('log_full', server.logCondition === 'full', 'the log waits for room on the disk'),
      condition(
        'log_failed',
        server.logCondition === 'failed',
        'the log takes no more: see /health',
      ),
      condition('has_lease', server.hasLease, 'may answer for the partitions that it leads'),
      ...serverRequestMetrics(replicas.map(({ activity }) => activity)),
      ...serverMetrics(server.statistics),
    ],
  };
  return [own, diskEntity(server, dataPath), ...replicas.map(replicaEntity)];
}

function diskEntity(server: ReplicaServer, dataPath: string): MetricEntity {
  const { freeBytes, totalBytes } = server.diskSpace;
  const megabytes = (name: string, bytes: number, desc: string): Metric =>
    gauge(name, 'MegaBytes', bytes / MEGABYTE, desc);
  return {
    type: 'disk',
    id: 'disk@data',
    attributes: { tag: 'data', data_dir: dataPath },
    metrics: [
      megabytes('disk_capacity_total_mb', totalBytes, 'size of the disk'),
      megabytes('disk_capacity_avail_mb', freeBytes, 'room on the disk'),
    ],
  };
}

function replicaEntity(replica: ReplicaInspection): MetricEntity {
  const { appId, partitionIndex } = replica.gpid;
  const decree = (name: string, value: number, desc: string): Metric =>
    gauge(name, 'Mutations', value, desc);
  return {
    type: 'replica',
    id: `replica@${appId}.${partitionIndex}`,
    attributes: { table_id: String(appId), partition_id: String(partitionIndex) },
    metrics: [
      gauge('ballot', 'Configurations', replica.config.ballot, 'of the newest configuration'),
      counter(
        'committed_mutations',
        'Mutations',
        replica.lastCommittedDecree,
        'since the partition was created',
      ),
      decree(
        'prepared_mutations',
        replica.lastPreparedDecree - replica.lastCommittedDecree,
        'under way',
      ),
      decree(
        'unflushed_mutations',
        replica.appliedDecree - replica.durableDecree,
        'that only the log holds durably',
      ),
      ...requestMetrics(replica.activity),
    ],
  };
}
