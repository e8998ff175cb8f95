/**
 * The write side of one primary: translates each client write into effects (plain puts and deletes) at the end of the
 * open batch, and writes its answer once the mutation is committed.
 *
 * Rules:
 *  1. Effects are logged, not operations: secondaries and replay apply the batch byte for byte.
 *  2. A write that fails by its own rules (error 4) adds no record but is part of the mutation all the same, so that its
 *     answer carries a decree and is as durable and ordered as any other. That is the one rule for all of them, and the
 *     original's too.
 *  3. A write that cannot be decoded, or names a key that no client may have, adds nothing and gets a frame error.
 *  4. Within a batch the later record of a key wins, so order in the request is order in the batch.
 *
 * Operations whose effects depend on what is stored (incr, check_and_set, check_and_mutate) are a second family:
 * they implement `WriteFamily` too, over the engine and the effects that are in flight.
 */
import { assert } from '../base/assert.ts';
import { crc64, type U64 } from '../base/crc64.ts';
import { partitionHash } from '../model/hash.ts';
import { HASH_KEY_BYTES_MAX, isClientKey } from '../model/key.ts';
import { expireToStore, ttlNow } from '../model/ttl.ts';
import { timetagByte } from '../model/value.ts';
import {
  readMultiPutRequest,
  readMultiRemoveRequest,
  readUpdateRequest,
  writeMultiRemoveResponse,
  writeUpdateResponse,
} from '../wire/generated/rrdb.ts';
import type { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import { WireError } from '../wire/types.ts';
import type { Writer } from '../wire/writer.ts';
import type { PendingWrite } from './pending-write.ts';
import type { ReplicaContext, TableSettings } from './table-context.ts';
import type { ValueStamp, WriteBatchBuilder } from './write-batch.ts';

export const AppendOutcome = {
  /** The write is part of the batch (perhaps with no record); answer it when the batch is committed. */
  appended: 0,
  /** Frame error ERR_INVALID_PARAMETERS; the batch is as before. */
  invalidParameters: 1,
} as const;
export type AppendOutcome = (typeof AppendOutcome)[keyof typeof AppendOutcome];

/** What writes look at of a request's header: the sender's partition hash as two u32, both 0 = not given. */
export interface WriteHeader {
  readonly partitionHashHigh: number;
  readonly partitionHashLow: number;
}

/** A family of write operations. The replica layer knows no more of writes than this. */
export interface WriteFamily {
  /** False: frame error ERR_HANDLER_NOT_FOUND. */
  isSupported(code: RpcCode): boolean;
  /**
   * Decodes the argument that `reader` stands at and appends its effects to `builder`. `timestampUs` is the primary's
   * wall clock, strictly ascending within a partition. Fills `code`, `error` and `count` of `pending`.
   */
  append(
    code: RpcCode,
    reader: Reader,
    timestampUs: number,
    header: WriteHeader,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome;
  /** Writes the complete result struct. */
  writeReply(pending: PendingWrite, decree: number, writer: Writer): void;
}

export class WriteService implements WriteFamily {
  private readonly context: ReplicaContext;
  private settings: TableSettings;
  private readonly stamp: ValueStamp;
  private readonly keyHash: U64;

  /** `clusterId` (1 … 127) marks this cluster's writes in time tags. */
  constructor(context: ReplicaContext, settings: TableSettings, clusterId: number) {
    this.context = context;
    this.settings = settings;
    this.stamp = { expireSeconds: 0, timestampUs: 0, tag: timetagByte(clusterId, false) };
    this.keyHash = { high: 0, low: 0 };
  }

  applySettings(settings: TableSettings): void {
    this.settings = settings;
  }

  isSupported(code: RpcCode): boolean {
    return (
      code === RpcCode.put ||
      code === RpcCode.remove ||
      code === RpcCode.multiPut ||
      code === RpcCode.multiRemove
    );
  }

  append(
    code: RpcCode,
    reader: Reader,
    timestampUs: number,
    header: WriteHeader,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    assert(this.isSupported(code), 'only supported writes are appended');
    const { byteLength, recordCount } = builder;
    pending.code = code;
    pending.error = StorageStatus.ok;
    pending.count = 0;
    let outcome: AppendOutcome;
    try {
      outcome = this.appendDecoded(code, reader, timestampUs, header, builder, pending);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      outcome = AppendOutcome.invalidParameters;
    }
    if (outcome !== AppendOutcome.appended) builder.rollback(byteLength, recordCount);
    return outcome;
  }

  writeReply(pending: PendingWrite, decree: number, writer: Writer): void {
    assert(this.isSupported(pending.code), 'only appended writes are answered');
    const { error, count } = pending;
    const { appId, partitionIndex, server } = this.context;
    if (pending.code === RpcCode.multiRemove) {
      writeMultiRemoveResponse(writer, { error, count, appId, partitionIndex, decree, server });
    } else {
      writeUpdateResponse(writer, { error, appId, partitionIndex, decree, server });
    }
  }

  private appendDecoded(
    code: RpcCode,
    reader: Reader,
    timestampUs: number,
    header: WriteHeader,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    switch (code) {
      case RpcCode.put:
        return this.appendPut(reader, timestampUs, header, builder);
      case RpcCode.remove:
        return this.appendRemove(reader, header, builder);
      case RpcCode.multiPut:
        return this.appendMultiPut(reader, timestampUs, header, builder, pending);
      default:
        return this.appendMultiRemove(reader, header, builder, pending);
    }
  }

  private appendPut(
    reader: Reader,
    timestampUs: number,
    header: WriteHeader,
    builder: WriteBatchBuilder,
  ): AppendOutcome {
    const { key, value, expireTsSeconds } = readUpdateRequest(reader);
    if (!isClientKey(key) || !this.isOwnKey(key, header)) return AppendOutcome.invalidParameters;
    this.setStamp(expireTsSeconds, timestampUs);
    builder.putEncoded(key, value, this.stamp);
    return AppendOutcome.appended;
  }

  private appendRemove(
    reader: Reader,
    header: WriteHeader,
    builder: WriteBatchBuilder,
  ): AppendOutcome {
    const key = reader.readBlob();
    if (!isClientKey(key) || !this.isOwnKey(key, header)) return AppendOutcome.invalidParameters;
    builder.deleteEncoded(key);
    return AppendOutcome.appended;
  }

  private appendMultiPut(
    reader: Reader,
    timestampUs: number,
    header: WriteHeader,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    const { hashKey, kvs, expireTsSeconds } = readMultiPutRequest(reader);
    if (!this.isOwnHashKey(hashKey, header)) return AppendOutcome.invalidParameters;
    if (kvs.length === 0) {
      pending.error = StorageStatus.invalidArgument;
      return AppendOutcome.appended;
    }
    this.setStamp(expireTsSeconds, timestampUs);
    for (const { key, value } of kvs) builder.put(hashKey, key, value, this.stamp);
    return AppendOutcome.appended;
  }

  private appendMultiRemove(
    reader: Reader,
    header: WriteHeader,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    const { hashKey, sortKeys } = readMultiRemoveRequest(reader);
    if (!this.isOwnHashKey(hashKey, header)) return AppendOutcome.invalidParameters;
    if (sortKeys.length === 0) {
      pending.error = StorageStatus.invalidArgument;
      return AppendOutcome.appended;
    }
    for (const sortKey of sortKeys) builder.delete(hashKey, sortKey);
    pending.count = sortKeys.length;
    return AppendOutcome.appended;
  }

  /** Expiry is the same for all rows of one request. */
  private setStamp(requestedExpire: number, timestampUs: number): void {
    const now = ttlNow(timestampUs / 1000);
    this.stamp.expireSeconds = expireToStore(requestedExpire, this.settings.defaultTtlSeconds, now);
    this.stamp.timestampUs = timestampUs;
  }

  /** False when the sender's hash is not that of the key: it meant another key or another table. */
  private isOwnKey(key: Uint8Array, header: WriteHeader): boolean {
    if (isHashless(header)) return true;
    partitionHash(key, 0, key.length, this.keyHash);
    return isSame(this.keyHash, header);
  }

  private isOwnHashKey(hashKey: Uint8Array, header: WriteHeader): boolean {
    if (hashKey.length > HASH_KEY_BYTES_MAX) return false;
    if (isHashless(header)) return true;
    crc64(hashKey, 0, hashKey.length, this.keyHash);
    return isSame(this.keyHash, header);
  }
}

function isHashless(header: WriteHeader): boolean {
  return header.partitionHashHigh === 0 && header.partitionHashLow === 0;
}

function isSame(hash: U64, header: WriteHeader): boolean {
  return hash.high === header.partitionHashHigh && hash.low === header.partitionHashLow;
}
