/** One measured run: connect, warm up, measure, sum up. */
import { nodeEnvironment, silent } from '../../src/bin/client.ts';
import { ClusterClient } from '../../src/client/client.ts';
import { Load, type LoadOptions } from './load.ts';
import type { LatencySummary } from './recorder.ts';

export interface RunOptions extends LoadOptions {
  readonly metas: string;
  readonly clients: number;
  /** 0 with `fill`: until every row is written. */
  readonly seconds: number;
  readonly warmupSeconds: number;
}

export interface RunResult {
  readonly workload: string;
  readonly table: string;
  readonly clients: number;
  readonly inflight: number;
  readonly keys: number;
  readonly valueBytes: number;
  readonly ratePerSecond: number;
  readonly partitionCount: number;
  readonly seconds: number;
  readonly operations: number;
  readonly operationsPerSecond: number;
  readonly errorCount: number;
  readonly errors: Readonly<Record<string, number>>;
  /** CPU time of this process, the load generator, per operation. */
  readonly clientCpuUsPerOperation: number;
  readonly reads: LatencySummary;
  readonly writes: LatencySummary;
}

export interface Progress {
  /** Once a second: operations of that second. */
  onSecond(elapsedSeconds: number, operations: number, errors: number): void;
}

/** Rejects with a `PegasusError` when the cluster or the table is not there. */
export async function runLoad(options: RunOptions, progress: Progress): Promise<RunResult> {
  const clients: ClusterClient[] = [];
  try {
    const environment = nodeEnvironment(silent);
    for (let index = 0; index < options.clients; index++) {
      const { metas, timeoutMs } = options;
      clients.push(new ClusterClient(environment, { metas, timeoutMs }));
    }
    const config = await clients[0]!.admin.tableConfig(options.table, { timeoutMs: 5_000 });
    const load = new Load(clients, options);
    load.start();
    if (options.warmupSeconds > 0)
      await sleepUntil(performance.now() + options.warmupSeconds * 1000);
    load.recorder.reset();
    return await measure(load, options, config.partitionCount, progress);
  } finally {
    for (const client of clients) await client.close();
  }
}

async function measure(
  load: Load,
  options: RunOptions,
  partitionCount: number,
  progress: Progress,
): Promise<RunResult> {
  const beganMs = performance.now();
  const cpuBefore = process.cpuUsage();
  const untilFilled = options.workload === 'fill' && options.seconds === 0;
  let reported = 0;
  for (let second = 1; untilFilled ? !load.isFilled : second <= options.seconds; second++) {
    await sleepUntil(beganMs + second * 1000, untilFilled ? load : undefined);
    const { completed, errors } = load.recorder;
    progress.onSecond(second, completed - reported, sum(errors));
    reported = completed;
  }
  const seconds = (performance.now() - beganMs) / 1000;
  const cpu = process.cpuUsage(cpuBefore);
  const { recorder } = load;
  const operations = recorder.completed;
  await load.stop();
  return {
    workload: options.workload,
    table: options.table,
    clients: options.clients,
    inflight: options.inflight,
    keys: options.keys,
    valueBytes: options.valueBytes,
    ratePerSecond: options.ratePerSecond,
    partitionCount,
    seconds: Math.round(seconds * 1000) / 1000,
    operations,
    operationsPerSecond: Math.round(operations / seconds),
    errorCount: sum(recorder.errors),
    errors: Object.fromEntries(recorder.errors),
    clientCpuUsPerOperation:
      operations === 0 ? 0 : Math.round(((cpu.user + cpu.system) / operations) * 100) / 100,
    reads: recorder.reads(),
    writes: recorder.writes(),
  };
}

const POLL_MS = 20;

/** With `load`, at the latest shortly after it is filled. */
async function sleepUntil(untilMs: number, load?: Load): Promise<void> {
  for (;;) {
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0 || load?.isFilled === true) return;
    const stepMs = load === undefined ? leftMs : Math.min(leftMs, POLL_MS);
    await new Promise((resolve) => setTimeout(resolve, stepMs));
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}
