/** What the meta server knows, in the words of the wire. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { PatternMatchType } from '../wire/schema/meta.ts';
import { clusterInfo, nameFilter, nodeInfos, tableConfiguration, tableInfo } from './answers.ts';

const NAMES = ['temp', 'temp2', 'my.temp', 'stat'];

function matching(
  appNamePattern: string | undefined,
  matchType: number | undefined,
): string[] | null {
  const filter = nameFilter({ status: 0, appNamePattern, matchType });
  return filter === null ? null : NAMES.filter(filter);
}

test('names are matched in six ways', () => {
  assert.deepEqual(matching(undefined, undefined), NAMES);
  assert.deepEqual(matching('temp', PatternMatchType.all), NAMES);
  assert.deepEqual(matching('temp', PatternMatchType.exact), ['temp']);
  assert.deepEqual(matching('emp', PatternMatchType.anywhere), ['temp', 'temp2', 'my.temp']);
  assert.deepEqual(matching('temp', PatternMatchType.prefix), ['temp', 'temp2']);
  assert.deepEqual(matching('temp', PatternMatchType.postfix), ['temp', 'my.temp']);
  assert.deepEqual(matching('temp[0-9]?', PatternMatchType.regex), ['temp', 'temp2']);
  assert.deepEqual(matching('my\\.t.*', PatternMatchType.regex), ['my.temp']);
});

test('expressions that are none, or that could run for ever, are refused', () => {
  for (const pattern of [
    '[',
    'a{2,1}',
    '(a+)+b',
    'a*a*a*b',
    'a?a?a?aaa',
    '(a|a)(a|a)b',
    '(.)\\1',
  ]) {
    assert.equal(matching(pattern, PatternMatchType.regex), null, pattern);
  }
  assert.equal(matching('a'.repeat(2_000), PatternMatchType.exact), null);
});

test('a partition that lost a member shows who left', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable({ partitionCount: 2 });
  story.advance(2_000);
  story.kill('c');
  story.advance(8_000);
  const table = story.brain.state.tableNamed('temp');
  assert.ok(table !== undefined);
  const [partition] = tableConfiguration(table, [1]).partitions;
  assert.ok(partition !== undefined);
  assert.deepEqual(partition.hpLastDrops, [{ host: 'c', port: 1 }]);
  assert.deepEqual(partition.lastDrops, partition.hpLastDrops);
  assert.equal(partition.secondaries.length, 1);
  assert.equal(tableInfo(table).initPartitionCount, 2);
  assert.deepEqual(
    nodeInfos(story.brain.state, 0).map((info) => info.status),
    [1, 1, 2],
  );
  assert.equal(nodeInfos(story.brain.state, 2).length, 1);
  assert.deepEqual(nodeInfos(story.brain.state, 99), []);
  const [detailed] = nodeInfos(story.brain.state, 0, true);
  assert.equal(detailed?.primaryCount, 1);
  assert.equal(detailed.host, 'a');
  assert.equal(detailed.ban, '');
  assert.equal(nodeInfos(story.brain.state, 0)[0]?.primaryCount, undefined);
});

test('host and port fields are left out for clients that cannot read past them', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable({ partitionCount: 2 });
  const table = story.brain.state.tableNamed('temp');
  assert.ok(table !== undefined);
  for (const partition of tableConfiguration(table, [], false).partitions) {
    assert.equal(partition.hpPrimary, undefined);
    assert.equal(partition.hpSecondaries, undefined);
    assert.equal(partition.hpLastDrops, undefined);
  }
});

test('cluster info has the keys of the original in its order', () => {
  const story = new Story(['a', 'b', 'c']);
  const meta = { host: '127.0.0.1', port: 34601 };
  const wanted = { total: 3, movePrimary: 2, copyPrimary: 0, copySecondary: 1 };
  const facts = { clusterName: 'c', metaServers: [meta], leader: meta, level: 'steady', wanted };
  const { keys, values } = clusterInfo(story.brain.state, facts);
  assert.deepEqual(keys, [
    'meta_servers',
    'primary_meta_server',
    'zookeeper_hosts',
    'zookeeper_root',
    'meta_function_level',
    'balance_operation_count',
    'primary_replica_count_stddev',
    'total_replica_count_stddev',
    'cluster_name',
  ]);
  assert.equal(values[0], '127.0.0.1:34601');
  assert.equal(values.length, keys.length);
});
