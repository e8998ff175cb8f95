/**
 * What a full scan does to point reads beside it: their p99 while the table is scanned from end to end, again and
 * again, against their p99 without, at the same offered load.
 *
 *   npm run bench:scan -- [--json] [--rows N] [--rounds N] [--seconds S] [--rate N] [--scans 1,4]
 *
 * Reads come at a fixed rate far below what the cluster can do (open loop: each counts from when it was due). A round
 * measures first alone, then beside each number of scans; the ratio is taken within a round, so that what else the
 * machine does hits both sides, and the result is the median of the rounds. The scans run in another process at the
 * lowest priority and take what they can get. The exit code is 1 when one scan raises the p99 more than twofold.
 */
import { parseArgs } from 'node:util';
import { printJson, printLine, runProgram } from '../src/bin/program.ts';
import type { LatencySummary } from './load/recorder.ts';
import { type RunOptions, runLoad } from './load/run.ts';
import { Scanner } from './load/scanner.ts';
import { BenchOnebox } from './onebox.ts';
import { machine, median, rounded, say } from './report.ts';

const TABLE = 'temp';
const VALUE_BYTES = 100;
const FILL_INFLIGHT = 256;
const READ_INFLIGHT = 128;
const RATIO_MAX = 2;

interface Settings {
  readonly rows: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly rate: number;
  readonly scans: readonly number[];
}

/** One measurement; `scans` 0 = alone. */
interface Sample {
  readonly scans: number;
  readonly reads: LatencySummary;
  readonly errors: number;
  readonly scannedRowsPerSecond: number;
}

interface Figure {
  readonly scans: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly scannedRowsPerSecond: number;
  /** Medians of the ratios of the rounds; 1 for the reads alone. */
  readonly p50Ratio: number;
  readonly p99Ratio: number;
  readonly p99RatioOfRounds: readonly number[];
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      rows: { type: 'string', default: '1000000' },
      rounds: { type: 'string', default: '9' },
      seconds: { type: 'string', default: '5' },
      rate: { type: 'string', default: '2000' },
      scans: { type: 'string', default: '1,4' },
    },
  });
  const settings: Settings = {
    rows: Number(values.rows),
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    rate: Number(values.rate),
    scans: values.scans.split(',').map(Number),
  };
  const onMachine = machine();
  await using onebox = await BenchOnebox.prepare();
  await onebox.start('os');
  await load(onebox, settings, { workload: 'fill', inflight: FILL_INFLIGHT, seconds: 0 });
  say(`${settings.rows} rows are written`);
  // The rows come into the cache.
  await measure(onebox, settings, 1);
  const rounds: Sample[][] = [];
  for (let round = 0; round < settings.rounds; round++) {
    const samples: Sample[] = [];
    for (const scans of [0, ...settings.scans]) {
      samples.push(await measure(onebox, settings, scans));
    }
    rounds.push(samples);
    const p99s = samples.map(({ scans, reads }) => `${scans} scans ${reads.p99Us} µs`);
    say(`round ${round + 1}, p99: ${p99s.join(', ')}`);
  }
  const figures = [0, ...settings.scans].map((_scans, index) => figureOf(rounds, index));
  const ofOne = figures.find(({ scans }) => scans === 1);
  const isFair = ofOne === undefined || ofOne.p99Ratio <= RATIO_MAX;
  const report = { machine: onMachine, ...settings, ratioMax: RATIO_MAX, isFair, figures };
  if (values.json) printJson(report);
  else for (const figure of figures) printLine(lineOf(figure));
  return isFair ? 0 : 1;
}

async function measure(onebox: BenchOnebox, settings: Settings, scans: number): Promise<Sample> {
  await using scanner = scans === 0 ? null : await Scanner.start(onebox.meta, TABLE, scans);
  const { seconds, rate } = settings;
  const began = performance.now();
  const result = await load(onebox, settings, {
    workload: 'read',
    inflight: READ_INFLIGHT,
    ratePerSecond: rate,
    seconds,
    warmupSeconds: 1,
  });
  const rows = (await scanner?.stop())?.rows ?? 0;
  const scannedSeconds = (performance.now() - began) / 1000;
  return {
    scans,
    reads: result.reads,
    errors: result.errorCount,
    scannedRowsPerSecond: Math.round(rows / scannedSeconds),
  };
}

function load(
  onebox: BenchOnebox,
  settings: Settings,
  options: Pick<RunOptions, 'workload' | 'inflight' | 'seconds'> & Partial<RunOptions>,
): ReturnType<typeof runLoad> {
  const all: RunOptions = {
    metas: onebox.meta,
    table: TABLE,
    clients: 1,
    keys: settings.rows,
    valueBytes: VALUE_BYTES,
    readPercent: 100,
    ratePerSecond: 0,
    timeoutMs: 10_000,
    seed: 1,
    warmupSeconds: 0,
    ...options,
  };
  return runLoad(all, { onSecond: () => {} });
}

function figureOf(rounds: readonly (readonly Sample[])[], index: number): Figure {
  const of = (pick: (sample: Sample) => number): number =>
    rounded(median(rounds.map((samples) => pick(samples[index]!))), 1);
  const ratios = (pick: (reads: LatencySummary) => number): number[] =>
    rounds.map((samples) => rounded(pick(samples[index]!.reads) / pick(samples[0]!.reads), 2));
  const p99Ratios = ratios((reads) => reads.p99Us);
  return {
    scans: rounds[0]![index]!.scans,
    p50Us: of(({ reads }) => reads.p50Us),
    p99Us: of(({ reads }) => reads.p99Us),
    p999Us: of(({ reads }) => reads.p999Us),
    scannedRowsPerSecond: of((sample) => sample.scannedRowsPerSecond),
    p50Ratio: median(ratios((reads) => reads.p50Us)),
    p99Ratio: median(p99Ratios),
    p99RatioOfRounds: p99Ratios,
  };
}

function lineOf(figure: Figure): string {
  const { scans, p50Us, p99Us, p999Us, p99Ratio, scannedRowsPerSecond } = figure;
  return (
    `beside ${scans} scans: p50 ${p50Us} µs, p99 ${p99Us} µs, p99.9 ${p999Us} µs, ` +
    `p99 × ${p99Ratio}, ${scannedRowsPerSecond} rows/s scanned`
  );
}

await runProgram(main);
