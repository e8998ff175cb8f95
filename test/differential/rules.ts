/**
 * The rules of the data operations, written from the protocol's reference and kept plain, to be read beside it: what
 * is answered, and what rows there are afterwards. Nothing here comes from the servers or from the client.
 *
 * 1. Rows of one hash key are a map by sort key. Expired rows stay in it until they are deleted or written again, as
 *    they stay in a storage engine until it compacts: some limits count them.
 * 2. Times are whole seconds since 2016 (`now`); an expiry of 0 is none. A client turns a time to live into an expiry
 *    by the clock of its call (`calledAt`), a server judges expiry by the clock of its work (`now`).
 * 3. Writes do not change the map that they are given.
 *
 * Left out: the limits of 30 MiB and 30 s, partition splits, table settings other than `default_ttl`.
 */
import {
  type Check,
  type Filter,
  type Key,
  type Limits,
  type Mutation,
  type Range,
  type Read,
  TESTS,
  type Write,
} from './operations.ts';

export interface Row {
  readonly value: string;
  readonly expiresAt: number;
}

export type Rows = ReadonlyMap<string, Row>;

/** What the outside of a hash key's rows has to do with an answer. */
export interface Surroundings {
  /** The partition has a row before those of this hash key; null: not known. */
  readonly hasEarlierRow: () => boolean | null;
  /** No compaction takes expired rows away. */
  readonly keepsExpired: boolean;
}

export interface TableRules {
  /** 0 = none. */
  readonly defaultTtlSeconds: number;
}

/** Plain data; `complete` null: either. */
export type Answer =
  | { readonly error: string }
  | { readonly done: true }
  | { readonly value: string | null }
  | { readonly exists: boolean }
  | { readonly ttl: number | 'never' | null }
  | { readonly count: number }
  | { readonly sum: string }
  | { readonly applied: boolean; readonly value: string | null | undefined }
  | {
      readonly rows: readonly (readonly [sortKey: string, value: string])[];
      readonly complete: boolean | null;
    };

export interface Written {
  readonly answer: Answer;
  readonly rows: Rows;
}

const HASH_KEY_BYTES_MAX = 65_534;
const ROWS_MAX = 3000;
const WRITE_BYTES_MAX = 1 << 20;
const EXPIRY_MAX = 0x7fff_ffff;
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/** The client takes no such argument and sends nothing. */
export const BAD_ARGUMENT: { readonly error: string } = { error: 'invalidArgument' };
/** Storage status 4. */
const REFUSED: Answer = { error: 'status invalidArgument' };
const TOO_LARGE: Answer = { error: 'ERR_INVALID_DATA' };
const DONE: Answer = { done: true };

export function isVisible(row: Row | undefined, now: number): row is Row {
  return row !== undefined && !(row.expiresAt > 0 && row.expiresAt <= now);
}

export function passes(filter: Filter | undefined, key: string): boolean {
  if (filter === undefined || filter.pattern === '') return true;
  if (filter.match === 'prefix') return key.startsWith(filter.pattern);
  if (filter.match === 'suffix') return key.endsWith(filter.pattern);
  return key.includes(filter.pattern);
}

// --- Writes --------------------------------------------------------------------------------------------------------

