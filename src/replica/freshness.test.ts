import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lease } from '../consensus/lease.ts';
import { initialConfiguration, ReplicaStatus } from '../model/configuration.ts';
import { type Ballot, gpidOf, type NodeId, toNodeId } from '../model/identity.ts';
import { Freshness } from './freshness.ts';

const PRIMARY: NodeId = toNodeId('primary:1');
const BALLOT = 7 as Ballot;
const LEASE_MS = 10_000;

/** A secondary that holds a lease from time 0 on. */
function secondary() {
  const base = initialConfiguration(gpidOf(1, 0), 3);
  const role = {
    status: ReplicaStatus.secondary as ReplicaStatus,
    leading: null as { readableFrom: number } | null,
    state: { config: { ...base, ballot: BALLOT, primary: PRIMARY } },
  };
  const lease = new Lease(LEASE_MS);
  lease.onBeaconAcked(lease.onBeaconSent(0), true, LEASE_MS);
  const engine = { applied: 0 };
  const freshness = new Freshness(role, lease, () => engine.applied);
  const hear = (committed: number, nowMs: number, ballot: number = BALLOT): void =>
    freshness.onHeard(PRIMARY, ballot, committed, nowMs);
  return { role, engine, freshness, hear };
}

test('a secondary knows nothing until its primary has told it how far it should be', () => {
  const { freshness, hear, engine } = secondary();
  assert.equal(freshness.completeAsOfMs(50), -Infinity);
  engine.applied = 10;
  hear(10, 100);
  assert.equal(freshness.completeAsOfMs(500), 100);
});

test('what it was told while it was behind counts from when it was told, once it is there', () => {
  const { freshness, hear, engine } = secondary();
  engine.applied = 10;
  hear(10, 100);
  hear(12, 200);
  hear(14, 300);
  assert.equal(freshness.completeAsOfMs(350), 100);
  engine.applied = 12;
  assert.equal(freshness.completeAsOfMs(400), 200, 'the first point that it had not reached');
  hear(14, 500);
  engine.applied = 14;
  assert.equal(freshness.completeAsOfMs(600), 500);
});

test('under load, always behind by one, it still comes along', () => {
  const { freshness, hear, engine } = secondary();
  for (let step = 1; step <= 100; step++) {
    hear(step, 10 * step);
    engine.applied = step - 1;
  }
  assert.ok(freshness.completeAsOfMs(1_000) >= 970);
});

test('words of another primary, or under another ballot, are none', () => {
  const { freshness, hear } = secondary();
  hear(0, 100, BALLOT - 1);
  freshness.onHeard(toNodeId('other:1'), BALLOT, 0, 100);
  assert.equal(freshness.completeAsOfMs(200), -Infinity);
});

test('without a lease nothing is known: another primary may go on elsewhere', () => {
  const { freshness, hear } = secondary();
  hear(0, 9_000);
  assert.equal(freshness.completeAsOfMs(9_999), 9_000);
  assert.equal(freshness.completeAsOfMs(LEASE_MS), -Infinity);
});

test('a primary has it all as soon as it has applied what it took over', () => {
  const { freshness, role, engine } = secondary();
  role.status = ReplicaStatus.primary;
  role.leading = { readableFrom: 5 };
  engine.applied = 4;
  assert.equal(freshness.completeAsOfMs(100), -Infinity);
  engine.applied = 5;
  assert.equal(freshness.completeAsOfMs(100), 100);
});
