/**
 * Random operations. Few keys, so that operations meet; keys that are prefixes of each other, empty, or end in 0 or
 * 255; values that are numbers, nearly numbers, at the ends of 64 bits, empty, binary, or too large to be written.
 */
import fc from 'fast-check';
import {
  type Batch,
  type Check,
  type Filter,
  type Key,
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

const KIB = 1024;
/** Four of them are too much for one write, three are not, however much else is written with them. */
const LARGE_BYTES = 300 * KIB;
const TOO_LARGE_BYTES = 1200 * KIB;
/** Three such writes to a hash key are more rows than one multi_get looks at. */
const FILL_ROWS_MIN = 900;
const FILL_ROWS_MAX = 1600;

type Mix<T> = readonly (readonly [weight: number, arbitrary: fc.Arbitrary<T>])[];

function mix<T>(...parts: Mix<T>): fc.Arbitrary<T> {
  return fc.oneof(...parts.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

const commonHashKey = fc.constantFrom('a', 'b', 'aa', 'ab', '\xff', '\xff\xff', 'h\0');
const hashKey: fc.Arbitrary<string> = mix(
  [40, commonHashKey],
  [2, fc.constant('')],
  [1, fc.constant('long'.repeat(300))],
);
/** Of single rows: the empty one may be used as well. */
const rowHashKey: fc.Arbitrary<string> = mix(
  [60, commonHashKey],
  [15, fc.constant('')],
  [1, fc.constant('x'.repeat(65_535))],
);
const sortKey: fc.Arbitrary<string> = mix(
  [
    30,
    fc.constantFrom('', 'a', 'ab', 'abc', 'b', 'ba', 'c', '\0', 'a\0', 'a\xff', '\xff', '\xff\xff'),
  ],
  [1, fc.integer({ min: 0, max: 3000 }).map(fillKey)],
);

const number: fc.Arbitrary<string> = mix(
  [6, fc.integer({ min: -20, max: 20 }).map(String)],
  [
    2,
    fc.constantFrom(
      '9223372036854775807',
      '9223372036854775806',
      '-9223372036854775808',
      '-9223372036854775807',
      '4611686018427387904',
      '9007199254740993',
    ),
  ],
);
const nearlyNumber = fc.constantFrom(
  '+7',
  ' 12',
  '\t\n\v\f\r-3',
  '0x1F',
  '-0Xff',
  '017',
  '-010',
  '08',
  '0x',
  '00',
  '-0',
  '12 ',
  '12\0',
  '1.5',
  '1e3',
  '- 1',
  '+-1',
  '9223372036854775808',
  '-9223372036854775809',
  '0x7fffffffffffffff',
  '0x8000000000000000',
  '12\n',
  '0b11',
  '1_000',
);
const bytes: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 12 })
  .map((codes) => String.fromCharCode(...codes));
const value: fc.Arbitrary<string> = mix<string>(
  [400, number],
  [150, nearlyNumber],
  [100, fc.constant('')],
  [200, fc.constantFrom('x', 'xy', 'yx', 'xyz', '\0', '\xff')],
  [100, bytes],
  [3, fc.constant('L'.repeat(LARGE_BYTES))],
  [1, fc.constant('T'.repeat(TOO_LARGE_BYTES))],
);
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

function fillKey(number: number): string {
  return `f${String(number).padStart(4, '0')}`;
}

function of<Kind extends string>(kind: Kind): fc.Arbitrary<Kind> {
  return fc.constant(kind);
}

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
    [380, write],
    [380, read],
    [100, scan],
    [60, batch],
    [pauses, pause],
    [fills, fc.record({ kind: of('multiSet'), hashKey: commonHashKey, entries: fill, ttlSeconds })],
  );
}
