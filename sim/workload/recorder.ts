/**
 * Writes down what clients did and saw, per hash key, for the linearizability checker.
 *
 * A write that failed for certain is not written down: should its value ever be read, the checker sees a value that
 * nobody wrote. A write in doubt stays open for ever. A read that failed says nothing.
 */
import { assert } from '../../src/base/assert.ts';
import type { HistoryOperation, RowValue } from '../checkers/history.ts';

/** An operation under way. */
export interface OpenOperation {
  readonly hashKey: string;
  readonly label: string;
  readonly invokeUs: number;
  readonly writes: readonly RowValue[];
}

export class HistoryRecorder {
  readonly #histories: Map<string, HistoryOperation[]> = new Map();
  readonly #nowUs: () => number;
  #valueNext: number = 1;
  completed: number = 0;
  inDoubt: number = 0;
  failed: number = 0;

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  get histories(): ReadonlyMap<string, readonly HistoryOperation[]> {
    return this.#histories;
  }

  nextValue(): number {
    return this.#valueNext++;
  }

  begin(hashKey: string, label: string, writes: readonly RowValue[]): OpenOperation {
    return { hashKey, label, invokeUs: this.#nowUs(), writes };
  }

  succeeded(open: OpenOperation, reads: readonly RowValue[]): void {
    this.completed += 1;
    this.#add(open, reads, this.#nowUs());
  }

  /** `condition`: what it must have found if it happened. */
  failedWith(
    open: OpenOperation,
    maybeApplied: boolean,
    condition: readonly RowValue[] = [],
  ): void {
    if (!maybeApplied) {
      this.failed += 1;
      return;
    }
    assert(open.writes.length > 0, 'only writes can be in doubt');
    this.inDoubt += 1;
    this.#add(open, condition, Infinity);
  }

  #add(open: OpenOperation, reads: readonly RowValue[], returnUs: number): void {
    let history = this.#histories.get(open.hashKey);
    if (history === undefined) {
      history = [];
      this.#histories.set(open.hashKey, history);
    }
    const { label, invokeUs, writes } = open;
    history.push({ label, invokeUs, returnUs, reads, writes });
  }
}
