import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantError } from '../base/assert.ts';
import {
  assertLimits,
  RANGE_TIME_MS_DEFAULT,
  STORAGE_LIMITS,
  tableSettings,
} from './table-context.ts';

const settingsOf = (envs: Record<string, string>) =>
  tableSettings(8, new Map(Object.entries(envs)));

test('a table without envs has no default ttl, the usual time limit, and trusts its rows', () => {
  assert.deepEqual(settingsOf({}), {
    partitionCount: 8,
    defaultTtlSeconds: 0,
    rangeTimeMsMax: RANGE_TIME_MS_DEFAULT,
    validatePartitionHash: false,
  });
});

test('envs are obeyed', () => {
  const settings = settingsOf({
    default_ttl: '86400',
    'replica.rocksdb_iteration_threshold_time_ms': '0',
    'replica.split.validate_partition_hash': 'TRUE',
    unknown: '1',
  });
  assert.equal(settings.defaultTtlSeconds, 86_400);
  assert.equal(settings.rangeTimeMsMax, 0);
  assert.equal(settings.validatePartitionHash, true);
});

test('envs that were stored invalid count as not set', () => {
  for (const text of ['', '-1', '1.5', ' 3', '0x10', '99999999999', 'yes']) {
    const settings = settingsOf({
      default_ttl: text,
      'replica.split.validate_partition_hash': text,
    });
    assert.equal(settings.defaultTtlSeconds, 0, text);
    assert.equal(settings.validatePartitionHash, false, text);
  }
});

test('limits that contradict each other stop the start', () => {
  assertLimits(STORAGE_LIMITS);
  assert.throws(() => assertLimits({ ...STORAGE_LIMITS, turnRowsMax: 10 }), InvariantError);
  assert.throws(() => assertLimits({ ...STORAGE_LIMITS, scanContextsMax: 0 }), InvariantError);
});
