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
  /** When it was asked for, and of a meta server of ours. */
  readonly detail: NodeDetail | null;
}

export interface NodeDetail {
  readonly primaryCount: number;
  readonly secondaryCount: number;
  readonly diskTotalBytes: number;
  readonly diskFreeBytes: number;
  /** What it may fail together with; empty = not told. */
  readonly zone: string;
  readonly rack: string;
  readonly host: string;
  /** Why it gets no copies: `unlisted`, `blackListed`, `unstable`; empty = it does. */
  readonly ban: string;
}

/** What came of a command that explains itself. */
export interface CommandOutcome {
  /** `ERR_OK`, or why it was refused. */
  readonly code: string;
  readonly hint: string;
}

export interface RecoverOptions extends CallOptions {
  /** Go on without servers that do not answer; what only they know is lost. Default false. */
  readonly skipBadNodes?: boolean | undefined;
  /** Go on without partitions of which nobody has a whole copy. Default false. */
  readonly skipLostPartitions?: boolean | undefined;
}

/** One copy of a partition that nobody leads. */
export interface CopyDiagnosis {
  /** `host:port` */
  readonly node: string;
  readonly alive: boolean;
  /** Its server has told what it holds, since it was started. */
  readonly reported: boolean;
  readonly member: boolean;
  /** When its server was lost, milliseconds since 1970; 0 = it is alive. */
  readonly lostMs: number;
  /** -1, like the decrees, when it has no whole copy or has not reported. */
  readonly ballot: number;
  readonly lastCommittedDecree: number;
  readonly lastPreparedDecree: number;
  /** Mutations known to be committed that it lacks; -1 = all, or not known. */
  readonly lostDecrees: number;
  /** The end of its log may be lost: it may lack more. */
  readonly tailUnproven: boolean;
}

export interface PartitionDiagnosis {
  readonly appId: number;
  readonly index: number;
  readonly ballot: number;
  readonly lastCommittedDecree: number;
  readonly copies: readonly CopyDiagnosis[];
  /** Why nobody leads it. */
  readonly reason: string;
}

export interface ForcePrimaryOptions extends CallOptions {
  /** As diagnosed: nothing is done if the partition has another one by now. */
  readonly ballot: number;
  /** Kept with the partition. */
  readonly reason: string;
}

/** Steps of the original's shell, by name; what they come to is one move (docs/operations.md). */
export type ProposedStepType =
  | 'upgradeToPrimary'
  | 'addSecondary'
  | 'downgradeToSecondary'
  | 'downgradeToInactive'
  | 'remove'
  | 'addSecondaryForBalance';

export interface ProposedStep {
  readonly type: ProposedStepType;
  /** `host:port` */
  readonly node: string;
}

export interface ProposeOptions extends CallOptions {
  /** In the place of a move that is under way. Default false. */
  readonly force?: boolean | undefined;
}

/** What is wanted of the balance, or `status`, which changes nothing. */
export type BalanceAction =
  | 'status'
  | 'pause'
  | 'resume'
  | 'ignore'
  | 'drain'
  | 'drain_primaries'
  | 'undrain';

export interface ControlBalanceOptions extends CallOptions {
  /** `host:port`, for drains; none with `undrain`: all servers. */
  readonly node?: string | undefined;
  /** Ids of the tables to be left alone, with `ignore`. */
  readonly tables?: readonly number[] | undefined;
}

export interface PartitionMove {
  readonly partition: string;
  readonly kind: 'lead' | 'copy';
  readonly from: string;
  readonly to: string;
  readonly cause: 'balance' | 'drain' | 'command';
}

export interface DrainReport {
  readonly node: string;
  readonly what: 'primaries' | 'all';
  readonly isAlive: boolean;
  readonly primaries: number;
  readonly replicas: number;
  readonly isDone: boolean;
  /** Why it does not go on; empty while it does, or is done. */
  readonly obstacle: string;
}

export interface BalanceReport {
  /** One sentence: what moves, or why nothing does. */
  readonly why: string;
  readonly isPaused: boolean;
  readonly ignoredTables: readonly number[];
  readonly servers: readonly {
    readonly node: string;
    readonly primaries: number;
    readonly replicas: number;
  }[];
  /** Standard deviations over the servers. */
  readonly primaryDeviation: number;
  readonly replicaDeviation: number;
  /** Moves that there are to make, all limits left aside. */
  readonly wanted: {
    readonly total: number;
    readonly movePrimary: number;
    readonly copyPrimary: number;
    readonly copySecondary: number;
  };
  /** Why moves that would help wait, with how many do. */
  readonly waiting: Readonly<Record<string, number>>;
  readonly moves: readonly (PartitionMove & { readonly seconds: number })[];
  /** The newest first. */
  readonly ended: readonly (PartitionMove & { readonly end: string })[];
  readonly drains: readonly DrainReport[];
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
  listNodes(options?: CallOptions & { readonly detailed?: boolean }): Promise<NodeStatusInfo[]>;
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
  /** Moves the lead or a copy of one partition. */
  propose(
    appId: number,
    index: number,
    steps: readonly ProposedStep[],
    options?: ProposeOptions,
  ): Promise<CommandOutcome>;
  /** Says what is wanted of the balance; answers how it is then. */
  controlBalance(action: BalanceAction, options?: ControlBalanceOptions): Promise<BalanceReport>;
  /** Makes the state of a meta server that has lost all of it anew, from what these replica servers hold. */
  recover(nodes: readonly string[], options?: RecoverOptions): Promise<CommandOutcome>;
  /** Partitions that nobody leads and nobody will by himself; of one table, or of all. */
  diagnose(
    options?: CallOptions & { readonly appId?: number; readonly index?: number },
  ): Promise<PartitionDiagnosis[]>;
  /** Lets a server lead a partition with what it has. What its copy lacks is lost for good. */
  forcePrimary(
    appId: number,
    index: number,
    node: string,
    options: ForcePrimaryOptions,
  ): Promise<CommandOutcome>;
  /** Removes the settings whose keys are `prefix`, or begin with it and a dot; all without it. */
  clearEnvs(
    name: string,
    options?: CallOptions & { readonly prefix?: string | undefined },
  ): Promise<void>;
}
