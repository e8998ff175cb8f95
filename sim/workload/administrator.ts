/**
 * An administrator at work while faults happen: creates, drops, recalls and renames tables and
 * changes their number of replicas, by the production client library.
 *
 * Each job states a goal in terms of the list of tables and repeats its request until the goal is
 * there: answers get lost, and a request may be refused because the one before it was executed.
 * Jobs run one after the other. What was reached once must still be so at the end (`audit`):
 * nothing that the meta server acknowledged may be lost in its crashes (V12).
 */

import { errorCodeOf } from '../../src/base/error-names.ts';
import type { TableInfo } from '../../src/client/api.ts';
import { ClusterClient } from '../../src/client/client.ts';
import { PegasusError } from '../../src/client/errors.ts';
import type { OperationKind } from '../../src/client/operation-kinds.ts';
import { PendingCalls } from '../../src/client/pending-calls.ts';
import type { ClientEnvironment } from '../../src/env/environment.ts';
import * as meta from '../../src/wire/generated/meta.ts';
import { RpcCode } from '../../src/wire/rpc-codes.ts';
import type { MetaLevel } from '../../src/wire/schema/meta.ts';

interface Job {
  readonly isReached: (tables: readonly TableInfo[]) => boolean;
  readonly request: () => Promise<unknown>;
}

export interface FreeTable {
  readonly appId: number;
  readonly name: string;
  readonly replicaCount: number;
  /** The one that clients work on. */
  readonly isMain: boolean;
}

/** What a table should be, since a job has reached it. */
interface KnownTable {
  name: string;
  isDropped: boolean;
  replicaCount: number;
}

const PAUSE_MS = 200;
/** No request is under way for longer once networks and disks are healed. */
const LATE_REQUEST_MS = 10_000;
const REQUEST_TIMEOUT_MS = 3000;
const NO_HASH = { high: 0, low: 0 };
const OPTIONS = { timeoutMs: REQUEST_TIMEOUT_MS };

export class Administrator {
  readonly #environment: ClientEnvironment;
  readonly #client: ClusterClient;
  readonly #calls: PendingCalls;
  readonly #known: Map<number, KnownTable> = new Map();
  readonly #claimed: Set<number> = new Set();
  #pending: number = 0;
  #holds: number = 0;
  /** A request got no answer. */
  #hasDoubts: boolean = false;
  #last: Promise<void> = Promise.resolve();
  /** Beside the queue of jobs, which are refused while the meta server is frozen. */
  #levels: Promise<void> = Promise.resolve();

  constructor(environment: ClientEnvironment, metas: string) {
    this.#environment = environment;
    this.#client = new ClusterClient(environment, { metas });
    this.#calls = new PendingCalls(this.#client.engine);
  }

  get isIdle(): boolean {
    return this.#pending === 0 && this.#holds === 0;
  }

  /** Nothing that was begun has to be taken back. */
  get isFree(): boolean {
    return this.isIdle && this.#claimed.size === 0;
  }

  /** Nothing is begun until what is returned is called: what is acknowledged now may be lost. */
  hold(): () => void {
    this.#holds += 1;
    return () => {
      this.#holds -= 1;
    };
  }

