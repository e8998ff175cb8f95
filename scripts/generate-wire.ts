/**
 * Makes `src/wire/generated/*.ts` from the declarations in `src/wire/schema/`.
 *
 *   node --import tsx scripts/generate-wire.ts
 *
 * For each struct S: the interface, `makeS`, `readS`, `writeS`. The code is straight and of one
 * shape: every object is built by one literal with all fields in order. The output is formatted as
 * the linter wants it.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { internalStructs } from '../src/wire/schema/internal.ts';
import { metaStructs } from '../src/wire/schema/meta.ts';
import { rrdbStructs } from '../src/wire/schema/rrdb.ts';
import type { Field, Kind, Scalar, Struct } from '../src/wire/schema/schema.ts';
import { WireType } from '../src/wire/types.ts';

/** What the generator must know of a scalar kind. `bytes` is the least that one value takes. */
interface ScalarTraits {
  readonly type: string;
  readonly zero: string;
  readonly call: string;
  readonly wire: number;
  readonly bytes: number;
}

const SCALARS: Readonly<Record<Scalar, ScalarTraits>> = {
  bool: { type: 'boolean', zero: 'false', call: 'Bool', wire: WireType.bool, bytes: 1 },
  i8: { type: 'number', zero: '0', call: 'I8', wire: WireType.i8, bytes: 1 },
  i16: { type: 'number', zero: '0', call: 'I16', wire: WireType.i16, bytes: 2 },
  i32: { type: 'number', zero: '0', call: 'I32', wire: WireType.i32, bytes: 4 },
  i64: { type: 'number', zero: '0', call: 'I64', wire: WireType.i64, bytes: 8 },
  i64big: { type: 'bigint', zero: '0n', call: 'I64Big', wire: WireType.i64, bytes: 8 },
  double: { type: 'number', zero: '0', call: 'Double', wire: WireType.double, bytes: 8 },
  string: { type: 'string', zero: "''", call: 'String', wire: WireType.string, bytes: 4 },
  blob: { type: 'Uint8Array', zero: 'EMPTY_BYTES', call: 'Blob', wire: WireType.struct, bytes: 4 },
  gpid: { type: 'WireGpid', zero: 'GPID_NONE', call: 'Gpid', wire: WireType.struct, bytes: 8 },
  error: { type: 'string', zero: "''", call: 'String', wire: WireType.struct, bytes: 4 },
  rpcAddress: {
    type: 'WireHostPort | null',
    zero: 'null',
    call: 'RpcAddress',
    wire: WireType.struct,
    bytes: 8,
  },
  hostPort: {
    type: 'WireHostPort | null',
    zero: 'null',
    call: 'HostPort',
    wire: WireType.struct,
    bytes: 7,
  },
};

/** Kinds that some clients tag as a string, because the value looks like one. */
const isBlobLike = (kind: Kind): boolean => kind === 'blob' || kind === 'error';

const capitalised = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

function typeOf(kind: Kind): string {
  if (typeof kind === 'string') return SCALARS[kind].type;
  if ('ref' in kind) return kind.ref;
  if ('map' in kind) return `ReadonlyMap<${typeOf(kind.map[0])}, ${typeOf(kind.map[1])}>`;
  const element = typeOf(kind.list);
  return element.includes(' ') ? `readonly (${element})[]` : `readonly ${element}[]`;
}

function wireOf(kind: Kind): number {
  if (typeof kind === 'string') return SCALARS[kind].wire;
  if ('ref' in kind) return WireType.struct;
  if ('map' in kind) return WireType.map;
  return kind.isSet === true ? WireType.set : WireType.list;
}

function minimumBytes(kind: Kind): number {
  if (typeof kind === 'string') return SCALARS[kind].bytes;
  if ('ref' in kind) return 1;
  return 'map' in kind ? 6 : 5;
}

