/**
 * Control operations: what clients and administrators say to meta servers, and the few that any server answers
 * (`idl/meta_admin.thrift`, `idl/dsn.layer2.thrift`, `idl/partition_split.thrift`, `idl/security.thrift` of the
 * original).
 *
 * Two names differ from the IDL, because model/ has types of these names: `partition_configuration` is
 * WirePartitionConfiguration and `app_info` is WireAppInfo.
 */
import { list, map, ref, type Struct, set, struct } from './schema.ts';

const queryConfiguration: readonly Struct[] = [
  struct('QueryCfgRequest', 'No indices = all partitions.', [
    [1, 'appName', 'string'],
    [2, 'partitionIndices', list('i32')],
  ]),
  struct('QueryCfgResponse', '`isStateful` has to be true; clients ignore the answer otherwise.', [
    [1, 'err', 'error'],
    [2, 'appId', 'i32'],
    [3, 'partitionCount', 'i32'],
    [4, 'isStateful', 'bool'],
    [5, 'partitions', list(ref('WirePartitionConfiguration'))],
  ]),
  struct('WirePartitionConfiguration', 'Most clients route by 4, the C++ client by 9 only.', [
    [1, 'pid', 'gpid'],
    [2, 'ballot', 'i64'],
    [3, 'maxReplicaCount', 'i32'],
    [4, 'primary', 'rpcAddress'],
    [5, 'secondaries', list('rpcAddress')],
    [6, 'lastDrops', list('rpcAddress')],
    [7, 'lastCommittedDecree', 'i64'],
    [8, 'partitionFlags', 'i32'],
    [9, 'hpPrimary', 'hostPort', 'optional'],
    [10, 'hpSecondaries', list('hostPort'), 'optional'],
    [11, 'hpLastDrops', list('hostPort'), 'optional'],
  ]),
];

const tables: readonly Struct[] = [
  struct('WireAppInfo', 'One table. `initPartitionCount` is -1 unless restored.', [
    [1, 'status', 'i32'],
    [2, 'appType', 'string'],
    [3, 'appName', 'string'],
    [4, 'appId', 'i32'],
    [5, 'partitionCount', 'i32'],
    [6, 'envs', map('string', 'string')],
    [7, 'isStateful', 'bool'],
    [8, 'maxReplicaCount', 'i32'],
    [9, 'expireSecond', 'i64'],
    [10, 'createSecond', 'i64'],
    [11, 'dropSecond', 'i64'],
    [12, 'duplicating', 'bool', 'optional'],
    [13, 'initPartitionCount', 'i32'],
    [14, 'isBulkLoading', 'bool', 'optional'],
    [15, 'atomicIdempotent', 'bool', 'optional'],
  ]),
  struct('CreateAppOptions', 'Part of ConfigurationCreateAppRequest.', [
    [1, 'partitionCount', 'i32'],
    [2, 'replicaCount', 'i32'],
    [3, 'successIfExist', 'bool'],
    [4, 'appType', 'string'],
    [5, 'isStateful', 'bool'],
    [6, 'envs', map('string', 'string')],
    [7, 'atomicIdempotent', 'bool', 'optional'],
  ]),
  struct('ConfigurationCreateAppRequest', 'RPC_CM_CREATE_APP', [
    [1, 'appName', 'string'],
    [2, 'options', ref('CreateAppOptions')],
  ]),
  struct('ConfigurationCreateAppResponse', 'RPC_CM_CREATE_APP', [
    [1, 'err', 'error'],
    [2, 'appid', 'i32'],
  ]),
  struct('DropAppOptions', 'Part of ConfigurationDropAppRequest.', [
    [1, 'successIfNotExist', 'bool'],
    [2, 'reserveSeconds', 'i64', 'optional'],
  ]),
  struct('ConfigurationDropAppRequest', 'RPC_CM_DROP_APP', [
    [1, 'appName', 'string'],
    [2, 'options', ref('DropAppOptions')],
  ]),
  struct('ConfigurationDropAppResponse', 'RPC_CM_DROP_APP', [[1, 'err', 'error']]),
  struct('ConfigurationRecallAppRequest', 'RPC_CM_RECALL_APP', [
    [1, 'appId', 'i32'],
    [2, 'newAppName', 'string'],
  ]),
  struct('ConfigurationRecallAppResponse', 'RPC_CM_RECALL_APP', [
    [1, 'err', 'error'],
    [2, 'info', ref('WireAppInfo')],
  ]),
  struct('ConfigurationRenameAppRequest', 'RPC_CM_RENAME_APP', [
    [1, 'oldAppName', 'string'],
    [2, 'newAppName', 'string'],
  ]),
  struct('ConfigurationRenameAppResponse', 'RPC_CM_RENAME_APP', [
    [1, 'err', 'error'],
    [2, 'hintMessage', 'string'],
  ]),
  struct('ConfigurationListAppsRequest', 'RPC_CM_LIST_APPS; status 0 = all.', [
    [1, 'status', 'i32'],
    [2, 'appNamePattern', 'string', 'optional'],
    [3, 'matchType', 'i32', 'optional'],
  ]),
  struct('ConfigurationListAppsResponse', 'RPC_CM_LIST_APPS', [
    [1, 'err', 'error'],
    [2, 'infos', list(ref('WireAppInfo'))],
    [3, 'hintMessage', 'string', 'optional'],
  ]),
  struct('ConfigurationUpdateAppEnvRequest', 'RPC_CM_UPDATE_APP_ENV; op is an AppEnvOperation.', [
    [1, 'appName', 'string'],
    [2, 'op', 'i32'],
    [3, 'keys', list('string'), 'optional'],
    [4, 'values', list('string'), 'optional'],
    [5, 'clearPrefix', 'string', 'optional'],
  ]),
  struct('ConfigurationUpdateAppEnvResponse', 'RPC_CM_UPDATE_APP_ENV', [
    [1, 'err', 'error'],
    [2, 'hintMessage', 'string'],
  ]),
  struct('QueryAppInfoRequest', 'RPC_QUERY_APP_INFO, to a replica server.', [
    [1, 'metaServer', 'rpcAddress'],
    [2, 'hpMetaServer', 'hostPort', 'optional'],
  ]),
  struct('QueryAppInfoResponse', 'RPC_QUERY_APP_INFO', [
    [1, 'err', 'error'],
    [2, 'apps', list(ref('WireAppInfo'))],
  ]),
];