  /**
   * Resolves when all that was asked for is reached and stays so. After the end of all faults: what
   * timed out may still have been on its way, and have changed a table after its successor did.
   */
  async settle(): Promise<void> {
    await this.#levels;
    await this.#last;
    if (!this.#hasDoubts) return;
    await this.#pause(LATE_REQUEST_MS);
    for (const [appId, { name, isDropped, replicaCount }] of this.#known) {
      if (isDropped) this.dropTable(appId);
      else this.recallTable(appId);
      this.renameTable(appId, name);
      if (!isDropped) this.setReplicaCount(appId, replicaCount, true);
    }
    await this.#last;
  }

  /** A table that somebody else has created; the first one is what clients work on. */
  adopt(appId: number, name: string, replicaCount: number): void {
    this.#known.set(appId, { name, isDropped: false, replicaCount });
  }

  /** Names of the tables that are to be served at the end. */
  servedTables(): string[] {
    return [...this.#known.values()].filter((known) => !known.isDropped).map(({ name }) => name);
  }

  isServed(appId: number): boolean {
    return this.#known.get(appId)?.isDropped === false;
  }

  /** Served, and nobody has other plans with them. */
  freeTables(): FreeTable[] {
    const [main] = this.#known.keys();
    return [...this.#known]
      .filter(([appId, { isDropped }]) => !isDropped && !this.#claimed.has(appId))
      .map(([appId, { name, replicaCount }]) => ({
        appId,
        name,
        replicaCount,
        isMain: appId === main,
      }));
  }

  /** Until it is released, the table is in the hands of one fault: names and states depend on it. */
  claim(appId: number): void {
    this.#claimed.add(appId);
  }

  /** Once all that was asked for so far is reached. */
  release(appId: number): void {
    this.#last = this.#last.then(() => void this.#claimed.delete(appId));
  }

  // ---- jobs ----

  createTable(name: string, partitionCount: number, replicaCount: number): void {
    const options = { partitionCount, replicaCount, successIfExists: true, ...OPTIONS };
    let isHealthy = false;
    this.#enqueue({
      isReached: (tables) => {
        const found = tables.find((table) => table.name === name && isServed(table));
        if (found !== undefined && isHealthy) {
          this.#known.set(found.appId, {
            name,
            isDropped: false,
            replicaCount: found.replicaCount,
          });
        }
        return found !== undefined && isHealthy;
      },
      // What is dropped before it has any replica cannot be recalled: nobody has a copy to show.
      request: async () => {
        await this.#client.admin.createTable(name, options);
        isHealthy = true;
      },
    });
  }

  dropTable(appId: number): void {
    this.#change(appId, ({ name }) => ({
      isReached: (table) => table === undefined || !isServed(table),
      request: () =>
        this.#client.admin.dropTable(name, { reserveSeconds: 86_400 * 30, ...OPTIONS }),
      note: (known) => {
        known.isDropped = true;
      },
    }));
  }

  recallTable(appId: number): void {
    this.#change(appId, () => ({
      isReached: (table) => table !== undefined && isServed(table),
      request: () => this.#call(RECALL, { appId, newAppName: '' }),
      note: (known) => {
        known.isDropped = false;
      },
    }));
  }

  renameTable(appId: number, newName: string): void {
    this.#change(appId, ({ name }) => ({
      isReached: (table) => table?.name === newName,
      request: () => this.#call(RENAME, { oldAppName: name, newAppName: newName }),
      note: (known) => {
        known.name = newName;
      },
    }));
  }

  /** Refused while fewer servers are alive: then it is tried a few times only, unless it must be. */
  setReplicaCount(appId: number, replicaCount: number, mustSucceed: boolean): void {
    let attempts = 0;
    this.#change(appId, ({ name }) => ({
      isReached: (table) => {
        attempts += 1;
        return table?.replicaCount === replicaCount || (!mustSucceed && attempts > 5);
      },
      request: () =>
        this.#call(SET_REPLICA_COUNT, { appName: name, maxReplicaCount: replicaCount }),
      note: (known, table) => {
        known.replicaCount = table?.replicaCount ?? 0;
      },
    }));
  }

  /** How much the meta server decides by itself. A later life of it begins with `lively`. */
  setLevel(level: MetaLevel): void {
    this.#pending += 1;
    this.#levels = this.#levels.then(async () => {
      const isDoubtful = await this.#askForLevel(level);
      if (isDoubtful) {
        // What timed out may change it after its successor did.
        await this.#pause(LATE_REQUEST_MS);
        await this.#askForLevel(level);
      }
      this.#pending -= 1;
    });
  }

  // ---- the end ----

  /** Answers with what is not as it was left. Rejects when the list cannot be had. */
  async audit(): Promise<string[]> {
    const tables = await this.#client.admin.listTables({ all: true, timeoutMs: 20_000 });
    const wrong: string[] = [];
    for (const [appId, known] of this.#known) {
      const table = tables.find((one) => one.appId === appId);
      const text = table === undefined ? 'is unknown' : `is ${table.name}, ${table.status}`;
      const isRight =
        table !== undefined &&
        isServed(table) === !known.isDropped &&
        table.name === known.name &&
        table.replicaCount === known.replicaCount;
      if (!isRight) wrong.push(`table ${appId} ${text}; it was left as ${JSON.stringify(known)}`);
    }
    return wrong;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #change(
    appId: number,
    plan: (known: KnownTable) => {
      readonly isReached: (table: TableInfo | undefined) => boolean;
      readonly request: () => Promise<unknown>;
      readonly note: (known: KnownTable, table: TableInfo | undefined) => void;
    },
  ): void {
    const known = this.#known.get(appId);
    if (known === undefined) return;
    this.#enqueue({
      isReached: (tables) => {
        const table = tables.find((one) => one.appId === appId);
        const { isReached, note } = plan(known);
        if (!isReached(table)) return false;
        note(known, table);
        return true;
      },
      request: () => plan(known).request(),
    });
  }

  #enqueue(job: Job): void {
    this.#pending += 1;
    this.#last = this.#last.then(async () => {
      await this.#converge(job);
      this.#pending -= 1;
    });
  }

  async #converge(job: Job): Promise<void> {
    for (;;) {
      try {
        const tables = await this.#client.admin.listTables({ all: true, ...OPTIONS });
        if (job.isReached(tables)) return;
        await job.request();
      } catch (error) {
        if (!(error instanceof PegasusError)) throw error;
        if (error.maybeApplied) this.#hasDoubts = true;
      }
      await this.#pause(PAUSE_MS);
    }
  }

  /** Resolves, once it is reached, with whether any request got no answer. */
  async #askForLevel(level: MetaLevel): Promise<boolean> {
    for (let isDoubtful = false; ; ) {
      try {
        await this.#call(CONTROL_META, { level });
        return isDoubtful;
      } catch (error) {
        if (!(error instanceof PegasusError)) throw error;
        isDoubtful ||= error.maybeApplied;
      }
      await this.#pause(PAUSE_MS);
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#environment.timers.after(ms, resolve));
  }

  #call<Request, Result>(kind: OperationKind<Request, Result>, request: Request): Promise<void> {
    const route = this.#client.engine.meta;
    return this.#calls.run(
      route,
      kind,
      NO_HASH,
      -1,
      OPTIONS,
      () => request,
      () => {},
    );
  }
}

