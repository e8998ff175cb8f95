/**
 * The write side of one primary: translates each client write into effects (plain puts and deletes)
 * at the end of the open batch, and writes its answer once the mutation is committed.
 *
 * Rules:
 *  1. Effects are logged, not operations: secondaries and replay apply the batch byte for byte.
 *  2. A write that fails by its own rules (error 4) adds no record but is part of the mutation all
 *     the same, so that its answer carries a decree and is as durable and ordered as any other.
 *     That is the one rule for all of them, and the original's too.
 *  3. A write that cannot be decoded, or names a key that no client may have, adds nothing and gets
 *     a frame error.
 *  4. Within a batch the later record of a key wins, so order in the request is order in the batch.
 *
 * Operations whose effects depend on what is stored (incr, check_and_set, check_and_mutate) are
 * evaluated by `AtomicWrites`, over the engine and the effects that are in flight.
 */
import { assert } from '../base/assert.ts';
import { isClientKey } from '../model/key.ts';
import type { TableSettings } from '../model/table-settings.ts';
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
import { AtomicWrites, isAtomicWrite } from './atomic-writes.ts';
import type { LatestValues } from './latest-value.ts';
import { OwnKeys, type WriteHeader } from './own-keys.ts';
import type { PendingWrite } from './pending-write.ts';
import type { ReplicaContext } from './table-context.ts';
import type { ValueStamp, WriteBatchBuilder } from './write-batch.ts';
import { AppendOutcome } from './write-outcome.ts';

/** A family of write operations. The replica layer knows no more of writes than this. */
export interface WriteFamily {
  /** False: frame error ERR_HANDLER_NOT_FOUND. */
  isSupported(code: RpcCode): boolean;
  /**
   * Decodes the argument that `reader` stands at and appends its effects to `builder`.
   * `timestampUs` is the primary's wall clock, strictly ascending within a partition. Fills `code`,
   * `error` and `count` of `pending`.
   */
  append(
    code: RpcCode,
    reader: Reader,
    timestampUs: number,
    header: WriteHeader,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome;
  /**
   * After `blocked`: calls back when `append` may be tried again; false if the engine cannot be
   * read.
   */
  fetch(done: (ok: boolean) => void): void;
  /** Writes the complete result struct. */
  writeReply(pending: PendingWrite, decree: number, writer: Writer): void;
}

export class WriteService implements WriteFamily {
  private readonly context: ReplicaContext;
  private settings: TableSettings;
  private readonly stamp: ValueStamp;
  private readonly own = new OwnKeys();
  private readonly atomic: AtomicWrites;

  /** `clusterId` (1 … 127) marks this cluster's writes in time tags. */
  constructor(
    context: ReplicaContext,
    settings: TableSettings,
    clusterId: number,
    latest: LatestValues,
  ) {
    this.context = context;
    this.settings = settings;
    this.stamp = { expireSeconds: 0, timestampUs: 0, tag: timetagByte(clusterId, false) };
    this.atomic = new AtomicWrites(latest, this.stamp.tag);
  }

  applySettings(settings: TableSettings): void {
    this.settings = settings;
  }

  isSupported(code: RpcCode): boolean {
    return (
      code === RpcCode.put ||
      code === RpcCode.remove ||
      code === RpcCode.multiPut ||
      code === RpcCode.multiRemove ||
      isAtomicWrite(code)
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
    pending.reset();
    pending.code = code;
    this.own.use(header);
    let outcome: AppendOutcome;
    try {
      outcome = this.appendDecoded(code, reader, timestampUs, builder, pending);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      outcome = AppendOutcome.invalidParameters;
    }
    if (outcome !== AppendOutcome.appended) builder.rollback(byteLength, recordCount);
    return outcome;
  }

  fetch(done: (ok: boolean) => void): void {
    this.atomic.fetch(done);
  }

  writeReply(pending: PendingWrite, decree: number, writer: Writer): void {
    assert(this.isSupported(pending.code), 'only appended writes are answered');
    const { error, count } = pending;
    const { appId, partitionIndex, server } = this.context;
    if (isAtomicWrite(pending.code)) {
      this.atomic.writeReply(pending, this.context, decree, writer);
    } else if (pending.code === RpcCode.multiRemove) {
      writeMultiRemoveResponse(writer, { error, count, appId, partitionIndex, decree, server });
    } else {
      writeUpdateResponse(writer, { error, appId, partitionIndex, decree, server });
    }
  }

  private appendDecoded(
    code: RpcCode,
    reader: Reader,
    timestampUs: number,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    switch (code) {
      case RpcCode.put:
        return this.appendPut(reader, timestampUs, builder, pending);
      case RpcCode.remove:
        return this.appendRemove(reader, builder, pending);
      case RpcCode.multiPut:
        return this.appendMultiPut(reader, timestampUs, builder, pending);
      case RpcCode.multiRemove:
        return this.appendMultiRemove(reader, builder, pending);
      default:
        return this.atomic.append(
          code,
          reader,
          timestampUs,
          this.own,
          this.settings.defaultTtlSeconds,
          builder,
          pending,
        );
    }
  }

  private appendPut(
    reader: Reader,
    timestampUs: number,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    const { key, value, expireTsSeconds } = readUpdateRequest(reader);
    if (!isClientKey(key) || !this.own.ownsKey(key)) return AppendOutcome.invalidParameters;
    this.setStamp(expireTsSeconds, timestampUs);
    builder.putEncoded(key, value, this.stamp);
    pending.bytes = key.length + value.length;
    return AppendOutcome.appended;
  }

  private appendRemove(
    reader: Reader,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    const key = reader.readBlob();
    if (!isClientKey(key) || !this.own.ownsKey(key)) return AppendOutcome.invalidParameters;
    builder.deleteEncoded(key);
    pending.bytes = key.length;
    return AppendOutcome.appended;
  }

  private appendMultiPut(
    reader: Reader,
    timestampUs: number,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    const { hashKey, kvs, expireTsSeconds } = readMultiPutRequest(reader);
    if (!this.own.ownsHashKey(hashKey)) return AppendOutcome.invalidParameters;
    if (kvs.length === 0) {
      pending.error = StorageStatus.invalidArgument;
      return AppendOutcome.appended;
    }
    this.setStamp(expireTsSeconds, timestampUs);
    for (const { key, value } of kvs) {
      builder.put(hashKey, key, value, this.stamp);
      pending.bytes += hashKey.length + key.length + value.length;
    }
    return AppendOutcome.appended;
  }

  private appendMultiRemove(
    reader: Reader,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    const { hashKey, sortKeys } = readMultiRemoveRequest(reader);
    if (!this.own.ownsHashKey(hashKey)) return AppendOutcome.invalidParameters;
    if (sortKeys.length === 0) {
      pending.error = StorageStatus.invalidArgument;
      return AppendOutcome.appended;
    }
    for (const sortKey of sortKeys) {
      builder.delete(hashKey, sortKey);
      pending.bytes += hashKey.length + sortKey.length;
    }
    pending.count = sortKeys.length;
    return AppendOutcome.appended;
  }

  /** Expiry is the same for all rows of one request. */
  private setStamp(requestedExpire: number, timestampUs: number): void {
    const now = ttlNow(timestampUs / 1000);
    this.stamp.expireSeconds = expireToStore(requestedExpire, this.settings.defaultTtlSeconds, now);
    this.stamp.timestampUs = timestampUs;
  }
}
