/**
 * What clients and administrators ask the meta server, and its answers: one entry per remote procedure.
 *
 * Questions are answered in the same turn from what is durable. Commands go through the command queue and are
 * answered when their records are durable. Errors stand in the answer's `err`, the frame says ERR_OK, because that
 * is where clients look. Whatever partition the header names is ignored.
 */
import { ErrorCode, ErrorName, errorName } from '../base/error-names.ts';
import { countOperations } from '../cluster/balance-status.ts';
import type { ClusterBrain, Now } from '../cluster/brain.ts';
import { compactionProgress, planStartCompaction } from '../cluster/compaction-commands.ts';
import type { ClusterSettings } from '../cluster/settings.ts';
import type { Table } from '../cluster/table.ts';
import {
  type CommandContext,
  type CommandPlan,
  missingTable,
  planCreate,
  planDrop,
  planRecall,
  planRename,
  planSetAtomicIdempotent,
  planSetReplicaCount,
  planUpdateEnvs,
  refused,
} from '../cluster/table-commands.ts';
import type { Logger } from '../env/logger.ts';
import type { RequestHandler, ThriftSession } from '../rpc/thrift-session.ts';
import * as wire from '../wire/generated/meta.ts';
import type { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { AppEnvOperation, MetaLevel, NegotiationStatus } from '../wire/schema/meta.ts';
import { beginArgument, type RequestHeader } from '../wire/thrift-frame.ts';
import type { Writer } from '../wire/writer.ts';
import {
  type ClusterFacts,
  clusterInfo,
  nameFilter,
  nodeInfos,
  noSuchTable,
  noTableInfo,
  tableConfiguration,
  tableInfo,
} from './answers.ts';
import { planControl, propose, statusText } from './balance-service.ts';
import type { CommandQueue } from './command-queue.ts';
import { ERROR_ANSWERS } from './error-answers.ts';
import type { MetaOptions } from './options.ts';
import type { RecoveryRun } from './recovery-run.ts';
import { diagnosisAnswer, namedRecovery, planForce } from './recovery-service.ts';

export interface MetaServiceParts {
  readonly brain: ClusterBrain;
  readonly commands: CommandQueue;
  readonly recovery: RecoveryRun;
  readonly logger: Logger;
  readonly settings: ClusterSettings & Pick<MetaOptions, 'hostPortFields'>;
  readonly now: () => Now;
  /** Without what changes. */
  readonly facts: Omit<ClusterFacts, 'level' | 'wanted'>;
}

/** The outcome of a command, as most answers have it. */
function withHint({ code, hint }: CommandPlan): { err: string; hintMessage: string } {
  return { err: errorName(code), hintMessage: hint };
}

/** One request that is being answered. */
class Call {
  readonly #session: ThriftSession;
  readonly #rpc: RpcCode;
  readonly #seqid: number;

  constructor(session: ThriftSession, header: RequestHeader) {
    this.#session = session;
    this.#rpc = header.rpc;
    this.#seqid = header.seqid;
  }

  get needsHostPorts(): boolean {
    return this.#session.needsHostPorts;
  }

  answer<T>(write: (writer: Writer, value: T) => void, value: T): void {
    write(this.#session.beginReply(this.#rpc, this.#seqid), value);
    this.#session.finishReply();
  }

  /** Of features that are not there yet: an error that every client knows. */
  notImplemented(): void {
    const write = ERROR_ANSWERS.get(this.#rpc);
    if (write !== undefined) this.answer(write, ErrorName.notImplemented);
    else this.#session.replyError(this.#rpc, this.#seqid, ErrorCode.handlerNotFound);
  }
}

type Procedure = (service: MetaService, call: Call, reader: Reader) => void;

/** Reads the argument, which old clients may leave out altogether. */
function argument<T>(reader: Reader, read: (reader: Reader) => T, make: () => T): T {
  return beginArgument(reader) ? read(reader) : make();
}

export class MetaService implements RequestHandler {
  readonly #parts: MetaServiceParts;

  constructor(parts: MetaServiceParts) {
    this.#parts = parts;
  }

  onRequest(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    const call = new Call(session, header);
    const procedure = PROCEDURES.get(header.rpc);
    if (procedure === undefined) call.notImplemented();
    else procedure(this, call, reader);
  }

  onSessionClosed(_session: ThriftSession): void {}

  // ---- questions ----

  queryConfiguration(call: Call, reader: Reader): void {
    const request = argument(reader, wire.readQueryCfgRequest, wire.makeQueryCfgRequest);
    const { brain, settings } = this.#parts;
    const table = brain.state.tableNamed(request.appName);
    const hostPorts = settings.hostPortFields || call.needsHostPorts;
    const answer =
      table === undefined
        ? noSuchTable(brain.state.isForgetful ? ErrorName.underRecovery : ErrorName.objectNotFound)
        : tableConfiguration(table, request.partitionIndices, hostPorts);
    call.answer(wire.writeQueryCfgResponse, answer);
  }

  listTables(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationListAppsRequest,
      wire.makeConfigurationListAppsRequest,
    );
    const matches = nameFilter(request);
    const tables = [...this.#parts.brain.state.tables()].filter((table) => {
      const { status, appName } = table.app;
      return (request.status === 0 || request.status === status) && matches?.(appName) === true;
    });
    call.answer(wire.writeConfigurationListAppsResponse, {
      err: matches === null ? ErrorName.invalidParameters : ErrorName.ok,
      infos: tables.map(tableInfo),
      hintMessage: matches === null ? 'the pattern cannot be used' : undefined,
    });
  }

  listNodes(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationListNodesRequest,
      wire.makeConfigurationListNodesRequest,
    );
    const infos = nodeInfos(this.#parts.brain.state, request.status, request.detailed === true);
    call.answer(wire.writeConfigurationListNodesResponse, { err: ErrorName.ok, infos });
  }

  clusterInfo(call: Call): void {
    const info = this.clusterFacts();
    call.answer(wire.writeConfigurationClusterInfoResponse, { err: ErrorName.ok, ...info });
  }

  /** What is told of the cluster, as names and values in the same order. */
  clusterFacts(): { readonly keys: string[]; readonly values: string[] } {
    const { brain, facts } = this.#parts;
    const wanted = countOperations(brain.balancer.dryRun(this.#parts.now().monotonicMs));
    return clusterInfo(brain.state, { ...facts, level: levelName(brain.levels.told), wanted });
  }

  /** Answers the old level; `invalid` only asks for it. */
  controlMeta(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationMetaControlRequest,
      wire.makeConfigurationMetaControlRequest,
    );
    const { brain } = this.#parts;
    const oldLevel = brain.levels.told;
    const isLevel = levelName(request.level) !== '';
    if (isLevel && request.level !== MetaLevel.invalid) brain.level = request.level as MetaLevel;
    call.answer(wire.writeConfigurationMetaControlResponse, {
      err: isLevel ? ErrorName.ok : ErrorName.invalidParameters,
      oldLevel,
    });
  }

  replicaCount(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationGetMaxReplicaCountRequest,
      wire.makeConfigurationGetMaxReplicaCountRequest,
    );
    const table = this.#parts.brain.state.tableNamed(request.appName);
    call.answer(wire.writeConfigurationGetMaxReplicaCountResponse, {
      err: table === undefined ? ErrorName.appNotExist : ErrorName.ok,
      maxReplicaCount: table === undefined ? 0 : table.app.maxReplicaCount,
      hintMessage: table === undefined ? missingTable(request.appName).hint : '',
    });
  }

  atomicIdempotent(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationGetAtomicIdempotentRequest,
      wire.makeConfigurationGetAtomicIdempotentRequest,
    );
    const table = this.#parts.brain.state.tableNamed(request.appName);
    call.answer(wire.writeConfigurationGetAtomicIdempotentResponse, {
      err: table === undefined ? ErrorName.appNotExist : ErrorName.ok,
      atomicIdempotent: table?.app.atomicIdempotent === true,
      hintMessage: table === undefined ? missingTable(request.appName).hint : '',
    });
  }

  compactionProgress(call: Call, reader: Reader): void {
    const { appName } = argument(
      reader,
      wire.readQueryAppManualCompactRequest,
      wire.makeQueryAppManualCompactRequest,
    );
    const { code, hint, percent } = compactionProgress(this.#parts.brain.state, appName);
    const answer = { err: errorName(code), hintMsg: hint, progress: percent };
    call.answer(wire.writeQueryAppManualCompactResponse, answer);
  }

  /** A server without authentication. */
  negotiate(call: Call, reader: Reader): void {
    const request = argument(reader, wire.readNegotiationRequest, wire.makeNegotiationRequest);
    const answer = { status: NegotiationStatus.authDisable, msg: request.msg.subarray(0, 0) };
    call.answer(wire.writeNegotiationResponse, answer);
  }

  // ---- commands ----

  createTable(call: Call, reader: Reader): void {
    const { appName, options } = argument(
      reader,
      wire.readConfigurationCreateAppRequest,
      wire.makeConfigurationCreateAppRequest,
    );
    const request = { ...options, appName, atomicIdempotent: options.atomicIdempotent === true };
    this.#command(
      null,
      (context) => planCreate(context, request),
      ({ code, appId }) => {
        const answer = { err: errorName(code), appid: appId };
        call.answer(wire.writeConfigurationCreateAppResponse, answer);
      },
    );
  }

  dropTable(call: Call, reader: Reader): void {
    const { appName, options } = argument(
      reader,
      wire.readConfigurationDropAppRequest,
      wire.makeConfigurationDropAppRequest,
    );
    this.#command(
      () => this.#parts.brain.state.tableNamed(appName),
      (context) => planDrop(context, { ...options, appName }),
      ({ code }) => call.answer(wire.writeConfigurationDropAppResponse, { err: errorName(code) }),
    );
  }

  recallTable(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationRecallAppRequest,
      wire.makeConfigurationRecallAppRequest,
    );
    const { state } = this.#parts.brain;
    this.#command(
      () => state.table(request.appId),
      (context) => planRecall(context, request),
      ({ code, appId }) => {
        const table = code === ErrorCode.ok ? state.table(appId) : undefined;
        const info = table === undefined ? noTableInfo() : tableInfo(table);
        call.answer(wire.writeConfigurationRecallAppResponse, { err: errorName(code), info });
      },
    );
  }

  renameTable(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationRenameAppRequest,
      wire.makeConfigurationRenameAppRequest,
    );
    this.#command(
      null,
      (context) => planRename(context, request.oldAppName, request.newAppName),
      (plan) => call.answer(wire.writeConfigurationRenameAppResponse, withHint(plan)),
    );
  }

  updateEnvs(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationUpdateAppEnvRequest,
      wire.makeConfigurationUpdateAppEnvRequest,
    );
    this.#command(
      null,
      (context) => planUpdateEnvs(context, { ...request, operation: request.op }),
      (plan) => call.answer(wire.writeConfigurationUpdateAppEnvResponse, withHint(plan)),
    );
  }

  /** Sets settings of a table, for those who come another way than by RPC. */
  setEnvs(appName: string, envs: ReadonlyMap<string, string>): Promise<CommandPlan> {
    const operation = AppEnvOperation.set;
    const [keys, values] = [[...envs.keys()], [...envs.values()]];
    const request = { appName, operation, keys, values, clearPrefix: undefined };
    return new Promise((resolve) => {
      this.#command(null, (context) => planUpdateEnvs(context, request), resolve);
    });
  }

  setReplicaCount(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationSetMaxReplicaCountRequest,
      wire.makeConfigurationSetMaxReplicaCountRequest,
    );
    let before = 0;
    this.#command(
      null,
      (context) => {
        before = context.state.tableNamed(request.appName)?.app.maxReplicaCount ?? 0;
        return planSetReplicaCount(context, request.appName, request.maxReplicaCount);
      },
      ({ code, hint }) => {
        call.answer(wire.writeConfigurationSetMaxReplicaCountResponse, {
          err: errorName(code),
          oldMaxReplicaCount: before,
          hintMessage: hint,
        });
      },
    );
  }

  /** Partitions that nobody leads. */
  diagnose(call: Call, reader: Reader): void {
    const request = argument(reader, wire.readDddDiagnoseRequest, wire.makeDddDiagnoseRequest);
    const { brain, settings, now } = this.#parts;
    const hostPorts = settings.hostPortFields || call.needsHostPorts;
    const answer = diagnosisAnswer(brain.state, request, now(), hostPorts);
    call.answer(wire.writeDddDiagnoseResponse, answer);
  }

  forcePrimary(call: Call, reader: Reader): void {
    const request = argument(reader, wire.readForcePrimaryRequest, wire.makeForcePrimaryRequest);
    this.#command(
      null,
      (context) => planForce(context, request, this.#parts.logger),
      (plan) => call.answer(wire.writeForcePrimaryResponse, withHint(plan)),
    );
  }

  /** Of a meta server whose store was lost. */
  startRecovery(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationRecoveryRequest,
      wire.makeConfigurationRecoveryRequest,
    );
    this.#parts.recovery.start(namedRecovery(request), (plan) =>
      call.answer(wire.writeConfigurationRecoveryResponse, withHint(plan)),
    );
  }

  setAtomicIdempotent(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationSetAtomicIdempotentRequest,
      wire.makeConfigurationSetAtomicIdempotentRequest,
    );
    let before = false;
    this.#command(
      null,
      (context) => {
        const table = context.state.tableNamed(request.appName);
        before = table?.app.atomicIdempotent === true;
        return planSetAtomicIdempotent(context, request.appName, request.atomicIdempotent);
      },
      ({ code, hint }) => {
        call.answer(wire.writeConfigurationSetAtomicIdempotentResponse, {
          err: errorName(code),
          oldAtomicIdempotent: before,
          hintMessage: hint,
        });
      },
    );
  }

  proposeMove(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readConfigurationBalancerRequest,
      wire.makeConfigurationBalancerRequest,
    );
    const { code, hint } = propose(this.#parts.brain, request, this.#parts.now());
    const hintMessage = hint === '' ? undefined : hint;
    call.answer(wire.writeConfigurationBalancerResponse, { err: errorName(code), hintMessage });
  }

  controlBalance(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readControlBalanceRequest,
      wire.makeControlBalanceRequest,
    );
    this.#command(
      null,
      (context) => planControl(context, request),
      ({ code, hint }) => {
        const { brain, now } = this.#parts;
        const status = code === ErrorCode.ok ? statusText(brain, now()) : '';
        const answer = { err: errorName(code), hintMessage: hint, status };
        call.answer(wire.writeControlBalanceResponse, answer);
      },
    );
  }

  startCompaction(call: Call, reader: Reader): void {
    const request = argument(
      reader,
      wire.readStartAppManualCompactRequest,
      wire.makeStartAppManualCompactRequest,
    );
    this.#command(
      null,
      (context) => planStartCompaction(context, request),
      ({ code, hint }) => {
        const answer = { err: errorName(code), hintMsg: hint };
        call.answer(wire.writeStartAppManualCompactResponse, answer);
      },
    );
  }

  #command(
    frozenTable: (() => Table | undefined) | null,
    plan: (context: CommandContext) => CommandPlan,
    answer: (plan: CommandPlan) => void,
  ): void {
    const { brain, commands, settings, now } = this.#parts;
    const accepted = commands.push({
      frozenTable: () => frozenTable?.(),
      plan: () => {
        const { wallSeconds } = now();
        return plan({ state: brain.state, settings, level: brain.level, wallSeconds });
      },
      answer,
    });
    if (!accepted) answer(refused(ErrorCode.busy));
  }
}

