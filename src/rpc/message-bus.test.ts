/** Messages between servers arrive in order or not at all, and nobody waits for a peer that is gone. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NetworkWorld, type WorldHost } from '../../test/fuzz/network-world.ts';
import { bytesEqual, copyBytes } from '../base/bytes.ts';
import { type NodeId, toNodeId } from '../model/identity.ts';
import { type BeaconAck, makeBeaconAck, type Prepare } from '../wire/generated/internal.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { Writer } from '../wire/writer.ts';
import { writeGreeting } from './bus-handshake.ts';
import { DEFAULT_MESSAGE_BUS_OPTIONS, MessageBus, type MessageBusOptions } from './message-bus.ts';
import { DEFAULT_RPC_SERVER_OPTIONS, ProtocolMagic, RpcServer } from './server.ts';
import { RpcStatistics } from './statistics.ts';

interface Node {
  readonly id: NodeId;
  readonly worldHost: WorldHost;
  readonly bus: MessageBus;
  readonly statistics: RpcStatistics;
  readonly prepares: Prepare[];
  readonly acks: BeaconAck[];
  /** `+node` connected, `-node` lost, `node/life` no longer connected with us. */
  readonly peers: string[];
}

async function start(
  worldHost: WorldHost,
  options: Partial<MessageBusOptions> = {},
): Promise<Node> {
  const id = toNodeId(`${worldHost.host.name}:80`);
  const statistics = new RpcStatistics();
  const prepares: Prepare[] = [];
  const acks: BeaconAck[] = [];
  const peers: string[] = [];
  const bus = new MessageBus(
    worldHost.environment,
    { ...DEFAULT_MESSAGE_BUS_OPTIONS, clusterName: 'c', nodeId: id, incarnation: 1, ...options },
    statistics,
    {
      messages: {
        [InternalMessage.prepare]: (_from, message) => {
          prepares.push({ ...message, body: copyBytes(message.body) });
        },
        [InternalMessage.beaconAck]: (_from, message) => {
          acks.push(message);
        },
      },
      onPeerConnected: (node) => peers.push(`+${node}`),
      onPeerLost: (node) => peers.push(`-${node}`),
      onInboundLost: (node, incarnation) => peers.push(`${node}/${incarnation}`),
    },
  );
  const server = new RpcServer(worldHost.environment, DEFAULT_RPC_SERVER_OPTIONS, statistics);
  server.speak(ProtocolMagic.internal, bus);
  await server.listen({ host: worldHost.host.name, port: 80 });
  return { id, worldHost, bus, statistics, prepares, acks, peers };
}

function prepare(decree: number, body: Uint8Array): Prepare {
  return {
    appId: 2,
    partitionIndex: 3,
    ballot: 4,
    decree,
    lastCommittedDecree: decree - 1,
    timestampUs: 1_700_000_000_000_000 + decree,
    previousDigest: -5,
    digest: 0x7fffffff,
    body,
  };
}

const ack = (sequence: number): BeaconAck => ({ ...makeBeaconAck(), sequence });

const decrees = (node: Node): number[] => node.prepares.map((message) => message.decree);
const sequences = (node: Node): number[] => node.acks.map((message) => message.sequence);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

test('messages arrive whole and in order, also those sent before the connection stood', async () => {
  const world = new NetworkWorld(3);
  const a = await start(world.addHost('a'));
  const b = await start(world.addHost('b'));
  const body = Uint8Array.from({ length: 5000 }, (_, index) => index);
  for (const decree of upTo(50)) a.bus.send(b.id, InternalMessage.prepare, prepare(decree, body));
  await world.run(100);
  assert.deepEqual(decrees(b), upTo(50));
  assert.ok(b.prepares.every((message) => bytesEqual(message.body, body)));
  assert.deepEqual({ ...b.prepares[6], body: 0 }, { ...prepare(7, body), body: 0 });
  assert.deepEqual(a.peers, ['+b:80']);
  assert.deepEqual(b.peers, []);
  assert.equal(a.bus.isConnected(b.id), true);
});

