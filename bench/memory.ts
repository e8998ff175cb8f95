/**
 * What an empty replica costs: resident memory of replica servers that hold 12 replicas (the tables
 * of every onebox), exactly 100, and 228, all empty.
 *
 *   npm run bench:memory -- [--json]
 *
 * With three servers and three replicas a partition, every server holds a replica of every
 * partition. Resident memory is that of the whole process: code, heap, RocksDB. The cost of a
 * replica is the slope, since the first 100 MiB are the process.
 */
import { parseArgs } from 'node:util';
import { connect } from '../src/bin/client.ts';
import { printJson, printLine, runProgram } from '../src/bin/program.ts';
import { BenchOnebox, pause, residentBytes } from './onebox.ts';
import { machine, mebibytes, rounded, say } from './report.ts';

const LIMIT_MIB = 250;
/** Replicas per server of a fresh onebox: `stat` and `temp`. */
const REPLICAS_AT_START = 12;
/** 12 + 64 + 16 + 8 = 100. */
const FIRST_TABLES = [64, 16, 8];
const SECOND_TABLES = [128];
/**
 * Reports, group checks and garbage collection go on as they would in a server that is left alone.
 */
const SETTLE_MS = 5_000;

interface Level {
  readonly replicas: number;
  readonly residentMiB: Readonly<Record<string, number>>;
  readonly residentMiBMax: number;
}

async function main(args: readonly string[]): Promise<number> {
  const options = { json: { type: 'boolean', default: false } } as const;
  const { values } = parseArgs({ args: [...args], options });
  const onMachine = machine();
  await using onebox = await BenchOnebox.prepare();
  await onebox.start('os');
  const levels = [await measure(onebox, REPLICAS_AT_START)];
  for (const tables of [FIRST_TABLES, SECOND_TABLES]) {
    await createTables(onebox, tables);
    const added = tables.reduce((sum, partitions) => sum + partitions, 0);
    levels.push(await measure(onebox, levels.at(-1)!.replicas + added));
  }
  const [few, hundred, many] = levels as [Level, Level, Level];
  const slope = (many.residentMiBMax - few.residentMiBMax) / (many.replicas - few.replicas);
  const perReplicaKiB = rounded(slope * 1024, 0);
  const verdict = { limitMiB: LIMIT_MIB, hundredReplicasMiB: hundred.residentMiBMax };
  if (values.json) printJson({ machine: onMachine, levels, perReplicaKiB, ...verdict });
  else printLine(`an empty replica costs ${perReplicaKiB} KiB`);
  return hundred.residentMiBMax < LIMIT_MIB ? 0 : 1;
}

async function createTables(onebox: BenchOnebox, tables: readonly number[]): Promise<void> {
  await using client = await connect({ metas: onebox.meta, timeoutMs: 120_000 });
  for (const partitionCount of tables) {
    await client.admin.createTable(`empty${partitionCount}`, { partitionCount });
  }
}

async function measure(onebox: BenchOnebox, replicas: number): Promise<Level> {
  await pause(SETTLE_MS);
  const servers = onebox.servers.filter(({ name }) => name.startsWith('replica'));
  const resident = servers.map(({ name, pid }) => [name, mebibytes(residentBytes(pid))] as const);
  const level = {
    replicas,
    residentMiB: Object.fromEntries(resident),
    residentMiBMax: Math.max(...resident.map(([, mib]) => mib)),
  };
  say(`${replicas} empty replicas: ${resident.map(([, mib]) => `${mib} MiB`).join(', ')}`);
  return level;
}

await runProgram(main);
