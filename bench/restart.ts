/**
 * How long a cluster with a lot of data is away: from the command that starts it to the first row
 * read from *every* partition, after an orderly stop and after kill -9 of all servers in the middle
 * of writes.
 *
 *   npm run bench:restart -- [--json] [--records N] [--repeats N] [--folder DIR]
 *
 * Loads ten million records of 100 bytes, three replicas each: about 5 GB under DIR (default: the
 * temporary folder), removed at the end. The readers ask from the first moment on; that the cluster
 * counts as healthy is not waited for.
 */
import { readdirSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Client, connect, PegasusError, type Table } from '../src/bin/client.ts';
import { printJson, printLine, runProgram } from '../src/bin/program.ts';
import { BenchOnebox, cpuUs, pause } from './onebox.ts';
import { machine, mebibytes, rounded, say } from './report.ts';

const TABLE = 'temp';
const ROWS_PER_HASH_KEY = 250;
const VALUE_BYTES = 100;
const WRITERS = 24;
/** On disk: three copies, and room for compactions. */
const BYTES_PER_RECORD = 600;
const LIMIT_MS = 10_000;
/**
 * Servers are killed when their log is about as long as it gets (`replica.log_bytes_max`, 96 MiB),
 * or after so long.
 */
const LOG_BYTES_AT_KILL = 88 * 2 ** 20;
const WRITES_BEFORE_KILL_MS_MAX = 120_000;
const LOOK_MS = 50;
const READ_TIMEOUT_MS = 500;
const RETRY_MS = 10;

interface Restart {
  readonly after: 'stop' | 'kill -9';
  /** What the stop took. */
  readonly stopMs: number;
  readonly firstReadMs: number;
  readonly lastPartitionReadMs: number;
  readonly healthyMs: number;
  /** CPU time of each server until everything was healthy. */
  readonly cpuMs: Readonly<Record<string, number>>;
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      records: { type: 'string', default: '10000000' },
      repeats: { type: 'string', default: '2' },
      folder: { type: 'string', default: tmpdir() },
    },
  });
  const records = Number(values.records);
  await checkSpace(values.folder, records);
  const onMachine = machine();
  await using onebox = await BenchOnebox.prepare(values.folder);
  await onebox.start('os');
  const loadSeconds = await load(onebox, records);
  const hashKeys = await hashKeyOfEachPartition(onebox);
  const restarts: Restart[] = [];
  for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
    restarts.push(await restartAfterKill(onebox, hashKeys));
    restarts.push(await restartAfterStop(onebox, hashKeys));
  }
  const worstMs = Math.max(...restarts.map((restart) => restart.lastPartitionReadMs));
  const report = { machine: onMachine, records, valueBytes: VALUE_BYTES, loadSeconds };
  if (values.json) printJson({ ...report, limitMs: LIMIT_MS, worstMs, restarts });
  else for (const restart of restarts) printLine(lineOf(restart));
  return worstMs <= LIMIT_MS ? 0 : 1;
}

async function checkSpace(folder: string, records: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < records * BYTES_PER_RECORD) {
    throw new Error(`${folder} has too little room: name another folder with --folder`);
  }
}

// ---- data ----

function hashKeyOf(index: number): string {
  return `hash${String(index).padStart(8, '0')}`;
}

/** Row `row` of every hash key. */
function sortKeyOf(row: number): string {
  return `row${String(row).padStart(4, '0')}`;
}

/** The rows of one hash key; their values differ from those of the next. */
function rowsOf(index: number): [string, Uint8Array][] {
  return Array.from({ length: ROWS_PER_HASH_KEY }, (_, row) => {
    const value = new Uint8Array(VALUE_BYTES);
    // Incompressible enough: a linear congruential generator, seeded with the place of the row.
    let state = (index * ROWS_PER_HASH_KEY + row) >>> 0;
    for (let at = 0; at < VALUE_BYTES; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      value[at] = state >>> 24;
    }
    return [sortKeyOf(row), value];
  });
}

