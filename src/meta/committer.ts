/**
 * Group commit: what is handed in while an append is under way goes into the next one, all of it together unless it
 * is very much.
 *
 * Batches take effect in the order in which they were handed in. The queue is bounded by what it holds: a partition
 * is in it at most once, a node once per life, and one command at a time.
 */
import { assert } from '../base/assert.ts';
import type { ChangeBatch } from '../cluster/brain.ts';
import { encodeRecord } from '../cluster/records.ts';
import type { StateEntry, StateStore } from '../env/state-store.ts';
import { entryBytes } from './state-entries.ts';

/** An append that holds this much takes no further batch: a store takes no more than STATE_APPEND_BYTES_MAX at once. */
const APPEND_BYTES_ENOUGH = 4 * 1024 * 1024;

export interface CommitterEvents {
  /** The batch is durable. */
  onCommitted(batch: ChangeBatch): void;
  /** Another leader's term has begun, with what was handed in last or without it; nothing follows. */
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
    this.#isAppending = true;
    const entries: StateEntry[] = [];
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && bytes < APPEND_BYTES_ENOUGH) {
      for (const record of this.#waiting[count]!.records) {
        const entry = encodeRecord(record);
        entries.push(entry);
        bytes += entryBytes(entry);
      }
      count += 1;
    }
    const batches = this.#waiting.splice(0, count);
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
