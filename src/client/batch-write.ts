/**
 * Writes of many rows of any hash keys.
 *
 * Rows of one hash key go together in requests of bounded size, one after the other, so that a row
 * that occurs twice ends as the later of the two; hash keys go side by side. The rows of one
 * request share its fate, except that a request that is too large for a server is taken apart. Rows
 * of the empty hash key have no partition in common and go alone.
 */
import { toHex } from '../base/bytes.ts';
import { ErrorCode, errorName } from '../base/error-names.ts';
import { inParallel } from '../base/in-parallel.ts';
import { toBytes, toKey } from './arguments.ts';
import type { OptionsLeft } from './batch-read.ts';
import { InDoubtError, PegasusError, type WriteOutcome } from './errors.ts';
import type { NewRow, RowKey, Table } from './table-api.ts';

const ROWS_MAX = 200;
/** A quarter of what servers take in one write by default. */
const BYTES_MAX = 256 * 1024;
const TOO_LARGE: string = errorName(ErrorCode.invalidData);
const OK: WriteOutcome = { status: 'ok' };

/** One request. */
interface Chunk<Item> {
  readonly hashKey: Uint8Array;
  readonly ttlSeconds: number | undefined;
  readonly items: Item[];
  /** Index of each item in the caller's list. */
  readonly positions: number[];
  bytes: number;
}

interface WriteItem {
  readonly sortKey: Uint8Array;
  readonly value: Uint8Array | null;
}

export function writeRows(
  table: Table,
  rows: readonly NewRow[],
  parallelism: number,
  options: OptionsLeft,
): Promise<WriteOutcome[]> {
  return writeLanes(rows, parallelism, ({ hashKey, ttlSeconds, items }) => {
    const first = items[0]!;
    const rest = { ...options(), ttlSeconds };
    if (items.length === 1) return table.set(hashKey, first.sortKey, first.value!, rest);
    const entries = items.map(({ sortKey, value }) => [sortKey, value!] as const);
    return table.multiSet(hashKey, entries, rest);
  });
}

export function deleteRows(
  table: Table,
  keys: readonly RowKey[],
  parallelism: number,
  options: OptionsLeft,
): Promise<WriteOutcome[]> {
  return writeLanes(keys, parallelism, ({ hashKey, items }) => {
    const sortKeys = items.map(({ sortKey }) => sortKey);
    if (sortKeys.length === 1) return table.del(hashKey, sortKeys[0]!, options());
    return table.multiDel(hashKey, sortKeys, options());
  });
}

async function writeLanes(
  rows: readonly (RowKey | NewRow)[],
  parallelism: number,
  write: (chunk: Chunk<WriteItem>) => Promise<void>,
): Promise<WriteOutcome[]> {
  const outcomes = new Array<WriteOutcome>(rows.length).fill(OK);
  await inParallel(toLanes(rows), parallelism, async (lane) => {
    for (const chunk of lane) {
      const outcome = await outcomeOf(write(chunk));
      if (isTooLarge(outcome) && chunk.items.length > 1) {
        for (const one of singles(chunk)) outcomes[one.positions[0]!] = await outcomeOf(write(one));
      } else {
        for (const position of chunk.positions) outcomes[position] = outcome;
      }
    }
  });
  return outcomes;
}

/** What servers answer to a write above their limit, before they do anything. */
function isTooLarge(outcome: WriteOutcome): boolean {
  return outcome.status === 'error' && outcome.error.serverCode === TOO_LARGE;
}

function singles(chunk: Chunk<WriteItem>): Chunk<WriteItem>[] {
  return chunk.items.map((item, index) => ({
    ...chunk,
    items: [item],
    positions: [chunk.positions[index]!],
  }));
}

async function outcomeOf(written: Promise<void>): Promise<WriteOutcome> {
  try {
    await written;
    return OK;
  } catch (error) {
    if (error instanceof InDoubtError) return { status: 'inDoubt', error };
    if (!(error instanceof PegasusError)) throw error;
    return { status: 'error', error };
  }
}

/** What has to go one after the other. Throws `InvalidArgumentError`. */
function toLanes(rows: readonly (RowKey | NewRow)[]): Chunk<WriteItem>[][] {
  const lanes = new Map<string, Chunk<WriteItem>[]>();
  for (const [position, row] of rows.entries()) {
    toKey(row.hashKey, row.sortKey, { high: 0, low: 0 });
    const hashKey = toBytes(row.hashKey);
    const sortKey = toBytes(row.sortKey);
    const value = 'value' in row ? toBytes(row.value) : null;
    const ttlSeconds = 'value' in row ? row.ttlSeconds : undefined;
    const bytes = sortKey.length + (value?.length ?? 0);
    const isAlone = hashKey.length === 0;
    const name = isAlone ? `/${toHex(sortKey)}` : toHex(hashKey);
    const lane = lanes.get(name) ?? [];
    lanes.set(name, lane);
    let chunk = lane.at(-1);
    const fits = !isAlone && chunk !== undefined && hasRoom(chunk, ttlSeconds, bytes);
    if (chunk === undefined || !fits) {
      chunk = { hashKey, ttlSeconds, items: [], positions: [], bytes: 0 };
      lane.push(chunk);
    }
    chunk.items.push({ sortKey, value });
    chunk.positions.push(position);
    chunk.bytes += bytes;
  }
  return [...lanes.values()];
}

function hasRoom(chunk: Chunk<WriteItem>, ttlSeconds: number | undefined, bytes: number): boolean {
  if (chunk.items.length >= ROWS_MAX) return false;
  return chunk.ttlSeconds === ttlSeconds && chunk.bytes + bytes <= BYTES_MAX;
}
