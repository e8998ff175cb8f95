/** `pegasus onebox`: a whole cluster on this machine. Arguments and words; the work is in `onebox/actions.ts`. */
import { Argument, Command, Option } from 'commander';
import { integer } from './flag-values.ts';
import {
  act,
  clear,
  type Fault,
  locked,
  type OneboxReport,
  start,
  status,
  stop,
} from './onebox/actions.ts';
import {
  DEFAULT_SETTINGS,
  METAS_MAX,
  type NodeKind,
  type OneboxSettings,
  PORT_BASE_MAX,
  REPLICAS_MAX,
} from './onebox/cluster.ts';
import { rollingRestart } from './onebox/rolling-restart.ts';
import { type Main, printJson, printLine, runProgram } from './program.ts';

interface CommonFlags {
  readonly dir: string;
  readonly json?: boolean;
}

const FAULTS: readonly (readonly [Fault, string])[] = [
  ['kill', 'end a server at once (SIGKILL)'],
  ['stop-node', 'end a server in order (SIGTERM)'],
  ['start-node', 'start a server that does not run'],
  ['pause', 'freeze a server (SIGSTOP)'],
  ['resume', 'let a frozen server go on (SIGCONT)'],
];

const main: Main = async (args) => {
  let exitCode = 0;
  const program = new Command('pegasus onebox')
    .description(
      'A whole cluster on this machine: meta servers, replica servers, and what they need.',
    )
    .exitOverride()
    .showSuggestionAfterError();
  addStart(program);
  verb(program, 'status', 'how the cluster is; the exit code is 0 only if all is healthy').action(
    async ({ dir, json }: CommonFlags) => {
      const report = await status(dir);
      exitCode = report.healthy ? 0 : 1;
      if (json) printJson(report);
      else printReport(report);
    },
  );
  addEnds(program);
  addRollingRestart(program);
  for (const [fault, summary] of FAULTS) addFault(program, fault, summary);
  await program.parseAsync([...args], { from: 'user' });
  return exitCode;
};

/** A subcommand with the flags that all have. */
function verb(program: Command, name: string, summary: string): Command {
  return program
    .command(name)
    .description(summary)
    .allowExcessArguments(false)
    .option('--dir <dir>', 'folder of the cluster', './.onebox')
    .option('--json', 'print one JSON document');
}

function addStart(program: Command): void {
  const { metas, metaStore, replicas, portBase, durability } = DEFAULT_SETTINGS;
  verb(
    program,
    'start',
    'start the cluster, or what of it does not run; keeps the data that is there',
  )
    .option(
      '--metas <n>',
      `meta servers (default: ${metas}); several need --meta-store`,
      integer(1, METAS_MAX),
    )
    .addOption(
      new Option(
        '--meta-store <store>',
        `where meta servers keep their state: in a journal of their own, or in an etcd or ZooKeeper that is started too (default: ${metaStore})`,
      ).choices(['journal', 'etcd', 'zookeeper']),
    )
    .option('--replicas <n>', `replica servers (default: ${replicas})`, integer(1, REPLICAS_MAX))
    .option(
      '--port-base <p>',
      `meta server n listens on p + n, replica server n on p + 200 + n (default: ${portBase})`,
      integer(1_024, PORT_BASE_MAX),
    )
    .addOption(
      new Option(
        '--durability <mode>',
        `when a write is answered: fsync = on disk, os = in the page caches (default: ${durability})`,
      ).choices(['fsync', 'os']),
    )
    .action(async (flags: CommonFlags & Partial<OneboxSettings>) => {
      const { dir, json, ...settings } = flags;
      const { report, startedCount } = await start(dir, settings);
      if (json) {
        printJson(report);
        return;
      }
      printLine(startedCount === 0 ? 'It runs already.' : `Started ${startedCount} servers.`);
      printReport(report);
      const meta = report.metas.join(',');
      printLine(`\nTry: ./pegasus shell --meta ${meta} -t temp set greeting en 'hello world'`);
    });
}

function addEnds(program: Command): void {
  verb(program, 'stop', 'end all servers in order; the data stays').action(
    async ({ dir, json }: CommonFlags) => {
      const result = await stop(dir);
      if (json) printJson(result);
      else {
        printLine(result.ended === 0 ? 'Nothing ran.' : `Ended ${result.ended} servers.`);
        for (const name of result.killed) printLine(`${name} did not end in time and was killed.`);
      }
    },
  );
  verb(program, 'clear', 'end all servers and remove the folder with all data').action(
    async ({ dir, json }: CommonFlags) => {
      const cleared = await clear(dir);
      if (json) printJson({ cleared });
      else printLine(cleared ? 'Removed.' : 'There is nothing to remove.');
    },
  );
}

function addRollingRestart(program: Command): void {
  verb(
    program,
    'rolling-restart',
    'restart all replica servers, one after the other, without anybody noticing',
  ).action(async ({ dir, json }: CommonFlags) => {
    const steps: string[] = [];
    await locked(dir, () =>
      rollingRestart(dir, (step) => {
        steps.push(step);
        if (!json) printLine(step);
      }),
    );
    if (json) printJson({ steps });
  });
}

function addFault(program: Command, fault: Fault, summary: string): void {
  verb(program, fault, summary)
    .addArgument(
      new Argument('<kind>', 'which server').choices(['meta', 'replica', 'etcd', 'zookeeper']),
    )
    .argument('<n>', 'its number, from 1', integer(1, REPLICAS_MAX))
    .action(async (kind: NodeKind, index: number, { dir, json }: CommonFlags) => {
      const node = await act(dir, fault, kind, index);
      if (json) printJson(node);
      else printLine(`${node.name} is ${node.state}${node.pid === 0 ? '' : ` (pid ${node.pid})`}.`);
    });
}

function printReport(report: OneboxReport): void {
  for (const { name, address, state, pid } of report.nodes) {
    const process = pid === 0 ? '' : `pid ${pid}`;
    const role = report.metas.length > 1 && address === report.leader ? '  leads' : '';
    const columns = [name.padEnd(10), address.padEnd(16), state.padEnd(8), process + role];
    printLine(`  ${columns.join(' ')}`.trimEnd());
  }
  if (report.tables === null) printLine('No meta server answers.');
  for (const { name, id, partitions, healthy } of report.tables ?? []) {
    const whole = healthy === partitions ? 'healthy' : `${healthy} of ${partitions} healthy`;
    printLine(`  table ${name} (id ${id}, ${partitions} partitions): ${whole}`);
  }
}

await runProgram(main);
