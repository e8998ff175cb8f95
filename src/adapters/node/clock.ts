/**
 * The machine's clocks.
 *
 * `performance.now()` is CLOCK_MONOTONIC, which stands still while the machine sleeps. A lease that
 * outlives its grace by a suspend would let an old primary answer, so the time slept is added:
 * whenever the wall clock has moved against the monotonic one (a sleep, or somebody set it) the
 * time since boot is asked, which counts sleep, and decides which it was. A sleep whose length is
 * exactly undone by a wall step is noticed at the next drift. A virtual machine that is frozen by
 * its host sees none of this; only the late event loop shows.
 */
import { uptime } from 'node:os';
import type { Clock } from '../../env/clock.ts';

/**
 * Slewing moves the wall clock by at most 0.5 ms/s: one look at the boot time per 100 s at worst.
 */
const DRIFT_MS_MAX = 50;
/** Linux gives the time since boot in steps of 10 ms, so shorter sleeps are noise. */
const SLEEP_MS_MIN = 30;

/** Where the time comes from; a parameter so that a test can put the machine to sleep. */
export interface TimeSource {
  /** Stands still while the machine sleeps. */
  runningMs(): number;
  wallMs(): number;
  /** Since boot, with sleep. */
  bootMs(): number;
}

const machine: TimeSource = {
  runningMs: () => performance.now(),
  wallMs: () => Date.now(),
  // Elsewhere than on Linux this is the wall clock minus the time of boot: no help.
  bootMs: process.platform === 'linux' ? () => uptime() * 1000 : () => performance.now(),
};

export class NodeClock implements Clock {
  readonly #source: TimeSource;
  #sleptMs = 0;
  #wallOffsetMs: number;
  #bootOffsetMs: number;

  constructor(source: TimeSource = machine) {
    this.#source = source;
    const runningMs = source.runningMs();
    this.#wallOffsetMs = source.wallMs() - runningMs;
    this.#bootOffsetMs = source.bootMs() - runningMs;
  }

  monotonicMs(): number {
    const runningMs = this.#source.runningMs();
    const driftMs = this.#source.wallMs() - runningMs - this.#wallOffsetMs;
    if (driftMs > DRIFT_MS_MAX || driftMs < -DRIFT_MS_MAX) this.#onWallMoved(runningMs, driftMs);
    return runningMs + this.#sleptMs;
  }

  wallMs(): number {
    return this.#source.wallMs();
  }

  #onWallMoved(runningMs: number, driftMs: number): void {
    this.#wallOffsetMs += driftMs;
    const sleptMs = this.#source.bootMs() - runningMs - this.#bootOffsetMs;
    if (sleptMs < SLEEP_MS_MIN) return;
    this.#bootOffsetMs += sleptMs;
    this.#sleptMs += sleptMs;
  }
}
