/** get and ttl: one row by its key. The value goes from the engine's memory into the reply in one copy. */
import { assert } from '../base/assert.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { EngineStatus, type ValueView } from '../env/engine.ts';
import { isClientKey } from '../model/key.ts';
import { isExpired, ttlNow, ttlReply } from '../model/ttl.ts';
import { expireOf, VALUE_HEADER_BYTES } from '../model/value.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import type { Writer } from '../wire/writer.ts';
import { ReadOutcome } from './read-outcome.ts';
import { PoolLane, type PoolTask } from './read-pool.ts';
import type { ReadJob, ReadScope } from './read-scope.ts';

type PointCode = typeof RpcCode.get | typeof RpcCode.ttl;

/** Null: a key that no client may use. */
export function pointReadJob(scope: ReadScope, code: PointCode, key: Uint8Array): ReadJob | null {
  return isClientKey(key) ? new PointReadJob(scope, code, key) : null;
}

class PointReadJob implements ReadJob, PoolTask {
  private readonly scope: ReadScope;
  private readonly code: PointCode;
  private readonly key: Uint8Array;
  private readonly view: ValueView;
  private writer: Writer | null;
  private done: ((outcome: ReadOutcome) => void) | null;
  deadlineMs: number;

  constructor(scope: ReadScope, code: PointCode, key: Uint8Array) {
    this.scope = scope;
    this.code = code;
    this.key = key;
    this.view = { bytes: EMPTY_BYTES, start: 0, end: 0 };
    this.writer = null;
    this.done = null;
    this.deadlineMs = Infinity;
  }

  runNow(writer: Writer): ReadOutcome {
    const status = this.scope.engine.get(this.key, this.view);
    return answerPoint(this.scope, this.code, this.key.length, status, this.view, writer);
  }

  runLater(writer: Writer, deadlineMs: number, done: (outcome: ReadOutcome) => void): void {
    this.writer = writer;
    this.deadlineMs = deadlineMs;
    this.done = done;
    this.scope.pool.submit(PoolLane.point, this);
  }

  start(): void {
    const { scope, key, view } = this;
    if (scope.isClosed) this.onStatus(EngineStatus.invalid);
    else scope.engine.getLater(key, view, (status) => this.onStatus(status));
  }

  expire(): void {
    this.end(ReadOutcome.expired);
  }

  private onStatus(status: EngineStatus): void {
    const { scope, code, key, view, writer } = this;
    assert(writer !== null, 'a late read has a place for its answer');
    const outcome = scope.isClosed
      ? ReadOutcome.closed
      : answerPoint(scope, code, key.length, status, view, writer);
    // Before the next step, whose answer takes the meter's numbers.
    this.end(outcome);
    scope.pool.finished(PoolLane.point);
  }

  private end(outcome: ReadOutcome): void {
    const { done } = this;
    assert(done !== null, 'a late read ends once');
    this.done = null;
    done(outcome);
  }
}

/** Writes the result of a look-up that ended with `status` and, if that is ok, lies at `view`. */
export function answerPoint(
  scope: ReadScope,
  code: PointCode,
  keyLength: number,
  status: EngineStatus,
  view: ValueView,
  writer: Writer,
): ReadOutcome {
  const { replies, clock, meter } = scope;
  if (status === EngineStatus.ok) {
    const { bytes, start, end } = view;
    if (end - start < VALUE_HEADER_BYTES) return ReadOutcome.failed;
    const expireSeconds = expireOf(bytes, start);
    const nowSeconds = expireSeconds === 0 ? 0 : ttlNow(clock.wallMs());
    if (!isExpired(expireSeconds, nowSeconds)) {
      const { ok } = StorageStatus;
      if (code === RpcCode.ttl) replies.writeTtl(writer, ok, ttlReply(expireSeconds, nowSeconds));
      else replies.writeValue(writer, ok, bytes, start + VALUE_HEADER_BYTES, end);
      meter.answered(code === RpcCode.ttl ? 0 : keyLength + end - start - VALUE_HEADER_BYTES, 1);
      return ReadOutcome.done;
    }
    meter.expiredValues++;
  } else if (status !== EngineStatus.notFound) {
    return scope.outcomeOf(status);
  }
  meter.answered(0, 1);
  if (code === RpcCode.ttl) replies.writeTtl(writer, StorageStatus.notFound, 0);
  else replies.writeValue(writer, StorageStatus.notFound, EMPTY_BYTES, 0, 0);
  return ReadOutcome.done;
}
