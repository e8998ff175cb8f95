/**
 * What one simulated process sees of time: its own monotonic clock (offset and drift), its own wall clock
 * (offset and steps), its timers, and its logger.
 *
 * 1. Local time runs at `rate` times global time. A timer is never early on the local clock, and late by up
 *    to `timerLateUsMax`, as in a busy event loop.
 * 2. `defer` runs after all events of the same instant for this process: the network rounds deliveries up to
 *    turns (`turnUs`), so that a turn can hold several.
 * 3. Everything carries the generation of the process: after a crash nothing of the former life fires, nor what
 *    its code asks for while the call in which it was killed comes to rest.
 */
import { assertAtLeast } from '../../src/base/assert.ts';
import type { Clock, TimerHandle, Timers } from '../../src/env/clock.ts';
import type { LogFields, Logger } from '../../src/env/logger.ts';
import type { Random } from '../../src/env/random.ts';
import { EventOrder, type SimEvent } from './event-heap.ts';
import type { Owner } from './owner.ts';
import type { Scheduler } from './scheduler.ts';

export interface ClockTraits {
  /** Local seconds per global second, about 1. */
  readonly rate: number;
  readonly monotonicOffsetMs: number;
  readonly timerLateUsMax: number;
}

/** 2026-01-01, so that TTL arithmetic meets numbers of the size it will meet. */
const WALL_BASE_MS = 1_767_225_600_000;

export class SimClock implements Clock {
  readonly #scheduler: Scheduler;
  readonly traits: ClockTraits;
  /** Changed by the nemesis: a step of the wall clock. */
  wallOffsetMs: number = 0;

  constructor(scheduler: Scheduler, traits: ClockTraits) {
    this.#scheduler = scheduler;
    this.traits = traits;
  }

  monotonicMs(): number {
    return this.traits.monotonicOffsetMs + (this.#scheduler.nowUs / 1000) * this.traits.rate;
  }

  wallMs(): number {
    return WALL_BASE_MS + this.wallOffsetMs + this.#scheduler.nowUs / 1000;
  }
}

class SimTimer implements TimerHandle {
  dueMs: number;
  event: SimEvent | null = null;
  constructor(dueMs: number) {
    this.dueMs = dueMs;
  }
}

export class SimTimers implements Timers {
  readonly #scheduler: Scheduler;
  readonly #owner: Owner;
  readonly #clock: SimClock;
  readonly #random: Random;
  readonly #life: number;
  #deferred: (() => void)[] = [];

  /** For one life of the process. */
  constructor(scheduler: Scheduler, owner: Owner, clock: SimClock, random: Random) {
    this.#scheduler = scheduler;
    this.#owner = owner;
    this.#clock = clock;
    this.#random = random;
    this.#life = owner.generation;
  }

  after(delayMs: number, callback: () => void): TimerHandle {
    assertAtLeast(delayMs, 0, 'a delay is not negative');
    const timer = new SimTimer(this.#clock.monotonicMs() + delayMs);
    this.#arm(timer, delayMs, callback);
    return timer;
  }

  every(intervalMs: number, callback: () => void): TimerHandle {
    assertAtLeast(intervalMs, 1, 'an interval is at least a millisecond');
    const timer = new SimTimer(this.#clock.monotonicMs() + intervalMs);
    const tick = (): void => {
      timer.dueMs = this.#clock.monotonicMs() + intervalMs;
      this.#arm(timer, intervalMs, tick);
      callback();
    };
    this.#arm(timer, intervalMs, tick);
    return timer;
  }

  cancel(handle: TimerHandle): void {
    const timer = handle as SimTimer;
    if (timer.event === null) return;
    this.#scheduler.cancel(timer.event);
    timer.event = null;
  }

  defer(callback: () => void): void {
    if (this.#owner.generation !== this.#life) return;
    this.#deferred.push(callback);
    if (this.#deferred.length > 1) return;
    this.#scheduler.schedule(
      0,
      this.#owner,
      'defer',
      false,
      this.#runDeferred,
      EventOrder.deferred,
    );
  }

  readonly #runDeferred = (): void => {
    const callbacks = this.#deferred;
    this.#deferred = [];
    for (const callback of callbacks) {
      if (this.#owner.generation !== this.#life) return;
      callback();
    }
  };

  #arm(timer: SimTimer, delayMs: number, callback: () => void): void {
    if (this.#owner.generation !== this.#life) return;
    const { rate, timerLateUsMax } = this.#clock.traits;
    const lateUs = timerLateUsMax === 0 ? 0 : this.#random.below(timerLateUsMax);
    const delayUs = Math.ceil((delayMs * 1000) / rate) + lateUs;
    timer.event = this.#scheduler.schedule(delayUs, this.#owner, 'timer', false, callback);
  }
}

/** What a replica says that has found its history to be another than its primary's. */
const DIVERGED = /another history|history differs/;

/**
 * `error` events go to the judge: in production they mean "somebody must look". So does a replica
 * that gives up because histories differ: it mends itself, but the protocol must not come to that.
 */
export class SimLogger implements Logger {
  readonly #scheduler: Scheduler;
  readonly #owner: Owner;
  readonly #onError: (owner: Owner, event: string, text: string) => void;
  readonly #life: number;

  constructor(
    scheduler: Scheduler,
    owner: Owner,
    onError: (owner: Owner, event: string, text: string) => void,
  ) {
    this.#scheduler = scheduler;
    this.#owner = owner;
    this.#onError = onError;
    this.#life = owner.generation;
  }

  debug(event: string, fields?: LogFields): void {
    this.#note(event, fields);
  }

  info(event: string, fields?: LogFields): void {
    this.#note(event, fields);
  }

  warn(event: string, fields?: LogFields): void {
    this.#note(event, fields);
    if (event === 'replica.failed') this.#judge(event, fieldsText(fields), DIVERGED);
  }

  error(event: string, fields?: LogFields): void {
    this.#note(event, fields);
    this.#judge(event, fieldsText(fields), /^/);
  }

  #judge(event: string, text: string, pattern: RegExp): void {
    if (this.#owner.generation !== this.#life || !pattern.test(text)) return;
    this.#onError(this.#owner, event, text);
  }

  #note(event: string, fields: LogFields | undefined): void {
    const { trace, nowUs } = this.#scheduler;
    if (trace.keepsLines && this.#owner.generation === this.#life)
      trace.note(nowUs, this.#owner.name, event, fieldsText(fields));
  }
}

function fieldsText(fields: LogFields | undefined): string {
  return fields === undefined ? '' : JSON.stringify(fields);
}
