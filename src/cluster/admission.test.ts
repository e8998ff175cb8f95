/** Who may join, who gets no copies, and when the cluster freezes by itself. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ErrorCode } from '../base/error-names.ts';
import { toNodeId } from '../model/identity.ts';
import { MetaLevel } from '../wire/schema/meta.ts';
import { parseNodeList } from './admission.ts';
import type { ClusterSettings } from './settings.ts';

function tableOnFour(settings: Partial<ClusterSettings> = {}): Story {
  const story = new Story(['a', 'b', 'c', 'd'], settings);
  story.createTable();
  story.advance(2_000);
  assert.equal(story.shape(), '1: a + b c');
  return story;
}

const address = (host: string) => ({ host, port: 1 });

test('a server that is not on the white list does not join, and holds no lease', () => {
  const story = new Story(['a', 'b', 'c', 'd'], {
    replicaWhiteList: ['a', 'b', 'c'].map(address),
  });
  const { nodes } = story.brain.state;
  assert.deepEqual([...nodes.all()].map(({ id }) => id).sort(), ['a:1', 'b:1', 'c:1']);
  assert.equal(story.server('d').leaseMs, 0);
  story.createTable();
  story.advance(2_000);
  story.kill('c');
  story.advance(70_000);
  assert.equal(story.shape(), '2: a + b');
});

test('a server that is taken off the white list keeps the copies that it has, and gets no more', () => {
  const story = tableOnFour();
  const settings = story.settings as { replicaWhiteList: ClusterSettings['replicaWhiteList'] };
  settings.replicaWhiteList = ['b', 'c', 'd'].map(address);
  story.restartMeta();
  story.advance(10_000);
  assert.equal(story.shape(), '1: a + b c');
  assert(story.server('a').leaseMs > 0);
  story.createTable({ appName: 'other', partitionCount: 4 });
  assert.equal(story.brain.state.replicaCountOf(story.server('a').id), 1);
});

test('a server on the black list gets no copies, and is not waited for', () => {
  const story = tableOnFour();
  story.brain.state.admission.setBlackList([toNodeId('d:1'), toNodeId('c:1')]);
  assert.equal(story.createTable({ appName: 'other' }).code, ErrorCode.invalidParameters);
  story.kill('c');
  story.advance(70_000);
  assert.equal(story.shape(), '2: a + b');
  story.start('c');
  story.advance(70_000);
  assert.equal(story.shape(), '2: a + b', 'it has a copy, and is to have none');
  story.brain.state.admission.setBlackList([toNodeId('c:1')]);
  story.brain.reconsider();
  story.advance(4_000);
  assert.equal(story.shape(), '3: a + b d');
});

test('a server that crashes again and again gets no copies until it has run for a while', () => {
  const story = tableOnFour({ unstableRestartsMax: 3 });
  for (let crash = 0; crash < 3; crash++) {
    story.restart('d');
    story.advance(5_000);
  }
  assert.equal(
    story.brain.state.admission.banOf(story.brain.state.nodes.get(toNodeId('d:1'))!),
    'unstable',
  );
  story.kill('c');
  story.advance(100_000);
  assert.equal(story.shape(), '2: a + b');
  story.advance(600_000);
  assert.equal(story.shape(), '3: a + b d');
});

test('an unstable server is better than no writes', () => {
  const story = tableOnFour({ unstableRestartsMax: 1 });
  story.restart('d');
  story.advance(5_000);
  story.kill('c');
  story.kill('b');
  story.advance(60_000);
  assert.match(story.shape(), /^\d: a \+ d$/);
});

test('a farewell is no crash, and a long life forgives what was before', () => {
  const story = tableOnFour({ unstableRestartsMax: 2, stableAfterMs: 30_000 });
  const node = story.brain.state.nodes.get(toNodeId('d:1'))!;
  for (let stop = 0; stop < 4; stop++) {
    story.sendBeacon(story.server('d'), true);
    story.restart('d');
    story.advance(2_000);
  }
  assert.equal(node.shortLives, 0);
  story.restart('d');
  story.advance(40_000);
  story.restart('d');
  story.advance(2_000);
  assert.equal(story.brain.state.admission.isUnstable(node), false);
});

test('with too few living servers the cluster is frozen, if it is told so; it follows the dead and replaces nobody', () => {
  const story = tableOnFour({ liveNodesPercentMin: 60 });
  story.kill('b');
  story.advance(8_000);
  assert.equal(story.brain.level, MetaLevel.lively, 'three of four');
  story.kill('c');
  story.advance(70_000);
  assert.equal(story.brain.level, MetaLevel.freezed);
  assert.match(story.shape(), /^\d: a \+ $/);
  assert.equal(
    story.createTable({ appName: 'other', replicaCount: 1 }).code,
    ErrorCode.stateFreezed,
  );
  story.brain.level = MetaLevel.lively;
  assert.equal(story.brain.level, MetaLevel.freezed, 'whatever people have chosen above');
  story.brain.levels.setLivePercentMin(0);
  story.advance(20_000);
  assert.equal(story.brain.level, MetaLevel.lively);
  assert.match(story.shape(), /^\d: a \+ d$/);
});

test('by default a cluster of which one server is left tries to repair itself all the same', () => {
  const story = tableOnFour();
  for (const name of ['b', 'c', 'd']) story.kill(name);
  story.advance(70_000);
  assert.equal(story.brain.level, MetaLevel.lively);
});

test('servers that left with nothing in their hands do not count', () => {
  const story = new Story(['a', 'b', 'c', 'd', 'e'], { liveNodesPercentMin: 70, liveNodesMin: 3 });
  story.createTable();
  story.advance(2_000);
  for (const name of ['d', 'e']) {
    story.sendBeacon(story.server(name), true);
    story.kill(name);
  }
  story.advance(10_000);
  assert.equal(story.brain.level, MetaLevel.lively);
  story.kill('c');
  story.advance(10_000);
  assert.equal(story.brain.level, MetaLevel.freezed);
  story.start('c');
  story.advance(5_000);
  assert.equal(story.brain.level, MetaLevel.lively);
  assert.match(story.shape(), /: a \+ b c$/);
});

test('lists of servers are taken only as a whole', () => {
  assert.deepEqual(parseNodeList('a:1, b.c:34801'), ['a:1', 'b.c:34801']);
  for (const text of ['', 'a', 'a:1,', 'a:0', ':1']) assert.equal(parseNodeList(text), null);
});
