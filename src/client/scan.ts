/**
 * Scans as their users see them: async iterators over rows, of one hash key, or of many partitions at a time.
 *
 * Back-pressure is the consumer's pace: every partition that is being read is at most one batch ahead.
 */
import { EMPTY_BYTES } from '../base/bytes.ts';
import { encodeKey, hashKeyEnd, RESERVED_START } from '../model/key.ts';
import type { GetScannerRequest } from '../wire/generated/rrdb.ts';
import type {
  CallOptions,
  HashKeyScanOptions,
  RowScan,
  ScanOptions,
  ScanRow,
  Table,
  TableScanOptions,
} from './api.ts';
import { toBytes, toFilterPattern, toFilterType, toLimit, toWholeHashKey } from './arguments.ts';
import { InvalidArgumentError } from './errors.ts';
import { PartitionScan } from './partition-scan.ts';
import type { PendingCalls } from './pending-calls.ts';
import type { TableRoute } from './table-route.ts';

export interface ScanContext {
  readonly calls: PendingCalls;
  readonly route: TableRoute;
  readonly table: Table;
}

const BATCH_ROWS = 500;
const PARALLELISM = 8;
/** Start of a whole partition: the empty hash key and the empty sort key. */
const TABLE_START: Uint8Array = new Uint8Array(2);

/** Where a `Rows` gets its batches from. */
interface BatchSource {
  nextBatch(): Promise<ScanRow[] | null>;
  close(): void;
}

export function openHashKeyScan(context: ScanContext, options: HashKeyScanOptions): RowScan {
  const hash = { high: 0, low: 0 };
  const hashKey = toWholeHashKey(options.hashKey, hash);
  const hasStop = options.stop !== undefined;
  const request = {
    ...toRequest(options),
    startKey: encodeKey(hashKey, toBytes(options.start ?? EMPTY_BYTES)),
    stopKey: hasStop ? encodeKey(hashKey, toBytes(options.stop)) : hashKeyEnd(hashKey),
    startInclusive: options.startInclusive ?? true,
    stopInclusive: hasStop && (options.stopInclusive ?? false),
    sortKeyFilterType: toFilterType(options.filter),
    sortKeyFilterPattern: toFilterPattern(options.filter),
    validatePartitionHash: false,
  };
  const target = { ...context, hash, partition: -1, options: callOptions(options) };
  return new Rows(new PartitionScan(target, request));
}

export function openTableScan(context: ScanContext, options: TableScanOptions): RowScan {
  const request = toTableRequest(options);
  const parallelism = Math.max(toLimit(options.parallelism, 'parallelism'), 1);
  const width = options.parallelism === undefined ? PARALLELISM : parallelism;
  const partitions = partitionsOf(context, options);
  return new Rows(new PartitionScans(context, partitions, request, options, width));
}

export async function openTableScans(
  context: ScanContext,
  count: number,
  options: TableScanOptions,
): Promise<RowScan[]> {
  if (toLimit(count, 'count') === 0) throw new InvalidArgumentError('count is at least 1');
  const request = toTableRequest(options);
  const partitions = await partitionsOf(context, options)();
  const groups: number[][] = [];
  for (let index = 0; index < Math.min(count, partitions.length); index++) groups.push([]);
  for (const [index, partition] of partitions.entries()) {
    groups[index % groups.length]!.push(partition);
  }
  return groups.map((group) => {
    const scans = new PartitionScans(context, async () => group, request, options, 1);
    return new Rows(scans);
  });
}

/** Of the partitions that exist; the rows of one that is being split off are still in its parent. */
function partitionsOf(context: ScanContext, options: CallOptions): () => Promise<number[]> {
  return async () => {
    const config = await context.table.config(callOptions(options));
    return config.partitions.filter(({ ballot }) => ballot >= 0).map(({ index }) => index);
  };
}

