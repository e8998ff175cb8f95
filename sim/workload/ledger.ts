/**
 * Rows that are written once and never touched again: after all faults, every acknowledged one must
 * be there with its value, and none that failed for certain (V2, V3). Cheaper per write than the
 * linearizability checker, so a ledger can be long.
 */
import type { MultiGetResult } from '../../src/client/api.ts';
import { text, valueNumber } from './text.ts';

type Fate = 'acknowledged' | 'inDoubt' | 'failed';

interface Entry {
  readonly value: number;
  readonly fate: Fate;
}

export class Ledger {
  readonly #books: Map<string, Map<string, Entry>> = new Map();
  acknowledged: number = 0;

  get hashKeys(): string[] {
    return [...this.#books.keys()];
  }

  note(hashKey: string, sortKey: string, value: number, fate: Fate): void {
    let book = this.#books.get(hashKey);
    if (book === undefined) {
      book = new Map();
      this.#books.set(hashKey, book);
    }
    book.set(sortKey, { value, fate });
    if (fate === 'acknowledged') this.acknowledged += 1;
  }

  /** What is wrong with the final content of a hash key; empty when nothing is. */
  audit(hashKey: string, found: MultiGetResult): string[] {
    const book = this.#books.get(hashKey) ?? new Map<string, Entry>();
    const rows = new Map(found.rows.map((row) => [text(row.sortKey), valueNumber(row.value)]));
    const wrong: string[] = [];
    for (const [sortKey, { value, fate }] of book) {
      const present = rows.get(sortKey);
      rows.delete(sortKey);
      const name = `row ${hashKey}/${sortKey}`;
      if (present === undefined) {
        if (fate === 'acknowledged') wrong.push(`${name} was acknowledged and is gone`);
      } else if (present !== value) wrong.push(`${name} holds ${present} instead of ${value}`);
      else if (fate === 'failed') wrong.push(`${name} failed for certain and is there`);
    }
    for (const sortKey of rows.keys())
      wrong.push(`row ${hashKey}/${sortKey} was written by nobody`);
    return wrong;
  }
}
