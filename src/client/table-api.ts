/** The operations on one table as their users see them, and what goes in and comes out. */
import type { TableConfig } from './admin-api.ts';
import type { Bytes, CallOptions, WriteOptions } from './api.ts';
import type { AnyCodec, BytesCodec, In, Out } from './codec.ts';
import type { ReadOutcome, WriteOutcome } from './errors.ts';

export interface Row<SortKey extends AnyCodec = BytesCodec, Value extends AnyCodec = BytesCodec> {
  readonly sortKey: Out<SortKey>;
  /** Empty if only keys were asked for. */
  readonly value: Out<Value>;
}

export interface ScanKey<
  HashKey extends AnyCodec = BytesCodec,
  SortKey extends AnyCodec = BytesCodec,
> {
  readonly hashKey: Out<HashKey>;
  readonly sortKey: Out<SortKey>;
  /**
   * Seconds since 1970, `Infinity` for rows that do not expire; null unless `withExpiry` was asked
   * for.
   */
  readonly expiresAtSeconds: number | null;
}

export interface ScanRow<
  HashKey extends AnyCodec = BytesCodec,
  SortKey extends AnyCodec = BytesCodec,
  Value extends AnyCodec = BytesCodec,
> extends ScanKey<HashKey, SortKey> {
  /** Empty if only keys were asked for. */
  readonly value: Out<Value>;
}

export interface RowKey<
  HashKey extends AnyCodec = BytesCodec,
  SortKey extends AnyCodec = BytesCodec,
> {
  readonly hashKey: In<HashKey>;
  readonly sortKey: In<SortKey>;
}

/** A row to be written by a batch. */
export interface NewRow<
  HashKey extends AnyCodec = BytesCodec,
  SortKey extends AnyCodec = BytesCodec,
  Value extends AnyCodec = BytesCodec,
> extends RowKey<HashKey, SortKey> {
  readonly value: In<Value>;
  readonly ttlSeconds?: number | undefined;
}

/** On the bytes of a key, whatever codec it has. */
export interface Filter {
  readonly match: 'anywhere' | 'prefix' | 'suffix';
  readonly pattern: Bytes;
}

/** Sort keys from `start` to `stop` in byte order. Absent: from the first, to the last. */
export interface SortKeyRange<SortKey extends AnyCodec = BytesCodec> {
  readonly start?: In<SortKey> | undefined;
  /** Default true. */
  readonly startInclusive?: boolean | undefined;
  readonly stop?: In<SortKey> | undefined;
  /** Default false. */
  readonly stopInclusive?: boolean | undefined;
  readonly filter?: Filter | undefined;
}

/** Values come back empty; with a codec for values, ask for `multiGetSortKeys` or `scanKeys`. */
type KeysOnly<Value extends AnyCodec> = BytesCodec extends Value ? boolean : false;

export interface MultiGetLimits<Value extends AnyCodec = BytesCodec> extends CallOptions {
  /** Rows at most. Servers have limits of their own (3,000 rows looked at, 30 MiB). */
  readonly maxCount?: number | undefined;
  /** Bytes of sort keys and values after which no further row is added; one row always fits. */
  readonly maxBytes?: number | undefined;
  /** Values come back empty. Only without a codec for values. */
  readonly keysOnly?: KeysOnly<Value> | undefined;
}

export interface MultiGetKeys<
  SortKey extends AnyCodec = BytesCodec,
  Value extends AnyCodec = BytesCodec,
> extends MultiGetLimits<Value> {
  /** At least one. Rows come back in this order, absent ones left out. */
  readonly sortKeys: readonly In<SortKey>[];
}

export interface MultiGetRange<
  SortKey extends AnyCodec = BytesCodec,
  Value extends AnyCodec = BytesCodec,
> extends MultiGetLimits<Value>,
    SortKeyRange<SortKey> {
  readonly sortKeys?: undefined;
  /**
   * With a limit: the last rows of the range instead of the first. Rows are in ascending order all
   * the same.
   */
  readonly reverse?: boolean | undefined;
}

export interface MultiGetResult<
  SortKey extends AnyCodec = BytesCodec,
  Value extends AnyCodec = BytesCodec,
> {
  readonly rows: Row<SortKey, Value>[];
  /** False: a limit was hit and there may be more. */
  readonly complete: boolean;
}

