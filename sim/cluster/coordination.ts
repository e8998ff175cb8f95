/**
 * The service that the meta servers of a simulated cluster share, and the ways to it. What it keeps and decides is the
 * in-memory service of the contracts (src/adapters/memory/coordination.ts), on a clock of its own; here is what becomes
 * of requests and answers on their way.
 *
 *  1. A request travels, is carried out at one moment, and its answer travels. Who waits longer than
 *     `REQUEST_TIMEOUT_MS` hears an error; the request may be carried out all the same, and later.
 *  2. Answers are events of the process that asked: they wait while it is paused, and are lost when its life is over.
 *     What a dead process had sent arrives all the same.
 *  3. To resign ends a session: what it had sent before concerns the next one no more.
 *
 * It never loses what it has done, nor forgets a version: that is what etcd and ZooKeeper promise.
 */
import {
  type CoordinationTime,
  MemoryCoordination,
} from '../../src/adapters/memory/coordination.ts';
import { copyBytes } from '../../src/base/bytes.ts';
import type { Timers } from '../../src/env/clock.ts';
import {
  CoordinationError,
  type CoordinationService,
  type FencedWrite,
  type Standing,
} from '../../src/env/coordination.ts';
import type { Random } from '../../src/env/random.ts';
import { STATE_ENTRY_BYTES_MAX } from '../../src/env/state-store.ts';
import type { Owner } from '../kernel/owner.ts';
import { type ClockTraits, SimClock } from '../kernel/process.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { Life } from './life.ts';

export interface CoordinationTraits {
  /** Few make changes of many parts. */
  readonly changesMax: number;
  readonly leadTimeoutMs: number;
  /** Of one way. */
  readonly latencyMsMean: number;
  readonly clock: ClockTraits;
}

export type ServiceState =
  | 'serves'
  /** Connections are refused. */
  | 'refuses'
  /** Connections are taken, and nothing happens. */
  | 'hangs'
  /** Nobody is answered. A write may be lost, be done at once, or be done when the others are back. */
  | 'noQuorum';

/** A write that the service has carried out. */
export interface AcceptedWrite {
  readonly writer: string;
  /** Of its process. */
  readonly generation: number;
  readonly request: FencedWrite;
}

export interface CoordinationEvents {
  onAccepted(write: AcceptedWrite): void;
  /** `sentUs`: when the round began whose answer says so. */
  onElected(candidate: string, generation: number, sentUs: number): void;
}

interface Asker {
  readonly owner: Owner;
  readonly life: Life;
  readonly timers: Timers;
}

const REQUEST_TIMEOUT_MS = 3_000;

export class SimCoordination {
  state: ServiceState = 'serves';
  /** Multiplies the time of each way. */
  slowness: number = 1;
  events: CoordinationEvents | null = null;
  /** Called when a write of that process arrives, before it is carried out. */
  readonly strikes: Set<(owner: Owner) => void> = new Set();
  readonly leadTimeoutMs: number;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #traits: CoordinationTraits;
  readonly #memory: MemoryCoordination;
  /** By process: nothing of it arrives, or it hears nothing. */
  readonly #deafTo: Map<string, number> = new Map();
  readonly #muteTo: Map<string, number> = new Map();
  #held: (() => void)[] = [];

