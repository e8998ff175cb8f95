/**
 * How long somebody takes from being given a mutation to having it in the log: one mutation at a time is watched,
 * so the measure costs nothing per mutation. One that is still under way counts with the time that it has taken.
 */

/** Weight of the newest sample in the average. */
const NEWEST_WEIGHT = 0.3;
/** Without a sample for so long nothing is known any more. */
const FORGOTTEN_AFTER_MS = 5_000;

export class LagMeter {
  private watched = 0;
  private sinceMs = 0;
  private averageMs = Number.NaN;
  private sampledAtMs = Number.NEGATIVE_INFINITY;

  onGiven(decree: number, nowMs: number): void {
    if (this.watched !== 0) return;
    this.watched = decree;
    this.sinceMs = nowMs;
  }

  /** Everything up to `decree` is in the log. */
  onLogged(decree: number, nowMs: number): void {
    if (this.watched === 0 || decree < this.watched) return;
    const sampleMs = nowMs - this.sinceMs;
    const isFirst = Number.isNaN(this.averageMs) || this.isForgotten(nowMs);
    this.averageMs = isFirst
      ? sampleMs
      : this.averageMs + NEWEST_WEIGHT * (sampleMs - this.averageMs);
    this.sampledAtMs = nowMs;
    this.watched = 0;
  }

  /** NaN while nothing is known. */
  lagMs(nowMs: number): number {
    const knownMs = this.isForgotten(nowMs) ? Number.NaN : this.averageMs;
    if (this.watched === 0) return knownMs;
    const underWayMs = nowMs - this.sinceMs;
    return underWayMs > knownMs || Number.isNaN(knownMs) ? underWayMs : knownMs;
  }

  private isForgotten(nowMs: number): boolean {
    return nowMs - this.sampledAtMs > FORGOTTEN_AFTER_MS;
  }
}
