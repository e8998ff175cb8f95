/**
 * The state of a meta server as one file that can be checked, read by people, and moved into any store.
 *
 * Lines of JSON. The first says what it is and whose, how many entries follow, and the CRC-64 of itself without that
 * digest and of all that follows; each other line is one entry, sorted by key. A value is text where its bytes are
 * text, which they are for all records of cluster/records.ts, and hexadecimal otherwise.
 *
 * What a file must pass before anything is done with it: format, digest, count, each key once; and that a meta
 * server could begin with its entries (`checkState`).
 */
import { assert } from '../base/assert.ts';
import { bytesEqual, concatBytes, toHex } from '../base/bytes.ts';
import { crc64, type U64 } from '../base/crc64.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { ClusterState } from '../cluster/cluster-state.ts';
import { decodeRecord, StateFormatError, type StateRecord } from '../cluster/records.ts';
import { STATE_ENTRY_BYTES_MAX, type StateEntry, StateStoreError } from '../env/state-store.ts';
import { entryBytes } from './state-entries.ts';

/** The newest format that this program reads, and the one that it writes. */
export const DUMP_FORMAT = 1;

/** All that a store holds, wherever it holds it. */
export interface StateContent {
  readonly clusterName: string;
  readonly clusterId: string;
  /** Of the last term. */
  readonly epoch: number;
  readonly entries: readonly StateEntry[];
}

export interface StateDump extends StateContent {
  /** When it was taken, seconds since 1970. */
  readonly takenSeconds: number;
}

export interface StateCounts {
  readonly tables: number;
  readonly partitions: number;
  readonly nodes: number;
  /** Entries of parts of the system that this version does not know; they are kept. */
  readonly others: number;
}

interface DumpHeader {
  readonly pegasusMetaDump: number;
  readonly clusterName: string;
  readonly clusterId: string;
  readonly epoch: number;
  readonly takenSeconds: number;
  readonly entryCount: number;
}

interface DumpLine {
  readonly key: string;
  readonly text?: string;
  readonly hex?: string;
}

export function encodeDump(dump: StateDump): Uint8Array {
  const sorted = [...dump.entries].sort((a, b) => (a.key < b.key ? -1 : 1));
  const body = concatBytes(sorted.map((entry) => encodeUtf8(`${lineOf(entry)}\n`)));
  const header: DumpHeader = {
    pegasusMetaDump: DUMP_FORMAT,
    clusterName: dump.clusterName,
    clusterId: dump.clusterId,
    epoch: dump.epoch,
    takenSeconds: dump.takenSeconds,
    entryCount: sorted.length,
  };
  const digest = digestOf(header, body);
  return concatBytes([encodeUtf8(`${JSON.stringify({ ...header, digest })}\n`), body]);
}

/** `path` is for messages only. Throws `StateStoreError`. */
export function decodeDump(path: string, bytes: Uint8Array): StateDump {
  const firstEnd = bytes.indexOf(LINE_FEED);
  const first = firstEnd < 0 ? null : parseObject(decodeUtf8(bytes, 0, firstEnd));
  if (first === null || !Number.isSafeInteger(first['pegasusMetaDump'])) throw foreign(path);
  const { digest, ...header } = first;
  const format = header['pegasusMetaDump'] as number;
  if (format > DUMP_FORMAT) {
    throw new StateStoreError(
      'newerFormat',
      `${path} has format ${format}; this program reads formats up to ${DUMP_FORMAT}.`,
      'Use the version of the program that wrote it, or a later one.',
    );
  }
  const body = bytes.subarray(firstEnd + 1);
  if (digest !== digestOf(header, body)) throw corrupt(path, 'the digest does not fit the content');
  if (!isHeader(header)) throw corrupt(path, 'the first line lacks something');
  const lines = decodeUtf8(body).split('\n');
  if (lines.pop() !== '') throw corrupt(path, 'the last line is not whole');
  if (lines.length !== header.entryCount) throw corrupt(path, 'entries are missing');
  const entries = lines.map((line) => entryOf(path, line));
  if (new Set(entries.map(({ key }) => key)).size !== entries.length) {
    throw corrupt(path, 'a key is there twice');
  }
  const { clusterName, clusterId, epoch, takenSeconds } = header;
  return { clusterName, clusterId, epoch, takenSeconds, entries };
}

