/**
 * Kinds of options, and their values: from what files, variables and flags hold to what code gets, and back to text.
 *
 * Files hold numbers, booleans and arrays as well as text; variables and flags hold text only (a boolean flag may be
 * `true`). Text is accepted everywhere, so `"10s"` in a file is a duration.
 */
import { unreachable } from './assert.ts';
import { type HostPort, hostPortText, parseHostPort } from './host-port.ts';

export interface Described {
  readonly key: string;
  /** One or two sentences: what it does, what a larger or smaller value costs. */
  readonly help: string;
}

export interface NumericKind {
  /**
   * `integer` and `number` have no unit, `duration` is in milliseconds (written `500`, `500ms`, `10s`, `5m`, `1h`,
   * `1d`), `bytes` is in bytes (written `4096`, `64KiB`, `1MiB`, `2GiB`).
   */
  readonly type: 'integer' | 'number' | 'duration' | 'bytes';
  /** Inclusive. Default 0. */
  readonly minimum?: number;
  /** Inclusive. */
  readonly maximum?: number;
}
export interface TextKind {
  readonly type: 'string';
}
export interface BooleanKind {
  readonly type: 'boolean';
}
export interface EnumerationKind<V = string> {
  readonly type: 'enumeration';
  readonly values: readonly V[];
}
export interface HostPortKind {
  readonly type: 'hostPort';
}
export interface HostPortsKind {
  /** Separated by commas where it is one text. At least one. */
  readonly type: 'hostPorts';
}

export type OptionKind =
  | NumericKind
  | TextKind
  | BooleanKind
  | EnumerationKind
  | HostPortKind
  | HostPortsKind;

/** A declaration whose field type is not known: what the machinery works with. */
export type AnyOption = Described &
  OptionKind & { readonly default?: unknown; readonly required?: true };

export type Parsed =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string };

interface Unit {
  readonly name: string;
  readonly size: number;
}

/** Ascending. */
const DURATION_UNITS: readonly Unit[] = [
  { name: 'ms', size: 1 },
  { name: 's', size: 1_000 },
  { name: 'm', size: 60_000 },
  { name: 'h', size: 3_600_000 },
  { name: 'd', size: 86_400_000 },
];
const BYTE_UNITS: readonly Unit[] = [
  { name: 'B', size: 1 },
  { name: 'KiB', size: 2 ** 10 },
  { name: 'MiB', size: 2 ** 20 },
  { name: 'GiB', size: 2 ** 30 },
  { name: 'TiB', size: 2 ** 40 },
];

export function parseOptionValue(option: AnyOption, raw: unknown): Parsed {
  const value = readValue(option, raw);
  if (value === undefined) return { ok: false, problem: `expected ${kindText(option)}` };
  return { ok: true, value };
}

/** What may be written, with the range, as a noun phrase. */
export function kindText(option: AnyOption): string {
  switch (option.type) {
    case 'string':
      return 'a text that is not empty';
    case 'boolean':
      return 'true or false';
    case 'enumeration':
      return `one of ${option.values.join(', ')}`;
    case 'hostPort':
      return 'an address HOST:PORT';
    case 'hostPorts':
      return 'one or more addresses HOST:PORT, separated by commas';
    case 'integer':
      return `an integer${rangeText(option)}`;
    case 'number':
      return `a number${rangeText(option)}`;
    case 'duration':
      return `a duration${rangeText(option)}, such as 500ms, 10s or 5m`;
    case 'bytes':
      return `a size${rangeText(option)}, such as 4096, 64KiB or 1GiB`;
    default:
      return unreachable(option);
  }
}

/** Placeholder of the value in `--help`. */
export function placeholderText(option: AnyOption): string {
  return option.type === 'enumeration' ? option.values.join('|') : option.type;
}

/** The default as it can be written; empty if there is none. */
export function defaultText(option: AnyOption): string {
  if (option.default === undefined || option.default === null) return '';
  return valueText(option, option.default);
}

/** `value` must be one of this option. */
export function valueText(option: AnyOption, value: unknown): string {
  switch (option.type) {
    case 'hostPort':
      return hostPortText(value as HostPort);
    case 'hostPorts':
      return (value as readonly HostPort[]).map(hostPortText).join(',');
    case 'duration':
      return withUnit(value as number, DURATION_UNITS);
    case 'bytes':
      return withUnit(value as number, BYTE_UNITS);
    default:
      return String(value);
  }
}

/** Undefined when `raw` is no such value. */
function readValue(option: AnyOption, raw: unknown): unknown {
  switch (option.type) {
    case 'string':
      return typeof raw === 'string' && raw !== '' ? raw : undefined;
    case 'boolean':
      return booleanOf(raw);
    case 'enumeration':
      return option.values.find((value) => value === raw);
    case 'hostPort':
      return addressOf(raw);
    case 'hostPorts':
      return addressesOf(raw);
    case 'integer':
    case 'number':
      return inRange(option, numberOf(raw, []));
    case 'duration':
      return inRange(option, numberOf(raw, DURATION_UNITS));
    case 'bytes':
      return inRange(option, numberOf(raw, BYTE_UNITS));
    default:
      return unreachable(option);
  }
}

function booleanOf(raw: unknown): boolean | undefined {
  if (typeof raw === 'boolean') return raw;
  if (raw === 'true' || raw === '1') return true;
  return raw === 'false' || raw === '0' ? false : undefined;
}

function addressOf(raw: unknown): HostPort | undefined {
  if (typeof raw !== 'string') return undefined;
  const address = parseHostPort(raw.trim());
  if (address === null || /[\s/,:]/.test(address.host)) return undefined;
  return address;
}

function addressesOf(raw: unknown): HostPort[] | undefined {
  const parts: unknown[] | null =
    typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : null;
  if (parts === null || parts.length === 0) return undefined;
  const addresses = parts.map(addressOf);
  return addresses.every((address) => address !== undefined) ? addresses : undefined;
}

function numberOf(raw: unknown, units: readonly Unit[]): number | undefined {
  if (typeof raw === 'number') return raw;
  if (typeof raw !== 'string') return undefined;
  const match = /^\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([a-z]*)\s*$/i.exec(raw);
  if (match === null) return undefined;
  const unitName = match[2]!.toLowerCase();
  if (unitName === '') return Number(match[1]);
  const unit = units.find((one) => one.name.toLowerCase() === unitName);
  return unit === undefined ? undefined : Number(match[1]) * unit.size;
}

function inRange(kind: NumericKind, value: number | undefined): number | undefined {
  if (value === undefined || !Number.isFinite(value)) return undefined;
  if (kind.type !== 'number' && !Number.isSafeInteger(value)) return undefined;
  if (value < (kind.minimum ?? 0)) return undefined;
  if (kind.maximum !== undefined && value > kind.maximum) return undefined;
  return value;
}

function rangeText(kind: NumericKind): string {
  const units = kind.type === 'duration' ? DURATION_UNITS : kind.type === 'bytes' ? BYTE_UNITS : [];
  const minimum = withUnit(kind.minimum ?? 0, units);
  if (kind.maximum === undefined) return ` of at least ${minimum}`;
  return ` from ${minimum} to ${withUnit(kind.maximum, units)}`;
}

/** In the largest unit that leaves no fraction. */
function withUnit(value: number, units: readonly Unit[]): string {
  const unit = units.findLast((one) => value % one.size === 0 && value >= one.size);
  if (unit === undefined || unit.name === 'B') return String(value);
  return `${value / unit.size}${unit.name}`;
}
