/**
 * Whether this one of several meta servers leads, since when, and how long it is sure of it. What makes a leader is
 * said in docs/meta-store.md, "Who leads"; this is where the parts of it meet: the election (election.ts), the terms
 * (shared-state-store.ts), and the promises of the others (lead-promises.ts).
 *
 *  1. A term begins when the election is won, and every promise of this server has run out.
 *  2. The lead is sure as long as the election says so, or as long as all others have promised not to begin a term.
 *     Only while it is sure may anything be granted (`isSure`).
 *  3. A lead that was not sure at some moment may have had others after it, who are gone again. So it is over, and its
 *     term with it; another term, which reads what has become of the state, needs the service.
 *  4. A term ends at once when another one leads, by the election or by a higher epoch, or when a write was refused
 *     for that.
 */
import { assert } from '../base/assert.ts';
import type { Clock, TimerHandle } from '../env/clock.ts';
import { CoordinationError } from '../env/coordination.ts';
import { StateStoreError } from '../env/state-store.ts';
import {
  type HostPort,
  hostPortText,
  type NodeId,
  parseHostPort,
  toNodeId,
} from '../model/identity.ts';
import type { LeadPromise, LeadPromiseRequest } from '../wire/generated/internal.ts';
import { Election } from './election.ts';
import { GivenPromises, HeldPromises } from './lead-promises.ts';
import { decodeHead } from './shared-head.ts';
import { SharedStateStore, type SharedStoreEnvironment } from './shared-state-store.ts';

export interface LeadershipEnvironment extends SharedStoreEnvironment {
  readonly clock: Clock;
}

export interface LeadershipOptions {
  readonly clusterName: string;
  readonly self: HostPort;
  /** All of them, this one too. */
  readonly metaServers: readonly HostPort[];
}

export interface Term {
  readonly store: SharedStateStore;
  /**
   * This server has heard of the term before, since it was started: what the store says cannot come from a backup,
   * which is only restored while no meta server runs.
   */
  readonly isSuccession: boolean;
}

export interface LeadershipEvents {
  onTermBegun(term: Term): void;
  /** Nothing may be granted or written any more. The store is the owner's to close. */
  onTermEnded(): void;
  sendPromiseRequest(to: NodeId, request: LeadPromiseRequest): void;
  sendPromise(to: NodeId, promise: LeadPromise): void;
}

export type LeadershipState =
  /** And sure of it. */
  | 'leading'
  /** Elected, and about to begin a term. */
  | 'beginning'
  /** Or not sure whether another one leads: what it knows may be old, and clients should look elsewhere. */
  | 'following';

/** Rounds of the election, and of promises, in one timeout. */
const ATTENDS_PER_TIMEOUT = 12;
const ASKS_PER_TIMEOUT = 6;
const STORE_RETRY_MS = 200;
/** Who cannot use the store for a reason that others may not have leaves the lead to them for so long. */
const ASIDE_MS = 10_000;

export class Leadership {
  readonly #environment: LeadershipEnvironment;
  readonly #options: LeadershipOptions;
  readonly #events: LeadershipEvents;
  readonly #holdMs: number;
  readonly #others: readonly NodeId[];
  /** Sorted. */
  readonly #metaServers: readonly string[];
  readonly #election: Election;
  readonly #given: GivenPromises;
  /** Whom the last promise was given to; its leader as long as the promise is in force. */
  #promisedTo: HostPort | null = null;
  #clusterId: string | null = null;
  #store: SharedStateStore | null = null;
  #held: HeldPromises | null = null;
  /** Rule 3, since the present term or attempt to begin one. */
  #hasLapsed = false;
  #opening: Promise<void> | null = null;
  #isReadingHead = false;
  #beginTrouble: string | null = null;
  #refusals = new Map<NodeId, string>();
  readonly #ticks: TimerHandle;
  #wake: TimerHandle | null = null;
  #closed = false;

