/**
 * A table whose keys and values have codecs: a thin layer over the table of bytes, which does the
 * work.
 *
 * What a codec throws rejects the operation: `InvalidArgumentError` before anything is sent,
 * `BadValueError` for what cannot be read. A conditional write that was applied and whose checked
 * value cannot be read is `InDoubtError` (`badValue`), so that nobody takes it for not done.
 */
import type { TableConfig } from './admin-api.ts';
import type { CallOptions, WriteOptions } from './api.ts';
import { type AnyCodec, bytes, type In, type Out } from './codec.ts';
import { CodecGuard } from './codec-guard.ts';
import { BadValueError, InDoubtError, type ReadOutcome, type WriteOutcome } from './errors.ts';
import { throwBatchError } from './operation-error.ts';
import { toPairs } from './requests.ts';
import type {
  BatchOptions,
  Check,
  CheckAndSetOptions,
  CheckOptions,
  CheckResult,
  Entries,
  HashKeyScanOptions,
  HedgedRead,
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
  ScanRow,
  SortKeyRange,
  SortKeysResult,
  Table,
  TableCodecs,
  TableScanOptions,
} from './table-api.ts';
import { TypedScan } from './typed-scan.ts';

export class TypedTable<H extends AnyCodec, S extends AnyCodec, V extends AnyCodec>
  implements Table<H, S, V>
{
  readonly name: string;
  readonly #table: Table;
  readonly #hashKey: CodecGuard<H>;
  readonly #sortKey: CodecGuard<S>;
  readonly #value: CodecGuard<V>;

  constructor(table: Table, codecs: TableCodecs<H, S, V>) {
    this.name = table.name;
    this.#table = table;
    // Where a codec is absent, its type is that of the default.
    this.#hashKey = new CodecGuard(
      table.name,
      'hash key',
      codecs.hashKey ?? (bytes() as AnyCodec as H),
    );
    this.#sortKey = new CodecGuard(
      table.name,
      'sort key',
      codecs.sortKey ?? (bytes() as AnyCodec as S),
    );
    this.#value = new CodecGuard(table.name, 'value', codecs.value ?? (bytes() as AnyCodec as V));
  }

  async get(hashKey: In<H>, sortKey: In<S>, options?: CallOptions): Promise<Out<V> | null> {
    const [hash, sort] = this.#keys(hashKey, sortKey);
    return this.#value.decodeOrNull(await this.#table.get(hash, sort, options));
  }

  async getString(hashKey: In<H>, sortKey: In<S>, options?: CallOptions): Promise<string | null> {
    const [hash, sort] = this.#keys(hashKey, sortKey);
    return this.#table.getString(hash, sort, options);
  }

  async set(hashKey: In<H>, sortKey: In<S>, value: In<V>, options?: WriteOptions): Promise<void> {
    const [hash, sort] = this.#keys(hashKey, sortKey);
    return this.#table.set(hash, sort, this.#value.encode(value), options);
  }

  async del(hashKey: In<H>, sortKey: In<S>, options?: CallOptions): Promise<void> {
    const [hash, sort] = this.#keys(hashKey, sortKey);
    return this.#table.del(hash, sort, options);
  }

  async exist(hashKey: In<H>, sortKey: In<S>, options?: CallOptions): Promise<boolean> {
    const [hash, sort] = this.#keys(hashKey, sortKey);
    return this.#table.exist(hash, sort, options);
  }

  async ttl(hashKey: In<H>, sortKey: In<S>, options?: CallOptions): Promise<number | null> {
    const [hash, sort] = this.#keys(hashKey, sortKey);
    return this.#table.ttl(hash, sort, options);
  }

  async multiGet(
    hashKey: In<H>,
    options: MultiGetKeys<S, V> | MultiGetRange<S, V> = {},
  ): Promise<MultiGetResult<S, V>> {
    const raw = { ...this.#multiGetOptions(options), keysOnly: options.keysOnly };
    return this.#toRows(await this.#table.multiGet(this.#hashKey.encode(hashKey), raw));
  }

  async multiGetSortKeys(
    hashKey: In<H>,
    options: MultiGetKeys<S> | MultiGetRange<S> = {},
  ): Promise<SortKeysResult<S>> {
    const raw = this.#multiGetOptions(options);
    const hash = this.#hashKey.encode(hashKey);
    const { sortKeys, complete } = await this.#table.multiGetSortKeys(hash, raw);
    return { sortKeys: sortKeys.map((sortKey) => this.#sortKey.decode(sortKey)), complete };
  }

  async multiSet(hashKey: In<H>, entries: Entries<S, V>, options?: WriteOptions): Promise<void> {
    const pairs: [Uint8Array, Uint8Array][] = [];
    for (const [sortKey, value] of toPairs<In<S>, In<V>>(entries)) {
      // An object has string keys, and is taken only where sort keys are strings.
      pairs.push([this.#sortKey.encode(sortKey as In<S>), this.#value.encode(value)]);
    }
    return this.#table.multiSet(this.#hashKey.encode(hashKey), pairs, options);
  }

  async multiDel(hashKey: In<H>, sortKeys: readonly In<S>[], options?: CallOptions): Promise<void> {
    const raw = sortKeys.map((sortKey) => this.#sortKey.encode(sortKey));
    return this.#table.multiDel(this.#hashKey.encode(hashKey), raw, options);
  }

  async delRange(hashKey: In<H>, range: SortKeyRange<S>, options?: CallOptions): Promise<number> {
    return this.#table.delRange(this.#hashKey.encode(hashKey), this.#range(range), options);
  }

  async sortKeyCount(hashKey: In<H>, options?: CallOptions): Promise<number> {
    return this.#table.sortKeyCount(this.#hashKey.encode(hashKey), options);
  }

  async batchGet(
    keys: readonly RowKey<H, S>[],
    options?: BatchOptions,
  ): Promise<(Out<V> | null)[]> {
    const outcomes = await this.batchGetSettled(keys, options);
    throwBatchError('batchGet', this.name, outcomes);
    return outcomes.map((outcome) => (outcome.status === 'found' ? outcome.value : null));
  }

  async batchGetSettled(
    keys: readonly RowKey<H, S>[],
    options?: BatchOptions,
  ): Promise<ReadOutcome<Out<V>>[]> {
    const outcomes = await this.#table.batchGetSettled(this.#rowKeys(keys), options);
    return outcomes.map((outcome) => this.#toOutcome(outcome));
  }

  async batchSet(rows: readonly NewRow<H, S, V>[], options?: BatchOptions): Promise<void> {
    return this.#table.batchSet(this.#newRows(rows), options);
  }

  async batchSetSettled(
    rows: readonly NewRow<H, S, V>[],
    options?: BatchOptions,
  ): Promise<WriteOutcome[]> {
    return this.#table.batchSetSettled(this.#newRows(rows), options);
  }

  async batchDel(keys: readonly RowKey<H, S>[], options?: BatchOptions): Promise<void> {
    return this.#table.batchDel(this.#rowKeys(keys), options);
  }

  async batchDelSettled(
    keys: readonly RowKey<H, S>[],
    options?: BatchOptions,
  ): Promise<WriteOutcome[]> {
    return this.#table.batchDelSettled(this.#rowKeys(keys), options);
  }

  async incr(
    hashKey: In<H>,
    sortKey: In<S>,
    by?: number | bigint,
    options?: IncrOptions,
  ): Promise<bigint> {
    const [hash, sort] = this.#keys(hashKey, sortKey);
    return this.#table.incr(hash, sort, by, options);
  }

  async checkAndSet(
    hashKey: In<H>,
    check: Check<S, V>,
    value: In<V>,
    options?: CheckAndSetOptions<S>,
  ): Promise<CheckResult<V>> {
    const raw = await this.#table.checkAndSet(
      this.#hashKey.encode(hashKey),
      this.#check(check),
      this.#value.encode(value),
      { ...options, sortKey: this.#sortKey.encodeOptional(options?.sortKey) },
    );
    return this.#toCheckResult('checkAndSet', raw);
  }

  async checkAndMutate(
    hashKey: In<H>,
    check: Check<S, V>,
    mutations: readonly Mutation<S, V>[],
    options?: CheckOptions,
  ): Promise<CheckResult<V>> {
    const raw = await this.#table.checkAndMutate(
      this.#hashKey.encode(hashKey),
      this.#check(check),
      mutations.map((mutation) => this.#mutation(mutation)),
      options,
    );
    return this.#toCheckResult('checkAndMutate', raw);
  }

  async compareExchange(
    hashKey: In<H>,
    sortKey: In<S>,
    expected: In<V> | null,
    desired: In<V>,
    options?: WriteOptions,
  ): Promise<CheckResult<V>> {
    const [hash, sort] = this.#keys(hashKey, sortKey);
    const before = expected === null ? null : this.#value.encode(expected);
    const after = this.#value.encode(desired);
    const raw = await this.#table.compareExchange(hash, sort, before, after, options);
    return this.#toCheckResult('compareExchange', raw);
  }

  scan(options: HashKeyScanOptions<H, S, V> | TableScanOptions<V> = {}): RowScan<ScanRow<H, S, V>> {
    const raw = { ...this.#scanOptions(options), keysOnly: options.keysOnly };
    return new TypedScan(this.#table.scan(raw), this.#toScanRow);
  }

  scanKeys(options: HashKeyScanOptions<H, S> | TableScanOptions = {}): RowScan<ScanKey<H, S>> {
    return new TypedScan(this.#table.scanKeys(this.#scanOptions(options)), this.#toScanKey);
  }

  async scanners(
    count: number,
    options: TableScanOptions<V> = {},
  ): Promise<RowScan<ScanRow<H, S, V>>[]> {
    const raw = { ...this.#scanOptions(options), hashKey: undefined, keysOnly: options.keysOnly };
    const scans = await this.#table.scanners(count, raw);
    return scans.map((scan) => new TypedScan(scan, this.#toScanRow));
  }

  hedged(options: HedgeOptions): HedgedReads<H, S, V> {
    const reads = this.#table.hedged(options);
    return {
      get: async (hashKey, sortKey, rest) => {
        const [hash, sort] = this.#keys(hashKey, sortKey);
        return map(await reads.get(hash, sort, rest), (raw) => this.#value.decodeOrNull(raw));
      },
      ttl: async (hashKey, sortKey, rest) => {
        const [hash, sort] = this.#keys(hashKey, sortKey);
        return reads.ttl(hash, sort, rest);
      },
      multiGet: async (hashKey, rest = {}) => {
        const raw = { ...this.#multiGetOptions(rest), keysOnly: rest.keysOnly };
        const read = await reads.multiGet(this.#hashKey.encode(hashKey), raw);
        return map(read, (result) => this.#toRows(result));
      },
    };
  }

  config(options?: CallOptions): Promise<TableConfig> {
    return this.#table.config(options);
  }

  async partitionOf(hashKey: In<H>, sortKey?: In<S>, options?: CallOptions): Promise<number> {
    const hash = this.#hashKey.encode(hashKey);
    return this.#table.partitionOf(hash, this.#sortKey.encodeOptional(sortKey), options);
  }

  // ---- to bytes ----

  #keys(hashKey: In<H>, sortKey: In<S>): [Uint8Array, Uint8Array] {
    return [this.#hashKey.encode(hashKey), this.#sortKey.encode(sortKey)];
  }

  #rowKeys(keys: readonly RowKey<H, S>[]): RowKey[] {
    return keys.map(({ hashKey, sortKey }) => ({
      hashKey: this.#hashKey.encode(hashKey),
      sortKey: this.#sortKey.encode(sortKey),
    }));
  }

  #newRows(rows: readonly NewRow<H, S, V>[]): NewRow[] {
    return rows.map(({ hashKey, sortKey, value, ttlSeconds }) => ({
      hashKey: this.#hashKey.encode(hashKey),
      sortKey: this.#sortKey.encode(sortKey),
      value: this.#value.encode(value),
      ttlSeconds,
    }));
  }

  #range(range: SortKeyRange<S>): SortKeyRange {
    const { startInclusive, stopInclusive, filter } = range;
    const start = this.#sortKey.encodeOptional(range.start);
    const stop = this.#sortKey.encodeOptional(range.stop);
    return { start, startInclusive, stop, stopInclusive, filter };
  }

  #multiGetOptions(
    options: Omit<MultiGetKeys<S>, 'keysOnly'> | Omit<MultiGetRange<S>, 'keysOnly'>,
  ): MultiGetKeys | MultiGetRange {
    const { maxCount, maxBytes, timeoutMs, signal } = options;
    const limits = { maxCount, maxBytes, timeoutMs, signal };
    if (options.sortKeys !== undefined) {
      const sortKeys = options.sortKeys.map((sortKey) => this.#sortKey.encode(sortKey));
      return { ...limits, sortKeys };
    }
    return { ...limits, ...this.#range(options), reverse: options.reverse };
  }

  #scanOptions(
    options: Omit<HashKeyScanOptions<H, S>, 'keysOnly'> | Omit<TableScanOptions, 'keysOnly'>,
  ): HashKeyScanOptions | TableScanOptions {
    const { batchSize, withExpiry, timeoutMs, signal } = options;
    const rest = { batchSize, withExpiry, timeoutMs, signal };
    if (options.hashKey !== undefined) {
      const ofHashKey = options as HashKeyScanOptions<H, S>;
      const hashKey = this.#hashKey.encode(ofHashKey.hashKey);
      return { ...rest, ...this.#range(ofHashKey), hashKey };
    }
    const { hashKeyFilter, sortKeyFilter, parallelism } = options as TableScanOptions;
    return { ...rest, hashKeyFilter, sortKeyFilter, parallelism };
  }

  #check(check: Check<S, V>): Check {
    const sortKey = this.#sortKey.encode(check.sortKey);
    switch (check.test) {
      case 'bytesLess':
      case 'bytesLessOrEqual':
      case 'bytesEqual':
      case 'bytesGreaterOrEqual':
      case 'bytesGreater':
        return { sortKey, test: check.test, operand: this.#value.encode(check.operand) };
      default:
        return { ...check, sortKey };
    }
  }

  #mutation(mutation: Mutation<S, V>): Mutation {
    if ('del' in mutation) return { del: this.#sortKey.encode(mutation.del) };
    return {
      set: this.#sortKey.encode(mutation.set),
      value: this.#value.encode(mutation.value),
      ttlSeconds: mutation.ttlSeconds,
    };
  }

  // ---- from bytes ----

  #toRows({ rows, complete }: MultiGetResult): MultiGetResult<S, V> {
    const typed = rows.map(({ sortKey, value }) => ({
      sortKey: this.#sortKey.decode(sortKey),
      value: this.#value.decode(value),
    }));
    return { rows: typed, complete };
  }

  #toOutcome(outcome: ReadOutcome): ReadOutcome<Out<V>> {
    if (outcome.status !== 'found') return outcome;
    try {
      return { status: 'found', value: this.#value.decode(outcome.value) };
    } catch (error) {
      if (!(error instanceof BadValueError)) throw error;
      return { status: 'error', error };
    }
  }

  #toCheckResult(operation: string, { applied, value }: CheckResult): CheckResult<V> {
    if (value === undefined || value === null) return { applied, value };
    try {
      return { applied, value: this.#value.decode(value) };
    } catch (error) {
      if (!applied || !(error instanceof BadValueError)) throw error;
      const message = `${operation} on "${this.name}": it was applied, but ${error.message}`;
      throw new InDoubtError(message, 'badValue', { ...error, operation }, { cause: error });
    }
  }

  readonly #toScanKey = (key: ScanKey): ScanKey<H, S> => ({
    hashKey: this.#hashKey.decode(key.hashKey),
    sortKey: this.#sortKey.decode(key.sortKey),
    expiresAtSeconds: key.expiresAtSeconds,
  });

  readonly #toScanRow = (row: ScanRow): ScanRow<H, S, V> => ({
    hashKey: this.#hashKey.decode(row.hashKey),
    sortKey: this.#sortKey.decode(row.sortKey),
    value: this.#value.decode(row.value),
    expiresAtSeconds: row.expiresAtSeconds,
  });
}

function map<From, To>(read: HedgedRead<From>, to: (value: From) => To): HedgedRead<To> {
  return { ...read, value: to(read.value) };
}
