/**
 * Every remote procedure, once: its number inside, its name on the wire, what it takes and what it answers.
 *
 * The reply name is always the request name + `_ACK`. Names we do not serve are `unknown`; they are answered with
 * ERR_HANDLER_NOT_FOUND under their own name, cut to 47 bytes as the original does it.
 */
import { copyInto, EMPTY_BYTES } from '../base/bytes.ts';
import { encodeUtf8 } from '../base/utf8.ts';

export const RpcCode = {
  unknown: 0,
  put: 1,
  multiPut: 2,
  remove: 3,
  multiRemove: 4,
  incr: 5,
  checkAndSet: 6,
  checkAndMutate: 7,
  get: 8,
  ttl: 9,
  multiGet: 10,
  batchGet: 11,
  sortkeyCount: 12,
  getScanner: 13,
  scan: 14,
  clearScanner: 15,
  queryPartitionConfig: 16,
  createApp: 17,
  dropApp: 18,
  recallApp: 19,
  renameApp: 20,
  listApps: 21,
  updateAppEnv: 22,
  listNodes: 23,
  clusterInfo: 24,
  controlMeta: 25,
  proposeBalancer: 26,
  startPartitionSplit: 27,
  queryPartitionSplit: 28,
  controlPartitionSplit: 29,
  startManualCompact: 30,
  queryManualCompactStatus: 31,
  getMaxReplicaCount: 32,
  setMaxReplicaCount: 33,
  getAtomicIdempotent: 34,
  setAtomicIdempotent: 35,
  queryAppInfo: 36,
  cliCall: 37,
  negotiation: 38,
  startRecovery: 39,
  dddDiagnose: 40,
  forcePrimary: 41,
  queryDiskInfo: 42,
  replicaDiskMigrate: 43,
  addNewDisk: 44,
  controlBalance: 45,
} as const;
export type RpcCode = (typeof RpcCode)[keyof typeof RpcCode];

/**
 * `write` and `read` go to a replica and carry a partition in the header; `meta` to the meta server; `replica` to a
 * replica server as a whole; `any` is answered by every server.
 */
export type RpcKind = 'none' | 'write' | 'read' | 'meta' | 'replica' | 'any';

/** What stands in the argument or result field: a base type or the name of a struct. */
export interface RpcInfo {
  readonly code: RpcCode;
  /** Empty for `unknown`. */
  readonly name: string;
  readonly kind: RpcKind;
  readonly argument: string;
  /** `none`: there is no reply at all. */
  readonly result: string;
}

type Row = readonly [RpcCode, string, RpcKind, string, string];

const R = RpcCode;
const DATA = 'RPC_RRDB_RRDB_';
const META = 'RPC_CM_';

const DATA_ROWS: readonly Row[] = [
  [R.put, `${DATA}PUT`, 'write', 'UpdateRequest', 'UpdateResponse'],
  [R.multiPut, `${DATA}MULTI_PUT`, 'write', 'MultiPutRequest', 'UpdateResponse'],
  [R.remove, `${DATA}REMOVE`, 'write', 'blob', 'UpdateResponse'],
  [R.multiRemove, `${DATA}MULTI_REMOVE`, 'write', 'MultiRemoveRequest', 'MultiRemoveResponse'],
  [R.incr, `${DATA}INCR`, 'write', 'IncrRequest', 'IncrResponse'],
  [R.checkAndSet, `${DATA}CHECK_AND_SET`, 'write', 'CheckAndSetRequest', 'CheckAndSetResponse'],
  [
    R.checkAndMutate,
    `${DATA}CHECK_AND_MUTATE`,
    'write',
    'CheckAndMutateRequest',
    'CheckAndMutateResponse',
  ],
  [R.get, `${DATA}GET`, 'read', 'blob', 'ReadResponse'],
  [R.ttl, `${DATA}TTL`, 'read', 'blob', 'TtlResponse'],
  [R.multiGet, `${DATA}MULTI_GET`, 'read', 'MultiGetRequest', 'MultiGetResponse'],
  [R.batchGet, `${DATA}BATCH_GET`, 'read', 'BatchGetRequest', 'BatchGetResponse'],
  [R.sortkeyCount, `${DATA}SORTKEY_COUNT`, 'read', 'blob', 'CountResponse'],
  [R.getScanner, `${DATA}GET_SCANNER`, 'read', 'GetScannerRequest', 'ScanResponse'],
  [R.scan, `${DATA}SCAN`, 'read', 'ScanRequest', 'ScanResponse'],
  [R.clearScanner, `${DATA}CLEAR_SCANNER`, 'read', 'i64', 'none'],
];

