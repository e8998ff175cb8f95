/**
 * Many seeds on a few worker processes, and one report about all of them.
 *
 * A seed runs alone in its process from start to end; processes share nothing but the list of seeds. Some seeds, or
 * all, run twice: their trace hashes must be equal (V23).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { MARKS } from '../src/base/marks.ts';
import type { Violation } from './checkers/violations.ts';
import { countByNumber } from './nemesis/fault-numbers.ts';
import { reproduceLine } from './shrink.ts';
import { type SimulationReport, simulate } from './simulation.ts';

export interface FleetOptions {
  readonly seedFirst: number;
  readonly seedCount: number;
  readonly faultSeconds: number;
  readonly jobCount: number;
  /** One seed in so many runs twice; 1 = every seed. */
  readonly repeatEvery: number;
  /** The program to start as a worker; it calls `serveFleet`. */
  readonly workerPath: string;
  /** No further seed is begun once it says so. */
  readonly isStopped?: () => boolean;
  readonly onSeedDone: (outcome: SeedOutcome, doneCount: number) => void;
}

interface SeedOrder {
  readonly seed: number;
  readonly faultSeconds: number;
  readonly runsTwice: boolean;
}

export interface SeedOutcome {
  readonly seed: number;
  readonly realMs: number;
  readonly report: SimulationReport | null;
  readonly secondHash: string | null;
  /** The world itself broke, or the worker did. */
  readonly failure: string | null;
}

export interface FleetViolation extends Violation {
  readonly seed: number;
  /** One line that shows it again. */
  readonly reproduce: string;
}

/** The rare branches of production code. */
export interface MarkReport {
  readonly total: number;
  readonly reached: number;
  readonly neverReached: readonly string[];
  /** How often. */
  readonly counts: Record<string, number>;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface FleetReport {
  readonly seeds: number;
  readonly seedFirst: number;
  readonly realSeconds: number;
  readonly simulatedSeconds: number;
  readonly simulatedHours: number;
  readonly events: number;
  readonly operations: { completed: number; inDoubt: number; failed: number; ledgered: number };
  readonly committedMutations: number;
  readonly contentComparisons: number;
  /** Answers to reads whose server was checked to be the only one that answers. */
  readonly readAnswers: number;
  readonly faults: Record<string, number>;
  /** The same by the numbers of the fault list; 0 = never met. */
  readonly faultsByNumber: Record<string, number>;
  /** Where processes were made to die inside a call. */
  readonly faultPoints: Record<string, number>;
  readonly marks: MarkReport;
  readonly seedsRunTwice: number;
  readonly mismatches: { readonly seed: number; readonly reproduce: string }[];
  readonly violations: FleetViolation[];
}

/** A seed takes about a second; one that takes so long hangs. */
const SEED_LIMIT_MS = 180_000;

/** Nearly all that a run makes is garbage within a simulated second: an eighth less time than with 16 MiB. */
const YOUNG_SPACE_MIB = 64;

export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const startMs = performance.now();
  const fleet = new Fleet(options);
  await fleet.run();
  return fleet.report((performance.now() - startMs) / 1000);
}

/** Runs one seed, twice if asked. Never rejects: what breaks is part of the outcome. */
export async function runSeed(order: SeedOrder): Promise<SeedOutcome> {
  const { seed, faultSeconds, runsTwice } = order;
  const startMs = performance.now();
  const simulation = { seed, faultSeconds, traceLineCount: 0 };
  try {
    const report = await simulate(simulation);
    const second = runsTwice ? await simulate(simulation) : null;
    const realMs = performance.now() - startMs;
    return { seed, realMs, report, secondHash: second?.traceHash ?? null, failure: null };
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { seed, realMs: performance.now() - startMs, report: null, secondHash: null, failure };
  }
}

/** The loop of a worker process: orders come in as messages, outcomes go out. */
export function serveFleet(): void {
  // The terminal interrupts the whole group; the fleet ends its workers when their seeds are done.
  process.on('SIGINT', () => {});
  process.on('message', (order: SeedOrder) => {
    void runSeed(order).then((outcome) => process.send?.(outcome));
  });
}

