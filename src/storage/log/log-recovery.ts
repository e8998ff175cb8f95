/**
 * Reads the log after a start: delivers every record in order, cuts off what was never finished,
 * and tells damage.
 *
 * Torn or corrupt? All rests on block sequences, which are contiguous over segments, and on D, the
 * highest block *proved durable*: by the synced sequence in any readable block header (a block is
 * written only after the one before it is, and says up to where syncs had completed then), by the
 * manifest (everything before its newest segment), or by an orderly close.
 *
 * 1. A block that is missing or unreadable at or below D was durable: that is damage. Nothing is
 *    truncated, the file stays as it is, reading goes on behind it. If the block's frame holds,
 *    intact records are delivered and only the partitions of the others are named; else it may be
 *    anybody's (log-suspects.ts clears whom it can).
 * 2. Above D the first missing block is the torn end: it and what follows was never acknowledged as
 *    durable, also where later blocks survived whole. The file is cut there, and synced.
 * 3. A segment that the manifest lists and that is missing or unreadable is damage, an empty newest
 *    one is not.
 * 4. A lost manifest is damage of unknown extent; segments say what else is needed.
 *
 * Not told apart: rot in the very last synced block before anything was written after it, and a
 * torn write. The log narrows that window by a marker block soon after the last sync, an orderly
 * close shuts it.
 *
 * After recovery all that was delivered is durable, and writing goes on in a new segment.
 */
import { assert, assertAtLeast } from '../../base/assert.ts';
import { reached } from '../../base/marks.ts';
import type { Mutation } from '../../consensus/mutation.ts';
import { DiskError } from '../../env/disk.ts';
import { type Decree, type Gpid, gpidKey } from '../../model/identity.ts';
import {
  BLOCK_HEADER_BYTES,
  type LogId,
  RECORD_HEADER_BYTES,
  RecordHeader,
  RecordKind,
  readMutation,
  readRecordHeader,
} from './log-format.ts';
import type { LogIndex } from './log-index.ts';
import {
  encodeManifest,
  type LogManifest,
  loadManifest,
  manifestPath,
  segmentOfName,
  segmentPath,
} from './log-manifest.ts';
import { LogResets } from './log-resets.ts';
import {
  identifySegment,
  isFramed,
  type ScannedBlock,
  type ScannedSegment,
  scanSegment,
} from './log-scan.ts';
import { LogSuspects } from './log-suspects.ts';
import type { LogDamage, LogEnvironment, LogRecoveryReport, LogVisitor } from './log-types.ts';

/**
 * Blocks in a newest segment that cannot be read are unknown: numbers go on well above any of them.
 */
const UNREADABLE_SEQUENCE_STEP = 0x1_0000_0000;

export interface RecoveredLog {
  readonly manifest: LogManifest;
  /** Of the next block; all before are durable. */
  readonly nextSequence: number;
  readonly report: LogRecoveryReport;
}

export class LogRecovery {
  readonly #environment: LogEnvironment;
  readonly #directory: string;
  readonly #index: LogIndex;
  readonly #visitor: LogVisitor;
  readonly #suspects = new LogSuspects();
  readonly #resets = new LogResets();
  /** Could not be searched for resets. */
  readonly #unreadable = new Set<number>();
  readonly #damages: LogDamage[] = [];
  readonly #header = new RecordHeader();
  #blockCount = 0;
  #recordCount = 0;
  #tornBytes = 0;
  /** The next block that has to come. */
  #expected = 0;
  /** The newest segment cannot be read: numbers were skipped for what may be in it. */
  #isEndUnknown = false;
  /** D. */
  #provedDurable = -1;

  constructor(
    environment: LogEnvironment,
    directory: string,
    index: LogIndex,
    visitor: LogVisitor,
  ) {
    this.#environment = environment;
    this.#directory = directory;
    this.#index = index;
    this.#visitor = visitor;
  }

