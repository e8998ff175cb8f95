/**
 * Counts of values by size, for percentiles: buckets that grow with the values, 16 for each power of two, so that a
 * percentile is at most 6 % too high. Recording is a few integer operations and no allocation; the whole takes 2 KB.
 */
import { assert } from './assert.ts';

/** Values below 32 have a bucket each. */
const SUB_BITS = 4;
const SUB_COUNT = 1 << SUB_BITS;
const BITS_MAX = 31;
const BUCKETS = (BITS_MAX - SUB_BITS + 1) * SUB_COUNT;
/** Larger ones count as this. */
const VALUE_MAX = 0x7fff_ffff;

export class LogHistogram {
  private readonly counts: Uint32Array = new Uint32Array(BUCKETS);
  private total = 0;

  get count(): number {
    return this.total;
  }

  /** `value` ≥ 0; the fraction is dropped. */
  record(value: number): void {
    const whole = value < VALUE_MAX ? value | 0 : VALUE_MAX;
    this.counts[bucketOf(whole)]! += 1;
    this.total += 1;
  }

  reset(): void {
    if (this.total === 0) return;
    this.counts.fill(0);
    this.total = 0;
  }

  /** Largest value of the bucket in which the first `fraction` of all recorded values ends; 0 without values. */
  static percentile(parts: readonly LogHistogram[], fraction: number): number {
    assert(fraction > 0 && fraction <= 1, 'a percentile is a share of the values');
    let left = Math.ceil(parts.reduce((sum, part) => sum + part.total, 0) * fraction);
    if (left === 0) return 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      for (const part of parts) left -= part.counts[bucket]!;
      if (left <= 0) return lastOf(bucket);
    }
    return VALUE_MAX;
  }
}

function bucketOf(value: number): number {
  if (value < 2 * SUB_COUNT) return value;
  const shift = BITS_MAX - Math.clz32(value) - SUB_BITS;
  return shift * SUB_COUNT + (value >>> shift);
}

function lastOf(bucket: number): number {
  if (bucket < 2 * SUB_COUNT) return bucket;
  const shift = Math.floor(bucket / SUB_COUNT) - 1;
  return (bucket - shift * SUB_COUNT + 1) * 2 ** shift - 1;
}