test('each direction has its own connection', async () => {
  const world = new NetworkWorld(4);
  const a = await start(world.addHost('a'));
  const b = await start(world.addHost('b'));
  a.bus.send(b.id, InternalMessage.beaconAck, ack(1));
  b.bus.send(a.id, InternalMessage.beaconAck, ack(2));
  await world.run(50);
  assert.deepEqual(sequences(b), [1]);
  assert.deepEqual(sequences(a), [2]);
  assert.equal(a.statistics.connectionsOpen, 1);
  assert.equal(b.statistics.connectionsOpen, 1);
});

test('a peer that restarts is reached again', async () => {
  const world = new NetworkWorld(5);
  const a = await start(world.addHost('a'));
  const bHost = world.addHost('b');
  const b = await start(bHost);
  a.bus.send(b.id, InternalMessage.beaconAck, ack(1));
  await world.run(50);
  const restarted = await start(world.restart(bHost.host));
  await world.run(50);
  assert.deepEqual(a.peers, ['+b:80', '-b:80']);
  for (const sequence of upTo(3)) a.bus.send(b.id, InternalMessage.beaconAck, ack(sequence));
  await world.run(2_000);
  assert.deepEqual(sequences(restarted), upTo(3));
  assert.deepEqual(a.peers, ['+b:80', '-b:80', '+b:80']);
});

test('that the connection of one life of a peer has ended is told, and not while another one stands', async () => {
  const world = new NetworkWorld(4);
  const a = await start(world.addHost('a'), { incarnation: 7 });
  const b = await start(world.addHost('b'));
  a.bus.send(b.id, InternalMessage.beaconAck, makeBeaconAck());
  await world.run(100);
  assert.equal(b.bus.isInTouchWith(a.id, 7), true);
  assert.equal(b.bus.isInTouchWith(a.id, 8), false, 'in this life only');
  const again = await start(world.restart(a.worldHost.host), { incarnation: 8 });
  again.bus.send(b.id, InternalMessage.beaconAck, makeBeaconAck());
  await world.run(100);
  assert.deepEqual(b.peers, ['a:80/7']);
  assert.equal(b.bus.isInTouchWith(a.id, 7), false);
  assert.equal(b.bus.isInTouchWith(a.id, 8), true);
  b.bus.close();
  await world.run(100);
  assert.deepEqual(b.peers, ['a:80/7'], 'what we end ourselves is no news');
});

test('attempts to reach a peer that is down become rare, and stop when there is nothing to say', async () => {
  const world = new NetworkWorld(6);
  const a = await start(world.addHost('a'));
  world.addHost('b');
  const b = toNodeId('b:80');
  for (let round = 0; round < 100; round++) {
    a.bus.send(b, InternalMessage.beaconAck, ack(round));
    await world.run(100);
  }
  const attempts = a.worldHost.events.filter((event) => event === 'bus.peer.lost').length;
  assert.ok(attempts > 8 && attempts < 30, `${attempts} attempts in 10 s`);
  await world.run(5_000);
  const later = a.worldHost.events.filter((event) => event === 'bus.peer.lost').length;
  assert.ok(later <= attempts + 1);
  assert.equal(a.statistics.messagesSent, a.statistics.messagesDropped);
  assert.deepEqual(a.peers, []);
});

test('bulk beyond the limit is dropped while control messages still have room', async () => {
  const world = new NetworkWorld(7);
  const limits = { bulkBytesMax: 10_000, controlBytesMax: 2_000 };
  const a = await start(world.addHost('a'), limits);
  const b = await start(world.addHost('b'));
  const body = new Uint8Array(3000);
  const accepted = upTo(10).filter((decree) =>
    a.bus.send(b.id, InternalMessage.prepare, prepare(decree, body)),
  );
  assert.deepEqual(accepted, [1, 2, 3, 4]);
  assert.equal(a.bus.send(b.id, InternalMessage.beaconAck, ack(1)), false);
  await world.run(50);
  assert.deepEqual(decrees(b), accepted);

  for (const decree of [1, 2, 3]) {
    assert.equal(a.bus.send(b.id, InternalMessage.prepare, prepare(decree, body)), true);
  }
  assert.equal(a.bus.send(b.id, InternalMessage.prepare, prepare(4, new Uint8Array(1000))), true);
  assert.equal(a.bus.send(b.id, InternalMessage.prepare, prepare(5, body)), false);
  assert.equal(a.bus.send(b.id, InternalMessage.beaconAck, ack(2)), true);
  await world.run(50);
  assert.deepEqual(sequences(b), [2]);
  assert.equal(a.statistics.messagesDropped, 8);
});

