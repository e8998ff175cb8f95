/**
 * One attempt to connect, made only to see who answers.
 *
 *   accepted  somebody listens there: the system accepts for a process that is stopped as well
 *   refused   the machine lives and says that nobody listens
 *   nothing   no answer in time, no route, no such name: proves nothing about the process
 *
 * Nothing is ever sent.
 */
import { assertAtLeast } from '../base/assert.ts';
import type { TimerHandle } from '../env/clock.ts';
import type { ClientEnvironment } from '../env/environment.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../env/transport.ts';
import type { HostPort } from '../model/identity.ts';

export type ProbeOutcome = 'accepted' | 'refused' | 'nothing';

export class ListenerProbe implements ConnectionHandler {
  readonly #environment: ClientEnvironment;
  readonly #connection: Connection;
  readonly #timer: TimerHandle;
  /** Null once it was called. */
  #done: ((outcome: ProbeOutcome) => void) | null;

  constructor(
    environment: ClientEnvironment,
    address: HostPort,
    timeoutMs: number,
    done: (outcome: ProbeOutcome) => void,
  ) {
    assertAtLeast(timeoutMs, 1, 'time of a probe');
    this.#environment = environment;
    this.#done = done;
    this.#timer = environment.timers.after(timeoutMs, () => this.#finish('nothing'));
    this.#connection = environment.transport.connect(address, this);
  }

  /** Nobody wants to know any more. Idempotent. */
  cancel(): void {
    this.#done = null;
    this.#environment.timers.cancel(this.#timer);
    this.#connection.destroy();
  }

  onOpen(_connection: Connection): void {
    this.#finish('accepted');
  }

  onData(_connection: Connection, _bytes: Uint8Array): void {}

  onDrain(_connection: Connection): void {}

  onClose(_connection: Connection, reason: CloseReason): void {
    this.#finish(reason === 'refused' ? 'refused' : 'nothing');
  }

  #finish(outcome: ProbeOutcome): void {
    const done = this.#done;
    this.cancel();
    done?.(outcome);
  }
}
