/**
 * How much of something one replica lets through per second.
 *
 * `Throttle` counts units within a second and says what is above its rule: as the original does, the count begins anew
 * with each second, and what is refused does not count. `ByteBudget` is a bucket that fills evenly and may be
 * overdrawn, since what a read costs is known only when it is done.
 *
 * Both run on the monotonic clock: a second is a second, whatever becomes of the time of day.
 */
import { assert } from '../base/assert.ts';
import type { ThrottleRule } from '../model/throttle-rule.ts';

export const Load = { fits: 0, delay: 1, reject: 2 } as const;
export type Load = (typeof Load)[keyof typeof Load];

const SECOND_MS = 1_000;

export class Throttle {
  readonly rule: ThrottleRule;
  private second = -1;
  private units = 0;

  constructor(rule: ThrottleRule) {
    this.rule = rule;
  }

  take(units: number, nowMs: number): Load {
    assert(units >= 0, 'nothing is given back');
    const second = Math.floor(nowMs / SECOND_MS);
    if (second !== this.second) {
      this.second = second;
      this.units = 0;
    }
    const { rejectAbove, delayAbove } = this.rule;
    const taken = this.units + units;
    if (rejectAbove > 0 && taken > rejectAbove) return Load.reject;
    this.units = taken;
    return delayAbove > 0 && taken > delayAbove ? Load.delay : Load.fits;
  }
}

export class ByteBudget {
  private readonly bytesPerSecond: number;
  private left: number;
  private filledMs: number;

  constructor(bytesPerSecond: number, nowMs: number) {
    assert(bytesPerSecond >= 1, 'a budget grows');
    this.bytesPerSecond = bytesPerSecond;
    this.left = bytesPerSecond;
    this.filledMs = nowMs;
  }

  hasLeft(nowMs: number): boolean {
    const grown = ((nowMs - this.filledMs) * this.bytesPerSecond) / SECOND_MS;
    this.filledMs = nowMs;
    this.left = Math.min(this.left + grown, this.bytesPerSecond);
    return this.left > 0;
  }

  spend(bytes: number): void {
    this.left -= bytes;
  }
}
