/**
 * How long the requests of one replica took here, by procedure, in the last ten to twenty seconds: from when a request
 * was taken up to when its answer was given to the connection. For a write that is the way through replication.
 *
 * Two histograms for each procedure that is used at all: one is filled, the other has the time before.
 */
import { LogHistogram } from '../base/log-histogram.ts';
import { RPCS, RpcCode } from '../wire/rpc-codes.ts';

const WINDOW_MS = 10_000;
/** Of the histograms. */
const UNITS_PER_MS = 10_000;
const NS_PER_UNIT = 100;

export class RequestLatencies {
  private current: (LogHistogram | null)[] = new Array<LogHistogram | null>(RPCS.length).fill(null);
  private previous: (LogHistogram | null)[] = new Array<LogHistogram | null>(RPCS.length).fill(
    null,
  );
  private windowEndMs = 0;

  /** `nowMs`: when it was answered, on the monotonic clock. */
  record(rpc: RpcCode, durationMs: number, nowMs: number): void {
    if (nowMs >= this.windowEndMs) this.turn(nowMs);
    // Batches of scans are one kind, whether the first or a later one.
    const kind = rpc === RpcCode.scan ? RpcCode.getScanner : rpc;
    let histogram = this.current[kind]!;
    if (histogram === null) {
      histogram = new LogHistogram();
      this.current[kind] = histogram;
    }
    histogram.record(durationMs * UNITS_PER_MS);
  }

  /** 0 when there was no such request. */
  percentileNs(rpc: RpcCode, fraction: number): number {
    const parts = [this.current[rpc]!, this.previous[rpc]!].filter((part) => part !== null);
    return LogHistogram.percentile(parts, fraction) * NS_PER_UNIT;
  }

  private turn(nowMs: number): void {
    // After a time without requests the one before is too old as well.
    const isStale = nowMs >= this.windowEndMs + WINDOW_MS;
    const next = this.previous;
    this.previous = this.current;
    this.current = next;
    for (const histogram of next) histogram?.reset();
    if (isStale) for (const histogram of this.previous) histogram?.reset();
    this.windowEndMs = nowMs + WINDOW_MS;
  }
}
