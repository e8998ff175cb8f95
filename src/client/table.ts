/** One table, its keys and values as bytes: the operations over `PendingCalls`. */
import type { U64 } from '../base/crc64.ts';
import { u64Modulo } from '../base/crc64.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import type * as rrdb from '../wire/generated/rrdb.ts';
import type { ClusterAdmin } from './admin.ts';
import type { TableConfig } from './admin-api.ts';
import type { Bytes, CallOptions, WriteOptions } from './api.ts';
import { toIncrExpiry, toInt64, toKey, toLimit, toTimeout, toWholeHashKey } from './arguments.ts';
import { BatchReader, type OptionsLeft } from './batch-read.ts';
import { deleteRows, writeRows } from './batch-write.ts';
import type { Engine } from './engine.ts';
import { InvalidArgumentError, type ReadOutcome, type WriteOutcome } from './errors.ts';
import { GetCoalescer } from './get-coalescer.ts';
import { HedgedTable } from './hedged-table.ts';
import { throwBatchError } from './operation-error.ts';
import * as kinds from './operation-kinds.ts';
import type { Convert, PendingCalls } from './pending-calls.ts';
import * as requests from './requests.ts';
import * as results from './results.ts';
import { openHashKeyScan, openTableScan, openTableScans, type ScanContext } from './scan.ts';
import type {
  BatchOptions,
  Check,
  CheckAndSetOptions,
  CheckOptions,
  CheckResult,
  Entries,
  HashKeyScanOptions,
  HedgedReads,
  HedgeOptions,
  IncrOptions,
  MultiGetKeys,
  MultiGetRange,
  MultiGetResult,
  Mutation,
  NewRow,
  RowKey,
  RowScan,
  ScanKey,
  SortKeyRange,
  SortKeysResult,
  Table,
  TableScanOptions,
} from './table-api.ts';
import type { TableRoute } from './table-route.ts';

/** Partition: by the hash. */
const BY_HASH = -1;
const PARALLELISM = 64;
const DELETE_RANGE_ROWS = 200;

export class TableHandle implements Table {
  readonly name: string;
  readonly #engine: Engine;
  readonly #calls: PendingCalls;
  readonly #route: TableRoute;
  readonly #admin: ClusterAdmin;
  readonly #reader: BatchReader;
  /** Null: every get goes alone. */
  readonly #coalescer: GetCoalescer | null;
  /** Filled by `prepare`, read right after it. */
  readonly #hash: U64 = { high: 0, low: 0 };

  constructor(engine: Engine, calls: PendingCalls, admin: ClusterAdmin, name: string) {
    this.name = name;
    this.#engine = engine;
    this.#calls = calls;
    this.#admin = admin;
    this.#route = engine.table(name);
    this.#reader = new BatchReader(calls, this.#route, (hashKey, sortKey, options) =>
      this.#getAlone(hashKey, sortKey, options, results.toValue),
    );
    this.#coalescer = engine.coalescesGets
      ? new GetCoalescer(engine, this.#route, this.#reader)
      : null;
  }

