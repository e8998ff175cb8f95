/** One table: the typed operations over `PendingCalls`. What comes out is copied and belongs to the caller. */
import { bytesEqual, copyBytes, EMPTY_BYTES } from '../base/bytes.ts';
import type { U64 } from '../base/crc64.ts';
import { u64Modulo } from '../base/crc64.ts';
import { ErrorCode, errorName } from '../base/error-names.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import type * as rrdb from '../wire/generated/rrdb.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import type { ClusterAdmin } from './admin.ts';
import type {
  Bytes,
  CallOptions,
  Check,
  CheckAndSetOptions,
  CheckOptions,
  CheckResult,
  Entries,
  HashKeyScanOptions,
  IncrOptions,
  MultiGetKeys,
  MultiGetRange,
  MultiGetResult,
  Mutation,
  Row,
  RowKey,
  RowScan,
  Table,
  TableConfig,
  TableScanOptions,
  WriteOptions,
} from './api.ts';
import * as arguments_ from './arguments.ts';
import type { Engine } from './engine.ts';
import { InvalidArgumentError, RejectedError } from './errors.ts';
import type { Operation } from './operation.ts';
import { statusError } from './operation-error.ts';
import * as kinds from './operation-kinds.ts';
import type { Convert, PendingCalls } from './pending-calls.ts';
import { openHashKeyScan, openTableScan, openTableScans, type ScanContext } from './scan.ts';
import type { TableRoute } from './table-route.ts';

const { toBytes, toKey, toWholeHashKey, toExpiry, toLimit } = arguments_;
/** Partition: by the hash. */
const BY_HASH = -1;

export class TableHandle implements Table {
  readonly name: string;
  readonly #engine: Engine;
  readonly #calls: PendingCalls;
  readonly #route: TableRoute;
  readonly #admin: ClusterAdmin;
  /** Filled by `prepare`, read right after it. */
  readonly #hash: U64 = { high: 0, low: 0 };

  constructor(engine: Engine, calls: PendingCalls, admin: ClusterAdmin, name: string) {
    this.name = name;
    this.#engine = engine;
    this.#calls = calls;
    this.#admin = admin;
    this.#route = engine.table(name);
  }

