/** What all state stores share: how large entries are, what goes into one piece, and the id of a new cluster. */
import { assert, assertAtMost } from '../base/assert.ts';
import { toHex } from '../base/bytes.ts';
import { utf8Length } from '../base/utf8.ts';
import type { WriteLimits } from '../env/coordination.ts';
import type { Random } from '../env/random.ts';
import {
  STATE_APPEND_BYTES_MAX,
  STATE_ENTRY_BYTES_MAX,
  type StateEntry,
} from '../env/state-store.ts';

/** As the limits count them. */
export function entryBytes(entry: StateEntry): number {
  return utf8Length(entry.key) + entry.value.length;
}

export function assertAppendable(entries: readonly StateEntry[]): void {
  assert(entries.length > 0, 'an append holds something');
  let total = 0;
  for (const entry of entries) {
    const bytes = entryBytes(entry);
    assertAtMost(bytes, STATE_ENTRY_BYTES_MAX, 'an entry is not larger than every store takes');
    total += bytes;
  }
  assertAtMost(total, STATE_APPEND_BYTES_MAX, 'an append is not larger than every store takes');
}

/** In order, each within the limits. */
export function splitByLimits(entries: readonly StateEntry[], limits: WriteLimits): StateEntry[][] {
  const pieces: StateEntry[][] = [];
  let piece: StateEntry[] = [];
  let pieceBytes = 0;
  for (const entry of entries) {
    const bytes = entryBytes(entry);
    assertAtMost(bytes, limits.bytesMax, 'an entry fits into one write');
    if (piece.length === limits.changesMax || pieceBytes + bytes > limits.bytesMax) {
      pieces.push(piece);
      piece = [];
      pieceBytes = 0;
    }
    piece.push(entry);
    pieceBytes += bytes;
  }
  if (piece.length > 0) pieces.push(piece);
  return pieces;
}

/** 128 random bits, in hex. */
export function randomClusterId(random: Random): string {
  const bytes = new Uint8Array(16);
  for (let index = 0; index < bytes.length; index++) bytes[index] = random.below(256);
  return toHex(bytes);
}
