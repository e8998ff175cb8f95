/**
 * Reads back the records of one partition, in decree order, each in its newest version.
 *
 * Everything is verified again: block, header and digest. What cannot be read ends the answer; the caller falls back
 * to a checkpoint.
 */
import { assertAtLeast } from '../../base/assert.ts';
import type { Mutation } from '../../consensus/mutation.ts';
import { DiskError, type DiskFile } from '../../env/disk.ts';
import { type Decree, type Gpid, gpidKey } from '../../model/identity.ts';
import {
  BLOCK_HEADER_BYTES,
  isPayloadIntact,
  type LogId,
  RECORD_HEADER_BYTES,
  RecordHeader,
  RecordKind,
  readBlockHeader,
  readMutation,
  readRecordHeader,
  viewOf,
} from './log-format.ts';
import type { LogIndex, ReadPlan, SegmentInfo } from './log-index.ts';
import { segmentPath } from './log-manifest.ts';
import type { LogEnvironment } from './log-types.ts';

const CHUNK_BYTES = 256 * 1024;

export class LogReader {
  readonly #environment: LogEnvironment;
  readonly #directory: string;
  readonly #index: LogIndex;
  readonly #logId: LogId;

  constructor(environment: LogEnvironment, directory: string, index: LogIndex, logId: LogId) {
    this.#environment = environment;
    this.#directory = directory;
    this.#index = index;
    this.#logId = logId;
  }

  async read(gpid: Gpid, fromDecree: Decree, bytesMax: number): Promise<Mutation[] | null> {
    assertAtLeast(fromDecree, 1, 'decrees start at 1');
    const plan = this.#index.planRead(gpid, fromDecree);
    if (plan === null) return null;
    const walk = new Walk(gpid, fromDecree, bytesMax, plan);
    // A copy: segments may go while we read, which a reader that holds the file open does not mind.
    for (const segment of [...this.#index.segments]) {
      if (walk.done || segment.start >= plan.end) break;
      if (segment.start + segment.byteLength <= plan.position) continue;
      if (!(await this.#readSegment(segment, walk))) break;
    }
    return walk.found.length === 0 ? null : walk.found;
  }

  /** False when the walk cannot go on behind this segment. */
  async #readSegment(segment: SegmentInfo, walk: Walk): Promise<boolean> {
    const path = segmentPath(this.#directory, segment.segment);
    try {
      const file = await this.#environment.disk.open(path, 'read');
      try {
        return await this.#readBlocks(file, segment, walk);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#environment.logger.warn('log.read_failed', { path, code: error.code });
      return false;
    }
  }

  async #readBlocks(file: DiskFile, segment: SegmentInfo, walk: Walk): Promise<boolean> {
    const { plan } = walk;
    const window = new FileWindow(file);
    const end = Math.min(segment.byteLength, plan.end - segment.start);
    let offset = Math.max(0, plan.position - segment.start);
    while (offset < end && !walk.done) {
      let at = await window.have(offset, BLOCK_HEADER_BYTES);
      const header = readBlockHeader(window.bytes, window.view, at, this.#logId, segment.segment);
      if (header === null) return this.#onDamage(file.path, offset);
      const length = BLOCK_HEADER_BYTES + header.payloadBytes;
      // A checksum holds over anything, and this much memory is taken.
      if (offset + length > segment.byteLength) return this.#onDamage(file.path, offset);
      at = await window.have(offset, length);
      if (!isPayloadIntact(window.bytes, at, header)) return this.#onDamage(file.path, offset);
      const blockEnd = at + length;
      const position = segment.start + offset - at;
      if (!walk.onBlock(window, at + BLOCK_HEADER_BYTES, blockEnd, position)) {
        return this.#onDamage(file.path, offset);
      }
      offset += length;
    }
    return true;
  }

  #onDamage(path: string, offset: number): false {
    this.#environment.logger.warn('log.read_damaged', { path, offset });
    return false;
  }
}

/** Part of a file in memory. */
class FileWindow {
  readonly #file: DiskFile;
  bytes: Uint8Array = new Uint8Array(CHUNK_BYTES);
  view: DataView = viewOf(this.bytes);
  #start = 0;
  #end = 0;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** Returns where in `bytes` the file's bytes from `offset` on are, `length` of them unless the file ends. */
  async have(offset: number, length: number): Promise<number> {
    if (offset >= this.#start && offset + length <= this.#end) return offset - this.#start;
    if (length > this.bytes.length) {
      this.bytes = new Uint8Array(length);
      this.view = viewOf(this.bytes);
    }
    const count = await this.#file.read(offset, this.bytes);
    // What an earlier read left behind must not be taken for the file's.
    this.bytes.fill(0, count);
    this.#start = offset;
    this.#end = offset + count;
    return 0;
  }
}

class Walk {
  readonly plan: ReadPlan;
  readonly found: Mutation[] = [];
  done = false;
  readonly #key: number;
  readonly #bytesMax: number;
  readonly #header = new RecordHeader();
  #next: number;
  #bytes = 0;

  constructor(gpid: Gpid, fromDecree: Decree, bytesMax: number, plan: ReadPlan) {
    this.#key = gpidKey(gpid);
    this.#next = fromDecree;
    this.#bytesMax = bytesMax;
    this.plan = plan;
  }

  /** `positionOfZero` is the position of `window.bytes[0]`. False when a record is damaged or missing. */
  onBlock(window: FileWindow, start: number, end: number, positionOfZero: number): boolean {
    const header = this.#header;
    let at = start;
    while (at < end && !this.done) {
      if (!readRecordHeader(window.bytes, window.view, at, end, header)) return false;
      const isOurs = header.kind === RecordKind.mutation && gpidKey(header.gpid()) === this.#key;
      if (isOurs && header.decree >= this.#next) {
        if (!this.plan.isStale(header.decree, positionOfZero + at)) {
          if (header.decree > this.#next || !this.#take(window.bytes, at)) return false;
        }
      }
      at += RECORD_HEADER_BYTES + header.bodyBytes;
    }
    return true;
  }

  #take(bytes: Uint8Array, at: number): boolean {
    const mutation = readMutation(bytes, at, this.#header, false);
    if (mutation === null) return false;
    this.found.push(mutation);
    this.#next += 1;
    this.#bytes += RECORD_HEADER_BYTES + mutation.body.length;
    this.done = this.#bytes >= this.#bytesMax || this.#next > this.plan.lastDecree;
    return true;
  }
}
