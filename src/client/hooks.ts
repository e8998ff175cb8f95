/**
 * What a client tells of its operations to whoever measures or traces them.
 *
 * A hook sees requests as they are sent for a caller: what the client splits (batches, scans) is
 * seen part by part, and the gets that it joins in one request are seen as one. A client without
 * hooks pays nothing for them. A hook that throws is logged (`client.hook.failed`); the operation
 * goes on.
 */
import type { Logger } from '../env/logger.ts';
import type { PegasusError } from './errors.ts';

export interface OperationStart {
  /** As the method is called, e.g. `set`. */
  readonly operation: string;
  /** Empty for operations on the cluster. */
  readonly table: string;
}

export interface OperationEnd extends OperationStart {
  /** `host:port` of the server of the last attempt, or empty. */
  readonly server: string;
  /** How often the request was tried; 0 if it never left. */
  readonly attempts: number;
  readonly durationMs: number;
  /** Null after success; a row that is not there is success. */
  readonly error: PegasusError | null;
  /** Of a hedged read, the request that was slower: it has neither a result nor an error. */
  readonly abandoned: boolean;
}

/** Observes operations: give it to `connect` as one of `hooks`. */
export interface ClientHooks {
  /** What it returns is handed to `onOperationEnd` of the same operation, e.g. a span. */
  onOperationStart?(start: OperationStart): unknown;
  onOperationEnd?(end: OperationEnd, started: unknown): void;
}

/** Calls all hooks of a client. Made only if there are any. */
export class HookCaller {
  readonly #hooks: readonly ClientHooks[];
  readonly #logger: Logger;

  constructor(hooks: readonly ClientHooks[], logger: Logger) {
    this.#hooks = hooks;
    this.#logger = logger;
  }

  /** What the hooks returned, in their order: to be given back to `end`. */
  start(start: OperationStart): unknown[] {
    return this.#hooks.map((hook) => {
      try {
        return hook.onOperationStart?.(start);
      } catch (error) {
        this.#onFailure(error);
        return undefined;
      }
    });
  }

  end(end: OperationEnd, started: readonly unknown[]): void {
    for (const [index, hook] of this.#hooks.entries()) {
      try {
        hook.onOperationEnd?.(end, started[index]);
      } catch (error) {
        this.#onFailure(error);
      }
    }
  }

  #onFailure(error: unknown): void {
    this.#logger.error('client.hook.failed', { message: String(error) });
  }
}
