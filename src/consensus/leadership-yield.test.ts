import assert from 'node:assert/strict';
import test from 'node:test';
import { ReplicaStatus } from '../model/configuration.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import { configuration, groupOfThree } from './scenario.ts';

test('a primary that yields stops first and asks then, until a new ballot comes', () => {
  const scenario = groupOfThree();
  const { core } = scenario.node('a');
  core.yieldLeadership('its log has no room', scenario.nowMs);
  assert.equal(core.leading, null);
  assert.equal(core.status, ReplicaStatus.inactive);
  assert.equal(scenario.updates.at(-1)?.change, ConfigurationChange.yieldPrimary);
  assert.equal(scenario.updates.at(-1)?.ballot, 1);
  scenario.tick(600);
  assert.equal(scenario.updates.length, 2);
  scenario.push('a', configuration(2, 'b', ['c']));
  scenario.tick(600);
  assert.equal(scenario.updates.length, 2);
});

test('it never leads again under the ballot that it gave up, and does under the next', () => {
  const scenario = groupOfThree();
  const { core } = scenario.node('a');
  core.yieldLeadership('its log has no room', scenario.nowMs);
  scenario.push('a', configuration(1, 'a', ['b', 'c']));
  assert.equal(core.leading, null);
  scenario.push('a', configuration(2, 'a', ['b', 'c']));
  assert.notEqual(core.leading, null);
});

test('what it had acknowledged lives on under its successor, and what was in flight is decided there', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  scenario.write('a');
  scenario.settle(['a']);
  assert.equal(scenario.node('a').committed, 1, 'its own log is full');
  scenario.node('a').core.yieldLeadership('its log has no room', scenario.nowMs);
  for (const name of ['a', 'b', 'c']) scenario.push(name, configuration(2, 'b', ['c']));
  scenario.settle(['a']);
  assert.equal(scenario.node('b').committed, 2);
});

test('a primary that the write floor needs leads on: reads at least are served', () => {
  const scenario = groupOfThree();
  scenario.push('a', configuration(2, 'a', ['b']));
  scenario.settle();
  scenario.node('a').core.yieldLeadership('its log has no room', scenario.nowMs);
  assert.notEqual(scenario.node('a').core.leading, null);
  assert.equal(scenario.updates.length, 0);
});

test('a primary that is asked to, because the others are there and out of its sight, yields even so', () => {
  const scenario = groupOfThree();
  scenario.push('a', configuration(2, 'a', ['b']));
  scenario.settle();
  const { core } = scenario.node('a');
  core.onYieldAsked(1, scenario.nowMs);
  assert.notEqual(core.leading, null, 'that was of an older ballot');
  core.onYieldAsked(2, scenario.nowMs);
  assert.equal(core.leading, null);
  assert.equal(scenario.updates.at(-1)?.change, ConfigurationChange.yieldPrimary);
  scenario.push('a', configuration(2, 'a', ['b']));
  assert.equal(core.leading, null);
});

test('a primary that cannot store its ballot, on a full disk for one, makes room for another one', () => {
  const scenario = groupOfThree();
  scenario.push('b', configuration(2, 'b', ['a', 'c']));
  scenario.later.length = 0;
  scenario.tick(3_000);
  assert.notEqual(scenario.node('b').core.leading, null);
  scenario.tick(100);
  assert.equal(scenario.node('b').core.leading, null);
  const { change, ballot } = scenario.updates.at(-1)!;
  assert.deepEqual([change, ballot], [ConfigurationChange.yieldPrimary, 2]);
});

test('a lead is handed over: who led follows the new ballot without learning, and has all there is', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  const { core } = scenario.node('a');
  const to = scenario.node('b').id;
  assert.equal(core.pauseFor(2, to), false, 'that was of another ballot');
  assert.equal(core.pauseFor(1, scenario.node('a').id), false, 'nobody hands over to itself');
  assert.equal(core.pauseFor(1, to), true);
  assert.equal(core.leading?.canPropose(), false);
  core.handOver(to, scenario.nowMs);
  assert.equal(core.leading, null);
  const update = scenario.updates.at(-1);
  assert.equal(update?.change, ConfigurationChange.handOver);
  assert.equal(update?.node, to);
  for (const name of ['b', 'c', 'a']) scenario.push(name, configuration(2, 'b', ['c', 'a']));
  scenario.settle();
  assert.equal(core.status, ReplicaStatus.secondary);
  scenario.write('b');
  scenario.settle();
  assert.equal(scenario.node('b').committed, 2, 'its acknowledgement counts');
  assert.equal(core.state.list.lastPrepared, 2);
});

test('who handed over follows on the word of the new primary, before the meta server tells', () => {
  const scenario = groupOfThree();
  const { core } = scenario.node('a');
  core.pauseFor(1, scenario.node('b').id);
  core.handOver(scenario.node('b').id, scenario.nowMs);
  for (const name of ['b', 'c']) scenario.push(name, configuration(2, 'b', ['c', 'a']));
  scenario.settle();
  assert.equal(core.status, ReplicaStatus.secondary);
});

test('who has paused and is not replaced proposes again', () => {
  const scenario = groupOfThree();
  const { core } = scenario.node('a');
  core.pauseFor(1, scenario.node('b').id);
  core.leading!.isPausing = false;
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 1);
});
