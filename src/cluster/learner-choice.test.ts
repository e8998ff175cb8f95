/** Rule 6 of "Configuration": who is asked to learn, when, and when that is given up. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import { MetaLevel } from '../wire/schema/meta.ts';

function tableOnFour(settings = {}): Story {
  const story = new Story(['a', 'b', 'c', 'd'], settings);
  story.createTable();
  story.advance(2_000);
  assert.equal(story.shape(), '1: a + b c');
  return story;
}

test('a member that returns within the delay is preferred to a new one', () => {
  const story = tableOnFour();
  story.kill('c');
  story.advance(30_000);
  assert.equal(story.shape(), '2: a + b');
  story.start('c');
  story.advance(3_000);
  assert.equal(story.shape(), '3: a + b c');
});

test('a member that stays away is replaced after the delay, by the node with the fewest replicas', () => {
  const story = new Story(['a', 'b', 'c', 'd', 'e']);
  story.createTable({ replicaCount: 3 });
  story.createTable({ appName: 'other', replicaCount: 1, partitionCount: 2 });
  story.advance(2_000);
  assert.equal(story.shape(), '1: a + b c');
  assert.equal(story.brain.state.replicaCountOf(story.server('d').id), 1);
  story.add('f');
  story.kill('c');
  story.advance(66_000);
  assert.equal(story.shape(), '2: a + b');
  story.advance(4_000);
  assert.equal(story.shape(), '3: a + b f');
});

test('a partition that cannot take writes is not left waiting as long', () => {
  const story = new Story(['a', 'b', 'c', 'd', 'e']);
  story.createTable();
  story.advance(2_000);
  story.kill('b');
  story.kill('c');
  story.advance(7_200 + 12_000);
  assert.equal(story.shape(), '2: a + ');
  story.advance(5_000);
  assert.equal(story.shape(), '3: a + d', 'then it can, and may wait for b and c again');
});

test('nobody is waited for who is back with empty hands', () => {
  const story = tableOnFour();
  story.kill('c');
  story.advance(8_000);
  story.server('c').replicas.clear();
  story.start('c');
  story.advance(4_000);
  assert.match(story.shape(), /^3: a \+ b (c|d)$/);
});

test('a learner without progress is given up under a new ballot, and another one is tried', () => {
  const story = tableOnFour({ replacementDelayMs: 20_000 });
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  story.server('a').teaches = false;
  story.advance(3_000);
  assert.equal(story.shape(), '2: a + b ~ c');
  story.advance(61_000);
  assert.equal(story.shape(), '3: a + b ~ d');
  story.ask('a', ConfigurationChange.addSecondary, story.server('c').id, 0, 2);
  assert.equal(story.shape(), '3: a + b ~ d');
});

test('a learner that restarts is given up under a new ballot, and asked again in its new life', () => {
  const story = tableOnFour();
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  story.server('a').teaches = false;
  story.advance(3_000);
  assert.equal(story.shape(), '2: a + b ~ c');
  story.restart('c');
  story.sendBeacon(story.server('c'));
  story.flush();
  assert.equal(story.shape(), '3: a + b');
  story.advance(2_000);
  assert.equal(story.shape(), '3: a + b ~ c');
});

test('a server that its primary loses again and again waits longer each time, until that is long ago', () => {
  const story = new Story(['a', 'b', 'c'], { learnRetryDelayMs: 20_000 });
  story.createTable();
  story.advance(2_000);
  const secondsAway = (): number => {
    story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
    let seconds = 0;
    while (story.partition().record.seats.length < 3) {
      story.advance(1_000);
      seconds += 1;
    }
    return seconds;
  };
  const first = secondsAway();
  assert(first <= 3);
  for (let time = 0; time < 4; time++) secondsAway();
  assert(secondsAway() >= 20);
  story.advance(40_000);
  assert.equal(secondsAway(), first);
});

test('a learner that shows progress may take its time', () => {
  const story = tableOnFour();
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  story.server('a').teaches = false;
  story.advance(3_000);
  const replica = story.replica('c');
  replica.status = ReplicaStatus.potentialSecondary;
  for (let second = 0; second < 120; second++) {
    replica.prepared += 1;
    story.advance(1_000);
  }
  assert.equal(story.shape(), '2: a + b ~ c');
});

test('a learner that held much already shows progress by what it fetches', () => {
  const story = tableOnFour();
  story.replica('c').dataBytes = 1_000_000;
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  story.server('a').teaches = false;
  story.advance(3_000);
  const replica = story.replica('c');
  replica.status = ReplicaStatus.potentialSecondary;
  for (let second = 1; second <= 120; second++) {
    replica.fetchedBytes = second * 1_000;
    story.advance(1_000);
  }
  assert.equal(story.shape(), '2: a + b ~ c');
});

test('a learner that starts over again and again makes no progress', () => {
  const story = tableOnFour();
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  story.server('a').teaches = false;
  story.advance(3_000);
  const replica = story.replica('c');
  replica.status = ReplicaStatus.potentialSecondary;
  for (let second = 0; second < 70; second++) {
    replica.learnId += 1;
    replica.prepared = second % 3;
    story.advance(1_000);
  }
  assert.equal(story.shape(), '3: a + b ~ d');
});

test('a new meta server goes on with the learner that it finds', () => {
  const story = tableOnFour();
  story.kill('c');
  story.server('a').teaches = false;
  story.advance(70_000);
  assert.equal(story.shape(), '2: a + b ~ d');
  const server = story.server('d');
  server.replicas.set(story.partition().key, {
    gpid: story.partition().gpid,
    ballot: 2,
    status: ReplicaStatus.potentialSecondary,
    prepared: 0,
    committed: 0,
    learnId: 1,
    failure: '',
    followers: [],
    configuration: null,
    counted: null,
  });
  story.advance(1_000);
  story.restartMeta();
  story.start('c');
  story.advance(1_000);
  assert.equal(story.shape(), '2: a + b', 'until all have reported');
  story.advance(4_000);
  assert.equal(story.shape(), '2: a + b ~ d');
});

test('no node learns or teaches more partitions at a time than it may', () => {
  const story = new Story(['a', 'b', 'c'], { learnsPerNodeMax: 2 });
  story.createTable({ partitionCount: 16 });
  story.advance(2_000);
  for (const name of ['a', 'b']) story.server(name).teaches = false;
  story.kill('c');
  story.advance(8_000);
  for (const name of ['a', 'b']) story.server(name).teaches = false;
  story.start('c');
  story.advance(2_000);
  const wishes = Array.from({ length: 16 }, (_, index) => story.partition(index).learner);
  assert.equal(wishes.filter((wish) => wish !== null).length, 2);
  for (const name of ['a', 'b']) story.server(name).teaches = true;
  story.advance(16_000);
  for (let index = 0; index < 16; index++) {
    assert.equal(story.partition(index).record.seats.length, 3);
  }
});

test('members that lose sight of each other again and again rejoin ever more slowly', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  const waits: number[] = [];
  for (let round = 0; round < 6; round++) {
    story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
    let waitedMs = 0;
    while (story.partition().record.seats.length < 3) {
      story.advance(1_000);
      waitedMs += 1_000;
    }
    waits.push(waitedMs);
  }
  assert.ok(waits[5]! > 4 * waits[0]!, waits.join(' '));
});

test('a pair that fails for ever costs a few ballots, and is together again soon after the trouble', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  const c = story.server('c').id;
  const beganMs = story.nowMs;
  let removals = 0;
  let nextRemovalMs = beganMs;
  while (story.nowMs - beganMs < 600_000) {
    const isMember = story.partition().seatOf(c) !== undefined;
    if (isMember && story.nowMs >= nextRemovalMs) {
      story.ask('a', ConfigurationChange.removeSecondary, c);
      removals += 1;
    }
    if (!isMember) nextRemovalMs = story.nowMs + 3_000;
    story.advance(200);
  }
  assert.ok(removals >= 5, 'it was tried again');
  assert.ok(story.partition().ballot <= 26, `ballot ${story.partition().ballot}`);
  while (story.partition().seatOf(c) !== undefined) {
    story.ask('a', ConfigurationChange.removeSecondary, c);
  }
  story.advance(62_000);
  assert.ok(story.partition().seatOf(c) !== undefined);
});

test('a learner that cannot be reached costs a ballot per attempt, and attempts are rare', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  story.server('a').teaches = false;
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  story.advance(600_000);
  assert.ok(story.partition().ballot <= 8, `ballot ${story.partition().ballot}`);
  assert.equal(story.partition().record.config.primary, story.server('a').id);
  story.server('a').teaches = true;
  story.advance(64_000);
  assert.equal(story.partition().record.seats.length, 3);
});

test('a learner that its primary takes back waits its turn', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  const { id } = story.server('c');
  story.server('a').teaches = false;
  for (let time = 0; time < 3; time++) {
    story.ask('a', ConfigurationChange.removeSecondary, id);
    story.advance(200);
    assert.equal(story.partition().learner, null);
    while (story.partition().learner === null) story.advance(200);
  }
  const beganMs = story.nowMs;
  story.ask('a', ConfigurationChange.removeSecondary, id);
  while (story.partition().learner === null) story.advance(200);
  assert.ok(story.nowMs - beganMs >= 59_000);
});

test('others are preferred to a server that failed twice', () => {
  const story = tableOnFour({ replacementDelayMs: 600_000 });
  const { id } = story.server('c');
  story.ask('a', ConfigurationChange.removeSecondary, id);
  story.advance(3_000);
  assert.equal(story.shape(), '3: a + b c', 'once is not enough');
  story.ask('a', ConfigurationChange.removeSecondary, id);
  story.advance(2_000);
  assert.equal(story.shape(), '5: a + b d');
});

test('a server that was removed for being slow is not asked again at once', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id, 0, 1, 'slow to log');
  story.advance(15_000);
  assert.equal(story.shape(), '2: a + b');
  story.advance(3_000);
  assert.equal(story.shape(), '3: a + b c');
});

test('a partition that cannot take writes does not wait so long for anybody', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  const { id } = story.server('c');
  story.server('a').teaches = false;
  for (let time = 0; time < 4; time++) {
    story.ask('a', ConfigurationChange.removeSecondary, id);
    while (time < 3 && story.partition().learner === null) story.advance(200);
  }
  story.ask('a', ConfigurationChange.removeSecondary, story.server('b').id);
  story.server('a').teaches = true;
  story.advance(2_000);
  assert.equal(story.partition().record.seats.length, 2, 'b, that failed once');
  story.server('b').teaches = false;
  story.ask('a', ConfigurationChange.removeSecondary, story.server('b').id);
  story.kill('b');
  story.advance(16_000);
  assert.match(story.shape(), /a \+ c/);
});

test('while the cluster is freezed nobody learns, but the dead are still followed', () => {
  const story = tableOnFour();
  story.brain.level = MetaLevel.freezed;
  story.kill('a');
  story.advance(80_000);
  assert.equal(story.shape(), '2: b + c');
  story.brain.level = MetaLevel.steady;
  story.advance(5_000);
  assert.equal(story.shape(), '3: b + c d');
});

test('a lost copy is made again in the zone that has none, however full its servers are', () => {
  const story = new Story([]);
  for (const name of ['a', 'd']) story.add(name, { zone: 'z1', host: name });
  for (const name of ['b', 'e']) story.add(name, { zone: 'z2', host: name });
  for (const name of ['c', 'f']) story.add(name, { zone: 'z3', host: name });
  story.advance(1_000);
  story.createTable();
  story.createTable({ appName: 'other', replicaCount: 3, partitionCount: 2 });
  story.advance(2_000);
  assert.equal(story.shape(), '1: a + b c');
  story.add('g', { zone: 'z1', host: 'g' });
  story.kill('c');
  story.advance(70_000);
  assert.equal(story.shape(), '3: a + b f');
});

test('of servers on one host one has a copy, as long as there are other hosts; the labels outlive the meta server', () => {
  const story = new Story([]);
  for (const name of ['a', 'b']) story.add(name, { host: 'h1' });
  for (const name of ['c', 'd']) story.add(name, { host: 'h2' });
  for (const name of ['e', 'f']) story.add(name, { host: 'h3' });
  story.advance(1_000);
  story.createTable({ partitionCount: 4 });
  story.advance(2_000);
  const hosts = (): string[] => {
    const groups = [0, 1, 2, 3].map((index) => story.partition(index).record.seats);
    const labels = groups.map((seats) =>
      seats.map(({ node }) => story.brain.state.nodes.labelsOf(node).host).sort(),
    );
    return labels.map((names) => names.join(' '));
  };
  assert.deepEqual(hosts(), Array(4).fill('h1 h2 h3'));
  story.restartMeta();
  assert.deepEqual(hosts(), Array(4).fill('h1 h2 h3'));
  story.kill('a');
  story.advance(70_000);
  assert.deepEqual(hosts(), Array(4).fill('h1 h2 h3'));
  story.kill('b');
  story.advance(70_000);
  assert.deepEqual(
    hosts().filter((names) => names.split(' ').length < 3),
    [],
    'with two hosts left, two copies share one',
  );
});
