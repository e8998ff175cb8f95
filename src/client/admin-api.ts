/** Operations on the cluster and its tables as their users see them: `client.admin`. */
import type { CallOptions } from './api.ts';

export interface PartitionInfo {
  readonly index: number;
  readonly ballot: number;
  /** `host:port`, or null while there is none. */
  readonly primary: string | null;
  readonly secondaries: readonly string[];
  readonly lastCommittedDecree: number;
}

export interface TableConfig {
  readonly appId: number;
  readonly partitionCount: number;
  readonly replicaCount: number;
  readonly partitions: readonly PartitionInfo[];
}

export type TableStatus =
  | 'invalid'
  | 'available'
  | 'creating'
  | 'createFailed'
  | 'dropping'
  | 'dropFailed'
  | 'dropped'
  | 'recalling';

export interface TableInfo {
  readonly appId: number;
  readonly name: string;
  readonly type: string;
  readonly status: TableStatus;
  readonly partitionCount: number;
  readonly replicaCount: number;
  readonly envs: ReadonlyMap<string, string>;
  /** Seconds since 1970; 0 = never. */
  readonly createSeconds: number;
  readonly dropSeconds: number;
  readonly expireSeconds: number;
}

export interface NodeStatusInfo {
  /** `host:port` */
  readonly address: string;
  readonly alive: boolean;
}

export interface CreateTableOptions extends CallOptions {
  /** A power of two, at least 2. Default 8. */
  readonly partitionCount?: number | undefined;
  /** Default 3. */
  readonly replicaCount?: number | undefined;
  readonly envs?: Readonly<Record<string, string>> | undefined;
  /** Take an equal table that exists for success. Default false. */
  readonly successIfExists?: boolean | undefined;
  /** Return only when every partition has all its replicas. Default true. */
  readonly waitHealthy?: boolean | undefined;
}

export interface DropTableOptions extends CallOptions {
  /** Default false. */
  readonly successIfNotExists?: boolean | undefined;
  /** How long it can be recalled. Absent: the cluster's default. */
  readonly reserveSeconds?: number | undefined;
}

export interface Admin {
  /** Answers with the table's id. */
  createTable(name: string, options?: CreateTableOptions): Promise<number>;
  dropTable(name: string, options?: DropTableOptions): Promise<void>;
  /** Brings a dropped table back; `newName` if its name is taken by now. */
  recallTable(
    appId: number,
    options?: CallOptions & { readonly newName?: string | undefined },
  ): Promise<TableInfo>;
  /** Dropped tables that can still be recalled included only with `all`. */
  listTables(options?: CallOptions & { readonly all?: boolean }): Promise<TableInfo[]>;
  listNodes(options?: CallOptions): Promise<NodeStatusInfo[]>;
  clusterInfo(options?: CallOptions): Promise<ReadonlyMap<string, string>>;
  tableConfig(name: string, options?: CallOptions): Promise<TableConfig>;
  /** Until every partition has a primary and all its secondaries. */
  waitHealthy(name: string, options?: CallOptions): Promise<TableConfig>;
  /** Every partition has a primary and all its secondaries. */
  isHealthy(name: string, options?: CallOptions): Promise<boolean>;
  /** The settings of a table. */
  envs(name: string, options?: CallOptions): Promise<ReadonlyMap<string, string>>;
  setEnvs(
    name: string,
    envs: Readonly<Record<string, string>>,
    options?: CallOptions,
  ): Promise<void>;
  delEnvs(name: string, keys: readonly string[], options?: CallOptions): Promise<void>;
  /** Removes the settings whose keys are `prefix`, or begin with it and a dot; all without it. */
  clearEnvs(
    name: string,
    options?: CallOptions & { readonly prefix?: string | undefined },
  ): Promise<void>;
}
