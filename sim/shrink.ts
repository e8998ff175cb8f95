/**
 * Cuts the fault list of a failing seed down to what is needed to fail.
 *
 * Each fault draws from a stream of its own (nemesis/nemesis.ts), so leaving one out does not change
 * what the others decide. What remains is found by delta debugging: halves, quarters, … are dropped
 * as long as the run still fails in the same way, at the end one by one. Before that the phase with
 * faults is cut to what the violation needs.
 *
 * "The same way" is the kind of the first violation, not its text: names and decrees change.
 */
import { assert } from '../src/base/assert.ts';
import type { InjectedFault } from './nemesis/nemesis.ts';
import type { SimulationOptions, SimulationReport } from './simulation.ts';

export type Run = (options: SimulationOptions) => Promise<SimulationReport>;

export interface ShrinkResult {
  /** Of the whole seed; null = it does not fail. */
  readonly kind: string | null;
  readonly runs: number;
  readonly faultSeconds: number;
  readonly faults: readonly InjectedFault[];
  /** One line that shows what is left. */
  readonly reproduce: string;
}

/** Each run takes a second or less. */
const RUNS_MAX = 300;

export async function shrinkSeed(
  options: SimulationOptions,
  run: Run,
  onProgress: (faultsLeft: number, runs: number) => void,
): Promise<ShrinkResult> {
  return await new Shrinker(options, run, onProgress).shrink();
}

export function reproduceLine(
  seed: number,
  faultSeconds: number,
  faults: readonly number[] | null,
): string {
  const list =
    faults === null ? '' : ` --faults ${faults.length === 0 ? 'none' : faults.join(',')}`;
  return `./pegasus sim --seed ${seed} --seconds ${faultSeconds}${list} --verbose`;
}

class Shrinker {
  readonly #options: SimulationOptions;
  readonly #run: Run;
  readonly #onProgress: (faultsLeft: number, runs: number) => void;
  #kind: string | null = null;
  #faults: readonly InjectedFault[] = [];
  #faultSeconds: number;
  #runs: number = 0;

  constructor(
    options: SimulationOptions,
    run: Run,
    onProgress: (faultsLeft: number, runs: number) => void,
  ) {
    this.#options = options;
    this.#run = run;
    this.#onProgress = onProgress;
    this.#faultSeconds = options.faultSeconds;
  }

  async shrink(): Promise<ShrinkResult> {
    const whole = await this.#attempt(this.#options.faults, this.#faultSeconds);
    this.#kind = whole.violations[0]?.kind ?? null;
    this.#faults = whole.injected;
    if (this.#kind !== null) {
      await this.#shorten();
      await this.#drop();
      await this.#shorten();
    }
    const numbers = this.#kind === null ? null : this.#faults.map(({ number }) => number);
    return {
      kind: this.#kind,
      runs: this.#runs,
      faultSeconds: this.#faultSeconds,
      faults: this.#faults,
      reproduce: reproduceLine(this.#options.seed, this.#faultSeconds, numbers),
    };
  }

  /** Halves the phase with faults as long as the run fails. */
  async #shorten(): Promise<void> {
    while (this.#faultSeconds > 1 && this.#runs < RUNS_MAX) {
      const shorter = Math.ceil(this.#faultSeconds / 2);
      if (!(await this.#stillFails(this.#faults, shorter))) return;
    }
  }

  /** Delta debugging by complements. */
  async #drop(): Promise<void> {
    let parts = 2;
    while (this.#faults.length > 0 && this.#runs < RUNS_MAX) {
      const size = Math.ceil(this.#faults.length / parts);
      const isReduced = await this.#dropOneOf(size);
      if (isReduced) parts = Math.max(2, parts - 1);
      else if (size === 1) return;
      else parts = Math.min(this.#faults.length, parts * 2);
    }
  }

  async #dropOneOf(size: number): Promise<boolean> {
    for (let start = 0; start < this.#faults.length; start += size) {
      const rest = [...this.#faults.slice(0, start), ...this.#faults.slice(start + size)];
      if (await this.#stillFails(rest, this.#faultSeconds)) return true;
      if (this.#runs >= RUNS_MAX) return false;
    }
    return false;
  }

  /** Takes the smaller case over when it fails. */
  async #stillFails(faults: readonly InjectedFault[], faultSeconds: number): Promise<boolean> {
    assert(this.#kind !== null, 'only a run that fails is shrunk');
    const numbers = faults.map(({ number }) => number);
    const report = await this.#attempt(numbers, faultSeconds);
    if (report.violations[0]?.kind !== this.#kind) return false;
    // Some of the faults may find nothing to act on any more, or come after the end.
    this.#faults = report.injected;
    this.#faultSeconds = faultSeconds;
    this.#onProgress(this.#faults.length, this.#runs);
    return true;
  }

  async #attempt(
    faults: readonly number[] | undefined,
    faultSeconds: number,
  ): Promise<SimulationReport> {
    this.#runs += 1;
    return await this.#run({ ...this.#options, faults, faultSeconds, traceLineCount: 0 });
  }
}