export interface SortKeysResult<SortKey extends AnyCodec = BytesCodec> {
  readonly sortKeys: Out<SortKey>[];
  /** False: a limit was hit and there may be more. */
  readonly complete: boolean;
}

/** Pairs; an object as well, where sort keys are strings. */
export type Entries<SortKey extends AnyCodec = BytesCodec, Value extends AnyCodec = BytesCodec> =
  | Iterable<readonly [sortKey: In<SortKey>, value: In<Value>]>
  | (string extends In<SortKey> ? Readonly<Record<string, In<Value>>> : never);

/** What has to hold of the value of the row for a conditional write to happen. */
export type Check<SortKey extends AnyCodec = BytesCodec, Value extends AnyCodec = BytesCodec> =
  | {
      readonly sortKey: In<SortKey>;
      readonly test: 'none' | 'absent' | 'absentOrEmpty' | 'exists' | 'notEmpty';
    }
  | {
      readonly sortKey: In<SortKey>;
      readonly test: 'contains' | 'startsWith' | 'endsWith';
      readonly operand: Bytes;
    }
  | {
      readonly sortKey: In<SortKey>;
      readonly test:
        | 'bytesLess'
        | 'bytesLessOrEqual'
        | 'bytesEqual'
        | 'bytesGreaterOrEqual'
        | 'bytesGreater';
      readonly operand: In<Value>;
    }
  | {
      readonly sortKey: In<SortKey>;
      readonly test: 'intLess' | 'intLessOrEqual' | 'intEqual' | 'intGreaterOrEqual' | 'intGreater';
      readonly operand: number | bigint;
    };

export interface CheckOptions extends CallOptions {
  /** Also answer with the value that was checked. */
  readonly returnValue?: boolean | undefined;
}

export interface CheckAndSetOptions<SortKey extends AnyCodec = BytesCodec> extends CheckOptions {
  /** Row to write, if it is not the checked one. */
  readonly sortKey?: In<SortKey> | undefined;
  readonly ttlSeconds?: number | undefined;
}

export type Mutation<SortKey extends AnyCodec = BytesCodec, Value extends AnyCodec = BytesCodec> =
  | {
      readonly set: In<SortKey>;
      readonly value: In<Value>;
      readonly ttlSeconds?: number | undefined;
    }
  | { readonly del: In<SortKey> };

export interface CheckResult<Value extends AnyCodec = BytesCodec> {
  /** The check held and the write happened. */
  readonly applied: boolean;
  /**
   * The checked value before the write; null if the row was absent; undefined unless it was asked
   * for.
   */
  readonly value: Out<Value> | null | undefined;
}

export interface IncrOptions extends CallOptions {
  /** A new expiry for the row; 0 = none from now on. Absent: it keeps the one it has. */
  readonly ttlSeconds?: number | undefined;
}

export interface BatchOptions extends CallOptions {
  /** Requests under way at a time. Default 64. */
  readonly parallelism?: number | undefined;
}

export interface ScanOptions<Value extends AnyCodec = BytesCodec> extends CallOptions {
  /** Rows per request. Default 500; servers send 1,000 at most. */
  readonly batchSize?: number | undefined;
  /** Values come back empty. Only without a codec for values. */
  readonly keysOnly?: KeysOnly<Value> | undefined;
  readonly withExpiry?: boolean | undefined;
  /** Of each request of the scan, not of the whole. */
  readonly timeoutMs?: number | undefined;
}

/** Rows of one hash key, ascending. */
export interface HashKeyScanOptions<
  HashKey extends AnyCodec = BytesCodec,
  SortKey extends AnyCodec = BytesCodec,
  Value extends AnyCodec = BytesCodec,
> extends ScanOptions<Value>,
    SortKeyRange<SortKey> {
  readonly hashKey: In<HashKey>;
}

/** Rows of the whole table; ordered within a partition only. */
export interface TableScanOptions<Value extends AnyCodec = BytesCodec> extends ScanOptions<Value> {
  readonly hashKey?: undefined;
  readonly hashKeyFilter?: Filter | undefined;
  readonly sortKeyFilter?: Filter | undefined;
  /** Partitions read at the same time. Default 8. */
  readonly parallelism?: number | undefined;
}

/**
 * For one consumer, who sets the pace: at most one batch per partition is fetched ahead. Leave the
 * loop early and the server's scan context is freed; no other call is needed.
 */