test('servers of another cluster refuse each other, and both say so', async () => {
  const world = new NetworkWorld(8);
  const a = await start(world.addHost('a'));
  const b = await start(world.addHost('b'), { clusterName: 'another' });
  a.bus.send(b.id, InternalMessage.beaconAck, ack(1));
  await world.run(50);
  assert.deepEqual(sequences(b), []);
  assert.deepEqual(a.peers, []);
  assert.ok(a.worldHost.events.includes('bus.peer.refused'));
  assert.ok(b.worldHost.events.includes('bus.peer.refused'));
});

test('another protocol version is refused', async () => {
  const world = new NetworkWorld(9);
  const b = await start(world.addHost('b'));
  const a = world.addHost('a');
  const writer = new Writer();
  const hello = { protocolVersion: 99, clusterName: 'c', nodeId: 'a:80', incarnation: 1 };
  writeGreeting(writer, hello);
  let closed = false;
  a.environment.transport
    .connect(
      { host: 'b', port: 80 },
      { onOpen() {}, onData() {}, onDrain() {}, onClose: () => (closed = true) },
    )
    .write(writer.take());
  await world.run(50);
  assert.equal(closed, true);
  assert.ok(b.worldHost.events.includes('bus.peer.refused'));
});

test('a node that answers under another name is not taken for the one that was called', async () => {
  const world = new NetworkWorld(10);
  const a = await start(world.addHost('a'));
  await start(world.addHost('b'), { nodeId: toNodeId('z:80') });
  a.bus.send(toNodeId('b:80'), InternalMessage.beaconAck, ack(1));
  await world.run(50);
  assert.deepEqual(a.peers, []);
  assert.ok(a.worldHost.events.includes('bus.peer.refused'));
});

test('a peer that vanished without a word is given up once its queue stands still', async () => {
  const world = new NetworkWorld(11);
  const a = await start(world.addHost('a'), { bulkBytesMax: 200_000, stallMs: 1_000 });
  const bHost = world.addHost('b');
  const b = await start(bHost);
  a.bus.send(b.id, InternalMessage.beaconAck, ack(1));
  await world.run(50);
  world.network.cut(a.worldHost.host, bHost.host);
  const body = new Uint8Array(50_000);
  for (const decree of upTo(40)) {
    a.bus.send(b.id, InternalMessage.prepare, prepare(decree, body));
    await world.run(40);
  }
  assert.ok(a.worldHost.events.includes('bus.peer.stalled'));
  world.network.heal(a.worldHost.host, bHost.host);
  await world.run(8_000);
  a.bus.send(b.id, InternalMessage.beaconAck, ack(2));
  await world.run(100);
  assert.equal(b.acks.at(-1)?.sequence, 2);
});

test('close sends the messages of the turn and ends every connection', async () => {
  const world = new NetworkWorld(12);
  const a = await start(world.addHost('a'));
  const b = await start(world.addHost('b'));
  a.bus.send(b.id, InternalMessage.beaconAck, ack(1));
  await world.run(50);
  a.bus.send(b.id, InternalMessage.beaconAck, ack(2));
  a.bus.close();
  a.bus.close();
  assert.equal(a.bus.send(b.id, InternalMessage.beaconAck, ack(3)), false);
  await world.run(50);
  assert.deepEqual(sequences(b), [1, 2]);
  assert.equal(b.statistics.connectionsOpen, 0);
});
