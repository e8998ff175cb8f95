/** get and ttl: one row by its key. The value goes from the engine's memory into the reply in one copy. */
import { EMPTY_BYTES } from '../base/bytes.ts';
import { EngineStatus, type ValueView } from '../env/engine.ts';
import { isClientKey } from '../model/key.ts';
import { isExpired, ttlNow, ttlReply } from '../model/ttl.ts';
import { expireOf, VALUE_HEADER_BYTES } from '../model/value.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import type { Writer } from '../wire/writer.ts';
import { ReadOutcome } from './read-outcome.ts';
import type { ReadJob, ReadScope } from './read-scope.ts';

type PointCode = typeof RpcCode.get | typeof RpcCode.ttl;

/** Null: a key that no client may use. */
export function pointReadJob(scope: ReadScope, code: PointCode, key: Uint8Array): ReadJob | null {
  return isClientKey(key) ? new PointReadJob(scope, code, key) : null;
}

class PointReadJob implements ReadJob {
  private readonly scope: ReadScope;
  private readonly code: PointCode;
  private readonly key: Uint8Array;
  private readonly view: ValueView;

  constructor(scope: ReadScope, code: PointCode, key: Uint8Array) {
    this.scope = scope;
    this.code = code;
    this.key = key;
    this.view = { bytes: EMPTY_BYTES, start: 0, end: 0 };
  }

  runNow(writer: Writer): ReadOutcome {
    const status = this.scope.engine.get(this.key, this.view);
    return answerPoint(this.scope, this.code, status, this.view, writer);
  }

  runLater(writer: Writer, done: (outcome: ReadOutcome) => void): void {
    const { scope, code, view } = this;
    scope.engine.getLater(this.key, view, (status) => {
      done(scope.isClosed ? ReadOutcome.closed : answerPoint(scope, code, status, view, writer));
    });
  }
}

/** Writes the result of a look-up that ended with `status` and, if that is ok, lies at `view`. */
export function answerPoint(
  scope: ReadScope,
  code: PointCode,
  status: EngineStatus,
  view: ValueView,
  writer: Writer,
): ReadOutcome {
  const { replies, clock } = scope;
  if (status === EngineStatus.ok) {
    const { bytes, start, end } = view;
    if (end - start < VALUE_HEADER_BYTES) return ReadOutcome.failed;
    const expireSeconds = expireOf(bytes, start);
    const nowSeconds = expireSeconds === 0 ? 0 : ttlNow(clock.wallMs());
    if (!isExpired(expireSeconds, nowSeconds)) {
      const { ok } = StorageStatus;
      if (code === RpcCode.ttl) replies.writeTtl(writer, ok, ttlReply(expireSeconds, nowSeconds));
      else replies.writeValue(writer, ok, bytes, start + VALUE_HEADER_BYTES, end);
      return ReadOutcome.done;
    }
  } else if (status !== EngineStatus.notFound) {
    return scope.outcomeOf(status);
  }
  if (code === RpcCode.ttl) replies.writeTtl(writer, StorageStatus.notFound, 0);
  else replies.writeValue(writer, StorageStatus.notFound, EMPTY_BYTES, 0, 0);
  return ReadOutcome.done;
}
