/**
 * Rows that clients only ever increment by one. No two increments may give the same number, one that
 * begins later gives a larger one, and nothing is counted that nobody asked for: so a lost update and
 * one that was executed twice both show (V1, V20).
 */
interface Counter {
  begun: number;
  failed: number;
  acknowledged: number;
  highest: number;
  readonly given: Set<number>;
}

/** An increment under way. */
export interface OpenIncrement {
  readonly hashKey: string;
  /** The largest number that was given before it began. */
  readonly above: number;
}

export class Counters {
  readonly #counters: Map<string, Counter> = new Map();

  get hashKeys(): string[] {
    return [...this.#counters.keys()];
  }

  begin(hashKey: string): OpenIncrement {
    let counter = this.#counters.get(hashKey);
    if (counter === undefined) {
      counter = { begun: 0, failed: 0, acknowledged: 0, highest: 0, given: new Set() };
      this.#counters.set(hashKey, counter);
    }
    counter.begun += 1;
    return { hashKey, above: counter.highest };
  }

  /** What is wrong with the answer; null when nothing is. */
  succeeded({ hashKey, above }: OpenIncrement, given: number): string | null {
    const counter = this.#counter(hashKey);
    const isRepeated = counter.given.has(given);
    counter.given.add(given);
    counter.acknowledged += 1;
    counter.highest = Math.max(counter.highest, given);
    if (isRepeated) return `two increments of ${hashKey} gave ${given}`;
    if (given <= above) return `an increment of ${hashKey} gave ${given} after ${above}`;
    return this.#excess(hashKey, given);
  }

  /** It has not happened for certain. One in doubt stays counted as begun. */
  failed({ hashKey }: OpenIncrement): void {
    this.#counter(hashKey).failed += 1;
  }

  /** What is wrong with the final number; null when nothing is. */
  audit(hashKey: string, found: number): string | null {
    const { acknowledged, highest } = this.#counter(hashKey);
    const least = Math.max(acknowledged, highest);
    if (found < least) return `${hashKey} holds ${found} after ${least} increments`;
    return this.#excess(hashKey, found);
  }

  #excess(hashKey: string, found: number): string | null {
    const { begun, failed } = this.#counter(hashKey);
    if (found <= begun - failed) return null;
    return `${hashKey} is at ${found} after ${begun - failed} increments`;
  }

  #counter(hashKey: string): Counter {
    const counter = this.#counters.get(hashKey);
    if (counter === undefined) throw new Error('an increment has begun before it ends');
    return counter;
  }
}
