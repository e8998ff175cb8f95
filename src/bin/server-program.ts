/**
 * The frame of a server process: options from flags, environment and file, then open, serve, and
 * drain on a signal.
 *
 * SIGTERM or SIGINT closes the server; the process ends by itself when nothing is left to do, and a
 * leaked handle is a bug that shows: after the limit the process names what is still open and ends
 * with an error. A second signal ends it at once.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { readConfigFile } from '../adapters/config.ts';
import { PinoLogger } from '../adapters/node/logger.ts';
import {
  environmentName,
  type OptionRelation,
  type OptionTable,
  optionEntries,
  resolveOptions,
} from '../base/option-table.ts';
import { defaultText, placeholderText } from '../base/option-values.ts';
import type { Logger } from '../env/logger.ts';
import type { ProcessOptions } from './process-options.ts';

/** From the signal to the end. */
const DRAIN_LIMIT_MS = 5_000;

/** What a server says on its channel, if it has one, when it serves. */
export const SERVING = 'serving';

export interface RunningServer {
  /** Finishes what is under way and lets go of everything. */
  close(): Promise<void>;
}

/** What is configured by a table of options. */
export interface ConfiguredProgram<T> {
  /** As in `pegasus NAME`. */
  readonly name: string;
  readonly summary: string;
  readonly table: OptionTable<T>;
  readonly relations: readonly OptionRelation<T>[];
  /** Adds arguments and flags that are no options, and words to its help. */
  readonly extend?: (command: Command) => void;
}

export interface ServerProgram<T extends ProcessOptions> extends ConfiguredProgram<T> {
  /** Resolves when the server serves. */
  readonly open: (options: T, logger: Logger) => Promise<RunningServer>;
}

/** Serves until a signal comes. */
export async function runServer<T extends ProcessOptions>(
  program: ServerProgram<T>,
  args: readonly string[],
): Promise<number> {
  const { options } = configure(program, args);
  const logger = new PinoLogger({ level: options.logLevel, bindings: { server: program.name } });
  const signalled = nextSignal();
  const opening = program.open(options, logger);
  const first = await Promise.race([opening, signalled]);
  if (typeof first === 'string') {
    // Nothing was promised to anybody yet, and a start that breaks off is what recovery is made
    // for.
    logger.info('process.stopped_at_start', { signal: first });
    process.exit(0);
  }
  const server = first;
  const { readyFile } = options;
  if (readyFile !== null) writeFileSync(readyFile, `${process.pid}\n`);
  tellSupervisor();
  const signal = await signalled;
  if (readyFile !== null) rmSync(readyFile, { force: true });
  logger.info('process.draining', { signal });
  process.once(signal, () => process.exit(1));
  setTimeout(() => {
    logger.error('process.stuck', { open: process.getActiveResourcesInfo().join(',') });
    process.exit(1);
  }, DRAIN_LIMIT_MS).unref();
  await server.close();
  logger.info('process.drained');
  return 0;
}

/** One of several processes under another says that it serves, and ends when that one does. */
function tellSupervisor(): void {
  if (process.channel === undefined) return;
  process.channel.unref();
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.send?.(SERVING);
}

export function nextSignal(): Promise<'SIGTERM' | 'SIGINT'> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
  });
}

/** Options from flags, environment and file; what else was said is with `command`. */
export function configure<T>(
  program: ConfiguredProgram<T>,
  args: readonly string[],
): { readonly options: T; readonly command: Command } {
  const command = commandOf(program);
  command.parse([...args], { from: 'user' });
  const { config, ...others } = command.opts<Record<string, string | boolean | undefined>>();
  const file = typeof config === 'string' ? readConfigFile(config) : null;
  const keys = new Set(optionEntries(program.table).map(([, option]) => option.key));
  const flags = Object.fromEntries(Object.entries(others).filter(([key]) => keys.has(key)));
  const sources = { file, environment: process.env, flags };
  const options = resolveOptions(program.table, sources, program.relations).values;
  return { options, command };
}

function commandOf<T>(program: ConfiguredProgram<T>): Command {
  const command = new Command(`pegasus ${program.name}`)
    .description(program.summary)
    .exitOverride()
    .showSuggestionAfterError()
    .allowExcessArguments(false)
    .option('--config <file>', 'configuration file (TOML); flags and variables override it')
    .addHelpText(
      'after',
      '\nEvery key can stand in the file, as a flag, or in the environment, e.g. log.level as ' +
        `--log.level or ${environmentName('log.level')}.\nDurations: 500ms, 10s, 5m. Sizes: 64KiB, 1GiB.`,
    );
  for (const [, option] of optionEntries(program.table)) {
    const value = option.type === 'boolean' ? '[true|false]' : `<${placeholderText(option)}>`;
    const fallback =
      option.required === true ? ' (required)' : ` (default: ${defaultText(option)})`;
    const shown = option.default === null ? '' : fallback;
    command.addOption(new Option(`--${option.key} ${value}`, `${option.help}${shown}`));
  }
  program.extend?.(command);
  return command;
}