  constructor(
    environment: LeadershipEnvironment,
    options: LeadershipOptions,
    events: LeadershipEvents,
  ) {
    const { service, clock, timers } = environment;
    const self = hostPortText(options.self);
    this.#environment = environment;
    this.#options = options;
    this.#events = events;
    this.#metaServers = options.metaServers.map(hostPortText).sort();
    assert(this.#metaServers.includes(self), 'a meta server stands in the list of all');
    this.#others = this.#metaServers.filter((one) => one !== self).map(toNodeId);
    this.#holdMs = service.leadTimeoutMs;
    this.#given = new GivenPromises(this.#metaServers, this.#holdMs, clock.monotonicMs());
    const intervalMs = Math.floor(service.leadTimeoutMs / ATTENDS_PER_TIMEOUT);
    this.#election = new Election(
      environment,
      { candidate: self, intervalMs },
      {
        onAnswer: () => this.#noteLapse(),
        onElected: () => this.#consider(),
        onLost: () => this.endTerm('another one is elected'),
      },
    );
    const tickMs = Math.floor(this.#holdMs / ASKS_PER_TIMEOUT);
    this.#ticks = timers.every(tickMs, () => this.#onTick());
  }

  get state(): LeadershipState {
    if (this.#store !== null) return this.isSure() ? 'leading' : 'following';
    return this.#isElectedSurely ? 'beginning' : 'following';
  }

  /** Where the others should go; null while it is not known. */
  get leader(): HostPort | null {
    if (this.#store !== null) return this.isSure() ? this.#options.self : null;
    if (this.#promisedTo !== null && this.#given.untilMs > this.#nowMs) return this.#promisedTo;
    const { leader } = this.#election;
    return leader === null ? null : parseHostPort(leader);
  }

  /** Rule 2. */
  isSure(): boolean {
    this.#noteLapse();
    return this.#store !== null && !this.#hasLapsed;
  }

  /** Why nothing is acknowledged that hangs on the service, or null. */
  get trouble(): string | null {
    return this.#election.trouble ?? this.#beginTrouble;
  }

  /** Rule 4. */
  endTerm(reason: string): void {
    const store = this.#store;
    if (store === null) return;
    this.#environment.logger.warn('meta.term.ended', { epoch: store.epoch, reason });
    const held = this.#held;
    this.#store = null;
    this.#held = null;
    this.#events.onTermEnded();
    if (held !== null) this.#send(store, held.giveBack(), 0);
  }

  onPromiseRequest(from: NodeId, request: LeadPromiseRequest): void {
    if (this.#closed || !this.#others.includes(from) || !isSound(request)) return;
    const store = this.#store;
    if (store !== null && request.clusterId === store.clusterId && request.epoch > store.epoch) {
      this.#given.noteEpoch(request.epoch);
      this.endTerm(`epoch ${request.epoch} has begun`);
    }
    const isBusy = this.#store !== null || this.#opening !== null || this.#isElectedSurely;
    const standing = { isBusy, clusterId: this.#clusterId };
    const answer = this.#given.answer(request, standing, this.#nowMs);
    if (answer === null) return;
    if (answer.refusal === '') this.#promisedTo = request.holdMs > 0 ? parseHostPort(from) : null;
    this.#events.sendPromise(from, answer);
    if (answer.refusal === '' && request.holdMs === 0) this.#consider();
  }

  onPromise(from: NodeId, promise: LeadPromise): void {
    const store = this.#store;
    if (store === null || this.#held === null || promise.epoch !== store.epoch) return;
    if (promise.knownEpoch > store.epoch) {
      this.#given.noteEpoch(promise.knownEpoch);
      this.endTerm(`epoch ${promise.knownEpoch} has begun`);
      return;
    }
    if (promise.refusal !== (this.#refusals.get(from) ?? '')) {
      this.#refusals.set(from, promise.refusal);
      const { refusal } = promise;
      this.#environment.logger.info('meta.promise', { from, refusal });
    }
    this.#noteLapse();
    this.#held.onPromise(from, promise);
  }

  /** Ends the term, if there is one, and gives up the lead. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const { timers } = this.#environment;
    this.endTerm('this server stops');
    this.#closed = true;
    timers.cancel(this.#ticks);
    if (this.#wake !== null) timers.cancel(this.#wake);
    await Promise.all([this.#election.close(), this.#opening]);
  }

  get #nowMs(): number {
    return this.#environment.clock.monotonicMs();
  }

  get #isElectedSurely(): boolean {
    return this.#election.isElected && this.#election.sureUntilMs > this.#nowMs;
  }

  get #sureUntilMs(): number {
    const byPromisesMs = this.#held?.sureUntilMs ?? Number.NEGATIVE_INFINITY;
    return Math.max(this.#election.sureUntilMs, byPromisesMs);
  }

  /** Before anything extends the lead. */
  #noteLapse(): void {
    if (this.#hasLapsed || this.#nowMs < this.#sureUntilMs) return;
    this.#hasLapsed = true;
    if (this.#store === null) return;
    this.#environment.logger.warn('meta.lead.lapsed', { epoch: this.#store.epoch });
  }

  #onTick(): void {
    if (this.#clusterId === null && !this.#isReadingHead) void this.#readClusterId();
    this.#noteLapse();
    if (this.#store !== null && this.#hasLapsed && this.#isElectedSurely) {
      this.endTerm('it was not sure for a while');
    }
    if (this.#store === null) this.#consider();
    else this.#ask();
  }

  #ask(): void {
    const store = this.#store;
    if (store === null || this.#held === null) return;
    this.#send(store, this.#held.ask(this.#nowMs), this.#holdMs);
  }

  #send(store: SharedStateStore, sequence: number, holdMs: number): void {
    const { clusterId, epoch } = store;
    const metaServers = [...this.#metaServers];
    for (const other of this.#others) {
      const request = { clusterId, epoch, sequence, holdMs, metaServers };
      this.#events.sendPromiseRequest(other, request);
    }
  }

  /** Rule 1. */
  #consider(): void {
    if (this.#closed || this.#store !== null || this.#opening !== null) return;
    if (!this.#isElectedSurely) return;
    const waitMs = this.#given.untilMs - this.#nowMs;
    if (waitMs > 0) {
      this.#wakeAfter(waitMs);
      return;
    }
    this.#opening = this.#begin().finally(() => {
      this.#opening = null;
    });
  }

  #wakeAfter(waitMs: number): void {
    if (this.#wake !== null) return;
    this.#wake = this.#environment.timers.after(waitMs, () => {
      this.#wake = null;
      this.#consider();
    });
  }

  async #begin(): Promise<void> {
    this.#hasLapsed = false;
    const { clusterName, self } = this.#options;
    let store: SharedStateStore;
    try {
      store = await SharedStateStore.open(this.#environment, {
        clusterName,
        retryDelayMs: STORE_RETRY_MS,
        self: hostPortText(self),
        metaServers: this.#metaServers,
      });
    } catch (error) {
      if (!(error instanceof StateStoreError)) throw error;
      this.#onBeginTrouble(error);
      return;
    }
    this.#noteLapse();
    if (this.#closed || this.#hasLapsed || !this.#election.isElected) {
      await store.close();
      return;
    }
    this.#beginTrouble = null;
    this.#clusterId = store.clusterId;
    const { knownEpoch } = this.#given;
    const isSuccession = knownEpoch > 0 && store.epoch > knownEpoch;
    this.#given.noteEpoch(store.epoch);
    this.#promisedTo = null;
    this.#refusals.clear();
    this.#store = store;
    this.#held = new HeldPromises(this.#others, this.#holdMs);
    this.#environment.logger.info('meta.term.begun', { epoch: store.epoch, isSuccession });
    this.#events.onTermBegun({ store, isSuccession });
    this.#ask();
  }

  #onBeginTrouble(error: StateStoreError): void {
    const { code, message, remedy } = error;
    const isNews = this.#beginTrouble !== message;
    this.#beginTrouble = message;
    if (code === 'unavailable') {
      if (isNews) this.#environment.logger.warn('meta.term.delayed', { message });
      return;
    }
    if (isNews) this.#environment.logger.error('meta.term.refused', { code, message, remedy });
    this.#election.stepAside(ASIDE_MS);
  }

  /** So that a leader of another cluster is told from ours. */
  async #readClusterId(): Promise<void> {
    this.#isReadingHead = true;
    try {
      const head = await this.#environment.service.readHead();
      const content = head === null ? null : decodeHead(head.value);
      if (content !== null) this.#clusterId ??= content.clusterId;
    } catch (error) {
      if (!(error instanceof CoordinationError)) throw error;
    } finally {
      this.#isReadingHead = false;
    }
  }
}

/** Longer than any timeout that can be set (meta/options.ts). */
const HOLD_MS_MAX = 60_000;

/** What a server of ours would send. */
function isSound({ epoch, sequence, holdMs }: LeadPromiseRequest): boolean {
  return epoch >= 1 && sequence >= 1 && holdMs >= 0 && holdMs <= HOLD_MS_MAX;
}
