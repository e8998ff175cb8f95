/**
 * The edge where operations become promises: records are pooled, so that a call costs one promise and no new record.
 */
import { assert } from '../base/assert.ts';
import type { U64 } from '../base/crc64.ts';
import type { CallOptions, CancelSignal } from './api.ts';
import type { Engine } from './engine.ts';
import { AbortedError, InvalidArgumentError, PegasusError } from './errors.ts';
import { Operation, type Route } from './operation.ts';
import { errorOf } from './operation-error.ts';
import type { OperationKind } from './operation-kinds.ts';

/** Makes the caller's value; what it keeps of the result it must copy. May throw a `PegasusError`. */
export type Convert<Result, Value> = (result: Result, operation: Operation) => Value;

const POOL_MAX = 1024;

class PendingCall extends Operation {
  resolve: (value: unknown) => void = ignore;
  reject: (error: PegasusError) => void = ignore;
  convert: Convert<unknown, unknown> | null = null;
  kind: OperationKind<unknown, unknown> | null = null;
  signal: CancelSignal | null = null;
  readonly onAbort: () => void = () => this.abort();
}

export class PendingCalls {
  readonly #engine: Engine;
  readonly #free: PendingCall[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * `hash` decides the partition unless `partition` ≥ 0 says it. An `InvalidArgumentError` that `prepare` throws
   * rejects the promise.
   */
  run<Request, Result, Value>(
    route: Route,
    kind: OperationKind<Request, Result>,
    hash: U64,
    partition: number,
    options: CallOptions | undefined,
    prepare: () => Request,
    convert: Convert<Result, Value>,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      const signal = options?.signal ?? null;
      if (signal?.aborted === true) throw new AbortedError(`${kind.name}: aborted by the caller`);
      const timeoutMs = options?.timeoutMs ?? this.#engine.timeoutMs;
      if (!(timeoutMs >= 0)) throw new InvalidArgumentError('timeoutMs is a number of at least 0');
      const request = prepare();
      const call = this.#free.pop() ?? new PendingCall(this.#engine, this.#onDone);
      call.resolve = resolve as (value: unknown) => void;
      call.reject = reject;
      call.convert = convert as Convert<unknown, unknown>;
      call.kind = kind as OperationKind<unknown, unknown>;
      call.signal = signal;
      call.hashHigh = hash.high;
      call.hashLow = hash.low;
      call.partition = partition;
      if (signal !== null) signal.addEventListener('abort', call.onAbort);
      call.start(route, kind, request, timeoutMs);
    });
  }

  readonly #onDone = (operation: Operation): void => {
    assert(operation instanceof PendingCall, 'pooled calls come back here');
    const { resolve, reject, convert, kind, signal } = operation;
    if (signal !== null) signal.removeEventListener('abort', operation.onAbort);
    if (operation.failure !== null) {
      reject(errorOf(operation));
    } else {
      assert(convert !== null && kind !== null, 'a call under way knows its result');
      try {
        resolve(convert(operation.result(kind), operation));
      } catch (error) {
        if (!(error instanceof PegasusError)) throw error;
        reject(error);
      }
    }
    operation.resolve = ignore;
    operation.reject = ignore;
    operation.convert = null;
    operation.kind = null;
    operation.signal = null;
    if (this.#free.length < POOL_MAX) this.#free.push(operation);
  };
}

function ignore(): void {}
