/**
 * From what callers pass to the requests of operations that take more than a key. The partition hash is left in
 * `hash`.
 */
import { EMPTY_BYTES } from '../base/bytes.ts';
import type { U64 } from '../base/crc64.ts';
import type * as rrdb from '../wire/generated/rrdb.ts';
import type { Bytes, WriteOptions } from './api.ts';
import * as arguments_ from './arguments.ts';
import { InvalidArgumentError } from './errors.ts';
import type {
  Check,
  CheckAndSetOptions,
  CheckOptions,
  Entries,
  MultiGetKeys,
  MultiGetRange,
  Mutation,
} from './table-api.ts';

const { toBytes, toKey, toWholeHashKey, toExpiry, toLimit } = arguments_;

export function toPut(
  hashKey: Bytes,
  sortKey: Bytes,
  value: Bytes,
  options: WriteOptions | undefined,
  hash: U64,
  wallMs: number,
): rrdb.UpdateRequest {
  return {
    key: toKey(hashKey, sortKey, hash),
    value: toBytes(value),
    expireTsSeconds: toExpiry(options?.ttlSeconds, wallMs),
    type: undefined,
    checkValueReturned: undefined,
    checkValueExist: undefined,
    checkValue: undefined,
  };
}

export function toMultiGet(
  hashKey: Bytes,
  options: MultiGetKeys | MultiGetRange,
  hash: U64,
): rrdb.MultiGetRequest {
  const range: MultiGetRange = options.sortKeys === undefined ? options : {};
  return {
    hashKey: toWholeHashKey(hashKey, hash),
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
}

export function toMultiPut(
  hashKey: Bytes,
  entries: Entries,
  options: WriteOptions | undefined,
  hash: U64,
  wallMs: number,
): rrdb.MultiPutRequest {
  const kvs: rrdb.KeyValue[] = [];
  for (const [key, value] of toPairs(entries)) {
    kvs.push({ key: toBytes(key), value: toBytes(value), expireTsSeconds: undefined });
  }
  if (kvs.length === 0) throw new InvalidArgumentError('at least one entry is needed');
  return {
    hashKey: toWholeHashKey(hashKey, hash),
    kvs,
    expireTsSeconds: toExpiry(options?.ttlSeconds, wallMs),
  };
}

export function toMultiRemove(
  hashKey: Bytes,
  sortKeys: readonly Bytes[],
  hash: U64,
): rrdb.MultiRemoveRequest {
  return {
    hashKey: toWholeHashKey(hashKey, hash),
    sortKeys: arguments_.toSortKeys(sortKeys),
    maxCount: 0n,
  };
}

/** Entries of a map, a list or an object. */
export function toPairs<SortKey, Value>(
  entries: Iterable<readonly [SortKey, Value]> | Readonly<Record<string, Value>>,
): Iterable<readonly [SortKey | string, Value]> {
  if (Symbol.iterator in entries) return entries as Iterable<readonly [SortKey, Value]>;
  return Object.entries(entries);
}

export function toCheckAndSet(
  hashKey: Bytes,
  check: Check,
  value: Bytes,
  options: CheckAndSetOptions | undefined,
  hash: U64,
  wallMs: number,
): rrdb.CheckAndSetRequest {
  return {
    hashKey: toWholeHashKey(hashKey, hash),
    checkSortKey: toBytes(check.sortKey),
    checkType: arguments_.toCheckType(check),
    checkOperand: arguments_.toCheckOperand(check),
    setDiffSortKey: options?.sortKey !== undefined,
    setSortKey: toBytes(options?.sortKey ?? EMPTY_BYTES),
    setValue: toBytes(value),
    setExpireTsSeconds: toExpiry(options?.ttlSeconds, wallMs),
    returnCheckValue: options?.returnValue ?? false,
  };
}

export function toCheckAndMutate(
  hashKey: Bytes,
  check: Check,
  mutations: readonly Mutation[],
  options: CheckOptions | undefined,
  hash: U64,
  wallMs: number,
): rrdb.CheckAndMutateRequest {
  if (mutations.length === 0) throw new InvalidArgumentError('at least one mutation is needed');
  return {
    hashKey: toWholeHashKey(hashKey, hash),
    checkSortKey: toBytes(check.sortKey),
    checkType: arguments_.toCheckType(check),
    checkOperand: arguments_.toCheckOperand(check),
    mutateList: mutations.map((mutation) => arguments_.toMutate(mutation, wallMs)),
    returnCheckValue: options?.returnValue ?? false,
  };
}
