/**
 * Values of the declared messages, by their schema: made at random, checked for their types, compared, measured.
 */
import type { SeededRandom } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import { encodeKey } from '../../src/model/key.ts';
import { internalStructs } from '../../src/wire/schema/internal.ts';
import { metaStructs } from '../../src/wire/schema/meta.ts';
import { rrdbStructs } from '../../src/wire/schema/rrdb.ts';
import type { Kind, Scalar, Struct } from '../../src/wire/schema/schema.ts';
import { randomBytes } from './mutate.ts';
import { expect } from './target.ts';

export const STRUCTS: readonly Struct[] = [...rrdbStructs, ...metaStructs, ...internalStructs];

const BY_NAME: ReadonlyMap<string, Struct> = new Map(STRUCTS.map((one) => [one.name, one]));

export function structNamed(name: string): Struct {
  const found = BY_NAME.get(name);
  expect(found !== undefined, `no struct is called ${name}`);
  return found;
}

const DEPTH_MAX = 4;
const TEXTS: readonly string[] = ['', 'ERR_OK', 'temp', '127.0.0.1:34801', 'ä€😀', 'x'.repeat(60)];
const NUMBERS: readonly number[] = [0, 1, -1, 2, 7, 8, 100, 127, -128, 255, 1000];
const INT32_EXTREMES: readonly number[] = [0x7fffffff, -0x80000000, 65_536];
const BLOBS: readonly Uint8Array[] = [
  new Uint8Array(0),
  encodeUtf8('h'),
  encodeUtf8('s'),
  encodeUtf8('12'),
  encodeUtf8('-9223372036854775808'),
  encodeKey(encodeUtf8('h'), encodeUtf8('s')),
  encodeKey(encodeUtf8('h'), encodeUtf8('12')),
  encodeKey(encodeUtf8(''), encodeUtf8('s')),
  encodeKey(encodeUtf8('h'), new Uint8Array(0)),
  Uint8Array.of(0, 0),
  Uint8Array.of(0xff, 0xff),
];

function oneOf<T>(values: readonly T[], random: SeededRandom): T {
  return values[random.below(values.length)]!;
}

function randomInteger(random: SeededRandom, bits: 8 | 16 | 32): number {
  const value = random.below(4) === 0 ? oneOf(INT32_EXTREMES, random) : oneOf(NUMBERS, random);
  return bits === 32 ? value | 0 : (value << (32 - bits)) >> (32 - bits);
}

export function randomBlob(random: SeededRandom): Uint8Array {
  return random.below(8) === 0 ? randomBytes(random, random.below(40)) : oneOf(BLOBS, random);
}

function randomScalar(kind: Scalar, random: SeededRandom): unknown {
  switch (kind) {
    case 'bool':
      return random.below(2) === 1;
    case 'i8':
      return randomInteger(random, 8);
    case 'i16':
      return randomInteger(random, 16);
    case 'i32':
      return randomInteger(random, 32);
    case 'i64':
      return random.below(8) === 0 ? Number.MAX_SAFE_INTEGER : randomInteger(random, 32);
    case 'i64big':
      return BigInt.asIntN(64, (BigInt(random.u32()) << 32n) | BigInt(random.u32()));
    case 'double':
      return oneOf([0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY], random);
    case 'string':
      return oneOf(TEXTS, random);
    case 'error':
      return oneOf(['ERR_OK', 'ERR_BUSY', 'ERR_OBJECT_NOT_FOUND', 'ERR_OF_ANOTHER'], random);
    case 'blob':
      return randomBlob(random);
    case 'gpid':
      return { appId: random.below(4), partitionIndex: random.below(9) };
    case 'rpcAddress':
      return random.below(3) === 0 ? null : { host: '10.0.0.1', port: random.below(65_536) };
    case 'hostPort':
      return random.below(3) === 0 ? null : { host: 'node-1', port: random.below(65_536) };
  }
}

