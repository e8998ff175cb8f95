/**
 * Loads every package and field of this Debian machine's package index into a cluster (over 60,000 packages, about a
 * million records), then reads all of it back from another process, by range multi_gets and by a full scan, and
 * compares digests.
 *
 *   ./pegasus onebox start
 *   node --import tsx examples/debian-packages.ts
 *   node --import tsx examples/debian-packages.ts --ack-log acks.txt     and kill a server meanwhile
 *   node --import tsx examples/debian-packages.ts --verify-only --ack-log acks.txt
 *
 * The exit code is 0 when everything that has to be there is there.
 */
import { spawn } from 'node:child_process';
import { Command, InvalidArgumentError } from 'commander';
import { UserError } from '../src/base/user-error.ts';
import { connect } from '../src/bin/client.ts';
import { type Main, printJson, printLine, runProgram } from '../src/bin/program.ts';
import { type LoadOptions, type LoadResult, load } from './debian/load.ts';
import { type VerifyResult, verify } from './debian/verify.ts';

interface Flags extends Omit<LoadOptions, 'ackLog'> {
  readonly meta: string;
  readonly ackLog?: string;
  readonly verifyOnly?: boolean;
  readonly loadOnly?: boolean;
  readonly json?: boolean;
}

const main: Main = async (args) => {
  const program = new Command('debian-packages')
    .description('Load the package index of this Debian machine, read it back, compare.')
    .exitOverride()
    .allowExcessArguments(false)
    .option('--meta <addresses>', 'meta servers, host:port separated by commas', '127.0.0.1:34601')
    .option('--table <name>', 'table; created if it is not there', 'debian')
    .option('--partitions <n>', 'partitions of a new table, a power of two', integer(2), 16)
    .option('--limit <n>', 'packages at most; 0 = all', integer(0), 0)
    .option('--inflight <n>', 'packages under way at a time', integer(1), 64)
    .option('--timeout-ms <ms>', 'patience with one package', integer(1), 60_000)
    .option('--ack-log <file>', 'write the packages that were acknowledged, or verify these')
    .option('--load-only', 'do not read back')
    .option('--verify-only', 'do not load')
    .option('--json', 'print one JSON document');
  program.parse([...args], { from: 'user' });
  const flags = program.opts<Flags>();
  if (flags.verifyOnly === true) {
    const verified = await runVerify(flags);
    if (flags.json === true) printJson({ verify: verified });
    else printVerified(verified);
    return verified.ok ? 0 : 1;
  }
  const loaded = await runLoad(flags);
  if (flags.json !== true) printLoaded(loaded);
  if (flags.loadOnly === true) {
    if (flags.json === true) printJson({ load: loaded });
    return 0;
  }
  return await verifyElsewhere(args, flags, loaded);
};

async function runLoad(flags: Flags): Promise<LoadResult> {
  await using client = await connect({ metas: flags.meta });
  return await load(client, { ...flags, ackLog: flags.ackLog ?? null });
}

async function runVerify(flags: Flags): Promise<VerifyResult> {
  await using client = await connect({ metas: flags.meta });
  return await verify(client, { ...flags, ackLog: flags.ackLog ?? null });
}

/** In a process of its own, so that nothing can come from this one's memory. */
async function verifyElsewhere(
  args: readonly string[],
  flags: Flags,
  loaded: LoadResult,
): Promise<number> {
  const script = process.argv[1];
  if (script === undefined) throw new UserError('There is no script to start again.', '');
  const child = spawn(process.execPath, [...process.execArgv, script, ...args, '--verify-only'], {
    stdio: ['ignore', flags.json === true ? 'pipe' : 'inherit', 'inherit'],
  });
  let output = '';
  child.stdout?.on('data', (piece: Uint8Array) => {
    output += Buffer.from(piece).toString();
  });
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
  if (flags.json === true) printJson({ load: loaded, ...(JSON.parse(output) as object) });
  return exitCode;
}

function printLoaded(result: LoadResult): void {
  const { packages, records, seconds, recordsPerSecond, repeatedWrites, slowestMs } = result;
  printLine(
    `Loaded ${grouped(records)} records of ${grouped(packages)} packages in ${seconds} s: ${grouped(recordsPerSecond)}/s; ` +
      `slowest write ${grouped(slowestMs)} ms, ${repeatedWrites} writes repeated.`,
  );
}

function printVerified(result: VerifyResult): void {
  printLine(
    `Read back ${grouped(result.records)} records of ${grouped(result.packages)} packages: ` +
      `multi_gets ${result.multiGetSeconds} s, scan ${result.scanSeconds} s.`,
  );
  printLine(`  index      ${result.expectedDigest}`);
  printLine(`  multi_gets ${result.multiGetDigest}`);
  printLine(`  scan       ${result.scanDigest}`);
  if (result.foreignRecords > 0) {
    printLine(`  (${grouped(result.foreignRecords)} records of other packages in the table)`);
  }
  if (result.missingCount > 0) {
    printLine(`MISSING ${grouped(result.missingCount)}: ${result.missing.join(', ')} …`);
  }
  if (result.damagedCount > 0) {
    printLine(`DAMAGED ${grouped(result.damagedCount)}: ${result.damaged.join(', ')} …`);
  }
  printLine(result.ok ? 'All three agree.' : 'They do NOT agree.');
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

function integer(minimum: number): (value: string) => number {
  return (value) => {
    if (/^\d+$/.test(value) && Number(value) >= minimum) return Number(value);
    throw new InvalidArgumentError(`An integer of at least ${minimum} is needed.`);
  };
}

await runProgram(main);
