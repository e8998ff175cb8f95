/** Servers come, go and are emptied, and what is where follows by itself. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';
import { MetaLevel } from '../wire/schema/meta.ts';
import { drainProgress } from './drain.ts';
import { planDrain, planIgnore, planPause, planUndrain } from './wishes.ts';

const WIDE = { learnsPerNodeMax: 10, balanceQuietMs: 1_000 };

function clusterOf(names: readonly string[], partitionCount: number, tables = 1): Story {
  const story = new Story(names, WIDE);
  for (let table = 1; table <= tables; table++) {
    story.createTable({ appName: `t${table}`, partitionCount });
  }
  story.advance(10_000);
  return story;
}

function replicas(story: Story): number[] {
  return [...story.servers.values()].map(({ id }) => story.brain.state.replicaCountOf(id));
}

function primaries(story: Story): number[] {
  return [...story.servers.values()].map(({ id }) => story.brain.state.primaryCountOf(id));
}

function spread(counts: readonly number[]): number {
  return Math.max(...counts) - Math.min(...counts);
}

function ofTable(story: Story, appId: number, what: 'replicas' | 'primaries'): number[] {
  const table = story.brain.state.table(appId)!;
  return [...story.servers.values()].map(({ id }) => table[what].get(id) ?? 0);
}

function moveCount(story: Story): number {
  return story.brain.balancer.book.endedCount;
}

function assertWhole(story: Story): void {
  for (const table of story.brain.state.tables()) {
    for (const { record } of table.partitions) assert.ok(record.seats.length >= 3);
  }
}

test('servers that are added get their share of copies and leads, and then nothing moves any more', () => {
  const story = clusterOf(['a', 'b', 'c'], 16);
  story.add('d');
  story.add('e');
  story.advance(120_000);
  assert.ok(spread(replicas(story)) <= 1, `${replicas(story)}`);
  assert.ok(spread(primaries(story)) <= 1, `${primaries(story)}`);
  assertWhole(story);
  const moved = moveCount(story);
  assert.ok(moved <= 30, `${moved} moves for 20 copies`);
  story.advance(120_000);
  assert.equal(moveCount(story), moved);
});

test('every table is even, and so is the sum', () => {
  const story = clusterOf(['a', 'b', 'c'], 4, 5);
  story.add('d');
  story.advance(150_000);
  for (let appId = 1; appId <= 5; appId++) {
    assert.ok(spread(ofTable(story, appId, 'replicas')) <= 1);
    assert.ok(spread(ofTable(story, appId, 'primaries')) <= 1);
  }
  assert.ok(spread(replicas(story)) <= 1, `${replicas(story)}`);
  assert.ok(spread(primaries(story)) <= 1, `${primaries(story)}`);
});

test('leads come back after a restart, without any copy being moved', () => {
  const story = clusterOf(['a', 'b', 'c', 'd'], 16);
  story.kill('a');
  story.advance(12_000);
  story.start('a');
  assert.equal(primaries(story)[0], 0);
  story.advance(40_000);
  assert.ok(spread(primaries(story)) <= 1, `${primaries(story)}`);
  assert.ok(story.brain.balancer.book.ended.every(({ kind }) => kind === 'lead'));
});

test('a lost server is repaired before anything is balanced', () => {
  const story = clusterOf(['a', 'b', 'c', 'd'], 16);
  story.kill('a');
  story.advance(8_000);
  const moved = moveCount(story);
  story.add('e');
  story.advance(20_000);
  assert.match(story.brain.balancer.hold, /lack members: repairs go first/);
  assert.equal(moveCount(story), moved);
  story.advance(150_000);
  assert.ok(spread(primaries(story).slice(1)) <= 1);
});

test('paused, or below lively, nothing moves by itself; and it says why', () => {
  const story = clusterOf(['a', 'b', 'c'], 8);
  const { state } = story.brain;
  story.command(planPause(state.wishes, true));
  story.add('d');
  story.advance(30_000);
  assert.equal(moveCount(story), 0);
  assert.equal(story.brain.balancer.hold, 'an administrator has paused it');
  story.restartMeta();
  story.advance(30_000);
  assert.equal(story.brain.balancer.hold, 'an administrator has paused it', 'it is remembered');
  story.brain.level = MetaLevel.steady;
  story.command(planPause(story.brain.state.wishes, false));
  story.advance(5_000);
  assert.equal(story.brain.balancer.hold, 'the level of the meta server is not lively');
  assert.ok(
    story.brain.balancer.dryRun(story.nowMs).moves.length > 0,
    'what there is to do is told',
  );
  assert.equal(moveCount(story), 0);
  story.brain.level = MetaLevel.lively;
  story.advance(60_000);
  assert.ok(spread(replicas(story)) <= 1);
});

test('a table that is to be left alone stays where it is', () => {
  const story = clusterOf(['a', 'b', 'c'], 8, 2);
  story.command(planIgnore(story.brain.state.wishes, [1]));
  story.add('d');
  story.advance(60_000);
  assert.equal(ofTable(story, 1, 'replicas')[3], 0);
  assert.ok(ofTable(story, 2, 'replicas')[3]! > 0);
});

test('no server takes part in more moves at a time than it may', () => {
  const story = new Story(['a', 'b', 'c'], { ...WIDE, movesPerNodeMax: 1 });
  story.createTable({ partitionCount: 16 });
  story.advance(10_000);
  for (const name of ['a', 'b', 'c']) story.server(name).teaches = false;
  story.add('d');
  story.advance(20_000);
  assert.equal(story.brain.balancer.book.standing.size, 1);
  assert.ok(story.brain.balancer.blocked.has('too many moves of a server at a time'));
});

test('a server is drained: leads first, then copies, and no partition lacks a member meanwhile', () => {
  const story = clusterOf(['a', 'b', 'c', 'd'], 8);
  const node = story.server('a').id;
  story.command(planDrain(story.brain.state.wishes, { node, what: 'all' }));
  for (let at = 0; at < 300; at++) {
    story.advance(200);
    assertWhole(story);
  }
  const progress = drainProgress(story.brain.state, { node, what: 'all' });
  assert.deepEqual([progress.isDone, progress.replicas], [true, 0]);
  story.restartMeta();
  story.advance(60_000);
  assert.equal(story.brain.state.replicaCountOf(node), 0, 'it stays empty');
  story.createTable({ appName: 'more', partitionCount: 4 });
  assert.equal(story.brain.state.replicaCountOf(node), 0, 'also when a table is made');
  story.command(planUndrain(story.brain.state.wishes, node));
  story.advance(90_000);
  assert.ok(spread(replicas(story)) <= 1);
});

test('a server drained of its leads keeps its copies, and is given no lead while others are there', () => {
  const story = clusterOf(['a', 'b', 'c'], 8);
  const node = story.server('a').id;
  const held = story.brain.state.replicaCountOf(node);
  story.command(planDrain(story.brain.state.wishes, { node, what: 'primaries' }));
  story.advance(10_000);
  assert.equal(story.brain.state.primaryCountOf(node), 0);
  assert.equal(story.brain.state.replicaCountOf(node), held);
  story.kill('b');
  story.advance(12_000);
  assert.equal(story.brain.state.primaryCountOf(node), 0);
});

test('what has no place elsewhere stays, and the drain says so', () => {
  const story = clusterOf(['a', 'b', 'c'], 4);
  const node = story.server('a').id;
  story.command(planDrain(story.brain.state.wishes, { node, what: 'all' }));
  story.advance(20_000);
  const {
    primaries: led,
    replicas: held,
    obstacle,
  } = drainProgress(story.brain.state, {
    node,
    what: 'all',
  });
  assert.deepEqual([led, held], [0, 4]);
  assert.match(obstacle, /no server is left/);
});

test('a drain that is taken back calls its moves off', () => {
  const story = clusterOf(['a', 'b', 'c', 'd'], 8);
  for (const name of ['a', 'b', 'c', 'd']) story.server(name).teaches = false;
  const node = story.server('a').id;
  story.command(planDrain(story.brain.state.wishes, { node, what: 'all' }));
  story.advance(10_000);
  assert.ok(story.brain.balancer.book.standing.size > 0);
  story.command(planUndrain(story.brain.state.wishes, null));
  story.advance(1_000);
  const standing = [...story.brain.balancer.book.standing].map(({ move }) => move?.cause);
  assert.ok(!standing.includes('drain'));
});

test('hot partitions that share a server are parted, once', () => {
  const story = clusterOf(['a', 'b', 'c'], 8);
  const { state } = story.brain;
  const [node] = [...story.servers.values()].map(({ id }) => id);
  const hot = [...state.hostedBy(node!)].filter(({ record }) => record.config.primary === node);
  const rates = new Map(hot.map((partition) => [partition.key, 1_000]));
  const units = new Map<number, number>();
  const heat = (): void => {
    for (const server of story.servers.values()) {
      for (const [key, replica] of server.replicas) {
        const isLeading = replica.status === ReplicaStatus.primary;
        units.set(key, (units.get(key) ?? 0) + (isLeading ? (rates.get(key) ?? 0) : 0));
        replica.units = units.get(key)!;
      }
    }
  };
  for (let second = 0; second < 240; second++) {
    heat();
    story.advance(1_000);
  }
  const hottest = (id: NodeId): number =>
    [...state.hostedBy(id)].filter(
      ({ key, record }) => record.config.primary === id && rates.has(key),
    ).length;
  const counts = [...story.servers.values()].map(({ id }) => hottest(id));
  assert.ok(spread(counts) <= 1, `${counts}`);
  assert.ok(spread(primaries(story)) <= 1);
});
