import assert from 'node:assert/strict';
import test from 'node:test';
import type { NodeId } from '../model/identity.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import { LagMeter } from './lag-meter.ts';
import { configuration, groupOfThree, type Scenario } from './scenario.ts';
import { SlowMembers } from './slow-members.ts';

const OPTIONS = { slowFactor: 10, slowMinimumMs: 100, slowAfterMs: 5_000, slowPauseMs: 60_000 };

function lags(a: number, b: number, c: number): { node: NodeId; lagMs: number }[] {
  return [
    { node: 'a' as NodeId, lagMs: a },
    { node: 'b' as NodeId, lagMs: b },
    { node: 'c' as NodeId, lagMs: c },
  ];
}

test('a lag is averaged, and one that is under way counts as soon as it is longer', () => {
  const meter = new LagMeter();
  assert.ok(Number.isNaN(meter.lagMs(0)));
  meter.onGiven(1, 0);
  meter.onGiven(2, 4);
  meter.onLogged(1, 10);
  assert.equal(meter.lagMs(11), 10);
  meter.onGiven(3, 20);
  assert.equal(meter.lagMs(25), 10);
  assert.equal(meter.lagMs(500), 480);
  meter.onLogged(3, 520);
  assert.ok(meter.lagMs(521) > 100);
  assert.ok(Number.isNaN(meter.lagMs(10_000)), 'of an idle partition nothing is known');
});

test('slow is who is far above both others for a while, without a break', () => {
  const slow = new SlowMembers(OPTIONS);
  assert.equal(slow.find(lags(5, 300, 6), 0), null);
  assert.equal(slow.find(lags(5, 300, 6), 4_900), null);
  assert.equal(slow.find(lags(5, 8, 6), 4_950), null, 'a good moment');
  assert.equal(slow.find(lags(5, 300, 6), 5_000), null);
  assert.equal(slow.find(lags(5, 300, 6), 10_000), 'b');
});

test('nobody is slow when two are, when all are fast, or when nothing is known of the others', () => {
  const slow = new SlowMembers(OPTIONS);
  for (let nowMs = 0; nowMs < 20_000; nowMs += 1_000) {
    assert.equal(slow.find(lags(5, 300, 200), nowMs), null);
    assert.equal(slow.find(lags(1, 90, 1), nowMs), null, 'below the minimum');
    assert.equal(slow.find(lags(Number.NaN, 900, Number.NaN), nowMs), null);
  }
});

test('the second time it takes longer until somebody is named again', () => {
  const slow = new SlowMembers(OPTIONS);
  const namedAt: number[] = [];
  for (let nowMs = 0; nowMs < 400_000; nowMs += 1_000) {
    const node = slow.find(lags(5, 300, 6), nowMs);
    if (node === null) continue;
    slow.onNamed(node, nowMs);
    namedAt.push(nowMs);
  }
  assert.deepEqual(namedAt, [5_000, 65_000, 185_000]);
});

/** Writes every 100 ms; `slow` logs what it has only every 2 s. */
function runSlow(scenario: Scenario, slow: string): void {
  for (let step = 0; step < 150 && scenario.updates.length === 0; step++) {
    scenario.write('a');
    scenario.settle(step % 20 === 0 ? [] : [slow]);
    scenario.tick(100);
    scenario.settle([slow]);
  }
}

test('a primary asks for the removal of a secondary that holds all up', () => {
  const scenario = groupOfThree();
  runSlow(scenario, 'b');
  assert.equal(scenario.updates[0]?.change, ConfigurationChange.removeSecondary);
  assert.equal(scenario.updates[0]?.node, 'b');
  assert.match(scenario.updates[0]!.reason, /^slow/);
  assert.ok(scenario.nowMs >= 10_000);
});

test('a primary whose own log holds all up yields its leadership', () => {
  const scenario = groupOfThree();
  runSlow(scenario, 'a');
  assert.equal(scenario.updates[0]?.change, ConfigurationChange.yieldPrimary);
  assert.equal(scenario.node('a').core.leading, null);
});

test('a slow member that the write floor needs stays', () => {
  const scenario = groupOfThree();
  scenario.push('a', configuration(2, 'a', ['b']));
  scenario.settle();
  runSlow(scenario, 'b');
  assert.equal(scenario.updates.length, 0);
});
