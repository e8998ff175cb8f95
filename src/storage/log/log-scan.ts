/**
 * Finds the blocks of one segment, also behind damage.
 *
 * Where no intact block begins, the next header of this log and segment is searched byte by byte: a length that is
 * damaged cannot hide what follows.
 */
import { assertAtLeast } from '../../base/assert.ts';
import {
  BLOCK_HEADER_BYTES,
  type BlockHeader,
  findBlockHeader,
  isPayloadIntact,
  type LogId,
  RECORD_HEADER_BYTES,
  type RecordHeader,
  readBlockHeader,
  readRecordHeader,
  viewOf,
} from './log-format.ts';

export interface ScannedBlock {
  readonly offset: number;
  /** Beyond the end of the file if the block was cut. */
  readonly end: number;
  readonly header: BlockHeader;
  /** The payload is as it was written. */
  readonly intact: boolean;
}

export interface ScannedSegment {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** In file order; their sequences ascend. */
  readonly blocks: readonly ScannedBlock[];
  /** The highest block that some block here says is durable; −1 if there is none. */
  readonly syncedSequence: number;
}

export function scanSegment(
  bytes: Uint8Array,
  logId: LogId,
  segment: number,
  firstSequence: number,
): ScannedSegment {
  assertAtLeast(firstSequence, 0, 'first sequence');
  const view = viewOf(bytes);
  const blocks: ScannedBlock[] = [];
  let syncedSequence = -1;
  let expected = firstSequence;
  let at = 0;
  while (at < bytes.length) {
    const header = readBlockHeader(bytes, view, at, logId, segment);
    if (header === null || !(header.sequence >= expected)) {
      const next = findBlockHeader(bytes, view, at + 1, logId, segment);
      at = next === -1 ? bytes.length : next;
      continue;
    }
    const end = at + BLOCK_HEADER_BYTES + header.payloadBytes;
    const intact = isPayloadIntact(bytes, at, header);
    blocks.push({ offset: at, end, header, intact });
    syncedSequence = Math.max(syncedSequence, header.syncedSequence);
    expected = header.sequence + 1;
    at = end;
  }
  return { bytes, view, blocks, syncedSequence };
}

/** All record headers hold and fill the payload exactly. `header` is written to. */
export function isFramed(
  scanned: ScannedSegment,
  block: ScannedBlock,
  header: RecordHeader,
): boolean {
  if (block.end > scanned.bytes.length) return false;
  let at = block.offset + BLOCK_HEADER_BYTES;
  let count = 0;
  while (at < block.end) {
    if (!readRecordHeader(scanned.bytes, scanned.view, at, block.end, header)) return false;
    at += RECORD_HEADER_BYTES + header.bodyBytes;
    count += 1;
  }
  return count === block.header.recordCount;
}

/** Log id and sequence of the first block in `bytes`, whatever its log; null if there is none. */
export function identifySegment(
  bytes: Uint8Array,
  segment: number,
): { logId: LogId; firstSequence: number } | null {
  if (bytes.length < BLOCK_HEADER_BYTES) return null;
  const view = viewOf(bytes);
  const logId = { low: view.getUint32(16, true), high: view.getUint32(20, true) };
  const header = readBlockHeader(bytes, view, 0, logId, segment);
  return header === null ? null : { logId, firstSequence: header.sequence };
}
