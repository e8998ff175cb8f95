/**
 * A whole meta server on the simulated network: hand-made replica servers on one side, an administrator on
 * the other.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NetworkWorld, type WorldHost } from '../../test/fuzz/network-world.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { ErrorCode } from '../base/error-names.ts';
import { defaultOptions } from '../base/option-table.ts';
import type { Connection } from '../env/transport.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import { type NodeId, toNodeId } from '../model/identity.ts';
import { DEFAULT_MESSAGE_BUS_OPTIONS, MessageBus } from '../rpc/message-bus.ts';
import { DEFAULT_RPC_SERVER_OPTIONS, ProtocolMagic, RpcServer } from '../rpc/server.ts';
import { RpcStatistics } from '../rpc/statistics.ts';
import {
  type BeaconAck,
  type ConfigurationPush,
  makeBeacon,
  makeReplicaState,
  type ReplicaState,
} from '../wire/generated/internal.ts';
import * as wire from '../wire/generated/meta.ts';
import { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { MetaLevel } from '../wire/schema/meta.ts';
import {
  beginRequest,
  finishRequest,
  parseReply,
  ReplyHeader,
  RequestHeader,
} from '../wire/thrift-frame.ts';
import { Writer } from '../wire/writer.ts';
import { META_OPTIONS, type MetaOptions } from './options.ts';
import { MetaServer } from './server.ts';

const META: NodeId = toNodeId('meta:34601');

/** Obeys pushes and reports, and holds no data. */
class HandMadeServer {
  readonly id: NodeId;
  readonly acks: BeaconAck[] = [];
  readonly pushes: ConfigurationPush[] = [];
  readonly #bus: MessageBus;
  readonly #replicas = new Map<string, ReplicaState>();
  #sequence = 0;

  constructor(host: WorldHost) {
    this.id = toNodeId(`${host.host.name}:34801`);
    const statistics = new RpcStatistics();
    const options = { clusterName: 'onebox', nodeId: this.id, incarnation: 7 };
    this.#bus = new MessageBus(
      host.environment,
      { ...DEFAULT_MESSAGE_BUS_OPTIONS, ...options },
      statistics,
      {
        messages: {
          [InternalMessage.beaconAck]: (_from, ack) => {
            this.acks.push(ack);
          },
          [InternalMessage.configurationPush]: (_from, push) => this.#onPush(push),
        },
        onPeerConnected() {},
        onPeerLost() {},
      },
    );
    const rpc = new RpcServer(host.environment, DEFAULT_RPC_SERVER_OPTIONS, statistics);
    rpc.speak(ProtocolMagic.internal, this.#bus);
    void rpc.listen({ host: host.host.name, port: 34801 });
    host.environment.timers.every(500, () => this.speak());
  }

  speak(): void {
    this.#sequence += 1;
    this.#bus.send(META, InternalMessage.beacon, {
      ...makeBeacon(),
      nodeId: this.id,
      incarnation: 7,
      lifeId: 0,
      sequence: this.#sequence,
      address: { host: this.id.split(':')[0]!, port: 34801 },
      freeBytes: 1,
      totalBytes: 2,
      leaving: false,
      holdsLease: false,
    });
    this.#bus.send(META, InternalMessage.replicaReport, {
      nodeId: this.id,
      incarnation: 7,
      replicas: [...this.#replicas.values()],
      sequence: this.#sequence,
    });
  }

  #onPush(push: ConfigurationPush): void {
    this.pushes.push(push);
    const { configuration } = push;
    const { appId, partitionIndex } = configuration.gpid;
    const leads = configuration.primary === this.id;
    const follows = configuration.secondaries.includes(this.id);
    const others = follows ? ReplicaStatus.secondary : ReplicaStatus.inactive;
    this.#replicas.set(`${appId}.${partitionIndex}`, {
      ...makeReplicaState(),
      gpid: configuration.gpid,
      ballot: configuration.ballot,
      status: leads ? ReplicaStatus.primary : others,
    });
  }
}

