/**
 * V24: of several meta servers one leads, whatever each of them believes. What the service has carried out and what
 * goes over the wire is judged; the rules are those of docs/meta-store.md, written down anew:
 *
 *  1. Epochs grow. What is written under an epoch comes from the life of the server that has begun it.
 *  2. What is said under an epoch comes from the server that has begun it.
 *  3. No lease is granted under an epoch when the service has a later one.
 *  4. Who has promised begins no term before its time-out is over, unless the promise was given back.
 *  5. A lease is granted only while the lead was sure all the time since the term began: by the service within its
 *     time-out, counted from the question, or by promises of all others, each counted from its request.
 *
 * Clocks of servers differ by less than 5 %: promises are taken to bind for a little less than their time, and to serve
 * for a little more than a careful holder would let them. A promise is taken to have arrived when it was sent. So what
 * is found is wrong for certain.
 */
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import type { AcceptedWrite } from '../cluster/coordination.ts';
import {
  readSeenBeaconAck,
  readSeenEpoch,
  readSeenPromise,
  readSeenPromiseRequest,
} from './wire-view.ts';

export interface TermSight {
  /** Names of all meta servers. */
  readonly metas: readonly string[];
  readonly leadTimeoutMs: number;
  readonly nowUs: () => number;
  readonly report: (detail: string) => void;
}

/** On the fastest clock (2 %) a promise binds for at least so much of its time. */
const BINDS_FRACTION = 0.98;
/** On the slowest clock a holder that leaves out the drift (5 %) uses at most so much of it. */
const SERVES_FRACTION = 0.97;
/** Rounds of requests that are remembered: six per time-out. */
const REQUESTS_KEPT = 64;

class SeenTerm {
  readonly epoch: number;
  readonly leader: string;
  readonly generation: number;
  /** Rule 5: by the election, and by each other server's promise. */
  electedUntilUs: number;
  readonly promisedUntilUs: Map<string, number> = new Map();
  hasLapsed = false;

  constructor(epoch: number, leader: string, generation: number, electedUntilUs: number) {
    this.epoch = epoch;
    this.leader = leader;
    this.generation = generation;
    this.electedUntilUs = electedUntilUs;
  }
}

interface SeenRequest {
  readonly sentUs: number;
  readonly holdMs: number;
}

export class TermWatch {
  readonly #sight: TermSight;
  /** By epoch. */
  readonly #terms: Map<number, SeenTerm> = new Map();
  #newest: SeenTerm | null = null;
  /** Until when each server is bound, by what it has promised. */
  readonly #boundUntilUs: Map<string, number> = new Map();
  /** By `life`: when the newest round began that made it leader. */
  readonly #electedUs: Map<string, number> = new Map();
  /** By `leader>giver epoch sequence`, in order. */
  readonly #requests: Map<string, SeenRequest> = new Map();

  constructor(sight: TermSight) {
    this.#sight = sight;
  }

  // ---- the service ----