  async run(): Promise<RecoveredLog> {
    const { disk } = this.#environment;
    await disk.makeDirectory(this.#directory);
    const loaded = await loadManifest(disk, this.#directory);
    const present = await this.#presentSegments();
    const isNew = loaded.manifest === null && !loaded.isDamaged && present.length === 0;
    const established = await this.#establishManifest(loaded.manifest, present, isNew);
    const manifest = await this.#settleLeftovers(established, present);
    await this.#readSegments(manifest);
    const report: LogRecoveryReport = {
      isNew,
      closedCleanly: isNew || (manifest.isClosed && this.#damages.length === 0),
      segmentCount: this.#index.segments.length,
      blockCount: this.#blockCount,
      recordCount: this.#recordCount,
      tornBytes: this.#tornBytes,
      damages: this.#damages,
      isSuspect: (gpid, appliedDecree = 0) => this.#suspects.isSuspect(gpid, appliedDecree),
      firstCopyOf: (gpid) => this.#resets.firstCopyOf(gpid),
    };
    return { manifest: await this.#settle(manifest), nextSequence: this.#expected, report };
  }

  /** Writes down that what is there now is durable: the proof may have been in what was cut. */
  async #settle(manifest: LogManifest): Promise<LogManifest> {
    const durableSequence = this.#expected - 1;
    if (manifest.isClosed || this.#isEndUnknown || durableSequence <= manifest.durableSequence)
      return manifest;
    const settled = { ...manifest, durableSequence };
    await this.#environment.disk.replaceFile(
      manifestPath(this.#directory),
      encodeManifest(settled),
    );
    return settled;
  }

  async #presentSegments(): Promise<number[]> {
    const present: number[] = [];
    for (const entry of await this.#environment.disk.list(this.#directory)) {
      const segment = segmentOfName(entry.name);
      if (segment !== null) present.push(segment);
    }
    return present;
  }

  async #establishManifest(
    found: LogManifest | null,
    present: readonly number[],
    isNew: boolean,
  ): Promise<LogManifest> {
    if (found !== null) return found;
    const { disk, random } = this.#environment;
    if (!isNew) {
      this.#reportDamage(present[0] ?? 0, 0, 0, 0, null);
      return await this.#rebuildManifest(present);
    }
    const manifest = {
      logId: { low: random.u32(), high: random.u32() },
      firstSegment: 1,
      firstSequence: 1,
      lastSegment: 0,
      lastSequence: 1,
      durableSequence: 0,
      isClosed: false,
    };
    await disk.replaceFile(manifestPath(this.#directory), encodeManifest(manifest));
    return manifest;
  }

  /** From what the segments say of themselves. */
  async #rebuildManifest(present: readonly number[]): Promise<LogManifest> {
    const { random } = this.#environment;
    let logId = { low: random.u32(), high: random.u32() };
    let firstSequence = 1;
    let lastSequence = 1;
    let isFirst = true;
    for (const segment of present) {
      const bytes = await this.#readSegment(segment);
      const identity = bytes === null ? null : identifySegment(bytes, segment);
      if (identity === null) continue;
      logId = identity.logId;
      if (isFirst) firstSequence = identity.firstSequence;
      isFirst = false;
      lastSequence = identity.firstSequence;
    }
    return {
      logId,
      firstSegment: present[0] ?? 1,
      firstSequence,
      lastSegment: present.at(-1) ?? 0,
      lastSequence,
      durableSequence: 0,
      isClosed: false,
    };
  }

  /**
   * Removes what the manifest does not list, except a newer segment with blocks: then the manifest
   * is an old copy.
   */
  async #settleLeftovers(manifest: LogManifest, present: readonly number[]): Promise<LogManifest> {
    const { disk } = this.#environment;
    let settled = manifest;
    let removed = false;
    for (const segment of present) {
      if (segment >= settled.firstSegment && segment <= settled.lastSegment) continue;
      const bytes = segment < settled.firstSegment ? null : await this.#readSegment(segment);
      const identity = bytes === null ? null : identifySegment(bytes, segment);
      if (identity !== null && isSameLog(identity.logId, settled.logId)) {
        const lastSequence = identity.firstSequence;
        reached('log.recovery.newerSegment');
        settled = { ...settled, lastSegment: segment, lastSequence, isClosed: false };
      } else {
        reached('log.recovery.leftoverSegment');
        await disk.remove(segmentPath(this.#directory, segment));
        removed = true;
      }
    }
    if (removed) await disk.syncDirectory(this.#directory);
    return settled;
  }

  async #readSegments(manifest: LogManifest): Promise<void> {
    const { firstSegment, firstSequence, lastSegment, lastSequence } = manifest;
    this.#expected = firstSequence;
    if (lastSegment < firstSegment) return;
    const last = await this.#scan(manifest, lastSegment, lastSequence);
    this.#provedDurable = Math.max(
      lastSequence - 1,
      manifest.durableSequence,
      last === null ? -1 : last.syncedSequence,
    );
    await this.#findResets(manifest, last);
    for (let segment = firstSegment; segment < lastSegment; segment++) {
      const isUnreadable = this.#unreadable.has(segment);
      const scanned = isUnreadable ? null : await this.#scan(manifest, segment, this.#expected);
      this.#index.addSegment(segment, this.#expected);
      if (scanned !== null) this.#readBlocks(segment, scanned);
    }
    // What the segment before lacks at its end shows here, also when this one is empty.
    this.#checkMissing(lastSegment, 0, Math.max(lastSequence, this.#expected));
    this.#index.addSegment(lastSegment, lastSequence);
    if (last === null) {
      this.#reportDamage(lastSegment, 0, this.#expected, this.#expected, null);
      this.#expected += UNREADABLE_SEQUENCE_STEP;
      this.#isEndUnknown = true;
      return;
    }
    const end = this.#readBlocks(lastSegment, last);
    this.#checkMissing(lastSegment, end, this.#provedDurable + 1);
    if (!manifest.isClosed) await this.#settleEnd(lastSegment, end, last.bytes);
  }

  async #findResets(manifest: LogManifest, last: ScannedSegment | null): Promise<void> {
    const { firstSegment, firstSequence, lastSegment, lastSequence } = manifest;
    for (let segment = firstSegment; segment < lastSegment; segment++) {
      const scanned = await this.#scan(manifest, segment, firstSequence);
      if (scanned === null) this.#unreadable.add(segment);
      else this.#resets.onSegment(scanned, firstSequence, this.#provedDurable);
    }
    if (last !== null) this.#resets.onSegment(last, lastSequence, this.#provedDurable);
  }

  /** Null when it cannot be read. */
  async #scan(
    manifest: LogManifest,
    segment: number,
    firstSequence: number,
  ): Promise<ScannedSegment | null> {
    const bytes = await this.#readSegment(segment);
    return bytes === null ? null : scanSegment(bytes, manifest.logId, segment, firstSequence);
  }

  async #readSegment(segment: number): Promise<Uint8Array | null> {
    const path = segmentPath(this.#directory, segment);
    try {
      return await this.#environment.disk.readFile(path);
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      if (error.code !== 'notFound' && error.code !== 'io') throw error;
      this.#environment.logger.warn('log.segment_unreadable', { path, code: error.code });
      return null;
    }
  }

  /** Returns where the readable part ends: at the file's end, or where it is torn. */
  #readBlocks(segment: number, scanned: ScannedSegment): number {
    let end = 0;
    for (const block of scanned.blocks) {
      const { sequence } = block.header;
      const isDurable = sequence <= this.#provedDurable;
      if (sequence > this.#expected && this.#expected > this.#provedDurable) return end;
      if (!block.intact && !isDurable) return end;
      this.#checkMissing(segment, end, sequence);
      const blockEnd = Math.min(block.end, scanned.bytes.length);
      // Unreadable bytes before it count, so that offsets and positions agree.
      this.#index.onBlock(blockEnd - end);
      this.#readBlock(segment, scanned, block);
      this.#expected = sequence + 1;
      end = blockEnd;
    }
    return end;
  }

  #readBlock(segment: number, scanned: ScannedSegment, block: ScannedBlock): void {
    const { sequence } = block.header;
    this.#blockCount += 1;
    if (!isFramed(scanned, block, this.#header)) {
      this.#reportDamage(segment, block.offset, sequence, sequence, null);
      return;
    }
    const lost = new Map<number, Gpid>();
    this.#deliverRecords(scanned, block, lost);
    if (lost.size === 0 && block.intact) return;
    // A payload that is damaged although every record holds lost nothing that matters.
    if (lost.size > 0) {
      this.#reportDamage(segment, block.offset, sequence, sequence, [...lost.values()]);
    }
  }

  #deliverRecords(scanned: ScannedSegment, block: ScannedBlock, lost: Map<number, Gpid>): void {
    const header = this.#header;
    const segmentStart = this.#index.segments.at(-1)!.start;
    const blockPosition = segmentStart + block.offset;
    let at = block.offset + BLOCK_HEADER_BYTES;
    while (at < block.end) {
      readRecordHeader(scanned.bytes, scanned.view, at, block.end, header);
      const gpid = header.gpid();
      const decree = header.decree as Decree;
      const mutation =
        header.kind === RecordKind.mutation
          ? readMutation(scanned.bytes, at, header, block.intact)
          : null;
      if (header.kind === RecordKind.mutation && mutation === null) {
        lost.set(gpidKey(gpid), gpid);
        // At once: what follows in the same block continues something else.
        this.#suspects.onDamage(gpid);
      } else {
        this.#index.onRecord(header.kind, gpid, decree, blockPosition, segmentStart + at);
        if (header.kind === RecordKind.reset) {
          this.#resets.onReset(gpid, header.ballot, block.header.sequence, at);
        }
        const isVoid = this.#resets.isVoid(gpid, block.header.sequence, at);
        this.#deliver(header.kind, gpid, decree, mutation, isVoid);
      }
      at += RECORD_HEADER_BYTES + header.bodyBytes;
    }
  }

