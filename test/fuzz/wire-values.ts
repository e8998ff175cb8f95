/** Reads, writes and makes values by the type names of the procedure table, for tests that go through all of them. */
import * as meta from '../../src/wire/generated/meta.ts';
import * as rrdb from '../../src/wire/generated/rrdb.ts';
import type { Reader } from '../../src/wire/reader.ts';
import type { Writer } from '../../src/wire/writer.ts';

const STRUCTS: Readonly<Record<string, unknown>> = { ...rrdb, ...meta };

export function readValue(type: string, reader: Reader): unknown {
  if (type === 'blob') return reader.readBlob();
  if (type === 'string') return reader.readString();
  if (type === 'i64') return reader.readI64Big();
  return (STRUCTS[`read${type}`] as (reader: Reader) => unknown)(reader);
}

export function writeValue(type: string, writer: Writer, value: unknown): void {
  if (type === 'blob') writer.writeBlob(value as Uint8Array);
  else if (type === 'string') writer.writeString(value as string);
  else if (type === 'i64') writer.writeI64Big(value as bigint);
  else (STRUCTS[`write${type}`] as (writer: Writer, value: unknown) => void)(writer, value);
}

/** The zero of the type. */
export function makeValue(type: string): unknown {
  if (type === 'blob') return new Uint8Array(0);
  if (type === 'string') return '';
  if (type === 'i64') return 0n;
  return (STRUCTS[`make${type}`] as () => unknown)();
}
