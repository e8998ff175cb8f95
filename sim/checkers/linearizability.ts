/**
 * Is there an order of the operations on one hash key that explains all answers, in which each
 * operation takes effect between its call and its return? Wing and Gong's search with Lowe's memory
 * of visited states, as in Porcupine.
 *
 * 1. Calls and returns stand in one list in time order, calls first on ties (that allows more,
 *    never less). The search takes any operation whose call comes before the first pending return
 *    and that agrees with the state; when it meets the return of an operation that was not taken,
 *    it goes back.
 * 2. A pair (set of taken operations, state) is searched once. In-doubt operations need not be
 *    taken, so a pair is also given up when the same was reached before with no more of them used
 *    up, and they are tried last. Those with equal effects are interchangeable: they are used in
 *    the order of their calls, and counted instead of named.
 * 3. The search is bounded: what is not decided within `stepCountMax` is `unknown`, and that is
 *    never a pass.
 *
 * Two cuts keep histories with faults small. Both lose no violation, because every value is written
 * once:
 *    a. An in-doubt write none of whose values was ever seen, not even by an operation in doubt,
 *       and which removes nothing, is left out: it changes no answer.
 *    b. An in-doubt write one of whose values was seen by an operation that has happened did happen
 *       before that one returned.
 *
 * Independent of the code under test: it knows operations, not servers.
 */
import { assert } from '../../src/base/assert.ts';
import { type HistoryOperation, operationText } from './history.ts';

export type Verdict =
  | { readonly kind: 'ok' }
  | { readonly kind: 'unknown'; readonly steps: number }
  | { readonly kind: 'violation'; readonly detail: string };

const STEP_COUNT_MAX = 20_000_000;
const NONE = -1;

export function checkLinearizable(
  history: readonly HistoryOperation[],
  stepCountMax: number = STEP_COUNT_MAX,
): Verdict {
  const invented = findInvented(history);
  if (invented !== null) return { kind: 'violation', detail: invented };
  return new Search(relevant(history)).run(stepCountMax);
}

/**
 * A value that nobody may have written; the search would find it too, but not say it so clearly.
 */
function findInvented(history: readonly HistoryOperation[]): string | null {
  const written = new Set<number>([0]);
  for (const operation of history) for (const { value } of operation.writes) written.add(value);
  for (const operation of history) {
    // One in doubt may not have happened.
    if (operation.returnUs === Infinity) continue;
    for (const { value } of operation.reads) {
      if (!written.has(value)) {
        return `a value was read that no operation wrote: ${operationText(operation)}`;
      }
    }
  }
  return null;
}

function relevant(history: readonly HistoryOperation[]): HistoryOperation[] {
  const deadlines = seenBy(history);
  const kept: HistoryOperation[] = [];
  for (const operation of history) {
    if (operation.returnUs !== Infinity) {
      kept.push(operation);
      continue;
    }
    const isSeen = operation.writes.some(({ value }) => deadlines.has(value));
    const removes = operation.writes.some(({ value }) => value === 0);
    if (!isSeen && !removes) continue;
    const returnUs = Math.max(deadlineOf(operation, deadlines), operation.invokeUs);
    kept.push({ ...operation, returnUs });
  }
  return kept;
}

/**
 * By value: when the first operation that saw it had returned at the latest. An in-doubt operation
 * that saw a value and whose own value was seen has passed that deadline on; one that may not have
 * happened passes on no deadline (Infinity).
 */
function seenBy(history: readonly HistoryOperation[]): Map<number, number> {
  const deadlines = new Map<number, number>();
  for (let changed = true; changed; ) {
    changed = false;
    for (const operation of history) {
      const isDone = operation.returnUs !== Infinity;
      const seenUs = isDone ? operation.returnUs : deadlineOf(operation, deadlines);
      for (const { value } of operation.reads) {
        const before = deadlines.get(value);
        if (before !== undefined && before <= seenUs) continue;
        deadlines.set(value, seenUs);
        changed = true;
      }
    }
  }
  return deadlines;
}

function deadlineOf(operation: HistoryOperation, deadlines: ReadonlyMap<number, number>): number {
  let earliestUs = Infinity;
  for (const { value } of operation.writes) {
    if (value !== 0) earliestUs = Math.min(earliestUs, deadlines.get(value) ?? Infinity);
  }
  return earliestUs;
}

/**
 * Entry 2i is the call of operation i, 2i + 1 its return; the list is `#next` and `#previous` over
 * entries. In-doubt operations are not in the list but in `#byEffect`.
 */
