/** Does an operation through the client library, and puts what comes back into the words of the rules. */
import type { RowScan, ScanRow, Table } from '../../src/client/api.ts';
import {
  BatchError,
  InDoubtError,
  InvalidArgumentError,
  PegasusError,
  type ReadOutcome,
  RejectedError,
  type WriteOutcome,
} from '../../src/client/errors.ts';
import { type Answer, BAD_ARGUMENT } from './client-rules.ts';
import {
  type Batch,
  type Check,
  type Filter,
  type Limits,
  type Mutation,
  type Range,
  type Read,
  type Scan,
  TESTS,
  type Write,
} from './operations.ts';
import { type Requests, type ScanReply, toBytes, toText } from './perform-requests.ts';
import type { Key, Reply } from './rules.ts';
import { encode, type ScannedRow } from './scan-rules.ts';

/** One table, through two clients, and past them. */
export interface Tables {
  readonly table: Table;
  /** Joins gets of one turn. */
  readonly joining: Table;
  readonly requests: Requests;
  readonly partitionOf: (key: Key) => number;
}

export type Outcome<T> =
  /** What was refused for good is answered as well. */
  | { readonly kind: 'answer'; readonly answer: T }
  /** Of a write: it may have happened, now or later. */
  | { readonly kind: 'inDoubt'; readonly why: string }
  /** It has not happened, or was a read. */
  | { readonly kind: 'failed'; readonly why: string };

export type ScanAnswer = ScanReply | { readonly error: string };

export async function performRead(
  operation: Read,
  { table, requests }: Tables,
): Promise<Outcome<Answer>> {
  if (operation.kind === 'readRequest') {
    return await outcomeOfRequest(requests.read(operation.hashKey, operation.request));
  }
  return await outcomeOf(answerRead(operation, table));
}

export async function performWrite(
  operation: Write,
  { table, requests }: Tables,
): Promise<Outcome<Answer>> {
  if (operation.kind === 'writeRequest') {
    return await outcomeOfRequest(requests.write(operation.hashKey, operation.request));
  }
  const outcome = await outcomeOf(answerWrite(operation, table));
  // Other requests of it may have succeeded.
  if (operation.kind === 'delRange' && outcome.kind === 'failed') {
    return { kind: 'inDoubt', why: outcome.why };
  }
  return outcome;
}

export async function performScan(operation: Scan, tables: Tables): Promise<Outcome<ScanAnswer>> {
  if (operation.kind !== 'scanRequest') return await outcomeOf(answerScan(operation, tables));
  const { partition, request } = operation;
  const outcome = await outcomeOf(tables.requests.scan(partition, request));
  if (outcome.kind !== 'answer') return outcome;
  const { answer } = outcome;
  return answer === null
    ? { kind: 'failed', why: 'the context was lost' }
    : { kind: 'answer', answer };
}

/** An outcome for each key or row. */
export async function performBatch(operation: Batch, tables: Tables): Promise<Outcome<Answer>[]> {
  const { table, joining } = tables;
  if (operation.kind === 'joinedGets') {
    const gets = operation.keys.map(({ hashKey, sortKey }) =>
      outcomeOf(joining.get(toBytes(hashKey), toBytes(sortKey)).then(toValueAnswer)),
    );
    return await Promise.all(gets);
  }
  const count = operation.kind === 'batchSet' ? operation.rows.length : operation.keys.length;
  const whole = await outcomeOf(itemsOf(operation, table));
  if (whole.kind === 'answer' && Array.isArray(whole.answer)) {
    return (whole.answer as (ReadOutcome | WriteOutcome)[]).map(outcomeOfItem);
  }
  return new Array<Outcome<Answer>>(count).fill(whole as Outcome<Answer>);
}

async function itemsOf(
  operation: Batch & { kind: 'batchGet' | 'batchSet' | 'batchDel' },
  table: Table,
): Promise<readonly (ReadOutcome | WriteOutcome)[]> {
  if (operation.kind === 'batchSet') {
    const rows = operation.rows.map(({ hashKey, sortKey, value, ttlSeconds }) => ({
      hashKey: toBytes(hashKey),
      sortKey: toBytes(sortKey),
      value: toBytes(value),
      ttlSeconds,
    }));
    return await table.batchSetSettled(rows);
  }
  const keys = operation.keys.map(({ hashKey, sortKey }) => ({
    hashKey: toBytes(hashKey),
    sortKey: toBytes(sortKey),
  }));
  if (operation.kind === 'batchDel') return await table.batchDelSettled(keys);
  try {
    const values = await table.batchGet(keys);
    return values.map((value) =>
      value === null ? { status: 'missing' } : { status: 'found', value },
    );
  } catch (error) {
    if (error instanceof BatchError) return error.outcomes as readonly ReadOutcome[];
    throw error;
  }
}