export interface RowScan<Item = ScanRow> extends AsyncIterableIterator<Item>, AsyncDisposable {
  /** The rows that came in one answer, or null at the end: cheaper than row by row. */
  nextBatch(): Promise<Item[] | null>;
}

/** Reads that also ask a secondary when the primary is slow. */
export interface HedgeOptions {
  /** How long to wait for the primary alone. Good: its 95th percentile. */
  readonly afterMs: number;
  /**
   * How old the answer of a secondary may be. `any` is for data where that does not matter: a
   * secondary may lag behind without bound. With a number of milliseconds an answer counts only
   * if the server vouches for it, which the original's servers never do.
   */
  readonly stalenessMsMax: number | 'any';
}

export interface HedgedRead<Result> {
  readonly value: Result;
  readonly source: 'primary' | 'secondary';
  /** `host:port` */
  readonly server: string;
  /** 0 from the primary; `Infinity` if the secondary could not tell. */
  readonly stalenessMs: number;
}

export interface HedgedReads<
  HashKey extends AnyCodec = BytesCodec,
  SortKey extends AnyCodec = BytesCodec,
  Value extends AnyCodec = BytesCodec,
> {
  get(
    hashKey: In<HashKey>,
    sortKey: In<SortKey>,
    options?: CallOptions,
  ): Promise<HedgedRead<Out<Value> | null>>;
  ttl(
    hashKey: In<HashKey>,
    sortKey: In<SortKey>,
    options?: CallOptions,
  ): Promise<HedgedRead<number | null>>;
  multiGet(
    hashKey: In<HashKey>,
    options?: MultiGetKeys<SortKey, Value> | MultiGetRange<SortKey, Value>,
  ): Promise<HedgedRead<MultiGetResult<SortKey, Value>>>;
}

/** How the keys and values of a table are written and read. Absent: as bytes. */
export interface TableCodecs<
  HashKey extends AnyCodec = BytesCodec,
  SortKey extends AnyCodec = BytesCodec,
  Value extends AnyCodec = BytesCodec,
> {
  readonly hashKey?: HashKey;
  readonly sortKey?: SortKey;
  readonly value?: Value;
}

export interface Table<
  HashKey extends AnyCodec = BytesCodec,
  SortKey extends AnyCodec = BytesCodec,
  Value extends AnyCodec = BytesCodec,