class Search {
  readonly #operations: readonly HistoryOperation[];
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #head: number;
  readonly #state: number[];
  /**
   * Fingerprint of the set of operations taken, 64 bits: each operation adds a pattern of its own.
   * Comparing the sets themselves made long histories quadratic.
   */
  #takenHigh: number = 0;
  #takenLow: number = 0;
  /** Effect number of each in-doubt operation; NONE for those that must be taken. */
  readonly #effectOf: Int32Array;
  readonly #byEffect: number[][] = [];
  #usedOfEffect: Uint16Array = new Uint16Array(0);
  /**
   * By state and taken operations: how many in-doubt operations of each effect were used up on the
   * way.
   */
  readonly #visited: Map<string, Uint16Array[]> = new Map();
  readonly #stack: { operation: number; overwritten: readonly number[] }[] = [];
  #longest: readonly number[] = [];
  #stuckAt: number = NONE;
  /** Returns still in the list; in-doubt operations have none. */
  #returnsLeft: number = 0;

  constructor(operations: readonly HistoryOperation[]) {
    this.#operations = operations;
    const count = operations.length;
    this.#head = 2 * count;
    this.#next = new Int32Array(2 * count + 1).fill(NONE);
    this.#previous = new Int32Array(2 * count + 1).fill(NONE);
    this.#state = new Array<number>(rowCount(operations)).fill(0);
    this.#effectOf = new Int32Array(count).fill(NONE);
    this.#groupOptional();
    this.#link();
  }

  run(stepCountMax: number): Verdict {
    let at = this.#next[this.#head]!;
    let steps = 0;
    while (this.#returnsLeft > 0) {
      steps += 1;
      if (steps > stepCountMax) return { kind: 'unknown', steps };
      assert(at !== NONE, 'a return that is left ends the walk');
      const operation = at >> 1;
      const isCall = (at & 1) === 0;
      if (isCall) {
        at = this.#tryTake(operation) ? this.#next[this.#head]! : this.#next[at]!;
        continue;
      }
      // None of those that must happen fits: one in doubt may have happened first.
      if (this.#takeOptional(0, this.#operations[operation]!.returnUs)) {
        at = this.#next[this.#head]!;
        continue;
      }
      this.#noteStuck(operation);
      at = this.#goBack();
      if (at === NONE) return { kind: 'violation', detail: this.#explain() };
    }
    return { kind: 'ok' };
  }

  /**
   * Takes the next in-doubt operation of the first effect from `effectFirst` on that fits; false if
   * none does.
   */
  #takeOptional(effectFirst: number, untilUs: number): boolean {
    for (let effect = effectFirst; effect < this.#byEffect.length; effect++) {
      const operation = this.#byEffect[effect]![this.#usedOfEffect[effect]!];
      if (operation === undefined || this.#operations[operation]!.invokeUs > untilUs) continue;
      if (this.#tryTake(operation)) return true;
    }
    return false;
  }

  /**
   * Undoes choices until there is another one; returns the entry to go on from, NONE when all were
   * tried.
   */
  #goBack(): number {
    for (let undone = this.#stack.pop(); undone !== undefined; undone = this.#stack.pop()) {
      const { operation, overwritten } = undone;
      this.#undo(operation, overwritten);
      const effect = this.#effectOf[operation]!;
      if (effect === NONE) return this.#next[2 * operation]!;
      if (this.#takeOptional(effect + 1, this.#firstReturnUs())) return this.#next[this.#head]!;
    }
    return NONE;
  }

  #firstReturnUs(): number {
    let at = this.#next[this.#head]!;
    while ((at & 1) === 0) at = this.#next[at]!;
    return this.#operations[at >> 1]!.returnUs;
  }

  /** Groups the in-doubt operations by what they would write. */
  #groupOptional(): void {
    const effects = new Map<string, number>();
    const order = this.#operations.map((_, index) => index);
    order.sort((a, b) => this.#operations[a]!.invokeUs - this.#operations[b]!.invokeUs || a - b);
    for (const index of order) {
      const { returnUs, writes } = this.#operations[index]!;
      if (returnUs !== Infinity) continue;
      const text = writes.map(({ row, value }) => `${row}=${value}`).join();
      const effect = effects.get(text) ?? effects.size;
      effects.set(text, effect);
      this.#effectOf[index] = effect;
      if (effect === this.#byEffect.length) this.#byEffect.push([]);
      this.#byEffect[effect]!.push(index);
    }
    this.#usedOfEffect = new Uint16Array(effects.size);
  }

  #link(): void {
    const operations = this.#operations;
    const entries: number[] = [];
    for (let index = 0; index < operations.length; index++) {
      if (operations[index]!.returnUs === Infinity) continue;
      entries.push(2 * index, 2 * index + 1);
      this.#returnsLeft += 1;
    }
    const timeUs = (entry: number): number =>
      (entry & 1) === 0 ? operations[entry >> 1]!.invokeUs : operations[entry >> 1]!.returnUs;
    entries.sort((a, b) => timeUs(a) - timeUs(b) || (a & 1) - (b & 1) || a - b);
    let last = this.#head;
    for (const entry of entries) {
      this.#next[last] = entry;
      this.#previous[entry] = last;
      last = entry;
    }
  }

  #tryTake(operation: number): boolean {
    const { reads, writes } = this.#operations[operation]!;
    const state = this.#state;
    for (const { row, value } of reads) if (state[row] !== value) return false;
    const overwritten = writes.map(({ row }) => state[row]!);
    for (const { row, value } of writes) state[row] = value;
    this.#mark(operation, 1);
    if (!this.#isNew()) {
      this.#restore(operation, overwritten);
      return false;
    }
    this.#stack.push({ operation, overwritten });
    this.#lift(operation);
    return true;
  }