/** One connection in THFT v1, one request at a time. */
class Administrator {
  readonly #world: NetworkWorld;
  readonly #host: WorldHost;
  #connection: Connection | null = null;
  #received: number[] = [];
  #isClosed = false;

  constructor(world: NetworkWorld, host: WorldHost) {
    this.#world = world;
    this.#host = host;
  }

  async ask<A, R>(
    rpc: RpcCode,
    write: (writer: Writer, value: A) => void,
    value: A,
    read: (reader: Reader) => R,
    appId = 0,
  ): Promise<R> {
    const { header, reader } = await this.#exchange(rpc, (writer) => write(writer, value), appId);
    assert.equal(header.error, ErrorCode.ok);
    assert.ok(header.hasResult);
    return read(reader);
  }

  async errorOf(rpc: RpcCode): Promise<number> {
    const { header } = await this.#exchange(rpc, () => {}, 1);
    return header.error;
  }

  async query(appName: string, partitionIndices: number[] = []): Promise<wire.QueryCfgResponse> {
    return await this.ask(
      RpcCode.queryPartitionConfig,
      wire.writeQueryCfgRequest,
      { appName, partitionIndices },
      wire.readQueryCfgResponse,
    );
  }

  async create(
    appName: string,
    options: Partial<wire.CreateAppOptions> = {},
  ): Promise<wire.ConfigurationCreateAppResponse> {
    const request: wire.ConfigurationCreateAppRequest = {
      appName,
      options: {
        partitionCount: 4,
        replicaCount: 3,
        successIfExist: false,
        appType: 'pegasus',
        isStateful: true,
        envs: new Map(),
        atomicIdempotent: undefined,
        ...options,
      },
    };
    return await this.ask(
      RpcCode.createApp,
      wire.writeConfigurationCreateAppRequest,
      request,
      wire.readConfigurationCreateAppResponse,
    );
  }

  async #exchange(
    rpc: RpcCode,
    write: (writer: Writer) => void,
    appId: number,
  ): Promise<{ header: ReplyHeader; reader: Reader }> {
    const connection = this.#connect();
    const header = new RequestHeader();
    header.rpc = rpc;
    header.seqid = 9;
    header.appId = appId;
    const writer = new Writer();
    const mark = beginRequest(writer, header);
    write(writer);
    finishRequest(writer, mark, header.version);
    this.#received = [];
    connection.write(writer.take());
    for (let waitedMs = 0; waitedMs < 3_000 && !this.#isWhole(); waitedMs += 10) {
      await this.#world.run(10);
    }
    assert.ok(this.#isWhole(), 'an answer comes');
    const bytes = Uint8Array.from(this.#received);
    const reader = new Reader();
    reader.reset(bytes, 0, bytes.length);
    const reply = new ReplyHeader();
    parseReply(reader, bytes.length, reply);
    assert.equal(reply.seqid, 9);
    return { header: reply, reader };
  }

  #connect(): Connection {
    if (this.#connection !== null && !this.#isClosed) return this.#connection;
    this.#isClosed = false;
    const { transport } = this.#host.environment;
    this.#connection = transport.connect(
      { host: 'meta', port: 34601 },
      {
        onOpen() {},
        onData: (_connection, bytes) => {
          this.#received.push(...bytes);
        },
        onDrain() {},
        onClose: () => {
          this.#isClosed = true;
        },
      },
    );
    return this.#connection;
  }

  #isWhole(): boolean {
    if (this.#received.length < 4) return false;
    const [a, b, c, d] = this.#received as [number, number, number, number];
    return this.#received.length >= ((a << 24) | (b << 16) | (c << 8) | d);
  }
}

class World {
  readonly network: NetworkWorld;
  readonly disk = new MemoryDisk();
  readonly admin: Administrator;
  readonly servers: HandMadeServer[];
  metaHost: WorldHost;
  meta: MetaServer | null = null;

  constructor(seed: number) {
    this.network = new NetworkWorld(seed);
    this.metaHost = this.network.addHost('meta');
    this.servers = ['a', 'b', 'c'].map((name) => new HandMadeServer(this.network.addHost(name)));
    this.admin = new Administrator(this.network, this.network.addHost('admin'));
  }

