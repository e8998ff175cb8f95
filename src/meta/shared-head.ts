/**
 * What a meta server keeps at the head of a store that is shared: whose the state is, whose term it is, and how many
 * changes the term has made. And the changes that are too large for one write: they are staged under keys of their
 * own, in parts, before the head says that they count.
 */
import { assert } from '../base/assert.ts';
import { concatBytes } from '../base/bytes.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import { STATE_ENTRY_BYTES_MAX, type StateEntry } from '../env/state-store.ts';
import { decodeEntries, encodeEntries } from './journal-format.ts';

/** The newest format that this program reads, and the one that it writes. */
export const SHARED_FORMAT = 1;

export interface SharedHead {
  readonly format: number;
  readonly clusterName: string;
  readonly clusterId: string;
  readonly epoch: number;
  /** `host:port` of all meta servers, sorted, as whoever began the term was configured. */
  readonly metaServers: readonly string[];
  /** Changes of this epoch. With the epoch it tells any two values of the head apart. */
  readonly sequence: number;
  /** Parts of a change that counts but may not stand under its own keys yet; 0 = there is none. */
  readonly stagedCount: number;
  /** The state of another store is being put here and is not whole (state-transfer.ts): no term may begin. */
  readonly isPartial?: boolean;
}

const STAGED_PREFIX = 'staged/';
/** Leaves room for the key. */
const PART_BYTES_MAX = STATE_ENTRY_BYTES_MAX - 1_024;

export function encodeHead(head: SharedHead): Uint8Array {
  return encodeUtf8(JSON.stringify(head));
}

/** Null when the value is no head. Of a newer format only `format` is sure to be right. */
export function decodeHead(value: Uint8Array): SharedHead | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decodeUtf8(value));
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const head = parsed as Partial<Record<keyof SharedHead, unknown>>;
  if (!isCount(head.format, 1)) return null;
  if (head.format > SHARED_FORMAT) return parsed as SharedHead;
  const isWhole =
    typeof head.clusterName === 'string' &&
    typeof head.clusterId === 'string' &&
    isCount(head.epoch, 1) &&
    isTexts(head.metaServers) &&
    isCount(head.sequence, 0) &&
    isCount(head.stagedCount, 0);
  return isWhole ? (parsed as SharedHead) : null;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}

function isCount(value: unknown, minimum: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= minimum;
}

export function isStagedKey(key: string): boolean {
  return key.startsWith(STAGED_PREFIX);
}

export function stagedKey(index: number): string {
  return `${STAGED_PREFIX}${String(index).padStart(4, '0')}`;
}

export function encodeStaged(entries: readonly StateEntry[]): StateEntry[] {
  const payload = encodeEntries(entries);
  const parts: StateEntry[] = [];
  for (let start = 0; start < payload.length; start += PART_BYTES_MAX) {
    const value = payload.subarray(start, start + PART_BYTES_MAX);
    parts.push({ key: stagedKey(parts.length), value });
  }
  assert(parts.length > 0, 'a staged change has a part');
  return parts;
}

/** Null when parts are missing or damaged. */
export function decodeStaged(
  content: ReadonlyMap<string, Uint8Array>,
  stagedCount: number,
): StateEntry[] | null {
  const parts: Uint8Array[] = [];
  for (let index = 0; index < stagedCount; index++) {
    const part = content.get(stagedKey(index));
    if (part === undefined) return null;
    parts.push(part);
  }
  return decodeEntries(concatBytes(parts));
}
