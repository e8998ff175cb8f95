import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compactionSchedule } from './compaction-schedule.ts';
import {
  Denial,
  RANGE_TIME_MS_DEFAULT,
  type TableSettings,
  tableSettings,
  UsageScenario,
} from './table-settings.ts';

const settingsOf = (envs: Record<string, string>, partitionCount = 8): TableSettings =>
  tableSettings(partitionCount, new Map(Object.entries(envs)));

test('a table without envs limits nothing, has the usual time limit, and trusts its rows', () => {
  assert.deepEqual(settingsOf({}), {
    partitionCount: 8,
    defaultTtlSeconds: 0,
    rangeTimeMsMax: RANGE_TIME_MS_DEFAULT,
    validatePartitionHash: false,
    denyReads: Denial.none,
    denyWrites: Denial.none,
    readThrottle: null,
    backupThrottle: null,
    writeThrottle: null,
    writeBytesThrottle: null,
    readBytesPerSecondMax: 0,
    slowQueryMs: 0,
    engineLevels: 0,
    writeBufferBytes: 0,
    usageScenario: UsageScenario.normal,
    compactionRules: '',
    compactions: compactionSchedule(new Map()),
  });
});

test('envs are obeyed', () => {
  const settings = settingsOf({
    default_ttl: '86400',
    'replica.rocksdb_iteration_threshold_time_ms': '0',
    'replica.split.validate_partition_hash': 'TRUE',
    'replica.slow_query_threshold': '+20',
    'rocksdb.num_levels': '4',
    'rocksdb.write_buffer_size': '33554432',
    'rocksdb.usage_scenario': 'bulk_load',
    user_specified_compaction: '{"ops":[]}',
    unknown: '1',
  });
  assert.equal(settings.defaultTtlSeconds, 86_400);
  assert.equal(settings.rangeTimeMsMax, 0);
  assert.equal(settings.validatePartitionHash, true);
  assert.equal(settings.slowQueryMs, 20);
  assert.equal(settings.engineLevels, 4);
  assert.equal(settings.writeBufferBytes, 33_554_432);
  assert.equal(settings.usageScenario, UsageScenario.bulkLoad);
  assert.equal(settings.compactionRules, '{"ops":[]}');
});

test('envs that were stored invalid count as not set', () => {
  for (const text of ['', '-1', '1.5', ' 3', '0x10', '99999999999', 'yes']) {
    const settings = settingsOf({
      default_ttl: text,
      'replica.split.validate_partition_hash': text,
      'replica.deny_client_request': text,
      'replica.write_throttling': text,
      'rocksdb.usage_scenario': text,
    });
    assert.equal(settings.defaultTtlSeconds, 0, text);
    assert.equal(settings.validatePartitionHash, false, text);
    assert.equal(settings.denyReads, Denial.none, text);
    assert.equal(settings.writeThrottle, null, text);
    assert.equal(settings.usageScenario, UsageScenario.normal, text);
  }
});

test('clients are denied reads, writes or both, in silence or with an error', () => {
  const denials = (text: string): readonly [Denial, Denial] => {
    const { denyReads, denyWrites } = settingsOf({ 'replica.deny_client_request': text });
    return [denyReads, denyWrites];
  };
  assert.deepEqual(denials('timeout*all'), [Denial.silent, Denial.silent]);
  assert.deepEqual(denials('timeout*read'), [Denial.silent, Denial.none]);
  assert.deepEqual(denials('reconfig*write'), [Denial.none, Denial.refuse]);
  assert.deepEqual(denials('reconfig*all'), [Denial.refuse, Denial.refuse]);
});

test('each partition keeps its share of a limit', () => {
  const rule = (text: string, partitionCount: number) =>
    settingsOf({ 'replica.write_throttling': text }, partitionCount).writeThrottle;
  assert.deepEqual(rule('10000*delay*100,2K*reject*50', 8), {
    delayAbove: 1251,
    delayMs: 100,
    rejectAbove: 257,
    rejectAfterMs: 50,
  });
  assert.deepEqual(rule('1M*reject*0', 1), {
    delayAbove: 0,
    delayMs: 0,
    rejectAbove: 1_048_577,
    rejectAfterMs: 0,
  });
  assert.equal(rule('10*delay*1,10*delay*1', 1), null, 'a kind is named once');
});

test('the read bandwidth is a size, or what the other form rejects', () => {
  const share = (text: string, partitionCount = 4): number =>
    settingsOf({ 'replica.read_throttling_by_size': text }, partitionCount).readBytesPerSecondMax;
  assert.equal(share('200'), 50);
  assert.equal(share('200K'), 51_200);
  assert.equal(share('1M'), 262_144);
  assert.equal(share('3'), 1, 'a share is never nothing');
  assert.equal(share('10*delay*100,20000*reject*100'), 5_000);
  assert.equal(share('10*delay*100'), 0, 'what is only put off is not limited');
  assert.equal(share('nonsense'), 0);
});
