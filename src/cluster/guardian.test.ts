/** Rules 1 to 5 of "Configuration" in docs/internals/replication.md, each told as a story. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import { MetaLevel } from '../wire/schema/meta.ts';
import { planDrop, planRecall } from './table-commands.ts';

function healthyTable(names: readonly string[] = ['a', 'b', 'c']): Story {
  const story = new Story(names);
  story.createTable();
  story.advance(2_000);
  assert.equal(story.shape(), '1: a + b c');
  return story;
}

test('rule 1: while a change is not durable, nobody hears of it and no other begins', () => {
  const story = healthyTable();
  story.storeStalled = true;
  story.ask('a', ConfigurationChange.removeSecondary, story.server('b').id);
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  assert.equal(story.shape(), '1: a + b c');
  assert.equal(story.replica('a').ballot, 1);
  assert.equal(story.partition().changing, true);
  story.storeStalled = false;
  story.flush();
  assert.match(story.shape(), /^2: a \+ c/);
  assert.equal(story.replica('a').ballot, 2);
});

test('rule 1: a request under an old ballot changes nothing and is answered with what holds', () => {
  const story = healthyTable();
  story.ask('a', ConfigurationChange.removeSecondary, story.server('b').id);
  const shape = story.shape();
  story.replica('a').ballot = 1;
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id, 0, 1);
  assert.equal(story.shape(), shape);
  assert.equal(story.replica('a').ballot, 2);
});

test('rule 1: only the primary is granted a change', () => {
  const story = healthyTable();
  story.ask('b', ConfigurationChange.removeSecondary, story.server('a').id);
  story.ask('b', ConfigurationChange.removeSecondary, story.server('c').id);
  assert.equal(story.shape(), '1: a + b c');
});

test('rule 3: a member that has reported its replica is materialised, durably', () => {
  const story = healthyTable();
  assert.equal(story.partition().record.materialised.length, 3);
  story.restartMeta();
  assert.equal(story.partition().record.materialised.length, 3);
});

test('rule 3: a member that made its replica while the automatism was off is materialised afterwards', () => {
  const story = new Story(['a', 'b', 'c']);
  story.kill('c');
  story.createTable();
  story.advance(1_000);
  story.brain.level = MetaLevel.stopped;
  story.server('c').running = true;
  story.advance(3_000);
  assert.equal(story.replica('c').status, ReplicaStatus.secondary);
  assert.ok(!story.partition().isMaterialised(story.server('c').id));
  story.brain.level = MetaLevel.steady;
  story.advance(1_000);
  assert.ok(story.partition().isMaterialised(story.server('c').id));
  assert.equal(story.shape(), '1: a + b c');
});

test('rule 3: a materialised member without its replica is missing, and is not made anew', () => {
  const story = healthyTable();
  story.server('b').replicas.clear();
  story.advance(1_000);
  assert.equal(story.shape(), '1: a + b c', 'one report may be older than the replica');
  story.advance(1_000);
  assert.match(story.shape(), /^2: a \+ c/);
  story.advance(2_000);
  assert.equal(story.shape(), '3: a + b c');
  assert.equal(story.replica('b').status, ReplicaStatus.secondary);
});

test('rule 3: a primary without its replica loses the lead to a member that has it', () => {
  const story = healthyTable();
  story.server('a').teaches = false;
  story.server('b').teaches = false;
  story.server('a').replicas.clear();
  story.advance(2_000);
  assert.match(story.shape(), /^2: b \+ c ~ a/);
});

test('rule 3: servers that restart before they held anything keep their seats', () => {
  const story = new Story(['a', 'b', 'c']);
  for (const name of ['a', 'b', 'c']) story.server(name).connected = false;
  story.createTable();
  assert.equal(story.shape(), '1: a + b c');
  for (const name of ['a', 'b', 'c']) story.restart(name);
  for (const name of ['a', 'b', 'c']) story.server(name).connected = true;
  story.advance(4_000);
  assert.equal(story.shape(), '1: a + b c');
  assert.equal(story.replica('a').status, ReplicaStatus.primary);
});

test('rule 4: removing a node that is no member makes a ballot under which older requests are void', () => {
  const story = new Story(['a', 'b', 'c'], { learnStallMs: 1_000_000 });
  story.createTable();
  story.advance(2_000);
  story.server('a').teaches = false;
  story.ask('a', ConfigurationChange.removeSecondary, story.server('b').id);
  story.advance(2_000);
  assert.equal(story.shape(), '2: a + c ~ b');
  story.ask('a', ConfigurationChange.removeSecondary, story.server('b').id);
  assert.match(story.shape(), /^3: a \+ c/);
  story.ask('a', ConfigurationChange.addSecondary, story.server('b').id, 0, 2);
  assert.match(story.shape(), /^3: a \+ c/);
  assert.ok(!story.shape().startsWith('3: a + b'));
});

test('rule 4: a partition with all its members admits nobody, and makes the request void', () => {
  const story = new Story(['a', 'b', 'c', 'd']);
  story.createTable();
  story.advance(2_000);
  assert.equal(story.shape(), '1: a + b c');
  story.ask('a', ConfigurationChange.addSecondary, story.server('d').id);
  assert.equal(story.shape(), '2: a + b c');
});

test('rule 4: a learner that has caught up is admitted though a new meta server wishes for another', () => {
  const story = new Story(['a', 'b', 'c', 'd'], { learnStallMs: 1_000_000 });
  story.createTable();
  story.advance(2_000);
  story.server('a').teaches = false;
  story.ask('a', ConfigurationChange.removeSecondary, story.server('b').id);
  story.advance(2_000);
  assert.equal(story.shape(), '2: a + c ~ b');
  story.ask('a', ConfigurationChange.addSecondary, story.server('d').id);
  assert.equal(story.shape(), '3: a + c d');
});

test('rule 4: nobody joins before the primary has committed what is known to be committed', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  story.server('a').teaches = false;
  for (const name of ['a', 'b', 'c']) story.replica(name).prepared = 9;
  story.replica('a').committed = 9;
  story.ask('a', ConfigurationChange.removeSecondary, story.server('b').id);
  story.advance(2_000);
  story.replica('a').committed = 8;
  story.ask('a', ConfigurationChange.addSecondary, story.server('b').id);
  assert.equal(story.shape(), '2: a + c ~ b');
  story.replica('a').committed = 9;
  story.ask('a', ConfigurationChange.addSecondary, story.server('b').id);
  assert.equal(story.shape(), '3: a + b c');
});

test('rule 5: a dead secondary is removed', () => {
  const story = healthyTable();
  story.kill('c');
  story.advance(6_000);
  assert.equal(story.shape(), '1: a + b c');
  story.advance(1_200);
  assert.match(story.shape(), /^2: a \+ b/);
});

test('rule 5: a dead primary is followed by the live secondary with the longest log', () => {
  const story = healthyTable();
  story.replica('b').prepared = 7;
  story.replica('c').prepared = 9;
  story.advance(1_000);
  story.kill('a');
  story.advance(7_200);
  assert.match(story.shape(), /^2: c \+ b/);
  assert.equal(story.replica('c').status, ReplicaStatus.primary);
});

test('rule 5: dead secondaries leave in the same change as a dead primary', () => {
  const story = healthyTable();
  story.kill('a');
  story.kill('b');
  story.advance(7_200);
  assert.match(story.shape(), /^2: c \+ /);
  assert.deepEqual(story.partition().record.drops, ['a:1', 'b:1']);
});

test('rule 5: without a live member nothing changes until one is back with its replica', () => {
  const story = healthyTable();
  for (const name of ['a', 'b', 'c']) story.kill(name);
  story.advance(20_000);
  assert.equal(story.shape(), '1: a + b c');
  story.server('b').replicas.clear();
  story.start('b');
  story.advance(5_000);
  assert.equal(story.shape(), '1: a + b c', 'b came back with empty hands');
  story.start('c');
  story.advance(1_000);
  assert.match(story.shape(), /^2: c \+ /);
});

test('rule 5: of several that came back the one with the longest log leads', () => {
  const story = healthyTable();
  story.replica('a').prepared = 3;
  story.replica('b').prepared = 5;
  story.replica('c').prepared = 4;
  for (const name of ['a', 'b', 'c']) story.server(name).connected = false;
  for (const name of ['a', 'b', 'c']) story.restart(name);
  story.advance(10_000);
  // All are heard of before the first report is.
  for (const name of ['a', 'b', 'c']) {
    story.server(name).connected = true;
    story.sendBeacon(story.server(name));
  }
  story.storeStalled = true;
  for (const name of ['a', 'b', 'c']) story.sendReport(story.server(name));
  story.storeStalled = false;
  story.flush();
  assert.match(story.shape(), /^2: (a|b|c) \+ /);
});

test('rule 5: a member that lacks what was committed never leads, even as the last one', () => {
  const story = healthyTable();
  for (const name of ['a', 'b', 'c']) {
    story.replica(name).prepared = 10;
    story.replica(name).committed = 10;
  }
  story.advance(1_000);
  for (const name of ['a', 'b', 'c']) story.kill(name);
  story.advance(8_000);
  story.replica('b').prepared = 8;
  story.replica('b').committed = 8;
  story.start('b');
  story.advance(10_000);
  assert.equal(story.shape(), '1: a + b c');
  story.start('c');
  story.advance(1_000);
  assert.match(story.shape(), /^\d: c \+ /);
});

test('rule 5: a new life of a node holds no role: the old one is dead at once', () => {
  const story = healthyTable();
  story.restart('a');
  story.sendBeacon(story.server('a'));
  story.flush();
  assert.match(story.shape(), /^2: b \+ c/);
  story.advance(3_000);
  assert.equal(story.shape(), '3: b + a c');
});

test('rule 5: a whole cluster that restarts is healthy again, with nobody in a role of the former life', () => {
  const story = new Story(['a', 'b', 'c', 'd', 'e']);
  story.createTable({ partitionCount: 8 });
  story.advance(2_000);
  for (const name of story.servers.keys()) story.restart(name);
  story.advance(10_000);
  for (let index = 0; index < 8; index++) {
    const { record } = story.partition(index);
    assert.equal(record.seats.length, 3);
    assert.ok(record.seats.every((seat) => seat.incarnation === 2));
  }
});

test('rule 5: who says that it leaves is replaced without waiting for the grace', () => {
  const story = healthyTable();
  story.sendBeacon(story.server('a'), true);
  story.kill('a');
  story.flush();
  assert.match(story.shape(), /^2: b \+ c/);
});

test('rule 5: a replica that its server reports as damaged leaves the configuration', () => {
  const story = healthyTable();
  story.replica('a').status = ReplicaStatus.error;
  story.server('b').teaches = false;
  story.advance(1_000);
  assert.match(story.shape(), /^2: b \+ c/);
});

test('the death of a node is one append, however many partitions it had', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable({ partitionCount: 256 });
  story.advance(2_000);
  const appends = story.appends.length;
  story.kill('b');
  story.advance(7_200);
  assert.deepEqual(story.appends.slice(appends), [256]);
});

test('a dropped table has no members, and a recall brings back those that still hold it', () => {
  const story = healthyTable();
  story.replica('b').prepared = 4;
  const request = { appName: 'temp', successIfNotExist: false, reserveSeconds: 3600 };
  story.command(planDrop(story.context(), request));
  assert.equal(story.shape(), '2: - + ');
  assert.equal(story.replica('a').status, ReplicaStatus.inactive);
  story.advance(2_000);
  story.command(planRecall(story.context(), { appId: 1, newAppName: '' }));
  assert.match(story.shape(), /^4: b \+ /, 'the longest log leads');
  story.advance(3_000);
  assert.match(story.shape(), /^6: b \+ a c$/);
});

test('a recall waits until the former primary has heard that it does not lead any more', () => {
  const story = healthyTable();
  story.server('a').connected = false;
  const request = { appName: 'temp', successIfNotExist: false, reserveSeconds: 3600 };
  story.command(planDrop(story.context(), request));
  story.command(planRecall(story.context(), { appId: 1, newAppName: '' }));
  assert.equal(story.shape(), '3: - + a b c');
  story.server('a').connected = true;
  story.advance(2_000);
  assert.doesNotMatch(story.shape(), /^3/);
});

test('rule 5: secondaries that are back first are not put out for a primary that never comes back', () => {
  const story = healthyTable(['a', 'b', 'c', 'd']);
  for (const name of ['a', 'b', 'c']) story.kill(name);
  story.start('b');
  story.advance(1_000);
  assert.match(story.shape(), /^2: a \+ c/, 'one of two leaves');
  story.start('c');
  story.advance(3_000);
  assert.match(story.shape(), /^2: a \+ c/, 'a was not heard since');
  story.advance(5_000);
  assert.match(story.shape(), /^[3-9]: c \+ /, 'the one that is left has everything');
});

test('rule 5: nor are those whose grace ends a moment before that of the primary', () => {
  const story = healthyTable();
  for (const name of ['b', 'c']) story.server(name).connected = false;
  story.advance(800);
  story.server('a').connected = false;
  story.advance(20_000);
  assert.notEqual(story.partition().record.seats.length, 1);
  story.kill('a');
  for (const name of ['b', 'c']) story.restart(name);
  for (const name of ['b', 'c']) story.server(name).connected = true;
  story.advance(8_000);
  assert.match(story.shape(), /: [bc] \+ [bc]/);
});

test('rule 5: nobody is put out for a primary that is heard again first, and has lost its disk', () => {
  const story = healthyTable();
  for (const name of ['a', 'b', 'c']) story.server(name).connected = false;
  story.advance(1_000);
  story.replica('a').status = ReplicaStatus.error;
  story.replica('a').failure = 'the log failed';
  story.advance(8_000);
  story.server('a').connected = true;
  story.advance(3_000);
  assert.equal(story.shape(), '1: a + b c', 'who has whole copies stays');
  story.server('b').connected = true;
  story.advance(2_000);
  assert.match(story.shape(), /^2: b \+ /);
});

test('rule 5: nor for the last secondary in the same case', () => {
  const story = healthyTable();
  story.kill('c');
  story.advance(8_000);
  assert.equal(story.shape(), '2: a + b');
  for (const name of ['a', 'b']) story.server(name).connected = false;
  story.advance(1_000);
  story.replica('b').status = ReplicaStatus.error;
  story.replica('b').failure = 'the log failed';
  story.advance(8_000);
  story.server('b').connected = true;
  story.advance(3_000);
  assert.equal(story.shape(), '2: a + b');
  story.server('a').connected = true;
  story.advance(2_000);
  assert.match(story.shape(), /^3: a \+ /);
});

test('rule 5: the last secondary that goes on reporting follows a dead primary at once', () => {
  const story = healthyTable();
  story.kill('c');
  story.advance(8_000);
  assert.equal(story.shape(), '2: a + b');
  story.advance(600);
  story.brain.onLifeEnded(story.server('a').id, story.server('a').incarnation, story.now());
  story.flush();
  assert.equal(story.shape(), '3: b + ');
});

test('rule 5: a primary that is heard goes on without those that are lost', () => {
  const story = healthyTable();
  for (const name of ['b', 'c']) story.kill(name);
  story.advance(8_000);
  assert.match(story.shape(), /^[23]: a \+ $/);
});
