/**
 * Data operations: the structs that clients and replica servers exchange (`idl/rrdb.thrift` of the original).
 *
 * Read-type responses have no field 5, as in the IDL. Any field of a request may be missing: some clients leave out
 * what is empty. 64-bit numbers are safe integers except the two that users choose freely (`incr`) and scan context
 * ids, whose whole range is in use.
 */
import { list, ref, type Struct, struct } from './schema.ts';

export const rrdbStructs: readonly Struct[] = [
  // ---- writes ----
  struct('UpdateRequest', 'put. `key` is an encoded key. Clients never set 4 to 7.', [
    [1, 'key', 'blob'],
    [2, 'value', 'blob'],
    [3, 'expireTsSeconds', 'i32'],
    [4, 'type', 'i32', 'optional'],
    [5, 'checkValueReturned', 'bool', 'optional'],
    [6, 'checkValueExist', 'bool', 'optional'],
    [7, 'checkValue', 'blob', 'optional'],
  ]),
  struct('UpdateResponse', 'put, multi_put and remove.', [
    [1, 'error', 'i32'],
    [2, 'appId', 'i32'],
    [3, 'partitionIndex', 'i32'],
    [4, 'decree', 'i64'],
    [5, 'server', 'string'],
  ]),
  struct('KeyValue', '`key` is a sort key, or in scan responses a whole encoded key.', [
    [1, 'key', 'blob'],
    [2, 'value', 'blob'],
    [3, 'expireTsSeconds', 'i32', 'optional'],
  ]),
  struct('MultiPutRequest', 'One atomic batch under one hash key.', [
    [1, 'hashKey', 'blob'],
    [2, 'kvs', list(ref('KeyValue'))],
    [3, 'expireTsSeconds', 'i32'],
  ]),
  struct('MultiRemoveRequest', '`maxCount` is ignored.', [
    [1, 'hashKey', 'blob'],
    [2, 'sortKeys', list('blob')],
    [3, 'maxCount', 'i64big'],
  ]),
  struct('MultiRemoveResponse', '`count` is the number of sort keys asked for.', [
    [1, 'error', 'i32'],
    [2, 'count', 'i64'],
    [3, 'appId', 'i32'],
    [4, 'partitionIndex', 'i32'],
    [5, 'decree', 'i64'],
    [6, 'server', 'string'],
  ]),
  struct('IncrRequest', 'expireTsSeconds: 0 keeps, below 0 clears, above 0 replaces the expiry.', [
    [1, 'key', 'blob'],
    [2, 'increment', 'i64big'],
    [3, 'expireTsSeconds', 'i32'],
  ]),
  struct('IncrResponse', 'On overflow `newValue` is the old value.', [
    [1, 'error', 'i32'],
    [2, 'newValue', 'i64big'],
    [3, 'appId', 'i32'],
    [4, 'partitionIndex', 'i32'],
    [5, 'decree', 'i64'],
    [6, 'server', 'string'],
  ]),
  struct('CheckAndSetRequest', 'Sets one value when the check of another holds.', [
    [1, 'hashKey', 'blob'],
    [2, 'checkSortKey', 'blob'],
    [3, 'checkType', 'i32'],
    [4, 'checkOperand', 'blob'],
    [5, 'setDiffSortKey', 'bool'],
    [6, 'setSortKey', 'blob'],
    [7, 'setValue', 'blob'],
    [8, 'setExpireTsSeconds', 'i32'],
    [9, 'returnCheckValue', 'bool'],
  ]),
  struct('CheckAndSetResponse', 'error 13 = the check did not hold.', [
    [1, 'error', 'i32'],
    [2, 'checkValueReturned', 'bool'],
    [3, 'checkValueExist', 'bool'],
    [4, 'checkValue', 'blob'],
    [5, 'appId', 'i32'],
    [6, 'partitionIndex', 'i32'],
    [7, 'decree', 'i64'],
    [8, 'server', 'string'],
  ]),
  struct('Mutate', 'operation: 0 put, 1 delete.', [
    [1, 'operation', 'i32'],
    [2, 'sortKey', 'blob'],
    [3, 'value', 'blob'],
    [4, 'setExpireTsSeconds', 'i32'],
  ]),
  struct('CheckAndMutateRequest', 'Applies a list of mutations when the check holds.', [
    [1, 'hashKey', 'blob'],
    [2, 'checkSortKey', 'blob'],
    [3, 'checkType', 'i32'],
    [4, 'checkOperand', 'blob'],
    [5, 'mutateList', list(ref('Mutate'))],
    [6, 'returnCheckValue', 'bool'],
  ]),
  struct('CheckAndMutateResponse', 'Same layout as CheckAndSetResponse.', [
    [1, 'error', 'i32'],
    [2, 'checkValueReturned', 'bool'],
    [3, 'checkValueExist', 'bool'],
    [4, 'checkValue', 'blob'],
    [5, 'appId', 'i32'],
    [6, 'partitionIndex', 'i32'],
    [7, 'decree', 'i64'],
    [8, 'server', 'string'],
  ]),

  // ---- reads ----
  struct('ReadResponse', 'get.', [
    [1, 'error', 'i32'],
    [2, 'value', 'blob'],
    [3, 'appId', 'i32'],
    [4, 'partitionIndex', 'i32'],
    [6, 'server', 'string'],
  ]),
  struct('TtlResponse', '-1 = no expiry.', [
    [1, 'error', 'i32'],
    [2, 'ttlSeconds', 'i32'],
    [3, 'appId', 'i32'],
    [4, 'partitionIndex', 'i32'],
    [6, 'server', 'string'],
  ]),
  struct('CountResponse', 'sortkey_count; -1 = out of time.', [
    [1, 'error', 'i32'],
    [2, 'count', 'i64'],
    [3, 'appId', 'i32'],
    [4, 'partitionIndex', 'i32'],
    [6, 'server', 'string'],
  ]),
  struct('MultiGetRequest', 'Given sort keys, or a range when `sortKeys` is empty.', [
    [1, 'hashKey', 'blob'],
    [2, 'sortKeys', list('blob')],
    [3, 'maxKvCount', 'i32'],
    [4, 'maxKvSize', 'i32'],
    [5, 'noValue', 'bool'],
    [6, 'startSortkey', 'blob'],
    [7, 'stopSortkey', 'blob'],
    [8, 'startInclusive', 'bool'],
    [9, 'stopInclusive', 'bool'],
    [10, 'sortKeyFilterType', 'i32'],
    [11, 'sortKeyFilterPattern', 'blob'],
    [12, 'reverse', 'bool'],
  ]),
  struct('MultiGetResponse', 'error 7 = a limit was hit and there is more.', [
    [1, 'error', 'i32'],
    [2, 'kvs', list(ref('KeyValue'))],
    [3, 'appId', 'i32'],
    [4, 'partitionIndex', 'i32'],
    [6, 'server', 'string'],
  ]),
  struct('FullKey', 'Hash key and sort key, apart.', [
    [1, 'hashKey', 'blob'],
    [2, 'sortKey', 'blob'],
  ]),
  struct('BatchGetRequest', 'Keys of one partition.', [[1, 'keys', list(ref('FullKey'))]]),
  struct('FullData', 'A found row of batch_get.', [
    [1, 'hashKey', 'blob'],
    [2, 'sortKey', 'blob'],
    [3, 'value', 'blob'],
  ]),
  struct('BatchGetResponse', 'In request order, missing rows left out.', [
    [1, 'error', 'i32'],
    [2, 'data', list(ref('FullData'))],
    [3, 'appId', 'i32'],
    [4, 'partitionIndex', 'i32'],
    [6, 'server', 'string'],
  ]),

  // Ours: clients of the original skip the field. It says how old the rows may be at most.
  struct(
    'ReadStaleness',
    'What follows the result in the answer of a secondary to a backup request.',
    [[100, 'stalenessMs', 'i32', 'optional']],
  ),

  // ---- scans ----
  struct('GetScannerRequest', 'validatePartitionHash counts as true when it is absent.', [
    [1, 'startKey', 'blob'],
    [2, 'stopKey', 'blob'],
    [3, 'startInclusive', 'bool'],
    [4, 'stopInclusive', 'bool'],
    [5, 'batchSize', 'i32'],
    [6, 'noValue', 'bool'],
    [7, 'hashKeyFilterType', 'i32'],
    [8, 'hashKeyFilterPattern', 'blob'],
    [9, 'sortKeyFilterType', 'i32'],
    [10, 'sortKeyFilterPattern', 'blob'],
    [11, 'validatePartitionHash', 'bool', 'optional'],
    [12, 'returnExpireTs', 'bool', 'optional'],
    [13, 'fullScan', 'bool', 'optional'],
    [14, 'onlyReturnCount', 'bool', 'optional'],
  ]),
  struct('ScanRequest', 'The next batch.', [[1, 'contextId', 'i64big']]),
  struct('ScanResponse', 'get_scanner and scan. contextId -1 = finished.', [
    [1, 'error', 'i32'],
    [2, 'kvs', list(ref('KeyValue'))],
    [3, 'contextId', 'i64big'],
    [4, 'appId', 'i32'],
    [5, 'partitionIndex', 'i32'],
    [6, 'server', 'string'],
    [7, 'kvCount', 'i32', 'optional'],
  ]),
];