const disks: readonly Struct[] = [
  struct('DiskInfo', 'Replicas by the number of their table.', [
    [1, 'diskTag', 'string'],
    [2, 'fullDir', 'string'],
    [3, 'diskCapacityMb', 'i64'],
    [4, 'diskAvailableMb', 'i64'],
    [5, 'holdingPrimaryReplicas', map('i32', set('gpid'))],
    [6, 'holdingSecondaryReplicas', map('i32', set('gpid'))],
  ]),
  struct('QueryDiskInfoRequest', 'RPC_QUERY_DISK_INFO; no name = all tables.', [
    [1, 'node1', 'rpcAddress'],
    [2, 'appName', 'string'],
    [3, 'hpNode1', 'hostPort', 'optional'],
  ]),
  struct('QueryDiskInfoResponse', 'RPC_QUERY_DISK_INFO', [
    [1, 'err', 'error'],
    [2, 'totalCapacityMb', 'i64'],
    [3, 'totalAvailableMb', 'i64'],
    [4, 'diskInfos', list(ref('DiskInfo'))],
  ]),
  struct('ReplicaDiskMigrateRequest', 'RPC_REPLICA_DISK_MIGRATE', [
    [1, 'pid', 'gpid'],
    [2, 'originDisk', 'string'],
    [3, 'targetDisk', 'string'],
  ]),
  struct('ReplicaDiskMigrateResponse', 'RPC_REPLICA_DISK_MIGRATE', [
    [1, 'err', 'error'],
    [2, 'hint', 'string', 'optional'],
  ]),
  struct('AddNewDiskRequest', 'RPC_ADD_NEW_DISK; `tag:dir,…`.', [[1, 'diskStr', 'string']]),
  struct('AddNewDiskResponse', 'RPC_ADD_NEW_DISK', [
    [1, 'err', 'error'],
    [2, 'errHint', 'string', 'optional'],
  ]),
];

