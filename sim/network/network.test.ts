import assert from 'node:assert/strict';
import test from 'node:test';
import type { CloseReason, Connection, ConnectionHandler } from '../../src/env/transport.ts';
import { Owner } from '../kernel/owner.ts';
import { Scheduler } from '../kernel/scheduler.ts';
import { RandomStreams } from '../kernel/streams.ts';
import { Trace } from '../kernel/trace.ts';
import { type Host, Network, type NetworkTraits } from './network.ts';

const TRAITS: NetworkTraits = {
  link: { latencyUs: 100, jitterUs: 50, lossFraction: 0.01, bytesPerUs: 100, turnUs: 50 },
  windowBytes: 4096,
  highWaterMarkBytes: 8192,
  readBytesMax: 65_536,
  cutFraction: 0.3,
  probeUs: 2_000_000,
  connectTimeoutUs: 5_000_000,
};

class Log implements ConnectionHandler {
  opened: number = 0;
  drained: number = 0;
  readonly bytes: number[] = [];
  readonly closed: CloseReason[] = [];
  readonly #onOpen: (connection: Connection) => void;
  constructor(onOpen: (connection: Connection) => void = () => {}) {
    this.#onOpen = onOpen;
  }
  onOpen(connection: Connection): void {
    this.opened += 1;
    this.#onOpen(connection);
  }
  onData(_: Connection, bytes: Uint8Array): void {
    assert.equal(this.opened, 1, 'opened before data');
    assert.equal(this.closed.length, 0, 'no data after close');
    this.bytes.push(...bytes);
  }
  onDrain(): void {
    this.drained += 1;
  }
  onClose(_: Connection, reason: CloseReason): void {
    this.closed.push(reason);
  }
}

interface Pair {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly left: Host;
  readonly right: Host;
  readonly server: Log;
  accepted: Connection | null;
  run(us: number): Promise<void>;
}

async function pair(seed: number): Promise<Pair> {
  const scheduler = new Scheduler(new Trace(0), (_, error) => {
    throw error;
  });
  const network = new Network(scheduler, new RandomStreams(seed).of('network'), TRAITS);
  const left = network.addHost(new Owner(0, 'left'));
  const right = network.addHost(new Owner(1, 'right'));
  left.owner.start();
  right.owner.start();
  const server = new Log();
  const world: Pair = {
    scheduler,
    network,
    left,
    right,
    server,
    accepted: null,
    run: (us) => scheduler.run(scheduler.nowUs + us),
  };
  await network.transport(right).listen({ host: 'right', port: 80 }, (connection) => {
    world.accepted = connection;
    return server;
  });
  return world;
}

const connect = (world: Pair, handler: Log, port: number = 80): Connection =>
  world.network.transport(world.left).connect({ host: 'right', port }, handler);

test('bytes arrive whole and in order, however they are cut on the way', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const world = await pair(seed);
    const connection = connect(world, new Log());
    const sent: number[] = [];
    for (let at = 0; at < 50; at++) {
      const bytes = Uint8Array.from({ length: 1 + (at % 7) }, () => (sent.length + at) & 0xff);
      sent.push(...bytes);
      connection.write(bytes);
    }
    await world.run(5_000_000);
    assert.deepEqual(world.server.bytes, sent);
  }
});

test('a missing listener refuses, an unknown name is unreachable, a host without power is as well', async () => {
  const world = await pair(1);
  const refused = new Log();
  connect(world, refused, 81);
  const unknown = new Log();
  world.network.transport(world.left).connect({ host: 'nowhere', port: 80 }, unknown);
  await world.run(1_000_000);
  assert.deepEqual([refused.closed, unknown.closed], [['refused'], ['unreachable']]);
  world.right.isUp = false;
  const dark = new Log();
  connect(world, dark);
  await world.run(10_000_000);
  assert.deepEqual(dark.closed, ['unreachable']);
});

test('a cut direction holds bytes back until it is healed; the other direction works', async () => {
  const world = await pair(2);
  const client = new Log();
  const connection = connect(world, client);
  await world.run(1_000_000);
  world.network.cut(world.left, world.right);
  connection.write(Uint8Array.of(1, 2));
  world.accepted?.write(Uint8Array.of(3));
  await world.run(3_000_000);
  assert.deepEqual([world.server.bytes, client.bytes], [[], [3]]);
  world.network.heal(world.left, world.right);
  await world.run(3_000_000);
  assert.deepEqual(world.server.bytes, [1, 2]);
});

test('an attempt to connect over a cut link ends in a timeout, and succeeds if it is healed in time', async () => {
  const world = await pair(3);
  world.network.cut(world.right, world.left);
  const late = new Log();
  connect(world, late);
  await world.run(6_000_000);
  assert.deepEqual(late.closed, ['timeout']);
  const inTime = new Log();
  connect(world, inTime);
  await world.run(2_500_000);
  world.network.heal(world.right, world.left);
  await world.run(2_500_000);
  assert.equal(inTime.opened, 1);
});

