/** A witness says what it sees, and no more. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NetworkWorld, type WorldHost } from '../../test/fuzz/network-world.ts';
import { type NodeId, toNodeId } from '../model/identity.ts';
import { DEFAULT_MESSAGE_BUS_OPTIONS, MessageBus } from '../rpc/message-bus.ts';
import { DEFAULT_RPC_SERVER_OPTIONS, ProtocolMagic, RpcServer } from '../rpc/server.ts';
import { RpcStatistics } from '../rpc/statistics.ts';
import { makeReplicaForget, type WitnessAnswer } from '../wire/generated/internal.ts';
import { InternalMessage, WitnessSight } from '../wire/schema/internal.ts';
import { Witness } from './witness.ts';

const LIFE = 3;

interface Server {
  readonly id: NodeId;
  readonly worldHost: WorldHost;
  readonly bus: MessageBus;
  readonly witness: Witness;
  readonly answers: WitnessAnswer[];
}

async function serve(worldHost: WorldHost): Promise<Server> {
  const id = toNodeId(`${worldHost.host.name}:80`);
  const answers: WitnessAnswer[] = [];
  const identity = { clusterName: 'c', nodeId: id, incarnation: LIFE };
  const { environment } = worldHost;
  const statistics = new RpcStatistics();
  const options = { ...DEFAULT_MESSAGE_BUS_OPTIONS, ...identity };
  const bus: MessageBus = new MessageBus(environment, options, statistics, {
    messages: {
      [InternalMessage.witnessRequest]: (from, request) => witness.onWitnessRequest(from, request),
      [InternalMessage.witnessAnswer]: (_from, answer) => answers.push(answer),
    },
    onPeerConnected() {},
    onPeerLost() {},
  });
  const witness = new Witness(environment, bus);
  const server = new RpcServer(environment, DEFAULT_RPC_SERVER_OPTIONS, statistics);
  server.speak(ProtocolMagic.internal, bus);
  await server.listen({ host: worldHost.host.name, port: 80 });
  return { id, worldHost, bus, witness, answers };
}

class Trial {
  readonly world = new NetworkWorld(2);

  async open(): Promise<{ meta: Server; witness: Server; node: Server }> {
    const [meta, witness, node] = await Promise.all(
      ['meta', 'witness', 'node'].map((name) => serve(this.world.addHost(name))),
    );
    return { meta: meta!, witness: witness!, node: node! };
  }

  async ask(meta: Server, witness: Server, incarnation = LIFE): Promise<WitnessSight[]> {
    meta.answers.length = 0;
    const address = { host: 'node', port: 80 };
    const request = { node: 'node:80', incarnation, address };
    meta.bus.send(witness.id, InternalMessage.witnessRequest, request);
    await this.world.run(2_000);
    assert.ok(meta.answers.every((answer) => answer.incarnation === incarnation));
    return meta.answers.map((answer) => answer.sight as WitnessSight);
  }

  kill(server: Server): void {
    server.worldHost.host.owner.stop();
    this.world.network.processDied(server.worldHost.host);
  }
}

test('a server that listens is seen, also one that is stopped', async () => {
  const trial = new Trial();
  const { meta, witness, node } = await trial.open();
  assert.deepEqual(await trial.ask(meta, witness), [WitnessSight.seen]);
  node.worldHost.host.owner.pause();
  assert.deepEqual(await trial.ask(meta, witness), [WitnessSight.seen]);
});

test('one that was killed is refused by its machine', async () => {
  const trial = new Trial();
  const { meta, witness, node } = await trial.open();
  trial.kill(node);
  assert.deepEqual(await trial.ask(meta, witness), [WitnessSight.refused]);
});

test('one that cannot be reached is neither', async () => {
  const trial = new Trial();
  const { meta, witness, node } = await trial.open();
  trial.world.network.cut(witness.worldHost.host, node.worldHost.host);
  assert.deepEqual(await trial.ask(meta, witness), [WitnessSight.nothing]);
});

test('one with which a connection stands is seen, whoever opened it and whatever a new attempt says', async () => {
  const trial = new Trial();
  const { meta, witness, node } = await trial.open();
  node.bus.send(witness.id, InternalMessage.replicaForget, makeReplicaForget());
  await trial.world.run(100);
  node.worldHost.host.listeners.clear();
  assert.deepEqual(await trial.ask(meta, witness), [WitnessSight.seen]);
  assert.deepEqual(
    await trial.ask(meta, witness, LIFE - 1),
    [WitnessSight.refused],
    'in that life',
  );
});

test('beyond its bound it is silent, and so it is once it is closed', async () => {
  const trial = new Trial();
  const { meta, witness, node } = await trial.open();
  trial.world.network.cut(witness.worldHost.host, node.worldHost.host);
  const request = { node: 'node:80', incarnation: LIFE, address: { host: 'node', port: 80 } };
  for (let time = 0; time < 200; time++) witness.witness.onWitnessRequest(meta.id, request);
  await trial.world.run(2_000);
  assert.equal(meta.answers.length, 64);
  meta.answers.length = 0;
  witness.witness.onWitnessRequest(meta.id, request);
  witness.witness.close();
  await trial.world.run(2_000);
  assert.deepEqual(meta.answers, []);
});
