/**
 * A process of the simulated world: whose events they are, and whether they may be delivered.
 *
 * A crash raises `generation`: every event of the former life is void from then on, as is everything that
 * would have been reached from it (its promises never settle again). A pause keeps the events: they pile up
 * in `held` and are delivered late, as after SIGSTOP and SIGCONT.
 */
import { assert } from '../../src/base/assert.ts';
import type { SimEvent } from './event-heap.ts';

export type OwnerState = 'running' | 'paused' | 'stopped';

/** Called with what a callback of the process threw; a real process would have died of it. */
export type FailureHandler = (owner: Owner, error: unknown) => void;

export class Owner {
  readonly index: number;
  readonly name: string;
  generation: number = 0;
  state: OwnerState = 'stopped';
  readonly held: SimEvent[] = [];

  constructor(index: number, name: string) {
    this.index = index;
    this.name = name;
  }

  start(): void {
    assert(this.state === 'stopped', 'only a stopped process is started');
    this.state = 'running';
  }

  /** SIGKILL: nothing of this life is delivered any more. */
  stop(): void {
    assert(this.state !== 'stopped', 'only a live process is killed');
    this.state = 'stopped';
    this.generation += 1;
    this.held.length = 0;
  }

  pause(): void {
    assert(this.state === 'running', 'only a running process is paused');
    this.state = 'paused';
  }
}