/** Code, rest of the name, common part of the struct names: they end in Request and Response. */
const META_ROWS: readonly (readonly [RpcCode, string, string])[] = [
  [R.queryPartitionConfig, 'QUERY_PARTITION_CONFIG_BY_INDEX', 'QueryCfg'],
  [R.createApp, 'CREATE_APP', 'ConfigurationCreateApp'],
  [R.dropApp, 'DROP_APP', 'ConfigurationDropApp'],
  [R.recallApp, 'RECALL_APP', 'ConfigurationRecallApp'],
  [R.renameApp, 'RENAME_APP', 'ConfigurationRenameApp'],
  [R.listApps, 'LIST_APPS', 'ConfigurationListApps'],
  [R.updateAppEnv, 'UPDATE_APP_ENV', 'ConfigurationUpdateAppEnv'],
  [R.listNodes, 'LIST_NODES', 'ConfigurationListNodes'],
  [R.clusterInfo, 'CLUSTER_INFO', 'ConfigurationClusterInfo'],
  [R.controlMeta, 'CONTROL_META', 'ConfigurationMetaControl'],
  [R.proposeBalancer, 'PROPOSE_BALANCER', 'ConfigurationBalancer'],
  [R.startPartitionSplit, 'START_PARTITION_SPLIT', 'StartPartitionSplit'],
  [R.queryPartitionSplit, 'QUERY_PARTITION_SPLIT', 'QuerySplit'],
  [R.controlPartitionSplit, 'CONTROL_PARTITION_SPLIT', 'ControlSplit'],
  [R.startManualCompact, 'START_MANUAL_COMPACT', 'StartAppManualCompact'],
  [R.queryManualCompactStatus, 'QUERY_MANUAL_COMPACT_STATUS', 'QueryAppManualCompact'],
  [R.getMaxReplicaCount, 'GET_MAX_REPLICA_COUNT', 'ConfigurationGetMaxReplicaCount'],
  [R.setMaxReplicaCount, 'SET_MAX_REPLICA_COUNT', 'ConfigurationSetMaxReplicaCount'],
  [R.getAtomicIdempotent, 'GET_ATOMIC_IDEMPOTENT', 'ConfigurationGetAtomicIdempotent'],
  [R.setAtomicIdempotent, 'SET_ATOMIC_IDEMPOTENT', 'ConfigurationSetAtomicIdempotent'],
];

/** The same, of those that came later. */
const LATER_META_ROWS: typeof META_ROWS = [
  [R.startRecovery, 'START_RECOVERY', 'ConfigurationRecovery'],
  [R.dddDiagnose, 'DDD_DIAGNOSE', 'DddDiagnose'],
  [R.forcePrimary, 'FORCE_PRIMARY', 'ForcePrimary'],
];

const BALANCE_ROWS: typeof META_ROWS = [[R.controlBalance, 'CONTROL_BALANCE', 'ControlBalance']];

