/**
 * Which of several meta servers leads: one candidate's part in the election of the service that they share.
 *
 * 1. A round is one `attend`; the next one begins an interval after its end, so there is one at a time.
 * 2. A round that fails decides nothing: who led before is still named, and the candidate goes on as what it was. What
 *    it may *write* is decided by the fence of the store, not here; what else it may say as a leader, `sureUntilMs`
 *    bounds: up to then nobody else has the lead, whatever has become of the service.
 * 3. Events come once per change, and never after `close`.
 * 4. Who can make no use of the lead steps aside for a while, so that another one has it.
 */
import { assert } from '../base/assert.ts';
import { CLOCK_DRIFT_MAX } from '../cluster/settings.ts';
import type { Clock, TimerHandle, Timers } from '../env/clock.ts';
import { CoordinationError, type CoordinationService, type Standing } from '../env/coordination.ts';
import type { Logger } from '../env/logger.ts';

export interface ElectionEnvironment {
  readonly service: CoordinationService;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface ElectionOptions {
  /** What the others are told when this one leads: where it is reached. */
  readonly candidate: string;
  /** A small part of the service's `leadTimeoutMs`. */
  readonly intervalMs: number;
}

export interface ElectionEvents {
  /** A round was answered; `sureUntilMs` is still as it was before. */
  onAnswer?(): void;
  onElected(): void;
  /** Another one leads. */
  onLost(): void;
}

export class Election {
  /** As the last round that was answered has told; null before the first one. */
  leader: string | null = null;
  isElected = false;
  /** Null, or why the last round failed. */
  trouble: string | null = null;
  readonly #environment: ElectionEnvironment;
  readonly #options: ElectionOptions;
  readonly #events: ElectionEvents;
  #sureUntilMs = Number.NEGATIVE_INFINITY;
  #timer: TimerHandle | null = null;
  #round: Promise<void>;
  #asideMs = 0;
  #closed = false;

  /** Begins with a round at once. */
  constructor(environment: ElectionEnvironment, options: ElectionOptions, events: ElectionEvents) {
    assert(options.candidate.length > 0, 'a candidate has a name');
    assert(4 * options.intervalMs <= environment.service.leadTimeoutMs, 'a lost round is no loss');
    this.#environment = environment;
    this.#options = options;
    this.#events = events;
    this.#round = this.#attend();
  }

  /** Monotonic; in the past for whoever does not lead. */
  get sureUntilMs(): number {
    return this.isElected ? this.#sureUntilMs : Number.NEGATIVE_INFINITY;
  }

  /** Gives up the lead, so that another one has it at its next round. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) this.#environment.timers.cancel(this.#timer);
    await this.#round;
    this.isElected = false;
    // A service that has just not answered does not answer this either.
    if (this.trouble === null) await this.#resign();
  }

  /** Rule 4. */
  stepAside(durationMs: number): void {
    this.#asideMs = durationMs;
  }

  async #resign(): Promise<void> {
    try {
      await this.#environment.service.resign();
    } catch (error) {
      // The lead ends by itself then, a little later.
      if (!(error instanceof CoordinationError)) throw error;
    }
  }

  async #attend(): Promise<void> {
    const { service, clock } = this.#environment;
    // Before the request leaves: the service counts from when it comes.
    const sentMs = clock.monotonicMs();
    try {
      const standing = await service.attend(this.#options.candidate);
      this.trouble = null;
      if (this.#closed) return;
      this.#events.onAnswer?.();
      this.#sureUntilMs = sentMs + service.leadTimeoutMs * (1 - CLOCK_DRIFT_MAX);
      this.#onStanding(standing);
    } catch (error) {
      if (!(error instanceof CoordinationError)) throw error;
      if (this.trouble === null) {
        this.#environment.logger.warn('meta.election.trouble', { message: error.message });
      }
      this.trouble = error.message;
      if (this.#closed) return;
    }
    await this.#pause();
  }

  async #pause(): Promise<void> {
    let delayMs = this.#options.intervalMs;
    if (this.#asideMs > 0) {
      delayMs = this.#asideMs;
      this.#asideMs = 0;
      this.leader = null;
      this.isElected = false;
      await this.#resign();
      if (this.#closed) return;
    }
    this.#timer = this.#environment.timers.after(delayMs, () => {
      this.#timer = null;
      this.#round = this.#attend();
    });
  }

  #onStanding(standing: Standing): void {
    const { logger } = this.#environment;
    if (standing.leader !== this.leader) {
      logger.info('meta.election.leader', { leader: standing.leader ?? '' });
    }
    this.leader = standing.leader;
    if (standing.isSelf === this.isElected) return;
    this.isElected = standing.isSelf;
    if (standing.isSelf) this.#events.onElected();
    else this.#events.onLost();
  }
}
