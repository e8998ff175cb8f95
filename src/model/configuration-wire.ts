/**
 * Configurations and tables as they travel between servers; the empty string stands for "no node".
 */
import type { ConfigurationInfo, TableInfo } from '../wire/generated/internal.ts';
import {
  type AppInfo,
  type AppStatus,
  assertConfiguration,
  type PartitionConfiguration,
} from './configuration.ts';
import { gpidOf, type NodeId, toBallot } from './identity.ts';

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

/** Throws `InvariantError` when the sender broke a rule of configurations. */
export function configurationFromWire(info: ConfigurationInfo): PartitionConfiguration {
  const config: PartitionConfiguration = {
    gpid: gpidOf(info.gpid.appId, info.gpid.partitionIndex),
    ballot: toBallot(info.ballot),
    maxReplicaCount: info.maxReplicaCount,
    primary: nodeOrNull(info.primary),
    secondaries: info.secondaries as readonly NodeId[],
    learner: nodeOrNull(info.learner),
  };
  assertConfiguration(config);
  return config;
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
  };
}

export function tableFromWire(info: TableInfo): AppInfo {
  return {
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
  };
}

function nodeOrNull(text: string): NodeId | null {
  return text === '' ? null : (text as NodeId);
}
