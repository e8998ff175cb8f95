/**
 * Arguments of the corpus to bytes and results to comparable JSON, driven by the schema tables and
 * not by the generated code: a field that a scenario does not name is not written, and a field that
 * is not expected is an error.
 */
import { createHash } from 'node:crypto';
import type { Reader } from '../../src/wire/reader.ts';
import { rrdbStructs } from '../../src/wire/schema/rrdb.ts';
import type { Kind, Struct } from '../../src/wire/schema/schema.ts';
import { WireType } from '../../src/wire/types.ts';
import { Writer } from '../../src/wire/writer.ts';
import {
  asObject,
  expandList,
  fromBytes,
  fromKey,
  type Json,
  type JsonObject,
  type ScenarioState,
  toBytes,
  toInteger,
} from './corpus-forms.ts';

const STRUCTS: ReadonlyMap<string, Struct> = new Map(rrdbStructs.map((one) => [one.name, one]));
/** Differences of less than this are relative times, see corpuslib.py. */
const RELATIVE_SECONDS_MAX = 10_000_000;
const LIST_SHOWN_MAX = 120;

function structOf(name: string): Struct {
  const found = STRUCTS.get(name);
  if (found === undefined) throw new TypeError(`no struct ${name}`);
  return found;
}

function snakeCase(name: string): string {
  const text = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return text;
}

function wireTypeOf(kind: Kind): number {
  if (kind === 'bool') return WireType.bool;
  if (kind === 'i32') return WireType.i32;
  if (kind === 'i64' || kind === 'i64big') return WireType.i64;
  if (kind === 'string') return WireType.string;
  if (typeof kind === 'object' && 'list' in kind) return WireType.list;
  return WireType.struct;
}

function encode(writer: Writer, kind: Kind, value: Json, state: ScenarioState): void {
  if (typeof kind === 'object') {
    if ('list' in kind) encodeList(writer, kind.list, value, state);
    else if ('ref' in kind) encodeStruct(writer, structOf(kind.ref), asObject(value), state);
    else throw new TypeError('data operations have no maps');
  } else if (kind === 'bool') {
    writer.writeBool(value === true);
  } else if (kind === 'i32') {
    writer.writeI32(Number(BigInt.asIntN(32, toInteger(value, state))));
  } else if (kind === 'i64' || kind === 'i64big') {
    writer.writeI64Big(BigInt.asIntN(64, toInteger(value, state)));
  } else {
    writer.writeBlob(toBytes(value, state.nonce));
  }
}

function encodeList(writer: Writer, kind: Kind, value: Json, state: ScenarioState): void {
  const items = expandList(value);
  writer.writeListHeader(wireTypeOf(kind), items.length);
  for (const item of items) encode(writer, kind, item, state);
}

function encodeStruct(
  writer: Writer,
  struct: Struct,
  value: JsonObject,
  state: ScenarioState,
): void {
  for (const field of struct.fields) {
    const given = value[snakeCase(field.name)];
    if (given === undefined) continue;
    writer.writeFieldTag(field.id * 256 + wireTypeOf(field.kind));
    encode(writer, field.kind, given, state);
  }
  writer.writeStop();
}

/** The argument's value as bytes; `argument` is a base type or the name of a struct. */
export function encodeArgument(
  argument: string,
  args: JsonObject,
  state: ScenarioState,
): Uint8Array {
  const writer = new Writer();
  if (argument === 'blob' || argument === 'i64') {
    encode(writer, argument, args['value'] ?? '', state);
  } else {
    encodeStruct(writer, structOf(argument), args, state);
  }
  return writer.take();
}

/** A result as JSON with what differs from run to run replaced by tokens. */
export function decodeResult(result: string, reader: Reader, state: ScenarioState): JsonObject {
  const value = decodeStruct(structOf(result), reader, state, result === 'ScanResponse');
  if (reader.remaining !== 0) throw new RangeError('bytes after the result');
  return value;
}

function decodeStruct(
  struct: Struct,
  reader: Reader,
  state: ScenarioState,
  isScan: boolean,
): JsonObject {
  const value: JsonObject = {};
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    const field = struct.fields.find((one) => one.id * 256 + wireTypeOf(one.kind) === tag);
    if (field === undefined) throw new RangeError(`${struct.name}: field ${tag.toString(16)}`);
    const name = snakeCase(field.name);
    value[name] = decode(field.kind, name, reader, state, isScan);
  }
  return value;
}