function toRequest(options: ScanOptions): GetScannerRequest {
  const batchSize = toLimit(options.batchSize, 'batchSize');
  return {
    startKey: EMPTY_BYTES,
    stopKey: EMPTY_BYTES,
    startInclusive: true,
    stopInclusive: false,
    batchSize: batchSize === 0 ? BATCH_ROWS : batchSize,
    noValue: options.keysOnly ?? false,
    hashKeyFilterType: toFilterType(undefined),
    hashKeyFilterPattern: EMPTY_BYTES,
    sortKeyFilterType: toFilterType(undefined),
    sortKeyFilterPattern: EMPTY_BYTES,
    validatePartitionHash: true,
    returnExpireTs: options.withExpiry ?? false,
    fullScan: false,
    onlyReturnCount: false,
  };
}

function toTableRequest(options: TableScanOptions): GetScannerRequest {
  return {
    ...toRequest(options),
    startKey: TABLE_START,
    stopKey: RESERVED_START,
    hashKeyFilterType: toFilterType(options.hashKeyFilter),
    hashKeyFilterPattern: toFilterPattern(options.hashKeyFilter),
    sortKeyFilterType: toFilterType(options.sortKeyFilter),
    sortKeyFilterPattern: toFilterPattern(options.sortKeyFilter),
    fullScan: true,
  };
}

function callOptions(options: CallOptions): CallOptions {
  return { timeoutMs: options.timeoutMs, signal: options.signal };
}

/** Several partitions, up to `width` of them at a time; batches come as they arrive. */
class PartitionScans implements BatchSource {
  readonly #context: ScanContext;
  readonly #request: GetScannerRequest;
  readonly #options: CallOptions;
  readonly #width: number;
  readonly #list: () => Promise<readonly number[]>;
  #partitions: number[] | null = null;
  readonly #active: Map<PartitionScan, Promise<Arrival>> = new Map();

  constructor(
    context: ScanContext,
    list: () => Promise<readonly number[]>,
    request: GetScannerRequest,
    options: CallOptions,
    width: number,
  ) {
    this.#context = context;
    this.#list = list;
    this.#request = request;
    this.#options = callOptions(options);
    this.#width = width;
  }

  async nextBatch(): Promise<ScanRow[] | null> {
    this.#partitions ??= [...(await this.#list())].reverse();
    for (;;) {
      while (this.#active.size < this.#width && this.#partitions.length > 0) {
        this.#fetch(this.#open(this.#partitions.pop()!));
      }
      if (this.#active.size === 0) return null;
      const { scan, batch } = await Promise.race(this.#active.values());
      if (batch === null) {
        this.#active.delete(scan);
        continue;
      }
      this.#fetch(scan);
      return batch;
    }
  }

  close(): void {
    this.#partitions = [];
    for (const scan of this.#active.keys()) scan.close();
    this.#active.clear();
  }

  #open(partition: number): PartitionScan {
    // The server checks the hash of the header against the partition: its index has the right bits.
    const hash = { high: 0, low: partition };
    return new PartitionScan(
      { ...this.#context, hash, partition, options: this.#options },
      this.#request,
    );
  }

  #fetch(scan: PartitionScan): void {
    const arrival = scan.nextBatch().then((batch) => ({ scan, batch }));
    // It is raced later, maybe never: a rejection must not count as unhandled until then.
    arrival.catch(() => undefined);
    this.#active.set(scan, arrival);
  }
}

interface Arrival {
  readonly scan: PartitionScan;
  readonly batch: ScanRow[] | null;
}

class Rows implements RowScan {
  readonly #source: BatchSource;
  #batch: ScanRow[] = [];
  #index = 0;
  #ended = false;

  constructor(source: BatchSource) {
    this.#source = source;
  }

  async next(): Promise<IteratorResult<ScanRow, undefined>> {
    if (this.#index >= this.#batch.length) {
      const batch = await this.nextBatch();
      if (batch === null) return { done: true, value: undefined };
      this.#batch = batch;
      this.#index = 0;
    }
    return { done: false, value: this.#batch[this.#index++]! };
  }

  async nextBatch(): Promise<ScanRow[] | null> {
    if (this.#index < this.#batch.length) {
      const rest = this.#batch.slice(this.#index);
      this.#index = this.#batch.length;
      return rest;
    }
    if (this.#ended) return null;
    try {
      const batch = await this.#source.nextBatch();
      if (batch === null) this.#ended = true;
      return batch;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<ScanRow, undefined>> {
    this.#end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#batch = [];
    this.#index = 0;
    this.#source.close();
  }
}
