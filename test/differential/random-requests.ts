/**
 * Requests that the client library does not send: expiries that are past or negative, kinds of checks, filters and
 * mutations that there are not, operands that are no numbers, empty lists, scans between any two keys.
 */
import fc from 'fast-check';
import type { Read, Scan, Write } from './operations.ts';
import { commonHashKey, mix, nearlyNumber, number, of, sortKey, value } from './random-parts.ts';
import type { Check, Key, MultiGet, Mutate, ReadRequest, WriteRequest } from './rules.ts';
import type { ScanRequest } from './scan-rules.ts';

const PARTITIONS = 4;
/** The simulator begins at 315,619,200, 2026-01-01, and no run of it or of real servers comes near the next number. */
const expiry: fc.Arbitrary<number> = mix(
  [8, fc.constant(0)],
  [3, fc.constantFrom(-1, -5, -0x8000_0000)],
  [2, fc.constantFrom(1, 1000, 300_000_000)],
  [2, fc.constantFrom(0x7fff_ffff, 1_000_000_000)],
);
const filterType = mix([8, fc.integer({ min: 0, max: 3 })], [1, fc.constantFrom(-1, 4, 100)]);
const pattern = mix([3, sortKey], [1, fc.constant('')]);

const check: fc.Arbitrary<Check> = fc.record({
  sortKey,
  type: mix([20, fc.integer({ min: 0, max: 17 })], [1, fc.constantFrom(-1, 18, 1000)]),
  operand: mix([2, value], [2, number], [1, nearlyNumber]),
  returnsValue: fc.boolean(),
});
const mutate: fc.Arbitrary<Mutate> = fc.record({
  operation: mix([20, fc.constant(0)], [8, fc.constant(1)], [1, fc.constantFrom(2, -1)]),
  sortKey,
  value,
  expiry,
});

const write: fc.Arbitrary<WriteRequest> = mix<WriteRequest>(
  [4, fc.record({ rpc: of('put'), sortKey, value, expiry })],
  [1, fc.record({ rpc: of('remove'), sortKey })],
  [
    2,
    fc.record({
      rpc: of('multiPut'),
      entries: fc.array(fc.tuple(sortKey, value), { maxLength: 3 }),
      expiry,
    }),
  ],
  [1, fc.record({ rpc: of('multiRemove'), sortKeys: fc.array(sortKey, { maxLength: 3 }) })],
  [4, fc.record({ rpc: of('incr'), sortKey, increment: number, expiry })],
  [
    6,
    fc.record({
      rpc: of('checkAndSet'),
      check,
      setSortKey: fc.option(sortKey, { nil: null }),
      value,
      expiry,
    }),
  ],
  [
    6,
    fc.record({
      rpc: of('checkAndMutate'),
      check,
      mutations: fc.array(mutate, { maxLength: 4 }),
    }),
  ],
);
const limit = mix(
  [3, fc.constantFrom(0, -1)],
  [4, fc.integer({ min: 1, max: 6 })],
  [1, fc.constantFrom(3000, 5000)],
);
const multiGet: fc.Arbitrary<MultiGet> = fc.record({
  rpc: of('multiGet'),
  sortKeys: mix<string[]>([3, fc.constant([])], [1, fc.array(sortKey, { maxLength: 4 })]),
  maxKvCount: limit,
  maxKvSize: limit,
  noValue: fc.boolean(),
  start: pattern,
  stop: pattern,
  startInclusive: fc.boolean(),
  stopInclusive: fc.boolean(),
  filterType,
  pattern,
  reverse: fc.boolean(),
});
const read: fc.Arbitrary<ReadRequest> = mix<ReadRequest>(
  [1, fc.record({ rpc: of('get'), sortKey })],
  [2, fc.record({ rpc: of('ttl'), sortKey })],
  [1, fc.record({ rpc: of('sortkeyCount') })],
  [6, multiGet],
);

const bound: fc.Arbitrary<Key> = fc.record({
  hashKey: mix([4, commonHashKey], [1, fc.constant('')]),
  sortKey,
});
const scan: fc.Arbitrary<ScanRequest> = fc.record({
  start: bound,
  startInclusive: fc.boolean(),
  stop: mix<ScanRequest['stop']>([4, bound], [4, of('end')], [1, of('none')]),
  stopInclusive: fc.boolean(),
  batchSize: limit,
  noValue: fc.boolean(),
  hashKeyFilterType: mix([3, fc.constant(0)], [2, filterType]),
  hashKeyPattern: mix([1, commonHashKey], [1, fc.constant('')]),
  sortKeyFilterType: mix([3, fc.constant(0)], [2, filterType]),
  sortKeyPattern: pattern,
  returnExpiry: fc.boolean(),
  fullScan: fc.boolean(),
  onlyCount: fc.boolean(),
});

/** With a hash key: rows of the empty one are in several partitions. */
export const writeRequest: fc.Arbitrary<Write> = fc.record({
  kind: of('writeRequest'),
  hashKey: commonHashKey,
  request: write,
});
export const readRequest: fc.Arbitrary<Read> = fc.record({
  kind: of('readRequest'),
  hashKey: commonHashKey,
  request: read,
});
export const scanRequest: fc.Arbitrary<Scan> = fc.record({
  kind: of('scanRequest'),
  partition: fc.integer({ min: 0, max: PARTITIONS - 1 }),
  request: scan,
});
