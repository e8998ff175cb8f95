/** The lease follows from beacons, and a clock that cannot be trusted costs it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Lease } from '../consensus/lease.ts';
import { type NodeId, toNodeId } from '../model/identity.ts';
import { type Beacon, makeBeaconAck } from '../wire/generated/internal.ts';
import { BeaconSender } from './beacon-sender.ts';

const META = toNodeId('meta:1');
const LEASE_MS = 5_000;

class Server {
  monotonicMs = 1_000;
  wallMs = 1_700_000_000_000;
  readonly sent: Beacon[] = [];
  readonly events: string[] = [];
  leaders = 0;
  readonly lease = new Lease(LEASE_MS);
  readonly beacons: BeaconSender;

  constructor(metas: readonly NodeId[] = [META]) {
    const note = (event: string): void => {
      this.events.push(event);
    };
    this.beacons = new BeaconSender(
      {
        clock: { monotonicMs: () => this.monotonicMs, wallMs: () => this.wallMs },
        logger: { debug: note, info: note, warn: note, error: note },
      },
      {
        self: toNodeId('a:1'),
        address: { host: 'a', port: 1 },
        incarnation: 3,
        lifeId: 7,
        metas,
        leaseMs: LEASE_MS,
        labels: { zone: 'z1', rack: null, host: null },
      },
      this.lease,
      {
        sendBeacon: (_to, beacon) => this.sent.push(beacon),
        onSilent: (meta) => this.events.push(`silent: ${meta}`),
        onLeaderChanged: () => {
          this.leaders += 1;
        },
        onOutlived: (incarnation) => this.events.push(`outlived by ${incarnation}`),
      },
    );
  }

  get hasLease(): boolean {
    return this.lease.isValid(this.monotonicMs);
  }

  pass(ms: number): void {
    this.monotonicMs += ms;
    this.wallMs += ms;
  }

  answer(beacon: Beacon | undefined, incarnation = 3, leaseMs = LEASE_MS): void {
    assert.ok(beacon !== undefined);
    this.beacons.onBeaconAck(META, {
      ...makeBeaconAck(),
      sequence: beacon.sequence,
      incarnation,
      lifeId: 7,
      isLeader: true,
      allowed: true,
      leaseMs,
    });
  }

  beat(): void {
    this.beacons.send(false);
    this.answer(this.sent.at(-1));
  }
}

test('an answered beacon gives a lease from when it was sent, and names the leader', () => {
  const server = new Server();
  server.beacons.send(false);
  server.pass(1_000);
  assert.equal(server.hasLease, false);
  server.answer(server.sent[0]);
  assert.equal(server.beacons.leader, META);
  assert.equal(server.leaders, 1);
  server.pass(3_999);
  assert.equal(server.hasLease, true);
  server.pass(1);
  assert.equal(server.hasLease, false);
});

test('beacons tell what may fail together with the server, and of the rest nothing', () => {
  const server = new Server();
  server.beat();
  const { zone, rack, host } = server.sent[0]!;
  assert.deepEqual([zone, rack, host], ['z1', undefined, undefined]);
});

test('an answer that was meant for a former life counts for nothing', () => {
  const server = new Server();
  server.beacons.send(false);
  server.answer(server.sent[0], 2);
  assert.equal(server.hasLease, false);
});

test('the clock of a machine that was frozen is put right: what was granted before is void', () => {
  const server = new Server();
  server.beat();
  server.beacons.send(false);
  server.wallMs += 60_000;
  assert.equal(server.hasLease, true, 'nobody can know before it is looked at');
  server.answer(server.sent.at(-1));
  assert.equal(server.hasLease, false, 'also what was asked for before');
  assert.ok(server.events.includes('replica.clock.stepped'));
  server.pass(1_000);
  server.beat();
  assert.equal(server.hasLease, true);
});

test('a wall clock that is slewed, set back or a little off is no reason to worry', () => {
  const server = new Server();
  for (let second = 0; second < 60; second++) {
    server.pass(1_000);
    server.wallMs += 100;
    server.beat();
    assert.equal(server.hasLease, true);
  }
  server.wallMs -= 3_600_000;
  server.beacons.send(false);
  assert.equal(server.hasLease, true);
});

test('the last beacon says that no lease follows from it', () => {
  const server = new Server();
  server.lease.surrender();
  server.beacons.send(true);
  assert.equal(server.sent[0]?.leaving, true);
  assert.equal(server.hasLease, false);
});

test('who took an incarnation for new that was had before is told so, and an answer to another life is none', () => {
  const server = new Server();
  server.beacons.send(false);
  const ack = { ...makeBeaconAck(), incarnation: 5, isLeader: true, allowed: true, outlived: true };
  server.beacons.onBeaconAck(META, { ...ack, lifeId: 6 });
  assert.deepEqual(server.events, []);
  server.beacons.onBeaconAck(META, { ...ack, lifeId: 7 });
  assert.deepEqual(server.events, ['outlived by 5']);
  assert.equal(server.beacons.leader, null);
});

test('what waited in a socket since before this server was counted out is not heeded, answers of that time or not', () => {
  const server = new Server();
  server.beacons.send(false);
  assert.equal(server.beacons.heeds(1), false, 'it may be meant for a former life');
  server.answer(server.sent[0]);
  assert.equal(server.beacons.heeds(1), true);
  server.beacons.send(false);
  const before = server.sent.at(-1);
  server.pass(LEASE_MS);
  assert.equal(server.beacons.heeds(1), false, 'the process was paused');
  server.answer(before);
  assert.equal(server.beacons.heeds(1), false, 'that answer had waited, too');
  assert.equal(server.leaders, 1);
  server.beat();
  assert.equal(server.beacons.heeds(1), true, 'what comes now was sent after the new beacon');
  assert.equal(server.leaders, 2, 'and what was dropped is told again to who reports');
});

test('an answer that grants nothing makes pushes count again', () => {
  const server = new Server();
  server.beat();
  server.pass(2 * LEASE_MS);
  server.beacons.send(false);
  server.answer(server.sent.at(-1), 3, 0);
  assert.equal(server.hasLease, false);
  assert.equal(server.beacons.heeds(1), true);
});

/** An acknowledgement of the newest beacon by the leader of a term. */
function acknowledge(server: Server, from: NodeId, metaEpoch: number): void {
  server.beacons.send(false);
  const { sequence } = server.sent.at(-1)!;
  server.beacons.onBeaconAck(from, {
    ...makeBeaconAck(),
    sequence,
    incarnation: 3,
    lifeId: 7,
    isLeader: true,
    allowed: true,
    leaseMs: LEASE_MS,
    metaEpoch,
  });
}

