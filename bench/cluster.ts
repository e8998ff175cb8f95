/**
 * Throughput, latency and CPU time of a whole cluster: one meta server and three replica servers as processes of
 * their own, the load in this process, all on this machine.
 *
 *   npm run bench:cluster -- [--json] [--rounds N] [--seconds S] [--durability os,fsync] [--inflight 64,1]
 *
 * A round runs each workload once, so that what else happens on the machine hits all of them alike; a figure is the
 * median of its rounds. CPU time counts what the servers did from the first to the last operation, work in the
 * background (flushes, compactions) included. It is the figure to compare on a machine that is not idle.
 */
import { parseArgs } from 'node:util';
import { printJson, printLine, runProgram } from '../src/bin/program.ts';
import type { Workload } from './load/load.ts';
import type { LatencySummary } from './load/recorder.ts';
import { type RunOptions, type RunResult, runLoad } from './load/run.ts';
import { BenchOnebox, cpuUs, type Durability, residentBytes } from './onebox.ts';
import { machine, mebibytes, median, rounded, say } from './report.ts';

const WORKLOADS: readonly Workload[] = ['fill', 'read', 'mixed'];
const ROWS = 100_000;
const VALUE_BYTES = 100;
const WARM_UP_SECONDS = 1;

interface Settings {
  readonly rounds: number;
  readonly seconds: number;
  readonly durabilities: readonly Durability[];
  readonly inflights: readonly number[];
}

/** One run of one workload. */
interface Sample {
  readonly result: RunResult;
  /** By server. */
  readonly cpuUsPerOperation: Readonly<Record<string, number>>;
}

interface Figure {
  readonly durability: Durability;
  readonly workload: Workload;
  readonly inflight: number;
  readonly operationsPerSecond: number;
  /** Each round's, in order: their spread is the noise. */
  readonly operationsPerSecondOfRounds: readonly number[];
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  /** CPU time of all servers together. */
  readonly serverCpuUsPerOperation: number;
  readonly cpuUsPerOperation: Readonly<Record<string, number>>;
  readonly errors: number;
}

interface Memory {
  readonly durability: Durability;
  readonly residentMiB: Readonly<Record<string, number>>;
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      durability: { type: 'string', default: 'os,fsync' },
      inflight: { type: 'string', default: '64,1' },
    },
  });
  const settings: Settings = {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    durabilities: values.durability.split(',') as Durability[],
    inflights: values.inflight.split(',').map(Number),
  };
  const onMachine = machine();
  const figures: Figure[] = [];
  const memory: Memory[] = [];
  for (const durability of settings.durabilities) {
    const measured = await measureCluster(durability, settings);
    figures.push(...measured.figures);
    memory.push(measured.memory);
  }
  const { rounds, seconds } = settings;
  const setup = { rows: ROWS, valueBytes: VALUE_BYTES, rounds, seconds };
  if (values.json) printJson({ machine: onMachine, ...setup, figures, memory });
  else printTable(figures, memory);
  return figures.every((figure) => figure.errors === 0) ? 0 : 1;
}

async function measureCluster(
  durability: Durability,
  settings: Settings,
): Promise<{ figures: Figure[]; memory: Memory }> {
  await using onebox = await BenchOnebox.prepare();
  await onebox.start(durability);
  const samples = new Map<string, Sample[]>();
  await load(onebox, 'fill', 64, 0);
  for (const workload of WORKLOADS) await load(onebox, workload, 64, WARM_UP_SECONDS);
  for (let round = 1; round <= settings.rounds; round++) {
    for (const inflight of settings.inflights) {
      for (const workload of WORKLOADS) {
        const sample = await measure(onebox, workload, inflight, settings.seconds);
        const name = `${workload}/${inflight}`;
        samples.set(name, [...(samples.get(name) ?? []), sample]);
        const rate = `${sample.result.operationsPerSecond}/s`;
        say(`${durability}, round ${round}: ${workload}, ${inflight} in flight: ${rate}`);
      }
    }
  }
  const figures = [...samples.values()].map((rounds) => figureOf(durability, rounds));
  const resident = onebox.servers.map(({ name, pid }) => [name, mebibytes(residentBytes(pid))]);
  return { figures, memory: { durability, residentMiB: Object.fromEntries(resident) } };
}

