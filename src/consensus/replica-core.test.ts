import assert from 'node:assert/strict';
import test from 'node:test';
import { ReplicaStatus } from '../model/configuration.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { configuration, groupOfThree, isAddOf, isRemovalOf, Scenario } from './scenario.ts';

test('a write is committed on all members once every one of them has it in its log', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle(['c']);
  assert.equal(scenario.node('a').committed, 0, 'c has not logged it yet');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 1);
  scenario.tick(100);
  scenario.settle();
  assert.deepEqual(
    scenario.nodes.map((node) => node.committed),
    [1, 1, 1],
  );
});

test('an ack does not leave before the ballot is durable', () => {
  const scenario = new Scenario(['a', 'b', 'c']);
  for (const name of ['a', 'b', 'c']) scenario.push(name, configuration(1, 'a', ['b', 'c']));
  scenario.later.length = 1;
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 0);
});

test('an ack that waited for the durable ballot leaves as soon as it is', () => {
  const scenario = new Scenario(['a', 'b', 'c']);
  for (const name of ['a', 'b', 'c']) scenario.push(name, configuration(1, 'a', ['b', 'c']));
  const persisted = scenario.later.splice(1);
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 0);
  scenario.later = persisted;
  scenario.settle();
  assert.equal(scenario.node('a').committed, 1);
});

test('nobody hears of a ballot that its primary has not stored: it may be given out again if it is lost', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle(['a']);
  scenario.push('b', configuration(2, 'b', ['c'], 'a'));
  const stored = scenario.later.splice(0);
  const role = scenario.node('b').core.leading;
  // As long as it takes: its peers are not silent because they were asked nothing.
  for (let elapsed = 0; elapsed < 60_000; elapsed += 1_000) scenario.tick(1_000);
  const told = scenario.wire.filter(({ from }) => from === 'b');
  assert.deepEqual(told, []);
  assert.equal(role?.canPropose(), false);
  assert.ok(scenario.updates.every(({ ballot }) => ballot === 1));
  scenario.later = stored;
  scenario.settle();
  assert.equal(scenario.node('b').committed, 1);
  assert.equal(scenario.node('b').core.leading, role);
});

test('a lost prepare is sent again', () => {
  const scenario = groupOfThree();
  scenario.cut.add('a>b');
  scenario.write('a');
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 0);
  scenario.cut.clear();
  scenario.tick(600);
  scenario.settle();
  assert.equal(scenario.node('a').committed, 2);
});

test('a secondary that stays silent is reported, and nothing commits without it meanwhile', () => {
  const scenario = groupOfThree();
  scenario.cut.add('a>b');
  scenario.write('a');
  for (let elapsed = 0; elapsed <= 3_600; elapsed += 600) {
    scenario.tick(600);
    scenario.settle();
  }
  assert.ok(isRemovalOf(scenario.updates[0], 'b'));
  assert.equal(scenario.node('a').committed, 0);
  scenario.push('a', configuration(2, 'a', ['c']));
  scenario.settle();
  assert.equal(scenario.node('a').committed, 1);
});

test('a new primary prepares the uncommitted tail again under its ballot and reads wait for it', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle(['a']);
  assert.equal(scenario.node('b').prepared, 1);
  scenario.push('b', configuration(2, 'b', ['c']));
  const role = scenario.node('b').core.leading;
  assert.equal(role?.readableFrom, 1);
  scenario.settle();
  assert.equal(scenario.node('b').committed, 1);
  assert.equal(scenario.node('c').prepared, 1);
});

test('an old primary cannot commit once a member follows the new one', () => {
  const scenario = groupOfThree();
  scenario.cut.add('b>a').add('c>a');
  scenario.push('b', configuration(2, 'b', ['c']));
  scenario.settle();
  scenario.cut.clear();
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 0);
  scenario.write('b');
  scenario.settle();
  assert.equal(scenario.node('b').committed, 1);
});

