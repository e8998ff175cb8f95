/**
 * Explores fresh seeds until told to stop, and keeps a ledger over all such runs: how much was
 * simulated, what was injected and reached, and each failure with the line that shows it again.
 *
 * The ledger is one JSON document, replaced as a whole every few seconds. It names the next seed, so
 * a later run goes on where this one ends.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  addCounts,
  type FleetReport,
  type FleetViolation,
  type MarkReport,
  reportMarks,
  runFleet,
} from './fleet.ts';
import { countByNumber } from './nemesis/fault-numbers.ts';

export interface Ledger {
  readonly format: 1;
  seedNext: number;
  seeds: number;
  realSeconds: number;
  simulatedHours: number;
  events: number;
  operations: FleetReport['operations'];
  committedMutations: number;
  faults: Record<string, number>;
  faultsByNumber: Record<string, number>;
  faultPoints: Record<string, number>;
  marks: MarkReport;
  seedsRunTwice: number;
  failures: LedgerFailure[];
}

export interface LedgerFailure extends FleetViolation {
  /** Of the sources: a seed's meaning changes with them. */
  readonly revision: string;
}

export interface ExploreOptions {
  readonly ledgerPath: string;
  readonly minutes: number;
  readonly jobCount: number;
  readonly faultSeconds: number;
  readonly revision: string;
  readonly workerPath: string;
  readonly isStopped: () => boolean;
  readonly onRound: (ledger: Ledger) => void;
}

/** Far from the seeds that people and CI run. */
const SEED_FIRST = 1_000_000;
/** Between two writes of the ledger: half a minute or so. */
const SEEDS_PER_ROUND = 50;
const FAILURES_MAX = 1_000;

/** Answers with the failures of this run, newest last. */
export async function explore(options: ExploreOptions): Promise<LedgerFailure[]> {
  const ledger = readLedger(options.ledgerPath);
  const endMs = performance.now() + options.minutes * 60_000;
  const isOver = (): boolean => options.isStopped() || performance.now() >= endMs;
  const failures: LedgerFailure[] = [];
  while (!isOver()) {
    let done = 0;
    const report = await runFleet({
      seedFirst: ledger.seedNext,
      seedCount: SEEDS_PER_ROUND,
      faultSeconds: options.faultSeconds,
      jobCount: options.jobCount,
      repeatEvery: 20,
      workerPath: options.workerPath,
      isStopped: isOver,
      onSeedDone: () => {
        done += 1;
      },
    });
    const found = failuresOf(report, options.revision);
    failures.push(...found);
    addToLedger(ledger, report, done, found);
    writeLedger(options.ledgerPath, ledger);
    options.onRound(ledger);
  }
  return failures;
}

export function emptyLedger(): Ledger {
  return {
    format: 1,
    seedNext: SEED_FIRST,
    seeds: 0,
    realSeconds: 0,
    simulatedHours: 0,
    events: 0,
    operations: { completed: 0, inDoubt: 0, failed: 0, ledgered: 0 },
    committedMutations: 0,
    faults: {},
    faultsByNumber: {},
    faultPoints: {},
    marks: reportMarks({}),
    seedsRunTwice: 0,
    failures: [],
  };
}

export function readLedger(path: string): Ledger {
  if (!existsSync(path)) return emptyLedger();
  return JSON.parse(readFileSync(path, 'utf8')) as Ledger;
}

function writeLedger(path: string, ledger: Ledger): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.tmp`, `${JSON.stringify(ledger, null, 2)}\n`);
  renameSync(`${path}.tmp`, path);
}

function failuresOf(report: FleetReport, revision: string): LedgerFailure[] {
  const mismatches = report.mismatches.map(({ seed, reproduce }) => ({
    seed,
    kind: 'V23-determinism' as const,
    timeUs: 0,
    detail: 'two runs differ',
    reproduce,
  }));
  return [...report.violations, ...mismatches].map((failure) => ({ ...failure, revision }));
}

export function addToLedger(
  ledger: Ledger,
  report: FleetReport,
  seedCount: number,
  failures: readonly LedgerFailure[],
): void {
  ledger.seedNext += seedCount;
  ledger.seeds += seedCount;
  ledger.realSeconds += report.realSeconds;
  ledger.simulatedHours += report.simulatedHours;
  ledger.events += report.events;
  ledger.committedMutations += report.committedMutations;
  ledger.seedsRunTwice += report.seedsRunTwice;
  for (const name of ['completed', 'inDoubt', 'failed', 'ledgered'] as const) {
    ledger.operations[name] += report.operations[name];
  }
  addCounts(ledger.faults, report.faults);
  addCounts(ledger.faultPoints, report.faultPoints);
  addCounts(ledger.marks.counts, report.marks.counts);
  ledger.marks = reportMarks(ledger.marks.counts);
  ledger.faultsByNumber = countByNumber(ledger.faults);
  ledger.failures = [...ledger.failures, ...failures].slice(-FAILURES_MAX);
}
