/**
 * `pegasus chaos`: a cluster of real processes under real faults, judged by the checkers of the
 * simulator. See docs/testing.md.
 */
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { type ChaosReport, runChaos } from '../../chaos/chaos.ts';
import { connect } from './client.ts';
import { integer, minutes } from './flag-values.ts';
import { type Main, printJson, printLine, runProgram } from './program.ts';

interface Flags {
  readonly minutes: number;
  readonly seed: number;
  readonly replicas: number;
  readonly network: 'auto' | 'namespaces' | 'proxy';
  readonly json?: boolean;
}

const MINUTES = 3;
const REPLICAS = 4;
const REPLICAS_MIN = 3;
const REPLICAS_MAX = 8;

const main: Main = async (args) => {
  const command = new Command('pegasus chaos')
    .description('Run a cluster of real processes under faults, and judge what its clients saw.')
    .option('--minutes <minutes>', 'length of the phase with faults', minutes, MINUTES)
    .option('--seed <seed>', 'decides which faults happen, in which order', integer(0), 1)
    .option('--replicas <count>', 'replica servers', integer(REPLICAS_MIN, REPLICAS_MAX), REPLICAS)
    .addOption(
      new Option(
        '--network <kind>',
        'how servers are cut off from each other; auto: namespaces, if root',
      )
        .choices(['auto', 'namespaces', 'proxy'])
        .default('auto'),
    )
    .option('--json', 'print one JSON document')
    .exitOverride()
    .allowExcessArguments(false);
  command.parse([...args], { from: 'user' });
  const flags = command.opts<Flags>();
  const stop = new AbortController();
  // The first one asks for a verdict; the second one ends the program, and the servers with it.
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const report = await runChaos({
    minutes: flags.minutes,
    seed: flags.seed,
    replicas: flags.replicas,
    network: flags.network,
    programs: fileURLToPath(new URL('.', import.meta.url)),
    librarySource: fileURLToPath(new URL('../../../chaos/faultfs/faultfs.c', import.meta.url)),
    connect: (metas) => connect({ metas, lazy: true }),
    onEvent: (text) => process.stderr.write(`${text}\n`),
    signal: stop.signal,
  });
  if (flags.json === true) printJson(report);
  else printReport(report);
  return report.violations.length === 0 ? 0 : 1;
};

function printReport(report: ChaosReport): void {
  const { operations, faults, outages, violations } = report;
  printLine(
    `seed ${report.seed}: ${report.faultSeconds} s with faults; ${operations.completed} operations checked,` +
      ` ${operations.inDoubt} in doubt, ${operations.failed} failed; ${report.failovers} failovers`,
  );
  const kinds = Object.entries(faults).map(([name, count]) => `${name} ${count}`);
  printLine(`faults: ${kinds.join(', ')}`);
  for (const [kind, { count, p50Ms, p99Ms, maxMs }] of Object.entries(outages)) {
    printLine(
      `out of service after ${kind}: ${count} times, p50 ${p50Ms} ms, p99 ${p99Ms} ms, max ${maxMs} ms`,
    );
  }
  for (const missed of report.targetsMissed) printLine(`target missed: ${missed}`);
  for (const [kind, reason] of Object.entries(report.skipped)) {
    printLine(`skipped: ${kind} (${reason})`);
  }
  for (const { kind, atSeconds, detail } of violations) {
    printLine(`VIOLATION at ${atSeconds} s ${kind}: ${detail}`);
  }
  printLine(
    `${violations.length} violations${report.folder === null ? '' : `; see ${report.folder}`}`,
  );
}

await runProgram(main);
