/** `pegasus shell`: arguments, connection and output; the commands are in `src/shell/`. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { UserError } from '../base/user-error.ts';
import { type Answer, findCommand } from '../shell/command.ts';
import { runRepl } from '../shell/repl.ts';
import { helpAnswer, SHELL_COMMANDS, Shell } from '../shell/shell.ts';
import { connect } from './client.ts';
import { type Main, printJson, printLine, reportFailure, runProgram } from './program.ts';

interface Flags {
  readonly meta: string;
  readonly table?: string;
  readonly timeout: string;
  readonly json?: boolean;
}

/** Where onebox puts it. */
const META_DEFAULT = '127.0.0.1:34601';
const TIMEOUT_MS_DEFAULT = 10_000;
const COLUMNS_DEFAULT = 100;

const main: Main = async (args) => {
  const program = new Command('pegasus shell')
    .description('Reads, writes and looks around: one command, or, without one, a prompt.')
    .argument('[command...]', 'command and its arguments; `help` shows them all')
    .option('--meta <host:port,…>', 'meta servers', META_DEFAULT)
    .option('-t, --table <name>', 'table to work on, as with `use`')
    .option('--timeout <ms>', 'of each operation', String(TIMEOUT_MS_DEFAULT))
    .option('--json', 'print one JSON document per command; bytes with escapes')
    .passThroughOptions()
    .exitOverride()
    .addHelpText('after', () => `\nCommands:\n${helpAnswer('').lines(COLUMNS_DEFAULT).join('\n')}`);
  program.parse([...args], { from: 'user' });
  const flags = program.opts<Flags>();
  const words = program.args;
  const [name, ...rest] = words;
  // Neither help nor a name that does not exist needs a cluster.
  if (name === 'help') return show(helpAnswer(rest[0] ?? ''), flags);
  if (name !== undefined) {
    findCommand(SHELL_COMMANDS, name);
    if (rest[0] === '--help') return show(helpAnswer(name), flags);
  }
  await using client = await connect({ metas: flags.meta, timeoutMs: toTimeout(flags.timeout) });
  const shell = new Shell(client, flags.table ?? null);
  if (words.length > 0) return show(await shell.run(words), flags);
  const allWell = await runRepl(shell, {
    input: process.stdin,
    output: process.stdout,
    isTerminal: process.stdin.isTTY === true && process.stdout.isTTY === true,
    historyPath: join(homedir(), '.pegasus_history'),
    show: (answer) => {
      show(answer, flags);
    },
    showError: (error) => {
      reportFailure(error, flags.json === true);
    },
  });
  return allWell ? 0 : 1;
};

/** Answers with the exit code. */
function show(answer: Answer, flags: Flags): number {
  if (flags.json === true) printJson(answer.document);
  else for (const line of answer.lines(process.stdout.columns ?? COLUMNS_DEFAULT)) printLine(line);
  if (answer.missing === undefined) return 0;
  process.stderr.write(`${answer.missing}\n`);
  return 1;
}

function toTimeout(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new UserError(`--timeout is "${text}".`, 'Give it whole milliseconds, at least 1.');
}

await runProgram(main);
