/**
 * What the client library makes of its callers' operations and of the servers' replies, as docs/client.md has it:
 * requests, arguments that it refuses by itself, results and errors.
 */
import {
  type Check,
  type Filter,
  type Limits,
  type Mutation,
  type Range,
  type Read,
  TESTS,
  type Write,
} from './operations.ts';
import {
  isVisible,
  type Mutate,
  type ReadRequest,
  type Reply,
  type Rows,
  read,
  type Surroundings,
  sortedKeys,
  type TableRules,
  type WriteRequest,
  write,
} from './rules.ts';

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
    }
  /** Of a request that is sent as it is. */
  | { readonly reply: Reply };

const HASH_KEY_BYTES_MAX = 65_534;
const EXPIRY_MAX = 0x7fff_ffff;
const FILTER_TYPES = { anywhere: 1, prefix: 2, suffix: 3 } as const;

/** Nothing is sent. */
export const BAD_ARGUMENT: { readonly error: string } = { error: 'invalidArgument' };
const REFUSED: Answer = { error: 'status invalidArgument' };

/** A client turns a time to live into an expiry by the clock of its call, a server judges it by that of its work. */
export interface Moment {
  readonly calledAt: number;
  readonly now: number;
}

export function writeByClient(
  operation: Write,
  rows: Rows,
  { calledAt, now }: Moment,
  table: TableRules,
): { readonly answer: Answer; readonly rows: Rows } {
  if (operation.kind === 'writeRequest') {
    const written = write(operation.request, rows, now, table);
    return { answer: { reply: written.reply }, rows: written.rows };
  }
  if (isBadWrite(operation, calledAt)) return { answer: BAD_ARGUMENT, rows };
  if (operation.kind === 'delRange') {
    const sortKeys = keysOfRange(operation.range, rows, now);
    const written = write({ rpc: 'multiRemove', sortKeys }, rows, now, table);
    return { answer: { count: sortKeys.length }, rows: written.rows };
  }
  const written = write(toRequest(operation, calledAt), rows, now, table);
  return { answer: toWriteAnswer(written.reply), rows: written.rows };
}

export function readByClient(
  operation: Read,
  rows: Rows,
  now: number,
  around: Surroundings,
): Answer {
  if (operation.kind === 'readRequest') {
    return { reply: read(operation.request, rows, now, around) };
  }
  const isOfOneRow = ['get', 'exist', 'ttl'].includes(operation.kind);
  if (isBadHashKey(operation.hashKey, isOfOneRow)) return BAD_ARGUMENT;
  if (operation.kind === 'multiGetKeys' && operation.sortKeys.length === 0) return BAD_ARGUMENT;
  return toReadAnswer(operation, read(toReadRequest(operation), rows, now, around));
}

/** Visible ones, ascending, as a scan of the range gives them: here an empty stop is a stop. */
export function keysOfRange(range: Range, rows: Rows, now: number): string[] {
  const { start = '', startInclusive = true, stop, stopInclusive = false, filter } = range;
  const isIn = (sortKey: string): boolean => {
    if (startInclusive ? sortKey < start : sortKey <= start) return false;
    if (stop !== undefined && (stopInclusive ? sortKey > stop : sortKey >= stop)) return false;
    return passesFilter(filter, sortKey);
  };
  return sortedKeys(rows).filter((sortKey) => isVisible(rows.get(sortKey), now) && isIn(sortKey));
}

export function passesFilter(filter: Filter | undefined, key: string): boolean {
  if (filter === undefined) return true;
  const { match, pattern } = filter;
  if (match === 'prefix') return key.startsWith(pattern);
  return match === 'suffix' ? key.endsWith(pattern) : key.includes(pattern);
}

// --- Arguments -----------------------------------------------------------------------------------------------------

type ClientWrite = Exclude<Write, { kind: 'writeRequest' }>;

/** Rows of the empty hash key are in several partitions: there is none to ask for all of them. */
export function isBadHashKey(hashKey: string, isOfOneRow: boolean): boolean {
  return hashKey.length > HASH_KEY_BYTES_MAX || (hashKey === '' && !isOfOneRow);
}

function isBadWrite(operation: ClientWrite, calledAt: number): boolean {
  const isOfOneRow = ['set', 'del', 'incr'].includes(operation.kind);
  if (isBadHashKey(operation.hashKey, isOfOneRow)) return true;
  if (operation.kind === 'multiSet' && operation.entries.length === 0) return true;
  if (operation.kind === 'multiDel' && operation.sortKeys.length === 0) return true;
  if (operation.kind === 'checkAndMutate') {
    const { mutations } = operation;
    const isBad = (one: Mutation): boolean => 'set' in one && isBadTtl(one.ttlSeconds, calledAt);
    return mutations.length === 0 || mutations.some(isBad);
  }
  return 'ttlSeconds' in operation && isBadTtl(operation.ttlSeconds, calledAt);
}

function isBadTtl(ttlSeconds: number | undefined, calledAt: number): boolean {
  if (ttlSeconds === undefined) return false;
  return !(ttlSeconds >= 0) || toExpiry(ttlSeconds, calledAt) > EXPIRY_MAX;
}

