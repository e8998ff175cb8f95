/**
 * The answers of all procedures of a meta server as they are when there is nothing to say but an error: of a server
 * that does not lead (forwarder.ts), and of procedures of features that are not there yet (meta-service.ts). Each has
 * the error in its first field, and default values in all others, which clients of the original read.
 */
import * as wire from '../wire/generated/meta.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import type { Writer } from '../wire/writer.ts';

/** Writes the answer with nothing in it but this error name. */
export type ErrorAnswer = (writer: Writer, err: string) => void;

function errorAnswer<T extends { readonly err: string }>(
  write: (writer: Writer, value: T) => void,
  make: () => T,
): ErrorAnswer {
  return (writer, err) => write(writer, { ...make(), err });
}

export const ERROR_ANSWERS: ReadonlyMap<RpcCode, ErrorAnswer> = new Map<RpcCode, ErrorAnswer>([
  [
    RpcCode.queryPartitionConfig,
    errorAnswer(wire.writeQueryCfgResponse, wire.makeQueryCfgResponse),
  ],
  [
    RpcCode.createApp,
    errorAnswer(wire.writeConfigurationCreateAppResponse, wire.makeConfigurationCreateAppResponse),
  ],
  [
    RpcCode.dropApp,
    errorAnswer(wire.writeConfigurationDropAppResponse, wire.makeConfigurationDropAppResponse),
  ],
  [
    RpcCode.recallApp,
    errorAnswer(wire.writeConfigurationRecallAppResponse, wire.makeConfigurationRecallAppResponse),
  ],
  [
    RpcCode.renameApp,
    errorAnswer(wire.writeConfigurationRenameAppResponse, wire.makeConfigurationRenameAppResponse),
  ],
  [
    RpcCode.listApps,
    errorAnswer(wire.writeConfigurationListAppsResponse, wire.makeConfigurationListAppsResponse),
  ],
  [
    RpcCode.updateAppEnv,
    errorAnswer(
      wire.writeConfigurationUpdateAppEnvResponse,
      wire.makeConfigurationUpdateAppEnvResponse,
    ),
  ],
  [
    RpcCode.listNodes,
    errorAnswer(wire.writeConfigurationListNodesResponse, wire.makeConfigurationListNodesResponse),
  ],
  [
    RpcCode.clusterInfo,
    errorAnswer(
      wire.writeConfigurationClusterInfoResponse,
      wire.makeConfigurationClusterInfoResponse,
    ),
  ],
  [
    RpcCode.controlMeta,
    errorAnswer(
      wire.writeConfigurationMetaControlResponse,
      wire.makeConfigurationMetaControlResponse,
    ),
  ],
  [
    RpcCode.proposeBalancer,
    errorAnswer(wire.writeConfigurationBalancerResponse, wire.makeConfigurationBalancerResponse),
  ],
  [
    RpcCode.controlBalance,
    errorAnswer(wire.writeControlBalanceResponse, wire.makeControlBalanceResponse),
  ],
  [
    RpcCode.startPartitionSplit,
    errorAnswer(wire.writeStartPartitionSplitResponse, wire.makeStartPartitionSplitResponse),
  ],
  [
    RpcCode.queryPartitionSplit,
    errorAnswer(wire.writeQuerySplitResponse, wire.makeQuerySplitResponse),
  ],
  [
    RpcCode.controlPartitionSplit,
    errorAnswer(wire.writeControlSplitResponse, wire.makeControlSplitResponse),
  ],
  [
    RpcCode.startManualCompact,
    errorAnswer(wire.writeStartAppManualCompactResponse, wire.makeStartAppManualCompactResponse),
  ],
  [
    RpcCode.queryManualCompactStatus,
    errorAnswer(wire.writeQueryAppManualCompactResponse, wire.makeQueryAppManualCompactResponse),
  ],
  [
    RpcCode.getMaxReplicaCount,
    errorAnswer(
      wire.writeConfigurationGetMaxReplicaCountResponse,
      wire.makeConfigurationGetMaxReplicaCountResponse,
    ),
  ],
  [
    RpcCode.setMaxReplicaCount,
    errorAnswer(
      wire.writeConfigurationSetMaxReplicaCountResponse,
      wire.makeConfigurationSetMaxReplicaCountResponse,
    ),
  ],
  [
    RpcCode.getAtomicIdempotent,
    errorAnswer(
      wire.writeConfigurationGetAtomicIdempotentResponse,
      wire.makeConfigurationGetAtomicIdempotentResponse,
    ),
  ],
  [
    RpcCode.setAtomicIdempotent,
    errorAnswer(
      wire.writeConfigurationSetAtomicIdempotentResponse,
      wire.makeConfigurationSetAtomicIdempotentResponse,
    ),
  ],
  [
    RpcCode.startRecovery,
    errorAnswer(wire.writeConfigurationRecoveryResponse, wire.makeConfigurationRecoveryResponse),
  ],
  [RpcCode.dddDiagnose, errorAnswer(wire.writeDddDiagnoseResponse, wire.makeDddDiagnoseResponse)],
  [
    RpcCode.forcePrimary,
    errorAnswer(wire.writeForcePrimaryResponse, wire.makeForcePrimaryResponse),
  ],
]);