const cluster: readonly Struct[] = [
  struct('NodeInfo', 'status is a NodeStatus.', [
    [1, 'status', 'i32'],
    [2, 'node', 'rpcAddress'],
    [3, 'hpNode', 'hostPort', 'optional'],
    // Ours, when it is asked for.
    [100, 'zone', 'string', 'optional'],
    [101, 'rack', 'string', 'optional'],
    [102, 'host', 'string', 'optional'],
    [103, 'primaryCount', 'i32', 'optional'],
    [104, 'secondaryCount', 'i32', 'optional'],
    [105, 'diskTotalBytes', 'i64', 'optional'],
    [106, 'diskFreeBytes', 'i64', 'optional'],
    // Why it gets no copies; empty = it does (cluster/admission.ts).
    [107, 'ban', 'string', 'optional'],
  ]),
  struct('ConfigurationListNodesRequest', 'RPC_CM_LIST_NODES; status 0 = all.', [
    [1, 'status', 'i32'],
    // Ours: what is from 100 on in the answer is asked for.
    [100, 'detailed', 'bool', 'optional'],
  ]),
  struct('ConfigurationListNodesResponse', 'RPC_CM_LIST_NODES', [
    [1, 'err', 'error'],
    [2, 'infos', list(ref('NodeInfo'))],
  ]),
  struct('ConfigurationClusterInfoRequest', 'RPC_CM_CLUSTER_INFO', []),
  struct('ConfigurationClusterInfoResponse', 'RPC_CM_CLUSTER_INFO; two lists of equal length.', [
    [1, 'err', 'error'],
    [2, 'keys', list('string')],
    [3, 'values', list('string')],
  ]),
  struct('ConfigurationMetaControlRequest', 'RPC_CM_CONTROL_META; level is a MetaLevel.', [
    [1, 'level', 'i32'],
  ]),
  struct('ConfigurationMetaControlResponse', 'RPC_CM_CONTROL_META', [
    [1, 'err', 'error'],
    [2, 'oldLevel', 'i32'],
  ]),
  struct('ConfigurationProposalAction', 'Part of ConfigurationBalancerRequest.', [
    [1, 'target', 'rpcAddress'],
    [2, 'node', 'rpcAddress'],
    [3, 'type', 'i32'],
    [5, 'hpTarget', 'hostPort', 'optional'],
    [6, 'hpNode', 'hostPort', 'optional'],
  ]),
  struct('ConfigurationBalancerRequest', 'RPC_CM_PROPOSE_BALANCER', [
    [1, 'gpid', 'gpid'],
    [2, 'actionList', list(ref('ConfigurationProposalAction'))],
    [3, 'force', 'bool', 'optional'],
    [4, 'balanceType', 'i32', 'optional'],
  ]),
  struct('ConfigurationBalancerResponse', 'RPC_CM_PROPOSE_BALANCER', [
    [1, 'err', 'error'],
    // Ours: why it was refused.
    [2, 'hintMessage', 'string', 'optional'],
  ]),
  struct(
    'ControlBalanceRequest',
    'RPC_CM_CONTROL_BALANCE, which is ours: what administrators want of the balance, and how it is.',
    [
      // A BalanceAction.
      [1, 'action', 'string'],
      // `host:port`; empty = all of them, or none is meant.
      [2, 'node', 'string'],
      [3, 'tables', list('i32')],
    ],
  ),
  struct('ControlBalanceResponse', 'RPC_CM_CONTROL_BALANCE', [
    [1, 'err', 'error'],
    [2, 'hintMessage', 'string'],
    // A JSON document, as it is after the action.
    [3, 'status', 'string'],
  ]),
  struct('Command', 'RPC_CLI_CLI_CALL, to any server; the answer is a bare string.', [
    [1, 'cmd', 'string'],
    [2, 'arguments', list('string')],
  ]),
  struct('NegotiationRequest', 'RPC_NEGOTIATION; status is a NegotiationStatus.', [
    [1, 'status', 'i32'],
    [2, 'msg', 'blob'],
  ]),
  struct('NegotiationResponse', 'RPC_NEGOTIATION', [
    [1, 'status', 'i32'],
    [2, 'msg', 'blob'],
  ]),
];

