/** The names are the original's, and only those that every client knows leave towards clients. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  ErrorCode,
  ErrorName,
  errorCodeOf,
  errorName,
  isClientSafe,
  toClientSafe,
} from './error-names.ts';

test('names are spelled as in the original', () => {
  assert.equal(ErrorName.ok, 'ERR_OK');
  assert.equal(errorName(ErrorCode.krb5Internal), 'ERR_KRB5_INTERNAL');
  assert.equal(errorName(ErrorCode.parentPartitionMisused), 'ERR_PARENT_PARTITION_MISUSED');
  assert.equal(errorName(ErrorCode.syncRangerPoliciesFailed), 'ERR_SYNC_RANGER_POLICIES_FAILED');
});

test('code and name lead to each other', () => {
  for (const code of Object.values(ErrorCode)) assert.equal(errorCodeOf(errorName(code)), code);
  assert.equal(errorCodeOf('ERR_OF_TOMORROW'), ErrorCode.unknown);
});

test('a name that some client lacks is replaced before it leaves', () => {
  assert.equal(isClientSafe(ErrorCode.diskInsufficient), true);
  assert.equal(isClientSafe(ErrorCode.learnerNotFound), false);
  assert.equal(toClientSafe(ErrorCode.diskIoError), ErrorCode.diskInsufficient);
  assert.equal(toClientSafe(ErrorCode.dirNotEmpty), ErrorCode.unknown);
  for (const code of Object.values(ErrorCode)) assert.ok(isClientSafe(toClientSafe(code)));
});
