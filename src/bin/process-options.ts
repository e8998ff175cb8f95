/** Options that every server process has, whatever it serves. */
import type { LogLevel } from '../adapters/node/logger.ts';
import type { OptionTable } from '../base/option-table.ts';

export interface ProcessOptions {
  readonly logLevel: LogLevel;
  /** Null: none. */
  readonly readyFile: string | null;
}

export const PROCESS_OPTIONS: OptionTable<ProcessOptions> = {
  logLevel: {
    key: 'log.level',
    type: 'enumeration',
    values: ['debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    help: 'Events below this level are not written. The log goes to standard error, one JSON object a line.',
  },
  readyFile: {
    key: 'process.ready_file',
    type: 'string',
    default: null,
    help: 'A file that is there while the server serves, for whoever supervises it.',
  },
};