class Fleet {
  readonly #options: FleetOptions;
  readonly #report: Mutable<FleetReport>;
  #next: number = 0;
  #done: number = 0;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#report = {
      seeds: options.seedCount,
      seedFirst: options.seedFirst,
      realSeconds: 0,
      simulatedSeconds: 0,
      simulatedHours: 0,
      events: 0,
      operations: { completed: 0, inDoubt: 0, failed: 0, ledgered: 0 },
      committedMutations: 0,
      contentComparisons: 0,
      readAnswers: 0,
      faults: {},
      faultsByNumber: {},
      faultPoints: {},
      marks: reportMarks({}),
      seedsRunTwice: 0,
      mismatches: [],
      violations: [],
    };
  }

  async run(): Promise<void> {
    const { jobCount, seedCount } = this.#options;
    if (seedCount === 1) {
      for (let order = this.#take(); order !== null; order = this.#take()) {
        this.#add(await runSeed(order));
      }
      return;
    }
    const workers = Array.from({ length: Math.max(1, Math.min(jobCount, seedCount)) }, () =>
      this.#work(),
    );
    await Promise.all(workers);
  }

  report(realSeconds: number): FleetReport {
    this.#report.violations.sort((a, b) => a.seed - b.seed);
    this.#report.mismatches.sort((a, b) => a.seed - b.seed);
    return {
      ...this.#report,
      realSeconds,
      simulatedHours: this.#report.simulatedSeconds / 3600,
      faultsByNumber: countByNumber(this.#report.faults),
      marks: reportMarks(this.#report.marks.counts),
    };
  }

  #take(): SeedOrder | null {
    const { seedFirst, seedCount, faultSeconds, repeatEvery } = this.#options;
    if (this.#next >= seedCount || this.#options.isStopped?.() === true) return null;
    const index = this.#next++;
    return { seed: seedFirst + index, faultSeconds, runsTwice: index % repeatEvery === 0 };
  }

  async #work(): Promise<void> {
    let worker = this.#startWorker();
    for (let order = this.#take(); order !== null; order = this.#take()) {
      const outcome = await ask(worker, order);
      this.#add(outcome);
      if (outcome.report !== null) continue;
      worker.kill('SIGKILL');
      worker = this.#startWorker();
    }
    worker.disconnect();
  }

  #startWorker(): ChildProcess {
    const execArgv = [...process.execArgv, `--max-semi-space-size=${YOUNG_SPACE_MIB}`];
    return fork(this.#options.workerPath, ['--worker'], { execArgv });
  }

  #add(outcome: SeedOutcome): void {
    this.#done += 1;
    const { seed, report, secondHash, failure } = outcome;
    const reproduce = reproduceLine(seed, this.#options.faultSeconds, null);
    if (failure !== null) {
      this.#report.violations.push({ seed, kind: 'crash', timeUs: 0, detail: failure, reproduce });
    }
    if (report !== null) this.#addReport(report, reproduce);
    if (report !== null && secondHash !== null) {
      this.#report.seedsRunTwice += 1;
      if (secondHash !== report.traceHash) this.#report.mismatches.push({ seed, reproduce });
    }
    this.#options.onSeedDone(outcome, this.#done);
  }

  #addReport(report: SimulationReport, reproduce: string): void {
    const total = this.#report;
    total.simulatedSeconds += report.simulatedSeconds;
    total.events += report.eventCount;
    total.committedMutations += report.committedMutations;
    total.contentComparisons += report.contentComparisons;
    total.readAnswers += report.readAnswers;
    total.operations.completed += report.operations.completed;
    total.operations.inDoubt += report.operations.inDoubt;
    total.operations.failed += report.operations.failed;
    total.operations.ledgered += report.operations.ledgered;
    addCounts(total.faults, report.faults);
    addCounts(total.faultPoints, report.faultPoints);
    addCounts(total.marks.counts, report.marks);
    for (const violation of report.violations) {
      total.violations.push({ ...violation, seed: report.seed, reproduce });
    }
  }
}

export function addCounts(
  to: Record<string, number>,
  from: Readonly<Record<string, number>>,
): void {
  for (const [name, count] of Object.entries(from)) to[name] = (to[name] ?? 0) + count;
}

export function reportMarks(counts: Record<string, number>): MarkReport {
  const neverReached = MARKS.filter((name) => (counts[name] ?? 0) === 0);
  const total = MARKS.length;
  return { total, reached: total - neverReached.length, neverReached, counts };
}

export function ask(worker: ChildProcess, order: SeedOrder): Promise<SeedOutcome> {
  return new Promise((resolve) => {
    const broken = (failure: string): SeedOutcome => ({
      seed: order.seed,
      realMs: SEED_LIMIT_MS,
      report: null,
      secondHash: null,
      failure,
    });
    const finish = (outcome: SeedOutcome): void => {
      clearTimeout(timer);
      worker.removeAllListeners();
      resolve(outcome);
    };
    const timer = setTimeout(() => finish(broken('the run hangs')), SEED_LIMIT_MS);
    worker.once('message', (outcome: SeedOutcome) => finish(outcome));
    worker.once('exit', (code) => finish(broken(`the worker ended with code ${code}`)));
    worker.send(order);
  });
}