function decode(
  kind: Kind,
  name: string,
  reader: Reader,
  state: ScenarioState,
  isScan: boolean,
): Json {
  if (typeof kind === 'object') {
    if ('list' in kind) return decodeList(kind.list, reader, state, isScan);
    if ('ref' in kind) return decodeStruct(structOf(kind.ref), reader, state, isScan);
    throw new TypeError('data operations have no maps');
  }
  if (kind === 'bool') return reader.readBool();
  if (kind === 'i32') return normalNumber(name, BigInt(reader.readI32()), state);
  if (kind === 'i64' || kind === 'i64big') return normalNumber(name, reader.readI64Big(), state);
  if (kind === 'string') {
    const text = reader.readString();
    return name === 'server' && /^[^:\s]+:\d+$/.test(text) ? '$server' : text;
  }
  const bytes = Buffer.from(reader.readBlob());
  return isScan && name === 'key' ? fromKey(bytes, state.nonce) : fromBytes(bytes, state.nonce);
}

function decodeList(kind: Kind, reader: Reader, state: ScenarioState, isScan: boolean): Json {
  const count = reader.readListHeader(wireTypeOf(kind), wireTypeOf(kind), 1);
  const items: Json[] = [];
  for (let index = 0; index < count; index++) {
    items.push(decode(kind, 'item', reader, state, isScan));
  }
  if (items.length <= LIST_SHOWN_MAX) return items;
  return {
    $list: items.length,
    sha256: createHash('sha256').update(pythonJson(items)).digest('hex'),
    first: items[0]!,
    last: items.at(-1)!,
  };
}

function normalNumber(name: string, value: bigint, state: ScenarioState): Json {
  const number = Number(value);
  switch (name) {
    case 'app_id':
      return number === state.appId ? '$app_id' : number;
    case 'partition_index':
      return number === state.partitionIndex ? '$partition' : number;
    case 'decree':
      return number > 0 ? '$decree' : number;
    case 'context_id':
      if (value === 0n) return '$context=0';
      return value === -1n ? '$context=-1' : '$context_live';
    case 'ttl_seconds':
      if (Math.abs(number) >= RELATIVE_SECONDS_MAX) {
        return { $ttl_of_expire_ts: (number + state.startSeconds) | 0 };
      }
      return number > 0 ? { $ttl: number } : number;
    case 'expire_ts_seconds':
      return number !== 0 && Math.abs(number - state.startSeconds) < RELATIVE_SECONDS_MAX
        ? { $now_plus: number - state.startSeconds }
        : number;
    default:
      // As the loader hands large numbers out.
      return /^-?\d{16,}$/.test(value.toString()) ? value.toString() : number;
  }
}

/** As `json.dumps(value, sort_keys=True)` writes it: digests in the corpus are over that text. */
export function pythonJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    const pairs = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}: ${pythonJson(value[key]!)}`);
    return `{${pairs.join(', ')}}`;
  }
  return JSON.stringify(value);
}

/** As `differences` of corpuslib.py: one line for each place where the two are not alike. */
export function differences(
  expected: Json,
  actual: Json,
  path: string = '',
  tolerance = 2,
): string[] {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    if (expected.length !== actual.length) {
      return [`${path}: expected ${short(expected)}, got ${short(actual)}`];
    }
    return expected.flatMap((item, index) =>
      differences(item, actual[index]!, `${path}[${index}]`, tolerance),
    );
  }
  if (isObject(expected) && isObject(actual)) {
    for (const token of ['$ttl', '$now_plus', '$ttl_of_expire_ts']) {
      if (!(token in expected && token in actual)) continue;
      const apart = Math.abs(Number(expected[token]) - Number(actual[token]));
      return apart <= tolerance
        ? []
        : [`${path}: expected ${short(expected)}, got ${short(actual)}`];
    }
    return [...new Set([...Object.keys(expected), ...Object.keys(actual)])]
      .sort()
      .flatMap((key) => {
        const [wanted, found] = [expected[key], actual[key]];
        if (found === undefined) return [`${path}.${key}: missing, expected ${short(wanted!)}`];
        if (wanted === undefined) return [`${path}.${key}: unexpected ${short(found)}`];
        return differences(wanted, found, `${path}.${key}`, tolerance);
      });
  }
  return expected === actual ? [] : [`${path}: expected ${short(expected)}, got ${short(actual)}`];
}

function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function short(value: Json): string {
  const text = JSON.stringify(value);
  return text.length < 300 ? text : `${text.slice(0, 300)}…`;
}
