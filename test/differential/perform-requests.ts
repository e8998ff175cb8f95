/**
 * Sends requests as they are, past what the client's tables allow, through the same routing, sessions and retries: for
 * what only other clients can ask.
 */
import type { ClusterClient } from '../../src/client/client.ts';
import * as kinds from '../../src/client/operation-kinds.ts';
import { PendingCalls } from '../../src/client/pending-calls.ts';
import * as rrdb from '../../src/wire/generated/rrdb.ts';
import {
  crc64,
  type Key,
  type MultiGet,
  type ReadRequest,
  type Reply,
  type WriteRequest,
} from './rules.ts';
import { encode, type ScannedRow, type ScanRequest } from './scan-rules.ts';

/** The partition. */
const BY_HASH = -1;
const EPOCH_SECONDS = 1_451_606_400;
const CONTEXT_DONE = -1n;
const CONTEXT_NONE = 0n;
const NOT_FOUND = 1;

export type ScanReply =
  | { readonly status: number }
  | { readonly count: number }
  | { readonly scanned: readonly ScannedRow[] };

type Kind<Request, Result> = kinds.OperationKind<Request, Result>;
interface Status {
  readonly error: number;
}
type Conditional = WriteRequest & { readonly rpc: 'checkAndSet' | 'checkAndMutate' };

export class Requests {
  readonly #client: ClusterClient;
  readonly #table: string;
  readonly #calls: PendingCalls;

  constructor(client: ClusterClient, table: string) {
    this.#client = client;
    this.#table = table;
    this.#calls = new PendingCalls(client.engine);
  }

  async write(hashKey: string, request: WriteRequest): Promise<Reply> {
    const send = <Request, Result>(
      kind: Kind<Request, Result>,
      body: Request,
      toReply: (result: Result) => Reply,
    ): Promise<Reply> => this.#send(kind, hashKey, body, toReply);
    const ofHashKey = toBytes(hashKey);
    switch (request.rpc) {
      case 'put': {
        const { sortKey, value, expiry } = request;
        const body = {
          ...rrdb.makeUpdateRequest(),
          key: toKey({ hashKey, sortKey }),
          value: toBytes(value),
          expireTsSeconds: expiry,
        };
        return await send(kinds.PUT, body, toStatus);
      }
      case 'remove':
        return await send(kinds.REMOVE, toKey({ hashKey, sortKey: request.sortKey }), toStatus);
      case 'multiPut': {
        const kvs = request.entries.map(([key, value]) => ({
          key: toBytes(key),
          value: toBytes(value),
          expireTsSeconds: undefined,
        }));
        const body = { hashKey: ofHashKey, kvs, expireTsSeconds: request.expiry };
        return await send(kinds.MULTI_PUT, body, toStatus);
      }
      case 'multiRemove': {
        const sortKeys = request.sortKeys.map(toBytes);
        const body = { hashKey: ofHashKey, sortKeys, maxCount: 0n };
        return await send(kinds.MULTI_REMOVE, body, ({ error, count }) => ({ error, count }));
      }
      case 'incr': {
        const { sortKey, increment, expiry } = request;
        const key = toKey({ hashKey, sortKey });
        const body = { key, increment: BigInt(increment), expireTsSeconds: expiry };
        return await send(kinds.INCR, body, ({ error, newValue }) => ({
          error,
          newValue: `${newValue}`,
        }));
      }
      default:
        return await this.#writeIf(hashKey, request);
    }
  }

