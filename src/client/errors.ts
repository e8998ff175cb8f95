/**
 * What can go wrong, for a caller who has to decide what to do next.
 *
 * The one question that matters about a failed write is whether it may have happened: `maybeApplied` answers it on
 * every error, and it is true exactly for `InDoubtError`. All other errors of a write mean that the cluster holds no
 * trace of it.
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
  | 'badReply';

/** Why the fate of a write is unknown. */
export type DoubtReason =
  | 'timeout'
  | 'aborted'
  | 'closed'
  | 'connectionLost'
  | 'badReply'
  | 'server';

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

  constructor(message: string, details: ErrorDetails = NO_DETAILS) {
    super(message);
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

  constructor(message: string, reason: DoubtReason, details: ErrorDetails) {
    super(message, details);
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
