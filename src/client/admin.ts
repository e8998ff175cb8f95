/** Operations on the cluster, answered by the leader of the meta servers. */
import { hostPortText, parseHostPort } from '../model/identity.ts';
import type * as meta from '../wire/generated/meta.ts';
import { AppEnvOperation, ConfigType, NodeStatus } from '../wire/schema/meta.ts';
import type { WireHostPort } from '../wire/types.ts';
import type {
  Admin,
  BalanceAction,
  BalanceReport,
  CallOptions,
  CommandOutcome,
  ControlBalanceOptions,
  CreateTableOptions,
  DropTableOptions,
  ForcePrimaryOptions,
  NodeDetail,
  NodeStatusInfo,
  PartitionDiagnosis,
  PartitionInfo,
  ProposedStep,
  ProposeOptions,
  RecoverOptions,
  TableConfig,
  TableInfo,
  TableStatus,
} from './api.ts';
import type { Engine } from './engine.ts';
import { InvalidArgumentError, RejectedError, TableNotFoundError, TimeoutError } from './errors.ts';
import * as kinds from './operation-kinds.ts';
import type { Convert, PendingCalls } from './pending-calls.ts';

const PARTITION_COUNT = 8;
const REPLICA_COUNT = 3;
const HEALTH_POLL_MS = 100;
/** Partitions do not come up within the time of an ordinary operation. */
const CREATE_TIMEOUT_MS = 30_000;
const APP_STATUS_AVAILABLE = 1;
const NO_HASH = { high: 0, low: 0 };
const TABLE_MISSING = 'ERR_OBJECT_NOT_FOUND';

const STATUSES: readonly TableStatus[] = [
  'invalid',
  'available',
  'creating',
  'createFailed',
  'dropping',
  'dropFailed',
  'dropped',
  'recalling',
];

export class ClusterAdmin implements Admin {
  readonly #engine: Engine;
  readonly #calls: PendingCalls;

  constructor(engine: Engine, calls: PendingCalls) {
    this.#engine = engine;
    this.#calls = calls;
  }