/** `sortKeyFilterType`, `hashKeyFilterType` */
export const FilterType = { none: 0, anywhere: 1, prefix: 2, postfix: 3 } as const;
export type FilterType = (typeof FilterType)[keyof typeof FilterType];

/** `checkType` */
export const CasCheckType = {
  noCheck: 0,
  valueNotExist: 1,
  valueNotExistOrEmpty: 2,
  valueExist: 3,
  valueNotEmpty: 4,
  matchAnywhere: 5,
  matchPrefix: 6,
  matchPostfix: 7,
  bytesLess: 8,
  bytesLessOrEqual: 9,
  bytesEqual: 10,
  bytesGreaterOrEqual: 11,
  bytesGreater: 12,
  intLess: 13,
  intLessOrEqual: 14,
  intEqual: 15,
  intGreaterOrEqual: 16,
  intGreater: 17,
} as const;
export type CasCheckType = (typeof CasCheckType)[keyof typeof CasCheckType];

/** `Mutate.operation` */
export const MutateOperation = { put: 0, delete: 1 } as const;
export type MutateOperation = (typeof MutateOperation)[keyof typeof MutateOperation];

/** The i32 `error` of every response; RocksDB's numbering. */
export const StorageStatus = {
  ok: 0,
  notFound: 1,
  corruption: 2,
  notSupported: 3,
  invalidArgument: 4,
  ioError: 5,
  mergeInProgress: 6,
  incomplete: 7,
  shutdownInProgress: 8,
  timedOut: 9,
  aborted: 10,
  busy: 11,
  expired: 12,
  tryAgain: 13,
} as const;
export type StorageStatus = (typeof StorageStatus)[keyof typeof StorageStatus];