function zeroOf(kind: Kind): string {
  if (typeof kind === 'string') return SCALARS[kind].zero;
  if ('ref' in kind) return `make${kind.ref}()`;
  return 'map' in kind ? 'new Map()' : 'EMPTY_LIST';
}

/** Part of a helper's name: `StringList`, `StringI32Map`. */
function kindName(kind: Kind): string {
  if (typeof kind === 'string') return capitalised(kind);
  if ('ref' in kind) return kind.ref;
  if ('map' in kind) return `${kindName(kind.map[0])}${kindName(kind.map[1])}Map`;
  return `${kindName(kind.list)}${kind.isSet === true ? 'Set' : 'List'}`;
}

function readExpression(kind: Kind): string {
  if (typeof kind === 'string') return `reader.read${SCALARS[kind].call}()`;
  return `read${kindName(kind)}(reader)`;
}

function writeStatement(kind: Kind, value: string): string {
  if (typeof kind === 'string') return `writer.write${SCALARS[kind].call}(${value});`;
  return `write${kindName(kind)}(writer, ${value});`;
}

const tagOf = (field: Field, wire: number): string =>
  `0x${((field.id << 8) | wire).toString(16).padStart(4, '0')}`;

/** The first lines of a function, broken as the formatter does it when they pass 100 columns. */
function headLines(start: string, parameters: readonly string[], result: string): string[] {
  const oneLine = `${start}(${parameters.join(', ')}): ${result} {`;
  if (oneLine.length <= 100) return [oneLine];
  return [`${start}(`, ...parameters.map((parameter) => `  ${parameter},`), `): ${result} {`];
}

const readHeadLines = (name: string): string[] =>
  headLines(`export function read${name}`, ['reader: Reader'], name);

function writeHeadLines(name: string, parameter: string): string[] {
  return headLines(
    `export function write${name}`,
    ['writer: Writer', `${parameter}: ${name}`],
    'void',
  );
}

// ---- one struct ----

/** Name of the local variable that holds a field; `arguments` is taken by the language. */
const localOf = (field: Field): string => (field.name === 'arguments' ? 'args' : field.name);

function interfaceLines(struct: Struct): string[] {
  const doc = `/** ${struct.doc} */`;
  if (struct.fields.length === 0) {
    return [doc, `export type ${struct.name} = Readonly<Record<string, never>>;`, ''];
  }
  const fields = struct.fields.map((field) => {
    const type = typeOf(field.kind);
    return `  readonly ${field.name}: ${field.optional ? `${type} | undefined` : type};`;
  });
  return [doc, `export interface ${struct.name} {`, ...fields, '}', ''];
}

function makeLines(struct: Struct): string[] {
  const head = `export function make${struct.name}(): ${struct.name} {`;
  if (struct.fields.length === 0) return [head, '  return {};', '}', ''];
  const fields = struct.fields.map(
    (field) => `    ${field.name}: ${field.optional ? 'undefined' : zeroOf(field.kind)},`,
  );
  return [head, '  return {', ...fields, '  };', '}', ''];
}

function readPackedLines(struct: Struct): string[] {
  const fields = struct.fields.map((field) => `    ${field.name}: ${readExpression(field.kind)},`);
  return [...readHeadLines(struct.name), '  return {', ...fields, '  };', '}', ''];
}

function writePackedLines(struct: Struct): string[] {
  return [
    ...writeHeadLines(struct.name, 'value'),
    ...struct.fields.map((field) => `  ${writeStatement(field.kind, `value.${field.name}`)}`),
    '}',
    '',
  ];
}

