/**
 * From what answers carry to what callers get: copied, so that it belongs to them. Statuses that are no result throw.
 */
import { copyBytes } from '../base/bytes.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import type * as rrdb from '../wire/generated/rrdb.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import type { Operation } from './operation.ts';
import { statusError } from './operation-error.ts';
import type { CheckResult, MultiGetResult, Row, SortKeysResult } from './table-api.ts';

export function toValue(result: rrdb.ReadResponse, operation: Operation): Uint8Array | null {
  if (result.error === StorageStatus.ok) return copyBytes(result.value);
  if (result.error === StorageStatus.notFound) return null;
  throw statusError(operation, result.error, false);
}

export function toText(result: rrdb.ReadResponse, operation: Operation): string | null {
  if (result.error === StorageStatus.ok) return decodeUtf8(result.value, 0, result.value.length);
  if (result.error === StorageStatus.notFound) return null;
  throw statusError(operation, result.error, false);
}

export function toTtl(result: rrdb.TtlResponse, operation: Operation): number | null {
  if (result.error === StorageStatus.notFound) return null;
  if (result.error !== StorageStatus.ok) throw statusError(operation, result.error, false);
  if (result.ttlSeconds === -1) return Number.POSITIVE_INFINITY;
  // Far expiries come back as what is left of their unsigned number.
  return result.ttlSeconds >>> 0;
}

export function toCount(result: rrdb.CountResponse, operation: Operation): number {
  if (result.error !== StorageStatus.ok) throw statusError(operation, result.error, false);
  if (result.count < 0) throw statusError(operation, StorageStatus.timedOut, false);
  return result.count;
}

export function toRows(result: rrdb.MultiGetResponse, operation: Operation): MultiGetResult {
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

export function toNothing(result: { readonly error: number }, operation: Operation): void {
  if (result.error !== StorageStatus.ok) throw statusError(operation, result.error, true);
}

export function toSum(result: rrdb.IncrResponse, operation: Operation): bigint {
  if (result.error !== StorageStatus.ok) throw statusError(operation, result.error, true);
  return result.newValue;
}

export function toCheckResult(result: rrdb.CheckAndSetResponse, operation: Operation): CheckResult {
  const applied = result.error === StorageStatus.ok;
  if (!applied && result.error !== StorageStatus.tryAgain) {
    throw statusError(operation, result.error, true);
  }
  if (!result.checkValueReturned) return { applied, value: undefined };
  return { applied, value: result.checkValueExist ? copyBytes(result.checkValue) : null };
}

export function toSortKeysResult(
  result: rrdb.MultiGetResponse,
  operation: Operation,
): SortKeysResult {
  const { rows, complete } = toRows(result, operation);
  return { sortKeys: rows.map(({ sortKey }) => sortKey), complete };
}