  get(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<Uint8Array | null> {
    if (options === undefined && this.#coalescer?.hasRoom === true) {
      return this.#coalescer.get(hashKey, sortKey);
    }
    return this.#getAlone(hashKey, sortKey, options, results.toValue);
  }

  getString(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<string | null> {
    if (options === undefined && this.#coalescer?.hasRoom === true) {
      return this.#coalescer.get(hashKey, sortKey).then(toTextOrNull);
    }
    return this.#getAlone(hashKey, sortKey, options, results.toText);
  }

  set(hashKey: Bytes, sortKey: Bytes, value: Bytes, options?: WriteOptions): Promise<void> {
    const prepare = (): rrdb.UpdateRequest =>
      requests.toPut(hashKey, sortKey, value, options, this.#hash, this.#wallMs());
    return this.#run(kinds.PUT, options, prepare, results.toNothing);
  }

  del(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<void> {
    const prepare = (): Uint8Array => toKey(hashKey, sortKey, this.#hash);
    return this.#run(kinds.REMOVE, options, prepare, results.toNothing);
  }

  async exist(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<boolean> {
    return (await this.ttl(hashKey, sortKey, options)) !== null;
  }

  ttl(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<number | null> {
    const prepare = (): Uint8Array => toKey(hashKey, sortKey, this.#hash);
    return this.#run(kinds.TTL, options, prepare, results.toTtl);
  }

  multiGet(hashKey: Bytes, options: MultiGetKeys | MultiGetRange = {}): Promise<MultiGetResult> {
    const prepare = (): rrdb.MultiGetRequest => requests.toMultiGet(hashKey, options, this.#hash);
    return this.#run(kinds.MULTI_GET, options, prepare, results.toRows);
  }

  multiGetSortKeys(
    hashKey: Bytes,
    options: MultiGetKeys | MultiGetRange = {},
  ): Promise<SortKeysResult> {
    const prepare = (): rrdb.MultiGetRequest =>
      requests.toMultiGet(hashKey, { ...options, keysOnly: true }, this.#hash);
    return this.#run(kinds.MULTI_GET, options, prepare, results.toSortKeysResult);
  }

  multiSet(hashKey: Bytes, entries: Entries, options?: WriteOptions): Promise<void> {
    const prepare = (): rrdb.MultiPutRequest =>
      requests.toMultiPut(hashKey, entries, options, this.#hash, this.#wallMs());
    return this.#run(kinds.MULTI_PUT, options, prepare, results.toNothing);
  }

  multiDel(hashKey: Bytes, sortKeys: readonly Bytes[], options?: CallOptions): Promise<void> {
    const prepare = (): rrdb.MultiRemoveRequest =>
      requests.toMultiRemove(hashKey, sortKeys, this.#hash);
    return this.#run(kinds.MULTI_REMOVE, options, prepare, results.toNothing);
  }

  async delRange(hashKey: Bytes, range: SortKeyRange, options?: CallOptions): Promise<number> {
    await using scan = this.scanKeys({
      ...range,
      ...options,
      hashKey,
      batchSize: DELETE_RANGE_ROWS,
    });
    let count = 0;
    for (let keys = await scan.nextBatch(); keys !== null; keys = await scan.nextBatch()) {
      const sortKeys = keys.map(({ sortKey }) => sortKey);
      await this.multiDel(hashKey, sortKeys, options);
      count += keys.length;
    }
    return count;
  }

  sortKeyCount(hashKey: Bytes, options?: CallOptions): Promise<number> {
    const prepare = (): Uint8Array => toWholeHashKey(hashKey, this.#hash);
    return this.#run(kinds.SORTKEY_COUNT, options, prepare, results.toCount);
  }

  async batchGet(keys: readonly RowKey[], options?: BatchOptions): Promise<(Uint8Array | null)[]> {
    const outcomes = await this.batchGetSettled(keys, options);
    throwBatchError('batchGet', this.name, outcomes);
    return outcomes.map((outcome) => (outcome.status === 'found' ? outcome.value : null));
  }

  async batchGetSettled(
    keys: readonly RowKey[],
    options: BatchOptions = {},
  ): Promise<ReadOutcome[]> {
    const width = toParallelism(options);
    if (keys.length === 0) return [];
    const left = this.#optionsLeft(options);
    return this.#reader.read(keys, await this.#partitionCount(left()), width, left);
  }

  async batchSet(rows: readonly NewRow[], options?: BatchOptions): Promise<void> {
    throwBatchError('batchSet', this.name, await this.batchSetSettled(rows, options));
  }

  async batchSetSettled(
    rows: readonly NewRow[],
    options: BatchOptions = {},
  ): Promise<WriteOutcome[]> {
    return writeRows(this, rows, toParallelism(options), this.#optionsLeft(options));
  }

  async batchDel(keys: readonly RowKey[], options?: BatchOptions): Promise<void> {
    throwBatchError('batchDel', this.name, await this.batchDelSettled(keys, options));
  }

  async batchDelSettled(
    keys: readonly RowKey[],
    options: BatchOptions = {},
  ): Promise<WriteOutcome[]> {
    return deleteRows(this, keys, toParallelism(options), this.#optionsLeft(options));
  }

  incr(
    hashKey: Bytes,
    sortKey: Bytes,
    by: number | bigint = 1,
    options?: IncrOptions,
  ): Promise<bigint> {
    const prepare = (): rrdb.IncrRequest => ({
      key: toKey(hashKey, sortKey, this.#hash),
      increment: toInt64(by, 'the increment'),
      expireTsSeconds: toIncrExpiry(options?.ttlSeconds, this.#wallMs()),
    });
    return this.#run(kinds.INCR, options, prepare, results.toSum);
  }

  checkAndSet(
    hashKey: Bytes,
    check: Check,
    value: Bytes,
    options?: CheckAndSetOptions,
  ): Promise<CheckResult> {
    const prepare = (): rrdb.CheckAndSetRequest =>
      requests.toCheckAndSet(hashKey, check, value, options, this.#hash, this.#wallMs());
    return this.#run(kinds.CHECK_AND_SET, options, prepare, results.toCheckResult);
  }

  checkAndMutate(
    hashKey: Bytes,
    check: Check,
    mutations: readonly Mutation[],
    options?: CheckOptions,
  ): Promise<CheckResult> {
    const prepare = (): rrdb.CheckAndMutateRequest =>
      requests.toCheckAndMutate(hashKey, check, mutations, options, this.#hash, this.#wallMs());
    return this.#run(kinds.CHECK_AND_MUTATE, options, prepare, results.toCheckResult);
  }

  compareExchange(
    hashKey: Bytes,
    sortKey: Bytes,
    expected: Bytes | null,
    desired: Bytes,
    options?: WriteOptions,
  ): Promise<CheckResult> {
    const check: Check =
      expected === null
        ? { sortKey, test: 'absent' }
        : { sortKey, test: 'bytesEqual', operand: expected };
    return this.checkAndSet(hashKey, check, desired, { ...options, returnValue: true });
  }

  scan(options: HashKeyScanOptions | TableScanOptions = {}): RowScan {
    if (options.hashKey !== undefined) return openHashKeyScan(this.#scanContext(), options);
    return openTableScan(this.#scanContext(), options);
  }

  scanKeys(options: HashKeyScanOptions | TableScanOptions = {}): RowScan<ScanKey> {
    return this.scan({ ...options, keysOnly: true });
  }

  scanners(count: number, options: TableScanOptions = {}): Promise<RowScan[]> {
    return openTableScans(this.#scanContext(), count, options);
  }

  hedged(options: HedgeOptions): HedgedReads {
    const { afterMs, stalenessMsMax } = options;
    if (!(afterMs >= 0 && afterMs < Number.POSITIVE_INFINITY)) {
      throw new InvalidArgumentError('afterMs is a number of at least 0');
    }
    if (stalenessMsMax !== 'any' && !(stalenessMsMax >= 0)) {
      throw new InvalidArgumentError('stalenessMsMax is a number of at least 0, or any');
    }
    return new HedgedTable({
      engine: this.#engine,
      calls: this.#calls,
      route: this.#route,
      options,
    });
  }

  config(options?: CallOptions): Promise<TableConfig> {
    return this.#admin.tableConfig(this.name, options);
  }

  async partitionOf(hashKey: Bytes, sortKey?: Bytes, options?: CallOptions): Promise<number> {
    const hash = { high: 0, low: 0 };
    if (sortKey === undefined) toWholeHashKey(hashKey, hash);
    else toKey(hashKey, sortKey, hash);
    return u64Modulo(hash, await this.#partitionCount(options));
  }

  #getAlone<Value>(
    hashKey: Bytes,
    sortKey: Bytes,
    options: CallOptions | undefined,
    convert: Convert<rrdb.ReadResponse, Value>,
  ): Promise<Value> {
    const prepare = (): Uint8Array => toKey(hashKey, sortKey, this.#hash);
    return this.#run(kinds.GET, options, prepare, convert);
  }

  #run<Request, Result, Value>(
    kind: kinds.OperationKind<Request, Result>,
    options: CallOptions | undefined,
    prepare: () => Request,
    convert: Convert<Result, Value>,
  ): Promise<Value> {
    return this.#calls.run(this.#route, kind, this.#hash, BY_HASH, options, prepare, convert);
  }

  #wallMs(): number {
    return this.#engine.environment.clock.wallMs();
  }

  /** The time of a call that makes several requests is shared by them. */
  #optionsLeft({ timeoutMs, signal }: CallOptions): OptionsLeft {
    const { wheel } = this.#engine;
    const deadlineMs = wheel.nowMs() + toTimeout(timeoutMs, this.#engine.timeoutMs);
    return () => ({ signal, timeoutMs: Math.max(deadlineMs - wheel.nowMs(), 0) });
  }

  async #partitionCount(options?: CallOptions): Promise<number> {
    const known = this.#route.partitionCount;
    return known > 0 ? known : (await this.config(options)).partitionCount;
  }

  #scanContext(): ScanContext {
    return { calls: this.#calls, route: this.#route, table: this };
  }
}

function toTextOrNull(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : decodeUtf8(bytes);
}

function toParallelism({ parallelism }: BatchOptions): number {
  const width = toLimit(parallelism, 'parallelism');
  return width === 0 ? PARALLELISM : width;
}