/** Whether a meta server could begin with these entries; `source` is for messages. Throws `StateStoreError`. */
export function checkState(source: string, entries: readonly StateEntry[]): StateCounts {
  const records: StateRecord[] = [];
  try {
    for (const entry of entries) {
      const record = decodeRecord(entry);
      if (record !== null) records.push(record);
    }
    new ClusterState(1, 0).load(records, 0);
  } catch (error) {
    if (!(error instanceof StateFormatError)) throw error;
    throw corrupt(source, error.message);
  }
  const count = (kind: StateRecord['kind']): number =>
    records.filter((record) => record.kind === kind).length;
  return {
    tables: count('table'),
    partitions: count('partition'),
    nodes: count('node'),
    others: entries.length - records.length,
  };
}

const LINE_FEED = 10;

function lineOf({ key, value }: StateEntry): string {
  const text = decodeUtf8(value);
  const line: DumpLine = bytesEqual(encodeUtf8(text), value)
    ? { key, text }
    : { key, hex: toHex(value) };
  return JSON.stringify(line);
}

function entryOf(path: string, text: string): StateEntry {
  const line = parseObject(text);
  const key = line?.['key'];
  if (line === null || typeof key !== 'string') throw corrupt(path, 'a line is no entry');
  const value = bytesOfValue(line);
  if (value === null) throw corrupt(path, `the entry ${key} has no value`);
  const entry = { key, value };
  if (entryBytes(entry) > STATE_ENTRY_BYTES_MAX)
    throw corrupt(path, `the entry ${key} is too long`);
  return entry;
}

function bytesOfValue(line: Readonly<Record<string, unknown>>): Uint8Array | null {
  const { text, hex } = line;
  if (typeof text === 'string') return encodeUtf8(text);
  if (typeof hex !== 'string' || !/^(?:[0-9a-f]{2})*$/.test(hex)) return null;
  const value = new Uint8Array(hex.length / 2);
  for (let index = 0; index < value.length; index++) {
    value[index] = Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16);
  }
  return value;
}

/** The header is written the same way whenever it is read: JSON keeps the order of its names. */
function digestOf(header: object, body: Uint8Array): string {
  const head = encodeUtf8(`${JSON.stringify(header)}\n`);
  const bytes = concatBytes([head, body]);
  const sum: U64 = { high: 0, low: 0 };
  crc64(bytes, 0, bytes.length, sum);
  const digits = (half: number): string => half.toString(16).padStart(8, '0');
  return `${digits(sum.high)}${digits(sum.low)}`;
}

function isHeader(
  header: Readonly<Record<string, unknown>>,
): header is Record<string, unknown> & DumpHeader {
  const { clusterName, clusterId, epoch, takenSeconds, entryCount } = header;
  const isCount = (value: unknown): boolean =>
    Number.isSafeInteger(value) && (value as number) >= 0;
  assert(typeof header['pegasusMetaDump'] === 'number', 'the format was looked at before');
  return (
    typeof clusterName === 'string' &&
    typeof clusterId === 'string' &&
    isCount(epoch) &&
    isCount(takenSeconds) &&
    isCount(entryCount)
  );
}

function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null
      ? (parsed as Readonly<Record<string, unknown>>)
      : null;
  } catch {
    return null;
  }
}

function foreign(path: string): StateStoreError {
  return new StateStoreError(
    'foreignFile',
    `${path} is no dump of a meta server.`,
    'Name a file that `pegasus meta export` or meta.dump has written.',
  );
}

function corrupt(source: string, what: string): StateStoreError {
  return new StateStoreError(
    'corrupt',
    `${source} is damaged: ${what}.`,
    'Nothing was changed. Use another copy or an older dump.',
  );
}
