/** What the load measures: latencies by kind of operation, and errors by their code. */
import { build, type Histogram } from 'hdr-histogram-js';

export interface LatencySummary {
  readonly count: number;
  readonly meanUs: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p95Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

/** Ten minutes; slower operations count as that. */
const LATENCY_US_MAX = 600_000_000;

export class Recorder {
  readonly #reads: Histogram = newHistogram();
  readonly #writes: Histogram = newHistogram();
  readonly errors: Map<string, number> = new Map();
  #completed = 0;

  get completed(): number {
    return this.#completed;
  }

  onSuccess(isRead: boolean, latencyMs: number): void {
    this.#completed++;
    const latencyUs = Math.min(Math.max(Math.round(latencyMs * 1000), 1), LATENCY_US_MAX);
    (isRead ? this.#reads : this.#writes).recordValue(latencyUs);
  }

  onError(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }

  reset(): void {
    this.#completed = 0;
    this.#reads.reset();
    this.#writes.reset();
    this.errors.clear();
  }

  reads(): LatencySummary {
    return summary(this.#reads);
  }

  writes(): LatencySummary {
    return summary(this.#writes);
  }
}

function newHistogram(): Histogram {
  return build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_US_MAX,
    numberOfSignificantValueDigits: 3,
  });
}

function summary(histogram: Histogram): LatencySummary {
  return {
    count: histogram.totalCount,
    meanUs: Math.round(histogram.mean),
    p50Us: histogram.getValueAtPercentile(50),
    p90Us: histogram.getValueAtPercentile(90),
    p95Us: histogram.getValueAtPercentile(95),
    p99Us: histogram.getValueAtPercentile(99),
    p999Us: histogram.getValueAtPercentile(99.9),
    maxUs: histogram.maxValue,
  };
}
