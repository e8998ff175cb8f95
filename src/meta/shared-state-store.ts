/**
 * A state store for several meta servers, over a service that they share (env/coordination.ts): one term of one of
 * them.
 *
 * 1. A term begins with the writing of the head: the next epoch, fenced by the version of the head that came with the
 *    state that was read. So nothing that an earlier term has written is missed, and nothing that it still tries
 *    to write will be done: its fence is down, for ever.
 * 2. Each append moves the head on, in the same write as its entries. The answer to a write may be lost, and a
 *    request may come late: what happened is read from the head, and the write is repeated only under the same
 *    fence. So it happens once, and never after a later one.
 * 3. A change that is too large for one write is staged in parts first; it counts as a whole when the head says so,
 *    then it is put under its own keys, then the head says that this is done. Whoever begins a term in between reads
 *    the staged parts over the rest and finishes the work before its own.
 * 4. Trouble with the service is waited out. That the lead is lost (an election) is no trouble: as long as no other
 *    term has begun, this one may write.
 *
 * 5. Who begins a term stands in the list of meta servers that the term before has written: it is one of those whose
 *    promises the leader before needed (lead-promises.ts). So a list can change, by terms of servers that are in both.
 *
 * The service is not closed with the store: the election goes on.
 */
import { assert } from '../base/assert.ts';
import { bytesEqual } from '../base/bytes.ts';
import type { TimerHandle, Timers } from '../env/clock.ts';
import {
  CoordinationError,
  type CoordinationService,
  type FencedWrite,
  HEAD_ABSENT,
  type SharedState,
} from '../env/coordination.ts';
import type { Logger } from '../env/logger.ts';
import type { Random } from '../env/random.ts';
import {
  type AppendOutcome,
  type StateEntry,
  type StateStore,
  StateStoreError,
} from '../env/state-store.ts';
import {
  decodeHead,
  decodeStaged,
  encodeHead,
  encodeStaged,
  isStagedKey,
  SHARED_FORMAT,
  type SharedHead,
  stagedKey,
} from './shared-head.ts';
import { assertAppendable, randomClusterId, splitByLimits } from './state-entries.ts';

export interface SharedStoreEnvironment {
  readonly service: CoordinationService;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

export interface SharedStoreOptions {
  readonly clusterName: string;
  readonly retryDelayMs: number;
  /** `host:port` of whoever begins the term. */
  readonly self: string;
  /** All of them, sorted. */
  readonly metaServers: readonly string[];
}

/** Others that begin terms at the same time; more of them are a fight that a pause may end. */
const TAKEOVERS_MAX = 5;

type Change = Pick<FencedWrite, 'head' | 'puts' | 'removals'>;
type Verdict = 'done' | 'open' | 'deposed';

export class SharedStateStore implements StateStore {
  readonly clusterId: string;
  readonly epoch: number;
  trouble: string | null = null;
  readonly #environment: SharedStoreEnvironment;
  readonly #options: SharedStoreOptions;
  readonly #latest: Map<string, Uint8Array>;
  #head: SharedHead;
  #version: number;
  /** The entries that are staged and count; empty when `#head.stagedCount` is 0. */
  #staged: readonly StateEntry[];
  /** The append under way. Never rejects but for a broken invariant. */
  #work: Promise<void> | null = null;
  #pause: { readonly timer: TimerHandle; readonly end: () => void } | null = null;
  #deposed = false;
  #closed = false;

  private constructor(
    environment: SharedStoreEnvironment,
    options: SharedStoreOptions,
    version: number,
    content: Content,
  ) {
    this.#environment = environment;
    this.#options = options;
    this.#version = version;
    this.#head = content.head;
    this.#latest = content.entries;
    this.#staged = content.staged;
    this.epoch = content.head.epoch;
    this.clusterId = content.head.clusterId;
  }

