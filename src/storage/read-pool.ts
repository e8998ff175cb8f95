/**
 * The way of late reads to the disk, one per server: how many may wait, and in which order they go.
 *
 *  1. At most `pendingMax` reads are under way; one more is refused at once (ERR_BUSY), so what waits is bounded and
 *     an overload is told early.
 *  2. Point reads, reads over the rows of a hash key, and scans of whole partitions go in lanes of their own. The
 *     lanes of ranges and scans together are narrower than the engine's pool, so a thread is always left for point
 *     reads, however many scans there are; and a short range does not wait for a scan.
 *  3. A range read goes step by step and stands at the end of its lane again after each: all take turns.
 *  4. What has waited beyond its deadline is dropped when its turn comes, without work.
 *  5. While others are served, scans have a share of the time (scan-pace.ts).
 *
 * Reads that are answered from memory in the turn of their request pass by here. Those over ranges have a budget of
 * bytes for each turn of the event loop, and of scans there is one batch in a turn: what is above goes the late way,
 * so that any number of scans in memory leaves room between them for everybody else.
 */
import { assert } from '../base/assert.ts';
import type { Clock, TimerHandle, Timers } from '../env/clock.ts';
import { Writer } from '../wire/writer.ts';
import { ScanPace } from './scan-pace.ts';

export const PoolLane = { point: 0, range: 1, scan: 2 } as const;
export type PoolLane = (typeof PoolLane)[keyof typeof PoolLane];

/** One step to the disk. */
export interface PoolTask {
  /** Monotonic; infinite = waits for ever. */
  readonly deadlineMs: number;
  /** Its turn has come. When the engine has answered and that is used, `ReadPool.finished` is due. */
  start(): void;
  /** Its deadline passed before its turn came; it holds no place in the lane. */
  expire(): void;
}

export interface ReadPoolLimits {
  /** Late reads of the server, waiting ones and running ones. */
  readonly pendingMax: number;
  /** Steps of each lane that are with the engine at a time. */
  readonly pointsAtOnceMax: number;
  readonly rangesAtOnceMax: number;
  /** Of the time, while others are served. */
  readonly scanShare: number;
  /** What reads over ranges may read from memory in one turn, all together; the last one may go beyond it. */
  readonly turnBytesMax: number;
}

/**
 * The engine's pool has four threads. With a quarter of the time a scan goes over a quarter of a million rows a second
 * and leaves the latencies of others nearly as they are (docs/benchmarks.md).
 */
export const READ_POOL_LIMITS: ReadPoolLimits = {
  pendingMax: 8192,
  pointsAtOnceMax: 256,
  rangesAtOnceMax: 2,
  scanShare: 0.25,
  turnBytesMax: 1024 * 1024,
};

/** Writers for late answers that are kept. */
const WRITERS_MAX = 8;
/** One: then what a step takes is what passes from its start to its end. */
const SCANS_AT_ONCE_MAX = 1;
/** Places of a queue that were used up are given back when there are so many. */
const USED_PLACES_MAX = 1024;

class Lane {
  readonly atOnceMax: number;
  running = 0;
  private readonly clock: Clock;
  /** Milliseconds until the next step may start; 0 = now. Whoever says more calls `pump` when that time has come. */
  private readonly waitMs: () => number;
  private queue: (PoolTask | null)[] = [];
  private head = 0;
  private pumping = false;

  constructor(clock: Clock, atOnceMax: number, waitMs: () => number = AT_ONCE) {
    assert(atOnceMax >= 1, 'a lane lets steps through');
    this.clock = clock;
    this.atOnceMax = atOnceMax;
    this.waitMs = waitMs;
  }

  get isIdle(): boolean {
    return this.running === 0 && this.queue.length === 0;
  }

  push(task: PoolTask): void {
    this.queue.push(task);
    this.pump();
  }

  /** Tasks may end in the call that starts them, or start others: one loop serves them all. */
  pump(): void {
    if (this.pumping) return;
    this.pumping = true;
    while (this.running < this.atOnceMax && this.head < this.queue.length) {
      if (this.waitMs() > 0) break;
      const task = this.shift();
      if (task.deadlineMs !== Infinity && this.clock.monotonicMs() > task.deadlineMs) {
        task.expire();
      } else {
        this.running += 1;
        task.start();
      }
    }
    this.pumping = false;
  }

  private shift(): PoolTask {
    const task = this.queue[this.head];
    assert(task !== null && task !== undefined, 'what waits is in the queue once');
    this.queue[this.head] = null;
    this.head += 1;
    if (this.head === this.queue.length) {
      this.queue.length = 0;
      this.head = 0;
    } else if (this.head >= USED_PLACES_MAX) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    return task;
  }
}

const AT_ONCE = (): number => 0;

