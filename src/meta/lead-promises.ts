/**
 * How a leader stays sure of its lead while the service that elects is away: all other meta servers promise not to
 * begin a term for a while. Two sides, both pure, times on the monotonic clock of whoever holds the object:
 * `GivenPromises` of each meta server, `HeldPromises` of the leader for the length of its term.
 *
 *  1. A promise of `holdMs` binds its giver from the receipt of the request, and serves its holder from the *sending*,
 *     less what two clocks may differ by. So it serves no longer than it binds.
 *  2. A lead is sure by promises only while *all* others are bound: each of them alone could begin a term.
 *  3. Who has just started is bound as if it had promised: it may have, before it was started again.
 *  4. Who is elected, or begins a term, or leads, promises nothing: else a leader that has lost the service for ever
 *     would be kept by promises, and nothing could be changed. It is followed when its last promise has run out.
 *  5. Promises are given to the newest epoch that is known, and to nobody whose list of meta servers, or whose cluster,
 *     is another one: it would not ask all who have to be asked.
 *  6. A leader that stops gives its promises back, so that nobody waits for them. Requests carry a sequence number:
 *     one that is older than the newest is ignored, so nothing is promised after it was given back.
 */
import { assert, assertAtLeast } from '../base/assert.ts';
import { CLOCK_DRIFT_MAX } from '../cluster/settings.ts';
import type { NodeId } from '../model/identity.ts';
import type { LeadPromise, LeadPromiseRequest } from '../wire/generated/internal.ts';

/** What the giver is doing, as far as promises hang on it. */
export interface GiverStanding {
  /** Elected, about to begin a term, or leading. */
  readonly isBusy: boolean;
  /** Null while it is not known. */
  readonly clusterId: string | null;
}

export class GivenPromises {
  /** Sorted `host:port`. */
  readonly #metaServers: readonly string[];
  #knownEpoch = 0;
  /** Highest of `#knownEpoch`. */
  #sequence = 0;
  #promisedUntilMs = Number.NEGATIVE_INFINITY;
  /** Rule 3. Nobody can give this back, for it is not known whose it is. */
  readonly #startUntilMs: number;

  constructor(metaServers: readonly string[], holdMs: number, nowMs: number) {
    assertAtLeast(holdMs, 1, 'promises hold for a while');
    this.#metaServers = metaServers;
    this.#startUntilMs = nowMs + holdMs;
  }

  /** No term may begin before. */
  get untilMs(): number {
    return Math.max(this.#startUntilMs, this.#promisedUntilMs);
  }

  /** The highest that was heard of; 0 = none. */
  get knownEpoch(): number {
    return this.#knownEpoch;
  }

  /** A term of this epoch has begun, here or elsewhere. */
  noteEpoch(epoch: number): void {
    if (epoch <= this.#knownEpoch) return;
    this.#knownEpoch = epoch;
    this.#sequence = 0;
  }

  /** Null: a request that has been overtaken, which is not answered. */
  answer(request: LeadPromiseRequest, standing: GiverStanding, nowMs: number): LeadPromise | null {
    const { epoch, sequence, holdMs } = request;
    const isStale = epoch === this.#knownEpoch && sequence <= this.#sequence;
    if (isStale) return null;
    const refusal = this.#refusalOf(request, standing);
    if (refusal === '') {
      this.noteEpoch(epoch);
      this.#sequence = sequence;
      // Others may hold promises too, but theirs are of epochs that are over.
      const isGivenBack = holdMs === 0;
      this.#promisedUntilMs = isGivenBack
        ? Number.NEGATIVE_INFINITY
        : Math.max(this.#promisedUntilMs, nowMs + holdMs);
    }
    return { epoch, sequence, refusal, knownEpoch: this.#knownEpoch };
  }

  #refusalOf(request: LeadPromiseRequest, standing: GiverStanding): string {
    if (standing.clusterId !== null && standing.clusterId !== request.clusterId) {
      return `this is a meta server of cluster id ${standing.clusterId}`;
    }
    const own = this.#metaServers.join();
    if (request.metaServers.join() !== own) return `here the meta servers are ${own}`;
    if (request.epoch < this.#knownEpoch) return `epoch ${this.#knownEpoch} has begun`;
    return standing.isBusy ? 'elected' : '';
  }
}

/** Rounds whose sending time is remembered. */
const ROUNDS_MAX = 64;

export class HeldPromises {
  readonly #holdMs: number;
  /** By other meta server: until when it is bound, for us. */
  readonly #untilMs = new Map<NodeId, number>();
  readonly #sentMs = new Float64Array(ROUNDS_MAX);
  #sequence = 0;

  constructor(others: readonly NodeId[], holdMs: number) {
    assertAtLeast(holdMs, 1, 'promises hold for a while');
    this.#holdMs = holdMs;
    for (const other of others) this.#untilMs.set(other, Number.NEGATIVE_INFINITY);
    assert(this.#untilMs.size === others.length, 'each other one stands in the list once');
  }

  /** Rule 2. Infinity for whoever is alone. */
  get sureUntilMs(): number {
    return Math.min(...this.#untilMs.values());
  }

  /** A round begins, whose requests leave right after. Returns their sequence number. */
  ask(nowMs: number): number {
    this.#sequence += 1;
    this.#sentMs[this.#sequence % ROUNDS_MAX] = nowMs;
    return this.#sequence;
  }

  onPromise(from: NodeId, promise: LeadPromise): void {
    const { sequence, refusal } = promise;
    const untilMs = this.#untilMs.get(from);
    if (untilMs === undefined || refusal !== '') return;
    if (sequence > this.#sequence || sequence <= this.#sequence - ROUNDS_MAX) return;
    const sentMs = this.#sentMs[sequence % ROUNDS_MAX]!;
    const until = sentMs + this.#holdMs * (1 - CLOCK_DRIFT_MAX);
    if (until > untilMs) this.#untilMs.set(from, until);
  }

  /** Rule 6: what was promised is of no use from now on. Returns the sequence number of the request that says so. */
  giveBack(): number {
    for (const other of this.#untilMs.keys()) this.#untilMs.set(other, Number.NEGATIVE_INFINITY);
    const sequence = this.#sequence + 1;
    // Answers to earlier rounds come too late.
    this.#sequence += ROUNDS_MAX + 1;
    return sequence;
  }
}