export function write(
  operation: Write,
  rows: Rows,
  calledAt: number,
  now: number,
  table: TableRules,
): Written {
  if (isBadWrite(operation, calledAt)) return { answer: BAD_ARGUMENT, rows };
  if (bytesOf(operation) > WRITE_BYTES_MAX) return { answer: TOO_LARGE, rows };
  const next = new Map(rows);
  /** `expiry` as requests carry it. */
  const put = (sortKey: string, value: string, expiry: number): void => {
    const { defaultTtlSeconds } = table;
    const isDefault = expiry === 0 && defaultTtlSeconds > 0;
    next.set(sortKey, { value, expiresAt: isDefault ? now + defaultTtlSeconds : expiry });
  };
  const expiryOf = (ttlSeconds: number | undefined): number => toExpiry(ttlSeconds, calledAt);
  switch (operation.kind) {
    case 'set':
      put(operation.sortKey, operation.value, expiryOf(operation.ttlSeconds));
      return { answer: DONE, rows: next };
    case 'del':
      next.delete(operation.sortKey);
      return { answer: DONE, rows: next };
    case 'multiSet':
      for (const [sortKey, value] of operation.entries) {
        put(sortKey, value, expiryOf(operation.ttlSeconds));
      }
      return { answer: DONE, rows: next };
    case 'multiDel':
      for (const sortKey of operation.sortKeys) next.delete(sortKey);
      return { answer: DONE, rows: next };
    case 'delRange': {
      const keys = keysOfRange(operation.range, rows, now);
      for (const sortKey of keys) next.delete(sortKey);
      return { answer: { count: keys.length }, rows: next };
    }
    case 'incr': {
      const outcome = incremented(rows.get(operation.sortKey), operation, calledAt, now);
      if (outcome === null) return { answer: REFUSED, rows };
      put(operation.sortKey, outcome.value, outcome.expiresAt);
      return { answer: { sum: outcome.value }, rows: next };
    }
    case 'checkAndSet':
    case 'checkAndMutate':
    case 'compareExchange':
      return writeIf(operation, rows, now, (mutations) => {
        for (const mutation of mutations) {
          if ('del' in mutation) next.delete(mutation.del);
          else put(mutation.set, mutation.value, expiryOf(mutation.ttlSeconds));
        }
        return next;
      });
  }
}

/** 0 = none; absent and 0 are the same. */
function toExpiry(ttlSeconds: number | undefined, calledAt: number): number {
  return ttlSeconds === undefined || ttlSeconds === 0 ? 0 : calledAt + Math.ceil(ttlSeconds);
}

/** Null: error 4. The text of the sum, and the expiry that a request for it would carry. */
function incremented(
  row: Row | undefined,
  operation: Write & { kind: 'incr' },
  calledAt: number,
  now: number,
): Row | null {
  // Without a time to live the row keeps what it has; 0 takes it away.
  const { ttlSeconds } = operation;
  const asked = ttlSeconds === 0 ? -1 : toExpiry(ttlSeconds, calledAt);
  const isThere = isVisible(row, now);
  const base = !isThere || row.value === '' ? 0n : parseInteger(row.value);
  if (base === null) return null;
  const sum = base + BigInt(operation.by);
  if (sum > INT64_MAX || sum < INT64_MIN) return null;
  let expiresAt = Math.max(asked, 0);
  if (isThere && asked === 0) expiresAt = row.expiresAt;
  return { value: `${sum}`, expiresAt };
}

/** C's strtoll with base 0, of the whole text. */
export function parseInteger(text: string): bigint | null {
  const match = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(text);
  // A `$` also stands before a last line feed.
  if (match === null || text.endsWith('\n')) return null;
  const [, sign, digits] = match as unknown as [string, string, string];
  const isOctal = /^0[0-7]+$/.test(digits);
  const size = BigInt(isOctal ? `0o${digits.slice(1)}` : digits);
  const value = sign === '-' ? -size : size;
  return value > INT64_MAX || value < INT64_MIN ? null : value;
}

type Conditional = Write & { kind: 'checkAndSet' | 'checkAndMutate' | 'compareExchange' };

function writeIf(
  operation: Conditional,
  rows: Rows,
  now: number,
  apply: (mutations: readonly Mutation[]) => Rows,
): Written {
  const check = checkOf(operation);
  const row = rows.get(check.sortKey);
  const value = isVisible(row, now) ? row.value : null;
  const holds = evaluate(check, value);
  if (holds === null) return { answer: REFUSED, rows };
  const returnsValue = operation.kind === 'compareExchange' || operation.returnValue === true;
  const answer: Answer = { applied: holds, value: returnsValue ? value : undefined };
  return { answer, rows: holds ? apply(mutationsOf(operation)) : rows };
}

