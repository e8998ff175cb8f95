/**
 * Listens to the marks of production code (src/base/marks.ts) while a run lasts: counts them, and
 * lets the nemesis strike at one, inside the very call that reached it.
 *
 * Whose code is running is known from the scheduler. What belongs to no process, or to one that was
 * killed earlier in the same call, is not counted.
 */
import type { MarkName } from '../../src/base/marks.ts';
import type { Owner } from './owner.ts';
import type { Scheduler } from './scheduler.ts';

export interface ArmedMark {
  readonly name: MarkName;
  /** Strikes when the mark is reached for the so-manieth time. */
  hitsLeft: number;
  /** In the middle of a call of `owner`. False: not this one, wait for the next. */
  readonly strike: (owner: Owner) => boolean;
}

export class MarkBook {
  readonly counts: Map<MarkName, number> = new Map();
  readonly strikes: Map<MarkName, number> = new Map();
  readonly #scheduler: Scheduler;
  #armed: ArmedMark[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get strikeCount(): number {
    let sum = 0;
    for (const count of this.strikes.values()) sum += count;
    return sum;
  }

  arm(armed: ArmedMark): void {
    this.#armed.push(armed);
  }

  /** Idempotent. */
  disarm(armed: ArmedMark): void {
    this.#armed = this.#armed.filter((other) => other !== armed);
  }

  readonly onMark = (name: MarkName): void => {
    const owner = this.#scheduler.current;
    if (owner === null) return;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    for (const armed of this.#armed) {
      if (armed.name !== name) continue;
      armed.hitsLeft -= 1;
      if (armed.hitsLeft > 0 || !armed.strike(owner)) continue;
      this.strikes.set(name, (this.strikes.get(name) ?? 0) + 1);
      this.disarm(armed);
      return;
    }
  };
}
