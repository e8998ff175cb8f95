/**
 * Simulated time for a thousand light servers: one queue of callbacks, delivered in order of (time, order of
 * submission). Clock and timers of all of them and of the meta server.
 *
 * Not the simulator's scheduler: there are no promises here, hence no microtasks to wait for between events, and nobody
 * dies inside of a call. `mix` gathers what must be equal in two runs.
 */
import { assert } from '../../src/base/assert.ts';
import { Heap } from '../../src/base/heap.ts';
import type { Clock, TimerHandle, Timers } from '../../src/env/clock.ts';

const WALL_BASE_MS = 1_767_225_600_000;

class Entry implements TimerHandle {
  dueMs: number;
  sequence: number;
  /** Null once it is cancelled. */
  callback: (() => void) | null;

  constructor(dueMs: number, sequence: number, callback: () => void) {
    this.dueMs = dueMs;
    this.sequence = sequence;
    this.callback = callback;
  }
}

export class Timeline implements Clock, Timers {
  readonly #queue = new Heap<Entry>(
    (a, b) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence),
  );
  #nowMs = 0;
  #sequence = 0;
  #eventCount = 0;
  #hash = 0x9e3779b9;

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return WALL_BASE_MS + this.#nowMs;
  }

  get eventCount(): number {
    return this.#eventCount;
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x85ebca6b) ^ (this.#hash >>> 13);
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    assert(delayMs >= 0, 'nothing is due in the past');
    const entry = new Entry(this.#nowMs + delayMs, this.#sequence++, callback);
    this.#queue.push(entry);
    return entry;
  }

  every(intervalMs: number, callback: () => void): TimerHandle {
    assert(intervalMs > 0, 'an interval is positive');
    const entry = new Entry(this.#nowMs + intervalMs, this.#sequence++, () => {
      entry.dueMs = this.#nowMs + intervalMs;
      entry.sequence = this.#sequence++;
      this.#queue.push(entry);
      callback();
    });
    this.#queue.push(entry);
    return entry;
  }

  cancel(handle: TimerHandle): void {
    (handle as Entry).callback = null;
  }

  defer(callback: () => void): void {
    this.after(0, callback);
  }

  run(untilMs: number): void {
    for (;;) {
      const next = this.#queue.peek();
      if (next === null || next.dueMs > untilMs) break;
      this.#queue.pop();
      if (next.callback === null) continue;
      this.#nowMs = next.dueMs;
      this.#eventCount += 1;
      this.mix(next.dueMs * 1_000);
      next.callback();
    }
    this.#nowMs = untilMs;
  }
}
