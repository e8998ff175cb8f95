/**
 * Timers of the event loop.
 *
 * 1. A callback never fires before its time: the loop's own timers are rounded to milliseconds and
 *    may be early, so they are armed again for the rest.
 * 2. `defer` runs in the loop's check phase, which follows the handing out of all input that is
 *    there. What is deferred while a batch runs is run in the same phase, up to a bound that lets
 *    input in again.
 */
import { assert, assertAtLeast } from '../../base/assert.ts';
import type { Clock, TimerHandle, Timers } from '../../env/clock.ts';

/** Longest delay that the loop's timers take; longer ones are armed in steps. */
const STEP_MS_MAX = 0x7fff_ffff;
/**
 * A decision to write, the append, its completion, the answers: chains of deferred work are short.
 */
const ROUNDS_PER_TURN_MAX = 8;

class NodeTimer implements TimerHandle {
  dueMs: number;
  /** 0 = once. */
  readonly intervalMs: number;
  readonly callback: () => void;
  native: NodeJS.Timeout | null = null;

  constructor(dueMs: number, intervalMs: number, callback: () => void) {
    this.dueMs = dueMs;
    this.intervalMs = intervalMs;
    this.callback = callback;
  }
}

export class NodeTimers implements Timers {
  readonly #clock: Clock;
  #deferred: (() => void)[] = [];
  #spare: (() => void)[] = [];
  #scheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    assertAtLeast(delayMs, 0, 'a delay is not negative');
    const nowMs = this.#clock.monotonicMs();
    const timer = new NodeTimer(nowMs + delayMs, 0, callback);
    this.#arm(timer, nowMs);
    return timer;
  }

  every(intervalMs: number, callback: () => void): TimerHandle {
    assert(intervalMs > 0, 'an interval is positive');
    const nowMs = this.#clock.monotonicMs();
    const timer = new NodeTimer(nowMs + intervalMs, intervalMs, callback);
    this.#arm(timer, nowMs);
    return timer;
  }

  cancel(handle: TimerHandle): void {
    assert(handle instanceof NodeTimer, 'a timer is cancelled where it was made');
    if (handle.native !== null) clearTimeout(handle.native);
    handle.native = null;
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#runDeferred);
  }

  #arm(timer: NodeTimer, nowMs: number): void {
    const delayMs = Math.min(Math.ceil(timer.dueMs - nowMs), STEP_MS_MAX);
    timer.native = setTimeout(this.#onTimeout, Math.max(delayMs, 0), timer);
  }

  readonly #onTimeout = (timer: NodeTimer): void => {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < timer.dueMs) {
      this.#arm(timer, nowMs);
      return;
    }
    if (timer.intervalMs === 0) {
      timer.native = null;
    } else {
      timer.dueMs = nowMs + timer.intervalMs;
      this.#arm(timer, nowMs);
    }
    timer.callback();
  };

  readonly #runDeferred = (): void => {
    assert(this.#scheduled, 'deferred work runs when scheduled');
    try {
      for (let round = 0; round < ROUNDS_PER_TURN_MAX && this.#deferred.length > 0; round++) {
        this.#runBatch();
      }
    } finally {
      this.#scheduled = this.#deferred.length > 0;
      if (this.#scheduled) setImmediate(this.#runDeferred);
    }
  };

  #runBatch(): void {
    const batch = this.#deferred;
    this.#deferred = this.#spare;
    this.#spare = batch;
    let taken = 0;
    try {
      while (taken < batch.length) batch[taken++]!();
    } finally {
      // Something is left only when a callback threw; it is not lost should the process live on.
      if (taken < batch.length) this.#deferred.unshift(...batch.slice(taken));
      batch.length = 0;
    }
  }
}
