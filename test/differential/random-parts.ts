/**
 * What random operations are made of. Few keys, so that operations meet; keys that are prefixes of each other, empty,
 * or end in 0 or 255; values that are numbers, nearly numbers, at the ends of 64 bits, empty, binary, or too large.
 */
import fc from 'fast-check';

const KIB = 1024;
/** Four of them are too much for one write, three are not, however much else is written with them. */
const LARGE_BYTES = 300 * KIB;
const TOO_LARGE_BYTES = 1200 * KIB;
type Mix<T> = readonly (readonly [weight: number, arbitrary: fc.Arbitrary<T>])[];

export function mix<T>(...parts: Mix<T>): fc.Arbitrary<T> {
  return fc.oneof(...parts.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

export const commonHashKey: fc.Arbitrary<string> = fc.constantFrom(
  'a',
  'b',
  'aa',
  'ab',
  '\xff',
  '\xff\xff',
  'h\0',
);
export const hashKey: fc.Arbitrary<string> = mix(
  [40, commonHashKey],
  [2, fc.constant('')],
  [1, fc.constant('long'.repeat(300))],
);
/** Of single rows: the empty one may be used as well. */
export const rowHashKey: fc.Arbitrary<string> = mix(
  [60, commonHashKey],
  [15, fc.constant('')],
  [1, fc.constant('x'.repeat(65_535))],
);
export const sortKey: fc.Arbitrary<string> = mix(
  [
    30,
    fc.constantFrom('', 'a', 'ab', 'abc', 'b', 'ba', 'c', '\0', 'a\0', 'a\xff', '\xff', '\xff\xff'),
  ],
  [1, fc.integer({ min: 0, max: 3000 }).map(fillKey)],
);

export const number: fc.Arbitrary<string> = mix(
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
export const nearlyNumber: fc.Arbitrary<string> = fc.constantFrom(
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
export const bytes: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 0, max: 255 }), { maxLength: 12 })
  .map((codes) => String.fromCharCode(...codes));
export const value: fc.Arbitrary<string> = mix<string>(
  [400, number],
  [150, nearlyNumber],
  [100, fc.constant('')],
  [200, fc.constantFrom('x', 'xy', 'yx', 'xyz', '\0', '\xff')],
  [100, bytes],
  [3, fc.constant('L'.repeat(LARGE_BYTES))],
  [1, fc.constant('T'.repeat(TOO_LARGE_BYTES))],
);

/** One of many small rows. */
export function fillKey(number: number): string {
  return `f${String(number).padStart(4, '0')}`;
}

export function of<Kind extends string>(kind: Kind): fc.Arbitrary<Kind> {
  return fc.constant(kind);
}