test('a killed process is seen by its peer at once, a machine without power only when probed', async () => {
  const world = await pair(4);
  const killed = new Log();
  connect(world, killed);
  await world.run(1_000_000);
  world.right.owner.stop();
  world.network.processDied(world.right);
  await world.run(100_000);
  assert.equal(killed.closed.length, 1);
  assert.ok(killed.closed[0] === 'remote' || killed.closed[0] === 'reset');

  const dark = await pair(5);
  const silent = new Log();
  connect(dark, silent);
  await dark.run(1_000_000);
  dark.right.owner.stop();
  dark.right.isUp = false;
  dark.network.hostDied(dark.right);
  await dark.run(1_500_000);
  assert.deepEqual(silent.closed, []);
  dark.right.isUp = true;
  await dark.run(3_000_000);
  assert.deepEqual(silent.closed, ['reset']);
});

test('the system refuses in the place of a killed process, and accepts in that of a stopped one', async () => {
  const world = await pair(8);
  world.right.owner.pause();
  const accepted = new Log();
  connect(world, accepted);
  await world.run(1_000_000);
  assert.deepEqual([accepted.opened, accepted.closed], [1, []]);
  world.right.owner.stop();
  world.network.processDied(world.right);
  const refused = new Log();
  connect(world, refused);
  await world.run(1_000_000);
  assert.deepEqual([refused.opened, refused.closed], [0, ['refused']]);
});

test('a receiver that does not read makes the sender buffer, and reading drains it', async () => {
  const world = await pair(6);
  const client = new Log();
  const connection = connect(world, client);
  await world.run(1_000_000);
  world.accepted?.pause();
  for (let count = 0; count < 20; count++) connection.write(new Uint8Array(1024).fill(count));
  await world.run(1_000_000);
  assert.ok(connection.bufferedBytes > TRAITS.highWaterMarkBytes, `${connection.bufferedBytes}`);
  world.accepted?.resume();
  await world.run(5_000_000);
  assert.equal(connection.bufferedBytes, 0);
  assert.equal(client.drained, 1);
  assert.equal(world.server.bytes.length, 20 * 1024);
});

test('only single internal frames are lost, doubled or late, and the greeting never', async () => {
  const world = await pair(7);
  Object.assign(world.network.frameFaults, {
    dropFraction: 0.2,
    duplicateFraction: 0.2,
    delayFraction: 0.2,
    delayUsMax: 5000,
  });
  const seen: number[] = [];
  world.network.observers.push((_, __, type) => seen.push(type));
  const connection = connect(world, new Log());
  const bytes: number[] = [0x50, 0x47, 0x49, 0x31, 0, 0, 0, 5, 1, 0, 0, 0, 99];
  for (let number = 0; number < 200; number++) bytes.push(0, 0, 0, 5, 8, 0, 0, 0, number);
  for (let at = 0; at < bytes.length; at += 13) {
    connection.write(Uint8Array.from(bytes.slice(at, at + 13)));
  }
  await world.run(20_000_000);
  const got = world.server.bytes;
  assert.deepEqual(got.slice(0, 13), bytes.slice(0, 13));
  const { dropped, duplicated, delayed } = world.network.frameFaultCounts;
  assert.ok(dropped > 20 && duplicated > 20 && delayed > 20);
  assert.equal(got.length, 13 + 9 * (200 - dropped + duplicated));
  assert.equal(seen.length, 201);
});

test('a rule for some frames lets them come late, or once more, and leaves the others alone', async () => {
  const world = await pair(8);
  const late = { copies: 1, delayUs: 500_000, echoUs: 0 };
  const echoed = { copies: 1, delayUs: 0, echoUs: 900_000 };
  world.network.frameRules.add((_, __, type) => (type === 8 ? late : type === 9 ? echoed : null));
  const connection = connect(world, new Log());
  connection.write(Uint8Array.from([0x50, 0x47, 0x49, 0x31]));
  for (const type of [8, 9, 10]) {
    connection.write(Uint8Array.from([0, 0, 0, 5, type, 0, 0, 0, type]));
  }
  const arrived = (): number[] => world.server.bytes.slice(4).filter((_, at) => at % 9 === 8);
  await world.run(400_000);
  assert.deepEqual(arrived(), [9, 10]);
  await world.run(400_000);
  assert.deepEqual(arrived(), [9, 10, 8]);
  await world.run(400_000);
  assert.deepEqual(arrived(), [9, 10, 8, 9]);
  assert.deepEqual(world.network.frameFaultCounts, { dropped: 0, duplicated: 1, delayed: 1 });
});