async function measure(
  onebox: BenchOnebox,
  workload: Workload,
  inflight: number,
  seconds: number,
): Promise<Sample> {
  const before = onebox.servers.map(({ pid }) => cpuUs(pid));
  const result = await load(onebox, workload, inflight, seconds);
  const cpu = onebox.servers.map(({ name, pid }, at) => {
    const spent = (cpuUs(pid) - before[at]!) / Math.max(result.operations, 1);
    return [name, rounded(spent, 2)];
  });
  return { result, cpuUsPerOperation: Object.fromEntries(cpu) };
}

/** `seconds` 0: until every row is written. */
function load(
  onebox: BenchOnebox,
  workload: Workload,
  inflight: number,
  seconds: number,
): Promise<RunResult> {
  const options: RunOptions = {
    metas: onebox.meta,
    table: 'temp',
    workload,
    clients: 1,
    inflight,
    keys: ROWS,
    valueBytes: VALUE_BYTES,
    readPercent: 50,
    ratePerSecond: 0,
    timeoutMs: 10_000,
    seed: 1,
    seconds,
    warmupSeconds: 0,
  };
  return runLoad(options, { onSecond: () => {} });
}

function figureOf(durability: Durability, rounds: readonly Sample[]): Figure {
  const of = (pick: (sample: Sample) => number): number => rounded(median(rounds.map(pick)), 2);
  const { workload, inflight } = rounds[0]!.result;
  const names = Object.keys(rounds[0]!.cpuUsPerOperation);
  const cpu = names.map((name) => [name, of((sample) => sample.cpuUsPerOperation[name]!)] as const);
  return {
    durability,
    workload: workload as Workload,
    inflight,
    operationsPerSecond: of((sample) => sample.result.operationsPerSecond),
    operationsPerSecondOfRounds: rounds.map(({ result }) => result.operationsPerSecond),
    p50Us: of((sample) => slower(sample.result).p50Us),
    p99Us: of((sample) => slower(sample.result).p99Us),
    p999Us: of((sample) => slower(sample.result).p999Us),
    serverCpuUsPerOperation: of(({ cpuUsPerOperation }) =>
      Object.values(cpuUsPerOperation).reduce((sum, one) => sum + one, 0),
    ),
    cpuUsPerOperation: {
      ...Object.fromEntries(cpu),
      load: of((sample) => sample.result.clientCpuUsPerOperation),
    },
    errors: rounds.reduce((sum, { result }) => sum + result.errorCount, 0),
  };
}

/** Of a mixed load, the writes. */
function slower(result: RunResult): LatencySummary {
  return result.writes.count > 0 ? result.writes : result.reads;
}

function printTable(figures: readonly Figure[], memory: readonly Memory[]): void {
  const head = [
    'mode',
    'load',
    'in flight',
    'ops/s',
    'p50 µs',
    'p99 µs',
    'CPU µs/op',
    'of it load',
  ];
  const rows = figures.map((figure) => [
    figure.durability,
    figure.workload,
    figure.inflight,
    Math.round(figure.operationsPerSecond),
    figure.p50Us,
    figure.p99Us,
    rounded(figure.serverCpuUsPerOperation + figure.cpuUsPerOperation['load']!, 1),
    figure.cpuUsPerOperation['load']!,
  ]);
  for (const row of [head, ...rows]) {
    printLine(row.map((cell) => String(cell).padStart(11)).join(''));
  }
  for (const { durability, residentMiB } of memory) {
    const each = Object.entries(residentMiB).map(([name, mib]) => `${name} ${mib} MiB`);
    printLine(`resident after it, ${durability}: ${each.join(', ')}`);
  }
}

await runProgram(main);