function checkOf(operation: Conditional): Check {
  if (operation.kind !== 'compareExchange') return operation.check;
  const { sortKey, expected } = operation;
  return expected === null
    ? { sortKey, test: 'absent', operand: '' }
    : { sortKey, test: 'bytesEqual', operand: expected };
}

function mutationsOf(operation: Conditional): readonly Mutation[] {
  if (operation.kind === 'checkAndMutate') return operation.mutations;
  const { ttlSeconds } = operation;
  return operation.kind === 'compareExchange'
    ? [{ set: operation.sortKey, value: operation.desired, ttlSeconds }]
    : [{ set: operation.sortKey ?? operation.check.sortKey, value: operation.value, ttlSeconds }];
}

/** Whether the check holds of the value, null being none; null: error 4. */
export function evaluate({ test, operand }: Check, value: string | null): boolean | null {
  if (test === 'none') return true;
  if (test === 'absent') return value === null;
  if (test === 'absentOrEmpty') return value === null || value === '';
  if (value === null) return false;
  if (test === 'exists') return true;
  if (test === 'notEmpty') return value !== '';
  if (test === 'contains') return value.includes(operand);
  if (test === 'startsWith') return value.startsWith(operand);
  if (test === 'endsWith') return value.endsWith(operand);
  const number = TESTS.indexOf(test);
  if (number < TESTS.indexOf('intLess')) return compares(number - 8, value, operand);
  const left = parseInteger(value);
  const right = parseInteger(operand);
  return left === null || right === null ? null : compares(number - 13, left, right);
}

/** Less, less or equal, equal, greater or equal, greater. */
function compares<T extends string | bigint>(comparison: number, left: T, right: T): boolean {
  if (comparison === 0) return left < right;
  if (comparison === 1) return left <= right;
  if (comparison === 2) return left === right;
  return comparison === 3 ? left >= right : left > right;
}

/** Of the request, roughly: no sequence comes near to the limit without being well above it. */
function bytesOf(operation: Write): number {
  const values: string[] = [];
  if ('value' in operation) values.push(operation.value);
  if ('check' in operation) values.push(operation.check.operand);
  if (operation.kind === 'multiSet') values.push(...operation.entries.map(([, value]) => value));
  if (operation.kind === 'compareExchange')
    values.push(operation.expected ?? '', operation.desired);
  if (operation.kind === 'checkAndMutate') {
    values.push(...operation.mutations.map((one) => ('del' in one ? '' : one.value)));
  }
  return values.reduce((sum, { length }) => sum + length, 0);
}

function isBadWrite(operation: Write, calledAt: number): boolean {
  const isOfOneRow = ['set', 'del', 'incr'].includes(operation.kind);
  if (isBadHashKey(operation.hashKey, isOfOneRow)) return true;
  if (operation.kind === 'multiSet' && operation.entries.length === 0) return true;
  if (operation.kind === 'multiDel' && operation.sortKeys.length === 0) return true;
  if (operation.kind === 'checkAndMutate') {
    const { mutations } = operation;
    const isBad = (mutation: Mutation): boolean =>
      'set' in mutation && isBadTtl(mutation.ttlSeconds, calledAt);
    return mutations.length === 0 || mutations.some(isBad);
  }
  return 'ttlSeconds' in operation && isBadTtl(operation.ttlSeconds, calledAt);
}

function isBadTtl(ttlSeconds: number | undefined, calledAt: number): boolean {
  if (ttlSeconds === undefined) return false;
  return !(ttlSeconds >= 0) || toExpiry(ttlSeconds, calledAt) > EXPIRY_MAX;
}

/** Rows of the empty hash key are in several partitions: there is none to ask for all of them. */
export function isBadHashKey(hashKey: string, isOfOneRow: boolean): boolean {
  return hashKey.length > HASH_KEY_BYTES_MAX || (hashKey === '' && !isOfOneRow);
}

// --- Reads ---------------------------------------------------------------------------------------------------------

