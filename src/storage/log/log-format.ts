/**
 * Bytes of the log.
 *
 *   segment = block*
 *   block   = header (48) payload
 *     u32 magic            u32 payload bytes    u32 record count     u32 CRC-32C of the payload
 *     u64 log id           u64 block sequence   u64 synced sequence  u32 segment number
 *     u32 CRC-32C of the header before it
 *   payload = record*
 *   record  = header (60) body
 *     u32 kind             u32 body bytes       i32 app id           u32 partition index
 *     u64 ballot           u64 decree           u64 last committed   u64 timestamp µs
 *     i32 previous digest  i32 digest           u32 CRC-32C of the header before it
 *
 * Little-endian; u64 are safe integers. The log id is a random number per log: blocks of another
 * log never count. The synced sequence is the highest block known durable when the block was made.
 * Body and digest are those of the mutation. Other records have no body, a reset has `firstCopy`
 * (log-types.ts) in the place of the ballot; unused fields are 0.
 */
import { assert, assertAtLeast } from '../../base/assert.ts';
import { crc32c } from '../../base/crc32c.ts';
import { isIntact, Mutation } from '../../consensus/mutation.ts';
import {
  type Ballot,
  type Decree,
  type Gpid,
  gpidOf,
  PARTITION_INDEX_MAX,
} from '../../model/identity.ts';

export const BLOCK_HEADER_BYTES = 48;
export const RECORD_HEADER_BYTES = 60;
/** No byte of it repeats, so a search for the first byte rarely stops in vain. */
const BLOCK_MAGIC = 0xb10c_9e57;
const BLOCK_MAGIC_FIRST_BYTE = 0x57;
const HIGH = 0x1_0000_0000;

export const RecordKind = { mutation: 1, truncated: 2, reset: 3 } as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/** Random per log: two words. */
export interface LogId {
  readonly high: number;
  readonly low: number;
}

export interface BlockHeader {
  readonly payloadBytes: number;
  readonly recordCount: number;
  readonly payloadChecksum: number;
  readonly sequence: number;
  readonly syncedSequence: number;
}

/** Reused by the walker: valid until the next record. */
export class RecordHeader {
  kind: RecordKind = RecordKind.mutation;
  bodyBytes = 0;
  appId = 0;
  partitionIndex = 0;
  ballot = 0;
  decree = 0;
  lastCommittedDecree = 0;
  timestampUs = 0;
  previousDigest = 0;
  digest = 0;

  gpid(): Gpid {
    return gpidOf(this.appId, this.partitionIndex);
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function writeU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % HIGH, true);
  view.setUint32(at + 4, Math.floor(value / HIGH), true);
}

/** NaN when it is no safe integer. */
export function readU64(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  return high > 0x1f_ffff ? Number.NaN : high * HIGH + view.getUint32(at, true);
}

// ---- writing ----

export function writeMutation(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  mutation: Mutation,
): void {
  const { body, gpid } = mutation;
  view.setUint32(at, RecordKind.mutation, true);
  view.setUint32(at + 4, body.length, true);
  view.setInt32(at + 8, gpid.appId, true);
  view.setUint32(at + 12, gpid.partitionIndex, true);
  writeU64(view, at + 16, mutation.ballot);
  writeU64(view, at + 24, mutation.decree);
  writeU64(view, at + 32, mutation.lastCommittedDecree);
  writeU64(view, at + 40, mutation.timestampUs);
  view.setInt32(at + 48, mutation.previousDigest, true);
  view.setInt32(at + 52, mutation.digest, true);
  view.setUint32(at + 56, crc32c(bytes, at, at + 56), true);
  bytes.set(body, at + RECORD_HEADER_BYTES);
}

export function writeControl(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  kind: RecordKind,
  gpid: Gpid,
  decree: Decree,
  firstCopy: number,
): void {
  assert(kind !== RecordKind.mutation, 'a mutation is no control record');
  bytes.fill(0, at, at + RECORD_HEADER_BYTES);
  view.setUint32(at, kind, true);
  view.setInt32(at + 8, gpid.appId, true);
  view.setUint32(at + 12, gpid.partitionIndex, true);
  writeU64(view, at + 16, firstCopy);
  writeU64(view, at + 24, decree);
  view.setUint32(at + 56, crc32c(bytes, at, at + 56), true);
}

/** Completes a block of `bytes.length` bytes whose payload is in place. */
export function writeBlockHeader(
  bytes: Uint8Array,
  view: DataView,
  end: number,
  block: {
    readonly recordCount: number;
    readonly logId: LogId;
    readonly segment: number;
    readonly sequence: number;
    readonly syncedSequence: number;
  },
): void {
  assertAtLeast(end, BLOCK_HEADER_BYTES, 'a block has a header');
  assert(block.syncedSequence < block.sequence, 'a block is not synced before it is written');
  view.setUint32(0, BLOCK_MAGIC, true);
  view.setUint32(4, end - BLOCK_HEADER_BYTES, true);
  view.setUint32(8, block.recordCount, true);
  view.setUint32(12, crc32c(bytes, BLOCK_HEADER_BYTES, end), true);
  view.setUint32(16, block.logId.low, true);
  view.setUint32(20, block.logId.high, true);
  writeU64(view, 24, block.sequence);
  writeU64(view, 32, block.syncedSequence);
  view.setUint32(40, block.segment, true);
  view.setUint32(44, crc32c(bytes, 0, 44), true);
}

