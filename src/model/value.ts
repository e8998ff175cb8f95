/**
 * Stored values, version 1 of the original: u32 BE expiry ‖ u64 BE time tag ‖ the user's bytes.
 *
 * Time tag: 56 bits of µs since 1970, 7 bits of cluster id, 1 bit "deleted"; of two clusters' writes to one key the
 * one with the greater tag wins. It is built from its parts here, since a double cannot hold it.
 */
import { assert, assertAtLeast } from '../base/assert.ts';

/** As the original numbers it. */
export const VALUE_VERSION = 1;

/** Where the user's bytes begin. */
export const VALUE_HEADER_BYTES = 12;

const MICROSECONDS_HIGH_UNIT = 0x1000000;

/** The low byte of a time tag. */
export function timetagByte(clusterId: number, deleted: boolean): number {
  assert(clusterId >= 1 && clusterId <= 127, 'a cluster id is in 1 … 127');
  return (clusterId << 1) | (deleted ? 1 : 0);
}

/** `tag` is a `timetagByte`. Returns the offset after the header. */
export function writeValueHeader(
  target: Uint8Array,
  at: number,
  expireSeconds: number,
  timestampUs: number,
  tag: number,
): number {
  assertAtLeast(timestampUs, 0, 'time tags start in 1970');
  const high = Math.floor(timestampUs / MICROSECONDS_HIGH_UNIT);
  const low = timestampUs % MICROSECONDS_HIGH_UNIT;
  target[at] = expireSeconds >>> 24;
  target[at + 1] = expireSeconds >>> 16;
  target[at + 2] = expireSeconds >>> 8;
  target[at + 3] = expireSeconds;
  target[at + 4] = high >>> 24;
  target[at + 5] = high >>> 16;
  target[at + 6] = high >>> 8;
  target[at + 7] = high;
  target[at + 8] = low >>> 16;
  target[at + 9] = low >>> 8;
  target[at + 10] = low;
  target[at + 11] = tag;
  return at + VALUE_HEADER_BYTES;
}

/** u32. The caller knows that the header is there. */
export function expireOf(bytes: Uint8Array, start: number): number {
  return (
    ((bytes[start]! << 24) |
      (bytes[start + 1]! << 16) |
      (bytes[start + 2]! << 8) |
      bytes[start + 3]!) >>>
    0
  );
}

/** µs since 1970. */
export function timestampOf(bytes: Uint8Array, start: number): number {
  const at = start + 4;
  const high =
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  const low = (bytes[at + 4]! << 16) | (bytes[at + 5]! << 8) | bytes[at + 6]!;
  return high * MICROSECONDS_HIGH_UNIT + low;
}