async function load(onebox: BenchOnebox, records: number): Promise<number> {
  await using client = await connect({ metas: onebox.meta, timeoutMs: 60_000 });
  const hashKeyCount = Math.ceil(records / ROWS_PER_HASH_KEY);
  const beganMs = performance.now();
  let next = 0;
  const seconds = (): number => rounded((performance.now() - beganMs) / 1000, 1);
  const write = async (): Promise<void> => {
    const table = client.table(TABLE);
    while (next < hashKeyCount) {
      const index = next++;
      await table.multiSet(hashKeyOf(index), rowsOf(index));
      const done = index * ROWS_PER_HASH_KEY;
      if (done > 0 && done % 1_000_000 === 0) say(`${done} records after ${seconds()} s`);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  return seconds();
}

/** Overwrites rows until told to end; answers how many. */
async function overwrite(client: Client, isOver: () => boolean): Promise<number> {
  let written = 0;
  const write = async (writer: number): Promise<void> => {
    const table = client.table(TABLE);
    for (let index = writer; !isOver(); index += WRITERS) {
      try {
        await table.multiSet(hashKeyOf(index), rowsOf(index));
        written += ROWS_PER_HASH_KEY;
      } catch (error) {
        if (!(error instanceof PegasusError)) throw error;
        await pause(RETRY_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  return written;
}

async function hashKeyOfEachPartition(onebox: BenchOnebox): Promise<string[]> {
  await using client = await connect({ metas: onebox.meta });
  const table = client.table(TABLE);
  const { partitionCount } = await table.config();
  const found = new Map<number, string>();
  for (let index = 0; found.size < partitionCount; index++) {
    const hashKey = hashKeyOf(index);
    const partition = await table.partitionOf(hashKey);
    if (!found.has(partition)) found.set(partition, hashKey);
  }
  return [...found.values()];
}

// ---- restarts ----

async function restartAfterStop(
  onebox: BenchOnebox,
  hashKeys: readonly string[],
): Promise<Restart> {
  const beganMs = performance.now();
  await onebox.stop();
  return await startAndRead(onebox, hashKeys, 'stop', performance.now() - beganMs);
}

async function restartAfterKill(
  onebox: BenchOnebox,
  hashKeys: readonly string[],
): Promise<Restart> {
  await using client = await connect({ metas: onebox.meta });
  let isOver = false;
  const writing = overwrite(client, () => isOver);
  const untilMs = performance.now() + WRITES_BEFORE_KILL_MS_MAX;
  while (logBytes(onebox) < LOG_BYTES_AT_KILL && performance.now() < untilMs) await pause(LOOK_MS);
  const logMiB = mebibytes(logBytes(onebox));
  const beganMs = performance.now();
  await onebox.killAll();
  const stopMs = performance.now() - beganMs;
  isOver = true;
  await client.close();
  say(`killed with a log of ${logMiB} MiB while ${await writing} records were being overwritten`);
  return await startAndRead(onebox, hashKeys, 'kill -9', stopMs);
}

/** Of the first replica server; those of the others differ little. */
function logBytes(onebox: BenchOnebox): number {
  const folder = join(onebox.dir, 'replica1', 'data', 'log');
  return readdirSync(folder).reduce((sum, name) => sum + sizeOf(join(folder, name)), 0);
}

/** 0 for a file that has gone meanwhile. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

async function startAndRead(
  onebox: BenchOnebox,
  hashKeys: readonly string[],
  after: Restart['after'],
  stopMs: number,
): Promise<Restart> {
  const beganMs = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - beganMs);
  const started = onebox.start('os').then(elapsedMs);
  await using client = await connect({ metas: onebox.meta, lazy: true });
  const table = client.table(TABLE);
  const reads = hashKeys.map((hashKey) => untilRead(table, hashKey).then(elapsedMs));
  const [healthyMs, readMs] = await Promise.all([started, Promise.all(reads)]);
  const cpu = onebox.servers.map(({ name, pid }) => [name, cpuUs(pid) / 1000]);
  const restart: Restart = {
    after,
    stopMs: Math.round(stopMs),
    firstReadMs: Math.min(...readMs),
    lastPartitionReadMs: Math.max(...readMs),
    healthyMs,
    cpuMs: Object.fromEntries(cpu),
  };
  say(lineOf(restart));
  return restart;
}

async function untilRead(table: Table, hashKey: string): Promise<void> {
  for (;;) {
    try {
      const value = await table.get(hashKey, sortKeyOf(0), { timeoutMs: READ_TIMEOUT_MS });
      if (value === null) throw new Error('a record is missing after the restart');
      return;
    } catch (error) {
      if (!(error instanceof PegasusError)) throw error;
      await pause(RETRY_MS);
    }
  }
}

function lineOf(restart: Restart): string {
  const { after, stopMs, firstReadMs, lastPartitionReadMs, healthyMs } = restart;
  return (
    `after ${after} (took ${stopMs} ms): first read after ${firstReadMs} ms, ` +
    `from every partition after ${lastPartitionReadMs} ms, healthy after ${healthyMs} ms`
  );
}

await runProgram(main);