  onElected(candidate: string, generation: number, sentUs: number): void {
    this.#electedUs.set(`${candidate}/${generation}`, sentUs);
    for (const term of this.#terms.values()) {
      if (term.leader !== candidate || term.generation !== generation) continue;
      this.#noteLapse(term);
      term.electedUntilUs = Math.max(term.electedUntilUs, this.#servesUntilUs(sentUs));
    }
  }

  onAccepted({ writer, generation, request }: AcceptedWrite): void {
    const newest = this.#newest;
    const epoch = request.head === null ? (newest?.epoch ?? 0) : epochOf(request.head);
    if (newest === null || epoch > newest.epoch) {
      this.#onBegun(epoch, writer, generation);
      return;
    }
    if (epoch < newest.epoch) {
      this.#sight.report(`${writer} writes epoch ${epoch} over epoch ${newest.epoch}`);
    } else if (writer !== newest.leader || generation !== newest.generation) {
      const life = `${writer}, life ${generation},`;
      this.#sight.report(`${life} writes under epoch ${epoch} of ${newest.leader}`);
    }
  }

  /** Rule 4. */
  #onBegun(epoch: number, leader: string, generation: number): void {
    const boundUntilUs = this.#boundUntilUs.get(leader) ?? Number.NEGATIVE_INFINITY;
    const earlyUs = boundUntilUs - this.#sight.nowUs();
    if (earlyUs > 0) {
      const earlyMs = Math.round(earlyUs / 1_000);
      this.#sight.report(`${leader} begins epoch ${epoch}, bound by a promise for ${earlyMs} ms`);
    }
    const sentUs = this.#electedUs.get(`${leader}/${generation}`) ?? Number.NEGATIVE_INFINITY;
    const term = new SeenTerm(epoch, leader, generation, this.#servesUntilUs(sentUs));
    this.#terms.set(epoch, term);
    this.#newest = term;
  }

  // ---- the wire ----

  onFrame(from: string, to: string, type: number, payload: Uint8Array): void {
    if (type === InternalMessage.leadPromiseRequest) this.#onRequest(from, to, payload);
    else if (type === InternalMessage.leadPromise) this.#onPromise(from, to, payload);
    const epoch = readSeenEpoch(type, payload);
    if (epoch === 0) return;
    const term = this.#terms.get(epoch);
    if (term?.leader !== from) {
      const whose = term === undefined ? 'which nobody has begun' : `of ${term.leader}`;
      this.#sight.report(`${from} speaks to ${to} under epoch ${epoch}, ${whose}`);
      return;
    }
    if (type !== InternalMessage.beaconAck || readSeenBeaconAck(payload).leaseMs === 0) return;
    this.#onGranted(term, to);
  }

  /** Rules 3 and 5. */
  #onGranted(term: SeenTerm, to: string): void {
    const { epoch, leader } = term;
    if (term !== this.#newest) {
      const since = this.#newest?.epoch;
      this.#sight.report(`${leader} grants ${to} a lease under epoch ${epoch}, after ${since}`);
      return;
    }
    this.#noteLapse(term);
    if (!term.hasLapsed) return;
    this.#sight.report(
      `${leader} grants ${to} a lease under epoch ${epoch}, of which it is not sure`,
    );
  }

  #onRequest(from: string, to: string, payload: Uint8Array): void {
    const { epoch, sequence, holdMs } = readSeenPromiseRequest(payload);
    const sentUs = this.#sight.nowUs();
    this.#requests.set(`${from}>${to} ${epoch} ${sequence}`, { sentUs, holdMs });
    const kept = REQUESTS_KEPT * this.#sight.metas.length ** 2;
    for (const oldest of this.#requests.keys()) {
      if (this.#requests.size <= kept) break;
      this.#requests.delete(oldest);
    }
  }

  #onPromise(giver: string, holder: string, payload: Uint8Array): void {
    const { epoch, sequence, isGiven } = readSeenPromise(payload);
    const request = this.#requests.get(`${holder}>${giver} ${epoch} ${sequence}`);
    if (!isGiven || request === undefined) return;
    if (request.holdMs === 0) {
      this.#boundUntilUs.delete(giver);
      return;
    }
    const untilUs = this.#sight.nowUs() + request.holdMs * 1_000 * BINDS_FRACTION;
    this.#boundUntilUs.set(giver, Math.max(untilUs, this.#boundUntilUs.get(giver) ?? 0));
    const term = this.#terms.get(epoch);
    if (term === undefined) return;
    this.#noteLapse(term);
    const servesUntilUs = this.#servesUntilUs(request.sentUs);
    const before = term.promisedUntilUs.get(giver) ?? Number.NEGATIVE_INFINITY;
    term.promisedUntilUs.set(giver, Math.max(before, servesUntilUs));
  }

  /** Before anything extends the lead. */
  #noteLapse(term: SeenTerm): void {
    const promises = this.#sight.metas
      .filter((name) => name !== term.leader)
      .map((name) => term.promisedUntilUs.get(name) ?? Number.NEGATIVE_INFINITY);
    const sureUntilUs = Math.max(term.electedUntilUs, Math.min(...promises));
    if (this.#sight.nowUs() > sureUntilUs) term.hasLapsed = true;
  }

  #servesUntilUs(sentUs: number): number {
    return sentUs + this.#sight.leadTimeoutMs * 1_000 * SERVES_FRACTION;
  }
}

/** Written against the form of the head: a document with its epoch in it. */
function epochOf(head: Uint8Array): number {
  const text = String.fromCharCode(...head);
  return (JSON.parse(text) as { readonly epoch: number }).epoch;
}
