/** Damage to JSON that leaves it JSON: values of other types, missing and additional fields, extremes. */
import type { SeededRandom } from '../../src/base/prng.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/base/utf8.ts';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const VALUES: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  1.5,
  3,
  2 ** 31,
  2 ** 53,
  1e300,
  '',
  'a',
  '127.0.0.1:1',
  [],
  ['a:1', 1],
  {},
  { a: 'b' },
];

/** As it was when the text is no JSON. */
export function damageJson(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  let value: Json;
  try {
    value = JSON.parse(decodeUtf8(bytes)) as Json;
  } catch {
    return bytes;
  }
  for (let count = random.below(3); count >= 0; count--) value = damaged(value, random);
  return encodeUtf8(JSON.stringify(value));
}

function damaged(value: Json, random: SeededRandom): Json {
  const isBranch = typeof value === 'object' && value !== null;
  if (!isBranch || random.below(8) === 0) return VALUES[random.below(VALUES.length)]!;
  const names = Object.keys(value);
  if (names.length === 0) return VALUES[random.below(VALUES.length)]!;
  const name = names[random.below(names.length)]!;
  if (Array.isArray(value)) {
    const index = Number(name);
    if (random.below(4) === 0) return value.toSpliced(index, random.below(2), value[index]!);
    return value.with(index, damaged(value[index]!, random));
  }
  if (random.below(6) === 0) {
    const { [name]: _left, ...rest } = value;
    return rest;
  }
  return { ...value, [name]: damaged(value[name]!, random) };
}