const maintenance: readonly Struct[] = [
  struct('StartPartitionSplitRequest', 'RPC_CM_START_PARTITION_SPLIT', [
    [1, 'appName', 'string'],
    [2, 'newPartitionCount', 'i32'],
  ]),
  struct('StartPartitionSplitResponse', 'RPC_CM_START_PARTITION_SPLIT', [
    [1, 'err', 'error'],
    [2, 'hintMsg', 'string'],
  ]),
  struct('QuerySplitRequest', 'RPC_CM_QUERY_PARTITION_SPLIT', [[1, 'appName', 'string']]),
  struct('QuerySplitResponse', 'RPC_CM_QUERY_PARTITION_SPLIT', [
    [1, 'err', 'error'],
    [2, 'newPartitionCount', 'i32'],
    [3, 'status', map('i32', 'i32')],
    [4, 'hintMsg', 'string', 'optional'],
  ]),
  struct('ControlSplitRequest', 'RPC_CM_CONTROL_PARTITION_SPLIT; 0 pause, 1 restart, 2 cancel.', [
    [1, 'appName', 'string'],
    [2, 'controlType', 'i32'],
    [3, 'parentPidx', 'i32'],
    [4, 'oldPartitionCount', 'i32', 'optional'],
  ]),
  struct('ControlSplitResponse', 'RPC_CM_CONTROL_PARTITION_SPLIT', [
    [1, 'err', 'error'],
    [2, 'hintMsg', 'string', 'optional'],
  ]),
  struct('StartAppManualCompactRequest', 'RPC_CM_START_MANUAL_COMPACT', [
    [1, 'appName', 'string'],
    [2, 'triggerTime', 'i64', 'optional'],
    [3, 'targetLevel', 'i32', 'optional'],
    [4, 'bottommost', 'bool', 'optional'],
    [5, 'maxRunningCount', 'i32', 'optional'],
  ]),
  struct('StartAppManualCompactResponse', 'RPC_CM_START_MANUAL_COMPACT', [
    [1, 'err', 'error'],
    [2, 'hintMsg', 'string'],
  ]),
  struct('QueryAppManualCompactRequest', 'RPC_CM_QUERY_MANUAL_COMPACT_STATUS', [
    [1, 'appName', 'string'],
  ]),
  struct('QueryAppManualCompactResponse', 'RPC_CM_QUERY_MANUAL_COMPACT_STATUS', [
    [1, 'err', 'error'],
    [2, 'hintMsg', 'string'],
    [3, 'progress', 'i32', 'optional'],
  ]),
  struct('ConfigurationGetMaxReplicaCountRequest', 'RPC_CM_GET_MAX_REPLICA_COUNT', [
    [1, 'appName', 'string'],
  ]),
  struct('ConfigurationGetMaxReplicaCountResponse', 'RPC_CM_GET_MAX_REPLICA_COUNT', [
    [1, 'err', 'error'],
    [2, 'maxReplicaCount', 'i32'],
    [3, 'hintMessage', 'string'],
  ]),
  struct('ConfigurationSetMaxReplicaCountRequest', 'RPC_CM_SET_MAX_REPLICA_COUNT', [
    [1, 'appName', 'string'],
    [2, 'maxReplicaCount', 'i32'],
  ]),
  struct('ConfigurationSetMaxReplicaCountResponse', 'RPC_CM_SET_MAX_REPLICA_COUNT', [
    [1, 'err', 'error'],
    [2, 'oldMaxReplicaCount', 'i32'],
    [3, 'hintMessage', 'string'],
  ]),
  struct('ConfigurationGetAtomicIdempotentRequest', 'RPC_CM_GET_ATOMIC_IDEMPOTENT', [
    [1, 'appName', 'string'],
  ]),
  struct('ConfigurationGetAtomicIdempotentResponse', 'RPC_CM_GET_ATOMIC_IDEMPOTENT', [
    [1, 'err', 'error'],
    [2, 'atomicIdempotent', 'bool'],
    [3, 'hintMessage', 'string'],
  ]),
  struct('ConfigurationSetAtomicIdempotentRequest', 'RPC_CM_SET_ATOMIC_IDEMPOTENT', [
    [1, 'appName', 'string'],
    [2, 'atomicIdempotent', 'bool'],
  ]),
  struct('ConfigurationSetAtomicIdempotentResponse', 'RPC_CM_SET_ATOMIC_IDEMPOTENT', [
    [1, 'err', 'error'],
    [2, 'oldAtomicIdempotent', 'bool'],
    [3, 'hintMessage', 'string'],
  ]),
];