function outcomeOfItem(item: ReadOutcome | WriteOutcome): Outcome<Answer> {
  if (item.status === 'ok') return { kind: 'answer', answer: { done: true } };
  if (item.status === 'missing') return { kind: 'answer', answer: { value: null } };
  if (item.status === 'found') return { kind: 'answer', answer: toValueAnswer(item.value) };
  return outcomeOfError(item.error);
}

async function outcomeOf<T>(answer: Promise<T>): Promise<Outcome<T | { readonly error: string }>> {
  try {
    return { kind: 'answer', answer: await answer };
  } catch (error) {
    return outcomeOfError(error);
  }
}

/** A frame's error is a reply, too. */
async function outcomeOfRequest(sent: Promise<Reply>): Promise<Outcome<Answer>> {
  const outcome = await outcomeOf(sent);
  if (outcome.kind !== 'answer') return outcome;
  const { error } = outcome.answer as { readonly error?: unknown };
  const isFrameError = typeof error === 'string';
  const reply = isFrameError ? { frameError: error } : (outcome.answer as Reply);
  return { kind: 'answer', answer: { reply } };
}

function outcomeOfError(error: unknown): Outcome<{ readonly error: string }> {
  if (!(error instanceof PegasusError)) throw error;
  const why = `${error.name}: ${error.message}`;
  if (error instanceof InvalidArgumentError) return { kind: 'answer', answer: BAD_ARGUMENT };
  if (error instanceof RejectedError) {
    const { serverCode } = error;
    const name = serverCode.startsWith('ERR_') ? serverCode : `status ${serverCode}`;
    return { kind: 'answer', answer: { error: name } };
  }
  return error instanceof InDoubtError ? { kind: 'inDoubt', why } : { kind: 'failed', why };
}

type ClientRead = Exclude<Read, { kind: 'readRequest' }>;
type ClientWrite = Exclude<Write, { kind: 'writeRequest' }>;
type ClientScan = Exclude<Scan, { kind: 'scanRequest' }>;

async function answerRead(operation: ClientRead, table: Table): Promise<Answer> {
  const hashKey = toBytes(operation.hashKey);
  switch (operation.kind) {
    case 'get':
      return toValueAnswer(await table.get(hashKey, toBytes(operation.sortKey)));
    case 'exist':
      return { exists: await table.exist(hashKey, toBytes(operation.sortKey)) };
    case 'ttl': {
      const left = await table.ttl(hashKey, toBytes(operation.sortKey));
      return { ttl: left === Number.POSITIVE_INFINITY ? 'never' : left };
    }
    case 'sortKeyCount':
      return { count: await table.sortKeyCount(hashKey) };
    default:
      return await answerMultiGet(operation, hashKey, table);
  }
}

async function answerMultiGet(
  operation: Read & { kind: 'multiGetKeys' | 'multiGetRange' },
  hashKey: Uint8Array,
  table: Table,
): Promise<Answer> {
  const limits = limitsOf(operation);
  const options =
    operation.kind === 'multiGetKeys'
      ? { ...limits, sortKeys: operation.sortKeys.map(toBytes) }
      : { ...limits, ...rangeOf(operation), reverse: operation.reverse };
  if (operation.asSortKeys === true) {
    const { sortKeys, complete } = await table.multiGetSortKeys(hashKey, options);
    return { rows: sortKeys.map((sortKey) => [toText(sortKey), '']), complete };
  }
  const { rows, complete } = await table.multiGet(hashKey, options);
  return { rows: rows.map(({ sortKey, value }) => [toText(sortKey), toText(value)]), complete };
}

async function answerWrite(operation: ClientWrite, table: Table): Promise<Answer> {
  const hashKey = toBytes(operation.hashKey);
  switch (operation.kind) {
    case 'set': {
      const { sortKey, value, ttlSeconds } = operation;
      await table.set(hashKey, toBytes(sortKey), toBytes(value), { ttlSeconds });
      return { done: true };
    }
    case 'del':
      await table.del(hashKey, toBytes(operation.sortKey));
      return { done: true };
    case 'multiSet': {
      const { ttlSeconds } = operation;
      const entries = operation.entries.map(
        ([sortKey, value]) => [toBytes(sortKey), toBytes(value)] as const,
      );
      await table.multiSet(hashKey, entries, { ttlSeconds });
      return { done: true };
    }
    case 'multiDel':
      await table.multiDel(hashKey, operation.sortKeys.map(toBytes));
      return { done: true };
    case 'delRange':
      return { count: await table.delRange(hashKey, rangeOf(operation.range)) };
    case 'incr': {
      const { sortKey, by, ttlSeconds } = operation;
      const sum = await table.incr(hashKey, toBytes(sortKey), BigInt(by), { ttlSeconds });
      return { sum: `${sum}` };
    }
    default:
      return await answerConditional(operation, hashKey, table);
  }
}

async function answerConditional(
  operation: Write & { kind: 'checkAndSet' | 'checkAndMutate' | 'compareExchange' },
  hashKey: Uint8Array,
  table: Table,
): Promise<Answer> {
  const { applied, value } = await callConditional(operation, hashKey, table);
  return { applied, value: value instanceof Uint8Array ? toText(value) : value };
}

