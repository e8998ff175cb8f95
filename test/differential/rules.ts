/**
 * The rules of the data requests, written from the protocol's reference and kept plain, to be read beside it: what a
 * server answers, and what rows there are afterwards. Nothing here comes from the servers or from the client.
 *
 * 1. Rows of one hash key are a map by sort key. Expired rows stay in it until they are deleted or written again, as
 *    they stay in a storage engine until it compacts: some limits count them.
 * 2. Times are whole seconds since 2016; an expiry of 0 is none. Requests carry expiries as i32, rows have them as u32.
 * 3. Writes do not change the map that they are given.
 * 4. Replies have the storage status of the reference's numbers as `error`, or the name of a frame's error.
 *
 * Left out: the limits of 30 MiB and 30 s, partition splits, table settings other than `default_ttl`. Scans are in
 * scan-rules.ts.
 */

export interface Row {
  readonly value: string;
  readonly expiresAt: number;
}

export type Rows = ReadonlyMap<string, Row>;

export interface Key {
  readonly hashKey: string;
  readonly sortKey: string;
}

export interface Check {
  readonly sortKey: string;
  /** 0 to 17; others are refused. */
  readonly type: number;
  readonly operand: string;
  readonly returnsValue: boolean;
}

export interface Mutate {
  /** 0 put, 1 delete; others are refused. */
  readonly operation: number;
  readonly sortKey: string;
  readonly value: string;
  readonly expiry: number;
}

export type WriteRequest =
  | {
      readonly rpc: 'put';
      readonly sortKey: string;
      readonly value: string;
      readonly expiry: number;
    }
  | { readonly rpc: 'remove'; readonly sortKey: string }
  | {
      readonly rpc: 'multiPut';
      readonly entries: readonly (readonly [sortKey: string, value: string])[];
      readonly expiry: number;
    }
  | { readonly rpc: 'multiRemove'; readonly sortKeys: readonly string[] }
  | {
      readonly rpc: 'incr';
      readonly sortKey: string;
      /** Decimal. */
      readonly increment: string;
      readonly expiry: number;
    }
  | {
      readonly rpc: 'checkAndSet';
      readonly check: Check;
      /** Null: the one that is checked. */
      readonly setSortKey: string | null;
      readonly value: string;
      readonly expiry: number;
    }
  | {
      readonly rpc: 'checkAndMutate';
      readonly check: Check;
      readonly mutations: readonly Mutate[];
    };

export interface MultiGet {
  readonly rpc: 'multiGet';
  readonly sortKeys: readonly string[];
  readonly maxKvCount: number;
  readonly maxKvSize: number;
  readonly noValue: boolean;
  readonly start: string;
  readonly stop: string;
  readonly startInclusive: boolean;
  readonly stopInclusive: boolean;
  /** 0 none, 1 anywhere, 2 prefix, 3 postfix; others are refused. */
  readonly filterType: number;
  readonly pattern: string;
  readonly reverse: boolean;
}

export type ReadRequest =
  | { readonly rpc: 'get'; readonly sortKey: string }
  | { readonly rpc: 'ttl'; readonly sortKey: string }
  | { readonly rpc: 'sortkeyCount' }
  | MultiGet;

/** `error` null: 0 or 7. */
export type Reply =
  | { readonly frameError: string }
  | { readonly error: number }
  | { readonly error: number; readonly value: string }
  | { readonly error: number; readonly ttlSeconds: number }
  | { readonly error: number; readonly count: number }
  | { readonly error: number; readonly newValue: string }
  | { readonly error: number; readonly checkValue: string | null | undefined }
  | {
      readonly error: number | null;
      readonly kvs: readonly (readonly [sortKey: string, value: string])[];
    };

export interface Written {
  readonly reply: Reply;
  readonly rows: Rows;
}

export interface TableRules {
  /** 0 = none. */
  readonly defaultTtlSeconds: number;
}

/** What is outside of a hash key's rows and has to do with a reply. */
export interface Surroundings {
  /** The partition has a row before those of this hash key; null: not known. */
  readonly hasEarlierRow: () => boolean | null;
  /** No compaction takes expired rows away. */
  readonly keepsExpired: boolean;
}

