/** Finds a key in a write batch without making objects of its records. */
import type { ValueView } from '../env/engine.ts';
import { BATCH_HEADER_BYTES, RecordTag } from './batch-format.ts';

/**
 * The last record of `key` among those in `bytes[BATCH_HEADER_BYTES … end)`, null if there is none;
 * `into` gets its value. The records were built here or have been checked.
 */
export function findLastRecord(
  bytes: Uint8Array,
  end: number,
  key: Uint8Array,
  into: ValueView,
): RecordTag | null {
  let found: RecordTag | null = null;
  let at = BATCH_HEADER_BYTES;
  while (at < end) {
    const tag = bytes[at]! as RecordTag;
    let length = 0;
    let shift = 0;
    at += 1;
    for (; bytes[at]! >= 0x80; at++, shift += 7) length += (bytes[at]! & 0x7f) * 2 ** shift;
    length += bytes[at]! * 2 ** shift;
    const keyAt = at + 1;
    at = keyAt + length;
    const isSame = length === key.length && startsWith(bytes, keyAt, key);
    if (tag === RecordTag.delete) {
      if (isSame) found = tag;
      continue;
    }
    let valueLength = 0;
    shift = 0;
    for (; bytes[at]! >= 0x80; at++, shift += 7) valueLength += (bytes[at]! & 0x7f) * 2 ** shift;
    valueLength += bytes[at]! * 2 ** shift;
    const valueAt = at + 1;
    at = valueAt + valueLength;
    if (!isSame) continue;
    found = tag;
    into.bytes = bytes;
    into.start = valueAt;
    into.end = at;
  }
  return found;
}

function startsWith(bytes: Uint8Array, at: number, key: Uint8Array): boolean {
  for (let index = key.length - 1; index >= 0; index--) {
    if (bytes[at + index] !== key[index]) return false;
  }
  return true;
}
