/**
 * Hedged reads: the primary first; when it has not answered after a while, a secondary too, and the
 * first answer that may be used is the result.
 *
 *  1. What the primary answers is always used. What a secondary answers is used if the caller takes
 *     any age, or if the server vouches for an age within the caller's bound (`ReadStaleness`).
 *  2. A secondary is asked once, and its failure is nobody's: the read goes on waiting for the
 *     primary. The read fails when the primary has failed and no secondary is left that may answer;
 *     the error is the primary's.
 *  3. Whatever decides the read ends the other request.
 */
import type { U64 } from '../base/crc64.ts';
import { ErrorCode } from '../base/error-names.ts';
import type { TimerHandle } from '../env/clock.ts';
import { CallQueue } from '../rpc/client-call.ts';
import { readReadStaleness } from '../wire/generated/rrdb.ts';
import type { CallOptions } from './api.ts';
import { toTimeout } from './arguments.ts';
import type { Engine } from './engine.ts';
import { AbortedError, PegasusError } from './errors.ts';
import type { Operation, Route } from './operation.ts';
import type { OperationKind } from './operation-kinds.ts';
import type { Convert, PendingCalls } from './pending-calls.ts';
import type { Reaction } from './retry-policy.ts';
import { type Abortable, Cancel } from './signal-groups.ts';
import type { HedgedRead, HedgeOptions } from './table-api.ts';
import type { TableRoute } from './table-route.ts';

export interface HedgeContext {
  readonly engine: Engine;
  readonly calls: PendingCalls;
  readonly route: TableRoute;
  readonly options: HedgeOptions;
}

export interface HedgedRequest<Request, Result, Value> {
  readonly kind: OperationKind<Request, Result>;
  readonly hash: U64;
  readonly request: Request;
  readonly convert: Convert<Result, Value>;
  readonly options: CallOptions | undefined;
}

/** Throws `AbortedError` or `InvalidArgumentError` in the promise only. */
export async function readHedged<Request, Result, Value>(
  context: HedgeContext,
  request: HedgedRequest<Request, Result, Value>,
): Promise<HedgedRead<Value>> {
  const { kind, options } = request;
  const timeoutMs = toTimeout(options?.timeoutMs, context.engine.timeoutMs);
  if (options?.signal?.aborted === true) {
    throw new AbortedError(`${kind.name}: aborted by the caller`);
  }
  return new Promise((resolve, reject) => {
    new HedgedCall(context, request, timeoutMs, resolve, reject).start();
  });
}

/** To a secondary, once. */
class SecondaryRoute implements Route {
  readonly table: string;
  readonly waiting: CallQueue<Operation> = new CallQueue<Operation>();
  readonly #route: TableRoute;

  constructor(route: TableRoute) {
    this.table = route.table;
    this.#route = route;
  }

  reactionTo(): Reaction {
    return 'fail';
  }

  dispatch(operation: Operation): void {
    operation.isBackup = true;
    if (!this.#route.submitToSecondary(operation)) operation.fail('unavailable', ErrorCode.ok);
  }

  redirect(operation: Operation): void {
    operation.fail('unavailable', ErrorCode.ok);
  }
}

interface Aged<Result> {
  readonly result: Result;
  /** `Infinity`: the server did not say. */
  readonly stalenessMs: number;
}

/** The same request, read together with what the server says about the age of its answer. */
function agedKind<Request, Result>(
  kind: OperationKind<Request, Result>,
): OperationKind<Request, Aged<Result>> {
  return {
    ...kind,
    read: (reader) => {
      const result = kind.read(reader);
      const { stalenessMs } = readReadStaleness(reader);
      return { result, stalenessMs: stalenessMs ?? Number.POSITIVE_INFINITY };
    },
    refusal: ({ result }) => kind.refusal(result),
  };
}

class HedgedCall<Request, Result, Value> implements Abortable {
  readonly #context: HedgeContext;
  readonly #request: HedgedRequest<Request, Result, Value>;
  readonly #deadlineMs: number;
  readonly #resolve: (read: HedgedRead<Value>) => void;
  readonly #reject: (error: unknown) => void;
  readonly #toPrimary: Cancel = new Cancel();
  readonly #toSecondary: Cancel = new Cancel();
  #timer: TimerHandle | null = null;
  #primaryError: unknown = null;
  #isSecondaryUnderWay = false;
  #ended = false;

