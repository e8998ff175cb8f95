/**
 * The way of late reads to the disk, one per server: how many may wait, and in which order they go.
 *
 *  1. At most `pendingMax` reads are under way; one more is refused at once (ERR_BUSY), so what waits is bounded and
 *     an overload is told early.
 *  2. Point reads and range reads go in lanes of their own. The lane of ranges is narrower than the engine's pool, so
 *     a thread is always left for point reads, however many scans there are.
 *  3. A range read goes block by block and stands at the end of its lane again after each: scans take turns, and a
 *     short range does not wait for a long one to end.
 *  4. What has waited beyond its deadline is dropped when its turn comes, without work.
 *
 * Reads that are answered from memory in the turn of their request pass by here. Those over ranges have a budget of
 * bytes for each turn of the event loop: what is above it goes the late way, so that any number of scans in memory
 * leaves room between them for everybody else.
 */
import { assert } from '../base/assert.ts';
import type { Clock, Timers } from '../env/clock.ts';

export const PoolLane = { point: 0, range: 1 } as const;
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
  /** What reads over ranges may read from memory in one turn, all together; the last one may go beyond it. */
  readonly turnBytesMax: number;
}

/** The engine's pool has four threads. */
export const READ_POOL_LIMITS: ReadPoolLimits = {
  pendingMax: 8192,
  pointsAtOnceMax: 256,
  rangesAtOnceMax: 3,
  turnBytesMax: 1024 * 1024,
};

/** Places of a queue that were used up are given back when there are so many. */
const USED_PLACES_MAX = 1024;

class Lane {
  readonly atOnceMax: number;
  running = 0;
  private readonly clock: Clock;
  private queue: (PoolTask | null)[] = [];
  private head = 0;
  private pumping = false;

  constructor(clock: Clock, atOnceMax: number) {
    assert(atOnceMax >= 1, 'a lane lets steps through');
    this.clock = clock;
    this.atOnceMax = atOnceMax;
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

export class ReadPool {
  private readonly limits: ReadPoolLimits;
  private readonly points: Lane;
  private readonly ranges: Lane;
  private pending = 0;
  private readonly timers: Timers | null;
  private turnBytes = 0;
  private readonly onTurnEnded = (): void => {
    this.turnBytes = 0;
  };

  /** Without `timers` there are no turns, and no budget for them. */
  constructor(
    clock: Clock,
    limits: ReadPoolLimits = READ_POOL_LIMITS,
    timers: Timers | null = null,
  ) {
    assert(limits.pendingMax >= 1, 'a pool takes reads');
    this.limits = limits;
    this.timers = timers;
    this.points = new Lane(clock, limits.pointsAtOnceMax);
    this.ranges = new Lane(clock, limits.rangesAtOnceMax);
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

  /** A read over a range has read so much from memory. */
  spendTurn(bytes: number): void {
    if (this.timers === null || bytes === 0) return;
    if (this.turnBytes === 0) this.timers.defer(this.onTurnEnded);
    this.turnBytes += bytes;
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

  /** A step of a read that has entered; it starts now or later. */
  submit(lane: PoolLane, task: PoolTask): void {
    this.laneOf(lane).push(task);
  }

  /** A step that was started is over, and what it read was used: the next one may overwrite it. */
  finished(lane: PoolLane): void {
    const itsLane = this.laneOf(lane);
    assert(itsLane.running > 0, 'a step is finished once');
    itsLane.running -= 1;
    itsLane.pump();
  }

  private laneOf(lane: PoolLane): Lane {
    return lane === PoolLane.point ? this.points : this.ranges;
  }
}
