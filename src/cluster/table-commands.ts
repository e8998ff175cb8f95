/**
 * Commands of administrators on tables: each is a function from what is durable to an answer and the records that
 * make it true. A command answers only after its records are durable; without records it answers at once.
 *
 * Rules: control.md §1.6, §1.11, §1.12 of the reference, corrected by what the original was seen to do. Commands
 * run one after the other, so what they look at does not change before their records take effect.
 */

import { assert } from '../base/assert.ts';
import { ErrorCode } from '../base/error-names.ts';
import { type AppInfo, AppStatus } from '../model/configuration.ts';
import { type Ballot, gpidOf, type NodeId } from '../model/identity.ts';
import { AppEnvOperation, MetaLevel } from '../wire/schema/meta.ts';
import type { ClusterState } from './cluster-state.ts';
import { envsFit, envsRefusal } from './env-rules.ts';
import type { ServerNode } from './node-registry.ts';
import { droppedRecord, recalledRecord } from './partition.ts';
import { placePartitions } from './placement.ts';
import type { PartitionRecord, StateRecord, TableRecord } from './records.ts';
import type { ClusterSettings } from './settings.ts';
import type { Table } from './table.ts';

export interface CommandContext {
  readonly state: ClusterState;
  readonly settings: ClusterSettings;
  readonly level: MetaLevel;
  readonly wallSeconds: number;
}

export interface CommandPlan {
  readonly code: ErrorCode;
  readonly hint: string;
  /** The table that the answer is about, 0 = none. */
  readonly appId: number;
  readonly records: readonly StateRecord[];
}

export interface CreateTable {
  readonly appName: string;
  readonly partitionCount: number;
  readonly replicaCount: number;
  readonly successIfExist: boolean;
  readonly appType: string;
  readonly isStateful: boolean;
  readonly envs: ReadonlyMap<string, string>;
  readonly atomicIdempotent: boolean;
}

export interface UpdateEnvs {
  readonly appName: string;
  readonly operation: number;
  readonly keys: readonly string[] | undefined;
  readonly values: readonly string[] | undefined;
  readonly clearPrefix: string | undefined;
}

export const APP_TYPE = 'pegasus';
/** UTF-16 units; keeps a record small whatever is sent. */
export const APP_NAME_MAX = 1_024;

export function planCreate(context: CommandContext, request: CreateTable): CommandPlan {
  const { state, settings } = context;
  if (context.level <= MetaLevel.freezed) return refused(ErrorCode.stateFreezed);
  if (state.isForgetful) return refused(ErrorCode.underRecovery);
  const { partitionCount, replicaCount } = request;
  if (!isPartitionCountAllowed(settings, partitionCount)) return INVALID;
  if (!isReplicaCountAllowed(settings, replicaCount)) return INVALID;
  const existing = state.tableNamed(request.appName);
  if (existing !== undefined) return planExisting(existing, request);

  if (request.appName.length > APP_NAME_MAX) return INVALID;
  if (request.appType !== APP_TYPE || !request.isStateful) return INVALID;
  const refusal = envsRefusal(request.envs);
  if (refusal !== null) return { ...INVALID, hint: refusal };
  if (!envsFit(request.envs)) return INVALID;
  const nodes = nodesForCopies(state, replicaCount);
  if (replicaCount > nodes.length) return INVALID;

  const appId = state.nextAppId;
  const app: AppInfo = {
    appId,
    appName: request.appName,
    appType: request.appType,
    status: AppStatus.available,
    partitionCount,
    maxReplicaCount: replicaCount,
    envs: new Map(request.envs),
    createSeconds: context.wallSeconds,
    dropSeconds: 0,
    expireSeconds: 0,
    atomicIdempotent: request.atomicIdempotent,
    revision: 1,
  };
  const table: TableRecord = { kind: 'table', app };
  const partitions = firstPartitions(state, nodes, appId, partitionCount, replicaCount);
  return { code: ErrorCode.ok, hint: '', appId, records: [table, ...partitions] };
}

/** Ballots of its partitions may be taken already; see adoption.ts. */
function isDoubted(table: Table): boolean {
  return table.partitions.some((partition) => partition.isDoubted);
}

export interface DropTable {
  readonly appName: string;
  readonly successIfNotExist: boolean;
  readonly reserveSeconds: number | undefined;
}

/** The table must be frozen, with no change of a partition under way. */
export function planDrop(context: CommandContext, request: DropTable): CommandPlan {
  const table = context.state.tableNamed(request.appName);
  if (table === undefined) {
    return refused(request.successIfNotExist ? ErrorCode.ok : ErrorCode.appNotExist);
  }
  if (isDoubted(table)) return refused(ErrorCode.busy);
  const { reserveSeconds } = request;
  const asked = reserveSeconds !== undefined && reserveSeconds > 0;
  const holdSeconds = asked ? reserveSeconds : context.settings.dropHoldSeconds;
  const record = changedTable(table, {
    status: AppStatus.dropped,
    dropSeconds: context.wallSeconds,
    expireSeconds: Math.min(context.wallSeconds + holdSeconds, Number.MAX_SAFE_INTEGER),
  });
  const partitions = table.partitions.map((partition) => {
    assert(!partition.changing, 'nothing else changes the partitions of a frozen table');
    return droppedRecord(partition);
  });
  return done(table, [record, ...partitions]);
}

