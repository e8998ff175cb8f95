/**
 * The newest beacon of each replica server, as heard by a meta server that does not lead. Who begins to lead answers
 * them at once, so that servers whose lease is about to end need not wait for their next beacon.
 */
import { assertAtLeast } from '../base/assert.ts';
import type { Clock } from '../env/clock.ts';
import type { NodeId } from '../model/identity.ts';
import type { Beacon } from '../wire/generated/internal.ts';

/** More servers than a cluster has. */
const SERVERS_MAX = 10_000;

interface Heard {
  readonly beacon: Beacon;
  readonly atMs: number;
}

export class LastBeacons {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #heard = new Map<NodeId, Heard>();

  /** What is older than the grace is of no use to anybody. */
  constructor(clock: Clock, graceMs: number) {
    assertAtLeast(graceMs, 1, 'grace');
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  note(from: NodeId, beacon: Beacon): void {
    if (this.#heard.size >= SERVERS_MAX && !this.#heard.has(from)) return;
    this.#heard.set(from, { beacon, atMs: this.#clock.monotonicMs() });
  }

  /** And forgets them. */
  take(): [NodeId, Beacon][] {
    const sinceMs = this.#clock.monotonicMs() - this.#graceMs;
    const recent = [...this.#heard].filter(([, { atMs }]) => atMs > sinceMs);
    this.#heard.clear();
    return recent.map(([from, { beacon }]) => [from, beacon]);
  }
}
