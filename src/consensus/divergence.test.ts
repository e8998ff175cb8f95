/** Two histories in one partition: nobody serves, spreads or throws away the wrong one on one replica's word. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ReplicaStatus } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';
import { DivergenceCourt } from './divergence.ts';
import { configuration, groupOfThree, isRemovalOf, type Scenario } from './scenario.ts';

function group(): Scenario {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle();
  scenario.tick(100);
  scenario.settle();
  assert.deepEqual(
    scenario.nodes.map((node) => node.committed),
    [1, 1, 1],
  );
  return scenario;
}

/** As rot of its engine would have it: the same decree, another digest. */
function rot(scenario: Scenario, name: string): void {
  const { list } = scenario.node(name).core.state;
  list.reset(list.lastCommitted, list.lastCommittedDigest ^ 0x5a5a);
}

test('a secondary with another history stops, keeps what it has, and is removed once the other agrees with the primary', () => {
  const scenario = group();
  rot(scenario, 'b');
  scenario.cut.add('c>a');
  scenario.tick(1_000);
  scenario.settle();
  assert.equal(scenario.node('b').core.status, ReplicaStatus.inactive);
  assert.equal(scenario.updates.length, 0, 'c has not spoken yet');
  scenario.cut.clear();
  scenario.tick(1_000);
  scenario.settle();
  scenario.tick(100);
  assert.ok(isRemovalOf(scenario.updates[0], 'b'));
  assert.equal(scenario.node('b').core.status, ReplicaStatus.inactive);
  scenario.push('b', configuration(2, 'a', ['c']));
  assert.equal(scenario.node('b').core.status, ReplicaStatus.error);
  assert.match(scenario.node('b').failure, /^diverged/);
  assert.equal(scenario.node('b').committed, 1, 'its files stay');
});

test('a primary against which both secondaries stand fails itself, and they do not', () => {
  const scenario = group();
  rot(scenario, 'a');
  scenario.tick(1_000);
  scenario.settle();
  assert.equal(scenario.node('a').core.status, ReplicaStatus.error);
  assert.match(scenario.node('a').failure, /^diverged/);
  assert.equal(scenario.updates.length, 0, 'it asks for nobody’s removal');
  for (const name of ['b', 'c']) assert.equal(scenario.node(name).failure, '');
  scenario.push('b', configuration(2, 'b', ['c']));
  scenario.settle();
  assert.equal(scenario.node('b').core.status, ReplicaStatus.primary);
  assert.equal(scenario.node('b').committed, 1);
});

test('of two members the primary goes on: its history is the one that clients have seen', () => {
  const scenario = group();
  for (const name of ['a', 'b']) scenario.push(name, configuration(2, 'a', ['b']));
  scenario.settle();
  rot(scenario, 'b');
  scenario.tick(1_000);
  scenario.settle();
  scenario.tick(100);
  assert.ok(isRemovalOf(scenario.updates[0], 'b'));
  assert.equal(scenario.node('a').core.status, ReplicaStatus.primary);
});

test('a prepare shows another history as well, and nothing of it is acknowledged', () => {
  const scenario = group();
  rot(scenario, 'b');
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('b').core.status, ReplicaStatus.inactive);
  assert.equal(scenario.node('b').prepared, 1);
  assert.equal(scenario.node('a').committed, 1);
});

test('who stays silent is not waited for longer than for an acknowledgement', () => {
  const court = new DivergenceCourt(3_000);
  const both = ['b', 'c'] as NodeId[];
  assert.equal(court.onDiverged('b' as NodeId, 0), true);
  assert.equal(court.verdict(both, 2_999).kind, 'wait');
  assert.deepEqual(court.verdict(both, 3_000), { kind: 'remove', node: 'b' });
  court.onDiverged('c' as NodeId, 3_500);
  assert.equal(court.verdict(both, 3_500).kind, 'primary');
});
