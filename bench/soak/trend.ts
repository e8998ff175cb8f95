/**
 * Whether a row of samples is flat: the median slope (Theil and Sen), which single peaks do not move, over the time
 * that is looked at.
 */
import { median, rounded } from '../report.ts';

export interface Point {
  readonly atSeconds: number;
  readonly value: number;
}

export interface Trend {
  readonly first: number;
  readonly last: number;
  readonly lowest: number;
  readonly highest: number;
  readonly perHour: number;
  /** What the slope makes over the time that was looked at. */
  readonly growth: number;
  readonly growthMax: number;
  readonly isFlat: boolean;
}

export interface Tolerance {
  /** Share of the median that the growth may have; or the absolute amount, whichever is more. */
  readonly fraction: number;
  readonly absolute: number;
}

/** Means of so many samples at each end are `first` and `last`. */
const END_SAMPLES = 6;

export function trendOf(points: readonly Point[], tolerance: Tolerance): Trend {
  const values = points.map(({ value }) => value);
  const slope = medianSlope(points);
  const seconds = points.length < 2 ? 0 : points.at(-1)!.atSeconds - points[0]!.atSeconds;
  const growth = slope * seconds;
  const growthMax = Math.max(
    tolerance.absolute,
    tolerance.fraction * (values.length === 0 ? 0 : median(values)),
  );
  return {
    first: rounded(mean(values.slice(0, END_SAMPLES)), 1),
    last: rounded(mean(values.slice(-END_SAMPLES)), 1),
    lowest: rounded(Math.min(...values), 1),
    highest: rounded(Math.max(...values), 1),
    perHour: rounded(slope * 3600, 1),
    growth: rounded(growth, 1),
    growthMax: rounded(growthMax, 1),
    isFlat: growth <= growthMax,
  };
}

function medianSlope(points: readonly Point[]): number {
  const slopes: number[] = [];
  for (let from = 0; from < points.length; from++) {
    for (let to = from + 1; to < points.length; to++) {
      const seconds = points[to]!.atSeconds - points[from]!.atSeconds;
      slopes.push((points[to]!.value - points[from]!.value) / seconds);
    }
  }
  return slopes.length === 0 ? 0 : median(slopes);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
}
