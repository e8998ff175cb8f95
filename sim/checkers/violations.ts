/** What a run found. Kinds are those of docs/testing.md: V1 … V10, or what else must never happen. */
export type ViolationKind =
  | 'V1-linearizability'
  | 'V2-acknowledged-write-lost'
  | 'V2-below-write-floor'
  | 'V4-one-primary-per-ballot'
  | 'V4-one-reader'
  | 'V5-commit-invariant'
  | 'V6-one-digest-per-decree'
  | 'V7-equal-content'
  | 'V8-log-continuity'
  | 'V9-torn-decree'
  | 'V10-early-promotion'
  | 'V11-expired-data'
  | 'V12-configuration'
  | 'V17-undetected-damage'
  | 'V18-lame-server'
  | 'V19-liveness'
  | 'V20-client-deadline'
  | 'V21-leak'
  | 'V23-determinism'
  | 'V24-one-leader'
  | 'crash'
  | 'error-log'
  | 'start-failed'
  | 'undecided'
  | 'idle-run';

export interface Violation {
  readonly kind: ViolationKind;
  readonly timeUs: number;
  readonly detail: string;
}

/** Bounded: a broken run repeats itself at every look. */
const VIOLATION_COUNT_MAX = 20;

export class Violations {
  readonly all: Violation[] = [];
  readonly #seen: Set<string> = new Set();
  readonly #onFirst: () => void;

  /** `onFirst` is called once, with the first one: the run can stop there. */
  constructor(onFirst: () => void) {
    this.#onFirst = onFirst;
  }

  add(kind: ViolationKind, timeUs: number, detail: string): void {
    const key = `${kind} ${detail}`;
    if (this.#seen.has(key) || this.all.length >= VIOLATION_COUNT_MAX) return;
    this.#seen.add(key);
    this.all.push({ kind, timeUs, detail });
    if (this.all.length === 1) this.#onFirst();
  }
}