test('the tail of an old primary is replaced by the new one, not mixed with it', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  scenario.cut.add('a>b');
  scenario.write('a');
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('c').prepared, 3);
  scenario.push('b', configuration(2, 'b', ['c']));
  scenario.tick(7);
  scenario.write('b');
  scenario.settle();
  assert.equal(scenario.node('b').committed, 2);
  assert.equal(scenario.node('c').prepared, 2);
});

test('a restarted member learns from memory and is promoted only when it has all that is committed', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  scenario.node('c').restart();
  scenario.push('a', configuration(2, 'a', ['b']));
  for (let count = 0; count < 5; count++) scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 6);
  scenario.push('a', configuration(2, 'a', ['b'], 'c'));
  scenario.settle();
  assert.ok(isAddOf(scenario.updates.at(-1), 'c'));
  assert.equal(scenario.node('c').prepared, 6);
  scenario.push('a', configuration(3, 'a', ['b', 'c']));
  scenario.settle();
  assert.equal(scenario.node('c').core.status, ReplicaStatus.secondary);
});

test('a learner that lacks nothing follows before it is promoted, so the next write finds it there', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  scenario.node('c').restart();
  scenario.push('a', configuration(2, 'a', ['b']));
  scenario.tick(1_000);
  scenario.settle();
  scenario.cut.add('a>c');
  scenario.push('a', configuration(2, 'a', ['b'], 'c'));
  scenario.settle();
  assert.equal(scenario.updates.length, 0, 'c has not said that it follows');
  scenario.cut.clear();
  for (let elapsed = 0; elapsed < 3_000; elapsed += 600) {
    scenario.tick(600);
    scenario.settle();
  }
  assert.ok(isAddOf(scenario.updates.at(-1), 'c'));
  for (const name of ['c', 'a', 'b']) scenario.push(name, configuration(3, 'a', ['b', 'c']));
  scenario.settle();
  assert.equal(scenario.node('c').core.status, ReplicaStatus.secondary);
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 2);
  assert.equal(scenario.node('c').prepared, 2);
});

test('a learner whose only ack was lost asks on, though its primary has no writes to send it', () => {
  const scenario = groupOfThree();
  scenario.node('c').restart();
  scenario.push('a', configuration(2, 'a', []));
  scenario.settle();
  scenario.push('a', configuration(2, 'a', [], 'c'));
  while (!scenario.wire.some(({ type }) => type === InternalMessage.learnMutations)) {
    assert.ok(scenario.deliverOne(), 'a tells c that it lacks nothing');
  }
  scenario.cut.add('c>a');
  scenario.settle();
  scenario.cut.clear();
  assert.equal(scenario.updates.length, 0, 'a has not heard that c follows');
  scenario.tick(600);
  scenario.settle();
  assert.ok(isAddOf(scenario.updates.at(-1), 'c'));
});

test('a learner that asks on while its promotion is under way stays what it is', () => {
  const scenario = groupOfThree();
  scenario.node('c').restart();
  scenario.push('a', configuration(2, 'a', [], 'c'));
  scenario.settle();
  assert.ok(isAddOf(scenario.updates.at(-1), 'c'));
  for (let elapsed = 0; elapsed < 6_000; elapsed += 600) {
    scenario.tick(600);
    scenario.settle();
  }
  assert.ok(scenario.updates.every((update) => isAddOf(update, 'c')));
  for (const name of ['c', 'a']) scenario.push(name, configuration(3, 'a', ['c']));
  scenario.settle();
  assert.equal(scenario.node('c').core.status, ReplicaStatus.secondary);
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 1);
});

test('what a learner acknowledged in an earlier life does not promote it in the next', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  scenario.node('c').restart();
  scenario.push('a', configuration(2, 'a', ['b'], 'c'));
  scenario.settle();
  const asked = scenario.updates.at(-1);
  assert.ok(isAddOf(asked, 'c'));
  assert.equal(asked?.incarnation, 2);
  scenario.node('c').restart();
  scenario.tick(1_000);
  scenario.settle();
  assert.ok(isRemovalOf(scenario.updates.at(-1), 'c'), 'the primary asks to void its request');
});

