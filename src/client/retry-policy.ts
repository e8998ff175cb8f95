/**
 * What the client does about an error that a server names.
 *
 * `refresh` and `again` promise that the request left no trace: the server refused it before it
 * began. That holds for replicas of this project and of the original alike: a write that was
 * prepared is answered with its result or not at all.
 */
import { ErrorCode } from '../base/error-names.ts';

export type Reaction =
  | 'ok'
  /** Wrong server, or one that is changing roles: ask where to go, then try again. */
  | 'refresh'
  /** Right server, wrong moment: try again there after a pause. */
  | 'again'
  /** Final. */
  | 'fail'
  /** Says nothing about whether the request was executed. */
  | 'doubt';

const C = ErrorCode;

const AT_REPLICA: ReadonlyMap<ErrorCode, Reaction> = new Map<ErrorCode, Reaction>([
  [C.ok, 'ok'],
  [C.objectNotFound, 'refresh'],
  [C.invalidState, 'refresh'],
  [C.inactiveState, 'refresh'],
  [C.serviceNotActive, 'refresh'],
  [C.parentPartitionMisused, 'refresh'],
  [C.splitting, 'refresh'],
  [C.childNotReady, 'refresh'],
  [C.notEnoughMember, 'again'],
  [C.capacityExceeded, 'again'],
  [C.busy, 'again'],
  [C.tryAgain, 'again'],
  [C.handlerNotFound, 'fail'],
  [C.invalidParameters, 'fail'],
  [C.invalidData, 'fail'],
  [C.operationDisabled, 'fail'],
  [C.aclDeny, 'fail'],
  [C.unauthenticated, 'fail'],
  [C.diskInsufficient, 'fail'],
  [C.diskIoError, 'fail'],
  [C.appNotExist, 'fail'],
  [C.appDropped, 'fail'],
]);

/** At the meta server everything that is not listed is final: it answers after it has decided. */
const AT_META: ReadonlyMap<ErrorCode, Reaction> = new Map<ErrorCode, Reaction>([
  [C.ok, 'ok'],
  [C.forwardToOthers, 'refresh'],
  [C.handlerNotFound, 'fail'],
  [C.serviceNotActive, 'again'],
  [C.underRecovery, 'again'],
  [C.tryAgain, 'again'],
  [C.busy, 'again'],
  [C.timeout, 'doubt'],
  [C.networkFailure, 'doubt'],
  [C.unknown, 'doubt'],
]);

export function reactionAtReplica(code: ErrorCode): Reaction {
  return AT_REPLICA.get(code) ?? 'doubt';
}

export function reactionAtMeta(code: ErrorCode): Reaction {
  return AT_META.get(code) ?? 'fail';
}

const BACKOFF_MS = 10;
const BACKOFF_MS_MAX = 500;

/**
 * Doubles with every attempt; `chance` in [0, 1) takes off up to half, so that callers do not come
 * back together.
 */
export function backoffMs(attempts: number, chance: number): number {
  const boundMs = Math.min(BACKOFF_MS * 2 ** Math.min(attempts - 1, 16), BACKOFF_MS_MAX);
  return boundMs * (1 - chance / 2);
}
