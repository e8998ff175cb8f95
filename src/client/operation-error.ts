/** The error that a failed operation is reported by. */
import { assert, InvariantError, unreachable } from '../base/assert.ts';
import { StorageStatus } from '../wire/schema/rrdb.ts';
import {
  AbortedError,
  BadReplyError,
  BatchError,
  ClosedError,
  type DoubtReason,
  type ErrorDetails,
  InDoubtError,
  InvalidArgumentError,
  OverloadedError,
  type PegasusError,
  type ReadOutcome,
  RejectedError,
  TableNotFoundError,
  TimeoutError,
  UnavailableError,
  type WriteOutcome,
} from './errors.ts';
import type { Operation } from './operation.ts';

const DOUBT: Readonly<Record<DoubtReason, string>> = {
  timeout: 'it was sent, but no answer came in time',
  aborted: 'it was aborted after it had been sent',
  closed: 'the client was closed before the answer came',
  connectionLost: 'the connection broke before the answer came',
  badReply: 'the answer was damaged',
  server: 'the server could not say whether it was executed',
  badValue: 'the value that came back cannot be decoded',
};

export function errorOf(operation: Operation): PegasusError {
  const { failure, doubt } = operation;
  assert(failure !== null, 'only a failed operation has an error');
  const details = operation.details();
  const what = describe(details);
  switch (failure) {
    case 'timeout':
      return new TimeoutError(`${what}: the deadline passed${lastAnswer(details)}`, details);
    case 'inDoubt':
      assert(doubt !== null, 'a doubt has a reason');
      return new InDoubtError(`${what}: ${DOUBT[doubt]}; it may have been applied`, doubt, details);
    case 'aborted':
      return new AbortedError(`${what}: aborted by the caller`, details);
    case 'closed':
      return new ClosedError(`${what}: the client is closed`, details);
    case 'unavailable':
      return new UnavailableError(
        `${what}: no success after ${details.attempts} attempts${lastAnswer(details)}`,
        details,
      );
    case 'tableNotFound':
      return new TableNotFoundError(`table "${details.table}" does not exist`, details);
    case 'invalidArgument':
      return new InvalidArgumentError(`${what}: invalid argument`, details);
    case 'overloaded':
      return new OverloadedError(`${what}: too many operations are under way`, details);
    case 'rejected':
      return new RejectedError(`${what}: refused with ${details.serverCode}`, details);
    case 'badReply':
      return new BadReplyError(`${what}: ${details.server} sent a damaged answer`, details);
    case 'badValue':
    case 'batch':
      throw new InvariantError('no operation fails with what belongs to codecs and batches');
    default:
      return unreachable(failure);
  }
}

const STATUS_NAMES: readonly string[] = Object.keys(StorageStatus);

/** Of an operation that was executed and answered with a storage status that is no result. */
export function statusError(operation: Operation, status: number, isWrite: boolean): PegasusError {
  const name = STATUS_NAMES[status] ?? `status ${status}`;
  const details = { ...operation.details(), serverCode: name };
  const message = `${describe(details)}: ${details.server} answered ${name}`;
  // An invalid argument is found before anything is written; behind any other status may be half a failure.
  if (isWrite && status !== StorageStatus.invalidArgument) {
    return new InDoubtError(`${message}; it may have been applied`, 'server', details);
  }
  return new RejectedError(message, details);
}

/** If any item has failed. */
export function throwBatchError(
  operation: string,
  table: string,
  outcomes: readonly (ReadOutcome<unknown> | WriteOutcome)[],
): void {
  const failed = outcomes.filter((outcome) => 'error' in outcome);
  const first = failed[0];
  if (first === undefined) return;
  const count = `${failed.length} of ${outcomes.length}`;
  const message = `${operation} on "${table}": ${count} failed: ${first.error.message}`;
  throw new BatchError(message, outcomes, first.error);
}

function describe(details: ErrorDetails): string {
  return details.table === '' ? details.operation : `${details.operation} on "${details.table}"`;
}

function lastAnswer(details: ErrorDetails): string {
  if (details.serverCode !== '') return `; ${details.server} last answered ${details.serverCode}`;
  if (details.server !== '') return `; no answer from ${details.server}`;
  return '';
}
