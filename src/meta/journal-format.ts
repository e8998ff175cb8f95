/**
 * Bytes of the embedded journal: frames, each one append.
 *
 *   u32 magic "PMJ1" · u32 payload length · u64 sequence · u32 CRC-32C of the payload
 *   u32 CRC-32C of these 20 bytes · payload
 *
 * all big-endian. The first frame of a file is its header, as JSON. The others hold entries:
 *   u32 count, then for each: u32 key length, key (UTF-8), u32 value length, value.
 *
 * Where a file stops being readable there are two cases, and they must not be mixed up. Appends are
 * synced one by one, so a crash can spoil the last one only: nothing intact follows, the tail is
 * *torn* and was never acknowledged. When an intact frame with a later sequence number follows, the
 * middle is *corrupt*: acknowledged changes are lost, and nobody may go on as if nothing had
 * happened. (A rotten last frame looks like a torn one. No file alone can tell them apart.)
 */
import { assert, assertSafeInteger } from '../base/assert.ts';
import { crc32c } from '../base/crc32c.ts';
import { decodeUtf8, encodeUtf8, utf8Length, writeUtf8 } from '../base/utf8.ts';
import type { StateEntry } from '../env/state-store.ts';

const MAGIC = 0x504d4a31;
export const FRAME_HEADER_BYTES = 24;
/** Far above any append; a larger length is damage. */
export const PAYLOAD_BYTES_MAX: number = 256 * 1024 * 1024;

/** The newest format that this program reads, and the one that it writes. */
export const JOURNAL_FORMAT = 1;

export interface JournalHeader {
  readonly format: number;
  readonly kind: 'snapshot' | 'journal';
  readonly clusterName: string;
  readonly clusterId: string;
  readonly generation: number;
  readonly epoch: number;
}

export interface Frame {
  readonly sequence: number;
  readonly payload: Uint8Array;
  /** Where the next frame starts. */
  readonly end: number;
}

export function encodeFrame(sequence: number, payload: Uint8Array): Uint8Array {
  assertSafeInteger(sequence, 'sequence of a frame');
  assert(payload.length <= PAYLOAD_BYTES_MAX, 'a frame is not larger than what is read back');
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC);
  view.setUint32(4, payload.length);
  view.setUint32(8, Math.floor(sequence / 0x1_0000_0000));
  view.setUint32(12, sequence >>> 0);
  view.setUint32(16, crc32c(payload, 0, payload.length));
  view.setUint32(20, crc32c(bytes, 0, 20));
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** The frame that starts at `at`, or null if there is no whole and intact one. */
export function readFrame(bytes: Uint8Array, at: number): Frame | null {
  if (bytes.length - at < FRAME_HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEADER_BYTES);
  if (view.getUint32(0) !== MAGIC) return null;
  if (view.getUint32(20) !== crc32c(bytes, at, at + 20)) return null;
  const length = view.getUint32(4);
  const start = at + FRAME_HEADER_BYTES;
  const end = start + length;
  if (length > PAYLOAD_BYTES_MAX || end > bytes.length) return null;
  if (view.getUint32(16) !== crc32c(bytes, start, end)) return null;
  const sequence = view.getUint32(8) * 0x1_0000_0000 + view.getUint32(12);
  return { sequence, payload: bytes.subarray(start, end), end };
}

/**
 * Where an intact frame with a sequence number of at least `sequence` starts at or after `from`; -1
 * if nowhere.
 */
export function findFrameAfter(bytes: Uint8Array, from: number, sequence: number): number {
  for (let at = from; at + FRAME_HEADER_BYTES <= bytes.length; at++) {
    if (bytes[at] !== MAGIC >>> 24) continue;
    const frame = readFrame(bytes, at);
    if (frame !== null && frame.sequence >= sequence) return at;
  }
  return -1;
}

export function encodeHeader(header: JournalHeader): Uint8Array {
  return encodeUtf8(JSON.stringify(header));
}

/** Null when the payload is no header. Of a newer format only `format` is sure to be right. */
export function decodeHeader(payload: Uint8Array): JournalHeader | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(decodeUtf8(payload));
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const header = parsed as Partial<Record<keyof JournalHeader, unknown>>;
  if (!Number.isSafeInteger(header.format)) return null;
  if ((header.format as number) > JOURNAL_FORMAT) return parsed as JournalHeader;
  const isWhole =
    (header.kind === 'snapshot' || header.kind === 'journal') &&
    typeof header.clusterName === 'string' &&
    typeof header.clusterId === 'string' &&
    Number.isSafeInteger(header.generation) &&
    Number.isSafeInteger(header.epoch);
  return isWhole ? (parsed as JournalHeader) : null;
}

export function encodeEntries(entries: readonly StateEntry[]): Uint8Array {
  let length = 4;
  for (const { key, value } of entries) length += 8 + utf8Length(key) + value.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, entries.length);
  let at = 4;
  for (const { key, value } of entries) {
    const keyEnd = writeUtf8(key, bytes, at + 4);
    view.setUint32(at, keyEnd - at - 4);
    view.setUint32(keyEnd, value.length);
    bytes.set(value, keyEnd + 4);
    at = keyEnd + 4 + value.length;
  }
  assert(at === length, 'the entries fill their payload');
  return bytes;
}

/** Null when the payload is not what `encodeEntries` makes. The values are copies. */
export function decodeEntries(payload: Uint8Array): StateEntry[] | null {
  if (payload.length < 4) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const count = view.getUint32(0);
  const entries: StateEntry[] = [];
  let at = 4;
  for (let index = 0; index < count; index++) {
    if (at + 4 > payload.length) return null;
    const keyStart = at + 4;
    const keyEnd = keyStart + view.getUint32(at);
    if (keyEnd + 4 > payload.length) return null;
    const valueStart = keyEnd + 4;
    const valueEnd = valueStart + view.getUint32(keyEnd);
    if (valueEnd > payload.length) return null;
    const key = decodeUtf8(payload, keyStart, keyEnd);
    entries.push({ key, value: payload.slice(valueStart, valueEnd) });
    at = valueEnd;
  }
  return at === payload.length ? entries : null;
}