const OK = 0;
const NOT_FOUND = 1;
const INVALID_ARGUMENT = 4;
const INCOMPLETE = 7;
const TRY_AGAIN = 13;

const ROWS_MAX = 3000;
const WRITE_BYTES_MAX = 1 << 20;
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

export function isVisible(row: Row | undefined, now: number): row is Row {
  return row !== undefined && !(row.expiresAt > 0 && row.expiresAt <= now);
}

/** An empty pattern matches all. */
export function passes(filterType: number, pattern: string, key: string): boolean {
  if (filterType === 0 || pattern === '') return true;
  if (filterType === 2) return key.startsWith(pattern);
  if (filterType === 3) return key.endsWith(pattern);
  return key.includes(pattern);
}

export function isFilterType(type: number): boolean {
  return type >= 0 && type <= 3;
}

// --- Writes --------------------------------------------------------------------------------------------------------

export function write(request: WriteRequest, rows: Rows, now: number, table: TableRules): Written {
  if (bytesOf(request) > WRITE_BYTES_MAX) {
    return { reply: { frameError: 'ERR_INVALID_DATA' }, rows };
  }
  const next = new Map(rows);
  const put = (sortKey: string, value: string, expiry: number): void => {
    const { defaultTtlSeconds } = table;
    const isDefault = expiry === 0 && defaultTtlSeconds > 0;
    next.set(sortKey, { value, expiresAt: isDefault ? now + defaultTtlSeconds : expiry >>> 0 });
  };
  switch (request.rpc) {
    case 'put':
      put(request.sortKey, request.value, request.expiry);
      return { reply: { error: OK }, rows: next };
    case 'remove':
      next.delete(request.sortKey);
      return { reply: { error: OK }, rows: next };
    case 'multiPut':
      if (request.entries.length === 0) return { reply: { error: INVALID_ARGUMENT }, rows };
      for (const [sortKey, value] of request.entries) put(sortKey, value, request.expiry);
      return { reply: { error: OK }, rows: next };
    case 'multiRemove':
      if (request.sortKeys.length === 0)
        return { reply: { error: INVALID_ARGUMENT, count: 0 }, rows };
      for (const sortKey of request.sortKeys) next.delete(sortKey);
      // However many of them were there.
      return { reply: { error: OK, count: request.sortKeys.length }, rows: next };
    case 'incr': {
      const { error, newValue, expiry } = increment(rows.get(request.sortKey), request, now);
      if (error === OK) put(request.sortKey, newValue, expiry);
      return { reply: { error, newValue }, rows: next };
    }
    case 'checkAndSet':
    case 'checkAndMutate': {
      const reply = checkReply(request, rows, now);
      if (reply.error === OK) applyMutations(request, put, next);
      return { reply, rows: next };
    }
  }
}

