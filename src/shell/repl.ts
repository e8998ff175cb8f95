/**
 * Lines in, answers out: the interactive shell with history and completion, and the same without a terminal, for
 * scripts that pipe commands in.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Answer } from './command.ts';
import { complete } from './completion.ts';
import { SHELL_COMMANDS, type Shell } from './shell.ts';
import { splitWords } from './words.ts';

export interface ReplOptions {
  readonly input: Readable;
  readonly output: Writable;
  /** A person types. */
  readonly isTerminal: boolean;
  /** Null: nothing is kept. */
  readonly historyPath: string | null;
  readonly show: (answer: Answer) => void;
  readonly showError: (error: unknown) => void;
}

const HISTORY_LINES_MAX = 1_000;

/** Until the input ends or somebody says `exit`; answers whether all went well. */
export async function runRepl(shell: Shell, options: ReplOptions): Promise<boolean> {
  const { isTerminal } = options;
  const lines = createInterface({
    input: options.input,
    output: isTerminal ? options.output : undefined,
    terminal: isTerminal,
    history: readHistory(options),
    historySize: HISTORY_LINES_MAX,
    removeHistoryDuplicates: true,
    completer: (line: string, done: (error: Error | null, result: [string[], string]) => void) => {
      complete(line, SHELL_COMMANDS, () => tableNames(shell)).then(
        (result) => done(null, result),
        () => done(null, [[], line]),
      );
    },
  });
  keepHistory(lines, options);
  prompt(lines, shell, isTerminal);
  let allWell = true;
  for await (const line of lines) {
    if (/^\s*(?:exit|quit)\s*$/.test(line)) break;
    if (!(await runLine(shell, line, options))) allWell = false;
    prompt(lines, shell, isTerminal);
  }
  lines.close();
  return allWell;
}

async function runLine(shell: Shell, line: string, options: ReplOptions): Promise<boolean> {
  try {
    const words = splitWords(line);
    if (words.length === 0 || words[0]!.startsWith('#')) return true;
    const answer = await shell.run(words);
    options.show(answer);
    return answer.missing === undefined;
  } catch (error) {
    options.showError(error);
    return false;
  }
}

function prompt(lines: Interface, shell: Shell, isTerminal: boolean): void {
  if (!isTerminal) return;
  lines.setPrompt(shell.table === null ? 'pegasus> ' : `pegasus:${shell.table}> `);
  lines.prompt();
}

async function tableNames(shell: Shell): Promise<string[]> {
  const tables = await shell.client.admin.listTables();
  return tables.map((table) => table.name);
}

/** The newest line first, as readline has it. */
function readHistory({ historyPath, isTerminal }: ReplOptions): string[] {
  if (historyPath === null || !isTerminal) return [];
  try {
    const lines = readFileSync(historyPath, 'utf8').split('\n');
    return lines.filter((line) => line !== '').slice(0, HISTORY_LINES_MAX);
  } catch {
    // The first time, or somebody else's file: then there is no history.
    return [];
  }
}

function keepHistory(lines: Interface, { historyPath, isTerminal }: ReplOptions): void {
  if (historyPath === null || !isTerminal) return;
  lines.on('history', (history: string[]) => {
    try {
      mkdirSync(dirname(historyPath), { recursive: true });
      // Keys and values are in it, so it is for this user alone.
      writeFileSync(historyPath, `${history.join('\n')}\n`, { mode: 0o600 });
    } catch {
      // A home that cannot be written must not keep anybody from working.
    }
  });
}
