/** `pegasus bench`: loads a cluster and measures it. Arguments and words; the work is in `bench/load/`. */
import { Command, Option } from 'commander';
import type { LatencySummary } from '../../bench/load/recorder.ts';
import { type Progress, type RunOptions, type RunResult, runLoad } from '../../bench/load/run.ts';
import { integer } from './flag-values.ts';
import { type Main, printJson, printLine, runProgram } from './program.ts';

interface Flags extends Omit<RunOptions, 'metas' | 'ratePerSecond'> {
  readonly meta: string;
  readonly rate: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  ./pegasus bench --workload fill --keys 1000000 --seconds 0     write every row once
  ./pegasus bench --workload read --clients 4 --inflight 16
  ./pegasus bench --workload mixed --rate 10000                  latency at a fixed rate

With --rate, operations begin on schedule whether or not earlier ones have ended, and their latency counts from when they
were due; --clients times --inflight only bounds how many are under way. Latencies are in microseconds.`;

const main: Main = async (args) => {
  const program = new Command('pegasus bench')
    .description('Load a table and measure throughput and latency.')
    .exitOverride()
    .showSuggestionAfterError()
    .allowExcessArguments(false)
    .option('--meta <addresses>', 'meta servers, host:port separated by commas', '127.0.0.1:34601')
    .option('--table <name>', 'table to load', 'temp')
    .addOption(
      new Option('--workload <kind>', 'what to do')
        .choices(['fill', 'read', 'mixed'])
        .default('mixed'),
    )
    .option('--clients <n>', 'clients, each with connections of its own', integer(1, 1_000), 1)
    .option('--inflight <k>', 'operations under way per client', integer(1, 4_096), 64)
    .option('--keys <n>', 'rows that the load works on', integer(1, 1_000_000_000), 100_000)
    .option('--value-bytes <n>', 'size of the values written', integer(0, 1_000_000), 100)
    .option('--read-percent <p>', 'share of reads of the mixed workload', integer(0, 100), 50)
    .option('--seconds <s>', 'length of the measurement', integer(0, 86_400), 10)
    .option('--warmup-seconds <s>', 'load before it that is not measured', integer(0, 3_600), 1)
    .option(
      '--rate <r>',
      'operations per second on schedule; 0 = as fast as they end',
      integer(0, 10_000_000),
      0,
    )
    .option('--timeout-ms <ms>', 'deadline of an operation', integer(1, 600_000), 5_000)
    .option('--seed <n>', 'seed of keys and values', integer(0, 2 ** 32), 1)
    .option('--json', 'print one JSON document')
    .addHelpText('after', EXAMPLES);
  program.parse([...args], { from: 'user' });
  const flags = program.opts<Flags>();
  const untilFilled = flags.workload === 'fill' && flags.seconds === 0;
  if (flags.seconds === 0 && !untilFilled) {
    program.error('--seconds 0 is for --workload fill: the others have no end of their own');
  }
  const { meta, rate, json, ...rest } = flags;
  const options: RunOptions = {
    ...rest,
    metas: meta,
    ratePerSecond: rate,
    warmupSeconds: untilFilled ? 0 : flags.warmupSeconds,
  };
  const result = await runLoad(options, progressOf(json !== true && process.stderr.isTTY));
  if (json === true) printJson(result);
  else printReport(result);
  return result.operations > 0 ? 0 : 1;
};

function progressOf(isShown: boolean): Progress {
  return {
    onSecond: (elapsed, operations, errors) => {
      if (!isShown) return;
      const trouble = errors === 0 ? '' : `, ${errors} errors so far`;
      process.stderr.write(`${elapsed} s: ${grouped(operations)} operations${trouble}\n`);
    },
  };
}

function printReport(result: RunResult): void {
  const pace =
    result.ratePerSecond > 0 ? `${grouped(result.ratePerSecond)}/s on schedule` : 'closed loop';
  printLine(
    `${result.workload} on ${result.table} (${result.partitionCount} partitions): ${result.clients} clients × ${result.inflight} in flight, ` +
      `${grouped(result.keys)} rows, values of ${result.valueBytes} bytes, ${pace}`,
  );
  printLine(
    `${grouped(result.operations)} operations in ${result.seconds} s = ${grouped(result.operationsPerSecond)}/s; ` +
      `${result.clientCpuUsPerOperation} µs CPU each in this process`,
  );
  printLine('');
  printLine(row(['µs', 'count', 'mean', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max']));
  if (result.reads.count > 0) printLine(row(['reads', ...figures(result.reads)]));
  if (result.writes.count > 0) printLine(row(['writes', ...figures(result.writes)]));
  for (const [code, count] of Object.entries(result.errors)) {
    printLine(`errors: ${grouped(count)} × ${code}`);
  }
}

function figures(latency: LatencySummary): string[] {
  const { count, meanUs, p50Us, p90Us, p95Us, p99Us, p999Us, maxUs } = latency;
  return [count, meanUs, p50Us, p90Us, p95Us, p99Us, p999Us, maxUs].map(grouped);
}

function row(cells: readonly string[]): string {
  return cells.map((cell, index) => (index === 0 ? cell.padEnd(7) : cell.padStart(11))).join('');
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

await runProgram(main);