  async createTable(name: string, options: CreateTableOptions = {}): Promise<number> {
    const partitionCount = options.partitionCount ?? PARTITION_COUNT;
    if (partitionCount < 2 || (partitionCount & (partitionCount - 1)) !== 0) {
      throw new InvalidArgumentError('partitionCount is a power of two of at least 2');
    }
    const timeoutMs = options.timeoutMs ?? CREATE_TIMEOUT_MS;
    const deadlineMs = this.#engine.wheel.nowMs() + timeoutMs;
    const successIfExist = options.successIfExists ?? false;
    const request: meta.ConfigurationCreateAppRequest = {
      appName: checkName(name),
      options: {
        partitionCount,
        replicaCount: options.replicaCount ?? REPLICA_COUNT,
        successIfExist,
        appType: 'pegasus',
        isStateful: true,
        envs: new Map(Object.entries(options.envs ?? {})),
        atomicIdempotent: undefined,
      },
    };
    const kind = successIfExist ? kinds.ENSURE_TABLE : kinds.CREATE_TABLE;
    const rest = { ...options, timeoutMs };
    const appId = await this.#run(kind, rest, request, ({ appid }) => appid);
    if (options.waitHealthy ?? true) {
      const leftMs = Math.max(deadlineMs - this.#engine.wheel.nowMs(), 0);
      await this.waitHealthy(name, { signal: options.signal, timeoutMs: leftMs });
    }
    return appId;
  }

  dropTable(name: string, options: DropTableOptions = {}): Promise<void> {
    const request = {
      appName: name,
      options: {
        successIfNotExist: options.successIfNotExists ?? false,
        reserveSeconds: options.reserveSeconds,
      },
    };
    return this.#run(kinds.DROP_TABLE, options, request, nothing);
  }

  recallTable(
    appId: number,
    options: CallOptions & { readonly newName?: string | undefined } = {},
  ): Promise<TableInfo> {
    const request = { appId, newAppName: options.newName ?? '' };
    return this.#run(kinds.RECALL_TABLE, options, request, ({ info }) => toTableInfo(info));
  }

  listTables(options: CallOptions & { readonly all?: boolean } = {}): Promise<TableInfo[]> {
    const request = {
      status: options.all === true ? 0 : APP_STATUS_AVAILABLE,
      appNamePattern: undefined,
      matchType: undefined,
    };
    return this.#run(kinds.LIST_TABLES, options, request, ({ infos }) => infos.map(toTableInfo));
  }

  listNodes(options?: CallOptions & { readonly detailed?: boolean }): Promise<NodeStatusInfo[]> {
    const request = { status: NodeStatus.invalid, detailed: options?.detailed };
    return this.#run(kinds.LIST_NODES, options, request, ({ infos }) => infos.map(toNodeStatus));
  }

  clusterInfo(options?: CallOptions): Promise<ReadonlyMap<string, string>> {
    return this.#run(kinds.CLUSTER_INFO, options, {}, ({ keys, values }) => {
      return new Map(keys.map((key, index) => [key, values[index] ?? '']));
    });
  }

  async tableConfig(name: string, options?: CallOptions): Promise<TableConfig> {
    const request = { appName: name, partitionIndices: [] };
    try {
      return await this.#run(kinds.QUERY_CONFIG, options, request, toTableConfig);
    } catch (error) {
      if (!(error instanceof RejectedError) || error.serverCode !== TABLE_MISSING) throw error;
      throw new TableNotFoundError(`table "${name}" does not exist`, { ...error, table: name });
    }
  }

  async waitHealthy(name: string, options: CallOptions = {}): Promise<TableConfig> {
    const timeoutMs = options.timeoutMs ?? CREATE_TIMEOUT_MS;
    const deadlineMs = this.#engine.wheel.nowMs() + timeoutMs;
    for (;;) {
      const leftMs = Math.max(deadlineMs - this.#engine.wheel.nowMs(), 0);
      const config = await this.tableConfig(name, { signal: options.signal, timeoutMs: leftMs });
      const sick = sickOf(config);
      if (sick === 0) return config;
      if (this.#engine.wheel.nowMs() + HEALTH_POLL_MS >= deadlineMs) {
        throw new TimeoutError(
          `table "${name}" is not healthy yet: ${sick} of ${config.partitionCount} partitions lack replicas`,
        );
      }
      await this.#pause();
    }
  }

  async isHealthy(name: string, options?: CallOptions): Promise<boolean> {
    return sickOf(await this.tableConfig(name, options)) === 0;
  }

  async envs(name: string, options?: CallOptions): Promise<ReadonlyMap<string, string>> {
    const tables = await this.listTables(options);
    const table = tables.find((one) => one.name === name);
    if (table === undefined) throw new TableNotFoundError(`table "${name}" does not exist`);
    return table.envs;
  }

  setEnvs(
    name: string,
    envs: Readonly<Record<string, string>>,
    options?: CallOptions,
  ): Promise<void> {
    const request = {
      appName: name,
      op: AppEnvOperation.set,
      keys: Object.keys(envs),
      values: Object.values(envs),
      clearPrefix: undefined,
    };
    return this.#run(kinds.UPDATE_ENVS, options, request, nothing);
  }

  delEnvs(name: string, keys: readonly string[], options?: CallOptions): Promise<void> {
    const request = {
      appName: name,
      op: AppEnvOperation.del,
      keys,
      values: undefined,
      clearPrefix: undefined,
    };
    return this.#run(kinds.UPDATE_ENVS, options, request, nothing);
  }

  clearEnvs(
    name: string,
    options: CallOptions & { readonly prefix?: string | undefined } = {},
  ): Promise<void> {
    const request = {
      appName: name,
      op: AppEnvOperation.clear,
      keys: [],
      values: undefined,
      clearPrefix: options.prefix ?? '',
    };
    return this.#run(kinds.UPDATE_ENVS, options, request, nothing);
  }

  propose(
    appId: number,
    index: number,
    steps: readonly ProposedStep[],
    options: ProposeOptions = {},
  ): Promise<CommandOutcome> {
    const actionList = steps.map(({ type, node }) => {
      const address = checkAddress(node);
      const wireType = ConfigType[type];
      return { target: address, node: address, type: wireType, hpTarget: address, hpNode: address };
    });
    const gpid = { appId, partitionIndex: index };
    const { force } = options;
    const request = { gpid, actionList, force, balanceType: undefined };
    return this.#run(kinds.PROPOSE, options, request, ({ err, hintMessage = '' }) => {
      return { code: err, hint: hintMessage };
    });
  }

  controlBalance(
    action: BalanceAction,
    options: ControlBalanceOptions = {},
  ): Promise<BalanceReport> {
    const { node = '', tables = [] } = options;
    const request = { action, node, tables: [...tables] };
    return this.#run(kinds.CONTROL_BALANCE, options, request, ({ err, hintMessage, status }) => {
      if (err !== 'ERR_OK') throw new InvalidArgumentError(`${action}: ${hintMessage || err}`);
      return JSON.parse(status) as BalanceReport;
    });
  }

  recover(nodes: readonly string[], options: RecoverOptions = {}): Promise<CommandOutcome> {
    const addresses = nodes.map(checkAddress);
    const request = {
      recoveryNodes: addresses,
      skipBadNodes: options.skipBadNodes ?? false,
      skipLostPartitions: options.skipLostPartitions ?? false,
      hpRecoveryNodes: addresses,
    };
    const timeoutMs = options.timeoutMs ?? CREATE_TIMEOUT_MS;
    return this.#run(kinds.RECOVER, { ...options, timeoutMs }, request, toOutcome);
  }

  diagnose(
    options: CallOptions & { readonly appId?: number; readonly index?: number } = {},
  ): Promise<PartitionDiagnosis[]> {
    const pid = { appId: options.appId ?? -1, partitionIndex: options.index ?? -1 };
    return this.#run(kinds.DIAGNOSE, options, { pid }, toDiagnoses);
  }

  forcePrimary(
    appId: number,
    index: number,
    node: string,
    options: ForcePrimaryOptions,
  ): Promise<CommandOutcome> {
    const { ballot, reason } = options;
    const pid = { appId, partitionIndex: index };
    const request = { pid, node: checkAddress(node), ballot, reason };
    return this.#run(kinds.FORCE_PRIMARY, options, request, toOutcome);
  }

  #run<Request, Result, Value>(
    kind: kinds.OperationKind<Request, Result>,
    options: CallOptions | undefined,
    request: Request,
    convert: Convert<Result, Value>,
  ): Promise<Value> {
    const route = this.#engine.meta;
    return this.#calls.run(route, kind, NO_HASH, -1, options, () => request, convert);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#engine.environment.timers.after(HEALTH_POLL_MS, resolve);
    });
  }
}