function readThriftLines(struct: Struct): string[] {
  const lines = readHeadLines(struct.name);
  for (const field of struct.fields) {
    const type = typeOf(field.kind);
    const isStruct = typeof field.kind !== 'string' && 'ref' in field.kind;
    if (field.optional) lines.push(`  let ${localOf(field)}: ${type} | undefined;`);
    else if (isStruct) lines.push(`  let ${localOf(field)}: ${type} | null = null;`);
    else lines.push(`  let ${localOf(field)}: ${type} = ${zeroOf(field.kind)};`);
  }
  lines.push('  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {');
  if (struct.fields.length === 0) {
    lines.push('    reader.skipField(tag);', '  }', '  return {};', '}', '');
    return lines;
  }
  lines.push('    switch (tag) {');
  for (const field of struct.fields) {
    if (isBlobLike(field.kind)) lines.push(`      case ${tagOf(field, WireType.string)}:`);
    lines.push(`      case ${tagOf(field, wireOf(field.kind))}:`);
    lines.push(`        ${localOf(field)} = ${readExpression(field.kind)};`, '        break;');
  }
  lines.push('      default:', '        reader.skipField(tag);', '    }', '  }', '  return {');
  for (const field of struct.fields) {
    const isStruct = typeof field.kind !== 'string' && 'ref' in field.kind;
    const local = localOf(field);
    if (isStruct && !field.optional) {
      lines.push(`    ${field.name}: ${local} ?? ${zeroOf(field.kind)},`);
    } else {
      lines.push(local === field.name ? `    ${local},` : `    ${field.name}: ${local},`);
    }
  }
  lines.push('  };', '}', '');
  return lines;
}

function writeThriftLines(struct: Struct): string[] {
  const { name, fields } = struct;
  const parameter = fields.length === 0 ? '_value' : 'value';
  const lines = writeHeadLines(name, parameter);
  for (const field of fields) {
    const indent = field.optional ? '    ' : '  ';
    const value = `value.${field.name}`;
    const tag = tagOf(field, wireOf(field.kind));
    if (field.optional) lines.push(`  if (${value} !== undefined) {`);
    if (field.kind === 'i32') {
      lines.push(`${indent}writer.writeFieldI32(${tag}, ${value});`);
    } else {
      lines.push(`${indent}writer.writeFieldTag(${tag});`);
      lines.push(`${indent}${writeStatement(field.kind, value)}`);
    }
    if (field.optional) lines.push('  }');
  }
  lines.push('  writer.writeStop();', '}', '');
  return lines;
}

// ---- lists and maps ----

/** Lists and maps that the structs use, innermost first, each once. */
function collectionsOf(structs: readonly Struct[]): Map<string, Kind> {
  const found = new Map<string, Kind>();
  const visit = (kind: Kind): void => {
    if (typeof kind === 'string' || 'ref' in kind) return;
    if ('list' in kind) visit(kind.list);
    else for (const part of kind.map) visit(part);
    found.set(kindName(kind), kind);
  };
  for (const struct of structs) for (const field of struct.fields) visit(field.kind);
  return found;
}

function listLines(name: string, element: Kind): string[] {
  const type = typeOf(element);
  const arrayType = type.includes(' ') ? `(${type})[]` : `${type}[]`;
  const wire = wireOf(element);
  const alternative = isBlobLike(element) ? WireType.string : wire;
  return [
    ...headLines(`function read${name}`, ['reader: Reader'], arrayType),
    `  const count = reader.readListHeader(${wire}, ${alternative}, ${minimumBytes(element)});`,
    `  const items: ${arrayType} = [];`,
    `  for (let index = 0; index < count; index++) items.push(${readExpression(element)});`,
    '  return items;',
    '}',
    '',
    ...headLines(
      `function write${name}`,
      ['writer: Writer', `items: readonly ${arrayType}`],
      'void',
    ),
    `  writer.writeListHeader(${wire}, items.length);`,
    `  for (const item of items) ${writeStatement(element, 'item')}`,
    '}',
    '',
  ];
}

