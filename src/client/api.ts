/**
 * The client as its users see it.
 *
 * A row is addressed by a hash key, which decides the partition, and a sort key, by which the rows
 * of one hash key are ordered. Operations on one hash key are atomic; there is no atomicity across
 * hash keys.
 *
 * Keys and values go in as bytes or as strings (UTF-8) and come back as bytes that belong to the
 * caller, or are what the codecs of the table make of them. Every operation ends by its deadline.
 * What is rejected is a `PegasusError`.
 */
import type { Admin } from './admin-api.ts';
import type { AnyCodec, BytesCodec } from './codec.ts';
import type { ClientHooks } from './hooks.ts';
import type { FailedAttempt } from './retry-policy.ts';
import type { Table, TableCodecs } from './table-api.ts';

export type * from './admin-api.ts';
export type { AnyCodec, BytesCodec, Codec, In, Out } from './codec.ts';
export type { ClientHooks, OperationEnd, OperationStart } from './hooks.ts';
export type { AttemptFailure, FailedAttempt } from './retry-policy.ts';
export type * from './table-api.ts';

/** A string stands for its UTF-8 bytes. */
export type Bytes = Uint8Array | string;

/** What the client uses of an `AbortSignal`. */
export interface CancelSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

export interface CallOptions {
  /** From the call to the result, retries included. Default: that of the client. */
  readonly timeoutMs?: number | undefined;
  /**
   * Ends the operation at once; a write that was sent already is then in doubt. One signal may hang
   * on any number of operations.
   */
  readonly signal?: CancelSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  /**
   * Seconds until the row expires, counted from now by the clock of this machine. Absent: the
   * table's default.
   */
  readonly ttlSeconds?: number | undefined;
}

/** When the client tries again by itself. A policy can forbid attempts, not allow unsafe ones. */
export interface RetryPolicy {
  /**
   * Sends of one operation. Default 100; 1 = never again. The client's own questions, by which it
   * finds servers, do not count.
   */
  readonly attemptsMax?: number | undefined;
  /** Pause before the second attempt at a busy server; doubles, jittered. Default 10. */
  readonly backoffMs?: number | undefined;
  /** Default 500. */
  readonly backoffMsMax?: number | undefined;
  /** Asked before each further attempt; false ends the operation with what has happened so far. */
  readonly mayRetry?: ((failure: FailedAttempt) => boolean) | undefined;
}

export interface ClientOptions {
  /**
   * Addresses of meta servers, `host:port`, in any order; some may be down. A string is split at
   * commas.
   */
  readonly metas: string | readonly string[];
  /** Default 10,000. */
  readonly timeoutMs?: number;
  /**
   * What to do with a put or delete whose connection broke before the answer came. `retry` (the
   * default) sends it again: it cannot count double, but should another client have written the
   * same row in between, that write is overwritten. `fail` rejects with `InDoubtError` instead.
   * Operations that depend on the old value are never sent twice.
   */
  readonly ambiguousWrites?: 'retry' | 'fail';
  readonly retry?: RetryPolicy;
  /**
   * Join the gets of one turn of the event loop that go to one partition into one request. Results
   * are the same; gets with options of their own are sent alone. Default false.
   */
  readonly coalesceGets?: boolean;
  /** Told of every operation: for metrics and traces. */
  readonly hooks?: readonly ClientHooks[];
  /**
   * Requests that may wait for their answers per server; more are held back here. Default 4,096.
   */
  readonly outstandingMax?: number;
  /**
   * Operations that the client holds at most before it rejects with `OverloadedError`. Default
   * 262,144.
   */
  readonly operationsMax?: number;
}

/**
 * One per process is enough: it holds one connection per server, and all its operations share them.
 */
export interface Client extends AsyncDisposable {
  readonly admin: Admin;
  /** Cheap, asks nobody: a table that does not exist shows at its first operation. */
  table(name: string): Table;
  /** With keys and values of your own types. */
  table<
    HashKey extends AnyCodec = BytesCodec,
    SortKey extends AnyCodec = BytesCodec,
    Value extends AnyCodec = BytesCodec,
  >(name: string, codecs: TableCodecs<HashKey, SortKey, Value>): Table<HashKey, SortKey, Value>;
  /** Ends operations under way with `ClosedError` or `InDoubtError` and closes all connections. */
  close(): Promise<void>;
}
