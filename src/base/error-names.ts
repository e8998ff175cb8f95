/**
 * Errors at the level of frames and of `err` fields: a number inside, its name (`ERR_…`) on the
 * wire.
 *
 * Order and names are those of the original. Old clients throw or drop the connection on a name
 * that they do not know, so what goes to clients is limited to the names that all of them have
 * (`isClientSafe`).
 */
export const ErrorCode = {
  ok: 0,
  unknown: 1,
  serviceNotFound: 2,
  serviceAlreadyRunning: 3,
  ioPending: 4,
  timeout: 5,
  serviceNotActive: 6,
  busy: 7,
  networkInitFailed: 8,
  forwardToOthers: 9,
  objectNotFound: 10,
  handlerNotFound: 11,
  learnFileFailed: 12,
  getLearnStateFailed: 13,
  invalidVersion: 14,
  invalidParameters: 15,
  capacityExceeded: 16,
  invalidState: 17,
  inactiveState: 18,
  notEnoughMember: 19,
  fileOperationFailed: 20,
  handleEof: 21,
  wrongChecksum: 22,
  invalidData: 23,
  invalidHandle: 24,
  incompleteData: 25,
  versionOutdated: 26,
  pathNotFound: 27,
  pathAlreadyExist: 28,
  addressAlreadyUsed: 29,
  stateFreezed: 30,
  localAppFailure: 31,
  bindIocpFailed: 32,
  networkStartFailed: 33,
  notImplemented: 34,
  checkpointFailed: 35,
  wrongTiming: 36,
  noNeedOperate: 37,
  corruption: 38,
  tryAgain: 39,
  clusterNotFound: 40,
  clusterAlreadyExist: 41,
  serviceAlreadyExist: 42,
  injected: 43,
  replicationFailure: 44,
  appExist: 45,
  appNotExist: 46,
  busyCreating: 47,
  busyDropping: 48,
  networkFailure: 49,
  underRecovery: 50,
  learnerNotFound: 51,
  operationDisabled: 52,
  expired: 53,
  lockAlreadyExist: 54,
  holdByOthers: 55,
  recursiveLock: 56,
  noOwner: 57,
  nodeAlreadyExist: 58,
  inconsistentState: 59,
  arrayIndexOutOfRange: 60,
  dirNotEmpty: 61,
  fsInternal: 62,
  ignoreBadData: 63,
  appDropped: 64,
  mockInternal: 65,
  zookeeperOperation: 66,
  childRegistered: 67,
  ingestionFailed: 68,
  unauthenticated: 69,
  krb5Internal: 70,
  saslInternal: 71,
  saslIncomplete: 72,
  aclDeny: 73,
  splitting: 74,
  parentPartitionMisused: 75,
  childNotReady: 76,
  diskInsufficient: 77,
  retryExhausted: 78,
  syncRangerPoliciesFailed: 79,
  rangerParseAcl: 80,
  rangerPoliciesNoNeedUpdate: 81,
  rdbCorruption: 82,
  diskIoError: 83,
  curlFailed: 84,
  dupExist: 85,
  httpError: 86,
  notMatched: 87,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** Names by key: `ErrorName.appNotExist` is `ERR_APP_NOT_EXIST`. */
export const ErrorName: Readonly<Record<keyof typeof ErrorCode, string>> = buildNames();

const NAMES: readonly string[] = Object.values(ErrorName);
const CODES: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries(ErrorCode).map(([key, code]) => [nameOf(key), code]),
);

/** Missing in the Go client, which stops reading from the connection when it meets one of them. */
const MISSING_IN_GO: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ErrorCode.learnerNotFound,
  ErrorCode.dirNotEmpty,
  ErrorCode.fsInternal,
  ErrorCode.ignoreBadData,
  ErrorCode.mockInternal,
]);

export function errorName(code: ErrorCode): string {
  return NAMES[code]!;
}

/** `unknown` for a name that is in no list, as the original does it. */
export function errorCodeOf(name: string): ErrorCode {
  return CODES.get(name) ?? ErrorCode.unknown;
}

/** Every client library knows the name. */
export function isClientSafe(code: ErrorCode): boolean {
  return code <= ErrorCode.diskInsufficient && !MISSING_IN_GO.has(code);
}

/** `code` itself, or the nearest one that every client knows. */
export function toClientSafe(code: ErrorCode): ErrorCode {
  if (isClientSafe(code)) return code;
  return code === ErrorCode.diskIoError ? ErrorCode.diskInsufficient : ErrorCode.unknown;
}

function nameOf(key: string): string {
  return `ERR_${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
}

function buildNames(): Record<keyof typeof ErrorCode, string> {
  const names: Partial<Record<keyof typeof ErrorCode, string>> = {};
  let key: keyof typeof ErrorCode;
  for (key in ErrorCode) names[key] = nameOf(key);
  return names as Record<keyof typeof ErrorCode, string>;
}
