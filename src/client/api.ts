/**
 * The client as its users see it.
 *
 * Keys and values go in as bytes or as strings (UTF-8) and come back as bytes that belong to the
 * caller; `getString` and its like decode. Every operation ends by its deadline. What is rejected
 * is a `PegasusError`.
 *
 * A row is addressed by a hash key, which decides the partition, and a sort key, by which the rows
 * of one hash key are ordered. Operations on one hash key are atomic; there is no atomicity across
 * hash keys.
 */

/** A string stands for its UTF-8 bytes. */
export type Bytes = Uint8Array | string;

/** What the client uses of an `AbortSignal`. */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface CallOptions {
  /** From the call to the result, retries included. Default: that of the client. */
  readonly timeoutMs?: number | undefined;
  /** Ends the operation at once; a write that was sent already is then in doubt. */
  readonly signal?: CancelSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  /**
   * Seconds until the row expires, counted from now by the clock of this machine. Absent: the
   * table's default.
   */
  readonly ttlSeconds?: number | undefined;
}

export interface ClientOptions {
  /**
   * Addresses of meta servers, `host:port`, in any order; some may be down. A string is split at
   * commas.
   */
  readonly metas: string | readonly string[];
  /** Default 10,000. */
  readonly timeoutMs?: number;
  /**
   * What to do with a put or delete whose connection broke before the answer came. `retry` (the
   * default) sends it again: it cannot count double, but should another client have written the
   * same row in between, that write is overwritten. `fail` rejects with `InDoubtError` instead.
   * Operations that depend on the old value are never sent twice.
   */
  readonly ambiguousWrites?: 'retry' | 'fail';
  /**
   * Requests that may wait for their answers per server; more are held back here. Default 4,096.
   */
  readonly outstandingMax?: number;
  /**
   * Operations that the client holds at most before it rejects with `OverloadedError`. Default
   * 262,144.
   */
  readonly operationsMax?: number;
  /** Sends of one operation. Default 100. */
  readonly attemptsMax?: number;
}

export interface Row {
  readonly sortKey: Uint8Array;
  /** Empty if only keys were asked for. */
  readonly value: Uint8Array;
}

export interface ScanRow extends Row {
  readonly hashKey: Uint8Array;
  /**
   * Seconds since 1970, `Infinity` for rows that do not expire; null unless `withExpiry` was asked
   * for.
   */
  readonly expiresAtSeconds: number | null;
}

export interface RowKey {
  readonly hashKey: Bytes;
  readonly sortKey: Bytes;
}

export interface Filter {
  readonly match: 'anywhere' | 'prefix' | 'suffix';
  readonly pattern: Bytes;
}

/** Sort keys from `start` to `stop` in byte order. Absent: from the first, to the last. */
export interface SortKeyRange {
  readonly start?: Bytes | undefined;
  /** Default true. */
  readonly startInclusive?: boolean | undefined;
  readonly stop?: Bytes | undefined;
  /** Default false. */
  readonly stopInclusive?: boolean | undefined;
  readonly filter?: Filter | undefined;
}

export interface MultiGetLimits extends CallOptions {
  /** Rows at most. Servers have limits of their own (3,000 rows looked at, 30 MiB). */
  readonly maxCount?: number | undefined;
  /** Bytes of sort keys and values after which no further row is added; one row always fits. */
  readonly maxBytes?: number | undefined;
  /** Values come back empty. */
  readonly keysOnly?: boolean | undefined;
}

export interface MultiGetKeys extends MultiGetLimits {
  /** At least one. Rows come back in this order, absent ones left out. */
  readonly sortKeys: readonly Bytes[];
}

export interface MultiGetRange extends MultiGetLimits, SortKeyRange {
  readonly sortKeys?: undefined;
  /**
   * With a limit: the last rows of the range instead of the first. Rows are in ascending order all
   * the same.
   */
  readonly reverse?: boolean | undefined;
}

export interface MultiGetResult {
  readonly rows: Row[];
  /** False: a limit was hit and there may be more. */
  readonly complete: boolean;
}

export type Entries =
  | Iterable<readonly [sortKey: Bytes, value: Bytes]>
  | Readonly<Record<string, Bytes>>;

/** What has to hold of the value of the row for a conditional write to happen. */
export type Check =
  | { readonly sortKey: Bytes; readonly test: 'none' | 'absent' | 'absentOrEmpty' | 'exists' }
  | { readonly sortKey: Bytes; readonly test: 'notEmpty' }
  | {
      readonly sortKey: Bytes;
      readonly test:
        | 'contains'
        | 'startsWith'
        | 'endsWith'
        | 'bytesLess'
        | 'bytesLessOrEqual'
        | 'bytesEqual'
        | 'bytesGreaterOrEqual'
        | 'bytesGreater';
      readonly operand: Bytes;
    }
  | {
      readonly sortKey: Bytes;
      readonly test: 'intLess' | 'intLessOrEqual' | 'intEqual' | 'intGreaterOrEqual' | 'intGreater';
      readonly operand: number | bigint;
    };

export interface CheckOptions extends CallOptions {
  /** Also answer with the value that was checked. */
  readonly returnValue?: boolean | undefined;
}

export interface CheckAndSetOptions extends CheckOptions {
  /** Row to write, if it is not the checked one. */
  readonly sortKey?: Bytes | undefined;
  readonly ttlSeconds?: number | undefined;
}