  get(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<Uint8Array | null> {
    const prepare = (): Uint8Array => toKey(hashKey, sortKey, this.#hash);
    return this.#run(kinds.GET, options, prepare, toValue);
  }

  getString(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<string | null> {
    const prepare = (): Uint8Array => toKey(hashKey, sortKey, this.#hash);
    return this.#run(kinds.GET, options, prepare, toText);
  }

  set(hashKey: Bytes, sortKey: Bytes, value: Bytes, options?: WriteOptions): Promise<void> {
    const prepare = (): rrdb.UpdateRequest => ({
      key: toKey(hashKey, sortKey, this.#hash),
      value: toBytes(value),
      expireTsSeconds: toExpiry(options?.ttlSeconds, this.#engine.environment.clock.wallMs()),
      type: undefined,
      checkValueReturned: undefined,
      checkValueExist: undefined,
      checkValue: undefined,
    });
    return this.#run(kinds.PUT, options, prepare, toNothing);
  }

  del(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<void> {
    const prepare = (): Uint8Array => toKey(hashKey, sortKey, this.#hash);
    return this.#run(kinds.REMOVE, options, prepare, toNothing);
  }

  async exist(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<boolean> {
    return (await this.ttl(hashKey, sortKey, options)) !== null;
  }

  ttl(hashKey: Bytes, sortKey: Bytes, options?: CallOptions): Promise<number | null> {
    const prepare = (): Uint8Array => toKey(hashKey, sortKey, this.#hash);
    return this.#run(kinds.TTL, options, prepare, toTtl);
  }

  multiGet(hashKey: Bytes, options: MultiGetKeys | MultiGetRange = {}): Promise<MultiGetResult> {
    const prepare = (): rrdb.MultiGetRequest => {
      const range: MultiGetRange = options.sortKeys === undefined ? options : {};
      return {
        hashKey: toWholeHashKey(hashKey, this.#hash),
        sortKeys: options.sortKeys === undefined ? [] : arguments_.toSortKeys(options.sortKeys),
        maxKvCount: toLimit(options.maxCount, 'maxCount'),
        maxKvSize: toLimit(options.maxBytes, 'maxBytes'),
        noValue: options.keysOnly ?? false,
        startSortkey: toBytes(range.start ?? EMPTY_BYTES),
        stopSortkey: toBytes(range.stop ?? EMPTY_BYTES),
        startInclusive: range.startInclusive ?? true,
        stopInclusive: range.stopInclusive ?? false,
        sortKeyFilterType: arguments_.toFilterType(range.filter),
        sortKeyFilterPattern: arguments_.toFilterPattern(range.filter),
        reverse: range.reverse ?? false,
      };
    };
    return this.#run(kinds.MULTI_GET, options, prepare, toRows);
  }

  multiSet(hashKey: Bytes, entries: Entries, options?: WriteOptions): Promise<void> {
    const prepare = (): rrdb.MultiPutRequest => {
      const kvs = toKeyValues(entries);
      if (kvs.length === 0) throw new InvalidArgumentError('at least one entry is needed');
      const wallMs = this.#engine.environment.clock.wallMs();
      return {
        hashKey: toWholeHashKey(hashKey, this.#hash),
        kvs,
        expireTsSeconds: toExpiry(options?.ttlSeconds, wallMs),
      };
    };
    return this.#run(kinds.MULTI_PUT, options, prepare, toNothing);
  }

  multiDel(hashKey: Bytes, sortKeys: readonly Bytes[], options?: CallOptions): Promise<void> {
    const prepare = (): rrdb.MultiRemoveRequest => ({
      hashKey: toWholeHashKey(hashKey, this.#hash),
      sortKeys: arguments_.toSortKeys(sortKeys),
      maxCount: 0n,
    });
    return this.#run(kinds.MULTI_REMOVE, options, prepare, toNothing);
  }

  sortKeyCount(hashKey: Bytes, options?: CallOptions): Promise<number> {
    const prepare = (): Uint8Array => toWholeHashKey(hashKey, this.#hash);
    return this.#run(kinds.SORTKEY_COUNT, options, prepare, toCount);
  }

  async batchGet(keys: readonly RowKey[], options?: CallOptions): Promise<(Uint8Array | null)[]> {
    if (keys.length === 0) return [];
    const partitionCount = await this.#partitionCount(options);
    const groups = groupByPartition(keys, partitionCount);
    const values = new Array<Uint8Array | null>(keys.length).fill(null);
    const jobs = groups.map((group) => this.#batchGetGroup(group, values, options));
    await Promise.all(jobs);
    return values;
  }

  incr(
    hashKey: Bytes,
    sortKey: Bytes,
    by: number | bigint = 1,
    options?: IncrOptions,
  ): Promise<bigint> {
    const prepare = (): rrdb.IncrRequest => ({
      key: toKey(hashKey, sortKey, this.#hash),
      increment: arguments_.toInt64(by, 'the increment'),
      expireTsSeconds: arguments_.toIncrExpiry(
        options?.ttlSeconds,
        this.#engine.environment.clock.wallMs(),
      ),
    });
    return this.#run(kinds.INCR, options, prepare, toSum);
  }

  checkAndSet(
    hashKey: Bytes,
    check: Check,
    value: Bytes,
    options?: CheckAndSetOptions,
  ): Promise<CheckResult> {
    const prepare = (): rrdb.CheckAndSetRequest => ({
      hashKey: toWholeHashKey(hashKey, this.#hash),
      checkSortKey: toBytes(check.sortKey),
      checkType: arguments_.toCheckType(check),
      checkOperand: arguments_.toCheckOperand(check),
      setDiffSortKey: options?.sortKey !== undefined,
      setSortKey: toBytes(options?.sortKey ?? EMPTY_BYTES),
      setValue: toBytes(value),
      setExpireTsSeconds: toExpiry(options?.ttlSeconds, this.#engine.environment.clock.wallMs()),
      returnCheckValue: options?.returnValue ?? false,
    });
    return this.#run(kinds.CHECK_AND_SET, options, prepare, toCheckResult);
  }

  checkAndMutate(
    hashKey: Bytes,
    check: Check,
    mutations: readonly Mutation[],
    options?: CheckOptions,
  ): Promise<CheckResult> {
    const prepare = (): rrdb.CheckAndMutateRequest => {
      if (mutations.length === 0) throw new InvalidArgumentError('at least one mutation is needed');
      const wallMs = this.#engine.environment.clock.wallMs();
      return {
        hashKey: toWholeHashKey(hashKey, this.#hash),
        checkSortKey: toBytes(check.sortKey),
        checkType: arguments_.toCheckType(check),
        checkOperand: arguments_.toCheckOperand(check),
        mutateList: mutations.map((mutation) => arguments_.toMutate(mutation, wallMs)),
        returnCheckValue: options?.returnValue ?? false,
      };
    };
    return this.#run(kinds.CHECK_AND_MUTATE, options, prepare, toCheckResult);
  }

  scan(options: HashKeyScanOptions | TableScanOptions = {}): RowScan {
    if (options.hashKey !== undefined) return openHashKeyScan(this.#scanContext(), options);
    return openTableScan(this.#scanContext(), options);
  }

  scanners(count: number, options: TableScanOptions = {}): Promise<RowScan[]> {
    return openTableScans(this.#scanContext(), count, options);
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

  #run<Request, Result, Value>(
    kind: kinds.OperationKind<Request, Result>,
    options: CallOptions | undefined,
    prepare: () => Request,
    convert: Convert<Result, Value>,
  ): Promise<Value> {
    return this.#calls.run(this.#route, kind, this.#hash, BY_HASH, options, prepare, convert);
  }

  async #partitionCount(options?: CallOptions): Promise<number> {
    const known = this.#route.partitionCount;
    return known > 0 ? known : (await this.config(options)).partitionCount;
  }

  #scanContext(): ScanContext {
    return { calls: this.#calls, route: this.#route, table: this };
  }

  async #batchGetGroup(
    group: BatchGroup,
    values: (Uint8Array | null)[],
    options: CallOptions | undefined,
  ): Promise<void> {
    const prepare = (): rrdb.BatchGetRequest => ({ keys: group.keys });
    const convert: Convert<rrdb.BatchGetResponse, void> = (result, operation) => {
      if (result.error !== StorageStatus.ok) throw statusError(operation, result.error, false);
      placeValues(group, result.data, values);
    };
    try {
      await this.#calls.run(
        this.#route,
        kinds.BATCH_GET,
        group.hash,
        BY_HASH,
        options,
        prepare,
        convert,
      );
    } catch (error) {
      // Servers before the batch request existed.
      if (!(error instanceof RejectedError)) throw error;
      if (error.serverCode !== errorName(ErrorCode.handlerNotFound)) throw error;
      const singles = group.keys.map(async ({ hashKey, sortKey }, index) => {
        values[group.positions[index]!] = await this.get(hashKey, sortKey, options);
      });
      await Promise.all(singles);
    }
  }
}

// ---- results ----

function toValue(result: rrdb.ReadResponse, operation: Operation): Uint8Array | null {
  if (result.error === StorageStatus.ok) return copyBytes(result.value);
  if (result.error === StorageStatus.notFound) return null;
  throw statusError(operation, result.error, false);
}

function toText(result: rrdb.ReadResponse, operation: Operation): string | null {
  if (result.error === StorageStatus.ok) return decodeUtf8(result.value, 0, result.value.length);
  if (result.error === StorageStatus.notFound) return null;
  throw statusError(operation, result.error, false);
}

function toTtl(result: rrdb.TtlResponse, operation: Operation): number | null {
  if (result.error === StorageStatus.notFound) return null;
  if (result.error !== StorageStatus.ok) throw statusError(operation, result.error, false);
  if (result.ttlSeconds === -1) return Number.POSITIVE_INFINITY;
  // Far expiries come back as what is left of their unsigned number.
  return result.ttlSeconds >>> 0;
}

function toCount(result: rrdb.CountResponse, operation: Operation): number {
  if (result.error !== StorageStatus.ok) throw statusError(operation, result.error, false);
  if (result.count < 0) throw statusError(operation, StorageStatus.timedOut, false);
  return result.count;
}

function toRows(result: rrdb.MultiGetResponse, operation: Operation): MultiGetResult {
  const complete = result.error === StorageStatus.ok;
  if (!complete && result.error !== StorageStatus.incomplete) {
    throw statusError(operation, result.error, false);
  }
  const rows: Row[] = [];
  for (const { key, value } of result.kvs) {
    rows.push({ sortKey: copyBytes(key), value: copyBytes(value) });
  }
  return { rows, complete };
}

function toNothing(result: { readonly error: number }, operation: Operation): void {
  if (result.error !== StorageStatus.ok) throw statusError(operation, result.error, true);
}

function toSum(result: rrdb.IncrResponse, operation: Operation): bigint {
  if (result.error !== StorageStatus.ok) throw statusError(operation, result.error, true);
  return result.newValue;
}

function toCheckResult(result: rrdb.CheckAndSetResponse, operation: Operation): CheckResult {
  const applied = result.error === StorageStatus.ok;
  if (!applied && result.error !== StorageStatus.tryAgain) {
    throw statusError(operation, result.error, true);
  }
  if (!result.checkValueReturned) return { applied, value: undefined };
  return { applied, value: result.checkValueExist ? copyBytes(result.checkValue) : null };
}

// ---- requests ----

function toKeyValues(entries: Entries): rrdb.KeyValue[] {
  const pairs = Symbol.iterator in entries ? entries : Object.entries(entries);
  const kvs: rrdb.KeyValue[] = [];
  for (const [key, value] of pairs as Iterable<readonly [Bytes, Bytes]>) {
    kvs.push({ key: toBytes(key), value: toBytes(value), expireTsSeconds: undefined });
  }
  return kvs;
}

interface BatchGroup {
  readonly hash: U64;
  readonly keys: rrdb.FullKey[];
  /** Index of each key in the caller's list. */
  readonly positions: number[];
}

function groupByPartition(keys: readonly RowKey[], partitionCount: number): BatchGroup[] {
  const groups = new Map<number, BatchGroup>();
  const hash = { high: 0, low: 0 };
  for (const [position, { hashKey, sortKey }] of keys.entries()) {
    toKey(hashKey, sortKey, hash);
    const partition = u64Modulo(hash, partitionCount);
    let group = groups.get(partition);
    if (group === undefined) {
      group = { hash: { ...hash }, keys: [], positions: [] };
      groups.set(partition, group);
    }
    group.keys.push({ hashKey: toBytes(hashKey), sortKey: toBytes(sortKey) });
    group.positions.push(position);
  }
  return [...groups.values()];
}

/** Rows come back in request order with the absent ones left out, so both lists are walked together. */
function placeValues(
  group: BatchGroup,
  rows: readonly rrdb.FullData[],
  values: (Uint8Array | null)[],
): void {
  let next = 0;
  for (const [index, key] of group.keys.entries()) {
    const row = rows[next];
    if (row === undefined) return;
    if (!bytesEqual(row.hashKey, key.hashKey) || !bytesEqual(row.sortKey, key.sortKey)) continue;
    values[group.positions[index]!] = copyBytes(row.value);
    next++;
  }
}