export function randomValue(kind: Kind, random: SeededRandom, depth: number = 0): unknown {
  if (typeof kind === 'string') return randomScalar(kind, random);
  if ('ref' in kind) return randomStruct(structNamed(kind.ref), random, depth + 1);
  const count = depth >= DEPTH_MAX ? 0 : random.below(4);
  if ('list' in kind) {
    return Array.from({ length: count }, () => randomValue(kind.list, random, depth + 1));
  }
  const [key, value] = kind.map;
  return new Map(
    Array.from({ length: count }, () => [
      randomValue(key, random, depth + 1),
      randomValue(value, random, depth + 1),
    ]),
  );
}

export function randomStruct(struct: Struct, random: SeededRandom, depth: number = 0): object {
  const fields = struct.fields.map(({ name, kind, optional }) => [
    name,
    optional && random.below(2) === 0 ? undefined : randomValue(kind, random, depth),
  ]);
  return Object.fromEntries(fields) as object;
}

function hasScalarType(kind: Scalar, value: unknown): boolean {
  switch (kind) {
    case 'bool':
      return typeof value === 'boolean';
    case 'i8':
      return Number.isInteger(value) && ((value as number) << 24) >> 24 === value;
    case 'i16':
      return Number.isInteger(value) && ((value as number) << 16) >> 16 === value;
    case 'i32':
      return Number.isInteger(value) && ((value as number) | 0) === value;
    case 'i64':
      return Number.isSafeInteger(value);
    case 'i64big':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
    case 'double':
      return typeof value === 'number';
    case 'string':
    case 'error':
      return typeof value === 'string';
    case 'blob':
      return value instanceof Uint8Array;
    case 'gpid':
      return hasNumbers(value, ['appId', 'partitionIndex']);
    case 'rpcAddress':
    case 'hostPort':
      return value === null || (hasNumbers(value, ['port']) && 'host' in (value as object));
  }
}

function hasNumbers(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => Number.isInteger((value as Record<string, unknown>)[name]));
}

/** Throws when a value is not of its declared kind; notes the fields that are not at their zero in `seen`. */
export function checkStruct(struct: Struct, value: unknown, seen: Set<string>): void {
  expect(typeof value === 'object' && value !== null, `${struct.name} is no object`);
  const fields = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(fields);
  expect(names.length === struct.fields.length, `${struct.name} has another number of fields`);
  for (const { name, kind, optional } of struct.fields) {
    const field = fields[name];
    if (field === undefined) {
      expect(optional, `${struct.name}.${name} is missing`);
      continue;
    }
    checkKind(kind, field, `${struct.name}.${name}`, seen);
    if (!isZero(field)) seen.add(`${struct.name}.${name}`);
  }
}

export function isZero(value: unknown): boolean {
  if (value instanceof Uint8Array || Array.isArray(value)) return value.length === 0;
  if (value instanceof Map) return value.size === 0;
  return value === 0 || value === 0n || value === '' || value === false || value === null;
}

function checkKind(kind: Kind, value: unknown, path: string, seen: Set<string>): void {
  if (typeof kind === 'string') {
    expect(hasScalarType(kind, value), `${path} is no ${kind}`);
  } else if ('ref' in kind) {
    checkStruct(structNamed(kind.ref), value, seen);
  } else if ('list' in kind) {
    expect(Array.isArray(value), `${path} is no list`);
    for (const item of value as unknown[]) checkKind(kind.list, item, path, seen);
  } else {
    expect(value instanceof Map, `${path} is no map`);
    for (const [key, item] of value as Map<unknown, unknown>) {
      checkKind(kind.map[0], key, path, seen);
      checkKind(kind.map[1], item, path, seen);
    }
  }
}

export function isSame(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
  if (a instanceof Map && b instanceof Map) return isSame([...a], [...b]);
  if (typeof a !== 'object' || typeof b !== 'object') return Object.is(a, b);
  if (a === null || b === null) return a === b;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return names.every((name) => isSame(left[name], right[name]));
}

/** About what the value occupies: one for each object and field, and the lengths of blobs and texts. */
export function sizeOf(value: unknown): number {
  if (value instanceof Uint8Array || typeof value === 'string') return 1 + value.length;
  if (value instanceof Map) return sizeOf([...value]);
  if (typeof value !== 'object' || value === null) return 1;
  let size = 1;
  for (const part of Object.values(value)) size += sizeOf(part);
  return size;
}
