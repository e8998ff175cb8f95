/**
 * One timer for all deadlines of a client: a hashed wheel of intrusive lists.
 *
 *  1. An entry wakes not before its time, and at most one tick plus the timer's own lateness after it.
 *  2. An entry is in at most one list; scheduling it again moves it, cancelling it twice is fine.
 *  3. `onWake` may schedule and cancel any entry, itself included.
 *
 * Scheduling and cancelling cost a few pointer writes and allocate nothing. Entries further away than the wheel's
 * horizon stay in their slot for another round. The timer is armed for the next slot that holds anything, and left
 * alone when what it was armed for is cancelled: one idle wake-up is cheaper than a timer moved per operation.
 */
import { assert } from '../base/assert.ts';
import type { Clock, TimerHandle, Timers } from '../env/clock.ts';

const TICK_MS = 8;
const SLOTS = 512;
const SLOT_MASK = SLOTS - 1;
/** List of the entries whose time has come, while they are being woken. */
const SLOT_DUE = SLOTS;
const SLOT_NONE = -1;

/** Fields belong to the wheel, except that anyone may read `wakeMs`. */
export interface WheelEntry {
  wakeMs: number;
  /** -1 when not scheduled. */
  wheelSlot: number;
  wheelNext: WheelEntry | null;
  wheelPrevious: WheelEntry | null;
  onWake(nowMs: number): void;
}

export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #heads: (WheelEntry | null)[] = new Array<WheelEntry | null>(SLOTS + 1).fill(null);
  #count = 0;
  /** Slots up to this tick have been looked at. */
  #tick: number;
  #armedTick = Number.POSITIVE_INFINITY;
  #armed: TimerHandle | null = null;
  #closed = false;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
    this.#tick = Math.floor(clock.monotonicMs() / TICK_MS);
  }

  get count(): number {
    return this.#count;
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  schedule(entry: WheelEntry, wakeMs: number): void {
    assert(!this.#closed, 'nothing is scheduled on a closed wheel');
    assert(wakeMs >= 0, 'a deadline is a time');
    if (entry.wheelSlot !== SLOT_NONE) this.#unlink(entry);
    entry.wakeMs = wakeMs;
    const tick = Math.max(Math.ceil(wakeMs / TICK_MS), this.#tick + 1);
    this.#link(entry, tick & SLOT_MASK);
    if (tick < this.#armedTick) this.#arm(tick);
  }

  cancel(entry: WheelEntry): void {
    if (entry.wheelSlot !== SLOT_NONE) this.#unlink(entry);
  }

  /** Whatever is still scheduled never wakes. */
  close(): void {
    this.#closed = true;
    if (this.#armed !== null) this.#timers.cancel(this.#armed);
    this.#armed = null;
  }

  #link(entry: WheelEntry, slot: number): void {
    const head = this.#heads[slot] ?? null;
    entry.wheelSlot = slot;
    entry.wheelNext = head;
    entry.wheelPrevious = null;
    if (head !== null) head.wheelPrevious = entry;
    this.#heads[slot] = entry;
    this.#count++;
  }

  #unlink(entry: WheelEntry): void {
    const next = entry.wheelNext;
    const previous = entry.wheelPrevious;
    if (next !== null) next.wheelPrevious = previous;
    if (previous !== null) previous.wheelNext = next;
    else this.#heads[entry.wheelSlot] = next;
    entry.wheelSlot = SLOT_NONE;
    entry.wheelNext = null;
    entry.wheelPrevious = null;
    this.#count--;
  }

  #arm(tick: number): void {
    if (this.#armed !== null) this.#timers.cancel(this.#armed);
    this.#armedTick = tick;
    const delayMs = Math.max(Math.ceil(tick * TICK_MS - this.#clock.monotonicMs()), 0);
    this.#armed = this.#timers.after(delayMs, this.#onTimer);
  }

  readonly #onTimer = (): void => {
    assert(!this.#closed, 'a closed wheel has no timer');
    this.#armed = null;
    this.#armedTick = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    const nowTick = Math.floor(nowMs / TICK_MS);
    this.#collect(nowTick, nowMs);
    for (let entry = this.#firstDue(); entry !== null; entry = this.#firstDue()) {
      this.#unlink(entry);
      entry.onWake(nowMs);
      if (this.#closed) return;
    }
    this.#armNext();
  };

  #firstDue(): WheelEntry | null {
    return this.#heads[SLOT_DUE] ?? null;
  }

  /** Moves what is due from the slots up to `nowTick` into the due list. */
  #collect(nowTick: number, nowMs: number): void {
    const slots = Math.min(nowTick - this.#tick, SLOTS);
    for (let offset = 1; offset <= slots; offset++) {
      let entry = this.#heads[(this.#tick + offset) & SLOT_MASK] ?? null;
      while (entry !== null) {
        const next = entry.wheelNext;
        if (entry.wakeMs <= nowMs) {
          this.#unlink(entry);
          this.#link(entry, SLOT_DUE);
        }
        entry = next;
      }
    }
    this.#tick = Math.max(this.#tick, nowTick);
  }

  #armNext(): void {
    if (this.#count === 0) return;
    for (let tick = this.#tick + 1; tick <= this.#tick + SLOTS; tick++) {
      if (this.#heads[tick & SLOT_MASK] === null) continue;
      if (tick < this.#armedTick) this.#arm(tick);
      return;
    }
  }
}