export function read(operation: Read, rows: Rows, now: number, around: Surroundings): Answer {
  const isOfOneRow = ['get', 'exist', 'ttl'].includes(operation.kind);
  if (isBadHashKey(operation.hashKey, isOfOneRow)) return BAD_ARGUMENT;
  switch (operation.kind) {
    case 'get': {
      const row = rows.get(operation.sortKey);
      return { value: isVisible(row, now) ? row.value : null };
    }
    case 'exist':
      return { exists: isVisible(rows.get(operation.sortKey), now) };
    case 'ttl': {
      const row = rows.get(operation.sortKey);
      if (!isVisible(row, now)) return { ttl: null };
      return { ttl: row.expiresAt === 0 ? 'never' : row.expiresAt - now };
    }
    case 'sortKeyCount': {
      const visible = [...rows.values()].filter((row) => isVisible(row, now));
      return { count: visible.length };
    }
    case 'multiGetKeys':
      return multiGetKeys(operation, rows, now);
    case 'multiGetRange':
      return multiGetRange(operation, rows, now, around);
  }
}

/** What has gathered so far, and whether a limit stands before the next row. */
class Gathered {
  readonly rows: [sortKey: string, value: string][] = [];
  examined: number = 0;
  #bytes: number = 0;
  readonly #limits: Limits;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get isFull(): boolean {
    const { maxCount = ROWS_MAX, maxBytes = Number.POSITIVE_INFINITY } = this.#limits;
    return this.rows.length >= Math.min(maxCount, ROWS_MAX) || this.#bytes >= maxBytes;
  }

  add(sortKey: string, row: Row): void {
    const { keysOnly, asSortKeys } = this.#limits;
    const value = keysOnly === true || asSortKeys === true ? '' : row.value;
    this.rows.push([sortKey, value]);
    this.#bytes += sortKey.length + value.length;
  }
}

/** In the order of the request; a limit stops it at the next row that is there. */
function multiGetKeys(operation: Read & { kind: 'multiGetKeys' }, rows: Rows, now: number): Answer {
  if (operation.sortKeys.length === 0) return BAD_ARGUMENT;
  const gathered = new Gathered(operation);
  for (const sortKey of operation.sortKeys) {
    const row = rows.get(sortKey);
    if (!isVisible(row, now)) continue;
    if (gathered.isFull) return { rows: gathered.rows, complete: false };
    gathered.add(sortKey, row);
  }
  return { rows: gathered.rows, complete: true };
}

/**
 * Goes through the rows from one end of the range, the stored ones, expired or not. When a limit is reached, the
 * answer is incomplete if any row follows, be it beyond the other end: going forward one of this hash key, going back
 * one of the partition.
 */
function multiGetRange(
  operation: Read & { kind: 'multiGetRange' },
  rows: Rows,
  now: number,
  around: Surroundings,
): Answer {
  const { reverse = false, filter } = operation;
  const bounds = boundsOf(operation);
  if (isEmpty(bounds)) return { rows: [], complete: true };
  const gathered = new Gathered(operation);
  const answer = (complete: boolean | null): Answer => ({
    rows: reverse ? gathered.rows.reverse() : gathered.rows,
    complete,
  });
  const stored = reverse ? sortedKeys(rows).reverse() : sortedKeys(rows);
  const isBefore = reverse ? isBehindStop : isBeforeStart;
  const isBeyond = reverse ? isBeforeStart : isBehindStop;
  const last = reverse ? bounds.start : bounds.stop;
  const ahead = stored.filter((sortKey) => !isBefore(bounds, sortKey));
  for (const [index, sortKey] of ahead.entries()) {
    if (gathered.isFull || gathered.examined >= ROWS_MAX) {
      const isSeen = around.keepsExpired || hasVisible(ahead.slice(index), rows, now);
      return answer(isSeen ? false : null);
    }
    if (isBeyond(bounds, sortKey)) return answer(true);
    gathered.examined++;
    const row = rows.get(sortKey)!;
    if (isVisible(row, now) && passes(filter, sortKey)) gathered.add(sortKey, row);
    if (sortKey === last) return answer(true);
  }
  const isLimited = gathered.isFull || gathered.examined >= ROWS_MAX;
  if (!reverse || !isLimited) return answer(true);
  const hasEarlier = around.hasEarlierRow();
  return answer(hasEarlier === null ? null : !hasEarlier);
}

