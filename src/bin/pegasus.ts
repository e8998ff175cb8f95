/**
 * What `./pegasus` answers itself: help, version, and what to say about a command that does not
 * exist. The commands are programs of their own beside this file; the launcher starts them.
 */
import { nearestName } from '../base/suggest.ts';
import { UserError } from '../base/user-error.ts';
import { COMMANDS } from './commands.ts';
import { packageVersion } from './package-version.ts';
import { type Main, printLine, runProgram } from './program.ts';

const main: Main = async ([command = 'help', ...rest]) => {
  if (command === '--version' || command === '-V') {
    printLine(packageVersion());
    return 0;
  }
  const isHelp = command === 'help' || command === '--help' || command === '-h';
  const topic = isHelp ? rest[0] : command;
  if (topic !== undefined && !COMMANDS.has(topic)) throw unknownCommand(topic);
  printLine(topic === undefined ? help() : `./pegasus ${topic} --help tells all about ${topic}.`);
  return 0;
};

function help(): string {
  const rows = [...COMMANDS].map(([name, summary]) => `  ${name.padEnd(9)} ${summary}`);
  return [
    'Usage: ./pegasus COMMAND [ARGUMENTS]',
    '',
    ...rows,
    '',
    'Every command has --help. To begin:',
    '  ./pegasus onebox start',
    "  ./pegasus shell -t temp set greeting en 'hello world'",
  ].join('\n');
}

function unknownCommand(name: string): UserError {
  const near = nearestName(name, COMMANDS.keys());
  return new UserError(
    `There is no command ${name}.${near === null ? '' : ` Did you mean ${near}?`}`,
    'All commands: ./pegasus help',
  );
}

await runProgram(main);
