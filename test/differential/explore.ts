/** Random sequences until there were enough operations, or one that differs from the rules, shrunk. */
import fc from 'fast-check';
import { PossibleTables } from './possible-tables.ts';
import { randomOperation } from './random-operations.ts';
import { type Counts, type Real, Step } from './sequence.ts';
import { SimulatedWorld } from './simulated-world.ts';

export interface ExploreOptions {
  readonly seed: number;
  /** At least so many. */
  readonly operations: number;
  /** Servers fail and come back. */
  readonly hasFaults: boolean;
  readonly onProgress?: (operations: number) => void;
}

export interface ExploreReport {
  readonly seed: number;
  readonly operations: number;
  readonly sequences: number;
  readonly differences: readonly string[];
  readonly byOperation: Readonly<Record<string, number>>;
}

const SEQUENCE_LENGTH_MAX = 1000;
/** Of one call to fast-check. */
const SEQUENCES_PER_ROUND = 20;
/** Hash keys of thousands of rows cost much: some rounds have them. */
const ROUNDS_PER_FILLED = 10;
/** Of about a thousand operations. */
const FILLS = 4;
const NO_OPERATIONS: ReadonlySet<string> = new Set(['inDoubt', 'failed']);

export async function explore(options: ExploreOptions): Promise<ExploreReport> {
  const counts: Counts = new Map();
  const differences: string[] = [];
  let sequences = 0;
  for (let round = 0; total(counts) < options.operations && differences.length === 0; round++) {
    const fills = !options.hasFaults && round % ROUNDS_PER_FILLED === 0 ? FILLS : 0;
    const details = await fc.check(sequenceProperty(counts, fills, options), {
      seed: options.seed + round,
      numRuns: SEQUENCES_PER_ROUND,
    });
    sequences += details.numRuns;
    if (details.failed) {
      differences.push(`${String(details.errorInstance)}\n${fc.defaultReportMessage(details)}`);
    }
    options.onProgress?.(total(counts));
  }
  return {
    seed: options.seed,
    operations: total(counts),
    sequences,
    differences,
    byOperation: Object.fromEntries(counts),
  };
}

function sequenceProperty(
  counts: Counts,
  fills: number,
  { hasFaults }: ExploreOptions,
): fc.IAsyncProperty<[number, Iterable<fc.AsyncCommand<PossibleTables, Real>>]> {
  const step = randomOperation({ pauses: hasFaults ? 100 : 20, fills }).map(
    (operation) => new Step(operation),
  );
  const steps = fc.commands([step], { maxCommands: SEQUENCE_LENGTH_MAX, size: 'max' });
  return fc.asyncProperty(fc.nat(), steps, async (seed, commands) => {
    const world = new SimulatedWorld({ seed, hasFaults });
    await world.run(async () => {
      const model = new PossibleTables({
        defaultTtlSeconds: 0,
        keepsExpired: true,
        partitionOf: (key) => world.partitionOf(key),
      });
      await fc.asyncModelRun(() => ({ model, real: { world, counts } }), commands);
    });
  });
}

function total(counts: Counts): number {
  let sum = 0;
  for (const [kind, count] of counts) if (!NO_OPERATIONS.has(kind)) sum += count;
  return sum;
}
