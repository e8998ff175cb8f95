/** Master side of the failure detector: who is alive, in which life, and who is granted a lease. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import { toNodeId } from '../model/identity.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import { type BeaconFacts, BeaconOutcome, NodeRegistry } from './node-registry.ts';

const GRACE_MS = 6_000;
const ID = toNodeId('a:1');

function beacon(incarnation: number, sequence: number, leaving = false): BeaconFacts {
  return {
    node: ID,
    incarnation,
    lifeId: 0,
    sequence,
    address: { host: 'a', port: 1 },
    freeBytes: 0,
    totalBytes: 0,
    leaving,
    holdsLease: false,
  };
}

test('a node is dead when the grace has passed since its last beacon was received', () => {
  const registry = new NodeRegistry(GRACE_MS, 0);
  assert.equal(registry.onBeacon(beacon(1, 1), 1_000), BeaconOutcome.born);
  for (let now = 1_000; now <= 7_000; now += 200) assert.deepEqual(registry.takeExpired(now), []);
  assert.deepEqual(
    registry.takeExpired(7_200).map((node) => node.id),
    [ID],
  );
  assert.equal(registry.get(ID)?.alive, false);
  assert.equal(registry.onBeacon(beacon(1, 2), 7_300), BeaconOutcome.changed);
  assert.equal(registry.get(ID)?.alive, true);
});

test('beacons of an older life, and those that are not newer, are ignored', () => {
  const registry = new NodeRegistry(GRACE_MS, 0);
  registry.onBeacon(beacon(2, 5), 0);
  assert.equal(registry.onBeacon(beacon(1, 9), 100), BeaconOutcome.outlived);
  assert.equal(registry.onBeacon(beacon(2, 5), 100), BeaconOutcome.stale);
  assert.equal(registry.onBeacon(beacon(2, 4), 100), BeaconOutcome.stale);
  assert.equal(registry.get(ID)?.lastBeaconMs, 0);
  assert.equal(registry.onBeacon(beacon(2, 6), 100), BeaconOutcome.known);
  assert.equal(registry.onBeacon(beacon(3, 1), 200), BeaconOutcome.born);
});

test('who has left is not heard any more in the same life', () => {
  const registry = new NodeRegistry(GRACE_MS, 0);
  registry.onBeacon(beacon(1, 1), 0);
  assert.equal(registry.onBeacon(beacon(1, 2, true), 10), BeaconOutcome.changed);
  registry.onBeacon(beacon(1, 3), 20);
  assert.equal(registry.get(ID)?.usable, false);
  registry.onBeacon(beacon(2, 1), 30);
  assert.equal(registry.get(ID)?.usable, true);
});

test('a life that is proved over is dead at once, and only a newer one brings the node back', () => {
  const registry = new NodeRegistry(GRACE_MS, 0);
  registry.onBeacon(beacon(4, 1), 0);
  assert.equal(registry.onLifeEnded(ID, 3, 10), null, 'another life is no news');
  assert.equal(registry.onLifeEnded(ID, 4, 10)?.id, ID);
  assert.equal(registry.onLifeEnded(ID, 4, 10), null);
  registry.onBeacon(beacon(4, 2), 20);
  assert.equal(registry.get(ID)?.usable, false, 'a straggler');
  assert.deepEqual(registry.takeExpired(200), []);
  registry.onBeacon(beacon(5, 1), 300);
  assert.equal(registry.get(ID)?.usable, true);
});

test('who speaks a whole grace after its life was proved over was slandered, and starts like any other', () => {
  const registry = new NodeRegistry(GRACE_MS, 0);
  registry.onBeacon(beacon(4, 1), 0);
  registry.onLifeEnded(ID, 4, 10);
  registry.onBeacon(beacon(4, 2), 10 + GRACE_MS);
  assert.equal(registry.get(ID)?.usable, false);
  assert.equal(registry.onBeacon(beacon(4, 3), 11 + GRACE_MS), BeaconOutcome.changed);
  assert.equal(registry.get(ID)?.usable, true);
  assert.equal(registry.get(ID)?.grantsLease, false);
});

test('nobody is dead because this process slept', () => {
  const registry = new NodeRegistry(GRACE_MS, 0);
  registry.onBeacon(beacon(1, 1), 0);
  registry.takeExpired(200);
  assert.deepEqual(registry.takeExpired(20_000), []);
  let now = 20_000;
  while (now < 26_000) {
    now += 200;
    assert.deepEqual(registry.takeExpired(now), []);
  }
  assert.equal(registry.takeExpired(now + 200).length, 1);
});

test('a meta server that has just started declares nobody dead before one grace', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  story.kill('a');
  story.advance(5_000);
  story.restartMeta();
  story.advance(6_000);
  assert.equal(story.shape(), '1: a + b c');
  story.advance(600);
  assert.match(story.shape(), /^2: b \+ c/);
});

test('a new meta server hears of a restart that it missed', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  story.server('b').teaches = false;
  story.restart('a');
  story.restartMeta();
  story.sendBeacon(story.server('a'));
  story.flush();
  story.advance(1_000);
  assert.match(story.shape(), /^2: (b|c) \+ (b|c)/);
});

test('no lease before a report shows that no lost leadership is claimed', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  const a = story.server('a');
  assert.equal(a.leaseMs, 5_000);
  a.connected = false;
  story.advance(8_000);
  assert.match(story.shape(), /^2: b \+ c/);
  a.connected = true;
  a.leaseMs = -1;
  story.sendBeacon(a);
  assert.equal(a.leaseMs, 0, 'it still believes to lead under ballot 1');
  story.sendReport(a);
  assert.equal(a.leaseMs, 0);
  assert.equal(story.replica('a').ballot, 2, 'but it was told better');
  story.sendReport(a);
  assert.equal(a.leaseMs, 5_000);
});

test('who comes back while its lead is being given to another one is granted no lease before that is durable', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  const a = story.server('a');
  a.connected = false;
  story.storeStalled = true;
  story.advance(8_000);
  assert.match(story.shape(), /^1: a/, 'decided, not durable');
  a.connected = true;
  a.leaseMs = -1;
  story.sendBeacon(a);
  story.sendReport(a);
  story.sendBeacon(a);
  assert.equal(a.leaseMs, 0);
  story.storeStalled = false;
  story.flush();
  assert.match(story.shape(), /^2: [bc] \+ [bc]/);
  story.sendBeacon(a);
  assert.equal(a.leaseMs, 0, 'it still leads, as far as anybody knows');
  story.advance(2_000);
  assert.equal(a.leaseMs, 5_000);
});

test('a new meta server grants leases as soon as it has seen a report', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  story.restartMeta();
  const a = story.server('a');
  a.leaseMs = -1;
  story.sendBeacon(a);
  assert.equal(a.leaseMs, 0);
  story.sendReport(a);
  assert.equal(a.leaseMs, 5_000);
});

test('a report that was long on its way does not bring a lease for a lead that was had and lost since', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  const c = story.server('c');
  story.replica('c').prepared = 5;
  story.advance(1_000);
  // What c says is held up from here on: first that it is a secondary, then that it leads.
  story.kill('a');
  story.brain.onLifeEnded(story.server('a').id, story.server('a').incarnation, story.now());
  story.flush();
  assert.equal(story.shape(), '2: c + b');
  c.connected = false;
  story.advance(8_000);
  assert.equal(story.shape(), '3: b + ');
  const replica = story.replica('c');
  Object.assign(replica, { ballot: 1, status: ReplicaStatus.secondary });
  c.connected = true;
  c.leaseMs = -1;
  story.sendBeacon(c);
  story.sendReport(c);
  assert.equal(c.leaseMs, 0, 'it may lead by now');
  Object.assign(replica, { ballot: 2, status: ReplicaStatus.primary });
  story.sendBeacon(c);
  story.sendReport(c);
  assert.equal(c.leaseMs, 0, 'it does');
  story.advance(3_000);
  assert.equal(c.leaseMs, 5_000);
});

test('who reports a lead that another server has is granted no more leases until it has given it up', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  const b = story.server('b');
  assert.equal(b.leaseMs, 5_000);
  story.ask('a', ConfigurationChange.removeSecondary, story.server('c').id);
  Object.assign(story.replica('b'), { ballot: 1, status: ReplicaStatus.primary });
  story.sendReport(b);
  assert.equal(story.replica('b').status, ReplicaStatus.secondary, 'it is told better');
  story.sendBeacon(b);
  assert.equal(b.leaseMs, 0);
  story.sendReport(b);
  assert.equal(b.leaseMs, 5_000);
});

test('a life that is proved over gets no lease and no change, and is replaced at once', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  const a = story.server('a');
  story.brain.onLifeEnded(a.id, a.incarnation, story.now());
  story.flush();
  assert.match(story.shape(), /^2: b \+ c/);
  a.leaseMs = -1;
  story.sendBeacon(a);
  assert.equal(a.leaseMs, 0);
  story.sendReport(a);
  story.ask('a', ConfigurationChange.removeSecondary, story.server('b').id);
  assert.match(story.shape(), /^2: b \+ c/);
  story.start('a');
  story.advance(3_000);
  assert.equal(story.shape(), '3: b + a c');
  assert.equal(a.leaseMs, 5_000);
});

test('a server that is back in another life before its grace is over is acted on at once', () => {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  story.server('b').teaches = false;
  story.restart('a');
  story.sendBeacon(story.server('a'));
  story.flush();
  assert.match(story.shape(), /^2: b \+ c/);
});

test('rule 7: a life with a number that another one has, or had, is told so and counts for nothing', () => {
  const registry = new NodeRegistry(GRACE_MS, 0);
  registry.onBeacon({ ...beacon(4, 1), lifeId: 10 }, 0);
  assert.equal(
    registry.onBeacon({ ...beacon(4, 2), lifeId: 11 }, 100),
    BeaconOutcome.outlived,
    'the folder of the fourth life was replaced by one of the third',
  );
  assert.equal(registry.onBeacon({ ...beacon(3, 9), lifeId: 11 }, 100), BeaconOutcome.outlived);
  assert.equal(registry.get(ID)?.lastBeaconMs, 0);
  assert.equal(registry.onBeacon({ ...beacon(4, 2), lifeId: 10 }, 100), BeaconOutcome.known);
  assert.equal(registry.onBeacon({ ...beacon(5, 1), lifeId: 12 }, 200), BeaconOutcome.born);
});

test('rule 7: a new meta server tells lives apart as the one before did', () => {
  const story = new Story(['a']);
  const server = story.server('a');
  story.restartMeta();
  server.lifeId += 1;
  const { sequence } = server;
  story.advance(7_000);
  assert.equal(server.outlivedBy, 1);
  assert.ok(server.sequence > sequence);
  assert.equal(story.brain.state.nodes.get(server.id)?.usable, false);
  story.start('a');
  story.advance(2_000);
  assert.equal(story.brain.state.nodes.get(server.id)?.usable, true);
});
