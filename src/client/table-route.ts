/**
 * Where the partitions of one table are, and the operations that wait to know.
 *
 *  1. At most one question to the meta server is under way per table, and questions that lead to nothing come at
 *     growing, jittered intervals: a failover of a table with ten thousand clients must not be an attack on the meta
 *     server.
 *  2. An operation that failed because of where it went waits for a configuration newer than the one that sent it
 *     there.
 *  3. When a primary changes, the operations under way at the old one are told; they decide whether they may move.
 *  4. A partition with a negative ballot is not there yet (a split is running): its parent holds its rows.
 */
import { assert } from '../base/assert.ts';
import { u64Modulo } from '../base/crc64.ts';
import { ErrorCode, errorCodeOf } from '../base/error-names.ts';
import type { HostPort } from '../model/identity.ts';
import { CallQueue, type ClientCall } from '../rpc/client-call.ts';
import type { WheelEntry } from '../rpc/client-deadlines.ts';
import type { ClientSession } from '../rpc/client-session.ts';
import type { QueryCfgResponse } from '../wire/generated/meta.ts';
import type { Engine } from './engine.ts';
import type { PegasusErrorCode } from './errors.ts';
import { Operation, type Route } from './operation.ts';
import { QUERY_CONFIG } from './operation-kinds.ts';
import { DEFAULT_RETRY_RULES, type Reaction, reactionAtReplica } from './retry-policy.ts';

const REFRESH_MS = 50;
const REFRESH_MS_MAX = 1_000;
/** After so long without questions the interval starts small again. */
const CALM_MS = 5_000;
const QUERY_TIMEOUT_MS = 3_000;
/** What partition indexes are limited to by their place in a gpid key. */
const PARTITIONS_MAX = 1 << 20;

interface Routes {
  readonly appId: number;
  /** By partition; null where there is no primary. */
  readonly sessions: readonly (ClientSession | null)[];
  /** By partition. */
  readonly secondaries: readonly (readonly HostPort[])[];
  /** The partition that holds the rows of each partition. */
  readonly holders: Int32Array;
}

export class TableRoute implements Route, WheelEntry {
  wakeMs = 0;
  wheelSlot = -1;
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;

