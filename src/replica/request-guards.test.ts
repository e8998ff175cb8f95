import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorCode } from '../base/error-names.ts';
import { tableSettings } from '../model/table-settings.ts';
import { RequestHeader } from '../wire/thrift-frame.ts';
import { RequestCounters } from './request-counters.ts';
import { DELAY, REFUSE_LATER, RequestGuards, SILENCE } from './request-guards.ts';

function guardsOf(envs: Record<string, string>, partitionIndex = 0, partitionCount = 4) {
  const counters = new RequestCounters();
  const guards = new RequestGuards(counters, partitionIndex);
  guards.applySettings(tableSettings(partitionCount, new Map(Object.entries(envs))), 0);
  return { guards, counters };
}

const headerOf = (fields: Partial<RequestHeader> = {}): RequestHeader =>
  Object.assign(new RequestHeader(), fields);

test('a table without limits has no guards, and settings of other kinds make none', () => {
  assert.equal(guardsOf({}).guards.isActive, false);
  assert.equal(guardsOf({ default_ttl: '5', 'business.info': 'x' }).guards.isActive, false);
  const { guards } = guardsOf({ 'replica.deny_client_request': 'timeout*all' });
  assert.equal(guards.isActive, true);
  guards.applySettings(tableSettings(4, new Map()), 0);
  assert.equal(guards.isActive, false, 'what is taken back is gone');
});

test('who is denied hears nothing, or that this replica does not serve', () => {
  const silent = guardsOf({ 'replica.deny_client_request': 'timeout*read' });
  assert.equal(silent.guards.checkSender(headerOf(), false), SILENCE);
  assert.equal(silent.guards.checkSender(headerOf(), true), ErrorCode.ok);
  const refusing = guardsOf({ 'replica.deny_client_request': 'reconfig*all' });
  assert.equal(refusing.guards.checkSender(headerOf(), true), ErrorCode.invalidState);
  assert.deepEqual([silent.counters.deniedReads, refusing.counters.deniedWrites], [1, 1]);
});

test('with hash validation a request for another partition is told so; one without a hash passes', () => {
  const { guards, counters } = guardsOf({ 'replica.split.validate_partition_hash': 'true' }, 3);
  const check = (low: number): number =>
    guards.checkSender(headerOf({ partitionHashLow: low, partitionHashHigh: 1 }), true);
  assert.equal(check(0xffff_ffff), ErrorCode.ok);
  assert.equal(check(7), ErrorCode.ok);
  assert.equal(check(6), ErrorCode.parentPartitionMisused);
  assert.equal(guards.checkSender(headerOf(), true), ErrorCode.ok);
  assert.equal(counters.misroutedWrites, 1);
});

test('a request that is put off waits at most half of what its client waits', () => {
  const { guards, counters } = guardsOf({ 'replica.read_throttling': '0*delay*5000' });
  const check = (timeoutMs: number): number =>
    guards.checkReadLoad(headerOf({ timeoutMs }), false, 0);
  assert.equal(check(1_000), ErrorCode.ok);
  assert.equal(check(1_000), DELAY);
  assert.equal(guards.waitMs, 500);
  assert.equal(check(0), DELAY);
  assert.equal(guards.waitMs, 5_000, 'who does not say waits as long as the table says');
  assert.equal(guards.checkReadLoad(headerOf(), true, 0), ErrorCode.ok, 'it has waited');
  assert.equal(counters.delayedReads, 2);
});

test('backup requests have a limit of their own, and are refused in silence', () => {
  const { guards, counters } = guardsOf({
    'replica.backup_request_throttling': '0*reject*0',
    'replica.read_throttling': '1M*reject*0',
  });
  const backup = headerOf({ isBackupRequest: true });
  assert.equal(guards.checkReadLoad(backup, false, 0), ErrorCode.ok);
  assert.equal(guards.checkReadLoad(backup, false, 0), SILENCE);
  assert.equal(guards.checkReadLoad(headerOf(), false, 0), ErrorCode.ok);
  assert.deepEqual([counters.rejectedBackups, counters.rejectedReads], [1, 0]);
});

test('writes are limited by number, then by bytes', () => {
  const { guards, counters } = guardsOf({
    'replica.write_throttling': '4*reject*20',
    'replica.write_throttling_by_size': '4K*reject*0',
  });
  assert.equal(guards.checkWriteLoad(headerOf(), 2_000, 0), REFUSE_LATER);
  assert.equal(guards.waitMs, 0);
  assert.equal(guards.checkWriteLoad(headerOf(), 1_000, 0), ErrorCode.ok);
  assert.equal(guards.checkWriteLoad(headerOf(), 1, 0), REFUSE_LATER);
  assert.equal(guards.waitMs, 20);
  assert.equal(counters.rejectedWrites, 2);
});

test('bytes that reads answered are paid back before the next read', () => {
  const { guards } = guardsOf({ 'replica.read_throttling_by_size': '4000' });
  const check = (nowMs: number): number => guards.checkReadLoad(headerOf(), false, nowMs);
  assert.equal(check(0), ErrorCode.ok);
  guards.spendRead(3_000);
  assert.equal(check(0), ErrorCode.busy);
  assert.equal(check(1_999), ErrorCode.busy);
  assert.equal(check(2_001), ErrorCode.ok);
});