function increment(
  row: Row | undefined,
  request: WriteRequest & { rpc: 'incr' },
  now: number,
): { readonly error: number; readonly newValue: string; readonly expiry: number } {
  const isThere = isVisible(row, now);
  const base = !isThere || row.value === '' ? 0n : parseInteger(row.value);
  if (base === null) return { error: INVALID_ARGUMENT, newValue: '0', expiry: 0 };
  const sum = base + BigInt(request.increment);
  if (sum > INT64_MAX || sum < INT64_MIN) {
    return { error: INVALID_ARGUMENT, newValue: `${base}`, expiry: 0 };
  }
  // 0 keeps the expiry of a row that is there, below 0 takes it away.
  const kept = isThere ? row.expiresAt : 0;
  const expiry = request.expiry === 0 ? kept : Math.max(request.expiry, 0);
  return { error: OK, newValue: `${sum}`, expiry };
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

type Conditional = WriteRequest & { rpc: 'checkAndSet' | 'checkAndMutate' };

function checkReply(
  request: Conditional,
  rows: Rows,
  now: number,
): { readonly error: number; readonly checkValue: string | null | undefined } {
  const { check } = request;
  const isRefused = request.rpc === 'checkAndMutate' && !areMutations(request.mutations);
  if (isRefused || check.type < 0 || check.type > 17) {
    return { error: INVALID_ARGUMENT, checkValue: undefined };
  }
  const row = rows.get(check.sortKey);
  const value = isVisible(row, now) ? row.value : null;
  const error = evaluate(check.type, check.operand, value);
  return { error, checkValue: check.returnsValue ? value : undefined };
}

function areMutations(mutations: readonly Mutate[]): boolean {
  return mutations.length > 0 && mutations.every(({ operation }) => [0, 1].includes(operation));
}

/** In their order. */
function applyMutations(
  request: Conditional,
  put: (sortKey: string, value: string, expiry: number) => void,
  rows: Map<string, Row>,
): void {
  if (request.rpc === 'checkAndSet') {
    put(request.setSortKey ?? request.check.sortKey, request.value, request.expiry);
    return;
  }
  for (const { operation, sortKey, value, expiry } of request.mutations) {
    if (operation === 0) put(sortKey, value, expiry);
    else rows.delete(sortKey);
  }
}

/** A storage status. A value of null is none. */
export function evaluate(type: number, operand: string, value: string | null): number {
  if (type >= 13 && value !== null) {
    const left = parseInteger(value);
    const right = parseInteger(operand);
    if (left === null || right === null) return INVALID_ARGUMENT;
    return compares(type - 13, left, right) ? OK : TRY_AGAIN;
  }
  return holds(type, operand, value) ? OK : TRY_AGAIN;
}

function holds(type: number, operand: string, value: string | null): boolean {
  if (type === 0) return true;
  if (type === 1) return value === null;
  if (type === 2) return value === null || value === '';
  if (value === null) return false;
  if (type === 3) return true;
  if (type === 4) return value !== '';
  if (type === 5) return value.includes(operand);
  if (type === 6) return value.startsWith(operand);
  if (type === 7) return value.endsWith(operand);
  return compares(type - 8, value, operand);
}

/** Less, less or equal, equal, greater or equal, greater. */
function compares<T extends string | bigint>(comparison: number, left: T, right: T): boolean {
  if (comparison === 0) return left < right;
  if (comparison === 1) return left <= right;
  if (comparison === 2) return left === right;
  return comparison === 3 ? left >= right : left > right;
}

/** Of the request, roughly: nobody comes near to the limit here without being well above it. */
function bytesOf(request: WriteRequest): number {
  const values: string[] = [];
  if ('value' in request) values.push(request.value);
  if ('check' in request) values.push(request.check.operand);
  if (request.rpc === 'multiPut') values.push(...request.entries.map(([, value]) => value));
  if (request.rpc === 'checkAndMutate') values.push(...request.mutations.map(({ value }) => value));
  return values.reduce((sum, { length }) => sum + length, 0);
}

// --- Reads ---------------------------------------------------------------------------------------------------------

export function read(request: ReadRequest, rows: Rows, now: number, around: Surroundings): Reply {
  switch (request.rpc) {
    case 'get': {
      const row = rows.get(request.sortKey);
      return isVisible(row, now)
        ? { error: OK, value: row.value }
        : { error: NOT_FOUND, value: '' };
    }
    case 'ttl': {
      const row = rows.get(request.sortKey);
      if (!isVisible(row, now)) return { error: NOT_FOUND, ttlSeconds: 0 };
      // What is left of an unsigned number comes back as a signed one.
      return { error: OK, ttlSeconds: row.expiresAt === 0 ? -1 : (row.expiresAt - now) | 0 };
    }
    case 'sortkeyCount': {
      const visible = [...rows.values()].filter((row) => isVisible(row, now));
      return { error: OK, count: visible.length };
    }
    case 'multiGet':
      if (!isFilterType(request.filterType)) return { error: INVALID_ARGUMENT, kvs: [] };
      return request.sortKeys.length > 0
        ? multiGetKeys(request, rows, now)
        : multiGetRange(request, rows, now, around);
  }
}

/** What has gathered so far, and whether a limit stands before the next row. */
class Gathered {
  readonly kvs: [sortKey: string, value: string][] = [];
  examined: number = 0;
  #bytes: number = 0;
  readonly #request: MultiGet;

  constructor(request: MultiGet) {
    this.#request = request;
  }

  get isFull(): boolean {
    const { maxKvCount, maxKvSize } = this.#request;
    const rowsMax = maxKvCount > 0 ? Math.min(maxKvCount, ROWS_MAX) : ROWS_MAX;
    return this.kvs.length >= rowsMax || (maxKvSize > 0 && this.#bytes >= maxKvSize);
  }

  add(sortKey: string, row: Row): void {
    const value = this.#request.noValue ? '' : row.value;
    this.kvs.push([sortKey, value]);
    this.#bytes += sortKey.length + value.length;
  }
}

/** In the order of the request, whatever it says of ranges; a limit stops it at the next row that is there. */
function multiGetKeys(request: MultiGet, rows: Rows, now: number): Reply {
  const gathered = new Gathered(request);
  for (const sortKey of request.sortKeys) {
    const row = rows.get(sortKey);
    if (!isVisible(row, now)) continue;
    if (gathered.isFull) return { error: INCOMPLETE, kvs: gathered.kvs };
    gathered.add(sortKey, row);
  }
  return { error: OK, kvs: gathered.kvs };
}

/**
 * Goes through the rows from one end of the range, the stored ones, expired or not. When a limit is reached, the
 * reply is incomplete if any row follows, be it beyond the other end: going forward one of this hash key, going back
 * one of the partition.
 */
function multiGetRange(request: MultiGet, rows: Rows, now: number, around: Surroundings): Reply {
  const { reverse, filterType, pattern } = request;
  const bounds = boundsOf(request);
  if (isEmpty(bounds)) return { error: OK, kvs: [] };
  const gathered = new Gathered(request);
  const reply = (isComplete: boolean | null): Reply => ({
    error: isComplete === null ? null : isComplete ? OK : INCOMPLETE,
    kvs: reverse ? gathered.kvs.reverse() : gathered.kvs,
  });
  const stored = reverse ? sortedKeys(rows).reverse() : sortedKeys(rows);
  const isBefore = reverse ? isBehindStop : isBeforeStart;
  const isBeyond = reverse ? isBeforeStart : isBehindStop;
  const last = reverse ? bounds.start : bounds.stop;
  const ahead = stored.filter((sortKey) => !isBefore(bounds, sortKey));
  for (const [index, sortKey] of ahead.entries()) {
    if (gathered.isFull || gathered.examined >= ROWS_MAX) {
      const isSeen = around.keepsExpired || hasVisible(ahead.slice(index), rows, now);
      return reply(isSeen ? false : null);
    }
    if (isBeyond(bounds, sortKey)) return reply(true);
    gathered.examined++;
    const row = rows.get(sortKey)!;
    if (isVisible(row, now) && passes(filterType, pattern, sortKey)) gathered.add(sortKey, row);
    if (sortKey === last) return reply(true);
  }
  const isLimited = gathered.isFull || gathered.examined >= ROWS_MAX;
  if (!reverse || !isLimited) return reply(true);
  const hasEarlier = around.hasEarlierRow();
  return reply(hasEarlier === null ? null : !hasEarlier);
}

interface Bounds {
  readonly start: string;
  readonly startInclusive: boolean;
  /** Null: the end of the hash key's rows. */
  readonly stop: string | null;
  readonly stopInclusive: boolean;
}

/** An empty stop is none, and a prefix filter narrows the range. */
function boundsOf({ start, stop, filterType, pattern, ...request }: MultiGet): Bounds {
  const bounds = {
    start,
    startInclusive: request.startInclusive,
    stop: stop === '' ? null : stop,
    stopInclusive: stop !== '' && request.stopInclusive,
  };
  if (filterType !== 2 || pattern === '') return bounds;
  if (pattern > start) {
    bounds.start = pattern;
    bounds.startInclusive = true;
  }
  const behind = successor(pattern);
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