  /** Begins a term. Rejects with `StateStoreError`. */
  static async open(
    environment: SharedStoreEnvironment,
    options: SharedStoreOptions,
  ): Promise<SharedStateStore> {
    const { service, random } = environment;
    try {
      for (let attempt = 0; attempt < TAKEOVERS_MAX; attempt++) {
        const found = await service.readAll();
        const content = nextTerm(found, options, random);
        const fence = found.head?.version ?? HEAD_ABSENT;
        const head = encodeHead(content.head);
        const version = await service.write({ fence, head, puts: [], removals: [] });
        if (version !== null) {
          return new SharedStateStore(environment, options, version, content);
        }
      }
    } catch (error) {
      if (!(error instanceof CoordinationError)) throw error;
      throw unavailable(error.message);
    }
    throw unavailable('other meta servers begin terms all the time');
  }

  entries(): StateEntry[] {
    return [...this.#latest].map(([key, value]) => ({ key, value }));
  }

  append(entries: readonly StateEntry[], done: (outcome: AppendOutcome) => void): void {
    assert(!this.#closed, 'a store in use is open');
    assert(this.#work === null, 'one append at a time');
    assertAppendable(entries);
    this.#work = this.#commit(newestOfEach(entries)).then((outcome) => {
      this.#work = null;
      if (outcome !== null) done(outcome);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#pause !== null) {
      this.#environment.timers.cancel(this.#pause.timer);
      this.#pause.end();
    }
    await this.#work;
  }

  /** Null when the store was closed meanwhile. */
  async #commit(entries: readonly StateEntry[]): Promise<AppendOutcome | null> {
    const isDurable =
      !this.#deposed && (await this.#finishStaged()) && (await this.#commitNext(entries));
    if (this.#closed) return null;
    assert(isDurable || this.#deposed, 'an append that is not durable was deposed');
    return isDurable ? 'durable' : 'deposed';
  }

  async #commitNext(entries: readonly StateEntry[]): Promise<boolean> {
    const pieces = splitByLimits(entries, this.#environment.service.limits);
    const next = { ...this.#head, sequence: this.#head.sequence + 1 };
    if (pieces.length === 1) {
      if (!(await this.#moveHead(next, entries))) return false;
      this.#take(entries);
      return true;
    }
    const parts = encodeStaged(entries);
    for (const part of parts) {
      if (!(await this.#perform({ head: null, puts: [part], removals: [] }))) return false;
    }
    if (!(await this.#moveHead({ ...next, stagedCount: parts.length }, []))) return false;
    this.#staged = entries;
    this.#take(entries);
    // Durable from here on, whoever finishes it.
    await this.#finishStaged();
    return true;
  }

  /** Rule 3. */
  async #finishStaged(): Promise<boolean> {
    const { stagedCount } = this.#head;
    if (stagedCount === 0) return true;
    const { limits } = this.#environment.service;
    for (const puts of splitByLimits(this.#staged, limits)) {
      if (!(await this.#perform({ head: null, puts, removals: [] }))) return false;
    }
    if (!(await this.#moveHead({ ...this.#head, stagedCount: 0 }, []))) return false;
    this.#staged = [];
    for (let start = 0; start < stagedCount; start += limits.changesMax) {
      const count = Math.min(limits.changesMax, stagedCount - start);
      const removals = Array.from({ length: count }, (_, index) => stagedKey(start + index));
      if (!(await this.#perform({ head: null, puts: [], removals }))) return false;
    }
    return true;
  }

  async #moveHead(head: SharedHead, puts: readonly StateEntry[]): Promise<boolean> {
    if (!(await this.#perform({ head: encodeHead(head), puts, removals: [] }))) return false;
    this.#head = head;
    return true;
  }

  /** Until the change is made, whatever it takes. False when it never will be: deposed or closed. */
  async #perform(change: Change): Promise<boolean> {
    let verdict: Verdict = 'open';
    let isFirst = true;
    while (verdict === 'open' && !this.#closed) {
      try {
        if (!isFirst) verdict = await this.#settle(change);
        isFirst = false;
        if (verdict === 'open') verdict = await this.#attempt(change);
      } catch (error) {
        if (!(error instanceof CoordinationError)) throw error;
        this.#onTrouble(error.message);
        await this.#wait();
      }
    }
    if (verdict === 'deposed') this.#deposed = true;
    if (verdict !== 'open') this.trouble = null;
    return verdict === 'done';
  }

  async #attempt(change: Change): Promise<Verdict> {
    const { service } = this.#environment;
    const version = await service.write({ fence: this.#version, ...change });
    if (version !== null) {
      this.#version = version;
      return 'done';
    }
    const verdict = await this.#settle(change);
    if (verdict !== 'open') return verdict;
    throw new CoordinationError('the service refuses a write and shows no reason for it');
  }

  /** What has become of an attempt. `open`: nothing, or nothing that must not be done again. */
  async #settle(change: Change): Promise<Verdict> {
    const found = await this.#environment.service.readHead();
    if (found === null) return 'deposed';
    if (found.version === this.#version) return 'open';
    if (change.head === null || !bytesEqual(found.value, change.head)) return 'deposed';
    this.#version = found.version;
    return 'done';
  }

  #onTrouble(message: string): void {
    if (this.trouble === null) this.#environment.logger.warn('meta.store.trouble', { message });
    this.trouble = message;
  }

  /** Ends early when the store is closed. */
  async #wait(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      const timer = this.#environment.timers.after(this.#options.retryDelayMs, resolve);
      this.#pause = { timer, end: resolve };
    });
    this.#pause = null;
  }

  #take(entries: readonly StateEntry[]): void {
    for (const { key, value } of entries) this.#latest.set(key, value);
  }
}

/** A write has each key once. */
function newestOfEach(entries: readonly StateEntry[]): readonly StateEntry[] {
  const byKey = new Map(entries.map((entry) => [entry.key, entry]));
  return byKey.size === entries.length ? entries : [...byKey.values()];
}

interface Content {
  readonly head: SharedHead;
  readonly entries: Map<string, Uint8Array>;
  readonly staged: readonly StateEntry[];
}

/** What a term begins with that follows the state found. Throws `StateStoreError`. */
function nextTerm(found: SharedState, options: SharedStoreOptions, random: Random): Content {
  const { clusterName, metaServers } = options;
  const content = new Map(found.entries.map(({ key, value }) => [key, value]));
  if (found.head === null) {
    if (content.size > 0) throw corrupt('there are entries but no head that says whose they are');
    const clusterId = randomClusterId(random);
    const first = { clusterName, clusterId, metaServers, epoch: 1, sequence: 0, stagedCount: 0 };
    return { head: { format: SHARED_FORMAT, ...first }, entries: content, staged: [] };
  }
  const head = decodeHead(found.head.value);
  if (head === null) throw corrupt('the head cannot be read');
  refuseOthers(head, options);
  if (head.isPartial === true) throw corrupt('an import into it did not come to its end');
  const staged = head.stagedCount === 0 ? [] : decodeStaged(content, head.stagedCount);
  if (staged === null) throw corrupt('a change that was staged is not whole');
  for (const key of content.keys()) {
    if (isStagedKey(key)) content.delete(key);
  }
  for (const { key, value } of staged) content.set(key, value);
  const next = { ...head, metaServers, epoch: head.epoch + 1, sequence: 0 };
  return { head: next, entries: content, staged };
}

function refuseOthers(head: SharedHead, { clusterName, self }: SharedStoreOptions): void {
  if (head.format > SHARED_FORMAT) {
    throw new StateStoreError(
      'newerFormat',
      `The shared store has format ${head.format}; this program reads formats up to ${SHARED_FORMAT}.`,
      'Start the version of the program that wrote it, or a later one.',
    );
  }
  if (head.clusterName !== clusterName) {
    throw new StateStoreError(
      'foreignCluster',
      `The shared store belongs to cluster "${head.clusterName}", not to "${clusterName}".`,
      'Set cluster.name to the name of the cluster.',
    );
  }
  if (head.metaServers.includes(self)) return;
  throw new StateStoreError(
    'unlistedServer',
    `The shared store was last used by the meta servers ${head.metaServers.join()}, without ${self}.`,
    'Start one of those with a list that has the new one too; when it has led, the new one may.',
  );
}

function corrupt(what: string): StateStoreError {
  return new StateStoreError(
    'corrupt',
    `The shared store is damaged: ${what}.`,
    'Keep it as it is, find out who else writes there, and restore it from a backup.',
  );
}

function unavailable(what: string): StateStoreError {
  return new StateStoreError(
    'unavailable',
    `The shared store cannot be used: ${what}.`,
    'Check that the service runs, has a quorum, and can be reached from here.',
  );
}