test('of several meta servers, one whose term is over grants nothing, until nobody else was heard for a lease', () => {
  const other = toNodeId('meta:2');
  const server = new Server([META, other]);
  acknowledge(server, META, 4);
  acknowledge(server, other, 5);
  assert.equal(server.beacons.leader, other);
  assert.equal(server.leaders, 2);
  server.pass(LEASE_MS);
  acknowledge(server, META, 4);
  assert.equal(server.hasLease, false);
  assert.equal(server.beacons.isCurrent(4), false);
  server.pass(1);
  acknowledge(server, META, 4);
  assert.equal(server.hasLease, true, 'the store may have been restored');
});

test('a meta server that leads again is told anew what this server holds', () => {
  const server = new Server([META, toNodeId('meta:2')]);
  acknowledge(server, META, 4);
  acknowledge(server, META, 4);
  assert.equal(server.leaders, 1);
  acknowledge(server, META, 6);
  assert.equal(server.leaders, 2);
});

test('a meta server that is alone may come back with an older epoch, as its disk does', () => {
  const server = new Server();
  acknowledge(server, META, 4);
  server.pass(LEASE_MS);
  acknowledge(server, META, 2);
  assert.equal(server.hasLease, true);
});

test('a meta server that is silent for a lease is asked over a new connection, once per lease', () => {
  const server = new Server();
  const silences = (): number =>
    server.events.filter((event) => event === `silent: ${META}`).length;
  server.beat();
  const afterSeconds = Array.from({ length: 11 }, () => {
    server.pass(1_000);
    server.beacons.send(false);
    return silences();
  });
  assert.deepEqual(afterSeconds, [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2]);
});
