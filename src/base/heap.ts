/**
 * Binary min-heap. Entries that compare equal come out in any order: give `isBefore` a tie-break where that matters.
 */
import { assert } from './assert.ts';

export class Heap<T> {
  readonly #entries: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#entries.length;
  }

  peek(): T | null {
    return this.#entries[0] ?? null;
  }

  push(entry: T): void {
    const entries = this.#entries;
    let at = entries.length;
    entries.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(entry, entries[parent]!)) break;
      entries[at] = entries[parent]!;
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): T {
    const entries = this.#entries;
    assert(entries.length > 0, 'nothing is popped from an empty heap');
    const top = entries[0]!;
    const last = entries.pop()!;
    if (entries.length > 0) this.#sink(last);
    return top;
  }

  /** Puts `entry` in place of the top. */
  #sink(entry: T): void {
    const entries = this.#entries;
    const size = entries.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isBefore(entries[child + 1]!, entries[child]!)) child += 1;
      if (!this.#isBefore(entries[child]!, entry)) break;
      entries[at] = entries[child]!;
      at = child;
    }
    entries[at] = entry;
  }
}
