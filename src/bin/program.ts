/**
 * How every program of bin/ begins and ends: arguments in, an exit code out, and nothing that escapes is shown as a
 * stack unless it is a bug.
 *
 * With `--json` among the arguments, standard output gets exactly one JSON document, also on failure.
 */
import { CommanderError } from 'commander';
import { explain } from './failures.ts';

/** Takes the arguments after the program's name; answers with the exit code. */
export type Main = (args: readonly string[]) => Promise<number>;

export async function runProgram(main: Main): Promise<void> {
  // `… | head` closes the pipe early: no reason to complain.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const args = process.argv.slice(2);
  try {
    process.exitCode = await main(args);
  } catch (error) {
    process.exitCode = reportFailure(error, args.includes('--json'));
  }
}

/** Shows what went wrong; answers with the exit code. */
export function reportFailure(error: unknown, asJson: boolean): number {
  // Commander has said what it had to say.
  if (error instanceof CommanderError) return error.exitCode;
  const known = explain(error);
  if (known === null) {
    process.stderr.write(`pegasus: this is a bug: ${stackOf(error)}\n`);
    if (asJson) printJson({ error: String(error) });
    return 70;
  }
  process.stderr.write(`pegasus: ${known.message}\n`);
  if (known.remedy !== '') process.stderr.write(`  ${known.remedy}\n`);
  if (asJson) printJson({ error: known.message, remedy: known.remedy });
  return 1;
}

export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
}

export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
