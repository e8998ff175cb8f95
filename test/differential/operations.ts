/**
 * What a random client does, as plain data that can be printed, shrunk and done again. Bytes are strings of the
 * characters 0 to 255, one for each byte: their order as strings is that of the bytes.
 */

import type { Key, ReadRequest, WriteRequest } from './rules.ts';
import type { ScanRequest } from './scan-rules.ts';

export interface Filter {
  readonly match: 'anywhere' | 'prefix' | 'suffix';
  readonly pattern: string;
}

export interface Range {
  readonly start?: string | undefined;
  readonly startInclusive?: boolean | undefined;
  readonly stop?: string | undefined;
  readonly stopInclusive?: boolean | undefined;
  readonly filter?: Filter | undefined;
}

export interface Limits {
  readonly maxCount?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly keysOnly?: boolean | undefined;
  /** By the client's call that answers with sort keys. */
  readonly asSortKeys?: boolean | undefined;
}

/** In the order of their numbers on the wire, 0 to 17. */
export const TESTS = [
  'none',
  'absent',
  'absentOrEmpty',
  'exists',
  'notEmpty',
  'contains',
  'startsWith',
  'endsWith',
  'bytesLess',
  'bytesLessOrEqual',
  'bytesEqual',
  'bytesGreaterOrEqual',
  'bytesGreater',
  'intLess',
  'intLessOrEqual',
  'intEqual',
  'intGreaterOrEqual',
  'intGreater',
] as const;
export type Test = (typeof TESTS)[number];

/** The operand of an int test is decimal text. */
export interface Check {
  readonly sortKey: string;
  readonly test: Test;
  readonly operand: string;
}

export type Mutation =
  | { readonly set: string; readonly value: string; readonly ttlSeconds?: number | undefined }
  | { readonly del: string };

export interface NewRow extends Key {
  readonly value: string;
  readonly ttlSeconds?: number | undefined;
}

interface OfHashKey {
  readonly hashKey: string;
}

/** Of the rows of one hash key. */
export type Write =
  | ({ readonly kind: 'set' } & NewRow)
  | ({ readonly kind: 'del' } & Key)
  | (OfHashKey & {
      readonly kind: 'multiSet';
      readonly entries: readonly (readonly [sortKey: string, value: string])[];
      readonly ttlSeconds?: number | undefined;
    })
  | (OfHashKey & { readonly kind: 'multiDel'; readonly sortKeys: readonly string[] })
  | (OfHashKey & { readonly kind: 'delRange'; readonly range: Range })
  | (Key & {
      readonly kind: 'incr';
      /** Decimal. */
      readonly by: string;
      readonly ttlSeconds?: number | undefined;
    })
  | (OfHashKey & {
      readonly kind: 'checkAndSet';
      readonly check: Check;
      readonly sortKey?: string | undefined;
      readonly value: string;
      readonly ttlSeconds?: number | undefined;
      readonly returnValue?: boolean | undefined;
    })
  | (OfHashKey & {
      readonly kind: 'checkAndMutate';
      readonly check: Check;
      readonly mutations: readonly Mutation[];
      readonly returnValue?: boolean | undefined;
    })
  | (Key & {
      readonly kind: 'compareExchange';
      readonly expected: string | null;
      readonly desired: string;
      readonly ttlSeconds?: number | undefined;
    })
  /** What clients of other kinds may send. */
  | (OfHashKey & { readonly kind: 'writeRequest'; readonly request: WriteRequest });

/** Of the rows of one hash key, at one moment. */
export type Read =
  | ({ readonly kind: 'get' } & Key)
  | ({ readonly kind: 'exist' } & Key)
  | ({ readonly kind: 'ttl' } & Key)
  | (OfHashKey & Limits & { readonly kind: 'multiGetKeys'; readonly sortKeys: readonly string[] })
  | (OfHashKey &
      Limits &
      Range & { readonly kind: 'multiGetRange'; readonly reverse?: boolean | undefined })
  | (OfHashKey & { readonly kind: 'sortKeyCount' })
  | (OfHashKey & { readonly kind: 'readRequest'; readonly request: ReadRequest });

/** In batches, one after the other. */
export type Scan =
  | (OfHashKey & ScanOptions & Range & { readonly kind: 'scan' })
  | (ScanOptions & {
      readonly kind: 'scanTable';
      readonly hashKeyFilter?: Filter | undefined;
      readonly sortKeyFilter?: Filter | undefined;
      /** 0: one scan of the whole table; else the table in so many parts. */
      readonly parts: number;
    })
  | { readonly kind: 'scanRequest'; readonly partition: number; readonly request: ScanRequest };

export interface ScanOptions {
  readonly batchSize?: number | undefined;
  readonly keysOnly?: boolean | undefined;
  readonly withExpiry?: boolean | undefined;
}

/** Of several hash keys: a request for each part of them. */
export type Batch =
  | { readonly kind: 'batchGet'; readonly keys: readonly Key[] }
  /** Gets of one turn, which the client joins. */
  | { readonly kind: 'joinedGets'; readonly keys: readonly Key[] }
  | { readonly kind: 'batchSet'; readonly rows: readonly NewRow[] }
  | { readonly kind: 'batchDel'; readonly keys: readonly Key[] };

export interface Pause {
  readonly kind: 'pause';
  readonly seconds: number;
}

export type Operation = Write | Read | Scan | Batch | Pause;

const SCANS: ReadonlySet<string> = new Set<Scan['kind']>(['scan', 'scanTable', 'scanRequest']);
const READS: ReadonlySet<string> = new Set<Read['kind']>([
  'get',
  'exist',
  'ttl',
  'multiGetKeys',
  'multiGetRange',
  'sortKeyCount',
  'readRequest',
]);
const BATCHES: ReadonlySet<string> = new Set<Batch['kind']>([
  'batchGet',
  'joinedGets',
  'batchSet',
  'batchDel',
]);

export function isScan(operation: Operation): operation is Scan {
  return SCANS.has(operation.kind);
}

export function isRead(operation: Operation): operation is Read {
  return READS.has(operation.kind);
}

export function isBatch(operation: Operation): operation is Batch {
  return BATCHES.has(operation.kind);
}

/** What a batch does to each of its rows. */
export function partsOf(batch: Batch): readonly (Read | Write)[] {
  if (batch.kind === 'batchSet') return batch.rows.map((row) => ({ kind: 'set', ...row }));
  if (batch.kind === 'batchDel') return batch.keys.map((key) => ({ kind: 'del', ...key }));
  return batch.keys.map((key) => ({ kind: 'get', ...key }));
}

/** For people: what is long is cut. */
export function describe(operation: Operation): string {
  return JSON.stringify(operation, (_, value: unknown) => {
    if (typeof value === 'string' && value.length > 80) {
      return `${value.slice(0, 20)}… (${value.length} bytes)`;
    }
    if (!Array.isArray(value) || value.length <= 20) return value as unknown;
    return [...(value.slice(0, 3) as unknown[]), `… (${value.length} items)`, value.at(-1)];
  });
}
