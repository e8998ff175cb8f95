/**
 * `npm run test:differential -- --operations 1000000 --seed 1`: random operations through client and cluster, every
 * answer compared with the rules of the protocol. See docs/testing.md.
 */
import { Command } from 'commander';
import { integer } from '../../src/bin/flag-values.ts';
import { type ExploreReport, explore } from './explore.ts';
import { RealCluster } from './real-world.ts';
import { SimulatedWorld } from './simulated-world.ts';

interface Flags {
  readonly operations: number;
  readonly seed: number;
  readonly faults: boolean;
  readonly metas?: string;
}

const command = new Command('test:differential')
  .description('Compare random operations on a cluster with the rules of the protocol.')
  .option('--operations <count>', 'at least so many', integer(1), 20_000)
  .option('--seed <seed>', 'of the first sequences', integer(0), 1)
  .option('--faults', 'servers of the simulated cluster fail', false)
  .option('--metas <addresses>', 'a real cluster instead of a simulated one')
  .allowExcessArguments(false);
const { operations, seed, faults, metas } = command.parse().opts<Flags>();
const onProgress = (done: number): void => {
  process.stderr.write(`${done} operations\n`);
};
const beganMs = performance.now();
const report = metas === undefined ? await exploreSimulated() : await exploreReal(metas);
const seconds = Math.round((performance.now() - beganMs) / 100) / 10;
process.stdout.write(`${JSON.stringify({ ...report, seconds }, null, 2)}\n`);
process.exitCode = report.differences.length === 0 ? 0 : 1;

async function exploreSimulated(): Promise<ExploreReport> {
  return await explore({
    seed,
    operations,
    onProgress,
    world: (worldSeed) => new SimulatedWorld({ seed: worldSeed, hasFaults: faults }),
    pauses: faults ? 100 : 20,
    hasFills: !faults,
  });
}

async function exploreReal(addresses: string): Promise<ExploreReport> {
  await using cluster = new RealCluster(addresses);
  const world = () => cluster.world();
  return await explore({ seed, operations, onProgress, world, pauses: 1, hasFills: true });
}
