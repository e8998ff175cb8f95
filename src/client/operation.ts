/**
 * One operation, from the call to its result, over as many attempts as it takes. No promise, closure or timer of its
 * own: the record is a reusable state machine that calls `done` once per `start`. Promises are made at the edge
 * (table.ts).
 *
 *   idle → submitted → idle, with detours: parked while the place to go is unknown, pausing before another attempt
 *
 *  1. It ends by its deadline, or when it is aborted, whatever servers do.
 *  2. `attempts` never exceeds the bound of the retry policy, which may forbid attempts but never allow unsafe ones.
 *  3. A request of which no trace can exist at a server is tried again. One that was sent and not answered is tried
 *     again if it is a read, or an idempotent write and the client is set to; else it ends in doubt.
 *     Such attempts have a time of their own, a part of the timeout, unless it is the last one that the policy allows:
 *     a server that has lost a request must not cost the whole operation.
 *  4. Once an attempt of a write was left in doubt, the operation can end in success or in doubt, not in a plain
 *     failure.
 */
import { assert, unreachable } from '../base/assert.ts';
import { ErrorCode, errorName } from '../base/error-names.ts';
import { type CallQueue, ClientCall, type LossReason } from '../rpc/client-call.ts';
import type { ClientSession } from '../rpc/client-session.ts';
import type { Reader } from '../wire/reader.ts';
import type { ReplyHeader } from '../wire/thrift-frame.ts';
import { WireError } from '../wire/types.ts';
import type { Writer } from '../wire/writer.ts';
import type { Engine } from './engine.ts';
import type { DoubtReason, ErrorDetails, PegasusErrorCode } from './errors.ts';
import type { OperationKind } from './operation-kinds.ts';
import { type AttemptFailure, pauseMs, type Reaction, type RetryRules } from './retry-policy.ts';

/** Where operations go: the partitions of a table, or the meta servers. */
export interface Route {
  /** Name of the table, or empty. */
  readonly table: string;
  /** Operations that are parked or pausing. They leave it by themselves. */
  readonly waiting: CallQueue<Operation>;
  reactionTo(code: ErrorCode): Reaction;
  /** Submits the operation somewhere, parks it until it is known where, pauses it or fails it. */
  dispatch(operation: Operation): void;
  /** As `dispatch`, after the place where it was last has turned out to be wrong. */
  redirect(operation: Operation): void;
}

/** `moving`: between two of the others, within one call. `refused`: ends in this turn. */
type State = 'idle' | 'refused' | 'moving' | 'parked' | 'submitted' | 'pausing';

/** An attempt that may be repeated and is older than this share of the timeout is given up. */
const QUICK_READ_ATTEMPTS = 3;
const QUICK_READ_ATTEMPT_MS_MIN = 500;
const WRITE_ATTEMPTS = 2;
const WRITE_ATTEMPT_MS_MIN = 1_000;
/** Meta servers that name each other are not followed for ever. */
const FORWARDS_MAX = 100;

export class Operation extends ClientCall {
  readonly engine: Engine;
  readonly #done: (operation: Operation) => void;
  readonly #rules: RetryRules;
  #state: State = 'idle';
  #route: Route | null = null;
  #kind: OperationKind<unknown, unknown> | null = null;
  #request: unknown = null;
  #result: unknown = null;
  #code: ErrorCode = ErrorCode.ok;
  #deadlineMs = 0;
  /** What one attempt may take; infinite when it is not to be repeated for its age. */
  #attemptMs = 0;
  #attemptEndMs = 0;
  #attempts = 0;
  #server = '';
  #serverCode: ErrorCode = ErrorCode.ok;
  #failure: PegasusErrorCode | null = null;
  #doubt: DoubtReason | null = null;
  /** By the caller's own policy, while it was being asked. */
  #abortedWhileAsking = false;

  /** Partition asked for, or -1 to take it from the hash. Set before `start`. */
  partition = -1;
  /** Belongs to the route: generation of the configuration that it was last dispatched by. */
  epoch = 0;