  #undo(operation: number, overwritten: readonly number[]): void {
    this.#restore(operation, overwritten);
    this.#unlift(operation);
  }

  #restore(operation: number, overwritten: readonly number[]): void {
    const { writes } = this.#operations[operation]!;
    for (let index = writes.length - 1; index >= 0; index--) {
      this.#state[writes[index]!.row] = overwritten[index]!;
    }
    this.#mark(operation, -1);
  }

  #mark(operation: number, step: 1 | -1): void {
    const effect = this.#effectOf[operation]!;
    if (effect === NONE) {
      this.#takenHigh ^= pattern(operation, 0x9e37_79b1);
      this.#takenLow ^= pattern(operation, 0x85eb_ca77);
    } else this.#usedOfEffect[effect]! += step;
  }

  /** Remembers where the search stands; false when it was here before, or better off. */
  #isNew(): boolean {
    const key = `${this.#state.join()}|${this.#takenHigh}|${this.#takenLow}`;
    const known = this.#visited.get(key);
    if (known === undefined) {
      this.#visited.set(key, [this.#usedOfEffect.slice()]);
      return true;
    }
    if (known.some((used) => isAtMost(used, this.#usedOfEffect))) return false;
    known.push(this.#usedOfEffect.slice());
    return true;
  }

  #lift(operation: number): void {
    if (this.#effectOf[operation] !== NONE) return;
    this.#cut(2 * operation);
    this.#cut(2 * operation + 1);
    this.#returnsLeft -= 1;
  }

  /** In the reverse order of `#lift`: the entries still remember their neighbours. */
  #unlift(operation: number): void {
    if (this.#effectOf[operation] !== NONE) return;
    this.#restoreEntry(2 * operation + 1);
    this.#restoreEntry(2 * operation);
    this.#returnsLeft += 1;
  }

  #cut(entry: number): void {
    const previous = this.#previous[entry]!;
    const next = this.#next[entry]!;
    this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
  }

  #restoreEntry(entry: number): void {
    const previous = this.#previous[entry]!;
    const next = this.#next[entry]!;
    this.#next[previous] = entry;
    if (next !== NONE) this.#previous[next] = entry;
  }

  #noteStuck(operation: number): void {
    if (this.#stack.length < this.#longest.length) return;
    if (this.#stack.length === this.#longest.length && this.#stuckAt !== NONE) return;
    this.#longest = this.#stack.map((step) => step.operation);
    this.#stuckAt = operation;
  }

  #explain(): string {
    const tail = this.#longest.slice(-6).map((index) => operationText(this.#operations[index]!));
    const stuck = operationText(this.#operations[this.#stuckAt]!);
    const count = this.#longest.length;
    return `no order explains ${stuck}; longest order (${count} operations) ends ${tail.join(' ; ')}`;
  }
}

/** 32 well-mixed bits (the finalizer of MurmurHash3). */
function pattern(operation: number, salt: number): number {
  let word = Math.imul(operation + 1, salt);
  word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
  return word ^ (word >>> 16);
}

function isAtMost(some: Uint16Array, others: Uint16Array): boolean {
  for (let index = 0; index < some.length; index++) {
    if (some[index]! > others[index]!) return false;
  }
  return true;
}

function rowCount(operations: readonly HistoryOperation[]): number {
  let highest = -1;
  for (const { reads, writes } of operations) {
    for (const { row } of reads) highest = Math.max(highest, row);
    for (const { row } of writes) highest = Math.max(highest, row);
  }
  return highest + 1;
}
