/**
 * Time that moves when a test says so, for unit tests; the simulator has its own.
 *
 * Between two callbacks the promises that hang on the first are let run, so code that awaits
 * behaves as it does on the event loop.
 */
import { assert, assertAtLeast } from '../../base/assert.ts';
import { Heap } from '../../base/heap.ts';
import type { Clock, TimerHandle, Timers } from '../../env/clock.ts';

class VirtualTimer implements TimerHandle {
  dueMs: number;
  /** Order among those due at the same time. */
  sequence: number;
  /** 0 = once. */
  readonly intervalMs: number;
  callback: (() => void) | null;

  constructor(dueMs: number, sequence: number, intervalMs: number, callback: () => void) {
    this.dueMs = dueMs;
    this.sequence = sequence;
    this.intervalMs = intervalMs;
    this.callback = callback;
  }
}

function isBefore(a: VirtualTimer, b: VirtualTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence);
}

export class VirtualTime implements Clock, Timers {
  readonly #wallOffsetMs: number;
  readonly #queue = new Heap<VirtualTimer>(isBefore);
  #nowMs = 0;
  #sequence = 0;
  #deferred: (() => void)[] = [];

  constructor(wallMs: number = 1_767_225_600_000) {
    this.#wallOffsetMs = wallMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    assertAtLeast(delayMs, 0, 'a delay is not negative');
    return this.#schedule(delayMs, 0, callback);
  }

  every(intervalMs: number, callback: () => void): TimerHandle {
    assert(intervalMs > 0, 'an interval is positive');
    return this.#schedule(intervalMs, intervalMs, callback);
  }

  cancel(handle: TimerHandle): void {
    assert(handle instanceof VirtualTimer, 'a timer is cancelled where it was made');
    handle.callback = null;
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Runs all that is due within `ms`, and leaves the clock there. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settlePromises();
    while (await this.#step(endMs));
    this.#nowMs = endMs;
  }

  /**
   * Runs until `promise` settles, and gives what it gives. Throws when nothing is left that could
   * settle it.
   */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const onSettled = (): void => {
      settled = true;
    };
    promise.then(onSettled, onSettled);
    await settlePromises();
    while (!settled) {
      const went = await this.#step(Number.POSITIVE_INFINITY);
      assert(went || settled, 'something is left that can settle the promise');
    }
    return await promise;
  }

  /** Forgets everything that is scheduled, as a killed process does. */
  drop(): void {
    while (this.#queue.size > 0) this.#queue.pop();
    this.#deferred = [];
  }

  /**
   * One turn: the deferred work, or else the next timer. False when there is none up to `endMs`.
   */
  async #step(endMs: number): Promise<boolean> {
    if (this.#deferred.length > 0) {
      const batch = this.#deferred;
      this.#deferred = [];
      for (const callback of batch) callback();
    } else {
      const timer = this.#queue.peek();
      if (timer === null || timer.dueMs > endMs) return false;
      this.#queue.pop();
      this.#fire(timer);
    }
    await settlePromises();
    return true;
  }

  #fire(timer: VirtualTimer): void {
    const callback = timer.callback;
    if (callback === null) return;
    this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
    if (timer.intervalMs > 0) {
      timer.dueMs = this.#nowMs + timer.intervalMs;
      timer.sequence = this.#sequence++;
      this.#queue.push(timer);
    } else {
      timer.callback = null;
    }
    callback();
  }

  #schedule(delayMs: number, intervalMs: number, callback: () => void): TimerHandle {
    const timer = new VirtualTimer(this.#nowMs + delayMs, this.#sequence++, intervalMs, callback);
    this.#queue.push(timer);
    return timer;
  }
}

function settlePromises(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
