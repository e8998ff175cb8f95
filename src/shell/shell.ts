/** All commands, and how a line is run: words to command, to answer. */
import type { Client } from '../client/api.ts';
import { BALANCE_COMMANDS } from './balance-commands.ts';
import { CLUSTER_COMMANDS } from './cluster-commands.ts';
import {
  type Answer,
  type Command,
  findCommand,
  helpLines,
  parseArguments,
  type Session,
  usageText,
} from './command.ts';
import { RECOVERY_COMMANDS } from './recovery-commands.ts';
import { ROW_COMMANDS } from './row-commands.ts';

const USE: Command = {
  name: 'use',
  usage: '[TABLE] [COMMAND…]',
  summary: 'Chooses the table for what follows, or for one command; without a name, shows it.',
  flags: [],
  completes: ['table', 'command', 'nothing'],
  run: async (session, args) => {
    if (args.count === 0) {
      const { table } = session;
      return { document: { table }, lines: () => [table ?? 'No table is chosen.'] };
    }
    const name = args.word(0);
    // Asks, so that a wrong name shows here and not at the first row.
    await session.client.admin.tableConfig(name);
    const before = session.table;
    session.table = name;
    if (args.count === 1) return { document: { table: name }, lines: () => [`Using ${name}.`] };
    try {
      return await session.run(args.wordsFrom(1));
    } finally {
      session.table = before;
    }
  },
};

const HELP: Command = {
  name: 'help',
  usage: '[COMMAND_NAME]',
  summary: 'Shows all commands, or all about one.',
  flags: [],
  completes: ['command', 'nothing'],
  run: (_, args) => Promise.resolve(helpAnswer(args.word(0))),
};

export const SHELL_COMMANDS: ReadonlyMap<string, Command> = new Map(
  [...CLUSTER_COMMANDS, ...BALANCE_COMMANDS, ...RECOVERY_COMMANDS, USE, ...ROW_COMMANDS, HELP].map(
    (command) => [command.name, command],
  ),
);

export class Shell implements Session {
  readonly client: Client;
  table: string | null;

  constructor(client: Client, table: string | null) {
    this.client = client;
    this.table = table;
  }

  readonly run = async (words: readonly string[]): Promise<Answer> => {
    const [name = 'help', ...rest] = words;
    const command = findCommand(SHELL_COMMANDS, name);
    return await command.run(this, parseArguments(command, rest));
  };
}

export function helpAnswer(name: string): Answer {
  if (name !== '') {
    const lines = helpLines(findCommand(SHELL_COMMANDS, name));
    return { document: { help: lines }, lines: () => lines };
  }
  const commands = [...SHELL_COMMANDS.values()];
  const lines = commands.map((command) => `  ${usageText(command)}\n      ${command.summary}`);
  return {
    document: commands.map((command) => ({
      name: command.name,
      usage: usageText(command),
      summary: command.summary,
    })),
    lines: () => [
      'Keys and values may hold \\xNN, \\n and the like; put words with blanks into quotes.',
      ...lines,
    ],
  };
}
