/**
 * What the meta server knows, in the words of the wire. Pure translations; who may ask and when is
 * decided elsewhere.
 */
import { ErrorName } from '../base/error-names.ts';
import { deviation, type OperationCounts } from '../cluster/balance-status.ts';
import type { ClusterState } from '../cluster/cluster-state.ts';
import type { PartitionDiagnosis } from '../cluster/diagnosis.ts';
import type { Now } from '../cluster/effects.ts';
import type { ServerNode } from '../cluster/node-registry.ts';
import type { Partition } from '../cluster/partition.ts';
import type { Table } from '../cluster/table.ts';
import { type HostPort, hostPortText, type NodeId, parseHostPort } from '../model/identity.ts';
import {
  type ConfigurationListAppsRequest,
  type DddNodeInfo,
  type DddPartitionInfo,
  makeWireAppInfo,
  type NodeInfo,
  type QueryCfgResponse,
  type WireAppInfo,
  type WirePartitionConfiguration,
} from '../wire/generated/meta.ts';
import { NodeStatus, PatternMatchType } from '../wire/schema/meta.ts';

/** A node is called by its address today; null is what clients take for "no node". */
export function addressOfNode(node: NodeId | null): HostPort | null {
  return node === null ? null : parseHostPort(node);
}

export function noSuchTable(err: string = ErrorName.objectNotFound): QueryCfgResponse {
  return {
    err,
    appId: 0,
    partitionCount: 0,
    isStateful: false,
    partitions: [],
  };
}

/**
 * The partitions that were asked for, in the order of the request and as often; those out of range
 * are left out, and if nothing is left all are meant.
 */
export function tableConfiguration(
  table: Table,
  indexes: readonly number[],
  hostPortFields = true,
): QueryCfgResponse {
  const count = table.app.partitionCount;
  const chosen = indexes.filter((index) => index >= 0 && index < count);
  const partitions =
    chosen.length === 0 ? table.partitions : chosen.map((index) => table.partitions[index]!);
  return {
    err: ErrorName.ok,
    appId: table.app.appId,
    partitionCount: count,
    isStateful: true,
    partitions: partitions.map((partition) => partitionConfiguration(partition, hostPortFields)),
  };
}

/**
 * Members of a first configuration are shown as they make their replicas: clients take a table for
 * ready when every partition shows a primary and its secondaries.
 */
export function partitionConfiguration(
  partition: Partition,
  hostPortFields: boolean,
): WirePartitionConfiguration {
  const { config, drops } = partition.record;
  const isReady = (node: NodeId): boolean => config.ballot > 1 || partition.isMaterialised(node);
  const leads = config.primary !== null && isReady(config.primary);
  const primary = leads ? addressOfNode(config.primary) : null;
  const secondaries = config.secondaries.filter(isReady).map(addressOfNode);
  const lastDrops = drops.map(addressOfNode);
  return {
    pid: config.gpid,
    ballot: config.ballot,
    maxReplicaCount: partition.table.app.maxReplicaCount,
    primary,
    secondaries,
    lastDrops,
    lastCommittedDecree: partition.committedDecree,
    partitionFlags: 0,
    hpPrimary: hostPortFields ? primary : undefined,
    hpSecondaries: hostPortFields ? secondaries : undefined,
    hpLastDrops: hostPortFields ? lastDrops : undefined,
  };
}

/** Decrees and ballot of a copy that is not whole, or not known, are -1, as in the original. */
export function diagnosisInfo(
  { partition, copies, reason }: PartitionDiagnosis,
  now: Now,
  hostPortFields: boolean,
): DddPartitionInfo {
  const dropped = copies.map(({ server, holding, ...copy }): DddNodeInfo => {
    const node = addressOfNode(copy.node);
    const isLost = server !== undefined && !copy.isAlive;
    const lostAgoMs = isLost ? now.monotonicMs - server.turnedMs : 0;
    return {
      node,
      dropTimeMs: isLost ? Math.round(now.wallSeconds * 1_000 - lostAgoMs) : 0,
      isAlive: copy.isAlive,
      isCollected: copy.hasReported,
      ballot: holding?.ballot ?? -1,
      lastCommittedDecree: holding?.lastCommittedDecree ?? -1,
      lastPreparedDecree: holding?.lastPreparedDecree ?? -1,
      hpNode: hostPortFields ? node : undefined,
      isMember: copy.isMember,
      lostDecrees: copy.lostDecrees,
      tailUnproven: holding?.tailUnproven === true,
    };
  });
  return { config: partitionConfiguration(partition, hostPortFields), dropped, reason };
}

export function tableInfo(table: Table): WireAppInfo {
  const { app } = table;
  return {
    status: app.status,
    appType: app.appType,
    appName: app.appName,
    appId: app.appId,
    partitionCount: app.partitionCount,
    envs: app.envs,
    isStateful: true,
    maxReplicaCount: app.maxReplicaCount,
    expireSecond: app.expireSeconds,
    createSecond: app.createSeconds,
    dropSecond: app.dropSeconds,
    duplicating: false,
    initPartitionCount: app.partitionCount,
    isBulkLoading: false,
    atomicIdempotent: table.app.atomicIdempotent,
  };
}