export interface RecallTable {
  readonly appId: number;
  /** Empty = the name that it had. */
  readonly newAppName: string;
}

export function planRecall(context: CommandContext, request: RecallTable): CommandPlan {
  const table = context.state.table(request.appId);
  if (table === undefined) return refused(ErrorCode.appNotExist);
  if (table.isAvailable) return refused(ErrorCode.appExist);
  if (isDoubted(table)) return refused(ErrorCode.busy);
  const { app } = table;
  if (app.expireSeconds <= context.wallSeconds) return refused(ErrorCode.appNotExist);
  const appName = request.newAppName === '' ? app.appName : request.newAppName;
  if (appName.length > APP_NAME_MAX) return INVALID;
  if (context.state.tableNamed(appName) !== undefined) return INVALID;
  // The times of the drop stay, as in the original.
  const record = changedTable(table, { appName, status: AppStatus.available });
  return done(table, [record, ...table.partitions.map(recalledRecord)]);
}

export function planRename(
  context: CommandContext,
  oldAppName: string,
  newAppName: string,
): CommandPlan {
  const table = context.state.tableNamed(oldAppName);
  if (table === undefined) {
    return { ...refused(ErrorCode.appNotExist), hint: `ERROR: app(${oldAppName}) not exist.` };
  }
  if (newAppName === '' || newAppName.length > APP_NAME_MAX) {
    return { ...INVALID, hint: 'the new name must not be empty or too long' };
  }
  if (context.state.tableNamed(newAppName) !== undefined) {
    return { ...INVALID, hint: `ERROR: app(${newAppName}) already exist.` };
  }
  return done(table, [changedTable(table, { appName: newAppName })]);
}

export function planUpdateEnvs(context: CommandContext, request: UpdateEnvs): CommandPlan {
  switch (request.operation) {
    case AppEnvOperation.set:
      return planSetEnvs(context, request);
    case AppEnvOperation.del:
      return planDeleteEnvs(context, request, (key) => request.keys?.includes(key) === true);
    case AppEnvOperation.clear:
      return planDeleteEnvs(context, request, (key) => isCleared(key, request.clearPrefix));
    default:
      return {
        ...INVALID,
        hint: 'recv a invalid update_app_env request with op = APP_ENV_OP_INVALID',
      };
  }
}

export function planSetReplicaCount(
  context: CommandContext,
  appName: string,
  replicaCount: number,
): CommandPlan {
  const table = context.state.tableNamed(appName);
  if (table === undefined) return missingTable(appName);
  const { settings } = context;
  if (!isReplicaCountAllowed(settings, replicaCount)) {
    const range = `[min=${settings.replicaCountMin}, max=${settings.replicaCountMax}]`;
    const hint = `requested replica count(${replicaCount}) must be within the range of ${range}`;
    return { ...refused(ErrorCode.invalidParameters, table.app.appId), hint };
  }
  if (replicaCount === table.app.maxReplicaCount) {
    const hint = "no need to update max_replica_count since it's not changed";
    return { ...done(table, []), hint };
  }
  if (context.level <= MetaLevel.freezed) return refused(ErrorCode.stateFreezed, table.app.appId);
  const aliveCount = context.state.nodes.usableNodes().length;
  if (replicaCount > aliveCount) {
    const hint = `there are not enough alive replica servers(${aliveCount}) for the requested replica count(${replicaCount})`;
    return { ...refused(ErrorCode.invalidParameters, table.app.appId), hint };
  }
  return done(table, [changedTable(table, { maxReplicaCount: replicaCount })]);
}

export function planSetAtomicIdempotent(
  context: CommandContext,
  appName: string,
  atomicIdempotent: boolean,
): CommandPlan {
  const table = context.state.tableNamed(appName);
  if (table === undefined) return missingTable(appName);
  if (table.app.atomicIdempotent === atomicIdempotent) {
    const hint = "no need to update atomic_idempotent since it's unchanged";
    return { ...done(table, []), hint };
  }
  return done(table, [changedTable(table, { atomicIdempotent })]);
}

export function missingTable(appName: string): CommandPlan {
  return { ...refused(ErrorCode.appNotExist), hint: `app(${appName}) does not exist` };
}

export function refused(code: ErrorCode, appId: number = 0): CommandPlan {
  return { code, hint: '', appId, records: [] };
}

const INVALID: CommandPlan = refused(ErrorCode.invalidParameters);

function done(table: Table, records: readonly StateRecord[]): CommandPlan {
  return { code: ErrorCode.ok, hint: '', appId: table.app.appId, records };
}