  constructor(
    context: HedgeContext,
    request: HedgedRequest<Request, Result, Value>,
    timeoutMs: number,
    resolve: (read: HedgedRead<Value>) => void,
    reject: (error: unknown) => void,
  ) {
    this.#context = context;
    this.#request = request;
    this.#deadlineMs = context.engine.wheel.nowMs() + timeoutMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): void {
    const { engine, options } = this.#context;
    const signal = this.#request.options?.signal;
    if (signal !== undefined) engine.signals.join(signal, this);
    const { afterMs } = options;
    this.#timer = engine.environment.timers.after(afterMs, () => this.#onTimer());
    this.#askPrimary();
  }

  abort(): void {
    this.#toPrimary.abort();
    this.#toSecondary.abort();
  }

  #abandon(): void {
    this.#toPrimary.abandon();
    this.#toSecondary.abandon();
  }

  #leftMs(): number {
    return Math.max(this.#deadlineMs - this.#context.engine.wheel.nowMs(), 0);
  }

  #askPrimary(): void {
    const { calls, route } = this.#context;
    const { kind, hash, request, convert } = this.#request;
    const options = { timeoutMs: this.#leftMs(), signal: this.#toPrimary };
    const tagged: Convert<Result, HedgedRead<Value>> = (result, operation) => ({
      value: convert(result, operation),
      source: 'primary',
      server: operation.details().server,
      stalenessMs: 0,
    });
    calls
      .run(route, kind, hash, -1, options, () => request, tagged)
      .then(
        (read) => this.#end(() => this.#resolve(read)),
        (error: unknown) => {
          this.#primaryError = error;
          if (!this.#isSecondaryUnderWay) this.#end(() => this.#reject(error));
        },
      );
  }

  #onTimer(): void {
    this.#timer = null;
    const { engine, calls, route } = this.#context;
    if (this.#ended || engine.isClosed) return;
    const { kind, hash, request, convert } = this.#request;
    const options = { timeoutMs: this.#leftMs(), signal: this.#toSecondary };
    const tagged: Convert<Aged<Result>, HedgedRead<Value>> = (aged, operation) => ({
      value: convert(aged.result, operation),
      source: 'secondary',
      server: operation.details().server,
      // It grew older on its way.
      stalenessMs: aged.stalenessMs + engine.wheel.nowMs() - askedMs,
    });
    const way = new SecondaryRoute(route);
    const askedMs = engine.wheel.nowMs();
    this.#isSecondaryUnderWay = true;
    calls
      .run(way, agedKind(kind), hash, -1, options, () => request, tagged)
      .then(
        (read) => this.#onSecondary(read),
        (error: unknown) => {
          if (!(error instanceof PegasusError)) this.#end(() => this.#reject(error));
          else this.#onSecondary(null);
        },
      );
  }

  #onSecondary(read: HedgedRead<Value> | null): void {
    this.#isSecondaryUnderWay = false;
    const { stalenessMsMax } = this.#context.options;
    const isFresh =
      read !== null && (stalenessMsMax === 'any' || read.stalenessMs <= stalenessMsMax);
    if (isFresh) this.#end(() => this.#resolve(read));
    else if (this.#primaryError !== null) this.#end(() => this.#reject(this.#primaryError));
  }

  #end(settle: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    const { engine } = this.#context;
    const signal = this.#request.options?.signal;
    if (signal !== undefined) engine.signals.leave(signal, this);
    if (this.#timer !== null) engine.environment.timers.cancel(this.#timer);
    this.#timer = null;
    settle();
    this.#abandon();
  }
}