// ---- reading ----

/**
 * Null when there is no intact header of this log and segment at `at`. The payload may lie beyond
 * `bytes`.
 */
export function readBlockHeader(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  logId: LogId,
  segment: number,
): BlockHeader | null {
  if (at + BLOCK_HEADER_BYTES > bytes.length) return null;
  if (view.getUint32(at, true) !== BLOCK_MAGIC) return null;
  if (view.getUint32(at + 44, true) !== crc32c(bytes, at, at + 44)) return null;
  if (view.getUint32(at + 16, true) !== logId.low) return null;
  if (view.getUint32(at + 20, true) !== logId.high) return null;
  if (view.getUint32(at + 40, true) !== segment) return null;
  const sequence = readU64(view, at + 24);
  const syncedSequence = readU64(view, at + 32);
  // As it was written; and false for what is no number.
  if (!(syncedSequence < sequence)) return null;
  return {
    payloadBytes: view.getUint32(at + 4, true),
    recordCount: view.getUint32(at + 8, true),
    payloadChecksum: view.getUint32(at + 12, true),
    sequence,
    syncedSequence,
  };
}

/** The payload is all there and as it was written. */
export function isPayloadIntact(bytes: Uint8Array, at: number, header: BlockHeader): boolean {
  const start = at + BLOCK_HEADER_BYTES;
  const end = start + header.payloadBytes;
  return end <= bytes.length && crc32c(bytes, start, end) === header.payloadChecksum;
}

/**
 * Where the next intact header of this log and segment begins at or after `from`; −1 if there is
 * none.
 */
export function findBlockHeader(
  bytes: Uint8Array,
  view: DataView,
  from: number,
  logId: LogId,
  segment: number,
): number {
  let at = bytes.indexOf(BLOCK_MAGIC_FIRST_BYTE, from);
  while (at !== -1) {
    if (readBlockHeader(bytes, view, at, logId, segment) !== null) return at;
    at = bytes.indexOf(BLOCK_MAGIC_FIRST_BYTE, at + 1);
  }
  return -1;
}

/**
 * Reads the record header at `at` into `into`. False when it is damaged or the record does not end
 * by `end`.
 */
export function readRecordHeader(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  into: RecordHeader,
): boolean {
  if (at + RECORD_HEADER_BYTES > end) return false;
  if (view.getUint32(at + 56, true) !== crc32c(bytes, at, at + 56)) return false;
  const kind = view.getUint32(at, true);
  if (kind !== RecordKind.mutation && kind !== RecordKind.truncated && kind !== RecordKind.reset) {
    return false;
  }
  into.kind = kind;
  into.bodyBytes = view.getUint32(at + 4, true);
  into.appId = view.getInt32(at + 8, true);
  into.partitionIndex = view.getUint32(at + 12, true);
  into.ballot = readU64(view, at + 16);
  into.decree = readU64(view, at + 24);
  into.lastCommittedDecree = readU64(view, at + 32);
  into.timestampUs = readU64(view, at + 40);
  into.previousDigest = view.getInt32(at + 48, true);
  into.digest = view.getInt32(at + 52, true);
  return isSound(into) && at + RECORD_HEADER_BYTES + into.bodyBytes <= end;
}

/** A checksum holds over anything: these are the numbers that some record can have. Comparisons with NaN are false. */
function isSound(header: RecordHeader): boolean {
  const { kind, appId, partitionIndex, ballot, decree, lastCommittedDecree } = header;
  if (appId < 1 || partitionIndex > PARTITION_INDEX_MAX) return false;
  if (!(ballot >= 0 && decree >= 0 && header.timestampUs >= 0)) return false;
  return kind === RecordKind.mutation ? lastCommittedDecree < decree : lastCommittedDecree === 0;
}

/**
 * Copies the body. Null when its digest does not hold; `verified`: a checksum over it has held
 * already.
 */
export function readMutation(
  bytes: Uint8Array,
  at: number,
  header: RecordHeader,
  verified: boolean,
): Mutation | null {
  assert(header.kind === RecordKind.mutation, 'only a mutation has a body');
  const start = at + RECORD_HEADER_BYTES;
  const mutation = new Mutation(
    header.gpid(),
    header.ballot as Ballot,
    header.decree as Decree,
    header.lastCommittedDecree as Decree,
    header.timestampUs,
    header.previousDigest,
    header.digest,
    bytes.slice(start, start + header.bodyBytes),
  );
  return verified || isIntact(mutation) ? mutation : null;
}