export class ReadPool {
  private readonly limits: ReadPoolLimits;
  private readonly clock: Clock;
  private readonly points: Lane;
  private readonly ranges: Lane;
  private readonly scans: Lane;
  private readonly pace: ScanPace;
  private readonly writers: Writer[] = [];
  private pending = 0;
  private readonly timers: Timers | null;
  private turnBytes = 0;
  /** A batch of a scan was read in this turn. */
  private hasScanned = false;
  private isTurnCounted = false;
  private scanStartedMs = 0;
  private scanTimer: TimerHandle | null = null;
  private readonly onTurnEnded = (): void => {
    this.turnBytes = 0;
    this.hasScanned = false;
    this.isTurnCounted = false;
  };

  /** Without `timers` there are no turns, and no budget for them; scans go on without pauses. */
  constructor(
    clock: Clock,
    limits: ReadPoolLimits = READ_POOL_LIMITS,
    timers: Timers | null = null,
  ) {
    assert(limits.pendingMax >= 1, 'a pool takes reads');
    this.limits = limits;
    this.clock = clock;
    this.timers = timers;
    this.pace = new ScanPace(clock, limits.scanShare);
    this.points = new Lane(clock, limits.pointsAtOnceMax);
    this.ranges = new Lane(clock, limits.rangesAtOnceMax);
    const waitMs = timers === null ? AT_ONCE : (): number => this.waitForScans(timers);
    this.scans = new Lane(clock, SCANS_AT_ONCE_MAX, waitMs);
  }

  /** Late reads under way. */
  get pendingCount(): number {
    return this.pending;
  }

  /** No replica may have more than half of them: one that is overrun must not shut the others out. */
  get pendingOfReplicaMax(): number {
    return Math.max(this.limits.pendingMax >> 1, 1);
  }

  /** False: what else reads over a range in this turn does so later. */
  get hasTurnLeft(): boolean {
    return this.turnBytes < this.limits.turnBytesMax;
  }

  /** False: the next batch of a scan is read later, behind those that wait already. */
  get mayScan(): boolean {
    if (!this.hasTurnLeft) return false;
    if (this.timers === null) return true;
    return !this.hasScanned && this.scans.isIdle && this.pace.waitMs() === 0;
  }

  /** A request that is no scan; on the hot path. */
  noteOther(): void {
    this.pace.others += 1;
  }

  /** A read over a range has read so much from memory. */
  spendTurn(bytes: number): void {
    if (this.timers === null || bytes === 0) return;
    this.countTurn(this.timers);
    this.turnBytes += bytes;
  }

  /** A batch of a scan is going to be read from memory. */
  beginScan(): void {
    if (this.timers !== null) this.scanStartedMs = this.clock.monotonicMs();
  }

  /** It was read, in the same turn. */
  endScan(bytes: number): void {
    if (this.timers === null) return;
    this.countTurn(this.timers);
    this.turnBytes += bytes;
    this.hasScanned = true;
    this.pace.spend(this.clock.monotonicMs() - this.scanStartedMs);
  }

  /** False: too many are under way. */
  enter(): boolean {
    if (this.pending >= this.limits.pendingMax) return false;
    this.pending += 1;
    return true;
  }

  /** Ends what `enter` began. */
  leave(): void {
    assert(this.pending > 0, 'a read leaves once');
    this.pending -= 1;
  }

  /** For the answer of a late read; `giveWriter` when it was used. New ones for each would be most of the garbage. */
  takeWriter(): Writer {
    return this.writers.pop() ?? new Writer();
  }

  giveWriter(writer: Writer): void {
    writer.recycle();
    if (this.writers.length < WRITERS_MAX) this.writers.push(writer);
  }

  /** A step of a read that has entered; it starts now or later. */
  submit(lane: PoolLane, task: PoolTask): void {
    this.laneOf(lane).push(task);
  }

  /** A step that was started is over, and what it read was used: the next one may overwrite it. */
  finished(lane: PoolLane): void {
    const itsLane = this.laneOf(lane);
    assert(itsLane.running > 0, 'a step is finished once');
    itsLane.running -= 1;
    if (lane === PoolLane.scan && this.timers !== null) {
      this.pace.spend(this.clock.monotonicMs() - this.scanStartedMs);
    }
    itsLane.pump();
  }

  /** Asked before each step of a scan, so what is not put off starts now. */
  private waitForScans(timers: Timers): number {
    if (this.scanTimer !== null) return Infinity;
    const waitMs = this.pace.waitMs();
    if (waitMs > 0) {
      this.scanTimer = timers.after(waitMs, () => {
        this.scanTimer = null;
        this.scans.pump();
      });
    }
    this.scanStartedMs = this.clock.monotonicMs();
    return waitMs;
  }

  private countTurn(timers: Timers): void {
    if (this.isTurnCounted) return;
    this.isTurnCounted = true;
    timers.defer(this.onTurnEnded);
  }

  private laneOf(lane: PoolLane): Lane {
    if (lane === PoolLane.point) return this.points;
    return lane === PoolLane.range ? this.ranges : this.scans;
  }
}
