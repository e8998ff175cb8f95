/**
 * A whole meta server on the simulated network, and servers that only say that they are alive: whose death is seen
 * at once, and whose only when the grace is over.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { defaultOptions } from '../../src/base/option-table.ts';
import { META_OPTIONS } from '../../src/meta/options.ts';
import { MetaServer } from '../../src/meta/server.ts';
import { type NodeId, toNodeId } from '../../src/model/identity.ts';
import { Witness } from '../../src/replica/witness.ts';
import { DEFAULT_MESSAGE_BUS_OPTIONS, MessageBus } from '../../src/rpc/message-bus.ts';
import { DEFAULT_RPC_SERVER_OPTIONS, ProtocolMagic, RpcServer } from '../../src/rpc/server.ts';
import { RpcStatistics } from '../../src/rpc/statistics.ts';
import { makeBeacon } from '../../src/wire/generated/internal.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { NetworkWorld, type WorldHost } from '../fuzz/network-world.ts';

const META: NodeId = toNodeId('meta:34601');
const PORT = 34801;
const GRACE_MS = 6_000;

class LivingServer {
  readonly id: NodeId;
  readonly worldHost: WorldHost;

  constructor(worldHost: WorldHost, incarnation: number) {
    this.worldHost = worldHost;
    const { name } = worldHost.host;
    this.id = toNodeId(`${name}:${PORT}`);
    const { environment } = worldHost;
    const statistics = new RpcStatistics();
    const identity = { clusterName: 'onebox', nodeId: this.id, incarnation };
    const options = { ...DEFAULT_MESSAGE_BUS_OPTIONS, ...identity };
    const bus: MessageBus = new MessageBus(environment, options, statistics, {
      messages: {
        [InternalMessage.witnessRequest]: (from, request) =>
          witness.onWitnessRequest(from, request),
      },
      onPeerConnected() {},
      onPeerLost() {},
    });
    const witness = new Witness(environment, bus);
    const rpc = new RpcServer(environment, DEFAULT_RPC_SERVER_OPTIONS, statistics);
    rpc.speak(ProtocolMagic.internal, bus);
    void rpc.listen({ host: name, port: PORT });
    let sequence = 0;
    environment.timers.every(1_000, () => {
      sequence += 1;
      bus.send(META, InternalMessage.beacon, {
        ...makeBeacon(),
        nodeId: this.id,
        incarnation,
        lifeId: 0,
        sequence,
        address: { host: name, port: PORT },
        freeBytes: 1,
        totalBytes: 2,
        leaving: false,
        holdsLease: false,
      });
    });
  }
}

class World {
  readonly network = new NetworkWorld(3);
  readonly metaHost: WorldHost = this.network.addHost('meta');
  readonly #meta: Promise<MetaServer>;

  constructor(fastFailover: boolean) {
    const listen = { host: 'meta', port: 34601 };
    const options = defaultOptions(META_OPTIONS, { listen, fastFailover });
    const environment = { ...this.metaHost.environment, disk: new MemoryDisk() };
    this.#meta = MetaServer.open(environment, options);
  }

  async servers(): Promise<LivingServer[]> {
    const names = ['a', 'b', 'c'];
    const servers = names.map((name) => new LivingServer(this.network.addHost(name), 1));
    await this.network.run(3_000);
    for (const { id } of servers) assert.equal(await this.isUsable(id), true);
    return servers;
  }

  async isUsable(id: NodeId): Promise<boolean> {
    return (await this.#meta).brain.state.nodes.get(id)?.usable ?? false;
  }

  kill({ worldHost: { host } }: LivingServer): void {
    host.owner.stop();
    this.network.network.processDied(host);
  }
}

test('a killed server is dead within a quarter of a second', async () => {
  const world = new World(true);
  const [a, b] = await world.servers();
  world.kill(a!);
  await world.network.run(250);
  assert.equal(await world.isUsable(a!.id), false);
  world.kill(b!);
  await world.network.run(250);
  assert.equal(await world.isUsable(b!.id), false, 'one witness is left');
});

test('one that is started again at once is alive as soon as its next life speaks', async () => {
  const world = new World(true);
  const [a] = await world.servers();
  const again = new LivingServer(world.network.restart(a!.worldHost.host), 2);
  await world.network.run(1_500);
  assert.equal(await world.isUsable(again.id), true);
  world.kill(again);
  await world.network.run(250);
  assert.equal(await world.isUsable(again.id), false);
});

test('a server whose connections are reset, or that is stopped, is not dead before its grace is over', async () => {
  const world = new World(true);
  const [a, b] = await world.servers();
  for (let time = 0; time < 20; time++) world.network.network.resetOne(a!.worldHost.host);
  b!.worldHost.host.owner.pause();
  for (let time = 0; time < 20; time++) world.network.network.resetOne(b!.worldHost.host);
  await world.network.run(GRACE_MS - 1_500);
  assert.equal(await world.isUsable(a!.id), true);
  assert.equal(await world.isUsable(b!.id), true);
  await world.network.run(2_500);
  assert.equal(await world.isUsable(a!.id), true);
  assert.equal(await world.isUsable(b!.id), false);
});

test('neither is one whose machine has lost its power', async () => {
  const world = new World(true);
  const [a] = await world.servers();
  const { host } = a!.worldHost;
  host.owner.stop();
  host.isUp = false;
  world.network.network.hostDied(host);
  await world.network.run(GRACE_MS - 1_500);
  assert.equal(await world.isUsable(a!.id), true);
  await world.network.run(2_500);
  assert.equal(await world.isUsable(a!.id), false);
});

test('when it is switched off, a killed server waits for its grace as well', async () => {
  const world = new World(false);
  const [a] = await world.servers();
  world.kill(a!);
  await world.network.run(GRACE_MS - 1_500);
  assert.equal(await world.isUsable(a!.id), true);
  await world.network.run(2_500);
  assert.equal(await world.isUsable(a!.id), false);
});
