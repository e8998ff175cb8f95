/** Random operations of the client library, and some requests that only other clients send. */
import fc from 'fast-check';
import {
  type Batch,
  type Check,
  type Filter,
  type Limits,
  type Mutation,
  type NewRow,
  type Operation,
  type Pause,
  type Range,
  type Read,
  type Scan,
  type ScanOptions,
  TESTS,
  type Write,
} from './operations.ts';
import {
  commonHashKey,
  fillKey,
  hashKey,
  mix,
  number,
  of,
  rowHashKey,
  sortKey,
  value,
} from './random-parts.ts';
import { readRequest, scanRequest, writeRequest } from './random-requests.ts';
import type { Key } from './rules.ts';

/** Three such writes to a hash key are more rows than one multi_get looks at. */
const FILL_ROWS_MIN = 900;
const FILL_ROWS_MAX = 1600;

const ttlSeconds: fc.Arbitrary<number | undefined> = mix<number | undefined>(
  [60, fc.constant(undefined)],
  [30, fc.integer({ min: 1, max: 6 })],
  [5, fc.constantFrom(0, 0.5, 2.5, 1000, 86_400)],
  [1, fc.constantFrom(-1, Number.NaN, 1e10)],
);

const flag = fc.option(fc.boolean(), { nil: undefined });
const filter: fc.Arbitrary<Filter> = fc.record({
  match: fc.constantFrom('anywhere', 'prefix', 'suffix'),
  pattern: mix([6, sortKey], [1, fc.constantFrom('', 'b', 'f1', '0')]),
});
const someFilter = fc.option(filter, { nil: undefined, freq: 2 });
const range: fc.Arbitrary<Range> = fc.record({
  start: fc.option(sortKey, { nil: undefined, freq: 2 }),
  startInclusive: flag,
  stop: fc.option(sortKey, { nil: undefined, freq: 2 }),
  stopInclusive: flag,
  filter: fc.option(filter, { nil: undefined, freq: 1 }),
});
const limits: fc.Arbitrary<Limits> = fc.record({
  maxCount: mix<number | undefined>(
    [4, fc.constant(undefined)],
    [4, fc.integer({ min: 1, max: 5 })],
    [1, fc.constantFrom(1000, 2999, 3000, 3001, 0x7fff_ffff)],
  ),
  maxBytes: mix<number | undefined>(
    [5, fc.constant(undefined)],
    [3, fc.integer({ min: 1, max: 20 })],
    [1, fc.constantFrom(3000, 0x7fff_ffff)],
  ),
  keysOnly: flag,
  asSortKeys: flag,
});
const check: fc.Arbitrary<Check> = fc
  .record({ sortKey, test: fc.constantFrom(...TESTS), bytes: value, number })
  .map(({ sortKey, test, bytes, number }) => ({
    sortKey,
    test,
    operand: test.startsWith('int') ? number : bytes,
  }));
const mutation: fc.Arbitrary<Mutation> = mix<Mutation>(
  [3, fc.record({ set: sortKey, value, ttlSeconds })],
  [1, fc.record({ del: sortKey })],
);
const key: fc.Arbitrary<Key> = fc.record({ hashKey: rowHashKey, sortKey });
const newRow: fc.Arbitrary<NewRow> = fc.record({ hashKey: rowHashKey, sortKey, value, ttlSeconds });
const entries = fc.array(fc.tuple(sortKey, value), { maxLength: 6 });
/** Many small rows. */
const fill = fc
  .record({
    from: fc.integer({ min: 0, max: 2000 }),
    count: fc.integer({ min: FILL_ROWS_MIN, max: FILL_ROWS_MAX }),
  })
  .map(({ from, count }) =>
    Array.from({ length: count }, (_, index): [string, string] => [fillKey(from + index), '1']),
  );

