/**
 * Where the records of each partition lie, and what of the log may go.
 *
 * Positions count bytes since the start of the oldest segment found at opening, so they order all records. Per
 * partition there is a *point* (decree, position of a block) in each segment and every 256 KiB: a reader starts at a
 * point and walks on. A record is *stale* when a later one took its decree back (a new ballot, a tail given up); the
 * places where that happened are kept as *rewinds*, which are rare.
 *
 * A segment may go when it is the oldest, is not written any more, no damage is left to be seen to, and each
 * partition with records in it needs none of them: all its holders stand at or above the highest decree there, or
 * above the partition's last decree (what lies above that is stale). A partition without holders needs everything.
 */
import { assert, assertAtLeast } from '../../base/assert.ts';
import { type Decree, type Gpid, gpidKey } from '../../model/identity.ts';
import { RecordKind } from './log-format.ts';
import type { LogStraggler } from './log-types.ts';

const POINT_SPACING_BYTES = 256 * 1024;

export class SegmentInfo {
  readonly segment: number;
  readonly firstSequence: number;
  /** Position of its first byte. */
  readonly start: number;
  /** Bytes of blocks that are in the log. */
  byteLength = 0;
  /** Highest decree per partition key. */
  readonly lastDecrees: Map<number, number> = new Map();

  constructor(segment: number, firstSequence: number, start: number) {
    this.segment = segment;
    this.firstSequence = firstSequence;
    this.start = start;
  }
}

class PartitionIndex {
  readonly gpid: Gpid;
  lastDecree = 0;
  /** First decree that can be read. */
  firstDecree = 1;
  readonly pointDecrees: number[] = [];
  readonly pointPositions: number[] = [];
  readonly rewindDecrees: number[] = [];
  readonly rewindPositions: number[] = [];
  readonly holders: Map<string, Decree> = new Map();

  constructor(gpid: Gpid) {
    this.gpid = gpid;
  }

  /** Decrees from `decree` on are taken back by what stands at `position`. */
  rewind(decree: number, position: number): void {
    this.rewindDecrees.push(decree);
    this.rewindPositions.push(position);
    while (this.pointDecrees.length > 0 && this.pointDecrees.at(-1)! >= decree) {
      this.pointDecrees.pop();
      this.pointPositions.pop();
    }
    this.lastDecree = Math.min(this.lastDecree, decree - 1);
    this.firstDecree = Math.min(this.firstDecree, decree);
  }

  /** Nothing logged so far counts; the history goes on after `decree`. */
  restart(decree: number): void {
    this.pointDecrees.length = 0;
    this.pointPositions.length = 0;
    this.rewindDecrees.length = 0;
    this.rewindPositions.length = 0;
    this.lastDecree = decree;
    this.firstDecree = decree + 1;
  }

  addPoint(decree: number, position: number): void {
    this.pointDecrees.push(decree);
    this.pointPositions.push(position);
  }

  dropBefore(position: number): void {
    const kept = countBelow(this.pointPositions, position);
    this.pointDecrees.splice(0, kept);
    this.pointPositions.splice(0, kept);
    const keptRewinds = countBelow(this.rewindPositions, position);
    this.rewindDecrees.splice(0, keptRewinds);
    this.rewindPositions.splice(0, keptRewinds);
    this.firstDecree = this.pointDecrees[0] ?? this.lastDecree + 1;
  }

  floor(): Decree {
    let lowest = Number.POSITIVE_INFINITY;
    for (const decree of this.holders.values()) lowest = Math.min(lowest, decree);
    return (lowest === Number.POSITIVE_INFINITY ? -1 : lowest) as Decree;
  }

  lowestHolder(): string {
    let found = '';
    let lowest = Number.POSITIVE_INFINITY;
    for (const [holder, decree] of this.holders) {
      if (decree >= lowest) continue;
      found = holder;
      lowest = decree;
    }
    return found;
  }
}

/** What a reader needs to walk the records of one partition. */
export interface ReadPlan {
  /** Position of the block to start at. */
  readonly position: number;
  readonly lastDecree: number;
  /** Where the log ended when the plan was made. */
  readonly end: number;
  /** For record at `position` with `decree`: a later record took it back. */
  isStale(decree: number, position: number): boolean;
}

export class LogIndex {
  readonly #segments: SegmentInfo[] = [];
  readonly #partitions = new Map<number, PartitionIndex>();
  #byteLength = 0;
  /** Damage was found that the owner has yet to see to: nothing goes, so that it is found again after another crash. */
  pinned = false;

  get segments(): readonly SegmentInfo[] {
    return this.#segments;
  }

  /** Of all segments. */
  get byteLength(): number {
    return this.#byteLength;
  }

  addSegment(segment: number, firstSequence: number): SegmentInfo {
    const last = this.#segments.at(-1);
    if (last !== undefined) assert(last.segment < segment, 'segments are added in order');
    const start = last === undefined ? 0 : last.start + last.byteLength;
    const info = new SegmentInfo(segment, firstSequence, start);
    this.#segments.push(info);
    return info;
  }

  /** The newest segment has grown; returns the position of what is new. */
  onBlock(byteLength: number): number {
    const last = this.#segments.at(-1);
    assert(last !== undefined, 'a block lies in a segment');
    const position = last.start + last.byteLength;
    last.byteLength += byteLength;
    this.#byteLength += byteLength;
    return position;
  }

