/**
 * Requests, and refusals, that a throttle holds back: each is handed out again when its time has come.
 *
 * Invariant: whatever is added is handed out or, when the replica closes, answered, exactly once. It is bounded.
 */
import { assert } from '../base/assert.ts';
import { ErrorCode } from '../base/error-names.ts';
import { Heap } from '../base/heap.ts';
import type { Clock, TimerHandle, Timers } from '../env/clock.ts';
import type { ThriftSession } from '../rpc/thrift-session.ts';
import { RequestHeader } from '../wire/thrift-frame.ts';

export interface DelayedRequest {
  readonly dueMs: number;
  /** Of equal times, in the order of arrival. */
  readonly order: number;
  readonly session: ThriftSession;
  readonly header: RequestHeader;
  /** Argument struct, an own copy; null: the request is refused already, and only its answer waits. */
  readonly body: Uint8Array | null;
  /** Monotonic; the client does not wait longer. */
  readonly deadlineMs: number;
}

const REQUESTS_MAX = 1_024;

export class DelayedRequests {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly onDue: (request: DelayedRequest) => void;
  private readonly heap = new Heap<DelayedRequest>(isBefore);
  private added = 0;
  private timer: TimerHandle | null = null;

  constructor(
    environment: { readonly clock: Clock; readonly timers: Timers },
    onDue: (request: DelayedRequest) => void,
  ) {
    this.clock = environment.clock;
    this.timers = environment.timers;
    this.onDue = onDue;
  }

  get count(): number {
    return this.heap.size;
  }

  /** False: too many wait already. */
  add(
    waitMs: number,
    session: ThriftSession,
    header: RequestHeader,
    body: Uint8Array | null,
    deadlineMs: number,
  ): boolean {
    assert(waitMs >= 0, 'a request waits forwards in time');
    if (this.heap.size >= REQUESTS_MAX) return false;
    this.added += 1;
    const dueMs = this.clock.monotonicMs() + waitMs;
    const kept = Object.assign(new RequestHeader(), header);
    this.heap.push({ dueMs, order: this.added, session, header: kept, body, deadlineMs });
    if (this.timer !== null && this.timer.dueMs > dueMs) this.disarm();
    this.arm();
    return true;
  }

  /** Refuses all that waits. Idempotent. */
  close(): void {
    this.disarm();
    while (this.heap.size > 0) {
      const { session, header } = this.heap.pop();
      session.replyError(header.rpc, header.seqid, ErrorCode.invalidState);
    }
  }

  private arm(): void {
    const first = this.heap.peek();
    if (this.timer !== null || first === null) return;
    const delayMs = Math.max(first.dueMs - this.clock.monotonicMs(), 0);
    this.timer = this.timers.after(Math.ceil(delayMs), () => {
      this.timer = null;
      this.handOut();
      this.arm();
    });
  }

  private disarm(): void {
    if (this.timer !== null) this.timers.cancel(this.timer);
    this.timer = null;
  }

  private handOut(): void {
    const nowMs = this.clock.monotonicMs();
    for (let first = this.heap.peek(); first !== null; first = this.heap.peek()) {
      if (first.dueMs > nowMs) return;
      this.onDue(this.heap.pop());
    }
  }
}

function isBefore(a: DelayedRequest, b: DelayedRequest): boolean {
  return a.dueMs === b.dueMs ? a.order < b.order : a.dueMs < b.dueMs;
}

/**
 * Until when the client waits. Headers of version 0 do not tell: Go's client fills in a wrong time
 * for timeouts above 4.3 s, and Node's none.
 */
export function deadlineOf(header: RequestHeader, nowMs: number): number {
  const { version, timeoutMs } = header;
  return version > 0 && timeoutMs > 0 ? nowMs + timeoutMs : Infinity;
}