const write: fc.Arbitrary<Write> = mix<Write>(
  [10, fc.record({ kind: of('set'), hashKey: rowHashKey, sortKey, value, ttlSeconds })],
  [3, fc.record({ kind: of('del'), hashKey: rowHashKey, sortKey })],
  [5, fc.record({ kind: of('multiSet'), hashKey, entries, ttlSeconds })],
  [2, fc.record({ kind: of('multiDel'), hashKey, sortKeys: fc.array(sortKey, { maxLength: 4 }) })],
  [1, fc.record({ kind: of('delRange'), hashKey, range })],
  [6, fc.record({ kind: of('incr'), hashKey: rowHashKey, sortKey, by: number, ttlSeconds })],
  [
    6,
    fc.record({
      kind: of('checkAndSet'),
      hashKey,
      check,
      sortKey: fc.option(sortKey, { nil: undefined, freq: 1 }),
      value,
      ttlSeconds,
      returnValue: flag,
    }),
  ],
  [
    6,
    fc.record({
      kind: of('checkAndMutate'),
      hashKey,
      check,
      mutations: fc.array(mutation, { maxLength: 5 }),
      returnValue: flag,
    }),
  ],
  [
    2,
    fc.record({
      kind: of('compareExchange'),
      hashKey,
      sortKey,
      expected: fc.option(value, { nil: null }),
      desired: value,
      ttlSeconds,
    }),
  ],
);

const read: fc.Arbitrary<Read> = mix<Read>(
  [6, fc.record({ kind: of('get'), hashKey: rowHashKey, sortKey })],
  [2, fc.record({ kind: of('exist'), hashKey: rowHashKey, sortKey })],
  [4, fc.record({ kind: of('ttl'), hashKey: rowHashKey, sortKey })],
  [
    5,
    fc
      .tuple(limits, hashKey, fc.array(sortKey, { maxLength: 6 }))
      .map(([limits, hashKey, sortKeys]) => ({
        kind: 'multiGetKeys' as const,
        hashKey,
        sortKeys,
        ...limits,
      })),
  ],
  [
    12,
    fc.tuple(limits, range, hashKey, flag).map(([limits, range, hashKey, reverse]) => ({
      kind: 'multiGetRange' as const,
      hashKey,
      ...limits,
      ...range,
      reverse,
    })),
  ],
  [2, fc.record({ kind: of('sortKeyCount'), hashKey })],
);

const scanOptions: fc.Arbitrary<ScanOptions> = fc.record({
  batchSize: fc.option(
    mix([3, fc.integer({ min: 1, max: 4 })], [1, fc.constantFrom(100, 1000, 5000)]),
    { nil: undefined },
  ),
  keysOnly: flag,
  withExpiry: flag,
});
const scan: fc.Arbitrary<Scan> = mix<Scan>(
  [
    4,
    fc.tuple(scanOptions, range, hashKey).map(([options, range, hashKey]) => ({
      kind: 'scan' as const,
      hashKey,
      ...options,
      ...range,
    })),
  ],
  [
    1,
    fc
      .tuple(scanOptions, someFilter, someFilter, fc.integer({ min: 0, max: 5 }))
      .map(([options, hashKeyFilter, sortKeyFilter, parts]) => ({
        kind: 'scanTable' as const,
        ...options,
        hashKeyFilter,
        sortKeyFilter,
        parts,
      })),
  ],
);

const keys = fc.array(key, { maxLength: 8 });
const batch: fc.Arbitrary<Batch> = mix<Batch>(
  [2, fc.record({ kind: of('batchGet'), keys })],
  [2, fc.record({ kind: of('joinedGets'), keys })],
  [2, fc.record({ kind: of('batchSet'), rows: fc.array(newRow, { maxLength: 6 }) })],
  [1, fc.record({ kind: of('batchDel'), keys: fc.array(key, { maxLength: 4 }) })],
);

const pause: fc.Arbitrary<Pause> = fc.record({
  kind: of('pause'),
  seconds: mix([20, fc.integer({ min: 1, max: 3 })], [1, fc.constant(100)]),
});

export interface Proportions {
  /** Of a thousand. */
  readonly pauses: number;
  readonly fills: number;
}

export function randomOperation({ pauses, fills }: Proportions): fc.Arbitrary<Operation> {
  return mix<Operation>(
    [320, write],
    [80, writeRequest],
    [300, read],
    [80, readRequest],
    [80, scan],
    [40, scanRequest],
    [60, batch],
    [pauses, pause],
    [fills, fc.record({ kind: of('multiSet'), hashKey: commonHashKey, entries: fill, ttlSeconds })],
  );
}
