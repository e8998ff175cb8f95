/**
 * Every remote procedure that the client calls, once: its code, how its argument is written and its result read, and
 * what may be done with it when an answer does not come.
 */
import type { ErrorCode } from '../base/error-names.ts';
import { ErrorCode as Code, errorCodeOf } from '../base/error-names.ts';
import * as meta from '../wire/generated/meta.ts';
import * as rrdb from '../wire/generated/rrdb.ts';
import type { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import type { Writer } from '../wire/writer.ts';

/**
 * `read`: any number of times. `idempotent`: executing it twice is the same as once, unless somebody else wrote in
 * between. `atomic`: never twice.
 */
export type RetryClass = 'read' | 'idempotent' | 'atomic';

export interface OperationKind<Request, Result> {
  /** As in the client's API, for messages. */
  readonly name: string;
  readonly rpc: RpcCode;
  readonly retry: RetryClass;
  /** Takes a server next to no time, so that a late answer means trouble. */
  readonly quick: boolean;
  write(writer: Writer, request: Request): void;
  read(reader: Reader): Result;
  /** Error inside an answer that refuses the request as a whole; storage statuses are not among them. */
  refusal(result: Result): ErrorCode;
}

interface DataResult {
  readonly error: number;
}

interface MetaResult {
  readonly err: string;
}

const noRefusal = (): ErrorCode => Code.ok;
const metaRefusal = (result: MetaResult): ErrorCode => errorCodeOf(result.err);

function data<Request, Result extends DataResult>(
  name: string,
  rpc: RpcCode,
  retry: RetryClass,
  write: (writer: Writer, request: Request) => void,
  read: (reader: Reader) => Result,
  quick = false,
): OperationKind<Request, Result> {
  return { name, rpc, retry, quick, write, read, refusal: noRefusal };
}

function control<Request, Result extends MetaResult>(
  name: string,
  rpc: RpcCode,
  retry: RetryClass,
  write: (writer: Writer, request: Request) => void,
  read: (reader: Reader) => Result,
): OperationKind<Request, Result> {
  return { name, rpc, retry, quick: retry === 'read', write, read, refusal: metaRefusal };
}

const writeBlob = (writer: Writer, bytes: Uint8Array): void => writer.writeBlob(bytes);
const QUICK = true;

export const PUT: OperationKind<rrdb.UpdateRequest, rrdb.UpdateResponse> = data(
  'set',
  RpcCode.put,
  'idempotent',
  rrdb.writeUpdateRequest,
  rrdb.readUpdateResponse,
);
/** The argument is an encoded key. */
export const REMOVE: OperationKind<Uint8Array, rrdb.UpdateResponse> = data(
  'del',
  RpcCode.remove,
  'idempotent',
  writeBlob,
  rrdb.readUpdateResponse,
);
export const MULTI_PUT: OperationKind<rrdb.MultiPutRequest, rrdb.UpdateResponse> = data(
  'multiSet',
  RpcCode.multiPut,
  'idempotent',
  rrdb.writeMultiPutRequest,
  rrdb.readUpdateResponse,
);
export const MULTI_REMOVE: OperationKind<rrdb.MultiRemoveRequest, rrdb.MultiRemoveResponse> = data(
  'multiDel',
  RpcCode.multiRemove,
  'idempotent',
  rrdb.writeMultiRemoveRequest,
  rrdb.readMultiRemoveResponse,
);
export const INCR: OperationKind<rrdb.IncrRequest, rrdb.IncrResponse> = data(
  'incr',
  RpcCode.incr,
  'atomic',
  rrdb.writeIncrRequest,
  rrdb.readIncrResponse,
);
export const CHECK_AND_SET: OperationKind<rrdb.CheckAndSetRequest, rrdb.CheckAndSetResponse> = data(
  'checkAndSet',
  RpcCode.checkAndSet,
  'atomic',
  rrdb.writeCheckAndSetRequest,
  rrdb.readCheckAndSetResponse,
);
export const CHECK_AND_MUTATE: OperationKind<
  rrdb.CheckAndMutateRequest,
  rrdb.CheckAndMutateResponse
> = data(
  'checkAndMutate',
  RpcCode.checkAndMutate,
  'atomic',
  rrdb.writeCheckAndMutateRequest,
  rrdb.readCheckAndMutateResponse,
);

/** The argument is an encoded key. */
export const GET: OperationKind<Uint8Array, rrdb.ReadResponse> = data(
  'get',
  RpcCode.get,
  'read',
  writeBlob,
  rrdb.readReadResponse,
  QUICK,
);
/** The argument is an encoded key. */
export const TTL: OperationKind<Uint8Array, rrdb.TtlResponse> = data(
  'ttl',
  RpcCode.ttl,
  'read',
  writeBlob,
  rrdb.readTtlResponse,
  QUICK,
);
export const MULTI_GET: OperationKind<rrdb.MultiGetRequest, rrdb.MultiGetResponse> = data(
  'multiGet',
  RpcCode.multiGet,
  'read',
  rrdb.writeMultiGetRequest,
  rrdb.readMultiGetResponse,
);
export const BATCH_GET: OperationKind<rrdb.BatchGetRequest, rrdb.BatchGetResponse> = data(
  'batchGet',
  RpcCode.batchGet,
  'read',
  rrdb.writeBatchGetRequest,
  rrdb.readBatchGetResponse,
);
/** Gets that go together. */
export const COALESCED_GET: typeof BATCH_GET = { ...BATCH_GET, name: 'get', quick: true };
/** The argument is a bare hash key. */
export const SORTKEY_COUNT: OperationKind<Uint8Array, rrdb.CountResponse> = data(
  'sortKeyCount',
  RpcCode.sortkeyCount,
  'read',
  writeBlob,
  rrdb.readCountResponse,
);
export const GET_SCANNER: OperationKind<rrdb.GetScannerRequest, rrdb.ScanResponse> = data(
  'scan',
  RpcCode.getScanner,
  'read',
  rrdb.writeGetScannerRequest,
  rrdb.readScanResponse,
);
/** The server forgets the context with the answer: a lost one cannot be asked for again. */
export const SCAN: OperationKind<rrdb.ScanRequest, rrdb.ScanResponse> = data(
  'scan',
  RpcCode.scan,
  'read',
  rrdb.writeScanRequest,
  rrdb.readScanResponse,
);

export const QUERY_CONFIG: OperationKind<meta.QueryCfgRequest, meta.QueryCfgResponse> = control(
  'config',
  RpcCode.queryPartitionConfig,
  'read',
  meta.writeQueryCfgRequest,
  meta.readQueryCfgResponse,
);
export const CREATE_TABLE: OperationKind<
  meta.ConfigurationCreateAppRequest,
  meta.ConfigurationCreateAppResponse
> = control(
  'createTable',
  RpcCode.createApp,
  'atomic',
  meta.writeConfigurationCreateAppRequest,
  meta.readConfigurationCreateAppResponse,
);
/** With `successIfExist`. */
export const ENSURE_TABLE: typeof CREATE_TABLE = { ...CREATE_TABLE, retry: 'idempotent' };
export const DROP_TABLE: OperationKind<
  meta.ConfigurationDropAppRequest,
  meta.ConfigurationDropAppResponse
> = control(
  'dropTable',
  RpcCode.dropApp,
  'atomic',
  meta.writeConfigurationDropAppRequest,
  meta.readConfigurationDropAppResponse,
);
export const LIST_TABLES: OperationKind<
  meta.ConfigurationListAppsRequest,
  meta.ConfigurationListAppsResponse
> = control(
  'listTables',
  RpcCode.listApps,
  'read',
  meta.writeConfigurationListAppsRequest,
  meta.readConfigurationListAppsResponse,
);
export const LIST_NODES: OperationKind<
  meta.ConfigurationListNodesRequest,
  meta.ConfigurationListNodesResponse
> = control(
  'listNodes',
  RpcCode.listNodes,
  'read',
  meta.writeConfigurationListNodesRequest,
  meta.readConfigurationListNodesResponse,
);
export const CLUSTER_INFO: OperationKind<
  meta.ConfigurationClusterInfoRequest,
  meta.ConfigurationClusterInfoResponse
> = control(
  'clusterInfo',
  RpcCode.clusterInfo,
  'read',
  meta.writeConfigurationClusterInfoRequest,
  meta.readConfigurationClusterInfoResponse,
);
export const UPDATE_ENVS: OperationKind<
  meta.ConfigurationUpdateAppEnvRequest,
  meta.ConfigurationUpdateAppEnvResponse
> = control(
  'setEnvs',
  RpcCode.updateAppEnv,
  'idempotent',
  meta.writeConfigurationUpdateAppEnvRequest,
  meta.readConfigurationUpdateAppEnvResponse,
);
/** Its answer says in words what was refused. */
export const PROPOSE: OperationKind<
  meta.ConfigurationBalancerRequest,
  meta.ConfigurationBalancerResponse
> = {
  ...control(
    'propose',
    RpcCode.proposeBalancer,
    'atomic',
    meta.writeConfigurationBalancerRequest,
    meta.readConfigurationBalancerResponse,
  ),
  refusal: noRefusal,
};
export const CONTROL_BALANCE: OperationKind<
  meta.ControlBalanceRequest,
  meta.ControlBalanceResponse
> = {
  ...control(
    'controlBalance',
    RpcCode.controlBalance,
    'idempotent',
    meta.writeControlBalanceRequest,
    meta.readControlBalanceResponse,
  ),
  refusal: noRefusal,
};
export const RECOVER: OperationKind<
  meta.ConfigurationRecoveryRequest,
  meta.ConfigurationRecoveryResponse
> = {
  ...control(
    'recover',
    RpcCode.startRecovery,
    'atomic',
    meta.writeConfigurationRecoveryRequest,
    meta.readConfigurationRecoveryResponse,
  ),
  refusal: noRefusal,
};
export const DIAGNOSE: OperationKind<meta.DddDiagnoseRequest, meta.DddDiagnoseResponse> = control(
  'diagnose',
  RpcCode.dddDiagnose,
  'read',
  meta.writeDddDiagnoseRequest,
  meta.readDddDiagnoseResponse,
);
/** Its answer says in words what was refused. */
export const FORCE_PRIMARY: OperationKind<meta.ForcePrimaryRequest, meta.ForcePrimaryResponse> = {
  ...control(
    'forcePrimary',
    RpcCode.forcePrimary,
    'atomic',
    meta.writeForcePrimaryRequest,
    meta.readForcePrimaryResponse,
  ),
  refusal: noRefusal,
};
export const RECALL_TABLE: OperationKind<
  meta.ConfigurationRecallAppRequest,
  meta.ConfigurationRecallAppResponse
> = control(
  'recallTable',
  RpcCode.recallApp,
  'atomic',
  meta.writeConfigurationRecallAppRequest,
  meta.readConfigurationRecallAppResponse,
);