const DISK_ROWS: readonly Row[] = [
  [
    R.queryDiskInfo,
    'RPC_QUERY_DISK_INFO',
    'replica',
    'QueryDiskInfoRequest',
    'QueryDiskInfoResponse',
  ],
  [
    R.replicaDiskMigrate,
    'RPC_REPLICA_DISK_MIGRATE',
    'replica',
    'ReplicaDiskMigrateRequest',
    'ReplicaDiskMigrateResponse',
  ],
  [R.addNewDisk, 'RPC_ADD_NEW_DISK', 'replica', 'AddNewDiskRequest', 'AddNewDiskResponse'],
];

const ROWS: readonly Row[] = [
  [R.unknown, '', 'none', 'none', 'none'],
  ...DATA_ROWS,
  ...META_ROWS.map(metaRow),
  [R.queryAppInfo, 'RPC_QUERY_APP_INFO', 'replica', 'QueryAppInfoRequest', 'QueryAppInfoResponse'],
  [R.cliCall, 'RPC_CLI_CLI_CALL', 'any', 'Command', 'string'],
  [R.negotiation, 'RPC_NEGOTIATION', 'any', 'NegotiationRequest', 'NegotiationResponse'],
  ...LATER_META_ROWS.map(metaRow),
  ...DISK_ROWS,
  ...BALANCE_ROWS.map(metaRow),
];

function metaRow([code, name, struct]: (typeof META_ROWS)[number]): Row {
  return [code, META + name, 'meta', `${struct}Request`, `${struct}Response`];
}

/** By code. */
export const RPCS: readonly RpcInfo[] = ROWS.map(([code, name, kind, argument, result]) => ({
  code,
  name,
  kind,
  argument,
  result,
}));

const NAME_BYTES: readonly Uint8Array[] = RPCS.map((rpc) => encodeUtf8(rpc.name));

/** A hash table over the names: open addressing, so that a probe costs one compare in nearly every case. */
const SLOTS = 256;
const TABLE: Uint8Array = buildTable();

/** The procedure whose name is `bytes[start … end)`, without making a string. */
export function findRpc(bytes: Uint8Array, start: number, end: number): RpcCode {
  const length = end - start;
  if (length < NAME_BYTES_MIN) return RpcCode.unknown;
  let slot = hashName(bytes, start, length);
  for (;;) {
    const code = TABLE[slot]!;
    if (code === RpcCode.unknown) return RpcCode.unknown;
    if (isName(NAME_BYTES[code]!, bytes, start, length)) return code as RpcCode;
    slot = (slot + 1) & (SLOTS - 1);
  }
}

/** The hash looks at three bytes from the end. */
const NAME_BYTES_MIN = 4;

function hashName(bytes: Uint8Array, start: number, length: number): number {
  const end = start + length;
  const mixed = length * 29 + bytes[end - 1]! * 3 + bytes[end - 2]! * 17 + bytes[end - 4]! * 71;
  return mixed & (SLOTS - 1);
}

function isName(name: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (name.length !== length) return false;
  for (let index = length - 1; index >= 0; index--) {
    if (name[index] !== bytes[start + index]) return false;
  }
  return true;
}

function buildTable(): Uint8Array {
  const table = new Uint8Array(SLOTS);
  for (const { code } of RPCS) {
    const name = NAME_BYTES[code]!;
    if (name.length === 0) continue;
    let slot = hashName(name, 0, name.length);
    while (table[slot] !== RpcCode.unknown) slot = (slot + 1) & (SLOTS - 1);
    table[slot] = code;
  }
  return table;
}

/** Longest name in a reply, as in the original's fixed buffer. */
const REPLY_NAME_MAX = 47;
const ACK: Uint8Array = encodeUtf8('_ACK');

/** Name of the reply to an unknown procedure: `bytes[start … end)` + `_ACK`, cut. */
export function unknownReplyName(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const kept = Math.min(end - start, REPLY_NAME_MAX);
  const length = Math.min(kept + ACK.length, REPLY_NAME_MAX);
  if (length === 0) return EMPTY_BYTES;
  const name = new Uint8Array(length);
  copyInto(bytes, start, kept, name, 0);
  copyInto(ACK, 0, length - kept, name, kept);
  return name;
}
