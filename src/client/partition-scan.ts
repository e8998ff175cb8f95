/**
 * A scan of one partition, batch by batch.
 *
 * The server keeps a context between batches: it names the next one in every answer and forgets it when it moves,
 * restarts or waits too long. A scan whose context is lost goes on with a new one behind the last row that it handed
 * out, so rows come at most once and none of those is left out that were there all the time. A context is a
 * snapshot: a restarted scan may see newer rows than its first part.
 */
import { assert } from '../base/assert.ts';
import { copyBytes, EMPTY_BYTES } from '../base/bytes.ts';
import type { U64 } from '../base/crc64.ts';
import { hashKeyLengthAt, isClientKey, KEY_HEADER_BYTES } from '../model/key.ts';
import { TTL_EPOCH_SECONDS } from '../model/ttl.ts';
import { ClientCall } from '../rpc/client-call.ts';
import type { GetScannerRequest, KeyValue, ScanResponse } from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import { WireError } from '../wire/types.ts';
import type { Writer } from '../wire/writer.ts';
import type { CallOptions, ScanRow } from './api.ts';
import { BadReplyError, RejectedError } from './errors.ts';
import type { Operation } from './operation.ts';
import { statusError } from './operation-error.ts';
import { GET_SCANNER, type OperationKind, SCAN } from './operation-kinds.ts';
import type { PendingCalls } from './pending-calls.ts';
import type { TableRoute } from './table-route.ts';

/** Finished; every other number is a context, negative ones too. */
const CONTEXT_DONE = -1n;
/** What the original answers for an empty range. */
const CONTEXT_NONE = 0n;
/** Batches in a row that a server ends early without a row to go on from. */
const STALLS_MAX = 3;

export interface PartitionScanTarget {
  readonly calls: PendingCalls;
  readonly route: TableRoute;
  /** Goes into the request header. */
  readonly hash: U64;
  /** -1: by the hash. */
  readonly partition: number;
  readonly options: CallOptions;
}

interface Batch {
  readonly status: number;
  readonly contextId: bigint;
  readonly rows: ScanRow[];
  /** Encoded key of the last row. */
  readonly lastKey: Uint8Array;
  /** Where the context lives. */
  readonly partition: number;
}

export class PartitionScan {
  readonly #target: PartitionScanTarget;
  #request: GetScannerRequest;
  #contextId = CONTEXT_DONE;
  #partition = 0;
  #finished = false;
  #stalls = 0;

  constructor(target: PartitionScanTarget, request: GetScannerRequest) {
    this.#target = target;
    this.#request = request;
  }

  /** At least one row, or null at the end. One call at a time. */
  async nextBatch(): Promise<ScanRow[] | null> {
    while (!this.#finished) {
      const isNew = this.#contextId === CONTEXT_DONE;
      const batch = await (isNew
        ? this.#fetch(GET_SCANNER, this.#request)
        : this.#fetch(SCAN, { contextId: this.#contextId }));
      this.#onBatch(batch, isNew);
      if (batch.rows.length > 0) return batch.rows;
    }
    return null;
  }

  /** Frees the server's context. Idempotent; fine while a batch is under way. */
  close(): void {
    this.#finished = true;
    if (this.#contextId === CONTEXT_DONE) return;
    const call = new ClearScanner(this.#contextId, this.#target.hash);
    this.#contextId = CONTEXT_DONE;
    this.#target.route.post(call, this.#partition);
  }

  #onBatch(batch: Batch, isNew: boolean): void {
    const isEmptyRange = isNew && batch.contextId === CONTEXT_NONE && batch.rows.length === 0;
    const isLive =
      batch.status === StorageStatus.ok && batch.contextId !== CONTEXT_DONE && !isEmptyRange;
    this.#contextId = isLive ? batch.contextId : CONTEXT_DONE;
    this.#partition = batch.partition;
    if (this.#finished) {
      // Closed while the batch was under way.
      this.close();
      return;
    }
    if (batch.rows.length > 0) {
      this.#stalls = 0;
      this.#request = { ...this.#request, startKey: batch.lastKey, startInclusive: false };
    }
    if (batch.status === StorageStatus.ok) {
      this.#finished = !isLive;
      return;
    }
    // The context is lost, or the server ran out of time and dropped it.
    if (batch.rows.length > 0) return;
    this.#stalls++;
    if (this.#stalls <= STALLS_MAX) return;
    throw new RejectedError(`a scan made no progress in ${STALLS_MAX} attempts`);
  }

  #fetch<Request>(kind: OperationKind<Request, ScanResponse>, request: Request): Promise<Batch> {
    const { calls, route, hash, partition, options } = this.#target;
    const { noValue } = this.#request;
    const convert = (result: ScanResponse, operation: Operation): Batch =>
      toBatch(result, operation, noValue);
    return calls.run(route, kind, hash, partition, options, () => request, convert);
  }
}

function toBatch(result: ScanResponse, operation: Operation, noValue: boolean): Batch {
  const { error, contextId, kvs } = result;
  const isLost = error === StorageStatus.notFound && operation.rpc === RpcCode.scan;
  if (error !== StorageStatus.ok && error !== StorageStatus.incomplete && !isLost) {
    throw statusError(operation, error, false);
  }
  const rows: ScanRow[] = [];
  for (const kv of kvs) {
    if (!isClientKey(kv.key)) {
      throw new BadReplyError('scan: a row without a valid key', operation.details());
    }
    rows.push(toRow(kv, noValue));
  }
  const last = kvs.length === 0 ? EMPTY_BYTES : copyBytes(kvs[kvs.length - 1]!.key);
  return {
    status: error,
    contextId,
    rows,
    lastKey: last,
    partition: operation.partitionIndex,
  };
}

function toRow(kv: KeyValue, noValue: boolean): ScanRow {
  const key = copyBytes(kv.key);
  const sortKeyAt = KEY_HEADER_BYTES + hashKeyLengthAt(key, 0);
  return {
    hashKey: key.subarray(KEY_HEADER_BYTES, sortKeyAt),
    sortKey: key.subarray(sortKeyAt),
    value: noValue ? EMPTY_BYTES : copyBytes(kv.value),
    expiresAtSeconds: toExpiresAt(kv.expireTsSeconds),
  };
}

function toExpiresAt(expireTsSeconds: number | undefined): number | null {
  if (expireTsSeconds === undefined) return null;
  if (expireTsSeconds === 0) return Number.POSITIVE_INFINITY;
  return (expireTsSeconds >>> 0) + TTL_EPOCH_SECONDS;
}

/** Nobody waits for it and no answer comes. */
class ClearScanner extends ClientCall {
  readonly #contextId: bigint;

  constructor(contextId: bigint, hash: U64) {
    super();
    assert(contextId !== CONTEXT_DONE, 'only a live context is cleared');
    this.#contextId = contextId;
    this.rpc = RpcCode.clearScanner;
    this.hashHigh = hash.high;
    this.hashLow = hash.low;
  }

  override timeLeftMs(): number {
    return 1_000;
  }

  override writeArgument(writer: Writer): void {
    writer.writeI64Big(this.#contextId);
  }

  override readReply(): void {
    throw new WireError('badFrame', 'clearing a scanner has no answer');
  }

  override onReply(): void {}

  override onLost(): void {}

  override onWake(): void {}
}