const recovery: readonly Struct[] = [
  struct('ConfigurationRecoveryRequest', 'RPC_CM_START_RECOVERY', [
    [1, 'recoveryNodes', list('rpcAddress')],
    [2, 'skipBadNodes', 'bool'],
    [3, 'skipLostPartitions', 'bool'],
    [4, 'hpRecoveryNodes', list('hostPort'), 'optional'],
  ]),
  struct('ConfigurationRecoveryResponse', 'RPC_CM_START_RECOVERY', [
    [1, 'err', 'error'],
    [2, 'hintMessage', 'string'],
  ]),
  struct('DddDiagnoseRequest', 'RPC_CM_DDD_DIAGNOSE; (-1, *) = all, (N, -1) = table N.', [
    [1, 'pid', 'gpid'],
  ]),
  struct('DddNodeInfo', 'One copy of a partition that nobody leads. 101 and above are ours.', [
    [1, 'node', 'rpcAddress'],
    [2, 'dropTimeMs', 'i64'],
    [3, 'isAlive', 'bool'],
    [4, 'isCollected', 'bool'],
    [5, 'ballot', 'i64'],
    [6, 'lastCommittedDecree', 'i64'],
    [7, 'lastPreparedDecree', 'i64'],
    [8, 'hpNode', 'hostPort', 'optional'],
    [101, 'isMember', 'bool', 'optional'],
    // Mutations that are known to be committed and that it lacks; -1 = it has no whole copy.
    [102, 'lostDecrees', 'i64', 'optional'],
    // The end of its log may be lost: it may lack more than that.
    [103, 'tailUnproven', 'bool', 'optional'],
  ]),
  struct('DddPartitionInfo', 'Part of DddDiagnoseResponse.', [
    [1, 'config', ref('WirePartitionConfiguration')],
    [2, 'dropped', list(ref('DddNodeInfo'))],
    [3, 'reason', 'string'],
  ]),
  struct('DddDiagnoseResponse', 'RPC_CM_DDD_DIAGNOSE', [
    [1, 'err', 'error'],
    [2, 'partitions', list(ref('DddPartitionInfo'))],
  ]),
  struct(
    'ForcePrimaryRequest',
    'RPC_CM_FORCE_PRIMARY, which is ours: this node leads the partition with what it has, whatever is lost.',
    [
      [1, 'pid', 'gpid'],
      [2, 'node', 'hostPort'],
      // As diagnosed; nothing is done if it is another one by now.
      [3, 'ballot', 'i64'],
      // For the record: who, and why.
      [4, 'reason', 'string'],
    ],
  ),
  struct('ForcePrimaryResponse', 'RPC_CM_FORCE_PRIMARY', [
    [1, 'err', 'error'],
    [2, 'hintMessage', 'string'],
  ]),
];

export const metaStructs: readonly Struct[] = [
  ...queryConfiguration,
  ...tables,
  ...cluster,
  ...disks,
  ...maintenance,
  ...recovery,
];

/** `ControlBalanceRequest.action` */
export const BalanceAction = {
  status: 'status',
  pause: 'pause',
  resume: 'resume',
  /** The tables that are left alone are these. */
  ignore: 'ignore',
  /** The server is to be emptied. */
  drain: 'drain',
  /** The server is to lead nothing. */
  drainPrimaries: 'drain_primaries',
  undrain: 'undrain',
} as const;
export type BalanceAction = (typeof BalanceAction)[keyof typeof BalanceAction];

/** `ConfigurationProposalAction.type` */
export const ConfigType = {
  assignPrimary: 1,
  upgradeToPrimary: 2,
  addSecondary: 3,
  upgradeToSecondary: 4,
  downgradeToSecondary: 5,
  downgradeToInactive: 6,
  remove: 7,
  addSecondaryForBalance: 8,
} as const;
export type ConfigType = (typeof ConfigType)[keyof typeof ConfigType];

/** `ConfigurationUpdateAppEnvRequest.op` */
export const AppEnvOperation = { invalid: 0, set: 1, del: 2, clear: 3 } as const;
export type AppEnvOperation = (typeof AppEnvOperation)[keyof typeof AppEnvOperation];

/** `NodeInfo.status` and the filter of list nodes, where `invalid` means "any". */
export const NodeStatus = { invalid: 0, alive: 1, unalive: 2 } as const;
export type NodeStatus = (typeof NodeStatus)[keyof typeof NodeStatus];

/** `ConfigurationListAppsRequest.matchType` */
export const PatternMatchType = {
  invalid: 0,
  all: 1,
  exact: 2,
  anywhere: 3,
  prefix: 4,
  postfix: 5,
  regex: 6,
} as const;
export type PatternMatchType = (typeof PatternMatchType)[keyof typeof PatternMatchType];

/** `ConfigurationMetaControlRequest.level`; `invalid` only asks for the present one. */
export const MetaLevel = {
  stopped: 100,
  blind: 200,
  freezed: 300,
  steady: 400,
  lively: 500,
  invalid: 10000,
} as const;
export type MetaLevel = (typeof MetaLevel)[keyof typeof MetaLevel];

/** `NegotiationRequest.status`; the two that a server without authentication needs. */
export const NegotiationStatus = { listMechanisms: 1, authDisable: 9 } as const;
export type NegotiationStatus = (typeof NegotiationStatus)[keyof typeof NegotiationStatus];
