/**
 * Group commit: what is handed in while an append is under way goes into the next one, all of it together.
 *
 * Batches take effect in the order in which they were handed in. The queue is bounded by what it holds: a partition
 * is in it at most once, a node once per life, and one command at a time.
 */
import { assert } from '../base/assert.ts';
import type { ChangeBatch } from '../cluster/brain.ts';
import { encodeRecord } from '../cluster/records.ts';
import type { StateStore } from './state-store.ts';

export interface CommitterEvents {
  /** The batch is durable. */
  onCommitted(batch: ChangeBatch): void;
  /** Another leader's term has begun: nothing that was handed in is or will be durable. */
  onDeposed(): void;
}

export class Committer {
  readonly #store: StateStore;
  readonly #events: CommitterEvents;
  #waiting: ChangeBatch[] = [];
  #isAppending = false;
  #closed = false;

  constructor(store: StateStore, events: CommitterEvents) {
    this.#store = store;
    this.#events = events;
  }

  /** Batches handed in and not durable yet, without those of the append under way. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  submit(batch: ChangeBatch): void {
    assert(batch.records.length > 0, 'a batch changes something');
    if (this.#closed) return;
    this.#waiting.push(batch);
    if (!this.#isAppending) this.#append();
  }

  /** Nothing is reported any more. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  #append(): void {
    const batches = this.#waiting;
    this.#waiting = [];
    this.#isAppending = true;
    const entries = batches.flatMap((batch) => batch.records.map(encodeRecord));
    this.#store.append(entries, (outcome) => {
      if (this.#closed) return;
      if (outcome === 'deposed') {
        this.close();
        this.#events.onDeposed();
        return;
      }
      for (const batch of batches) this.#events.onCommitted(batch);
      this.#isAppending = false;
      if (this.#waiting.length > 0) this.#append();
    });
  }
}
