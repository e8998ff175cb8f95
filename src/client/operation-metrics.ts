/**
 * Counts and times of operations, kept in memory: for a page, a log line or an exporter of your own.
 *
 * Bounded: one record per operation and table, whatever goes through; times go into a fixed number
 * of buckets, each a quarter wider than the one before, so that a percentile is at most so far off.
 */
import { assert } from '../base/assert.ts';
import type { PegasusErrorCode } from './errors.ts';
import type { ClientHooks, OperationEnd } from './hooks.ts';

export interface OperationFigures {
  readonly operation: string;
  /** Empty for operations on the cluster. */
  readonly table: string;
  /** Ended, in success or not; without those that a hedged read has abandoned. */
  readonly count: number;
  /** Sends beyond the first of each operation. */
  readonly retries: number;
  readonly errors: ReadonlyMap<PegasusErrorCode, number>;
  readonly totalMs: number;
  readonly maxMs: number;
  /** Not below the true one, and at most a quarter above; 0 without operations. `share` in 0 … 1. */
  readonly percentileMs: (share: number) => number;
}

/** Give `hooks` to `connect` as one of its hooks, and look at `figures` whenever you like. */
export interface OperationMetrics {
  readonly hooks: ClientHooks;
  /** Started and not ended. */
  readonly underWay: number;
  figures(): OperationFigures[];
}

export function operationMetrics(): OperationMetrics {
  return new Recorder();
}

const BUCKET_MS_MIN = 0.05;
const BUCKET_GROWTH = 1.25;
/** Up to about an hour. */
const BUCKETS = 82;

class Recorder implements OperationMetrics {
  underWay = 0;
  readonly #records: Map<string, Figures> = new Map();
  readonly hooks: ClientHooks = {
    onOperationStart: () => {
      this.underWay++;
    },
    onOperationEnd: (end) => {
      this.underWay--;
      if (!end.abandoned) this.#record(end.operation, end.table).add(end);
    },
  };

  figures(): OperationFigures[] {
    return [...this.#records.values()];
  }

  #record(operation: string, table: string): Figures {
    const name = `${operation} ${table}`;
    let record = this.#records.get(name);
    if (record === undefined) {
      record = new Figures(operation, table);
      this.#records.set(name, record);
    }
    return record;
  }
}

class Figures implements OperationFigures {
  readonly operation: string;
  readonly table: string;
  readonly errors: Map<PegasusErrorCode, number> = new Map();
  count = 0;
  retries = 0;
  totalMs = 0;
  maxMs = 0;
  readonly #buckets: Float64Array = new Float64Array(BUCKETS);

  constructor(operation: string, table: string) {
    this.operation = operation;
    this.table = table;
  }

  add({ attempts, durationMs, error }: OperationEnd): void {
    this.count++;
    this.retries += Math.max(attempts - 1, 0);
    this.totalMs += durationMs;
    this.maxMs = Math.max(this.maxMs, durationMs);
    if (error !== null) this.errors.set(error.code, (this.errors.get(error.code) ?? 0) + 1);
    const bucket = bucketOf(durationMs);
    this.#buckets[bucket] = this.#buckets[bucket]! + 1;
  }

  readonly percentileMs = (share: number): number => {
    assert(share >= 0 && share <= 1, 'a share is between 0 and 1');
    const wanted = Math.max(Math.ceil(this.count * share), 1);
    let seen = 0;
    for (const [bucket, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= wanted) return Math.min(bucketEndMs(bucket), this.maxMs);
    }
    return 0;
  };
}

function bucketOf(durationMs: number): number {
  if (durationMs <= BUCKET_MS_MIN) return 0;
  const bucket = Math.ceil(Math.log(durationMs / BUCKET_MS_MIN) / Math.log(BUCKET_GROWTH));
  return Math.min(bucket, BUCKETS - 1);
}

function bucketEndMs(bucket: number): number {
  return BUCKET_MS_MIN * BUCKET_GROWTH ** bucket;
}