  /** `done` may start the operation again. `rules`: those of the client, if not given. */
  constructor(engine: Engine, done: (operation: Operation) => void, rules?: RetryRules) {
    super();
    this.engine = engine;
    this.#done = done;
    this.#rules = rules ?? engine.retry;
  }

  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  /** Null after success. */
  get failure(): PegasusErrorCode | null {
    return this.#failure;
  }

  /** Why a write is in doubt. */
  get doubt(): DoubtReason | null {
    return this.#doubt;
  }

  get attempts(): number {
    return this.#attempts;
  }

  details(): ErrorDetails {
    return {
      operation: this.#kind?.name ?? '',
      table: this.#route?.table ?? '',
      server: this.#server,
      serverCode: this.#serverCode === ErrorCode.ok ? '' : errorName(this.#serverCode),
      attempts: this.#attempts,
    };
  }

  /** `request` and the bytes in it must not change until `done`, which is never called from within `start`. */
  start<Request, Result>(
    route: Route,
    kind: OperationKind<Request, Result>,
    request: Request,
    timeoutMs: number,
  ): void {
    assert(this.#state === 'idle', 'an operation is started when it is idle');
    assert(timeoutMs >= 0, 'a timeout is not negative');
    this.#route = route;
    this.#kind = kind as OperationKind<unknown, unknown>;
    this.#request = request;
    this.#result = null;
    this.#attempts = 0;
    this.#server = '';
    this.#serverCode = ErrorCode.ok;
    this.#failure = null;
    this.#doubt = null;
    this.#abortedWhileAsking = false;
    this.rpc = kind.rpc;
    this.isBackup = false;
    const refusal = this.engine.admit();
    if (refusal !== null) {
      this.#state = 'refused';
      this.engine.later(() => this.#finish(refusal));
      return;
    }
    this.#state = 'moving';
    const nowMs = this.engine.wheel.nowMs();
    this.#deadlineMs = nowMs + timeoutMs;
    this.#attemptMs = this.#attemptTimeMs(timeoutMs);
    this.#beginAttempt(nowMs);
    route.dispatch(this);
  }

  /** Of the last `start`, inside `done`; views in it are valid until `done` returns. */
  result<Request, Result>(kind: OperationKind<Request, Result>): Result {
    assert(this.#failure === null, 'only success has a result');
    assert(this.rpc === kind.rpc, 'a result is read as what was asked for');
    return this.#result as Result;
  }

  /** What the last server answered with, for routes. */
  peek(): unknown {
    return this.#result;
  }

  abort(): void {
    if (this.#state === 'moving') this.#abortedWhileAsking = true;
    else if (this.#state !== 'idle' && this.#state !== 'refused') this.#giveUp('aborted');
  }

  // ---- for routes, from within `dispatch` and `redirect` ----

  /** False if the session cannot take it now. */
  submitTo(session: ClientSession, appId: number, partitionIndex: number): boolean {
    assert(this.#state === 'moving', 'an operation is submitted when it is nowhere else');
    this.appId = appId;
    this.partitionIndex = partitionIndex;
    if (!session.submit(this)) return false;
    this.#attempts++;
    this.#server = session.name;
    this.#state = 'submitted';
    return true;
  }

  /** Waits until the route unparks it. */
  park(): void {
    assert(this.#state === 'moving', 'an operation is parked when it is nowhere else');
    assert(this.#route !== null, 'an operation under way has a route');
    this.#state = 'parked';
    this.#route.waiting.push(this);
  }

  /** Comes back by `dispatch` after a moment. */
  pause(): void {
    assert(this.#state === 'moving', 'an operation pauses when it is nowhere else');
    assert(this.#route !== null, 'an operation under way has a route');
    this.#state = 'pausing';
    this.#route.waiting.push(this);
    const nowMs = this.engine.wheel.nowMs();
    const chance = this.engine.random.fraction();
    const waitMs = pauseMs(this.#rules, Math.max(this.#attempts, 1), chance);
    this.engine.wheel.schedule(this, Math.min(nowMs + waitMs, this.#deadlineMs));
  }

  fail(failure: PegasusErrorCode, serverCode: ErrorCode): void {
    assert(this.#state === 'moving', 'a route fails what is nowhere else');
    if (serverCode !== ErrorCode.ok) this.#serverCode = serverCode;
    this.#finish(failure);
  }

  get isParked(): boolean {
    return this.#state === 'parked';
  }

  get isWaiting(): boolean {
    return this.#state === 'parked' || this.#state === 'pausing';
  }

  /** Takes it out of `waiting`; the route dispatches or fails it next. */
  unpark(): void {
    assert(this.isWaiting, 'only what waits is taken out');
    assert(this.#route !== null, 'an operation under way has a route');
    this.#route.waiting.remove(this);
    this.#state = 'moving';
    // What it has waited is no part of the next attempt.
    this.#beginAttempt(this.engine.wheel.nowMs());
  }

  /** The partition has another primary now. */
  onMoved(): void {
    if (this.#state !== 'submitted' || this.session === null) return;
    if (this.sent && !this.#mayRepeat()) return;
    const wasSent = this.sent;
    this.session.withdraw(this);
    this.#retry('refresh', wasSent, 'connectionLost');
  }

  /** Of the attempt: a server must not work, or let the request wait, for longer. */
  override timeLeftMs(nowMs: number): number {
    return Math.max(Math.ceil(this.#attemptEndMs - nowMs), 1);
  }

  override writeArgument(writer: Writer): void {
    assert(this.#kind !== null, 'a submitted operation has a kind');
    this.#kind.write(writer, this.#request);
  }

  override readReply(header: ReplyHeader, reader: Reader): void {
    assert(this.#kind !== null, 'a submitted operation has a kind');
    this.#code = header.error;
    this.#result = null;
    if (header.error !== ErrorCode.ok) return;
    if (!header.hasResult) throw new WireError('truncated', 'a reply without error has no result');
    this.#result = this.#kind.read(reader);
    this.#code = this.#kind.refusal(this.#result);
  }

  override onReply(): void {
    assert(this.#state === 'submitted', 'an answer comes to a submitted operation');
    if (this.#code === ErrorCode.ok) {
      this.#finish(null);
      return;
    }
    this.#serverCode = this.#code;
    assert(this.#route !== null, 'a submitted operation has a route');
    const reaction = this.#route.reactionTo(this.#code);
    if (reaction === 'doubt') this.#retry('again', true, 'server');
    else if (reaction === 'fail') this.#finish('rejected');
    else this.#retry(reaction === 'refresh' ? 'refresh' : 'again', false, 'refused');
  }

  override onLost(reason: LossReason): void {
    // The end of another call of the same session may have ended or restarted this one meanwhile.
    if (this.#state !== 'submitted' || this.session !== null) return;
    switch (reason) {
      case 'closed':
        if (this.sent) this.#noteDoubt('closed');
        this.#finish('closed');
        return;
      case 'badReply':
        this.#retry('refresh', this.sent, 'badReply');
        return;
      case 'connection':
        this.#retry('refresh', this.sent, 'connectionLost');
        return;
      default:
        unreachable(reason);
    }
  }

  override onWake(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) {
      this.#giveUp('timeout');
    } else if (this.#state === 'pausing') {
      this.unpark();
      this.#route?.dispatch(this);
    } else if (this.#state === 'submitted' && nowMs >= this.#attemptEndMs) {
      const wasSent = this.sent;
      this.session?.withdraw(this);
      this.#retry('refresh', wasSent, 'timeout');
    } else {
      this.engine.wheel.schedule(this, this.#deadlineMs);
    }
  }

  #attemptTimeMs(timeoutMs: number): number {
    assert(this.#kind !== null, 'an operation under way has a kind');
    const { quick, retry } = this.#kind;
    if (retry === 'read') {
      if (!quick) return Number.POSITIVE_INFINITY;
      return Math.max(timeoutMs / QUICK_READ_ATTEMPTS, QUICK_READ_ATTEMPT_MS_MIN);
    }
    if (!this.#mayRepeat()) return Number.POSITIVE_INFINITY;
    return Math.max(timeoutMs / WRITE_ATTEMPTS, WRITE_ATTEMPT_MS_MIN);
  }

  #beginAttempt(nowMs: number): void {
    const isLast = this.#attempts + 1 >= this.#rules.attemptsMax;
    const attemptMs = isLast ? Number.POSITIVE_INFINITY : this.#attemptMs;
    this.#attemptEndMs = Math.min(nowMs + attemptMs, this.#deadlineMs);
    this.engine.wheel.schedule(this, this.#attemptEndMs);
  }

  #mayRepeat(): boolean {
    const retry = this.#kind?.retry;
    return retry === 'read' || (retry === 'idempotent' && this.engine.repeatsWrites);
  }

  /** What the policy says about another attempt that would be safe. */
  #mayTryAgain(reason: AttemptFailure): boolean {
    // To be sent on to the leader is no failure.
    const isForwarded = this.#code === ErrorCode.forwardToOthers && reason === 'refused';
    if (isForwarded) return this.#attempts < FORWARDS_MAX;
    const { attemptsMax, mayRetry } = this.#rules;
    if (this.#attempts >= attemptsMax) return false;
    if (mayRetry === null) return true;
    try {
      return mayRetry({ ...this.details(), reason });
    } catch (error) {
      this.engine.environment.logger.error('client.retryPolicy.failed', { message: String(error) });
      return false;
    }
  }

  #noteDoubt(reason: DoubtReason): void {
    if (this.#kind?.retry !== 'read') this.#doubt = reason;
  }

  /** The attempt has failed and is in no session any more. `maybe`: the server may have executed it. */
  #retry(reaction: 'refresh' | 'again', maybe: boolean, failure: AttemptFailure): void {
    assert(this.session === null, 'an attempt that failed has left its session');
    assert(this.#route !== null, 'an operation under way has a route');
    if (maybe) this.#noteDoubt(failure === 'refused' ? 'server' : failure);
    this.#state = 'moving';
    const isSafe = !maybe || this.#mayRepeat();
    // The policy is the caller's code: it may abort the operation, or close the client.
    const isWanted = isSafe && !this.engine.isClosed && this.#mayTryAgain(failure);
    if (this.engine.isClosed) {
      this.#finish('closed');
    } else if (this.#abortedWhileAsking) {
      this.#finish('aborted');
    } else if (!isSafe) {
      this.#finish('inDoubt');
    } else if (!isWanted) {
      this.#finish(failure === 'badReply' ? 'badReply' : 'unavailable');
    } else if (reaction === 'again') {
      this.pause();
    } else {
      this.#beginAttempt(this.engine.wheel.nowMs());
      this.#route.redirect(this);
    }
  }

  #giveUp(reason: 'timeout' | 'aborted'): void {
    if (this.#state === 'submitted') {
      if (this.sent) this.#noteDoubt(reason);
      // Null: its session is being lost, and it has not been told yet.
      this.session?.withdraw(this);
    } else {
      this.unpark();
    }
    this.#finish(reason);
  }

  #finish(failure: PegasusErrorCode | null): void {
    assert(this.#state !== 'idle', 'an operation ends once');
    this.#failure = failure !== null && this.#doubt !== null ? 'inDoubt' : failure;
    const wasRefused = this.#state === 'refused';
    this.#state = 'idle';
    this.engine.wheel.cancel(this);
    if (!wasRefused) this.engine.release();
    this.#request = null;
    this.#done(this);
    if (this.#state === 'idle') this.#result = null;
  }
}