  /** A record of the newest segment; both positions count. */
  onRecord(
    kind: RecordKind,
    gpid: Gpid,
    decree: Decree,
    blockPosition: number,
    position: number,
  ): void {
    const key = gpidKey(gpid);
    let partition = this.#partitions.get(key);
    if (partition === undefined) {
      partition = new PartitionIndex(gpid);
      partition.restart(decree - (kind === RecordKind.mutation ? 1 : 0));
      this.#partitions.set(key, partition);
    }
    if (kind === RecordKind.mutation) {
      this.#onMutation(key, partition, decree, blockPosition, position);
    } else if (kind === RecordKind.truncated) {
      if (decree < partition.lastDecree) partition.rewind(decree + 1, position);
    } else {
      partition.restart(decree);
      for (const segment of this.#segments) segment.lastDecrees.delete(key);
      if (decree === 0 && partition.holders.size === 0) this.#partitions.delete(key);
    }
  }

  hold(gpid: Gpid, holder: string, decree: Decree): void {
    assertAtLeast(decree, 0, 'decree of a holder');
    const key = gpidKey(gpid);
    let partition = this.#partitions.get(key);
    if (partition === undefined) {
      partition = new PartitionIndex(gpid);
      partition.restart(decree);
      this.#partitions.set(key, partition);
    }
    partition.holders.set(holder, decree);
  }

  release(gpid: Gpid, holder: string): void {
    this.#partitions.get(gpidKey(gpid))?.holders.delete(holder);
  }

  /** Partitions with records in the log. */
  partitions(): Gpid[] {
    const keys = new Set<number>();
    for (const segment of this.#segments) {
      for (const key of segment.lastDecrees.keys()) keys.add(key);
    }
    return [...keys].sort((a, b) => a - b).map((key) => this.#partition(key).gpid);
  }

  /** The oldest segment, if nobody needs it. The newest never goes. */
  freeable(): SegmentInfo | null {
    const oldest = this.#segments[0];
    if (oldest === undefined || this.#segments.length === 1 || this.pinned) return null;
    for (const [key, decree] of oldest.lastDecrees) {
      const partition = this.#partition(key);
      if (partition.floor() < Math.min(decree, partition.lastDecree)) return null;
    }
    return oldest;
  }

  removeOldest(): void {
    const oldest = this.#segments.shift();
    assert(oldest !== undefined, 'a segment is removed once');
    this.#byteLength -= oldest.byteLength;
    const end = oldest.start + oldest.byteLength;
    for (const key of oldest.lastDecrees.keys()) this.#partition(key).dropBefore(end);
  }

  /** Whom to flush, or to give up, so that the log shrinks to `bytesBudget`. Oldest need first, one per partition. */
  stragglers(bytesBudget: number): LogStraggler[] {
    const wanted = new Map<number, number>();
    let remaining = this.#byteLength;
    for (const segment of this.#segments) {
      if (remaining <= bytesBudget) break;
      remaining -= segment.byteLength;
      for (const [key, decree] of segment.lastDecrees) {
        wanted.set(key, Math.max(wanted.get(key) ?? 0, decree));
      }
    }
    const found: LogStraggler[] = [];
    for (const [key, decree] of wanted) {
      const partition = this.#partition(key);
      const wantedDecree = Math.min(decree, partition.lastDecree) as Decree;
      const floor = partition.floor();
      if (floor >= wantedDecree) continue;
      const holder = partition.lowestHolder();
      found.push({ gpid: partition.gpid, holder, decree: floor, wantedDecree });
    }
    return found;
  }

  /** Null when `fromDecree` is not in the log. */
  planRead(gpid: Gpid, fromDecree: Decree): ReadPlan | null {
    const partition = this.#partitions.get(gpidKey(gpid));
    if (partition === undefined) return null;
    if (fromDecree < partition.firstDecree || fromDecree > partition.lastDecree) return null;
    const at = countBelow(partition.pointDecrees, fromDecree + 1) - 1;
    if (at < 0) return null;
    const decrees = [...partition.rewindDecrees];
    const positions = [...partition.rewindPositions];
    // The lowest decree taken back at or after each of them.
    for (let index = decrees.length - 2; index >= 0; index--) {
      decrees[index] = Math.min(decrees[index]!, decrees[index + 1]!);
    }
    const last = this.#segments.at(-1)!;
    return {
      position: partition.pointPositions[at]!,
      lastDecree: partition.lastDecree,
      end: last.start + last.byteLength,
      isStale: (decree, position) =>
        decree >= (decrees[countBelow(positions, position + 1)] ?? Number.POSITIVE_INFINITY),
    };
  }

  #onMutation(
    key: number,
    partition: PartitionIndex,
    decree: Decree,
    blockPosition: number,
    position: number,
  ): void {
    const segment = this.#segments.at(-1);
    assert(segment !== undefined, 'a record lies in a segment');
    if (decree <= partition.lastDecree) partition.rewind(decree, position);
    else if (decree > partition.lastDecree + 1) partition.restart(decree - 1);
    partition.lastDecree = decree;
    const lastPoint = partition.pointPositions.at(-1) ?? Number.NEGATIVE_INFINITY;
    const isFar = blockPosition >= lastPoint + POINT_SPACING_BYTES;
    if (isFar || lastPoint < segment.start) partition.addPoint(decree, blockPosition);
    const highest = segment.lastDecrees.get(key);
    if (highest === undefined || highest < decree) segment.lastDecrees.set(key, decree);
  }

  #partition(key: number): PartitionIndex {
    const partition = this.#partitions.get(key);
    assert(partition !== undefined, 'a partition with records is indexed');
    return partition;
  }
}

/** How many of the ascending `values` are below `limit`. */
function countBelow(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
