/**
 * What all operations of one client share: the wheel, the sessions by server, the routes, and the bound on how many
 * operations there are at a time.
 */
import { assert } from '../base/assert.ts';
import type { ClientEnvironment } from '../env/environment.ts';
import type { Random } from '../env/random.ts';
import { type HostPort, hostPortText } from '../model/identity.ts';
import { DeadlineWheel } from '../rpc/client-deadlines.ts';
import { ClientSession, SESSION_DEFAULTS, type SessionObserver } from '../rpc/client-session.ts';
import type { PegasusErrorCode } from './errors.ts';
import { type ClientHooks, HookCaller } from './hooks.ts';
import { MetaRoute } from './meta-route.ts';
import type { RetryRules } from './retry-policy.ts';
import { SignalGroups } from './signal-groups.ts';
import { TableRoute } from './table-route.ts';

export interface EngineOptions {
  readonly metas: readonly HostPort[];
  readonly timeoutMs: number;
  readonly repeatsWrites: boolean;
  readonly outstandingMax: number;
  readonly operationsMax: number;
  readonly retry: RetryRules;
  readonly hooks: readonly ClientHooks[];
  readonly coalescesGets: boolean;
}

export class Engine implements SessionObserver {
  readonly environment: ClientEnvironment;
  readonly random: Random;
  readonly wheel: DeadlineWheel;
  readonly meta: MetaRoute;
  readonly timeoutMs: number;
  readonly repeatsWrites: boolean;
  readonly retry: RetryRules;
  /** Null: nobody watches. */
  readonly hooks: HookCaller | null;
  readonly coalescesGets: boolean;
  readonly signals: SignalGroups = new SignalGroups();
  readonly #options: EngineOptions;
  readonly #sessions: Map<string, ClientSession> = new Map();
  readonly #tables: Map<string, TableRoute> = new Map();
  #operations = 0;
  #closed = false;

  constructor(environment: ClientEnvironment, options: EngineOptions) {
    assert(options.operationsMax >= 1, 'a client holds at least one operation');
    assert(options.retry.attemptsMax >= 1, 'an operation is tried at least once');
    this.environment = environment;
    this.random = environment.random;
    this.wheel = new DeadlineWheel(environment.clock, environment.timers);
    this.timeoutMs = options.timeoutMs;
    this.repeatsWrites = options.repeatsWrites;
    this.retry = options.retry;
    const { hooks } = options;
    this.hooks = hooks.length === 0 ? null : new HookCaller(hooks, environment.logger);
    this.coalescesGets = options.coalescesGets;
    this.#options = options;
    this.meta = new MetaRoute(this, options.metas);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Operations under way. */
  get operations(): number {
    return this.#operations;
  }

  /** Null: the operation counts from now until `release`. */
  admit(): PegasusErrorCode | null {
    if (this.#closed) return 'closed';
    if (this.#operations >= this.#options.operationsMax) return 'overloaded';
    this.#operations++;
    return null;
  }

  release(): void {
    this.#operations--;
    assert(this.#operations >= 0, 'an operation is released once');
  }

  later(callback: () => void): void {
    this.environment.timers.defer(callback);
  }

  session(address: HostPort): ClientSession {
    const name = hostPortText(address);
    let session = this.#sessions.get(name);
    if (session === undefined) {
      assert(!this.#closed, 'a closed client makes no sessions');
      const options = { ...SESSION_DEFAULTS, outstandingMax: this.#options.outstandingMax };
      session = new ClientSession(this.environment, this.wheel, address, options, this);
      this.#sessions.set(name, session);
    }
    return session;
  }

  table(name: string): TableRoute {
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = new TableRoute(this, name);
      this.#tables.set(name, table);
    }
    return table;
  }

  onSessionLost(session: ClientSession): void {
    for (const table of this.#tables.values()) table.onServerTrouble(session);
  }

  onSessionSilent(session: ClientSession): void {
    this.environment.logger.debug('client.session.silent', { server: session.name });
    for (const table of this.#tables.values()) table.onServerTrouble(session);
  }

  /** Ends all operations; may be called from the end of one of them. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const session of this.#sessions.values()) session.close();
    for (const table of this.#tables.values()) table.close();
    this.meta.close();
    this.wheel.close();
  }
}
