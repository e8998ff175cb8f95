/**
 * The one file format of the in-memory engine: sorted rows, whole or not at all.
 *
 *   u32 magic, u32 version, u32 row count, rows (u32 key length, u32 value length, key, value), u32 CRC-32C of all
 *   before
 *
 * All little-endian. Keys are strictly ascending. Serves as the engine's state, as checkpoint and as file to ingest.
 */
import { assert } from '../../base/assert.ts';
import { compareBytes, EMPTY_BYTES } from '../../base/bytes.ts';
import { crc32c } from '../../base/crc32c.ts';
import { TreeCursor, type TreeSnapshot } from './engine-tree.ts';

const MAGIC = 0x456d6750;
const VERSION = 1;
const HEADER_BYTES = 12;
const ROW_HEADER_BYTES = 8;
const CHECKSUM_BYTES = 4;

export interface Row {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export function encodeSnapshot(snapshot: TreeSnapshot): Uint8Array {
  const rows: Row[] = [];
  const cursor = new TreeCursor(snapshot);
  for (cursor.seek(EMPTY_BYTES); cursor.valid; cursor.next()) {
    rows.push({ key: cursor.key, value: cursor.value });
  }
  return encodeRows(rows);
}

export function encodeRows(rows: readonly Row[]): Uint8Array {
  let length = HEADER_BYTES + CHECKSUM_BYTES;
  for (const row of rows) length += ROW_HEADER_BYTES + row.key.length + row.value.length;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(8, rows.length, true);
  let at = HEADER_BYTES;
  for (const row of rows) {
    view.setUint32(at, row.key.length, true);
    view.setUint32(at + 4, row.value.length, true);
    bytes.set(row.key, at + ROW_HEADER_BYTES);
    bytes.set(row.value, at + ROW_HEADER_BYTES + row.key.length);
    at += ROW_HEADER_BYTES + row.key.length + row.value.length;
  }
  view.setUint32(at, crc32c(bytes, 0, at), true);
  assert(at + CHECKSUM_BYTES === length, 'rows fill their file');
  return bytes;
}

/** Null when the file is damaged. Rows are views into `bytes`. */
export function decodeRows(bytes: Uint8Array): Row[] | null {
  if (bytes.length < HEADER_BYTES + CHECKSUM_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - CHECKSUM_BYTES;
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION) return null;
  if (view.getUint32(end, true) !== crc32c(bytes, 0, end)) return null;
  const rows: Row[] = [];
  let at = HEADER_BYTES;
  while (at < end) {
    if (end - at < ROW_HEADER_BYTES) return null;
    const keyEnd = at + ROW_HEADER_BYTES + view.getUint32(at, true);
    const valueEnd = keyEnd + view.getUint32(at + 4, true);
    if (valueEnd > end) return null;
    const key = bytes.subarray(at + ROW_HEADER_BYTES, keyEnd);
    const last = rows[rows.length - 1];
    if (last !== undefined && compareBytes(last.key, key) >= 0) return null;
    rows.push({ key, value: bytes.subarray(keyEnd, valueEnd) });
    at = valueEnd;
  }
  return rows.length === view.getUint32(8, true) ? rows : null;
}
