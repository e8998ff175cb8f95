/**
 * One listener per `AbortSignal`, however many operations hang on it: a signal over a thousand
 * operations must not cost a thousand listeners, nor make Node warn of a leak. A signal that nothing
 * hangs on any more has no listener of ours.
 */
import { assert } from '../base/assert.ts';
import type { CancelSignal } from './api.ts';

export interface Abortable {
  abort(): void;
}

export class SignalGroups {
  readonly #groups: Map<CancelSignal, SignalGroup> = new Map();

  /** `member.abort()` is called when the signal fires, unless it has left. */
  join(signal: CancelSignal, member: Abortable): void {
    let group = this.#groups.get(signal);
    if (group === undefined) {
      group = new SignalGroup();
      this.#groups.set(signal, group);
      signal.addEventListener('abort', group.onAbort);
    }
    assert(!group.members.has(member), 'an operation joins its signal once');
    group.members.add(member);
  }

  leave(signal: CancelSignal, member: Abortable): void {
    const group = this.#groups.get(signal);
    assert(group !== undefined, 'an operation leaves the signal that it has joined');
    const wasThere = group.members.delete(member);
    assert(wasThere, 'an operation leaves its signal once');
    if (group.members.size > 0) return;
    this.#groups.delete(signal);
    signal.removeEventListener('abort', group.onAbort);
  }
}

class SignalGroup {
  readonly members: Set<Abortable> = new Set();
  readonly onAbort: () => void = () => {
    // Members leave while this runs; whoever would join is refused, because the signal has fired.
    for (const member of this.members) member.abort();
  };
}

/** A signal of the client's own, over one request. */
export class Cancel implements CancelSignal {
  aborted = false;
  /** Ended because nobody needs its result any more. */
  abandoned = false;
  #listener: (() => void) | null = null;

  addEventListener(_type: 'abort', listener: () => void): void {
    assert(this.#listener === null, 'one request hangs on it');
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = null;
  }

  abort(): void {
    this.aborted = true;
    this.#listener?.();
  }

  abandon(): void {
    this.abandoned = !this.aborted;
    this.abort();
  }
}
