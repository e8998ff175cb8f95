/**
 * From what callers pass to what requests carry; whatever no server would take is an
 * `InvalidArgumentError` here.
 */
import { EMPTY_BYTES } from '../base/bytes.ts';
import { crc64, type U64 } from '../base/crc64.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { partitionHash } from '../model/hash.ts';
import { encodeKey, HASH_KEY_BYTES_MAX } from '../model/key.ts';
import { ttlNow } from '../model/ttl.ts';
import type { Mutate } from '../wire/generated/rrdb.ts';
import { CasCheckType, FilterType, MutateOperation } from '../wire/schema/rrdb.ts';
import type { Bytes, Check, Filter, Mutation } from './api.ts';
import { InvalidArgumentError } from './errors.ts';

export function toBytes(value: Bytes): Uint8Array {
  if (typeof value === 'string') return encodeUtf8(value);
  if (value instanceof Uint8Array) return value;
  throw new InvalidArgumentError('keys and values are strings or Uint8Arrays');
}

function toHashKey(value: Bytes): Uint8Array {
  const bytes = toBytes(value);
  if (bytes.length > HASH_KEY_BYTES_MAX) {
    throw new InvalidArgumentError(`a hash key has at most ${HASH_KEY_BYTES_MAX} bytes`);
  }
  return bytes;
}

/** Encoded key; its partition hash is left in `hash`. */
export function toKey(hashKey: Bytes, sortKey: Bytes, hash: U64): Uint8Array {
  const key = encodeKey(toHashKey(hashKey), toBytes(sortKey));
  partitionHash(key, 0, key.length, hash);
  return key;
}

/**
 * Hash key of an operation on all its rows. The empty one is refused: its rows are spread over the
 * partitions by their sort keys, so that no server has them all.
 */
export function toWholeHashKey(hashKey: Bytes, hash: U64): Uint8Array {
  const bytes = toHashKey(hashKey);
  if (bytes.length === 0) {
    throw new InvalidArgumentError(
      'the empty hash key has no rows in common: use get, set and del',
    );
  }
  crc64(bytes, 0, bytes.length, hash);
  return bytes;
}

/** Absolute expiry for the wire; 0 = none. */
export function toExpiry(ttlSeconds: number | undefined, wallMs: number): number {
  if (ttlSeconds === undefined || ttlSeconds === 0) return 0;
  if (!(ttlSeconds > 0)) throw new InvalidArgumentError('ttlSeconds is a number of at least 0');
  const expiry = ttlNow(wallMs) + Math.ceil(ttlSeconds);
  if (expiry > 0x7fffffff) throw new InvalidArgumentError('ttlSeconds ends beyond the year 2084');
  return expiry;
}

/** incr has a third case: 0 keeps, below 0 clears. */
export function toIncrExpiry(ttlSeconds: number | undefined, wallMs: number): number {
  return ttlSeconds === 0 ? -1 : toExpiry(ttlSeconds, wallMs);
}

const FILTERS: Readonly<Record<Filter['match'], FilterType>> = {
  anywhere: FilterType.anywhere,
  prefix: FilterType.prefix,
  suffix: FilterType.postfix,
};

export function toFilterType(filter: Filter | undefined): FilterType {
  if (filter === undefined) return FilterType.none;
  const type = FILTERS[filter.match];
  if (type === undefined) {
    throw new InvalidArgumentError('a filter matches anywhere, prefix or suffix');
  }
  return type;
}

export function toFilterPattern(filter: Filter | undefined): Uint8Array {
  return filter === undefined ? EMPTY_BYTES : toBytes(filter.pattern);
}

const CHECKS: Readonly<Record<Check['test'], CasCheckType>> = {
  none: CasCheckType.noCheck,
  absent: CasCheckType.valueNotExist,
  absentOrEmpty: CasCheckType.valueNotExistOrEmpty,
  exists: CasCheckType.valueExist,
  notEmpty: CasCheckType.valueNotEmpty,
  contains: CasCheckType.matchAnywhere,
  startsWith: CasCheckType.matchPrefix,
  endsWith: CasCheckType.matchPostfix,
  bytesLess: CasCheckType.bytesLess,
  bytesLessOrEqual: CasCheckType.bytesLessOrEqual,
  bytesEqual: CasCheckType.bytesEqual,
  bytesGreaterOrEqual: CasCheckType.bytesGreaterOrEqual,
  bytesGreater: CasCheckType.bytesGreater,
  intLess: CasCheckType.intLess,
  intLessOrEqual: CasCheckType.intLessOrEqual,
  intEqual: CasCheckType.intEqual,
  intGreaterOrEqual: CasCheckType.intGreaterOrEqual,
  intGreater: CasCheckType.intGreater,
};

export function toCheckType(check: Check): CasCheckType {
  const type = CHECKS[check.test];
  if (type === undefined) throw new InvalidArgumentError('a check has a known test');
  return type;
}

export function toCheckOperand(check: Check): Uint8Array {
  if (!('operand' in check)) return EMPTY_BYTES;
  const { operand } = check;
  if (typeof operand === 'number' || typeof operand === 'bigint') {
    return encodeUtf8(toInt64(operand, 'an operand').toString());
  }
  return toBytes(operand);
}

export function toInt64(value: number | bigint, what: string): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new InvalidArgumentError(`${what} is a safe integer or a bigint`);
  }
  const big = BigInt(value);
  if (BigInt.asIntN(64, big) !== big) {
    throw new InvalidArgumentError(`${what} has at most 64 bits`);
  }
  return big;
}

export function toMutate(mutation: Mutation, wallMs: number): Mutate {
  if ('del' in mutation) {
    return {
      operation: MutateOperation.delete,
      sortKey: toBytes(mutation.del),
      value: EMPTY_BYTES,
      setExpireTsSeconds: 0,
    };
  }
  return {
    operation: MutateOperation.put,
    sortKey: toBytes(mutation.set),
    value: toBytes(mutation.value),
    setExpireTsSeconds: toExpiry(mutation.ttlSeconds, wallMs),
  };
}

/** A count or size limit: absent = 0 = that of the server. */
export function toLimit(value: number | undefined, what: string): number {
  if (value === undefined) return 0;
  if (!Number.isSafeInteger(value) || value < 1 || value > 0x7fffffff) {
    throw new InvalidArgumentError(`${what} is an integer of at least 1`);
  }
  return value;
}

/** Of a call that makes several requests. */
export function toTimeout(timeoutMs: number | undefined, fallbackMs: number): number {
  const value = timeoutMs ?? fallbackMs;
  if (value >= 0) return value;
  throw new InvalidArgumentError('timeoutMs is a number of at least 0');
}

/** Not empty, as bytes. */
export function toSortKeys(sortKeys: readonly Bytes[]): Uint8Array[] {
  if (sortKeys.length === 0) throw new InvalidArgumentError('at least one sort key is needed');
  return sortKeys.map(toBytes);
}
