/**
 * What can go wrong, for a caller who has to decide what to do next.
 *
 * The one question that matters about a failed write is whether it may have happened: `maybeApplied` answers it on
 * every error. Of one write it is true exactly for `InDoubtError`: all other errors mean that the cluster holds no
 * trace of it. Of a batch (`BatchError`) it is true when any of its rows is, or may be, written.
 */

export type PegasusErrorCode =
  /** The deadline passed; nothing was written. */
  | 'timeout'
  /** A write was sent and its answer never came. */
  | 'inDoubt'
  /** The caller's signal fired; nothing was written. */
  | 'aborted'
  /** The client is closed. */
  | 'closed'
  /** No meta server answered, or none of the attempts reached a primary. */
  | 'unavailable'
  | 'tableNotFound'
  /** A key, value, option or the like that no server would take. Nothing was sent. */
  | 'invalidArgument'
  /** More operations are waiting than the client may hold. */
  | 'overloaded'
  /** A server refused for good: `serverCode` says why. */
  | 'rejected'
  /** The bytes that came back are no valid answer. */
  | 'badReply'
  /** A codec cannot decode what is stored. */
  | 'badValue'
  /** Of a batch, some or all items failed: `outcomes` says which. */
  | 'batch';

/** Why the caller cannot be told what became of a write. */
export type DoubtReason =
  | 'timeout'
  | 'aborted'
  | 'closed'
  | 'connectionLost'
  | 'badReply'
  | 'server'
  /** It was executed, but the codec cannot decode the value that came back. */
  | 'badValue';

export interface ErrorDetails {
  /** Operation, e.g. `set`. */
  readonly operation: string;
  /** Table, or empty for operations on the cluster. */
  readonly table: string;
  /** `host:port` of the server of the last attempt, or empty. */
  readonly server: string;
  /** Name that the last server answered, e.g. `ERR_INVALID_STATE`, or empty. */
  readonly serverCode: string;
  /** How often the request was tried. */
  readonly attempts: number;
}

export const NO_DETAILS: ErrorDetails = {
  operation: '',
  table: '',
  server: '',
  serverCode: '',
  attempts: 0,
};

/** Base of everything that the client throws, apart from broken invariants. */
export abstract class PegasusError extends Error {
  abstract readonly code: PegasusErrorCode;
  /** The write may be in the table, now or a little later. */
  readonly maybeApplied: boolean = false;
  readonly operation: string;
  readonly table: string;
  readonly server: string;
  readonly serverCode: string;
  readonly attempts: number;

  constructor(message: string, details: ErrorDetails = NO_DETAILS, options?: ErrorOptions) {
    super(message, options);
    this.operation = details.operation;
    this.table = details.table;
    this.server = details.server;
    this.serverCode = details.serverCode;
    this.attempts = details.attempts;
  }
}

export class TimeoutError extends PegasusError {
  override readonly name = 'TimeoutError';
  readonly code = 'timeout';
}

export class InDoubtError extends PegasusError {
  override readonly name = 'InDoubtError';
  readonly code = 'inDoubt';
  override readonly maybeApplied = true;
  readonly reason: DoubtReason;

  constructor(message: string, reason: DoubtReason, details: ErrorDetails, options?: ErrorOptions) {
    super(message, details, options);
    this.reason = reason;
  }
}

export class AbortedError extends PegasusError {
  override readonly name = 'AbortedError';
  readonly code = 'aborted';
}

export class ClosedError extends PegasusError {
  override readonly name = 'ClosedError';
  readonly code = 'closed';
}

export class UnavailableError extends PegasusError {
  override readonly name = 'UnavailableError';
  readonly code = 'unavailable';
}

export class TableNotFoundError extends PegasusError {
  override readonly name = 'TableNotFoundError';
  readonly code = 'tableNotFound';
}

export class InvalidArgumentError extends PegasusError {
  override readonly name = 'InvalidArgumentError';
  readonly code = 'invalidArgument';
}

export class OverloadedError extends PegasusError {
  override readonly name = 'OverloadedError';
  readonly code = 'overloaded';
}

export class RejectedError extends PegasusError {
  override readonly name = 'RejectedError';
  readonly code = 'rejected';
}

export class BadReplyError extends PegasusError {
  override readonly name = 'BadReplyError';
  readonly code = 'badReply';
}

/** `cause` is what the codec threw. */
export class BadValueError extends PegasusError {
  override readonly name = 'BadValueError';
  readonly code = 'badValue';
}

/** What became of one item of a batch of reads. */
export type ReadOutcome<Value = Uint8Array> =
  | { readonly status: 'found'; readonly value: Value }
  | { readonly status: 'missing' }
  | { readonly status: 'error'; readonly error: PegasusError };

/** What became of one item of a batch of writes. `error`: it was not applied. */
export type WriteOutcome =
  | { readonly status: 'ok' }
  | { readonly status: 'inDoubt'; readonly error: InDoubtError }
  | { readonly status: 'error'; readonly error: PegasusError };

/** `cause` is the error of the first item that failed. */
export class BatchError extends PegasusError {
  override readonly name = 'BatchError';
  readonly code = 'batch';
  override readonly maybeApplied: boolean;
  /** In the order of the items. */
  readonly outcomes: readonly (ReadOutcome<unknown> | WriteOutcome)[];

  constructor(
    message: string,
    outcomes: readonly (ReadOutcome<unknown> | WriteOutcome)[],
    first: PegasusError,
  ) {
    super(message, first, { cause: first });
    this.outcomes = outcomes;
    this.maybeApplied = outcomes.some(({ status }) => status === 'ok' || status === 'inDoubt');
  }
}