function isServed(table: TableInfo): boolean {
  return table.status === 'available';
}

const RECALL: OperationKind<
  meta.ConfigurationRecallAppRequest,
  meta.ConfigurationRecallAppResponse
> = {
  name: 'recallTable',
  rpc: RpcCode.recallApp,
  retry: 'atomic',
  quick: false,
  write: meta.writeConfigurationRecallAppRequest,
  read: meta.readConfigurationRecallAppResponse,
  refusal: ({ err }) => errorCodeOf(err),
};

const RENAME: OperationKind<
  meta.ConfigurationRenameAppRequest,
  meta.ConfigurationRenameAppResponse
> = {
  name: 'renameTable',
  rpc: RpcCode.renameApp,
  retry: 'atomic',
  quick: false,
  write: meta.writeConfigurationRenameAppRequest,
  read: meta.readConfigurationRenameAppResponse,
  refusal: ({ err }) => errorCodeOf(err),
};

const SET_REPLICA_COUNT: OperationKind<
  meta.ConfigurationSetMaxReplicaCountRequest,
  meta.ConfigurationSetMaxReplicaCountResponse
> = {
  name: 'setReplicaCount',
  rpc: RpcCode.setMaxReplicaCount,
  retry: 'atomic',
  quick: false,
  write: meta.writeConfigurationSetMaxReplicaCountRequest,
  read: meta.readConfigurationSetMaxReplicaCountResponse,
  refusal: ({ err }) => errorCodeOf(err),
};

const CONTROL_META: OperationKind<
  meta.ConfigurationMetaControlRequest,
  meta.ConfigurationMetaControlResponse
> = {
  name: 'setLevel',
  rpc: RpcCode.controlMeta,
  retry: 'atomic',
  quick: false,
  write: meta.writeConfigurationMetaControlRequest,
  read: meta.readConfigurationMetaControlResponse,
  refusal: ({ err }) => errorCodeOf(err),
};