  async open(overrides: Partial<MetaOptions> = {}): Promise<MetaServer> {
    const options = defaultOptions(META_OPTIONS, {
      listen: { host: 'meta', port: 34601 },
      ...overrides,
    });
    const environment = { ...this.metaHost.environment, disk: this.disk };
    this.meta = await MetaServer.open(environment, options);
    await this.network.run(1_500);
    return this.meta;
  }

  /** The process of the meta server dies; another one starts on the same disk. */
  async restartMeta(): Promise<void> {
    this.metaHost = this.network.restart(this.metaHost.host);
    this.disk.kill();
    await this.open();
  }
}

test('a table is created once it is durable, and its members are told', async () => {
  const world = new World(1);
  await world.open();
  const created = await world.admin.create('temp');
  assert.deepEqual(created, { err: 'ERR_OK', appid: 1 });
  await world.network.run(1_500);
  const answer = await world.admin.query('temp');
  assert.equal(answer.err, 'ERR_OK');
  assert.equal(answer.isStateful, true);
  assert.equal(answer.partitionCount, 4);
  for (const [index, partition] of answer.partitions.entries()) {
    assert.deepEqual(partition.pid, { appId: 1, partitionIndex: index });
    assert.equal(partition.ballot, 1);
    assert.equal(partition.hpSecondaries?.length, 2);
    assert.equal(partition.hpPrimary?.port, 34801);
    assert.deepEqual(partition.lastDrops, []);
  }
  const leads = world.servers.map(
    (server) => answer.partitions.filter((one) => one.hpPrimary?.host === server.id[0]).length,
  );
  assert.deepEqual(leads.sort(), [1, 1, 2]);
  for (const server of world.servers) {
    assert.ok(server.acks.at(-1)!.leaseMs > 0);
    assert.equal(
      new Set(server.pushes.map((push) => push.configuration.gpid.partitionIndex)).size,
      4,
    );
  }
});

test('partitions are answered in the order asked for, as often as asked for', async () => {
  const world = new World(2);
  await world.open();
  await world.admin.create('temp');
  const indexes = async (asked: number[]): Promise<number[]> =>
    (await world.admin.query('temp', asked)).partitions.map((one) => one.pid.partitionIndex);
  assert.deepEqual(await indexes([3, 1]), [3, 1]);
  assert.deepEqual(await indexes([1, 1]), [1, 1]);
  assert.deepEqual(await indexes([8, 2]), [2]);
  assert.deepEqual(await indexes([8, -1]), [0, 1, 2, 3]);
  const missing = await world.admin.query('nothing');
  assert.deepEqual(missing, {
    err: 'ERR_OBJECT_NOT_FOUND',
    appId: 0,
    partitionCount: 0,
    isStateful: false,
    partitions: [],
  });
});

test('a table survives the death of the meta server, and so does the grace of its nodes', async () => {
  const world = new World(3);
  await world.open();
  await world.admin.create('temp');
  await world.network.run(1_500);
  await world.restartMeta();
  const answer = await world.admin.query('temp');
  assert.equal(answer.err, 'ERR_OK');
  assert.ok(answer.partitions.every((one) => one.ballot === 1 && one.hpPrimary != null));
  assert.equal(world.meta?.brain.state.nodes.usableNodes().length, 3);
  assert.equal((await world.admin.create('temp')).err, 'ERR_APP_EXIST');
});

test('a dropped table is gone for clients, stays listed, and its name is free', async () => {
  const world = new World(4);
  await world.open();
  await world.admin.create('temp');
  const dropped = await world.admin.ask(
    RpcCode.dropApp,
    wire.writeConfigurationDropAppRequest,
    { appName: 'temp', options: { successIfNotExist: false, reserveSeconds: 3600 } },
    wire.readConfigurationDropAppResponse,
  );
  assert.equal(dropped.err, 'ERR_OK');
  assert.equal((await world.admin.query('temp')).err, 'ERR_OBJECT_NOT_FOUND');
  assert.deepEqual(await world.admin.create('temp'), { err: 'ERR_OK', appid: 2 });
  const list = (status: number) =>
    world.admin.ask(
      RpcCode.listApps,
      wire.writeConfigurationListAppsRequest,
      { status, appNamePattern: undefined, matchType: undefined },
      wire.readConfigurationListAppsResponse,
    );
  const ids = async (status: number) => (await list(status)).infos.map((info) => info.appId);
  assert.deepEqual(await ids(0), [1, 2]);
  assert.deepEqual(await ids(1), [2]);
  assert.deepEqual(await ids(6), [1]);
});

