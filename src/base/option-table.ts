/**
 * Options, declared once: parser, checks, `--help` and docs/configuration.md all read the same
 * table.
 *
 *   export interface MetaOptions { readonly graceMs: number; readonly listen: HostPort }
 *   export const META_OPTIONS: OptionTable<MetaOptions> = {
 *     graceMs: { key: 'meta.grace_ms', type: 'duration', default: 10 * SECOND_MS, minimum: 100,
 *     help: '…' }, listen: { key: 'meta.listen', type: 'hostPort', required: true, help: '…' },
 *   };
 *
 * Rules:
 *  1. The interface says what code gets; the table has to declare every field of it with a kind
 *     that yields its type.
 *  2. Keys are `section.snake_case`, units last; they are the names in files (`[section]` tables or
 *     dotted keys), in the environment (`PEGASUS_SECTION_SNAKE_CASE`) and of flags
 *     (`--section.snake_case`).
 *  3. Flags win over the environment, that over the file, that over the default.
 *  4. Whatever nobody declared is an error. In the environment only sections of this table count,
 *     because the variables of other programs share the prefix.
 *  5. All problems are reported at once, each with its place, key, value and remedy.
 *
 * Kinds: what they are and how they are written is in `option-values.ts`.
 */
import { assert } from './assert.ts';
import type { HostPort } from './host-port.ts';
import {
  type AnyOption,
  type BooleanKind,
  type Described,
  defaultText,
  type EnumerationKind,
  type HostPortKind,
  type HostPortsKind,
  kindText,
  type NumericKind,
  parseOptionValue,
  type TextKind,
} from './option-values.ts';
import { nearestName } from './suggest.ts';
import { UserError } from './user-error.ts';

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60_000;
export const KIB = 1_024;
export const MIB: number = 1_024 * KIB;
export const GIB: number = 1_024 * MIB;

export const ENVIRONMENT_PREFIX = 'PEGASUS_';

/**
 * A default, which may be null where the field's type allows it (shown as "not set"), or none at
 * all.
 */
type Fallback<V> =
  | { readonly default: V; readonly required?: never }
  | { readonly default?: never; readonly required: true };

type KindOf<V> = [V] extends [boolean | null]
  ? BooleanKind
  : [V] extends [number | null]
    ? NumericKind
    : [V] extends [string | null]
      ? string extends V
        ? TextKind
        : EnumerationKind<NonNullable<V>>
      : [V] extends [HostPort | null]
        ? HostPortKind
        : [V] extends [readonly HostPort[] | null]
          ? HostPortsKind
          : never;

export type OptionTable<T> = {
  readonly [Field in keyof T]: Described & KindOf<T[Field]> & Fallback<T[Field]>;
};

export type OptionOrigin = 'default' | 'file' | 'environment' | 'flag';

export interface OptionSources {
  /** As parsed from TOML: nested tables, or null if there is no file. */
  readonly file: {
    readonly path: string;
    readonly content: Readonly<Record<string, unknown>>;
  } | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** By key, without the dashes. */
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
}

/** What must hold between options. */
export interface OptionRelation<T> {
  readonly holds: (values: T) => boolean;
  /** Names both keys and says what to change. */
  readonly message: string;
}

export interface ResolvedOptions<T> {
  readonly values: T;
  readonly origins: Readonly<Record<keyof T, OptionOrigin>>;
}

/** The message has one line for each problem. */
export class OptionsError extends UserError {
  override readonly name = 'OptionsError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    assert(problems.length > 0, 'an options error has a problem');
    super(problems.join('\n'), 'All keys with their ranges: --help, or docs/configuration.md.');
    this.problems = problems;
  }
}

/** Fields and declarations in the order of the table. */
export function optionEntries<T>(table: OptionTable<T>): [keyof T & string, AnyOption][] {
  return Object.entries(table) as [keyof T & string, AnyOption][];
}

export function environmentName(key: string): string {
  return ENVIRONMENT_PREFIX + key.replaceAll('.', '_').toUpperCase();
}

/** Throws `OptionsError`. */
export function resolveOptions<T>(
  table: OptionTable<T>,
  sources: OptionSources,
  relations: readonly OptionRelation<T>[] = [],
): ResolvedOptions<T> {
  assertTable(table);
  const keys = optionEntries(table).map(([, option]) => option.key);
  const problems: string[] = [];
  const layers = [
    flagLayer(keys, sources.flags, problems),
    environmentLayer(keys, sources.environment, problems),
    fileLayer(keys, sources.file, problems),
  ];
  const values: Record<string, unknown> = {};
  const origins: Record<string, OptionOrigin> = {};
  for (const [field, option] of optionEntries(table)) {
    const layer = layers.find((one) => one.values.has(option.key));
    origins[field] = layer?.origin ?? 'default';
    if (layer !== undefined) values[field] = parsedFrom(layer, option, problems);
    else if (option.required === true) problems.push(missingText(option));
    else values[field] = option.default;
  }
  if (problems.length > 0) throw new OptionsError(problems);
  // Every field was parsed by the kind that the table's type demands for it.
  const resolved = { values, origins } as unknown as ResolvedOptions<T>;
  const broken = relations.filter((relation) => !relation.holds(resolved.values));
  if (broken.length > 0) throw new OptionsError(broken.map((relation) => relation.message));
  return resolved;
}