  #deliver(
    kind: RecordKind,
    gpid: Gpid,
    decree: Decree,
    mutation: Mutation | null,
    isVoid: boolean,
  ): void {
    this.#recordCount += 1;
    if (kind === RecordKind.mutation) {
      assert(mutation !== null, 'a mutation record that is delivered is intact');
      this.#suspects.onMutation(mutation);
      this.#visitor.onMutation(mutation, isVoid);
    } else if (kind === RecordKind.truncated) {
      this.#suspects.onTruncated(gpid, decree);
      this.#visitor.onTruncated(gpid, decree);
    } else {
      this.#suspects.onReset(gpid, decree);
      this.#visitor.onReset(gpid, decree);
    }
  }

  /** Blocks from the expected one to before `sequence` are gone, if there are any. */
  #checkMissing(segment: number, offset: number, sequence: number): void {
    if (sequence <= this.#expected) return;
    this.#reportDamage(segment, offset, this.#expected, sequence - 1, null);
    this.#expected = sequence;
  }

  #reportDamage(
    segment: number,
    offset: number,
    firstBlock: number,
    lastBlock: number,
    partitions: readonly Gpid[] | null,
  ): void {
    assertAtLeast(lastBlock, firstBlock, 'last block lost');
    reached('log.recovery.damage');
    this.#damages.push({ segment, offset, firstBlock, lastBlock, partitions });
    if (partitions === null) this.#suspects.onUnknownDamage();
    this.#environment.logger.warn('log.damaged', {
      directory: this.#directory,
      segment,
      offset,
      firstBlock,
      lastBlock,
      partitions: partitions?.length ?? null,
    });
  }

  /**
   * Cuts what is torn and makes the rest durable: it may have been in the page cache only. Damage
   * among what is cut is kept beside the segment.
   *
   * What is not proved durable is written anew, into another file: the sync of this one may have
   * failed in the life before, and then its pages count as clean and another sync does nothing.
   */
  async #settleEnd(segment: number, end: number, bytes: Uint8Array): Promise<void> {
    const { disk, logger } = this.#environment;
    const path = segmentPath(this.#directory, segment);
    if (end < bytes.length) {
      reached('log.recovery.tornEnd');
      const isDamaged = this.#damages.some(
        (damage) => damage.segment === segment && damage.offset === end,
      );
      if (isDamaged) await disk.replaceFile(`${path}.damaged`, bytes.subarray(end));
      this.#tornBytes = bytes.length - end;
      logger.info('log.torn_end_cut', { path, offset: end, bytes: this.#tornBytes });
    }
    const isUnproved = this.#expected - 1 > this.#provedDurable;
    if (isUnproved && (await this.#rewrite(path, bytes.subarray(0, end)))) return;
    const file = await disk.open(path, 'append');
    if (end < bytes.length) await file.truncate(end);
    await file.sync();
    await file.close();
  }

  /** False when there is no room: then the file itself has to do. */
  async #rewrite(path: string, bytes: Uint8Array): Promise<boolean> {
    try {
      await this.#environment.disk.replaceFile(path, bytes);
      reached('log.recovery.rewritten');
      return true;
    } catch (error) {
      if (!(error instanceof DiskError) || error.code !== 'full') throw error;
      reached('log.recovery.noRoomToRewrite');
      await this.#environment.disk.remove(`${path}.tmp`);
      this.#environment.logger.warn('log.not_rewritten', { path });
      return false;
    }
  }
}

function isSameLog(a: LogId, b: LogId): boolean {
  return a.low === b.low && a.high === b.high;
}