const PROCEDURES: ReadonlyMap<RpcCode, Procedure> = new Map<RpcCode, Procedure>([
  [
    RpcCode.queryPartitionConfig,
    (service, call, reader) => service.queryConfiguration(call, reader),
  ],
  [RpcCode.listApps, (service, call, reader) => service.listTables(call, reader)],
  [RpcCode.listNodes, (service, call, reader) => service.listNodes(call, reader)],
  [RpcCode.clusterInfo, (service, call) => service.clusterInfo(call)],
  [RpcCode.controlMeta, (service, call, reader) => service.controlMeta(call, reader)],
  [RpcCode.getMaxReplicaCount, (service, call, reader) => service.replicaCount(call, reader)],
  [RpcCode.getAtomicIdempotent, (service, call, reader) => service.atomicIdempotent(call, reader)],
  [RpcCode.negotiation, (service, call, reader) => service.negotiate(call, reader)],
  [RpcCode.createApp, (service, call, reader) => service.createTable(call, reader)],
  [RpcCode.dropApp, (service, call, reader) => service.dropTable(call, reader)],
  [RpcCode.recallApp, (service, call, reader) => service.recallTable(call, reader)],
  [RpcCode.renameApp, (service, call, reader) => service.renameTable(call, reader)],
  [RpcCode.dddDiagnose, (service, call, reader) => service.diagnose(call, reader)],
  [RpcCode.forcePrimary, (service, call, reader) => service.forcePrimary(call, reader)],
  [RpcCode.startRecovery, (service, call, reader) => service.startRecovery(call, reader)],
  [RpcCode.updateAppEnv, (service, call, reader) => service.updateEnvs(call, reader)],
  [RpcCode.setMaxReplicaCount, (service, call, reader) => service.setReplicaCount(call, reader)],
  [
    RpcCode.setAtomicIdempotent,
    (service, call, reader) => service.setAtomicIdempotent(call, reader),
  ],
  [RpcCode.proposeBalancer, (service, call, reader) => service.proposeMove(call, reader)],
  [RpcCode.controlBalance, (service, call, reader) => service.controlBalance(call, reader)],
  [RpcCode.startManualCompact, (service, call, reader) => service.startCompaction(call, reader)],
  [
    RpcCode.queryManualCompactStatus,
    (service, call, reader) => service.compactionProgress(call, reader),
  ],
]);

/** Empty for a number that is no level. */
function levelName(level: number): string {
  return Object.entries(MetaLevel).find(([, value]) => value === level)?.[0] ?? '';
}