export function noTableInfo(): WireAppInfo {
  return {
    ...makeWireAppInfo(),
    duplicating: false,
    initPartitionCount: -1,
    isBulkLoading: false,
    atomicIdempotent: false,
  };
}

/** Long enough for any name; a pattern is somebody else's program. */
const PATTERN_MAX = 1_024;

/** Null when the pattern is none. */
export function nameFilter(
  request: ConfigurationListAppsRequest,
): ((appName: string) => boolean) | null {
  const pattern = request.appNamePattern;
  const matchType = request.matchType ?? PatternMatchType.invalid;
  if (pattern === undefined || matchType === PatternMatchType.all) return () => true;
  if (pattern.length > PATTERN_MAX) return null;
  switch (matchType) {
    case PatternMatchType.exact:
      return (appName) => appName === pattern;
    case PatternMatchType.anywhere:
      return (appName) => appName.includes(pattern);
    case PatternMatchType.prefix:
      return (appName) => appName.startsWith(pattern);
    case PatternMatchType.postfix:
      return (appName) => appName.endsWith(pattern);
    case PatternMatchType.regex:
      return regexFilter(pattern);
    default:
      return () => true;
  }
}

/**
 * Whole names are matched. An expression without groups and with two repetitions at most takes a
 * time that grows with the square of the name; with more of either it could keep the server busy
 * for ever.
 */
function regexFilter(pattern: string): ((appName: string) => boolean) | null {
  const bare = pattern.replace(/\\[^0-9]/g, 'x').replace(/\[[^\]]*\]/g, 'x');
  if (/[(\\]/.test(bare)) return null;
  if ((bare.match(/[*+?{]/g)?.length ?? 0) > REPETITIONS_MAX) return null;
  try {
    const expression = new RegExp(`^(?:${pattern})$`);
    return (appName) => expression.test(appName);
  } catch {
    return null;
  }
}

const REPETITIONS_MAX = 2;

export function nodeInfos(state: ClusterState, status: number, isDetailed = false): NodeInfo[] {
  const infos: NodeInfo[] = [];
  const ordered = [...state.nodes.all()].sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const node of ordered) {
    const own = nodeStatus(node);
    if (status !== NodeStatus.invalid && status !== own) continue;
    const detail = isDetailed ? nodeDetail(state, node) : NO_DETAIL;
    infos.push({ status: own, node: node.address, hpNode: node.address, ...detail });
  }
  return infos;
}

type NodeDetail = Omit<NodeInfo, 'status' | 'node' | 'hpNode'>;

const NO_DETAIL: NodeDetail = {
  zone: undefined,
  rack: undefined,
  host: undefined,
  primaryCount: undefined,
  secondaryCount: undefined,
  diskTotalBytes: undefined,
  diskFreeBytes: undefined,
  ban: undefined,
};

function nodeDetail(state: ClusterState, node: ServerNode): NodeDetail {
  const primaryCount = state.primaryCountOf(node.id);
  return {
    ...node.labels,
    primaryCount,
    secondaryCount: state.replicaCountOf(node.id) - primaryCount,
    diskTotalBytes: node.totalBytes,
    diskFreeBytes: node.freeBytes,
    ban: state.admission.banOf(node) ?? '',
  };
}

function nodeStatus(node: ServerNode): NodeStatus {
  return node.usable ? NodeStatus.alive : NodeStatus.unalive;
}

export interface ClusterFacts {
  readonly clusterName: string;
  readonly metaServers: readonly HostPort[];
  readonly leader: HostPort;
  readonly level: string;
  /** What the balance would do. */
  readonly wanted: OperationCounts;
}

/** Keys in the order of the original; what only ZooKeeper has is empty. */
export function clusterInfo(
  state: ClusterState,
  facts: ClusterFacts,
): { readonly keys: string[]; readonly values: string[] } {
  const nodes = state.nodes.usableNodes();
  const primaries = deviation(nodes.map((node) => state.primaryCountOf(node.id)));
  const replicas = deviation(nodes.map((node) => state.replicaCountOf(node.id)));
  const pairs: [string, string][] = [
    ['meta_servers', facts.metaServers.map(hostPortText).join(',')],
    ['primary_meta_server', hostPortText(facts.leader)],
    ['zookeeper_hosts', ''],
    ['zookeeper_root', ''],
    ['meta_function_level', facts.level],
    ['balance_operation_count', operationCounts(facts.wanted)],
    ['primary_replica_count_stddev', primaries.toFixed(6)],
    ['total_replica_count_stddev', replicas.toFixed(6)],
    ['cluster_name', facts.clusterName],
  ];
  return { keys: pairs.map(([key]) => key), values: pairs.map(([, value]) => value) };
}

/** JSON, with the keys of the original. */
function operationCounts(counts: OperationCounts): string {
  const { movePrimary, copyPrimary, copySecondary, total } = counts;
  return JSON.stringify({
    move_primary_count: movePrimary,
    copy_primary_count: copyPrimary,
    copy_secondary_count: copySecondary,
    total_count: total,
  });
}