> {
  readonly name: string;

  /** Null if there is no such row. */
  get(
    hashKey: In<HashKey>,
    sortKey: In<SortKey>,
    options?: CallOptions,
  ): Promise<Out<Value> | null>;
  /** The stored bytes as UTF-8, whatever codec the value has. */
  getString(
    hashKey: In<HashKey>,
    sortKey: In<SortKey>,
    options?: CallOptions,
  ): Promise<string | null>;
  set(
    hashKey: In<HashKey>,
    sortKey: In<SortKey>,
    value: In<Value>,
    options?: WriteOptions,
  ): Promise<void>;
  del(hashKey: In<HashKey>, sortKey: In<SortKey>, options?: CallOptions): Promise<void>;
  exist(hashKey: In<HashKey>, sortKey: In<SortKey>, options?: CallOptions): Promise<boolean>;
  /** Seconds left; `Infinity` for a row that does not expire; null if there is no such row. */
  ttl(hashKey: In<HashKey>, sortKey: In<SortKey>, options?: CallOptions): Promise<number | null>;

  multiGet(
    hashKey: In<HashKey>,
    options?: MultiGetKeys<SortKey, Value> | MultiGetRange<SortKey, Value>,
  ): Promise<MultiGetResult<SortKey, Value>>;
  /** As `multiGet`, without the values. */
  multiGetSortKeys(
    hashKey: In<HashKey>,
    options?: MultiGetKeys<SortKey> | MultiGetRange<SortKey>,
  ): Promise<SortKeysResult<SortKey>>;
  /** All or nothing. Must not be empty. */
  multiSet(
    hashKey: In<HashKey>,
    entries: Entries<SortKey, Value>,
    options?: WriteOptions,
  ): Promise<void>;
  /** All or nothing. Must not be empty. */
  multiDel(
    hashKey: In<HashKey>,
    sortKeys: readonly In<SortKey>[],
    options?: CallOptions,
  ): Promise<void>;
  /**
   * Deletes a range of rows, some at a time, and answers with how many. Not atomic: when it fails,
   * the first part of the range may be gone. `timeoutMs` is of each request.
   */
  delRange(
    hashKey: In<HashKey>,
    range: SortKeyRange<SortKey>,
    options?: CallOptions,
  ): Promise<number>;
  sortKeyCount(hashKey: In<HashKey>, options?: CallOptions): Promise<number>;

  /**
   * Rows of any hash keys, in the order of `keys`, null where there is none: one request per
   * partition. Rejects with `BatchError` when one of them cannot be read.
   */
  batchGet(
    keys: readonly RowKey<HashKey, SortKey>[],
    options?: BatchOptions,
  ): Promise<(Out<Value> | null)[]>;
  /** As `batchGet`; says of each item what became of it, instead of rejecting. */
  batchGetSettled(
    keys: readonly RowKey<HashKey, SortKey>[],
    options?: BatchOptions,
  ): Promise<ReadOutcome<Out<Value>>[]>;
  /**
   * Writes rows of any hash keys: one request per hash key, more if its rows are many. Atomic is
   * none of it; rows of one hash key are written in their order. Rejects with `BatchError` when one
   * of them is not written.
   */
  batchSet(rows: readonly NewRow<HashKey, SortKey, Value>[], options?: BatchOptions): Promise<void>;
  /** As `batchSet`; says of each item what became of it, instead of rejecting. */
  batchSetSettled(
    rows: readonly NewRow<HashKey, SortKey, Value>[],
    options?: BatchOptions,
  ): Promise<WriteOutcome[]>;
  /** Deletes rows of any hash keys, as `batchSet` writes them. */
  batchDel(keys: readonly RowKey<HashKey, SortKey>[], options?: BatchOptions): Promise<void>;
  /** As `batchDel`; says of each item what became of it, instead of rejecting. */
  batchDelSettled(
    keys: readonly RowKey<HashKey, SortKey>[],
    options?: BatchOptions,
  ): Promise<WriteOutcome[]>;

  /**
   * Adds to a decimal number (absent = 0) and answers with the sum. The value is text, whatever
   * codec the table has: `decimal` reads it.
   */
  incr(
    hashKey: In<HashKey>,
    sortKey: In<SortKey>,
    by?: number | bigint,
    options?: IncrOptions,
  ): Promise<bigint>;
  checkAndSet(
    hashKey: In<HashKey>,
    check: Check<SortKey, Value>,
    value: In<Value>,
    options?: CheckAndSetOptions<SortKey>,
  ): Promise<CheckResult<Value>>;
  checkAndMutate(
    hashKey: In<HashKey>,
    check: Check<SortKey, Value>,
    mutations: readonly Mutation<SortKey, Value>[],
    options?: CheckOptions,
  ): Promise<CheckResult<Value>>;
  /**
   * Writes `desired` if the row's value is `expected`, byte by byte; null stands for no row. The
   * result has the value that was there.
   */
  compareExchange(
    hashKey: In<HashKey>,
    sortKey: In<SortKey>,
    expected: In<Value> | null,
    desired: In<Value>,
    options?: WriteOptions,
  ): Promise<CheckResult<Value>>;

  /** Rows of one hash key, or of the whole table. */
  scan(
    options?: HashKeyScanOptions<HashKey, SortKey, Value> | TableScanOptions<Value>,
  ): RowScan<ScanRow<HashKey, SortKey, Value>>;
  /** As `scan`, without the values. */
  scanKeys(
    options?: HashKeyScanOptions<HashKey, SortKey> | TableScanOptions,
  ): RowScan<ScanKey<HashKey, SortKey>>;
  /** The whole table split into up to `count` scans that may be read at the same time. */
  scanners(
    count: number,
    options?: TableScanOptions<Value>,
  ): Promise<RowScan<ScanRow<HashKey, SortKey, Value>>[]>;

  /** The same rows, read from a secondary when the primary is slow. */
  hedged(options: HedgeOptions): HedgedReads<HashKey, SortKey, Value>;

  /** Where the table's partitions are, from the meta server. */
  config(options?: CallOptions): Promise<TableConfig>;
  /** Partition that a row belongs to; asks the meta server at most once. */
  partitionOf(hashKey: In<HashKey>, sortKey?: In<SortKey>, options?: CallOptions): Promise<number>;
}
