/**
 * A state store in memory that counts what is written. It keeps what the embedded journal keeps in memory, the newest
 * value of each key, and takes a fixed time for an append.
 */
import { assert } from '../../src/base/assert.ts';
import { crc32c } from '../../src/base/crc32c.ts';
import type { AppendOutcome, StateEntry, StateStore } from '../../src/env/state-store.ts';
import { assertAppendable, entryBytes } from '../../src/meta/state-entries.ts';
import type { Timeline } from './timeline.ts';

const APPEND_MS = 1;

export class CountingStore implements StateStore {
  readonly clusterId = 'scale';
  readonly trouble = null;
  /** Of the present term. */
  epoch = 0;
  appends = 0;
  records = 0;
  bytes = 0;
  readonly #timeline: Timeline;
  readonly #work: (callback: () => void) => void;
  readonly #latest = new Map<string, Uint8Array>();
  #isAppending = false;

  /** `work` is called with what the store's owner does about an append that is durable. */
  constructor(timeline: Timeline, work: (callback: () => void) => void) {
    this.#timeline = timeline;
    this.#work = work;
  }

  get keyCount(): number {
    return this.#latest.size;
  }

  /** Of the newest value of each key: what a snapshot holds. */
  get keptBytes(): number {
    let bytes = 0;
    for (const [key, value] of this.#latest) bytes += entryBytes({ key, value });
    return bytes;
  }

  /** The former owner is gone, and what it was about to write is not written. */
  reopen(): void {
    this.epoch += 1;
    this.#isAppending = false;
  }

  entries(): StateEntry[] {
    return [...this.#latest].map(([key, value]) => ({ key, value }));
  }

  append(entries: readonly StateEntry[], done: (outcome: AppendOutcome) => void): void {
    assert(!this.#isAppending, 'one append at a time');
    assertAppendable(entries);
    this.#isAppending = true;
    const { epoch } = this;
    this.#timeline.after(APPEND_MS, () => {
      if (this.epoch !== epoch) return;
      for (const entry of entries) this.#take(entry);
      this.appends += 1;
      this.#isAppending = false;
      this.#work(() => done('durable'));
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #take(entry: StateEntry): void {
    this.#latest.set(entry.key, entry.value);
    this.records += 1;
    this.bytes += entryBytes(entry);
    this.#timeline.mix(crc32c(entry.value, 0, entry.value.length));
  }
}
