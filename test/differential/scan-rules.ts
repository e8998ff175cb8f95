/**
 * Which rows a scan gives: that of a client's call, and requests for one with bounds of any kind. Batches and contexts
 * are not visible here: however a scan is cut, it gives each row once.
 */
import { keysOfRange, passesFilter } from './client-rules.ts';
import type { Scan } from './operations.ts';
import { isFilterType, isVisible, type Key, passes, type Row, type Rows } from './rules.ts';

export interface ScannedRow extends Key {
  readonly value: string;
  /** Seconds since 1970; null: not asked for. */
  readonly expiresAt: number | 'never' | null;
}

export interface ScanRequest {
  readonly start: Key;
  readonly startInclusive: boolean;
  /** `end`: FF FF; `none`: no bytes. */
  readonly stop: Key | 'end' | 'none';
  readonly stopInclusive: boolean;
  readonly batchSize: number;
  readonly noValue: boolean;
  readonly hashKeyFilterType: number;
  readonly hashKeyPattern: string;
  readonly sortKeyFilterType: number;
  readonly sortKeyPattern: string;
  readonly returnExpiry: boolean;
  readonly fullScan: boolean;
  readonly onlyCount: boolean;
}

const EPOCH_SECONDS = 1_451_606_400;

/** Of the rows of one hash key that are in the scanned partitions. */
export function scannedRows(
  operation: Scan,
  hashKey: string,
  rows: Rows,
  now: number,
): readonly ScannedRow[] {
  const isExpiryAsked =
    operation.kind === 'scanRequest' ? operation.request.returnExpiry : operation.withExpiry;
  const noValue = operation.kind === 'scanRequest' ? operation.request.noValue : operation.keysOnly;
  return keysOfScan(operation, hashKey, rows, now).map((sortKey) => {
    const { value, expiresAt } = rows.get(sortKey) as Row;
    const expiry = expiresAt === 0 ? 'never' : expiresAt + EPOCH_SECONDS;
    return {
      hashKey,
      sortKey,
      value: noValue === true ? '' : value,
      expiresAt: isExpiryAsked === true ? expiry : null,
    };
  });
}

function keysOfScan(operation: Scan, hashKey: string, rows: Rows, now: number): readonly string[] {
  if (operation.kind === 'scan') return keysOfRange(operation, rows, now);
  if (operation.kind === 'scanTable') {
    if (!passesFilter(operation.hashKeyFilter, hashKey)) return [];
    return keysOfRange({ filter: operation.sortKeyFilter }, rows, now);
  }
  const { request } = operation;
  if (!passes(request.hashKeyFilterType, request.hashKeyPattern, hashKey)) return [];
  return [...rows.keys()].filter(
    (sortKey) =>
      isVisible(rows.get(sortKey), now) &&
      passes(request.sortKeyFilterType, request.sortKeyPattern, sortKey) &&
      isInScan(request, { hashKey, sortKey }),
  );
}

function isInScan(request: ScanRequest, key: Key): boolean {
  const { start, stop } = request;
  if (!isWhole(request) && key.hashKey !== start.hashKey) return false;
  const encoded = encode(key);
  const first = encode(start);
  if (request.startInclusive ? encoded < first : encoded <= first) return false;
  if (stop === 'none') return false;
  if (stop === 'end') return true;
  return request.stopInclusive ? encoded <= encode(stop) : encoded < encode(stop);
}

/**
 * Else only rows of the start's hash key are met. From behind a key to the end is how two clients go on with a scan of
 * everything.
 */
function isWhole({ start, startInclusive, stop, fullScan }: ScanRequest): boolean {
  return start.hashKey === '' || fullScan || (stop === 'end' && !startInclusive);
}

/** A storage status: 4 for filters that there are not, and for a start that a filter moves to another hash key. */
export function statusOfScan(request: ScanRequest): number {
  const { hashKeyFilterType, hashKeyPattern, sortKeyFilterType, start } = request;
  if (!isFilterType(hashKeyFilterType) || !isFilterType(sortKeyFilterType)) return 4;
  const raises =
    hashKeyFilterType === 2 &&
    hashKeyPattern !== '' &&
    encode({ hashKey: hashKeyPattern, sortKey: '' }) > encode(start);
  return raises && !isWhole(request) ? 4 : 0;
}

/** As rows are ordered: by the length of the hash key, in two bytes, then by its bytes, then by the sort key's. */
export function encode({ hashKey, sortKey }: Key): string {
  return String.fromCharCode(hashKey.length >> 8, hashKey.length & 0xff) + hashKey + sortKey;
}
