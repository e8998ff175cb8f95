/**
 * `pegasus sim`: whole clusters on simulated machines, judged by independent checkers. See docs/testing.md.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { type FleetReport, runFleet, serveFleet } from '../../sim/fleet.ts';
import { simulate } from '../../sim/simulation.ts';
import { type Main, printJson, printLine, runProgram } from './program.ts';

interface Flags {
  readonly seeds: number;
  readonly seed?: number;
  readonly from: number;
  readonly seconds: number;
  readonly jobs: number;
  readonly checkDeterminism?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

const REPEAT_EVERY = 20;
const TRACE_LINE_COUNT = 2000;

const main: Main = async (args) => {
  if (args[0] === '--worker') {
    serveFleet();
    return 0;
  }
  const command = new Command('pegasus sim')
    .description(
      'Run whole clusters on simulated time, network and disks, with faults, from seeds.',
    )
    .option('--seeds <count>', 'how many seeds', toCount, 100)
    .option('--from <seed>', 'first seed', toSeed, 1)
    .option('--seed <seed>', 'just this one', toSeed)
    .option(
      '--seconds <seconds>',
      'length of the phase with faults, in simulated time',
      toCount,
      30,
    )
    .option('--jobs <count>', 'worker processes', toCount, Math.min(2, availableParallelism()))
    .option('--check-determinism', `run every seed twice (default: one in ${REPEAT_EVERY})`)
    .option('--verbose', `with --seed: the last ${TRACE_LINE_COUNT} lines of what happened`)
    .option('--json', 'print one JSON document')
    .exitOverride()
    .allowExcessArguments(false);
  command.parse([...args], { from: 'user' });
  const flags = command.opts<Flags>();
  if (flags.seed !== undefined && flags.verbose === true) return await tell(flags.seed, flags);
  return await runMany(flags);
};

async function runMany(flags: Flags): Promise<number> {
  const isQuiet = flags.json === true || flags.seed !== undefined;
  const seedCount = flags.seed === undefined ? flags.seeds : 1;
  const report = await runFleet({
    seedFirst: flags.seed ?? flags.from,
    seedCount,
    faultSeconds: flags.seconds,
    jobCount: flags.jobs,
    repeatEvery: flags.checkDeterminism === true ? 1 : REPEAT_EVERY,
    workerPath: fileURLToPath(import.meta.url),
    onSeedDone: (_, done) => {
      if (!isQuiet && process.stderr.isTTY) process.stderr.write(`\r${done}/${seedCount}`);
    },
  });
  if (!isQuiet && process.stderr.isTTY) process.stderr.write('\r');
  if (flags.json === true) printJson(report);
  else printReport(report);
  return report.violations.length + report.mismatches.length === 0 ? 0 : 1;
}

/** One seed, with what happened. */
async function tell(seed: number, flags: Flags): Promise<number> {
  const options = { seed, faultSeconds: flags.seconds, traceLineCount: TRACE_LINE_COUNT };
  const report = await simulate(options);
  for (const line of report.traceLines) printLine(line);
  const { traceLines: _, ...summary } = report;
  printJson(summary);
  return report.violations.length === 0 ? 0 : 1;
}

function printReport(report: FleetReport): void {
  const { operations, faults, violations, mismatches } = report;
  const faultCount = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const speed = report.simulatedSeconds / Math.max(report.realSeconds, 0.001);
  printLine(
    `${report.seeds} seeds from ${report.seedFirst}: ${report.simulatedSeconds.toFixed(0)} simulated seconds` +
      ` in ${report.realSeconds.toFixed(1)} s (${speed.toFixed(0)}x)`,
  );
  const { completed, inDoubt, failed, ledgered } = operations;
  printLine(
    `operations: ${completed} checked, ${inDoubt} in doubt, ${failed} failed, ${ledgered} rows in ledgers;` +
      ` ${report.committedMutations} mutations committed, ${report.contentComparisons} engines compared`,
  );
  const kinds = Object.entries(faults).map(([name, count]) => `${name} ${count}`);
  printLine(`faults: ${faultCount} (${kinds.join(', ')})`);
  const { marks } = report;
  printLine(
    `rare branches: ${marks.reached} of ${marks.total} reached; never: ${marks.neverReached.join(', ')}`,
  );
  for (const { seed, kind, timeUs, detail, reproduce } of violations) {
    printLine(`VIOLATION seed ${seed} at ${(timeUs / 1e6).toFixed(6)} s ${kind}: ${detail}`);
    printLine(`  ${reproduce}`);
  }
  for (const { seed, reproduce } of mismatches) {
    printLine(`MISMATCH seed ${seed}: two runs differ`);
    printLine(`  ${reproduce}`);
  }
  printLine(
    `${violations.length} violations, ${mismatches.length} mismatches on ${report.seedsRunTwice} seeds run twice`,
  );
}

function toCount(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('a whole number of at least 1 is needed.');
}

function toSeed(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError('a whole number of at least 0 is needed.');
}

await runProgram(main);
