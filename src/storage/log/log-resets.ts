/**
 * Where the history of each partition was ended last by a reset, known before its records are
 * delivered.
 *
 * A record before the last reset of its partition is void: what it says may contradict what came
 * after, and a replica that took it could not give it back. So the log is read twice, first for its
 * resets; it is short (`log_bytes_max`) and then in the cache. A reset that only the second reading
 * finds still tells which copies were removed.
 */
import { type Gpid, gpidKey } from '../../model/identity.ts';
import {
  BLOCK_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  RecordHeader,
  RecordKind,
  readRecordHeader,
} from './log-format.ts';
import { isFramed, type ScannedBlock, type ScannedSegment } from './log-scan.ts';

interface Reset {
  /** Block, and place in its file. */
  readonly sequence: number;
  readonly offset: number;
  readonly firstCopy: number;
}

export class LogResets {
  readonly #resets = new Map<number, Reset>();
  readonly #header = new RecordHeader();

  /** Segments in their order. Above `provedDurable`, the first block that is missing is the end. */
  onSegment(scanned: ScannedSegment, firstSequence: number, provedDurable: number): void {
    let expected = firstSequence;
    for (const block of scanned.blocks) {
      const { sequence } = block.header;
      if (sequence > expected && expected > provedDurable) return;
      if (!block.intact && sequence > provedDurable) return;
      expected = sequence + 1;
      if (isFramed(scanned, block, this.#header)) this.#onBlock(scanned, block);
    }
  }

  #onBlock(
    { bytes, view }: ScannedSegment,
    { offset, end, header: { sequence } }: ScannedBlock,
  ): void {
    const header = this.#header;
    let at = offset + BLOCK_HEADER_BYTES;
    while (at < end && readRecordHeader(bytes, view, at, end, header)) {
      if (header.kind === RecordKind.reset) {
        this.onReset(header.gpid(), header.ballot, sequence, at);
      }
      at += RECORD_HEADER_BYTES + header.bodyBytes;
    }
  }

  onReset(gpid: Gpid, firstCopy: number, sequence: number, offset: number): void {
    const known = this.#resets.get(gpidKey(gpid));
    if (known !== undefined && sequence <= known.sequence) {
      if (sequence < known.sequence || offset <= known.offset) return;
    }
    this.#resets.set(gpidKey(gpid), { sequence, offset, firstCopy });
  }

  /** Of a record at `offset` of block `sequence`. */
  isVoid(gpid: Gpid, sequence: number, offset: number): boolean {
    const reset = this.#resets.get(gpidKey(gpid));
    if (reset === undefined || sequence > reset.sequence) return false;
    return sequence < reset.sequence || offset < reset.offset;
  }

  firstCopyOf(gpid: Gpid): number {
    return this.#resets.get(gpidKey(gpid))?.firstCopy ?? 0;
  }
}
