/** Random sequences until there were enough operations, or one that differs from the rules, shrunk. */
import fc from 'fast-check';
import { PossibleTables } from './possible-tables.ts';
import { randomOperation } from './random-operations.ts';
import { type Counts, type Real, Step, type World } from './sequence.ts';

export interface ExploreOptions {
  readonly seed: number;
  /** At least so many. */
  readonly operations: number;
  /** Where a sequence is done; a new one each time. */
  readonly world: (seed: number) => World;
  /** Of a thousand operations. */
  readonly pauses: number;
  /** Some sequences have hash keys of thousands of rows. */
  readonly hasFills: boolean;
  /** A sequence that differs is cut down to what it needs for that. Default true. */
  readonly shrinks?: boolean;
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
const SEQUENCES_PER_ROUND = 5;
/** Thousands of rows cost much: one round of so many has them. */
const ROUNDS_PER_FILLED = 20;
/** Of about a thousand operations. */
const FILLS = 4;
const NO_OPERATIONS: ReadonlySet<string> = new Set(['inDoubt', 'failed']);

export async function explore(options: ExploreOptions): Promise<ExploreReport> {
  const counts: Counts = new Map();
  const differences: string[] = [];
  let sequences = 0;
  for (let round = 0; total(counts) < options.operations && differences.length === 0; round++) {
    const isFilled = options.hasFills && round % ROUNDS_PER_FILLED === 0;
    const details = await fc.check(sequenceProperty(counts, isFilled ? FILLS : 0, options), {
      seed: options.seed + round,
      numRuns: SEQUENCES_PER_ROUND,
      endOnFailure: options.shrinks === false,
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
  options: ExploreOptions,
): fc.IAsyncProperty<[number, Iterable<fc.AsyncCommand<PossibleTables, Real>>]> {
  const operation = randomOperation({ pauses: options.pauses, fills });
  const steps = fc.commands([operation.map((one) => new Step(one))], {
    maxCommands: SEQUENCE_LENGTH_MAX,
    size: 'max',
  });
  return fc.asyncProperty(fc.nat(), steps, async (seed, commands) => {
    const world = options.world(seed);
    await world.run(async () => {
      const model = new PossibleTables({
        defaultTtlSeconds: 0,
        keepsExpired: world.keepsExpired,
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
