/**
 * incr, check_and_set and check_and_mutate: evaluated once, on the primary, into plain puts and
 * deletes.
 *
 * They see every write before them (`LatestValues`), committed or not. Should an earlier one in the
 * pipeline be given up, all that follow it are too, because mutations commit in order: nothing is
 * ever built on what did not happen.
 */
import { assert } from '../base/assert.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { encodeKey, isClientKey } from '../model/key.ts';
import { expireToStore, isExpired, ttlNow } from '../model/ttl.ts';
import { expireOf, VALUE_HEADER_BYTES } from '../model/value.ts';
import {
  type CheckAndMutateRequest,
  type CheckAndSetRequest,
  readCheckAndMutateRequest,
  readCheckAndSetRequest,
  readIncrRequest,
  writeCheckAndSetResponse,
  writeIncrResponse,
} from '../wire/generated/rrdb.ts';
import type { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { MutateOperation, StorageStatus } from '../wire/schema/rrdb.ts';
import type { Writer } from '../wire/writer.ts';
import { evaluateCheck, isCheckType } from './cas-check.ts';
import { formatInteger, isInt64, parseInteger } from './integer-text.ts';
import type { LatestValues } from './latest-value.ts';
import type { OwnKeys } from './own-keys.ts';
import type { PendingWrite } from './pending-write.ts';
import type { ReplicaContext } from './table-context.ts';
import type { ValueStamp, WriteBatchBuilder } from './write-batch.ts';
import { AppendOutcome } from './write-outcome.ts';

export function isAtomicWrite(code: RpcCode): boolean {
  return code >= RpcCode.incr && code <= RpcCode.checkAndMutate;
}

interface Current {
  exists: boolean;
  expireSeconds: number;
  bytes: Uint8Array;
  start: number;
  end: number;
}

export class AtomicWrites {
  private readonly latest: LatestValues;
  private readonly stamp: ValueStamp;
  private readonly current: Current = {
    exists: false,
    expireSeconds: 0,
    bytes: EMPTY_BYTES,
    start: 0,
    end: 0,
  };

  constructor(latest: LatestValues, tag: number) {
    this.latest = latest;
    this.stamp = { expireSeconds: 0, timestampUs: 0, tag };
  }

  /** May throw `WireError`. */
  append(
    code: RpcCode,
    reader: Reader,
    timestampUs: number,
    own: OwnKeys,
    defaultTtlSeconds: number,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    this.stamp.timestampUs = timestampUs;
    switch (code) {
      case RpcCode.incr:
        return this.incr(reader, own, defaultTtlSeconds, builder, pending);
      case RpcCode.checkAndSet:
        return this.checkAndSet(reader, own, defaultTtlSeconds, builder, pending);
      default:
        assert(code === RpcCode.checkAndMutate, 'an atomic write');
        return this.checkAndMutate(reader, own, defaultTtlSeconds, builder, pending);
    }
  }

  /**
   * After `blocked`: calls back when `append` may be tried again; false if the engine cannot be
   * read.
   */
  fetch(done: (ok: boolean) => void): void {
    this.latest.fetch(done);
  }

  writeReply(pending: PendingWrite, context: ReplicaContext, decree: number, writer: Writer): void {
    const { error, newValue, checkValueReturned, checkValueExist, checkValue } = pending;
    const { appId, partitionIndex, server } = context;
    if (pending.code === RpcCode.incr) {
      writeIncrResponse(writer, { error, newValue, appId, partitionIndex, decree, server });
      return;
    }
    // The response of check_and_mutate has the same layout.
    writeCheckAndSetResponse(writer, {
      error,
      checkValueReturned,
      checkValueExist,
      checkValue,
      appId,
      partitionIndex,
      decree,
      server,
    });
  }

  private incr(
    reader: Reader,
    own: OwnKeys,
    defaultTtlSeconds: number,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    const { key, increment, expireTsSeconds } = readIncrRequest(reader);
    if (!isClientKey(key) || !own.ownsKey(key)) return AppendOutcome.invalidParameters;
    const outcome = this.read(key, builder);
    if (outcome !== AppendOutcome.appended) return outcome;
    const { exists, bytes, start, end, expireSeconds } = this.current;
    const isCounter = exists && end > start;
    const before = isCounter ? parseInteger(bytes, start, end) : 0n;
    if (before === null) {
      pending.error = StorageStatus.invalidArgument;
      return AppendOutcome.appended;
    }
    const after = before + increment;
    if (!isInt64(after)) {
      pending.error = StorageStatus.invalidArgument;
      pending.newValue = before;
      return AppendOutcome.appended;
    }
    const kept = exists && expireTsSeconds === 0 ? expireSeconds : 0;
    const requested = Math.max(expireTsSeconds, 0);
    const now = ttlNow(this.stamp.timestampUs / 1000);
    this.stamp.expireSeconds = kept !== 0 ? kept : expireToStore(requested, defaultTtlSeconds, now);
    const value = formatInteger(after);
    builder.putEncoded(key, value, this.stamp);
    pending.bytes = key.length + value.length;
    pending.newValue = after;
    return AppendOutcome.appended;
  }

  private checkAndSet(
    reader: Reader,
    own: OwnKeys,
    defaultTtlSeconds: number,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    const request = readCheckAndSetRequest(reader);
    const outcome = this.check(request, own, builder, pending);
    if (outcome !== AppendOutcome.appended || pending.error !== StorageStatus.ok) return outcome;
    const sortKey = request.setDiffSortKey ? request.setSortKey : request.checkSortKey;
    this.setExpire(request.setExpireTsSeconds, defaultTtlSeconds);
    builder.put(request.hashKey, sortKey, request.setValue, this.stamp);
    pending.bytes = request.hashKey.length + sortKey.length + request.setValue.length;
    return AppendOutcome.appended;
  }

  private checkAndMutate(
    reader: Reader,
    own: OwnKeys,
    defaultTtlSeconds: number,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    const request = readCheckAndMutateRequest(reader);
    if (request.mutateList.length === 0 || !request.mutateList.every(isMutate)) {
      pending.error = StorageStatus.invalidArgument;
      return AppendOutcome.appended;
    }
    const outcome = this.check(request, own, builder, pending);
    if (outcome !== AppendOutcome.appended || pending.error !== StorageStatus.ok) return outcome;
    for (const mutate of request.mutateList) {
      pending.bytes += request.hashKey.length + mutate.sortKey.length;
      if (mutate.operation === MutateOperation.delete) {
        builder.delete(request.hashKey, mutate.sortKey);
      } else {
        this.setExpire(mutate.setExpireTsSeconds, defaultTtlSeconds);
        builder.put(request.hashKey, mutate.sortKey, mutate.value, this.stamp);
        pending.bytes += mutate.value.length;
      }
    }
    return AppendOutcome.appended;
  }

  /** `appended` with `pending.error` ok: the condition holds. */
  private check(
    request: CheckAndSetRequest | CheckAndMutateRequest,
    own: OwnKeys,
    builder: WriteBatchBuilder,
    pending: PendingWrite,
  ): AppendOutcome {
    const { hashKey, checkSortKey, checkType, checkOperand, returnCheckValue } = request;
    if (!own.ownsHashKey(hashKey)) return AppendOutcome.invalidParameters;
    if (!isCheckType(checkType)) {
      pending.error = StorageStatus.invalidArgument;
      return AppendOutcome.appended;
    }
    const outcome = this.read(encodeKey(hashKey, checkSortKey), builder);
    if (outcome !== AppendOutcome.appended) return outcome;
    const { exists, bytes, start, end } = this.current;
    if (returnCheckValue) {
      pending.checkValueReturned = true;
      pending.checkValueExist = exists;
      pending.checkValue = exists ? bytes.slice(start, end) : EMPTY_BYTES;
    }
    const result = evaluateCheck(checkType, checkOperand, exists, bytes, start, end);
    if (result === 'failed') pending.error = StorageStatus.tryAgain;
    if (result === 'invalid') pending.error = StorageStatus.invalidArgument;
    return AppendOutcome.appended;
  }

  /** Fills `current`; `appended` when it could. */
  private read(key: Uint8Array, builder: WriteBatchBuilder): AppendOutcome {
    const { current, latest } = this;
    const found = latest.lookUp(key, builder);
    if (found === 'blocked') return AppendOutcome.blocked;
    if (found === 'failed') return AppendOutcome.failed;
    const { bytes, start, end } = latest.view;
    current.exists = false;
    current.bytes = EMPTY_BYTES;
    current.start = 0;
    current.end = 0;
    current.expireSeconds = 0;
    if (found === 'absent') return AppendOutcome.appended;
    const expireSeconds = expireOf(bytes, start);
    if (isExpired(expireSeconds, ttlNow(this.stamp.timestampUs / 1000))) {
      return AppendOutcome.appended;
    }
    current.exists = true;
    current.expireSeconds = expireSeconds;
    current.bytes = bytes;
    current.start = start + VALUE_HEADER_BYTES;
    current.end = end;
    return AppendOutcome.appended;
  }

  private setExpire(requested: number, defaultTtlSeconds: number): void {
    const now = ttlNow(this.stamp.timestampUs / 1000);
    this.stamp.expireSeconds = expireToStore(requested, defaultTtlSeconds, now);
  }
}

function isMutate(mutate: { readonly operation: number }): boolean {
  return mutate.operation === MutateOperation.put || mutate.operation === MutateOperation.delete;
}