  readonly table: string;
  readonly waiting: CallQueue<Operation> = new CallQueue<Operation>();
  readonly #engine: Engine;
  readonly #query: Operation;
  #routes: Routes | null = null;
  /** Generation of `#routes`. */
  #epoch = 0;
  #streak = 0;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(engine: Engine, table: string) {
    this.#engine = engine;
    this.table = table;
    this.#query = new Operation(engine, () => this.#onAnswer(), DEFAULT_RETRY_RULES);
  }

  /** 0 while it is not known. */
  get partitionCount(): number {
    return this.#routes === null ? 0 : this.#routes.sessions.length;
  }

  reactionTo(code: ErrorCode): Reaction {
    return reactionAtReplica(code);
  }

  dispatch(operation: Operation): void {
    operation.epoch = this.#epoch;
    const routes = this.#routes;
    if (routes !== null) {
      const wanted = operation.partition >= 0 ? operation.partition : indexOf(operation, routes);
      if (wanted >= routes.sessions.length) {
        operation.fail('unavailable', ErrorCode.parentPartitionMisused);
        return;
      }
      const index = routes.holders[wanted]!;
      const session = routes.sessions[index]!;
      if (session !== null && operation.submitTo(session, routes.appId, index)) return;
    }
    operation.park();
    this.#refresh();
  }

  redirect(operation: Operation): void {
    if (operation.epoch !== this.#epoch) {
      this.dispatch(operation);
    } else {
      operation.park();
      this.#refresh();
    }
  }

  /** Submits the operation to any secondary of its partition; false if there is none to be reached. */
  submitToSecondary(operation: Operation): boolean {
    const routes = this.#routes;
    if (routes === null) return false;
    const index = routes.holders[indexOf(operation, routes)]!;
    const addresses = routes.secondaries[index]!;
    if (addresses.length === 0) return false;
    const address = addresses[this.#engine.random.below(addresses.length)]!;
    return operation.submitTo(this.#engine.session(address), routes.appId, index);
  }

  /** Sends a request that wants no answer to where a partition is believed to be. */
  post(call: ClientCall, partition: number): void {
    const session = this.#routes?.sessions[partition] ?? null;
    if (this.#routes === null || session === null) return;
    call.appId = this.#routes.appId;
    call.partitionIndex = partition;
    session.post(call);
  }

  /** The server went away or does not answer. */
  onServerTrouble(session: ClientSession): void {
    if (this.#engine.isClosed || this.#routes === null) return;
    if (this.#routes.sessions.includes(session)) this.#refresh();
  }

  close(): void {
    this.#endWaiting('closed', ErrorCode.ok);
  }

  onWake(): void {
    this.#ask();
  }

  #refresh(): void {
    if (this.#engine.isClosed || !this.#query.isIdle || this.wheelSlot >= 0) return;
    const nowMs = this.#engine.wheel.nowMs();
    if (nowMs - this.#askedMs > CALM_MS) this.#streak = 0;
    if (this.#streak === 0) {
      this.#ask();
      return;
    }
    const boundMs = Math.min(REFRESH_MS * 2 ** Math.min(this.#streak - 1, 16), REFRESH_MS_MAX);
    const intervalMs = boundMs * (1 - this.#engine.random.fraction() / 2);
    this.#engine.wheel.schedule(this, Math.max(this.#askedMs + intervalMs, nowMs));
  }

  #ask(): void {
    assert(this.#query.isIdle, 'one question at a time');
    this.#askedMs = this.#engine.wheel.nowMs();
    this.#streak++;
    const request = { appName: this.table, partitionIndices: [] };
    this.#query.start(this.#engine.meta, QUERY_CONFIG, request, QUERY_TIMEOUT_MS);
  }

  #onAnswer(): void {
    if (this.#engine.isClosed) return;
    const { failure } = this.#query;
    if (failure === null) {
      this.#adopt(this.#query.result(QUERY_CONFIG));
      return;
    }
    const code = errorCodeOf(this.#query.details().serverCode);
    if (failure === 'rejected' && code !== ErrorCode.busyCreating) {
      const isGone = code === ErrorCode.objectNotFound || code === ErrorCode.busyDropping;
      this.#routes = null;
      this.#endWaiting(isGone ? 'tableNotFound' : 'rejected', code);
    } else if (this.waiting.first !== null) {
      this.#refresh();
    }
  }

  #adopt(answer: QueryCfgResponse): void {
    const next = this.#routesOf(answer);
    if (next === null) {
      this.#engine.environment.logger.warn('client.table.badConfig', { table: this.table });
      if (this.waiting.first !== null) this.#refresh();
      return;
    }
    const previous = this.#routes;
    this.#routes = next;
    this.#epoch++;
    if (previous !== null) recall(previous, next);
    for (const operation of this.waiting.snapshot()) {
      if (!operation.isParked) continue;
      operation.unpark();
      this.dispatch(operation);
    }
  }

  #routesOf(answer: QueryCfgResponse): Routes | null {
    const { appId, partitionCount, partitions } = answer;
    if (partitionCount < 1 || partitionCount > PARTITIONS_MAX) return null;
    const sessions = new Array<ClientSession | null>(partitionCount).fill(null);
    const secondaries = new Array<readonly HostPort[]>(partitionCount).fill([]);
    const holders = new Int32Array(partitionCount);
    for (let index = 0; index < partitionCount; index++) holders[index] = index;
    for (const partition of partitions) {
      const index = partition.pid.partitionIndex;
      if (index < 0 || index >= partitionCount) return null;
      const primary = partition.hpPrimary ?? partition.primary;
      if (partition.ballot < 0 && partitionCount > 1)
        holders[index] = index % (partitionCount >>> 1);
      else if (primary !== null && primary.port > 0)
        sessions[index] = this.#engine.session(primary);
      secondaries[index] = known(partition.hpSecondaries ?? partition.secondaries);
    }
    return { appId, sessions, secondaries, holders };
  }

  #endWaiting(failure: PegasusErrorCode, code: ErrorCode): void {
    for (const operation of this.waiting.snapshot()) {
      // What one of them does when it ends may have ended another.
      if (!operation.isWaiting) continue;
      operation.unpark();
      operation.fail(failure, code);
    }
  }
}

function known(addresses: readonly (HostPort | null)[]): readonly HostPort[] {
  return addresses.filter((address): address is HostPort => address !== null && address.port > 0);
}

function indexOf(operation: Operation, routes: Routes): number {
  const count = routes.sessions.length;
  if ((count & (count - 1)) === 0) return operation.hashLow & (count - 1);
  return u64Modulo({ high: operation.hashHigh, low: operation.hashLow }, count);
}

/** Tells what is under way at a server that is not the primary any more. */
function recall(previous: Routes, next: Routes): void {
  for (const [index, session] of previous.sessions.entries()) {
    if (session === null) continue;
    if (previous.appId === next.appId && next.sessions[index] === session) continue;
    for (const call of session.callsTo(previous.appId, index)) {
      if (call instanceof Operation) call.onMoved();
    }
  }
}
