/**
 * The edge where operations become promises: records are pooled, so that a call costs one promise and no new record.
 */
import { assert } from '../base/assert.ts';
import type { U64 } from '../base/crc64.ts';
import type { CallOptions, CancelSignal } from './api.ts';
import type { Engine } from './engine.ts';
import { AbortedError, InvalidArgumentError, PegasusError } from './errors.ts';
import type { HookCaller } from './hooks.ts';
import { Operation, type Route } from './operation.ts';
import { errorOf } from './operation-error.ts';
import type { OperationKind } from './operation-kinds.ts';
import { type Abortable, Cancel } from './signal-groups.ts';

/** Makes the caller's value; what it keeps of the result it must copy. May throw a `PegasusError`. */
export type Convert<Result, Value> = (result: Result, operation: Operation) => Value;

const POOL_MAX = 1024;
const NOTHING: readonly unknown[] = [];

class PendingCall extends Operation implements Abortable {
  resolve: (value: unknown) => void = ignore;
  reject: (error: PegasusError) => void = ignore;
  convert: Convert<unknown, unknown> | null = null;
  kind: OperationKind<unknown, unknown> | null = null;
  signal: CancelSignal | null = null;
  /** What hooks keep between start and end; unused without hooks. */
  started: readonly unknown[] = NOTHING;
  startedMs = 0;
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
      if (signal !== null) this.#engine.signals.join(signal, call);
      if (this.#engine.hooks !== null) this.#tellStart(this.#engine.hooks, call, route);
      call.start(route, kind, request, timeoutMs);
    });
  }

  #tellStart(hooks: HookCaller, call: PendingCall, { table }: Route): void {
    assert(call.kind !== null, 'a call that starts has a kind');
    call.startedMs = this.#engine.wheel.nowMs();
    call.started = hooks.start({ operation: call.kind.name, table });
  }

  #tellEnd(hooks: HookCaller, call: PendingCall, error: PegasusError | null): void {
    const { operation, table, server, attempts } = call.details();
    const durationMs = this.#engine.wheel.nowMs() - call.startedMs;
    const abandoned =
      call.failure === 'aborted' && call.signal instanceof Cancel && call.signal.abandoned;
    const end = { operation, table, server, attempts, durationMs, abandoned };
    hooks.end({ ...end, error: abandoned ? null : error }, call.started);
    call.started = NOTHING;
  }

  readonly #onDone = (operation: Operation): void => {
    assert(operation instanceof PendingCall, 'pooled calls come back here');
    const { resolve, reject, convert, kind, signal } = operation;
    if (signal !== null) this.#engine.signals.leave(signal, operation);
    let error: PegasusError | null = null;
    if (operation.failure !== null) {
      error = errorOf(operation);
    } else {
      assert(convert !== null && kind !== null, 'a call under way knows its result');
      try {
        resolve(convert(operation.result(kind), operation));
      } catch (thrown) {
        if (!(thrown instanceof PegasusError)) throw thrown;
        error = thrown;
      }
    }
    if (error !== null) reject(error);
    if (this.#engine.hooks !== null) this.#tellEnd(this.#engine.hooks, operation, error);
    operation.resolve = ignore;
    operation.reject = ignore;
    operation.convert = null;
    operation.kind = null;
    operation.signal = null;
    if (this.#free.length < POOL_MAX) this.#free.push(operation);
  };
}

function ignore(): void {}