/** The record of a table that was changed. */
export function changedTable(table: Table, changes: Partial<AppInfo>): TableRecord {
  return {
    kind: 'table',
    app: { ...table.app, ...changes, revision: table.app.revision + 1 },
  };
}

/** A power of two: with any other number clients disagree on where a key lives (model/hash.ts). */
function isPartitionCountAllowed(settings: ClusterSettings, partitionCount: number): boolean {
  if (partitionCount <= 0 || partitionCount > settings.partitionCountMax) return false;
  return (partitionCount & (partitionCount - 1)) === 0;
}

function isReplicaCountAllowed(settings: ClusterSettings, replicaCount: number): boolean {
  return replicaCount >= settings.replicaCountMin && replicaCount <= settings.replicaCountMax;
}

function planExisting(table: Table, request: CreateTable): CommandPlan {
  if (!request.successIfExist) return refused(ErrorCode.appExist);
  const { app } = table;
  const isSame =
    app.partitionCount === request.partitionCount &&
    app.maxReplicaCount === request.replicaCount &&
    app.appType === request.appType &&
    request.isStateful &&
    app.envs.size === request.envs.size &&
    [...request.envs].every(([key, value]) => app.envs.get(key) === value);
  return isSame ? done(table, []) : INVALID;
}

/** Unstable servers, and those that are to be emptied, only where the others are too few (admission.ts, wishes.ts). */
function nodesForCopies(state: ClusterState, count: number): ServerNode[] {
  const all = state.nodes.usableNodes();
  const kept = all.filter((node) => !state.wishes.isEmptied(node.id));
  const usable = kept.length >= count ? kept : all;
  const welcome = usable.filter((node) => state.admission.banOf(node) === null);
  if (welcome.length >= count) return welcome;
  const unstable = usable.filter((node) => state.admission.banOf(node) === 'unstable');
  return [...welcome, ...unstable.slice(0, count - welcome.length)];
}

/** Rule 3: all members at once, under ballot 1. */
function firstPartitions(
  state: ClusterState,
  servers: readonly ServerNode[],
  appId: number,
  partitionCount: number,
  replicaCount: number,
): PartitionRecord[] {
  const nodes = servers.map((node) => ({
    id: node.id,
    replicaCount: state.replicaCountOf(node.id),
    primaryCount: state.primaryCountOf(node.id),
    labels: node.labels,
  }));
  const seat = (node: NodeId) => ({
    node,
    incarnation: state.nodes.get(node)!.incarnation,
  });
  return placePartitions(nodes, { partitionCount, replicaCount }).map((group, index) => {
    const [primary, ...secondaries] = group;
    assert(primary !== undefined, 'a partition is placed somewhere');
    return {
      kind: 'partition',
      config: {
        gpid: gpidOf(appId, index),
        ballot: 1 as Ballot,
        maxReplicaCount: replicaCount,
        primary,
        secondaries,
        learner: null,
      },
      seats: group.map(seat),
      materialised: [],
      drops: [],
      dormant: [],
      committedDecree: 0,
    };
  });
}

function planSetEnvs(context: CommandContext, request: UpdateEnvs): CommandPlan {
  const { keys, values } = request;
  if (keys === undefined || values === undefined) return INVALID;
  if (keys.length === 0 || keys.length !== values.length) return INVALID;
  const pairs = keys.map((key, index): [string, string] => [key, values[index]!]);
  const refusal = envsRefusal(pairs);
  if (refusal !== null) return { ...INVALID, hint: refusal };
  const table = context.state.tableNamed(request.appName);
  if (table === undefined) return NO_APP;
  const envs = new Map([...table.app.envs, ...pairs]);
  if (!envsFit(envs)) return { ...INVALID, hint: 'the environments of a table are too long' };
  return done(table, [changedTable(table, { envs })]);
}

function planDeleteEnvs(
  context: CommandContext,
  request: UpdateEnvs,
  isDeleted: (key: string) => boolean,
): CommandPlan {
  const lacksArgument =
    request.operation === AppEnvOperation.clear
      ? request.clearPrefix === undefined
      : request.keys === undefined || request.keys.length === 0;
  if (lacksArgument) return INVALID;
  const table = context.state.tableNamed(request.appName);
  if (table === undefined) return NO_APP;
  const deleted = [...table.app.envs.keys()].filter(isDeleted).sort();
  if (deleted.length === 0) return { ...done(table, []), hint: 'no key needs to be deleted' };
  const kept = [...table.app.envs].filter(([key]) => !deleted.includes(key));
  const hint = `deleted keys:${deleted.map((key) => `\n    ${key}`).join('')}`;
  return { ...done(table, [changedTable(table, { envs: new Map(kept) })]), hint };
}

const NO_APP: CommandPlan = { ...refused(ErrorCode.appNotExist), hint: 'app cannot be found' };

function isCleared(key: string, prefix: string | undefined): boolean {
  return prefix === '' || key.startsWith(`${prefix}.`);
}
