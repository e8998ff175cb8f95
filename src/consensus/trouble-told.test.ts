/** Who cannot follow says so, and is heard: nobody has to wait until its silence is noticed. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ReplicaStatus } from '../model/configuration.ts';
import { configuration, groupOfThree } from './scenario.ts';

test('a secondary that has not heard of the ballot is told of it when it refuses a prepare', () => {
  const scenario = groupOfThree();
  scenario.cut.add('b>c');
  scenario.push('b', configuration(2, 'b', ['a', 'c']));
  scenario.settle();
  scenario.cut.clear();
  assert.equal(scenario.node('c').core.state.config.ballot, 1);
  scenario.write('b');
  scenario.settle();
  assert.equal(scenario.node('c').core.state.config.ballot, 2);
  assert.equal(scenario.node('b').committed, 1, 'and no time has passed');
});

test('the failure of a learner ends its attempt at once, and the next one begins', () => {
  const scenario = groupOfThree();
  scenario.node('c').restart();
  scenario.cut.add('c>a');
  scenario.push('a', configuration(2, 'a', ['b'], 'c'));
  scenario.settle();
  const { core } = scenario.node('c');
  const { learnId } = core;
  assert.equal(core.status, ReplicaStatus.potentialSecondary);
  core.fail('its engine refused');
  assert.equal(core.learnId, learnId, 'its report tells in which learn it has failed');
  scenario.settle();
  scenario.cut.clear();
  scenario.tick(1_000);
  scenario.settle();
  scenario.node('c').restart();
  scenario.tick(1_000);
  scenario.settle();
  assert.ok(scenario.node('c').core.learnId > learnId, 'another attempt');
});
