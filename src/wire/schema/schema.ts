/**
 * The language in which every message of the wire is declared, once.
 *
 * `scripts/generate-wire.ts` turns the declarations in this folder into `src/wire/generated/`: for
 * each struct S an interface `S`, `makeS()` (all fields at their zero), `readS(reader)` and
 * `writeS(writer, s)`, specialised code of one shape. A test fails when the generated files are
 * stale.
 *
 * Field ids and types of the original's structs: `reference` in docs/wire.md. Names are the IDL's
 * in camelCase.
 *
 * Kinds and what they are in TypeScript:
 *   bool boolean · i8 i16 i32 double number · i64 number (safe integer, else WireError) · i64big
 *   bigint string string (UTF-8) · blob Uint8Array (a view into the frame) · gpid {appId,
 *   partitionIndex} error string (name, e.g. ERR_OK) · rpcAddress HostPort | null · hostPort
 *   HostPort | null list(k), set(k) readonly T[] · map(k, v) ReadonlyMap<K, V> · ref('S') S
 * A kind ending in `?` by `optional(k)` may be absent: `T | undefined`, not written when undefined.
 * On reading, an absent field has its zero: 0, false, '', empty, null; unknown fields are skipped.
 */
export type Scalar =
  | 'bool'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'i64big'
  | 'double'
  | 'string'
  | 'blob'
  | 'gpid'
  | 'error'
  | 'rpcAddress'
  | 'hostPort';

export type Kind =
  | Scalar
  | { readonly list: Kind; readonly isSet?: true }
  | { readonly map: readonly [Kind, Kind] }
  | { readonly ref: string };

export interface Field {
  readonly id: number;
  readonly name: string;
  readonly kind: Kind;
  readonly optional: boolean;
}

export interface Struct {
  readonly name: string;
  readonly doc: string;
  /**
   * `thrift`: field headers, extensible. `packed`: the fields in order and nothing else,
   * big-endian, blobs and strings with a u32 length; for the two messages per write that servers
   * exchange.
   */
  readonly layout: 'thrift' | 'packed';
  readonly fields: readonly Field[];
}

export type FieldDeclaration = readonly [
  id: number,
  name: string,
  kind: Kind,
  optional?: 'optional',
];

export function struct(
  name: string,
  doc: string,
  declarations: readonly FieldDeclaration[],
  layout: Struct['layout'] = 'thrift',
): Struct {
  const fields = declarations.map(([id, fieldName, kind, optional]) => ({
    id,
    name: fieldName,
    kind,
    optional: optional === 'optional',
  }));
  return { name, doc, layout, fields };
}

export const list = (kind: Kind): Kind => ({ list: kind });
/** A list under another type byte; who writes it has each element once. */
export const set = (kind: Kind): Kind => ({ list: kind, isSet: true });
export const map = (key: Kind, value: Kind): Kind => ({ map: [key, value] });
export const ref = (name: string): Kind => ({ ref: name });