/** None and 0 are the same. */
function toExpiry(ttlSeconds: number | undefined, calledAt: number): number {
  return ttlSeconds === undefined || ttlSeconds === 0 ? 0 : calledAt + Math.ceil(ttlSeconds);
}

// --- Requests ------------------------------------------------------------------------------------------------------

function toRequest(
  operation: Exclude<ClientWrite, { kind: 'delRange' }>,
  calledAt: number,
): WriteRequest {
  const expiry = 'ttlSeconds' in operation ? toExpiry(operation.ttlSeconds, calledAt) : 0;
  switch (operation.kind) {
    case 'set':
      return { rpc: 'put', sortKey: operation.sortKey, value: operation.value, expiry };
    case 'del':
      return { rpc: 'remove', sortKey: operation.sortKey };
    case 'multiSet':
      return { rpc: 'multiPut', entries: operation.entries, expiry };
    case 'multiDel':
      return { rpc: 'multiRemove', sortKeys: operation.sortKeys };
    case 'incr': {
      // Absent keeps what the row has, 0 takes it away.
      const asked = operation.ttlSeconds === 0 ? -1 : expiry;
      return { rpc: 'incr', sortKey: operation.sortKey, increment: operation.by, expiry: asked };
    }
    case 'checkAndSet': {
      const { check, sortKey = null, value, returnValue = false } = operation;
      const wanted = toCheck(check, returnValue);
      return { rpc: 'checkAndSet', check: wanted, setSortKey: sortKey, value, expiry };
    }
    case 'checkAndMutate': {
      const { check, returnValue = false } = operation;
      const mutations = operation.mutations.map((one) => toMutate(one, calledAt));
      return { rpc: 'checkAndMutate', check: toCheck(check, returnValue), mutations };
    }
    case 'compareExchange': {
      const { sortKey, expected, desired } = operation;
      const check: Check =
        expected === null
          ? { sortKey, test: 'absent', operand: '' }
          : { sortKey, test: 'bytesEqual', operand: expected };
      const wanted = toCheck(check, true);
      return { rpc: 'checkAndSet', check: wanted, setSortKey: null, value: desired, expiry };
    }
  }
}

function toCheck(
  { sortKey, test, operand }: Check,
  returnsValue: boolean,
): (WriteRequest & { rpc: 'checkAndSet' })['check'] {
  const hasOperand = TESTS.indexOf(test) >= TESTS.indexOf('contains');
  return { sortKey, type: TESTS.indexOf(test), operand: hasOperand ? operand : '', returnsValue };
}

function toMutate(mutation: Mutation, calledAt: number): Mutate {
  if ('del' in mutation) return { operation: 1, sortKey: mutation.del, value: '', expiry: 0 };
  const { set, value, ttlSeconds } = mutation;
  return { operation: 0, sortKey: set, value, expiry: toExpiry(ttlSeconds, calledAt) };
}

type ClientRead = Exclude<Read, { kind: 'readRequest' }>;

function toReadRequest(operation: ClientRead): ReadRequest {
  switch (operation.kind) {
    case 'get':
      return { rpc: 'get', sortKey: operation.sortKey };
    case 'exist':
    case 'ttl':
      return { rpc: 'ttl', sortKey: operation.sortKey };
    case 'sortKeyCount':
      return { rpc: 'sortkeyCount' };
    case 'multiGetKeys':
      return toMultiGet(operation, operation.sortKeys, {}, false);
    case 'multiGetRange':
      return toMultiGet(operation, [], operation, operation.reverse ?? false);
  }
}

function toMultiGet(
  { maxCount = 0, maxBytes = 0, keysOnly = false, asSortKeys = false }: Limits,
  sortKeys: readonly string[],
  range: Range,
  reverse: boolean,
): ReadRequest {
  const { start = '', startInclusive = true, stop = '', stopInclusive = false, filter } = range;
  return {
    rpc: 'multiGet',
    sortKeys,
    maxKvCount: maxCount,
    maxKvSize: maxBytes,
    noValue: keysOnly || asSortKeys,
    start,
    stop,
    startInclusive,
    stopInclusive,
    filterType: filter === undefined ? 0 : FILTER_TYPES[filter.match],
    pattern: filter?.pattern ?? '',
    reverse,
  };
}

// --- Replies -------------------------------------------------------------------------------------------------------

function toWriteAnswer(reply: Reply): Answer {
  if ('frameError' in reply) return { error: reply.frameError };
  if (reply.error === 4) return REFUSED;
  if ('newValue' in reply) return { sum: reply.newValue };
  if ('checkValue' in reply) return { applied: reply.error === 0, value: reply.checkValue };
  return { done: true };
}

function toReadAnswer(operation: ClientRead, reply: Reply): Answer {
  if ('kvs' in reply) {
    return { rows: reply.kvs, complete: reply.error === null ? null : reply.error === 0 };
  }
  const isThere = 'error' in reply && reply.error === 0;
  if ('value' in reply) return { value: isThere ? reply.value : null };
  if ('count' in reply) return { count: reply.count };
  if (operation.kind === 'exist') return { exists: isThere };
  if (!isThere || !('ttlSeconds' in reply)) return { ttl: null };
  return { ttl: reply.ttlSeconds === -1 ? 'never' : reply.ttlSeconds >>> 0 };
}
