/**
 * How much of a server's time scans of whole partitions may take while others are served: a share of it, in pieces.
 *
 * A scan asks for its next batch as soon as it has one, so it takes all the time that it is given. Without a bound a
 * server that is scanned is always busy: a point read then waits for the rest of a piece of a scan, and for a
 * processor that the system gives first to those who have used less of it.
 *
 *  1. Scans earn `share` of the time that passes, and spend what their steps take, from the start of a step to when
 *     its rows are used. They may go on while they have something left. What they can save up is one burst.
 *  2. Nobody else was served lately: scans go on as fast as they can.
 */
import { assert } from '../base/assert.ts';
import type { Clock } from '../env/clock.ts';

/** About one block of rows: a longer burst would show in the latency of others. */
const BURST_MS = 0.5;
/** No request of others for so long: scans are alone. */
const ALONE_MS = 20;
/**
 * The most that scans can owe: a disk that stalls for seconds must not keep them waiting for a multiple. Not less,
 * because on a busy machine a step takes the time in which the process is not run, and the next ones have to give way.
 */
const DEBT_MS_MAX = 100;
/** Timers have no finer grain. */
const WAIT_MS_MIN = 1;

export class ScanPace {
  /** Requests of others; grows on the hot path and is only compared. */
  others = 0;
  private readonly clock: Clock;
  private readonly share: number;
  private creditMs = BURST_MS;
  private seenMs: number;
  private seenOthers = 0;
  private othersMs = -Infinity;

  constructor(clock: Clock, share: number) {
    assert(share > 0 && share <= 1, 'scans have a share of the time');
    this.clock = clock;
    this.share = share;
    this.seenMs = clock.monotonicMs();
  }

  /** How long scans have to wait; 0 = they may go on. */
  waitMs(): number {
    this.earn();
    if (this.creditMs > 0) return 0;
    return Math.max(-this.creditMs / this.share, WAIT_MS_MIN);
  }

  /** A step of a scan took so long. */
  spend(durationMs: number): void {
    this.earn();
    this.creditMs = Math.max(this.creditMs - durationMs, -DEBT_MS_MAX);
  }

  private earn(): void {
    const nowMs = this.clock.monotonicMs();
    const earnedMs = (nowMs - this.seenMs) * this.share;
    this.seenMs = nowMs;
    if (this.others !== this.seenOthers) {
      this.seenOthers = this.others;
      this.othersMs = nowMs;
    }
    const isAlone = nowMs - this.othersMs > ALONE_MS;
    this.creditMs = isAlone ? BURST_MS : Math.min(this.creditMs + earnedMs, BURST_MS);
  }
}