function callConditional(
  operation: Write & { kind: 'checkAndSet' | 'checkAndMutate' | 'compareExchange' },
  hashKey: Uint8Array,
  table: Table,
): ReturnType<Table['checkAndSet']> {
  if (operation.kind === 'compareExchange') {
    const { sortKey, expected, desired, ttlSeconds } = operation;
    const old = expected === null ? null : toBytes(expected);
    return table.compareExchange(hashKey, toBytes(sortKey), old, toBytes(desired), { ttlSeconds });
  }
  const check = checkOf(operation.check);
  if (operation.kind === 'checkAndMutate') {
    const { mutations, returnValue } = operation;
    return table.checkAndMutate(hashKey, check, mutations.map(mutationOf), { returnValue });
  }
  const { sortKey, value, ttlSeconds, returnValue } = operation;
  return table.checkAndSet(hashKey, check, toBytes(value), {
    sortKey: sortKey === undefined ? undefined : toBytes(sortKey),
    ttlSeconds,
    returnValue,
  });
}

type ClientCheck = Parameters<Table['checkAndSet']>[1];

function checkOf({ sortKey, test, operand }: Check): ClientCheck {
  const check = { sortKey: toBytes(sortKey), test };
  if (TESTS.indexOf(test) < TESTS.indexOf('contains')) return check as ClientCheck;
  const isInt = test.startsWith('int');
  return { ...check, operand: isInt ? BigInt(operand) : toBytes(operand) } as ClientCheck;
}

function mutationOf(mutation: Mutation): Parameters<Table['checkAndMutate']>[2][number] {
  if ('del' in mutation) return { del: toBytes(mutation.del) };
  const { set, value, ttlSeconds } = mutation;
  return { set: toBytes(set), value: toBytes(value), ttlSeconds };
}

async function answerScan(operation: ClientScan, tables: Tables): Promise<ScanAnswer> {
  const { batchSize, keysOnly, withExpiry } = operation;
  const options = { batchSize, keysOnly, withExpiry };
  const scanned: ScannedRow[] = [];
  for (const scan of await scansOf(operation, options, tables.table)) {
    for await (const row of scan) scanned.push(toScannedRow(row));
  }
  return isInOrder(scanned, tables) ? { scanned } : { error: 'rows are not in order' };
}

async function scansOf(
  operation: ClientScan,
  options: { readonly keysOnly?: boolean | undefined },
  table: Table,
): Promise<RowScan[]> {
  if (operation.kind === 'scan') {
    return [table.scan({ ...options, ...rangeOf(operation), hashKey: toBytes(operation.hashKey) })];
  }
  const filters = {
    ...options,
    hashKeyFilter: filterOf(operation.hashKeyFilter),
    sortKeyFilter: filterOf(operation.sortKeyFilter),
  };
  if (operation.parts === 0) return [table.scan(filters)];
  return await table.scanners(operation.parts, filters);
}

function toScannedRow({ hashKey, sortKey, value, expiresAtSeconds }: ScanRow): ScannedRow {
  const expiresAt = expiresAtSeconds === Number.POSITIVE_INFINITY ? 'never' : expiresAtSeconds;
  return { hashKey: toText(hashKey), sortKey: toText(sortKey), value: toText(value), expiresAt };
}

/** Rows of one partition ascend, each once. */
function isInOrder(rows: readonly ScannedRow[], { partitionOf }: Tables): boolean {
  const last = new Map<number, string>();
  for (const { hashKey, sortKey } of rows) {
    const partition = partitionOf({ hashKey, sortKey });
    const key = encode({ hashKey, sortKey });
    if (key <= (last.get(partition) ?? '')) return false;
    last.set(partition, key);
  }
  return true;
}

function limitsOf({ maxCount, maxBytes, keysOnly }: Limits): Limits {
  return { maxCount, maxBytes, keysOnly };
}

interface ClientFilter {
  readonly match: Filter['match'];
  readonly pattern: Uint8Array;
}

interface ClientRange {
  readonly start: Uint8Array | undefined;
  readonly startInclusive: boolean | undefined;
  readonly stop: Uint8Array | undefined;
  readonly stopInclusive: boolean | undefined;
  readonly filter: ClientFilter | undefined;
}

function rangeOf({ start, startInclusive, stop, stopInclusive, filter }: Range): ClientRange {
  return {
    start: start === undefined ? undefined : toBytes(start),
    startInclusive,
    stop: stop === undefined ? undefined : toBytes(stop),
    stopInclusive,
    filter: filterOf(filter),
  };
}

function filterOf(filter: Filter | undefined): ClientFilter | undefined {
  return filter === undefined
    ? undefined
    : { match: filter.match, pattern: toBytes(filter.pattern) };
}

function toValueAnswer(value: Uint8Array | null): Answer {
  return { value: value === null ? null : toText(value) };
}