test('a secondary by name only says so at the first prepare', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  scenario.node('c').restart();
  scenario.write('a');
  scenario.settle();
  assert.ok(isRemovalOf(scenario.updates.at(-1), 'c'));
});

test('a secondary by name only is found out without a write', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  scenario.node('c').restart();
  scenario.tick(1_000);
  scenario.settle();
  assert.ok(isRemovalOf(scenario.updates.at(-1), 'c'));
});

test('a learner that took long to fetch a checkpoint is not behind when it follows at last', () => {
  const scenario = new Scenario(['a', 'b', 'c']);
  for (const name of ['a', 'b']) scenario.push(name, configuration(1, 'a', ['b']));
  scenario.settle();
  for (let round = 0; round < 40; round++) {
    for (let count = 0; count < 40; count++) scenario.write('a');
    scenario.settle();
  }
  scenario.node('a').log = scenario.node('a').log.slice(-100);
  scenario.push('a', configuration(1, 'a', ['b'], 'c'));
  const isOffered = (): boolean =>
    scenario.wire.some(({ type }) => type === InternalMessage.learnCheckpoint);
  while (!isOffered()) assert.ok(scenario.deliverOne(), 'a offers a checkpoint');
  while (isOffered()) scenario.deliverOne();
  const fetched = scenario.later.splice(0);
  for (let elapsed = 0; elapsed < 6_000; elapsed += 500) {
    scenario.tick(500);
    scenario.settle();
  }
  scenario.write('a');
  scenario.settle();
  scenario.later.push(...fetched);
  scenario.settle();
  assert.ok(isAddOf(scenario.updates.at(-1), 'c'));
  scenario.tick(100);
  for (const name of ['c', 'a']) scenario.push(name, configuration(2, 'a', ['b', 'c']));
  scenario.settle();
  assert.equal(scenario.node('c').core.status, ReplicaStatus.secondary);
});

test('a learner that is far behind gets the log, an empty one with a truncated log a checkpoint', () => {
  const scenario = new Scenario(['a', 'b', 'c']);
  scenario.push('a', configuration(1, 'a', ['b']));
  scenario.push('b', configuration(1, 'a', ['b']));
  scenario.settle();
  for (let round = 0; round < 40; round++) {
    for (let count = 0; count < 40; count++) scenario.write('a');
    scenario.settle();
  }
  assert.equal(scenario.node('a').committed, 1_600);
  scenario.push('a', configuration(1, 'a', ['b'], 'c'));
  scenario.settle();
  assert.equal(scenario.node('c').committed >= 1_000, true);
  assert.ok(isAddOf(scenario.updates.at(-1), 'c'));

  scenario.push('a', configuration(2, 'a', ['b']));
  scenario.settle();
  scenario.node('a').log = scenario.node('a').log.slice(-100);
  scenario.node('c').applied = [];
  scenario.node('c').log = [];
  scenario.node('c').restart();
  scenario.push('a', configuration(2, 'a', ['b'], 'c'));
  scenario.settle();
  assert.equal(scenario.node('c').prepared, 1_600);
});

test('a learner that has more to catch up than may be uncommitted here commits as its log grows', () => {
  const scenario = new Scenario(['a', 'b', 'c']);
  scenario.push('a', configuration(1, 'a', ['b']));
  scenario.push('b', configuration(1, 'a', ['b']));
  scenario.settle();
  for (let round = 0; round < 14; round++) {
    for (let count = 0; count < 50; count++) scenario.write('a');
    scenario.settle();
  }
  // All 700 are in the memory of a, which attaches c at once; c may hold 512 uncommitted.
  scenario.push('a', configuration(1, 'a', ['b'], 'c'));
  for (let round = 0; round < 10; round++) {
    scenario.settle();
    scenario.tick(100);
  }
  scenario.settle();
  assert.equal(scenario.node('c').prepared, 700);
  assert.ok(isAddOf(scenario.updates.at(-1), 'c'));
});

