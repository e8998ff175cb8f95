/** Events as lines of JSON, by pino. */
import { type DestinationStream, type Logger as Pino, pino } from 'pino';
import type { LogFields, Logger } from '../../env/logger.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface PinoLoggerOptions {
  readonly level: LogLevel;
  /** Fields of every line: which node speaks. */
  readonly bindings: LogFields;
  /** Standard error by default: standard output belongs to the commands. */
  readonly destination?: DestinationStream;
}

export class PinoLogger implements Logger {
  readonly #pino: Pino;

  constructor(options: PinoLoggerOptions) {
    this.#pino = pino(
      {
        level: options.level,
        base: { ...options.bindings },
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      options.destination ?? pino.destination({ dest: 2, sync: true }),
    );
  }

  debug(event: string, fields?: LogFields): void {
    if (this.#pino.isLevelEnabled('debug')) this.#pino.debug({ event, ...fields });
  }

  info(event: string, fields?: LogFields): void {
    if (this.#pino.isLevelEnabled('info')) this.#pino.info({ event, ...fields });
  }

  warn(event: string, fields?: LogFields): void {
    this.#pino.warn({ event, ...fields });
  }

  error(event: string, fields?: LogFields): void {
    this.#pino.error({ event, ...fields });
  }
}
