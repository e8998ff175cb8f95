/** A crash is proved within moments; a reset, a pause, silence and a lying firewall prove nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NetworkWorld, type WorldHost } from '../../test/fuzz/network-world.ts';
import { PROBES_MAX } from '../cluster/settings.ts';
import type { Connection } from '../env/transport.ts';
import { type NodeId, toNodeId } from '../model/identity.ts';
import { ListenerProbe } from '../rpc/listener-probe.ts';
import type { WitnessRequest } from '../wire/generated/internal.ts';
import { WitnessSight } from '../wire/schema/internal.ts';
import { LifeWatch } from './life-watch.ts';

const INTERVAL_MS = 100;
const WINDOW_MS = PROBES_MAX * INTERVAL_MS;
const NODE = toNodeId('node:80');
const WITNESS = toNodeId('witness:80');
const LIFE = 7;

/** A meta server that watches a node, and another server that it may ask. */
class Watched {
  readonly world = new NetworkWorld(1);
  readonly meta: WorldHost = this.world.addHost('meta');
  readonly witness: WorldHost = this.world.addHost('witness');
  node: WorldHost = this.world.addHost('node');
  readonly ended: string[] = [];
  readonly asked: WitnessRequest[] = [];
  readonly sights: WitnessSight[] = [];
  witnesses: NodeId[] = [WITNESS];
  life = LIFE;
  watch: LifeWatch;

  constructor() {
    this.watch = new LifeWatch(this.meta.environment, INTERVAL_MS, {
      addressOf: (_node, incarnation) =>
        incarnation === this.life ? { host: 'node', port: 80 } : null,
      witnessesOf: () => this.witnesses,
      ask: (witness, request) => this.#onAsked(witness, request),
      ended: (node, incarnation) => this.ended.push(`${node} ${incarnation}`),
    });
  }

  async listen(): Promise<void> {
    const accept = (_connection: Connection) => ({
      onOpen() {},
      onData() {},
      onDrain() {},
      onClose() {},
    });
    await this.node.environment.transport.listen({ host: 'node', port: 80 }, accept);
  }

  kill(): void {
    this.node.host.owner.stop();
    this.world.network.processDied(this.node.host);
  }

  #onAsked(witness: NodeId, request: WitnessRequest): void {
    this.asked.push(request);
    assert.ok(request.address !== null);
    new ListenerProbe(this.witness.environment, request.address, 500, (outcome) => {
      const sight = { accepted: WitnessSight.seen, refused: WitnessSight.refused, nothing: 0 };
      this.sights.push(sight[outcome] as WitnessSight);
      const { node, incarnation } = request;
      this.watch.onWitnessAnswer(witness, { node, incarnation, sight: sight[outcome] });
    });
  }
}

test('a crash is proved with the second attempt', async () => {
  const watched = new Watched();
  await watched.listen();
  watched.kill();
  watched.watch.onConnectionLost(NODE, LIFE);
  await watched.world.run(INTERVAL_MS / 2);
  assert.deepEqual(watched.ended, [], 'one refusal is not enough');
  await watched.world.run(INTERVAL_MS);
  assert.deepEqual(watched.ended, [`${NODE} ${LIFE}`]);
  await watched.world.run(2 * WINDOW_MS);
  assert.equal(watched.ended.length, 1, 'once');
});

test('a connection that was reset proves nothing about a server that lives', async () => {
  const watched = new Watched();
  await watched.listen();
  watched.watch.onConnectionLost(NODE, LIFE);
  await watched.world.run(3 * WINDOW_MS);
  assert.deepEqual(watched.ended, []);
  assert.equal(watched.asked.length, PROBES_MAX, 'and the work is bounded');
});

test('a server that is stopped is left to its grace', async () => {
  const watched = new Watched();
  await watched.listen();
  watched.node.host.owner.pause();
  watched.watch.onConnectionLost(NODE, LIFE);
  await watched.world.run(3 * WINDOW_MS);
  assert.deepEqual(watched.ended, []);
});

test('so is one whose machine is silent', async () => {
  const watched = new Watched();
  await watched.listen();
  watched.kill();
  watched.world.network.cut(watched.node.host, watched.meta.host);
  watched.watch.onConnectionLost(NODE, LIFE);
  await watched.world.run(3 * WINDOW_MS);
  assert.deepEqual(watched.ended, []);
  assert.ok(watched.sights.includes(WitnessSight.refused), 'though a witness is sure');
});

test('what refuses in the way to the meta server only does not end a life that a witness sees', async () => {
  const watched = new Watched();
  await watched.listen();
  const lying = { ...watched.meta.environment };
  const { transport } = watched.meta.environment;
  lying.transport = {
    listen: transport.listen.bind(transport),
    connect: (_address, handler) => transport.connect({ host: 'node', port: 81 }, handler),
  };
  watched.watch = new LifeWatch(lying, INTERVAL_MS, {
    addressOf: () => ({ host: 'node', port: 80 }),
    witnessesOf: () => [WITNESS],
    ask: (witness, { node, incarnation }) => {
      watched.watch.onWitnessAnswer(witness, { node, incarnation, sight: WitnessSight.seen });
    },
    ended: () => watched.ended.push('ended'),
  });
  watched.watch.onConnectionLost(NODE, LIFE);
  await watched.world.run(3 * WINDOW_MS);
  assert.deepEqual(watched.ended, []);
});

test('without a witness there is no proof', async () => {
  const watched = new Watched();
  watched.witnesses = [];
  await watched.listen();
  watched.kill();
  watched.watch.onConnectionLost(NODE, LIFE);
  await watched.world.run(3 * WINDOW_MS);
  assert.deepEqual(watched.ended, []);
});

test('a crash during the window is proved as well', async () => {
  const watched = new Watched();
  await watched.listen();
  watched.watch.onConnectionLost(NODE, LIFE);
  await watched.world.run(WINDOW_MS / 2);
  watched.kill();
  await watched.world.run(WINDOW_MS / 2);
  assert.deepEqual(watched.ended, [`${NODE} ${LIFE}`]);
});

test('a server that is heard again, or lives anew, is not suspected any more', async () => {
  const watched = new Watched();
  await watched.listen();
  watched.kill();
  watched.watch.onConnectionLost(NODE, LIFE);
  watched.watch.onHeard(NODE);
  await watched.world.run(3 * WINDOW_MS);
  assert.deepEqual(watched.ended, []);
  watched.watch.onConnectionLost(NODE, LIFE);
  watched.life = LIFE + 1;
  await watched.world.run(3 * WINDOW_MS);
  assert.deepEqual(watched.ended.length, 0);
  watched.watch.onConnectionLost(NODE, LIFE);
  assert.equal(watched.asked.length, 2, 'an older life is of no interest');
});

test('a meta server that closes asks nobody any more', async () => {
  const watched = new Watched();
  watched.watch.onConnectionLost(NODE, LIFE);
  watched.watch.close();
  await watched.world.run(3 * WINDOW_MS);
  assert.deepEqual(watched.ended, []);
  assert.equal(watched.asked.length, 1);
});