/**
 * The values of the defaults alone, for tests and the simulator; `overrides` fills in what is
 * required.
 */
export function defaultOptions<T>(table: OptionTable<T>, overrides: Partial<T> = {}): T {
  const values: Record<string, unknown> = {};
  for (const [field, option] of optionEntries(table)) {
    const given = overrides[field];
    assert(given !== undefined || option.required !== true, 'a required option is given');
    values[field] = given === undefined ? option.default : given;
  }
  return values as T;
}

interface Layer {
  readonly origin: OptionOrigin;
  readonly values: ReadonlyMap<string, unknown>;
  /** Where a value of `key` stands, for messages. */
  readonly place: (key: string) => string;
}

function parsedFrom(layer: Layer, option: AnyOption, problems: string[]): unknown {
  const raw = layer.values.get(option.key);
  const parsed = parseOptionValue(option, raw);
  if (parsed.ok) return parsed.value;
  const shown = typeof raw === 'string' ? `"${raw}"` : String(JSON.stringify(raw));
  problems.push(`${layer.place(option.key)} = ${shown}: ${parsed.problem}`);
  return undefined;
}

function missingText(option: AnyOption): string {
  const name = environmentName(option.key);
  return `${option.key} is not set: give it in the configuration file, as --${option.key} or as ${name} (${kindText(option)})`;
}

function unknownText(place: string, name: string, names: readonly string[]): string {
  const near = nearestName(name, names);
  return `${place}unknown option ${name}${near === null ? '' : `; did you mean ${near}?`}`;
}

function flagLayer(
  keys: readonly string[],
  flags: OptionSources['flags'],
  problems: string[],
): Layer {
  const values = new Map<string, unknown>();
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    if (keys.includes(key)) values.set(key, value);
    else {
      const names = keys.map((one) => `--${one}`);
      problems.push(unknownText('', `--${key}`, names));
    }
  }
  return { origin: 'flag', values, place: (key) => `--${key}` };
}

function environmentLayer(
  keys: readonly string[],
  environment: OptionSources['environment'],
  problems: string[],
): Layer {
  const keyOfName = new Map(keys.map((key) => [environmentName(key), key]));
  const sections = [...new Set(keys.map((key) => `${environmentName(key.split('.')[0]!)}_`))];
  const values = new Map<string, unknown>();
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) continue;
    const key = keyOfName.get(name);
    if (key !== undefined) values.set(key, value);
    else if (sections.some((section) => name.startsWith(section))) {
      problems.push(unknownText('environment: ', name, [...keyOfName.keys()]));
    }
  }
  return { origin: 'environment', values, place: environmentName };
}

function fileLayer(
  keys: readonly string[],
  file: OptionSources['file'],
  problems: string[],
): Layer {
  const values = new Map<string, unknown>();
  if (file !== null) {
    for (const [key, value] of leaves(file.content, '')) {
      if (keys.includes(key)) values.set(key, value);
      else problems.push(unknownText(`${file.path}: `, key, keys));
    }
  }
  return { origin: 'file', values, place: (key) => `${file?.path ?? ''}: ${key}` };
}

function* leaves(
  content: Readonly<Record<string, unknown>>,
  prefix: string,
): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(content)) {
    const isTable = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (isTable) yield* leaves(value as Record<string, unknown>, `${prefix}${name}.`);
    else yield [`${prefix}${name}`, value];
  }
}

/** The rules for whoever writes a table. */
function assertTable<T>(table: OptionTable<T>): void {
  const seen = new Set<string>();
  for (const [, option] of optionEntries(table)) {
    assert(
      /^[a-z]+(_[a-z0-9]+)*(\.[a-z][a-z0-9_]*)+$/.test(option.key),
      'keys are section.snake_case',
    );
    assert(!seen.has(option.key), 'a key is declared once');
    assert(option.help.length > 0, 'an option has a help text');
    seen.add(option.key);
    if (option.required === true || option.default === null) continue;
    const written = parseOptionValue(option, defaultText(option));
    assert(written.ok, 'a default can be written and lies in its range');
  }
}
