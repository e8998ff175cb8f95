/**
 * How long a partition is out of service after a fault: a small write to each partition every 50 ms,
 * on a key of its own. The outage ends with the first answer to a write that began after the fault.
 *
 * Writes do not wait for each other, or the patience of the client would be what is measured; so
 * many may be under way per partition, and no more are begun while they are.
 */
import { setMaxListeners } from 'node:events';
import { build, type Histogram } from 'hdr-histogram-js';
import type { Table } from '../src/client/api.ts';
import { PegasusError } from '../src/client/errors.ts';

export interface OutageSummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** A partition is back in service. */
export type OnOutage = (kind: string, partition: number, tookMs: number) => void;

interface Outage {
  readonly kind: string;
  readonly sinceMs: number;
}

const INTERVAL_MS = 50;
/**
 * The client waits for a silent server as long as a write has time, and asks the meta server anew
 * after: short, or that patience is what is measured.
 */
const TIMEOUT_MS = 2_000;
/** As many as begin within the time-out. */
const UNDER_WAY_MAX = 40;
const OUTAGE_MS_MAX = 600_000;

export class Canary {
  readonly #table: Table;
  readonly #onOutage: OnOutage;
  /** By partition. */
  readonly #keys: readonly string[];
  readonly #underWay: number[];
  readonly #outages: (Outage | null)[];
  readonly #histograms: Map<string, Histogram> = new Map();
  readonly #stop: AbortController = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #sequence: number = 0;
  acknowledged: number = 0;

  private constructor(table: Table, keys: readonly string[], onOutage: OnOutage) {
    this.#table = table;
    this.#onOutage = onOutage;
    this.#keys = keys;
    this.#underWay = keys.map(() => 0);
    this.#outages = keys.map(() => null);
  }

  static async start(table: Table, partitionCount: number, onOutage: OnOutage): Promise<Canary> {
    const keys = new Array<string>(partitionCount).fill('');
    for (let index = 0; keys.includes(''); index++) {
      const key = `canary${index}`;
      keys[await table.partitionOf(key)] ||= key;
    }
    const canary = new Canary(table, keys, onOutage);
    setMaxListeners(0, canary.#stop.signal);
    canary.#timer = setInterval(() => canary.#probeAll(), INTERVAL_MS);
    return canary;
  }

  /** From now on these partitions count as out of service, until one answers again. */
  onFault(kind: string, partitions: readonly number[], sinceMs: number): void {
    for (const partition of partitions) this.#outages[partition] = { kind, sinceMs };
  }

  /** Another fault came on top: what is still out of service is nobody's alone. */
  forget(): void {
    this.#outages.fill(null);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#stop.abort();
  }

  summaries(): Record<string, OutageSummary> {
    const summaries: Record<string, OutageSummary> = {};
    for (const [kind, histogram] of this.#histograms) {
      summaries[kind] = {
        count: histogram.totalCount,
        p50Ms: histogram.getValueAtPercentile(50),
        p90Ms: histogram.getValueAtPercentile(90),
        p99Ms: histogram.getValueAtPercentile(99),
        maxMs: histogram.maxValue,
      };
    }
    return summaries;
  }

  #probeAll(): void {
    for (let partition = 0; partition < this.#keys.length; partition++) {
      if (this.#underWay[partition]! < UNDER_WAY_MAX) void this.#probe(partition);
    }
  }

  async #probe(partition: number): Promise<void> {
    this.#underWay[partition]! += 1;
    this.#sequence += 1;
    const beganMs = performance.now();
    try {
      const options = { timeoutMs: TIMEOUT_MS, signal: this.#stop.signal };
      await this.#table.set(this.#keys[partition]!, '', `${this.#sequence}`, options);
      this.acknowledged += 1;
      this.#onAnswer(partition, beganMs);
    } catch (error) {
      if (!(error instanceof PegasusError)) throw error;
    } finally {
      this.#underWay[partition]! -= 1;
    }
  }

  #onAnswer(partition: number, beganMs: number): void {
    const outage = this.#outages[partition] ?? null;
    if (outage === null || beganMs < outage.sinceMs) return;
    this.#outages[partition] = null;
    let histogram = this.#histograms.get(outage.kind);
    if (histogram === undefined) {
      const options = { lowestDiscernibleValue: 1, highestTrackableValue: OUTAGE_MS_MAX };
      histogram = build({ ...options, numberOfSignificantValueDigits: 3 });
      this.#histograms.set(outage.kind, histogram);
    }
    const tookMs = Math.max(Math.round(performance.now() - outage.sinceMs), 1);
    histogram.recordValue(Math.min(tookMs, OUTAGE_MS_MAX));
    this.#onOutage(outage.kind, partition, tookMs);
  }
}
