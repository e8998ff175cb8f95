/**
 * What the client does about an error that a server names.
 *
 * `refresh` and `again` promise that the request left no trace: the server refused it before it
 * began. That holds for replicas of this project and of the original alike: a write that was
 * prepared is answered with its result or not at all.
 */
import { ErrorCode } from '../base/error-names.ts';
import type { RetryPolicy } from './api.ts';
import { type ErrorDetails, InvalidArgumentError } from './errors.ts';

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

/** A `RetryPolicy` with its defaults filled in. */
export interface RetryRules {
  readonly attemptsMax: number;
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  /** Null: whatever is safe to try again is tried again. */
  readonly mayRetry: ((failure: FailedAttempt) => boolean) | null;
}

/** Why an attempt has failed. `refused`: the server has said so, and nothing was executed. */
export type AttemptFailure = 'refused' | 'timeout' | 'connectionLost' | 'badReply' | 'server';

/** An attempt that has failed and that the client would follow by another one. */
export interface FailedAttempt extends ErrorDetails {
  readonly reason: AttemptFailure;
}

const ATTEMPTS_MAX = 100;
const BACKOFF_MS = 10;
const BACKOFF_MS_MAX = 500;

/** Throws `InvalidArgumentError`. */
export function toRetryRules(policy: RetryPolicy): RetryRules {
  const backoffMs = policy.backoffMs ?? BACKOFF_MS;
  const rules = {
    attemptsMax: policy.attemptsMax ?? ATTEMPTS_MAX,
    backoffMs,
    backoffMsMax: policy.backoffMsMax ?? Math.max(BACKOFF_MS_MAX, backoffMs),
    mayRetry: policy.mayRetry ?? null,
  };
  if (!(rules.attemptsMax >= 1)) {
    throw new InvalidArgumentError('retry.attemptsMax is a number of at least 1');
  }
  if (!(rules.backoffMs >= 0 && rules.backoffMs < Number.POSITIVE_INFINITY)) {
    throw new InvalidArgumentError('retry.backoffMs is a number of at least 0');
  }
  if (!(rules.backoffMsMax >= rules.backoffMs)) {
    throw new InvalidArgumentError('retry.backoffMsMax is at least retry.backoffMs');
  }
  return rules;
}

/** Of the client's own questions: who limits attempts does not mean to lose the way. */
export const DEFAULT_RETRY_RULES: RetryRules = toRetryRules({});

/**
 * Doubles with every attempt; `chance` in [0, 1) takes off up to half, so that callers do not come
 * back together.
 */
export function pauseMs(rules: RetryRules, attempts: number, chance: number): number {
  const boundMs = Math.min(rules.backoffMs * 2 ** Math.min(attempts - 1, 16), rules.backoffMsMax);
  return boundMs * (1 - chance / 2);
}