test('a learner is not promoted before it has what an earlier primary may have committed', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  // All crash: 1 was committed and acknowledged by a, which is all that knows it.
  scenario.node('c').log = [];
  for (const node of scenario.nodes) node.restart();
  scenario.push('b', configuration(2, 'b', []));
  scenario.later.length = 0; // the new ballot is not durable yet, so nothing commits
  scenario.cut.add('b>c');
  scenario.push('b', configuration(2, 'b', [], 'c'));
  scenario.cut.clear();
  scenario.tick(1_000);
  scenario.settle(['c']);
  assert.equal(scenario.node('c').prepared, 1);
  assert.equal(scenario.updates.length, 0, 'c has not logged it');
});

test('a lost prepare over a stale tail is sent again, and nobody fails over it', () => {
  const scenario = groupOfThree();
  scenario.cut.add('a>b');
  for (let count = 0; count < 4; count++) scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('c').prepared, 4, 'c has a tail that b never saw');
  scenario.push('b', configuration(2, 'b', ['c']));
  scenario.settle();
  scenario.tick(7);
  scenario.cut.add('b>c');
  scenario.write('b');
  scenario.settle();
  scenario.cut.clear();
  scenario.write('b');
  scenario.settle();
  assert.equal(scenario.node('c').failure, '');
  scenario.tick(600);
  scenario.settle();
  assert.equal(scenario.node('b').committed, 2);
  assert.equal(scenario.node('c').prepared, 2);
});

test('a learner keeps what it has logged until the primary shows another history', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle(['a', 'b']);
  const c = scenario.node('c');
  c.restart();
  assert.equal(c.prepared, 1);
  scenario.cut.add('c>a');
  scenario.push('a', configuration(2, 'a', ['b'], 'c'));
  scenario.settle();
  assert.equal(c.prepared, 1);
});

test('a learner counts for commits from the moment its promotion is asked for', () => {
  const scenario = groupOfThree();
  scenario.push('a', configuration(2, 'a', ['b']));
  scenario.settle();
  scenario.node('c').restart();
  scenario.push('a', configuration(2, 'a', ['b'], 'c'));
  scenario.settle();
  assert.ok(isAddOf(scenario.updates.at(-1), 'c'));
  scenario.cut.add('a>c');
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 0);
});

test('a restarted member does not follow an older primary than the one it last acknowledged', () => {
  const scenario = groupOfThree();
  scenario.push('b', configuration(2, 'b', ['c']));
  scenario.settle();
  scenario.write('b');
  scenario.settle();
  const c = scenario.node('c');
  c.restart();
  assert.equal(c.prepared, 1);
  // The deposed primary a, which never heard of ballot 2, invites c to learn from it.
  scenario.push('a', configuration(1, 'a', ['b'], 'c'));
  scenario.settle();
  assert.equal(c.core.status, ReplicaStatus.inactive);
  assert.equal(c.prepared, 1, 'its tail is kept');
});

test('after all have crashed any member leads on with everything that was acknowledged', () => {
  const scenario = groupOfThree();
  for (let count = 0; count < 3; count++) scenario.write('a');
  scenario.settle();
  for (const node of scenario.nodes) node.restart();
  scenario.push('c', configuration(2, 'c', []));
  scenario.settle();
  assert.equal(scenario.node('c').committed, 3);
  assert.equal(scenario.node('c').core.leading?.hasWriteQuorum(), false);
});

test('a configuration without a primary ends all roles: the table was dropped and recalled', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  for (const name of ['a', 'b']) scenario.push(name, configuration(3, null, ['a', 'b', 'c']));
  assert.equal(scenario.node('a').core.state.status, ReplicaStatus.inactive);
  assert.equal(scenario.node('b').core.state.status, ReplicaStatus.inactive);
  scenario.push('b', configuration(4, 'b', []));
  assert.equal(scenario.node('b').core.state.status, ReplicaStatus.primary);
});