  async read(hashKey: string, request: ReadRequest): Promise<Reply> {
    switch (request.rpc) {
      case 'get': {
        const key = toKey({ hashKey, sortKey: request.sortKey });
        return await this.#send(kinds.GET, hashKey, key, ({ error, value }) => ({
          error,
          value: toText(value),
        }));
      }
      case 'ttl': {
        const key = toKey({ hashKey, sortKey: request.sortKey });
        return await this.#send(kinds.TTL, hashKey, key, ({ error, ttlSeconds }) => ({
          error,
          ttlSeconds,
        }));
      }
      case 'sortkeyCount':
        return await this.#send(
          kinds.SORTKEY_COUNT,
          hashKey,
          toBytes(hashKey),
          ({ error, count }) => ({ error, count }),
        );
      case 'multiGet':
        return await this.#send(
          kinds.MULTI_GET,
          hashKey,
          toMultiGet(hashKey, request),
          ({ error, kvs }) => ({
            error,
            kvs: kvs.map(({ key, value }) => [toText(key), toText(value)] as const),
          }),
        );
    }
  }

  /** To its end, batch by batch; null when its context was lost. */
  async scan(partition: number, request: ScanRequest): Promise<ScanReply | null> {
    const scanned: ScannedRow[] = [];
    let count = 0;
    let batch = await this.#batch(kinds.GET_SCANNER, partition, toGetScanner(request));
    for (;;) {
      if (batch.error !== 0) return { status: batch.error };
      scanned.push(...batch.rows);
      count += batch.count;
      const { contextId } = batch;
      if (contextId === CONTEXT_DONE || contextId === CONTEXT_NONE) break;
      batch = await this.#batch(kinds.SCAN, partition, { contextId });
      if (batch.error === NOT_FOUND) return null;
    }
    return request.onlyCount ? { count } : { scanned };
  }

  #batch<Request>(
    kind: Kind<Request, rrdb.ScanResponse>,
    partition: number,
    request: Request,
  ): Promise<Batch> {
    return this.#calls.run(
      this.#client.engine.table(this.#table),
      kind,
      { high: 0, low: partition },
      partition,
      undefined,
      () => request,
      ({ error, contextId, kvs, kvCount = 0 }) => ({
        error,
        contextId,
        rows: kvs.map(toScannedRow),
        count: kvCount,
      }),
    );
  }

  #writeIf(hashKey: string, request: Conditional): Promise<Reply> {
    const { check } = request;
    const body = {
      hashKey: toBytes(hashKey),
      checkSortKey: toBytes(check.sortKey),
      checkType: check.type,
      checkOperand: toBytes(check.operand),
      returnCheckValue: check.returnsValue,
    };
    if (request.rpc === 'checkAndMutate') {
      const mutateList = request.mutations.map(({ operation, sortKey, value, expiry }) => ({
        operation: operation as rrdb.Mutate['operation'],
        sortKey: toBytes(sortKey),
        value: toBytes(value),
        setExpireTsSeconds: expiry,
      }));
      return this.#send(kinds.CHECK_AND_MUTATE, hashKey, { ...body, mutateList }, toCheckReply);
    }
    const { setSortKey, value, expiry } = request;
    const set = {
      setDiffSortKey: setSortKey !== null,
      setSortKey: toBytes(setSortKey ?? ''),
      setValue: toBytes(value),
      setExpireTsSeconds: expiry,
    };
    return this.#send(kinds.CHECK_AND_SET, hashKey, { ...body, ...set }, toCheckReply);
  }

  #send<Request, Result>(
    kind: Kind<Request, Result>,
    hashKey: string,
    request: Request,
    toReply: (result: Result) => Reply,
  ): Promise<Reply> {
    const crc = crc64(hashKey);
    const hash = { high: Number(crc >> 32n), low: Number(crc & 0xffff_ffffn) };
    const route = this.#client.engine.table(this.#table);
    return this.#calls.run(route, kind, hash, BY_HASH, undefined, () => request, toReply);
  }
}

interface Batch {
  readonly error: number;
  readonly contextId: bigint;
  readonly rows: readonly ScannedRow[];
  readonly count: number;
}

function toStatus({ error }: Status): Reply {
  return { error };
}

function toCheckReply(result: rrdb.CheckAndSetResponse): Reply {
  const { error, checkValueReturned, checkValueExist, checkValue } = result;
  if (!checkValueReturned) return { error, checkValue: undefined };
  return { error, checkValue: checkValueExist ? toText(checkValue) : null };
}

function toMultiGet(hashKey: string, request: MultiGet): rrdb.MultiGetRequest {
  return {
    hashKey: toBytes(hashKey),
    sortKeys: request.sortKeys.map(toBytes),
    maxKvCount: request.maxKvCount,
    maxKvSize: request.maxKvSize,
    noValue: request.noValue,
    startSortkey: toBytes(request.start),
    stopSortkey: toBytes(request.stop),
    startInclusive: request.startInclusive,
    stopInclusive: request.stopInclusive,
    sortKeyFilterType: request.filterType,
    sortKeyFilterPattern: toBytes(request.pattern),
    reverse: request.reverse,
  };
}

function toGetScanner(request: ScanRequest): rrdb.GetScannerRequest {
  const { stop } = request;
  return {
    startKey: toKey(request.start),
    stopKey: stop === 'none' ? toBytes('') : stop === 'end' ? toBytes('\xff\xff') : toKey(stop),
    startInclusive: request.startInclusive,
    stopInclusive: request.stopInclusive,
    batchSize: request.batchSize,
    noValue: request.noValue,
    hashKeyFilterType: request.hashKeyFilterType,
    hashKeyFilterPattern: toBytes(request.hashKeyPattern),
    sortKeyFilterType: request.sortKeyFilterType,
    sortKeyFilterPattern: toBytes(request.sortKeyPattern),
    validatePartitionHash: true,
    returnExpireTs: request.returnExpiry,
    fullScan: request.fullScan,
    onlyReturnCount: request.onlyCount,
  };
}

function toScannedRow({ key, value, expireTsSeconds }: rrdb.KeyValue): ScannedRow {
  const text = toText(key);
  const sortKeyAt = 2 + text.charCodeAt(0) * 256 + text.charCodeAt(1);
  return {
    hashKey: text.slice(2, sortKeyAt),
    sortKey: text.slice(sortKeyAt),
    value: toText(value),
    expiresAt: toExpiresAt(expireTsSeconds),
  };
}

function toExpiresAt(expireTsSeconds: number | undefined): ScannedRow['expiresAt'] {
  if (expireTsSeconds === undefined) return null;
  return expireTsSeconds === 0 ? 'never' : (expireTsSeconds >>> 0) + EPOCH_SECONDS;
}

function toKey(key: Key): Uint8Array {
  return toBytes(encode(key));
}

export function toBytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

export function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