interface Bounds {
  readonly start: string;
  readonly startInclusive: boolean;
  /** Null: the end of the hash key's rows. */
  readonly stop: string | null;
  readonly stopInclusive: boolean;
}

/** Of a multi_get: an empty stop is none, and a prefix filter narrows the range. */
function boundsOf(range: Range): Bounds {
  const { start = '', startInclusive = true, stop = '', stopInclusive = false, filter } = range;
  const bounds = {
    start,
    startInclusive,
    stop: stop === '' ? null : stop,
    stopInclusive: stop !== '' && stopInclusive,
  };
  if (filter === undefined || filter.match !== 'prefix' || filter.pattern === '') return bounds;
  if (filter.pattern > start) {
    bounds.start = filter.pattern;
    bounds.startInclusive = true;
  }
  const behind = successor(filter.pattern);
  if (behind !== null && (bounds.stop === null || behind <= bounds.stop)) {
    bounds.stop = behind;
    bounds.stopInclusive = false;
  }
  return bounds;
}

/** The first key behind all that begin with `prefix`; null: the hash key's rows end before. */
function successor(prefix: string): string | null {
  const kept = prefix.replace(/\xff+$/, '');
  if (kept === '') return null;
  const last = kept.charCodeAt(kept.length - 1);
  return kept.slice(0, -1) + String.fromCharCode(last + 1);
}

function isEmpty({ start, startInclusive, stop, stopInclusive }: Bounds): boolean {
  if (stop === null || start < stop) return false;
  return start > stop || !(startInclusive && stopInclusive);
}

function isBeforeStart({ start, startInclusive }: Bounds, sortKey: string): boolean {
  return sortKey < start || (sortKey === start && !startInclusive);
}

function isBehindStop({ stop, stopInclusive }: Bounds, sortKey: string): boolean {
  return stop !== null && (sortKey > stop || (sortKey === stop && !stopInclusive));
}

function hasVisible(sortKeys: readonly string[], rows: Rows, now: number): boolean {
  return sortKeys.some((sortKey) => isVisible(rows.get(sortKey), now));
}

/** Strings compare by their characters, which are the bytes. */
export function sortedKeys(rows: Rows): string[] {
  return [...rows.keys()].sort();
}

/** Visible ones, ascending, as a scan of the range gives them: an empty stop is a stop. */
export function keysOfRange(range: Range, rows: Rows, now: number): string[] {
  const { start = '', startInclusive = true, stop = null, stopInclusive = false, filter } = range;
  const bounds = { start, startInclusive, stop, stopInclusive };
  const isIn = (sortKey: string): boolean =>
    !isBeforeStart(bounds, sortKey) && !isBehindStop(bounds, sortKey) && passes(filter, sortKey);
  return sortedKeys(rows).filter((sortKey) => isVisible(rows.get(sortKey), now) && isIn(sortKey));
}

// --- Partitions ----------------------------------------------------------------------------------------------------

const POLYNOMIAL = 0x9a6c9329ac4bc9b5n;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** crc64 of the hash key, or of the sort key of the empty one. */
export function partitionOf({ hashKey, sortKey }: Key, partitionCount: number): number {
  return Number(crc64(hashKey === '' ? sortKey : hashKey) % BigInt(partitionCount));
}

export function crc64(text: string): bigint {
  let crc = ALL_ONES;
  for (let index = 0; index < text.length; index++) {
    crc ^= BigInt(text.charCodeAt(index));
    for (let bit = 0; bit < 8; bit++)
      crc = (crc & 1n) === 1n ? (crc >> 1n) ^ POLYNOMIAL : crc >> 1n;
  }
  return crc ^ ALL_ONES;
}