function nothing(): void {}

function checkAddress(text: string): WireHostPort {
  const address = parseHostPort(text);
  if (address === null) throw new InvalidArgumentError(`"${text}" is no host:port`);
  return address;
}

function toOutcome(answer: meta.ConfigurationRecoveryResponse): CommandOutcome {
  return { code: answer.err, hint: answer.hintMessage };
}

function toDiagnoses({ partitions }: meta.DddDiagnoseResponse): PartitionDiagnosis[] {
  return partitions.map(({ config, dropped, reason }) => ({
    appId: config.pid.appId,
    index: config.pid.partitionIndex,
    ballot: config.ballot,
    lastCommittedDecree: config.lastCommittedDecree,
    copies: dropped.map((copy) => ({
      node: addressText(copy.hpNode, copy.node),
      alive: copy.isAlive,
      reported: copy.isCollected,
      member: copy.isMember === true,
      lostMs: copy.dropTimeMs,
      ballot: copy.ballot,
      lastCommittedDecree: copy.lastCommittedDecree,
      lastPreparedDecree: copy.lastPreparedDecree,
      lostDecrees: copy.lostDecrees ?? -1,
      tailUnproven: copy.tailUnproven === true,
    })),
    reason,
  }));
}

function checkName(name: string): string {
  if (name.length === 0) throw new InvalidArgumentError('a table has a name');
  return name;
}

/** Partitions that lack replicas. */
function sickOf({ partitions, partitionCount, replicaCount }: TableConfig): number {
  const healthy = partitions.filter(
    ({ primary, secondaries }) => primary !== null && secondaries.length + 1 >= replicaCount,
  );
  return partitionCount - healthy.length;
}

function addressText(name: WireHostPort | null | undefined, address: WireHostPort | null): string {
  const known = name ?? address;
  return known === null ? '' : hostPortText(known);
}

function toTableConfig(answer: meta.QueryCfgResponse): TableConfig {
  const partitions = answer.partitions.map((partition): PartitionInfo => {
    const primary = addressText(partition.hpPrimary, partition.primary);
    const secondaries = partition.hpSecondaries ?? partition.secondaries;
    return {
      index: partition.pid.partitionIndex,
      ballot: partition.ballot,
      primary: primary === '' ? null : primary,
      secondaries: secondaries.map((address) => addressText(null, address)),
      lastCommittedDecree: partition.lastCommittedDecree,
    };
  });
  partitions.sort((a, b) => a.index - b.index);
  return {
    appId: answer.appId,
    partitionCount: answer.partitionCount,
    replicaCount: answer.partitions[0]?.maxReplicaCount ?? 0,
    partitions,
  };
}

function toTableInfo(info: meta.WireAppInfo): TableInfo {
  return {
    appId: info.appId,
    name: info.appName,
    type: info.appType,
    status: STATUSES[info.status] ?? 'invalid',
    partitionCount: info.partitionCount,
    replicaCount: info.maxReplicaCount,
    envs: info.envs,
    createSeconds: info.createSecond,
    dropSeconds: info.dropSecond,
    expireSeconds: info.expireSecond,
  };
}

function toNodeStatus(info: meta.NodeInfo): NodeStatusInfo {
  return {
    address: addressText(info.hpNode, info.node),
    alive: info.status === NodeStatus.alive,
    detail: info.primaryCount === undefined ? null : toNodeDetail(info),
  };
}

function toNodeDetail(info: meta.NodeInfo): NodeDetail {
  return {
    primaryCount: info.primaryCount ?? 0,
    secondaryCount: info.secondaryCount ?? 0,
    diskTotalBytes: info.diskTotalBytes ?? 0,
    diskFreeBytes: info.diskFreeBytes ?? 0,
    zone: info.zone ?? '',
    rack: info.rack ?? '',
    host: info.host ?? '',
    ban: info.ban ?? '',
  };
}
