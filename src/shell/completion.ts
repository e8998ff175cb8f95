/** What the tab key offers: commands, flags, and names of tables, from the declarations of the commands. */
import type { Command } from './command.ts';

/** Candidates for the last word of `line`, and that word. */
export async function complete(
  line: string,
  commands: ReadonlyMap<string, Command>,
  tableNames: () => Promise<readonly string[]>,
): Promise<[string[], string]> {
  const words = line.trimStart().split(/\s+/);
  const last = words.at(-1) ?? '';
  const candidates = await candidatesFor(words.slice(0, -1), last, commands, tableNames);
  return [candidates.filter((one) => one.startsWith(last)).map((one) => `${one} `), last];
}

async function candidatesFor(
  before: readonly string[],
  last: string,
  commands: ReadonlyMap<string, Command>,
  tableNames: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const [name, ...given] = before;
  if (name === undefined) return [...commands.keys()];
  const command = commands.get(name);
  if (command === undefined) return [];
  // After `use TABLE COMMAND` the rest is that command's.
  const at = command.completes.indexOf('command');
  if (name === 'use' && given.length > at) {
    return await candidatesFor(given.slice(at), last, commands, tableNames);
  }
  if (last.startsWith('-')) return command.flags.map((flag) => flag.name);
  const words = given.filter((word) => !word.startsWith('-')).length;
  switch (command.completes[Math.min(words, command.completes.length - 1)]) {
    case 'table':
      return await tableNames();
    case 'command':
      return [...commands.keys()];
    default:
      return [];
  }
}