function mapLines(name: string, key: Kind, value: Kind): string[] {
  const type = `${typeOf(key)}, ${typeOf(value)}`;
  const header = `${wireOf(key)}, ${wireOf(value)}`;
  const bytes = minimumBytes(key) + minimumBytes(value);
  return [
    ...headLines(`function read${name}`, ['reader: Reader'], `Map<${type}>`),
    `  const count = reader.readMapHeader(${header}, ${bytes});`,
    `  const items = new Map<${type}>();`,
    '  for (let index = 0; index < count; index++) {',
    `    const key = ${readExpression(key)};`,
    `    items.set(key, ${readExpression(value)});`,
    '  }',
    '  return items;',
    '}',
    '',
    ...headLines(
      `function write${name}`,
      ['writer: Writer', `items: ReadonlyMap<${type}>`],
      'void',
    ),
    `  writer.writeMapHeader(${header}, items.size);`,
    '  for (const [key, value] of items) {',
    `    ${writeStatement(key, 'key')}`,
    `    ${writeStatement(value, 'value')}`,
    '  }',
    '}',
    '',
  ];
}

// ---- one file ----

function validate(structs: readonly Struct[]): void {
  const names = new Set(structs.map((struct) => struct.name));
  if (names.size !== structs.length) throw new Error('two structs of one file share a name');
  for (const struct of structs) {
    const ids = new Set(struct.fields.map((field) => field.id));
    if (ids.size !== struct.fields.length) throw new Error(`${struct.name}: an id is used twice`);
    for (const { name, kind, optional } of struct.fields) {
      const where = `${struct.name}.${name}`;
      if (typeof kind !== 'string' && 'ref' in kind && !names.has(kind.ref)) {
        throw new Error(`${where} refers to ${kind.ref}, which is not declared`);
      }
      if (struct.layout !== 'packed') continue;
      if (optional) throw new Error(`${where}: packed structs have no optional fields`);
      if (typeof kind !== 'string') throw new Error(`${where}: packed structs hold scalars only`);
    }
  }
}

function importLines(body: string): string[] {
  const uses = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(body);
  const lines: string[] = [];
  if (uses('EMPTY_BYTES')) lines.push("import { EMPTY_BYTES } from '../../base/bytes.ts';");
  lines.push("import type { Reader } from '../reader.ts';");
  const types = ['WireGpid', 'WireHostPort'].filter(uses);
  if (uses('GPID_NONE')) {
    const names = ['GPID_NONE', ...types.map((name) => `type ${name}`)];
    lines.push(`import { ${names.join(', ')} } from '../types.ts';`);
  } else if (types.length > 0) {
    lines.push(`import type { ${types.join(', ')} } from '../types.ts';`);
  }
  lines.push("import type { Writer } from '../writer.ts';", '');
  if (uses('EMPTY_LIST')) lines.push('const EMPTY_LIST: readonly never[] = [];', '');
  return lines;
}

function generateFile(schema: string, structs: readonly Struct[]): string {
  validate(structs);
  const body: string[] = [];
  for (const struct of structs) {
    const isPacked = struct.layout === 'packed';
    body.push(...interfaceLines(struct), ...makeLines(struct));
    body.push(...(isPacked ? readPackedLines(struct) : readThriftLines(struct)));
    body.push(...(isPacked ? writePackedLines(struct) : writeThriftLines(struct)));
  }
  for (const [name, kind] of collectionsOf(structs)) {
    if (typeof kind === 'string') continue;
    if ('list' in kind) body.push(...listLines(name, kind.list));
    else if ('map' in kind) body.push(...mapLines(name, kind.map[0], kind.map[1]));
  }
  const head = [
    '/**',
    ` * Made from src/wire/schema/${schema}.ts by scripts/generate-wire.ts; do not edit.`,
    ' */',
  ];
  return [...head, ...importLines(body.join('\n')), ...body].join('\n');
}

/** File name to content, for `src/wire/generated/`. */
export function generateWire(): Map<string, string> {
  return new Map([
    ['internal.ts', generateFile('internal', internalStructs)],
    ['meta.ts', generateFile('meta', metaStructs)],
    ['rrdb.ts', generateFile('rrdb', rrdbStructs)],
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, content] of generateWire()) {
    writeFileSync(new URL(`../src/wire/generated/${name}`, import.meta.url), content);
  }
}
