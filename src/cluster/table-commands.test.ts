/** Commands of administrators: the rules and errors of the original, and where we differ from it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ErrorCode } from '../base/error-names.ts';
import { AppEnvOperation } from '../wire/schema/meta.ts';
import { envRefusal } from './env-rules.ts';
import {
  planDrop,
  planRecall,
  planRename,
  planSetAtomicIdempotent,
  planSetReplicaCount,
  planUpdateEnvs,
  type UpdateEnvs,
} from './table-commands.ts';

const story = (): Story => new Story(['a', 'b', 'c']);
const drop = { appName: 'temp', successIfNotExist: false, reserveSeconds: undefined };

test('what exists is found again only if it is the same', () => {
  const cluster = story();
  assert.equal(cluster.createTable({ partitionCount: 4 }).appId, 1);
  assert.equal(cluster.createTable({ partitionCount: 4 }).code, ErrorCode.appExist);
  const again = { partitionCount: 4, successIfExist: true };
  assert.deepEqual(
    [cluster.createTable(again).code, cluster.createTable(again).appId],
    [ErrorCode.ok, 1],
  );
  for (const other of [
    { partitionCount: 8 },
    { replicaCount: 2 },
    { appType: 'other' },
    { isStateful: false },
    { envs: new Map([['default_ttl', '5']]) },
  ]) {
    assert.equal(cluster.createTable({ ...again, ...other }).code, ErrorCode.invalidParameters);
  }
});

test('numbers that cannot be are refused', () => {
  const cluster = story();
  for (const partitionCount of [0, -1, -(2 ** 31), 3, 5, 12, 2 ** 20]) {
    assert.equal(cluster.createTable({ partitionCount }).code, ErrorCode.invalidParameters);
  }
  for (const replicaCount of [0, -1, 4, 5, 6, 100]) {
    assert.equal(cluster.createTable({ replicaCount }).code, ErrorCode.invalidParameters);
  }
  assert.equal(cluster.createTable({ partitionCount: 1, replicaCount: 1 }).code, ErrorCode.ok);
});

test('settings that a living table would refuse are refused at its creation', () => {
  const cluster = story();
  const envs = new Map([['default_ttl', '-1']]);
  const plan = cluster.createTable({ envs });
  assert.equal(plan.code, ErrorCode.invalidParameters);
  assert.equal(plan.hint, "invalid value '-1', should be '>= 0'");
});

test('a dropped table can be recalled until its time is over', () => {
  const cluster = story();
  cluster.createTable();
  const context = () => cluster.context();
  assert.equal(
    planRecall(context(), { appId: 1, newAppName: '' }).code,
    ErrorCode.appExist,
    'it is not dropped',
  );
  cluster.command(planDrop(context(), { ...drop, reserveSeconds: 10 }));
  assert.equal(planDrop(context(), drop).code, ErrorCode.appNotExist);
  assert.equal(planDrop(context(), { ...drop, successIfNotExist: true }).code, ErrorCode.ok);
  cluster.createTable();
  assert.equal(
    planRecall(context(), { appId: 1, newAppName: '' }).code,
    ErrorCode.invalidParameters,
    'its name was given away',
  );
  assert.equal(planRecall(context(), { appId: 1, newAppName: 'back' }).code, ErrorCode.ok);
  assert.equal(planRecall(context(), { appId: 9, newAppName: '' }).code, ErrorCode.appNotExist);
  cluster.advance(11_000);
  assert.equal(planRecall(context(), { appId: 1, newAppName: 'back' }).code, ErrorCode.appNotExist);
});

test('copies of a dropped table are removed when its time is over, not before', () => {
  const cluster = story();
  cluster.createTable();
  cluster.advance(2_000);
  cluster.command(planDrop(cluster.context(), { ...drop, reserveSeconds: 10 }));
  cluster.advance(8_000);
  assert.equal(cluster.server('a').replicas.size, 1);
  cluster.advance(4_000);
  assert.equal(cluster.server('a').replicas.size, 0);
});

test('a renamed table is found by its new name only', () => {
  const cluster = story();
  cluster.createTable();
  cluster.createTable({ appName: 'other' });
  const { invalidParameters, appNotExist } = ErrorCode;
  assert.equal(planRename(cluster.context(), 'temp', '').code, invalidParameters);
  assert.equal(planRename(cluster.context(), 'temp', 'other').code, invalidParameters);
  assert.equal(planRename(cluster.context(), 'nobody', 'new').code, appNotExist);
  cluster.command(planRename(cluster.context(), 'temp', 'new'));
  assert.equal(cluster.brain.state.tableNamed('temp'), undefined);
  assert.equal(cluster.brain.state.tableNamed('new')?.app.appId, 1);
});

test('settings are set together or not at all, deleted by key and cleared by prefix', () => {
  const cluster = story();
  cluster.createTable();
  const update = (fields: Partial<UpdateEnvs>) =>
    cluster.command(
      planUpdateEnvs(cluster.context(), {
        appName: 'temp',
        operation: AppEnvOperation.set,
        keys: undefined,
        values: undefined,
        clearPrefix: undefined,
        ...fields,
      }),
    );
  const envs = () => Object.fromEntries(cluster.brain.state.tableNamed('temp')!.app.envs);
  assert.equal(
    update({ keys: ['default_ttl', 'bad'], values: ['6', 'x'] }).hint,
    "app_env 'bad' is not supported",
  );
  assert.deepEqual(envs(), {});
  for (const wrong of [{ keys: ['default_ttl'], values: [] }, { keys: [], values: [] }, {}]) {
    assert.equal(update(wrong).code, ErrorCode.invalidParameters);
  }
  update({
    keys: ['default_ttl', 'manual_compact.disabled', 'manual_compact.once.target_level'],
    values: ['5', 'true', '1'],
  });
  const cleared = update({ operation: AppEnvOperation.clear, clearPrefix: 'manual_compact' });
  assert.equal(
    cleared.hint,
    'deleted keys:\n    manual_compact.disabled\n    manual_compact.once.target_level',
  );
  assert.deepEqual(envs(), { default_ttl: '5' });
  assert.equal(
    update({ operation: AppEnvOperation.del, keys: ['none'] }).hint,
    'no key needs to be deleted',
  );
  update({ operation: AppEnvOperation.del, keys: ['default_ttl'] });
  assert.deepEqual(envs(), {});
  assert.equal(update({ operation: 9 }).code, ErrorCode.invalidParameters);
});

test('more replicas are added and surplus ones removed when the count changes', () => {
  const cluster = story();
  cluster.add('d');
  cluster.createTable({ replicaCount: 2 });
  cluster.advance(4_000);
  assert.equal(cluster.shape(), '1: a + b');
  assert.equal(planSetReplicaCount(cluster.context(), 'temp', 5).code, ErrorCode.invalidParameters);
  cluster.command(planSetReplicaCount(cluster.context(), 'temp', 3));
  cluster.advance(4_000);
  assert.equal(cluster.partition().record.seats.length, 3);
  cluster.command(planSetReplicaCount(cluster.context(), 'temp', 1));
  cluster.advance(4_000);
  assert.match(cluster.shape(), /: a \+ $/);
});

test('values of settings are checked with the words of the original', () => {
  const cases: [string, string, string | null][] = [
    ['replica.write_throttling', '100*delay*100,200*reject*50', null],
    ['replica.write_throttling', '', "The value shouldn't be empty"],
    ['replica.write_throttling', '100', "The field count of '100' separated by '*' must be 3"],
    ['replica.write_throttling', '100*drop*5', "'drop' should be 'delay' or 'reject'"],
    ['replica.write_throttling', '1k*delay*1', "'1k' should be an unsigned integer"],
    ['replica.write_throttling', 'K*delay*1', "'' should be an unsigned integer"],
    ['replica.write_throttling', '1*delay*1,1*delay*5', "duplicate 'delay' config"],
    ['default_ttl', '2147483648', "invalid value '2147483648', should be an 32 bits integer"],
    ['replica.split.validate_partition_hash', 'TRUE', null],
    ['replica.split.validate_partition_hash', '1', "invalid value '1', should be a boolean"],
    ['manual_compact.once.target_level', '0', "invalid value '0', should be '-1 or >= 1'"],
    ['manual_compact.once.bottommost_level_compaction', 'FORCE', 'force | skip'],
    ['no.such.env', '', "app_env 'no.such.env' is not supported"],
    ['max_replica_count.update', '3', "app_env 'max_replica_count.update' is not supported"],
  ];
  for (const [key, value, refusal] of cases) assert.equal(envRefusal(key, value), refusal, key);
});

test('the flag of atomic writes is kept and told; setting it again changes nothing', () => {
  const cluster = story();
  cluster.createTable();
  const set = (value: boolean) =>
    cluster.command(planSetAtomicIdempotent(cluster.context(), 'temp', value));
  const flag = () => cluster.brain.state.tableNamed('temp')?.app.atomicIdempotent;
  assert.equal(flag(), false);
  assert.equal(set(true).code, ErrorCode.ok);
  assert.equal(flag(), true);
  assert.deepEqual(set(true).records, []);
  cluster.restartMeta();
  assert.equal(flag(), true);
  const missing = planSetAtomicIdempotent(cluster.context(), 'absent', true);
  assert.equal(missing.code, ErrorCode.appNotExist);
});
