/**
 * The form of a command of the shell, declared once: parsing, help and completion read the same declaration.
 *
 * The usage text is the grammar of the words after the name: `NAME` must be there, `[NAME]` may be, `NAME…` and
 * `[NAME…]` stand for one or more and for any number. Flags may stand anywhere; `--` ends them.
 */
import { nearestName } from '../base/suggest.ts';
import { UserError } from '../base/user-error.ts';
import type { Client, Table } from '../client/api.ts';
import { unescapeText } from './escape.ts';

export interface Flag {
  /** `-n` */
  readonly name: string;
  /** What follows it, or null for a flag that stands alone. */
  readonly value: string | null;
  readonly help: string;
}

export interface Command {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** What the words after the name are, for completion; the last one goes on. */
  readonly completes: readonly ('table' | 'command' | 'nothing')[];
  readonly run: (session: Session, args: Arguments) => Promise<Answer>;
}

export interface Answer {
  /** For `--json`. */
  readonly document: unknown;
  /** For people; fits `width` columns where it is a table. */
  readonly lines: (width: number) => readonly string[];
  /** There is no answer to the question, e.g. no such row: said on standard error, and the exit code is 1. */
  readonly missing?: string;
}

/** What stays between commands. */
export interface Session {
  readonly client: Client;
  /** Name of the table that rows are read from and written to. */
  table: string | null;
  /** Runs another command, for `use NAME COMMAND …`. */
  readonly run: (words: readonly string[]) => Promise<Answer>;
}

export class Arguments {
  readonly #command: Command;
  readonly #words: readonly string[];
  readonly #flags: ReadonlyMap<string, string | true>;

  constructor(
    command: Command,
    words: readonly string[],
    flags: ReadonlyMap<string, string | true>,
  ) {
    this.#command = command;
    this.#words = words;
    this.#flags = flags;
  }

  get count(): number {
    return this.#words.length;
  }

  /** As typed; empty if it is not there. */
  word(index: number): string {
    return this.#words[index] ?? '';
  }

  wordsFrom(index: number): readonly string[] {
    return this.#words.slice(index);
  }

  /** With escapes read. */
  bytes(index: number): Uint8Array {
    return unescapeText(this.word(index));
  }

  bytesFrom(index: number): Uint8Array[] {
    return this.#words.slice(index).map(unescapeText);
  }

  has(flag: string): boolean {
    return this.#flags.has(flag);
  }

  text(flag: string): string | undefined {
    const value = this.#flags.get(flag);
    return typeof value === 'string' ? value : undefined;
  }

  integer(flag: string, minimum: number): number | undefined {
    const text = this.text(flag);
    return text === undefined ? undefined : this.toInteger(text, flag, minimum);
  }

  toInteger(text: string, what: string, minimum: number): number {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= minimum) return value;
    throw new UserError(
      `${what} is "${text}", but must be an integer of at least ${minimum}.`,
      usageRemedy(this.#command),
    );
  }
}

/** Throws `UserError`. */
export function parseArguments(command: Command, given: readonly string[]): Arguments {
  const words: string[] = [];
  const flags = new Map<string, string | true>();
  let flagsEnd = false;
  for (let at = 0; at < given.length; at++) {
    const one = given[at]!;
    const flag = flagsEnd ? undefined : command.flags.find(({ name }) => name === one);
    if (flag !== undefined) {
      if (flag.value === null) flags.set(flag.name, true);
      else flags.set(flag.name, flagValue(command, flag, given[++at]));
    } else if (!flagsEnd && one === '--') {
      flagsEnd = true;
    } else if (!flagsEnd && /^-[a-zA-Z]$/.test(one)) {
      throw new UserError(`${command.name} has no flag ${one}.`, usageRemedy(command));
    } else {
      words.push(one);
      // What follows `use TABLE` belongs to the command that is run there.
      if (command.usage.includes('COMMAND…')) flagsEnd = true;
    }
  }
  const { minimum, maximum } = wordCounts(command);
  if (words.length < minimum || words.length > maximum) {
    const few = words.length < minimum ? 'more' : 'fewer';
    throw new UserError(`${command.name} needs ${few} arguments.`, usageRemedy(command));
  }
  return new Arguments(command, words, flags);
}

function flagValue(command: Command, flag: Flag, value: string | undefined): string {
  if (value !== undefined) return value;
  throw new UserError(`${flag.name} needs a value (${flag.value}).`, usageRemedy(command));
}

export function wordCounts(command: Command): {
  readonly minimum: number;
  readonly maximum: number;
} {
  const tokens = command.usage.split(' ').filter((token) => token !== '');
  const minimum = tokens.filter((token) => !token.startsWith('[')).length;
  const isOpen = tokens.some((token) => token.includes('…'));
  return { minimum, maximum: isOpen ? Number.POSITIVE_INFINITY : tokens.length };
}

export function usageText(command: Command): string {
  const flags = command.flags.map(({ name, value }) =>
    value === null ? `[${name}]` : `[${name} ${value}]`,
  );
  return [command.name, command.usage, ...flags].filter((part) => part !== '').join(' ');
}

export function helpLines(command: Command): string[] {
  const flags = command.flags.map(({ name, value, help }) => {
    return `  ${`${name} ${value ?? ''}`.padEnd(14)} ${help}`;
  });
  return [`Usage: ${usageText(command)}`, `  ${command.summary}`, ...flags];
}

export function currentTable(session: Session): Table {
  if (session.table !== null) return session.client.table(session.table);
  throw new UserError(
    'No table is chosen.',
    'Say `use TABLE` first, or give the shell --table TABLE; `ls` shows which there are.',
  );
}

export function findCommand(commands: ReadonlyMap<string, Command>, name: string): Command {
  const command = commands.get(name);
  if (command !== undefined) return command;
  const near = nearestName(name, commands.keys());
  throw new UserError(
    `There is no command ${name}.${near === null ? '' : ` Did you mean ${near}?`}`,
    '`help` shows all commands.',
  );
}

function usageRemedy(command: Command): string {
  return `Usage: ${usageText(command)}`;
}
