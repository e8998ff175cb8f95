/**
 * Configurations and tables as they travel between servers; the empty string stands for "no node".
 */
import type { ConfigurationInfo, TableInfo } from '../wire/generated/internal.ts';
import { WireError, type WireGpid } from '../wire/types.ts';
import {
  type AppInfo,
  type AppStatus,
  assertConfiguration,
  isConfiguration,
  isTable,
  type PartitionConfiguration,
} from './configuration.ts';
import { type Ballot, type Gpid, gpidOf, type NodeId, PARTITION_INDEX_MAX } from './identity.ts';

export function configurationToWire(config: PartitionConfiguration): ConfigurationInfo {
  assertConfiguration(config);
  return {
    gpid: config.gpid,
    ballot: config.ballot,
    maxReplicaCount: config.maxReplicaCount,
    primary: config.primary ?? '',
    secondaries: config.secondaries,
    learner: config.learner ?? '',
  };
}

/** Throws `WireError` when the sender broke a rule of configurations. */
export function configurationFromWire(info: ConfigurationInfo): PartitionConfiguration {
  if (info.ballot < 0) throw new WireError('badValue', 'a ballot is negative');
  const config: PartitionConfiguration = {
    gpid: gpidFromWire(info.gpid),
    ballot: info.ballot as Ballot,
    maxReplicaCount: info.maxReplicaCount,
    primary: nodeOrNull(info.primary),
    secondaries: info.secondaries as readonly NodeId[],
    learner: nodeOrNull(info.learner),
  };
  if (!isConfiguration(config)) {
    throw new WireError('badValue', 'a configuration breaks its own rules');
  }
  return config;
}

/** Throws `WireError` when it names no partition. */
export function gpidFromWire(gpid: WireGpid): Gpid {
  const { appId, partitionIndex } = gpid;
  if (appId < 1 || partitionIndex < 0 || partitionIndex > PARTITION_INDEX_MAX) {
    throw new WireError('badValue', 'a partition id is out of range');
  }
  return gpidOf(appId, partitionIndex);
}

export function tableToWire(app: AppInfo): TableInfo {
  return {
    appId: app.appId,
    appName: app.appName,
    appType: app.appType,
    status: app.status,
    partitionCount: app.partitionCount,
    maxReplicaCount: app.maxReplicaCount,
    envs: app.envs,
    createSeconds: app.createSeconds,
    dropSeconds: app.dropSeconds,
    expireSeconds: app.expireSeconds,
    atomicIdempotent: app.atomicIdempotent,
    revision: app.revision,
  };
}

/** Throws `WireError` when there can be no such table. */
export function tableFromWire(info: TableInfo): AppInfo {
  const table: AppInfo = {
    appId: info.appId,
    appName: info.appName,
    appType: info.appType,
    status: info.status as AppStatus,
    partitionCount: info.partitionCount,
    maxReplicaCount: info.maxReplicaCount,
    envs: info.envs,
    createSeconds: info.createSeconds,
    dropSeconds: info.dropSeconds,
    expireSeconds: info.expireSeconds,
    atomicIdempotent: info.atomicIdempotent,
    revision: info.revision,
  };
  if (!isTable(table)) throw new WireError('badValue', 'a table breaks its own rules');
  return table;
}

function nodeOrNull(text: string): NodeId | null {
  return text === '' ? null : (text as NodeId);
}