export type Mutation =
  | {
      readonly set: Bytes;
      readonly value: Bytes;
      readonly ttlSeconds?: number | undefined;
    }
  | { readonly del: Bytes };

export interface CheckResult {
  /** The check held and the write happened. */
  readonly applied: boolean;
  /**
   * The checked value before the write; null if the row was absent; undefined unless it was asked
   * for.
   */
  readonly value: Uint8Array | null | undefined;
}

export interface IncrOptions extends CallOptions {
  /** A new expiry for the row; 0 = none from now on. Absent: it keeps the one it has. */
  readonly ttlSeconds?: number | undefined;
}

export interface ScanOptions extends CallOptions {
  /** Rows per request. Default 500; servers send 1,000 at most. */
  readonly batchSize?: number | undefined;
  readonly keysOnly?: boolean | undefined;
  readonly withExpiry?: boolean | undefined;
  /** Of each request of the scan, not of the whole. */
  readonly timeoutMs?: number | undefined;
}

/** Rows of one hash key, ascending. */
export interface HashKeyScanOptions extends ScanOptions, SortKeyRange {
  readonly hashKey: Bytes;
}

/** Rows of the whole table; ordered within a partition only. */
export interface TableScanOptions extends ScanOptions {
  readonly hashKey?: undefined;
  readonly hashKeyFilter?: Filter | undefined;
  readonly sortKeyFilter?: Filter | undefined;
  /** Partitions read at the same time. Default 8. */
  readonly parallelism?: number | undefined;
}

/**
 * For one consumer. Leave the loop early and the server's scan context is freed; no other call is
 * needed.
 */
export interface RowScan extends AsyncIterableIterator<ScanRow>, AsyncDisposable {
  /** The rows that came in one answer, or null at the end: cheaper than row by row. */
  nextBatch(): Promise<ScanRow[] | null>;
}

export interface Table {
  readonly name: string;

  /** Null if there is no such row. */
  get(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<Uint8Array | null>;
  getString(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<string | null>;
  set(hashKey: Bytes, sortKey: Bytes, value: Bytes, options?: WriteOptions): Promise<void>;
  del(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<void>;
  exist(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<boolean>;
  /** Seconds left; `Infinity` for a row that does not expire; null if there is no such row. */
  ttl(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<number | null>;

  multiGet(hashKey: Bytes, options?: MultiGetKeys | MultiGetRange): Promise<MultiGetResult>;
  /** All or nothing. Must not be empty. */
  multiSet(hashKey: Bytes, entries: Entries, options?: WriteOptions): Promise<void>;
  /** All or nothing. Must not be empty. */
  multiDel(hashKey: Bytes, sortKeys: readonly Bytes[], options?: CallOptions): Promise<void>;
  sortKeyCount(hashKey: Bytes, options?: CallOptions): Promise<number>;
  /** Rows of any hash keys, in the order of `keys`, null where there is none. */
  batchGet(keys: readonly RowKey[], options?: CallOptions): Promise<(Uint8Array | null)[]>;

  /** Adds to a decimal number (absent = 0) and answers with the sum. */
  incr(
    hashKey: Bytes,
    sortKey: Bytes,
    by?: number | bigint,
    options?: IncrOptions,
  ): Promise<bigint>;
  checkAndSet(
    hashKey: Bytes,
    check: Check,
    value: Bytes,
    options?: CheckAndSetOptions,
  ): Promise<CheckResult>;
  checkAndMutate(
    hashKey: Bytes,
    check: Check,
    mutations: readonly Mutation[],
    options?: CheckOptions,
  ): Promise<CheckResult>;

  /** Rows of one hash key, or of the whole table. */
  scan(options?: HashKeyScanOptions | TableScanOptions): RowScan;
  /** The whole table split into up to `count` scans that may be read at the same time. */
  scanners(count: number, options?: TableScanOptions): Promise<RowScan[]>;
  /** Where the table's partitions are, from the meta server. */
  config(options?: CallOptions): Promise<TableConfig>;
  /** Partition that a row belongs to; asks the meta server at most once. */
  partitionOf(hashKey: Bytes, sortKey?: Bytes, options?: CallOptions): Promise<number>;
}

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
  /** Dropped tables that can still be recalled included only with `all`. */
  listTables(options?: CallOptions & { readonly all?: boolean }): Promise<TableInfo[]>;
  listNodes(options?: CallOptions): Promise<NodeStatusInfo[]>;
  clusterInfo(options?: CallOptions): Promise<ReadonlyMap<string, string>>;
  tableConfig(name: string, options?: CallOptions): Promise<TableConfig>;
  /** Until every partition has a primary and all its secondaries. */
  waitHealthy(name: string, options?: CallOptions): Promise<TableConfig>;
  setEnvs(
    name: string,
    envs: Readonly<Record<string, string>>,
    options?: CallOptions,
  ): Promise<void>;
  delEnvs(name: string, keys: readonly string[], options?: CallOptions): Promise<void>;
}

/**
 * One per process is enough: it holds one connection per server, and all its operations share them.
 */
export interface Client extends AsyncDisposable {
  readonly admin: Admin;
  /** Cheap, asks nobody: a table that does not exist shows at its first operation. */
  table(name: string): Table;
  /** Ends operations under way with `ClosedError` or `InDoubtError` and closes all connections. */
  close(): Promise<void>;
}
