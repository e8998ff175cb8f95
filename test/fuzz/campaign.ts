/**
 * A campaign: every target in turn, a slice of runs each, until a number of runs or the time is up.
 *
 * What a target is fed: new well-formed input (it must be understood), the same damaged, or damaged further from an
 * input that was understood before, so that the corpus wanders into what no seed has. Chance comes from a stream per
 * target, and nothing depends on the time but the end: seed, target and run number show a finding again.
 *
 * Besides what the target itself calls a finding: a run that takes too long for its bytes (again, in processor
 * time, the least of three: the machine may be busy), and memory outside of the heap that stays.
 */
import { SeededRandom } from '../../src/base/prng.ts';
import { mutate, randomBytes } from './mutate.ts';
import type { FuzzTarget } from './target.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** Of each target; Infinity = until the deadline. */
  readonly runsMax: number;
  /** `performance.now()`. */
  readonly deadlineMs: number;
  /** Called before each slice. */
  readonly onSlice?: (target: string, run: number) => void;
}

export interface Finding {
  readonly target: string;
  /** Of the target, from 0: the same seed meets it again. */
  readonly run: number;
  readonly error: string;
  readonly inputHex: string;
}

export interface TargetReport {
  readonly target: string;
  readonly runs: number;
  /** Inputs that were understood to their end, damaged ones among them. */
  readonly accepted: number;
  readonly acceptedDamaged: number;
  readonly bytes: number;
  readonly slowestMs: number;
}

const RUNS_PER_SLICE = 64;
const CORPUS_MAX = 128;
const INPUT_BYTES_MAX = 64 * 1024;
const SLOW_MS = 50;
const SLOW_MS_PER_KILOBYTE = 5;
const SLOW_RUNS = 3;
const GROWTH_BYTES_MAX = 128 * 1024 * 1024;
const FINDINGS_PER_KIND_MAX = 1;

class TargetState {
  readonly target: FuzzTarget;
  readonly random: SeededRandom;
  readonly corpus: Uint8Array[] = [];
  runs = 0;
  accepted = 0;
  acceptedDamaged = 0;
  bytes = 0;
  slowestMs = 0;

  constructor(target: FuzzTarget, seed: number) {
    this.target = target;
    let hash = seed >>> 0;
    for (const character of target.name) {
      hash = (Math.imul(hash, 31) + character.charCodeAt(0)) >>> 0;
    }
    this.random = new SeededRandom(hash);
  }

  /** The next input, and whether it has to be understood. */
  next(): { input: Uint8Array; isWellFormed: boolean } {
    const { random, target, corpus } = this;
    const way = random.below(16);
    if (way === 0) return { input: target.seed(random), isWellFormed: true };
    if (way === 1) return { input: randomBytes(random, random.below(200)), isWellFormed: false };
    const isOld = corpus.length > 0 && random.below(2) === 0;
    const from = isOld ? corpus[random.below(corpus.length)]! : target.seed(random);
    const damaged =
      target.damage !== undefined && random.below(3) > 0
        ? target.damage(from, random)
        : mutate(from, random);
    const isRepaired = random.below(4) > 0;
    const input = isRepaired ? (target.repair?.(damaged) ?? damaged) : damaged;
    return { input: input.subarray(0, INPUT_BYTES_MAX), isWellFormed: false };
  }

  keep(input: Uint8Array): void {
    if (this.corpus.length < CORPUS_MAX) this.corpus.push(input.slice());
    else if (this.random.below(8) === 0) {
      this.corpus[this.random.below(CORPUS_MAX)] = input.slice();
    }
  }
}

export class Campaign {
  readonly findings: Finding[] = [];
  readonly #states: readonly TargetState[];
  readonly #options: CampaignOptions;
  readonly #kinds = new Map<string, number>();
  /** What escaped from a run by way of the event loop. */
  readonly #strays: unknown[] = [];

  constructor(targets: readonly FuzzTarget[], options: CampaignOptions) {
    this.#options = options;
    this.#states = targets.map((target) => new TargetState(target, options.seed));
  }

  /** An error that nobody caught while a target ran. */
  readonly onStray = (error: unknown): void => {
    this.#strays.push(error);
  };

  async run(): Promise<void> {
    const { runsMax, deadlineMs, onSlice } = this.#options;
    const before = process.memoryUsage().arrayBuffers;
    for (let hasMore = true; hasMore; ) {
      hasMore = false;
      for (const state of this.#states) {
        onSlice?.(state.target.name, state.runs);
        for (let count = 0; count < RUNS_PER_SLICE && state.runs < runsMax; count++) {
          await this.#runOnce(state);
        }
        const isOver = performance.now() >= deadlineMs;
        if (isOver) return;
        hasMore ||= state.runs < runsMax;
      }
      const growth = process.memoryUsage().arrayBuffers - before;
      if (growth > GROWTH_BYTES_MAX) {
        const error = new Error(`finding: ${growth} bytes outside of the heap stay`);
        this.#note(this.#states[0]!, error, new Uint8Array(0));
        return;
      }
    }
  }

  reports(): TargetReport[] {
    return this.#states.map((state) => ({
      target: state.target.name,
      runs: state.runs,
      accepted: state.accepted,
      acceptedDamaged: state.acceptedDamaged,
      bytes: state.bytes,
      slowestMs: Math.round(state.slowestMs * 100) / 100,
    }));
  }

  async close(): Promise<void> {
    for (const { target } of this.#states) await target.close?.();
  }

  async #runOnce(state: TargetState): Promise<void> {
    const { input, isWellFormed } = state.next();
    try {
      const isAccepted = await this.#timed(state, input);
      if (isAccepted) {
        state.accepted += 1;
        if (!isWellFormed) state.acceptedDamaged += 1;
        state.keep(input);
      } else if (isWellFormed) {
        throw new Error('finding: well-formed input is refused');
      }
      const stray = this.#strays.shift();
      if (stray !== undefined) throw stray;
    } catch (error) {
      this.#note(state, error, input);
    }
    state.runs += 1;
    state.bytes += input.length;
  }

  async #timed(state: TargetState, input: Uint8Array): Promise<boolean> {
    const began = performance.now();
    const accepted = await state.target.run(input, state.random);
    const tookMs = performance.now() - began;
    const slowMs = SLOW_MS + (SLOW_MS_PER_KILOBYTE * input.length) / 1024;
    if (tookMs <= slowMs) {
      state.slowestMs = Math.max(state.slowestMs, tookMs);
      return accepted;
    }
    let cpuMs = Infinity;
    for (let count = 0; count < SLOW_RUNS; count++) {
      const before = process.cpuUsage();
      await state.target.run(input, new SeededRandom(1));
      const { user, system } = process.cpuUsage(before);
      cpuMs = Math.min(cpuMs, (user + system) / 1000);
    }
    state.slowestMs = Math.max(state.slowestMs, cpuMs);
    if (cpuMs > slowMs) throw new Error('finding: takes too long for its bytes');
    return accepted;
  }

  #note(state: TargetState, error: unknown, input: Uint8Array): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const lines = text.split('\n');
    // Numbers differ from input to input; the place does not.
    const kind = `${state.target.name} ${lines.slice(0, 2).join(' ').replace(/\d+/g, '#')}`;
    const count = this.#kinds.get(kind) ?? 0;
    this.#kinds.set(kind, count + 1);
    if (count >= FINDINGS_PER_KIND_MAX) return;
    this.findings.push({
      target: state.target.name,
      run: state.runs,
      error: lines.slice(0, 8).join('\n'),
      inputHex: Buffer.from(input.subarray(0, 4096)).toString('hex'),
    });
  }
}
