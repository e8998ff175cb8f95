/**
 * Mixed load for long, and whether memory, descriptors, threads and disk of each process stay flat.
 *
 *   npm run bench:soak -- [--minutes 30] [--rate 2000] [--warm-up-minutes 5] [--json FILE]
 *
 * The cluster is a onebox of its own. The report goes to standard output; with `--json FILE` also there, with every
 * sample. The exit code is 1 when something grows.
 *
 * Caches are small, so that they are full when the warm-up ends: with their usual sizes they would fill for an hour,
 * which looks like a leak. Flat: over the time after the warm-up the median slope makes no more than the tolerance of
 * the quantity. Memory is given 15 % or 24 MiB (a heap is a saw), descriptors the files of an engine that compacts.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { printJson, runProgram } from '../src/bin/program.ts';
import { BenchOnebox, isRunning, pause } from './onebox.ts';
import { machine, say } from './report.ts';
import { SoakLoad } from './soak/load.ts';
import {
  QUANTITIES,
  type Quantity,
  type Sample,
  sampleSelf,
  sampleServer,
} from './soak/samples.ts';
import { type Tolerance, type Trend, trendOf } from './soak/trend.ts';

const SAMPLE_MS = 5_000;
const MINUTE_SECONDS = 60;
const CLIENT = 'client';
/** As the environment of the servers. */
const SMALL_CACHES = {
  PEGASUS_ROCKSDB_CACHE_BYTES: `${16 * 2 ** 20}`,
  PEGASUS_ROCKSDB_WRITE_BUFFER_MANAGER_BYTES: `${32 * 2 ** 20}`,
  PEGASUS_REPLICA_LOG_BYTES_MAX: `${32 * 2 ** 20}`,
} as const;

const TOLERANCES: Readonly<Record<Quantity, Tolerance>> = {
  residentMiB: { fraction: 0.15, absolute: 24 },
  heapMiB: { fraction: 0.15, absolute: 12 },
  externalMiB: { fraction: 0.15, absolute: 12 },
  arrayBuffersMiB: { fraction: 0.15, absolute: 12 },
  descriptors: { fraction: 0.1, absolute: 20 },
  sockets: { fraction: 0, absolute: 4 },
  threads: { fraction: 0, absolute: 2 },
  diskMiB: { fraction: 0.25, absolute: 64 },
  trashMiB: { fraction: 0.25, absolute: 16 },
};

interface Taken {
  readonly atSeconds: number;
  readonly processes: Readonly<Record<string, Sample>>;
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '30' },
      rate: { type: 'string', default: '2000' },
      'warm-up-minutes': { type: 'string', default: '5' },
      json: { type: 'string', default: '' },
    },
  });
  const onMachine = machine();
  const ratePerSecond = Number(values.rate);
  const minutes = Number(values.minutes);
  Object.assign(process.env, SMALL_CACHES);
  await using onebox = await BenchOnebox.prepare();
  await onebox.start('os');
  const load = new SoakLoad(onebox.meta, 1);
  const running = load.run(ratePerSecond);
  const samples = await sampleFor(minutes * MINUTE_SECONDS, onebox);
  load.stop();
  await running;
  const warmUpSeconds = Number(values['warm-up-minutes']) * MINUTE_SECONDS;
  const after = samples.filter(({ atSeconds }) => atSeconds >= warmUpSeconds);
  const trends = trendsOf(after);
  const growing = Object.entries(trends).flatMap(([name, rows]) =>
    Object.entries(rows)
      .filter(([, trend]) => !trend.isFlat)
      .map(([quantity]) => `${name}: ${quantity}`),
  );
  const report = {
    machine: onMachine,
    minutes,
    ratePerSecond,
    environment: SMALL_CACHES,
    warmUpSeconds,
    samples: after.length,
    load: load.counts(),
    trends,
    growing,
    isFlat: growing.length === 0,
  };
  printJson(report);
  if (values.json !== '') writeFileSync(values.json, JSON.stringify({ ...report, taken: samples }));
  return growing.length === 0 ? 0 : 1;
}

async function sampleFor(seconds: number, onebox: BenchOnebox): Promise<Taken[]> {
  const beganMs = performance.now();
  const taken: Taken[] = [];
  for (;;) {
    const atSeconds = (performance.now() - beganMs) / 1000;
    if (atSeconds > seconds) return taken;
    const processes: Record<string, Sample> = { [CLIENT]: sampleSelf() };
    try {
      for (const server of onebox.servers) {
        processes[server.name] = await sampleServer(server, onebox.dir);
      }
      taken.push({ atSeconds, processes });
    } catch (error) {
      // The machine is busy: there are enough other samples. A server that is gone is not.
      if (onebox.servers.some(({ pid }) => !isRunning(pid))) throw error;
      say(`no sample after ${Math.round(atSeconds)} s: ${String(error)}`);
    }
    if (taken.length % 12 === 1) say(`${Math.round(atSeconds)} s: ${residents(processes)}`);
    await pause(SAMPLE_MS);
  }
}

function residents(processes: Readonly<Record<string, Sample>>): string {
  return Object.entries(processes)
    .map(
      ([name, { residentMiB, heapMiB }]) =>
        `${name} ${residentMiB.toFixed(0)} (${heapMiB.toFixed(0)})`,
    )
    .join(', ');
}

function trendsOf(samples: readonly Taken[]): Record<string, Record<string, Trend>> {
  const names = Object.keys(samples[0]?.processes ?? {});
  return Object.fromEntries(
    names.map((name) => [
      name,
      Object.fromEntries(
        QUANTITIES.map((quantity) => {
          const points = samples.map(({ atSeconds, processes }) => ({
            atSeconds,
            value: processes[name]![quantity],
          }));
          return [quantity, trendOf(points, TOLERANCES[quantity])];
        }),
      ),
    ]),
  );
}

await runProgram(main);
