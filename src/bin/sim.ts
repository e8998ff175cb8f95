/**
 * `pegasus sim`: whole clusters on simulated machines, judged by independent checkers. See docs/testing.md.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { bugsNamed, PLANTED_BUGS } from '../../sim/bugs/catalog.ts';
import { huntBugs, tableRow } from '../../sim/bugs/hunt.ts';
import { explore } from '../../sim/explore.ts';
import { type FleetReport, runFleet, serveFleet } from '../../sim/fleet.ts';
import { shrinkSeed } from '../../sim/shrink.ts';
import { type SimulationOptions, simulate } from '../../sim/simulation.ts';
import { integer, minutes } from './flag-values.ts';
import { type Main, printJson, printLine, runProgram } from './program.ts';

interface Flags {
  readonly seeds?: number;
  readonly seed?: number;
  readonly from: number;
  readonly seconds: number;
  readonly jobs: number;
  readonly faults?: readonly number[];
  readonly shrink?: boolean;
  readonly bug?: string;
  readonly fleet?: boolean;
  readonly minutes: number;
  readonly ledger: string;
  readonly checkDeterminism?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

const SEEDS_DEFAULT = 100;
/** A planted bug that so many do not show counts as not found. */
const HUNT_SEEDS_MAX = 2000;
const REPEAT_EVERY = 20;
const TRACE_LINE_COUNT = 2000;
/** Of a fleet, so that it can run beside other work. */
const FLEET_NICENESS = 10;

const main: Main = async (args) => {
  if (args[0] === '--worker') {
    serveFleet();
    return 0;
  }
  const command = new Command('pegasus sim')
    .description(
      'Run whole clusters on simulated time, network and disks, with faults, from seeds.',
    )
    .option(
      '--seeds <count>',
      `how many seeds (default: ${SEEDS_DEFAULT}; with --bug up to ${HUNT_SEEDS_MAX} for each)`,
      integer(1),
    )
    .option('--from <seed>', 'first seed', integer(0), 1)
    .option('--seed <seed>', 'just this one', integer(0))
    .option(
      '--seconds <seconds>',
      'length of the phase with faults, in simulated time',
      integer(1),
      30,
    )
    .option('--jobs <count>', 'worker processes', integer(1), Math.min(2, availableParallelism()))
    .option('--faults <numbers>', 'with --seed: start only these faults, or none', toNumbers)
    .option('--shrink', 'with --seed: cut its faults down to those that make it fail')
    .option('--bug <names>', "plant a bug and look for it: a name, several, 'all', or 'list'")
    .option('--fleet', 'explore fresh seeds until stopped, and keep a ledger')
    .option('--minutes <minutes>', 'with --fleet: how long', minutes, Number.POSITIVE_INFINITY)
    .option('--ledger <file>', 'with --fleet: where', '.cache/sim-ledger.json')
    .option('--check-determinism', `run every seed twice (default: one in ${REPEAT_EVERY})`)
    .option('--verbose', `with --seed: the last ${TRACE_LINE_COUNT} lines of what happened`)
    .option('--json', 'print one JSON document')
    .exitOverride()
    .allowExcessArguments(false);
  command.parse([...args], { from: 'user' });
  const flags = command.opts<Flags>();
  if (flags.bug !== undefined) return await hunt(flags.bug, flags);
  if (flags.fleet === true) return await exploreSeeds(flags);
  if (flags.seed !== undefined && flags.shrink === true) return await shrink(flags.seed, flags);
  const isTold = flags.verbose === true || flags.faults !== undefined;
  if (flags.seed !== undefined && isTold) return await tell(flags.seed, flags);
  return await runMany(flags);
};

async function runMany(flags: Flags): Promise<number> {
  const isQuiet = flags.json === true || flags.seed !== undefined;
  const seedCount = flags.seed === undefined ? (flags.seeds ?? SEEDS_DEFAULT) : 1;
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
  const report = await simulate(optionsOf(seed, flags));
  for (const line of report.traceLines) printLine(line);
  const { traceLines: _, marks: __, ...summary } = report;
  printJson(summary);
  return report.violations.length === 0 ? 0 : 1;
}

function optionsOf(seed: number, flags: Flags): SimulationOptions {
  const traceLineCount = flags.verbose === true ? TRACE_LINE_COUNT : 0;
  return { seed, faultSeconds: flags.seconds, traceLineCount, faults: flags.faults };
}

async function shrink(seed: number, flags: Flags): Promise<number> {
  const result = await shrinkSeed(optionsOf(seed, flags), simulate, (left, runs) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${left} faults after ${runs} runs `);
  });
  if (process.stderr.isTTY) process.stderr.write('\r');
  if (flags.json === true) {
    printJson(result);
    return result.kind === null ? 0 : 1;
  }
  if (result.kind === null) {
    printLine(`seed ${seed} does not fail`);
    return 0;
  }
  printLine(`${result.kind} after ${result.runs} runs with ${result.faults.length} faults:`);
  for (const { number, name, timeUs, durationMs } of result.faults) {
    printLine(`  ${number} ${name} at ${(timeUs / 1e6).toFixed(6)} s for ${durationMs} ms`);
  }
  printLine(`  ${result.reproduce}`);
  return 1;
}

/** The exit code says whether all were found. */
async function hunt(names: string, flags: Flags): Promise<number> {
  if (names === 'list') {
    if (flags.json === true) printJson(PLANTED_BUGS);
    else for (const { name, what } of PLANTED_BUGS) printLine(`${name}: ${what}`);
    return 0;
  }
  const report = await huntBugs(bugsNamed(names), {
    seedFirst: flags.seed ?? flags.from,
    seedsMax: flags.seed === undefined ? (flags.seeds ?? HUNT_SEEDS_MAX) : 1,
    faultSeconds: flags.seconds,
    onDone: (bug, result) => {
      if (flags.json !== true) printLine(tableRow(bug, result));
    },
  });
  if (flags.json === true) printJson(report);
  else printLine(`${report.found} of ${report.results.length} found, median ${report.medianSeeds}`);
  return report.found === report.results.length ? 0 : 1;
}

async function exploreSeeds(flags: Flags): Promise<number> {
  setPriority(FLEET_NICENESS);
  let isStopped = false;
  process.once('SIGINT', () => {
    isStopped = true;
  });
  const failures = await explore({
    ledgerPath: flags.ledger,
    minutes: flags.minutes,
    jobCount: flags.jobs,
    faultSeconds: flags.seconds,
    revision: revision(),
    workerPath: fileURLToPath(import.meta.url),
    isStopped: () => isStopped,
    onRound: (ledger) => {
      if (flags.json === true) return;
      const { seeds, simulatedHours, marks } = ledger;
      printLine(
        `${seeds} seeds, ${simulatedHours.toFixed(1)} simulated hours, ${ledger.failures.length} failures,` +
          ` ${marks.reached} of ${marks.total} rare branches`,
      );
    },
  });
  if (flags.json === true) printJson({ ledger: flags.ledger, failures });
  for (const { seed, kind, detail, reproduce } of flags.json === true ? [] : failures) {
    printLine(`VIOLATION seed ${seed} ${kind}: ${detail}`);
    printLine(`  ${reproduce}`);
  }
  return failures.length === 0 ? 0 : 1;
}

/** Of the sources, where they are a checkout. */
function revision(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
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

function toNumbers(text: string): number[] {
  return text === 'none' ? [] : text.split(',').map(integer(1));
}

await runProgram(main);
