/**
 * Looks for a planted bug: one seed after the other in a worker process that runs the changed copy
 * of the program, until a checker raises its hand. A seed that fails without the bug proves nothing:
 * it is passed over. Seeds about the faults that the bug needs come first.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { ask, runSeed, type SeedOutcome } from '../fleet.ts';
import { RandomStreams } from '../kernel/streams.ts';
import { drawSwarm } from '../nemesis/swarm.ts';
import { plantBug } from './plant.ts';
import type { PlantedBug } from './planted-bug.ts';

export interface HuntOptions {
  readonly seedFirst: number;
  readonly seedsMax: number;
  readonly faultSeconds: number;
  readonly onDone: (bug: PlantedBug, result: HuntResult) => void;
}

/** A seed is about faults that are so large a part of those that it draws. */
const ABOUT_FRACTION = 0.25;

export interface HuntResult {
  readonly bug: string;
  /** Which seed showed it; null when none did. */
  readonly seed: number | null;
  /** How many seeds were run, that one included. */
  readonly seeds: number;
  /** Kind of the first violation; null when there was none. */
  readonly foundBy: string | null;
  readonly detail: string | null;
  readonly realSeconds: number;
}

export interface HuntReport {
  readonly found: number;
  /** Seeds that it took to find those that were found. */
  readonly medianSeeds: number;
  readonly results: readonly HuntResult[];
}

/** One after the other. */
export async function huntBugs(
  bugs: readonly PlantedBug[],
  options: HuntOptions,
): Promise<HuntReport> {
  const results: HuntResult[] = [];
  for (const bug of bugs) {
    const result = await huntBug(bug, options);
    results.push(result);
    options.onDone(bug, result);
  }
  const found = results.filter((result) => result.foundBy !== null);
  return { found: found.length, medianSeeds: medianOf(found.map((one) => one.seeds)), results };
}

async function huntBug(bug: PlantedBug, options: HuntOptions): Promise<HuntResult> {
  const startMs = performance.now();
  const program = plantBug(bug);
  const worker = fork(program.workerPath, ['--worker'], { execArgv: process.execArgv });
  try {
    const found = await searchSeeds(worker, huntOrder(bug, options), options.faultSeconds);
    return { bug: bug.name, ...found, realSeconds: (performance.now() - startMs) / 1000 };
  } finally {
    worker.kill('SIGKILL');
    program.remove();
  }
}

/** All seeds: those about the faults that the bug needs, then the others, each by their numbers. */
export function huntOrder(
  { about }: PlantedBug,
  { seedFirst, seedsMax }: Pick<HuntOptions, 'seedFirst' | 'seedsMax'>,
): readonly number[] {
  const seeds = Array.from({ length: seedsMax }, (_, index) => seedFirst + index);
  if (about === undefined) return seeds;
  const isAbout = (seed: number): boolean => {
    const { faults } = drawSwarm(new RandomStreams(seed).of('swarm'));
    const fitting = faults.filter((name) => about.includes(name));
    return fitting.length >= ABOUT_FRACTION * faults.length;
  };
  const first = new Set(seeds.filter(isAbout));
  return [...first, ...seeds.filter((seed) => !first.has(seed))];
}

async function searchSeeds(
  worker: ChildProcess,
  seeds: readonly number[],
  faultSeconds: number,
): Promise<Omit<HuntResult, 'bug' | 'realSeconds'>> {
  for (const [index, seed] of seeds.entries()) {
    const order = { seed, faultSeconds, runsTwice: false };
    const verdict = verdictOf(await ask(worker, order));
    if (verdict === null || verdictOf(await runSeed(order)) !== null) continue;
    return { seed, seeds: index + 1, ...verdict };
  }
  return { seed: null, seeds: seeds.length, foundBy: null, detail: null };
}

function verdictOf(outcome: SeedOutcome): { foundBy: string; detail: string } | null {
  if (outcome.failure !== null) return { foundBy: 'crash', detail: outcome.failure };
  const violation = outcome.report?.violations[0];
  return violation === undefined ? null : { foundBy: violation.kind, detail: violation.detail };
}

/** A line of the table in docs/planted-bugs.md. */
export function tableRow(bug: PlantedBug, { foundBy, seed, seeds }: HuntResult): string {
  const outcome =
    foundBy === null ? `not within ${seeds} | | ` : `${seeds} | ${seed} | \`${foundBy}\``;
  return `| \`${bug.name}\` | ${bug.what} | ${outcome} |`;
}

/** The middle one; of an even number the upper. */
function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