  constructor(scheduler: Scheduler, random: Random, traits: CoordinationTraits) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#traits = traits;
    this.leadTimeoutMs = traits.leadTimeoutMs;
    const { changesMax, leadTimeoutMs } = traits;
    const clock = new SimClock(scheduler, traits.clock);
    const time: CoordinationTime = {
      monotonicMs: () => clock.monotonicMs(),
      after: (delayMs, callback) => {
        scheduler.world((delayMs * 1_000) / traits.clock.rate, 'service', callback);
      },
    };
    const limits = { changesMax, bytesMax: STATE_ENTRY_BYTES_MAX };
    this.#memory = new MemoryCoordination(time, { limits, leadTimeoutMs, latencyMs: 0 });
  }

  /** Of one life of a process. */
  client(owner: Owner, timers: Timers): CoordinationService {
    const asker: Asker = { owner, life: new Life(owner), timers };
    let session = this.#memory.client();
    return {
      limits: session.limits,
      leadTimeoutMs: session.leadTimeoutMs,
      readHead: () => this.#ask(asker, () => session.readHead()),
      readAll: () => this.#ask(asker, () => session.readAll()),
      write: (request) => this.#write(asker, session, request),
      attend: (candidate) => this.#attend(asker, session, candidate),
      resign: () => {
        const former = session;
        session = this.#memory.client();
        return this.#ask(asker, () => former.resign());
      },
      close: async () => {},
    };
  }

  /** Returns how to end it. */
  cut(name: string, direction: 'asking' | 'answering' | 'both'): () => void {
    const cuts = [
      ...(direction === 'answering' ? [] : [this.#deafTo]),
      ...(direction === 'asking' ? [] : [this.#muteTo]),
    ];
    for (const cut of cuts) cut.set(name, (cut.get(name) ?? 0) + 1);
    return () => {
      for (const cut of cuts) cut.set(name, (cut.get(name) ?? 0) - 1);
    };
  }

  /** All is as it should be; what waited for a quorum is done. */
  heal(): void {
    this.state = 'serves';
    for (const work of this.#held.splice(0)) work();
  }

  async #attend(asker: Asker, session: CoordinationService, candidate: string): Promise<Standing> {
    const sentUs = this.#scheduler.nowUs;
    const { owner, life } = asker;
    const standing = await this.#ask(asker, () => session.attend(candidate));
    if (standing.isSelf) this.events?.onElected(owner.name, life.generation, sentUs);
    return standing;
  }

  #write(asker: Asker, session: CoordinationService, request: FencedWrite): Promise<number | null> {
    const sent: FencedWrite = {
      ...request,
      puts: request.puts.map(({ key, value }) => ({ key, value: copyBytes(value) })),
    };
    const { owner, life } = asker;
    return this.#ask(asker, async () => {
      for (const strike of this.strikes) strike(owner);
      const version = await session.write(sent);
      if (version !== null) {
        const { name: writer } = owner;
        this.events?.onAccepted({ writer, generation: life.generation, request: sent });
      }
      return version;
    });
  }

  /** Rules 1 and 2. */
  #ask<T>(asker: Asker, work: () => Promise<T>): Promise<T> {
    const { owner, life, timers } = asker;
    return life.ask(
      () =>
        new Promise<T>((resolve, reject) => {
          const limit = timers.after(REQUEST_TIMEOUT_MS, () => {
            reject(new CoordinationError('nothing within the time-out'));
          });
          const answer = (settle: () => void): void => {
            if (life.isOver) return;
            this.#scheduler.schedule(this.#wayUs(), owner, 'serviceAnswer', true, () => {
              timers.cancel(limit);
              settle();
            });
          };
          const carryOut = (isHeard: boolean): void => {
            work().then(
              (value) => {
                if (isHeard && !this.#isCut(this.#muteTo, owner)) answer(() => resolve(value));
              },
              (error: unknown) => answer(() => reject(error as Error)),
            );
          };
          const refuse = (): void => {
            answer(() => reject(new CoordinationError('the connection is refused')));
          };
          this.#scheduler.world(this.#wayUs(), 'serviceRequest', () => {
            if (!this.#isCut(this.#deafTo, owner)) this.#arrive(carryOut, refuse);
          });
        }),
    );
  }

  #arrive(carryOut: (isHeard: boolean) => void, refuse: () => void): void {
    if (this.state === 'serves') carryOut(true);
    else if (this.state === 'refuses') refuse();
    else if (this.state === 'noQuorum') {
      const fate = this.#random.below(3);
      if (fate === 0) carryOut(false);
      else if (fate === 1) this.#held.push(() => carryOut(true));
    }
  }

  #isCut(cuts: ReadonlyMap<string, number>, { name }: Owner): boolean {
    return (cuts.get(name) ?? 0) > 0;
  }

  #wayUs(): number {
    const meanUs = this.#traits.latencyMsMean * 1_000 * this.slowness;
    return -Math.log(1 - this.#random.fraction()) * meanUs;
  }
}