test('creation is refused while fewer servers live than replicas are wanted, or when freezed', async () => {
  const world = new World(5);
  await world.open();
  assert.equal((await world.admin.create('x', { replicaCount: 4 })).err, 'ERR_INVALID_PARAMETERS');
  assert.equal(
    (await world.admin.create('x', { partitionCount: 0 })).err,
    'ERR_INVALID_PARAMETERS',
  );
  const control = (level: number) =>
    world.admin.ask(
      RpcCode.controlMeta,
      wire.writeConfigurationMetaControlRequest,
      { level },
      wire.readConfigurationMetaControlResponse,
    );
  assert.deepEqual(await control(MetaLevel.freezed), { err: 'ERR_OK', oldLevel: MetaLevel.steady });
  assert.equal((await world.admin.create('x')).err, 'ERR_STATE_FREEZED');
  assert.equal((await control(MetaLevel.lively)).oldLevel, MetaLevel.freezed);
  assert.equal((await world.admin.create('x')).err, 'ERR_OK');
});

test('numbers of tables are not used twice, not even after a drop and a restart', async () => {
  const world = new World(6);
  await world.open();
  assert.equal((await world.admin.create('first')).appid, 1);
  assert.equal((await world.admin.create('second')).appid, 2);
  const dropped = await world.admin.ask(
    RpcCode.dropApp,
    wire.writeConfigurationDropAppRequest,
    { appName: 'second', options: { successIfNotExist: false, reserveSeconds: 1 } },
    wire.readConfigurationDropAppResponse,
  );
  assert.equal(dropped.err, 'ERR_OK');
  await world.restartMeta();
  assert.equal((await world.admin.create('second')).appid, 3);
});

test('procedures of storage are not found here, and those not built yet say so', async () => {
  const world = new World(7);
  await world.open();
  assert.equal(await world.admin.errorOf(RpcCode.get), ErrorCode.handlerNotFound);
  assert.equal(await world.admin.errorOf(RpcCode.put), ErrorCode.handlerNotFound);
  const split = await world.admin.ask(
    RpcCode.queryPartitionSplit,
    wire.writeQuerySplitRequest,
    { appName: 'temp' },
    wire.readQuerySplitResponse,
    -1,
  );
  assert.equal(split.err, 'ERR_NOT_IMPLEMENTED');
});

test('a server of another cluster is not heard', async () => {
  const world = new World(8);
  const meta = await world.open({ clusterName: 'another' });
  assert.equal(meta.brain.state.nodes.usableNodes().length, 0);
});

test('while the disk fails nothing is acknowledged, and what is known is served', async () => {
  const world = new World(9);
  const meta = await world.open();
  await world.admin.create('temp');
  world.disk.failNext('append', 'full', '', 1_000);
  await assert.rejects(world.admin.create('later'), /an answer comes/);
  assert.notEqual(meta.storeTrouble, null);
  const other = new Administrator(world.network, world.network.addHost('other'));
  assert.equal((await other.query('temp')).err, 'ERR_OK');
  assert.equal((await other.query('later')).err, 'ERR_OBJECT_NOT_FOUND');
  world.disk.clearFaults();
  await world.network.run(3_000);
  assert.equal(meta.storeTrouble, null);
  assert.equal((await other.query('later')).err, 'ERR_OK');
});

test('closing frees the port and the folder', async () => {
  const world = new World(10);
  const meta = await world.open();
  const closing = meta.close();
  await world.network.run(50);
  await closing;
  await meta.close();
  const again = await world.open();
  assert.equal(again.clusterId, meta.clusterId);
});
