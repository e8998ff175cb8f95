/** A replica server whose data folder comes back from an old copy, and a meta server that remembers later lives. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../../src/adapters/memory/engine.ts';
import { defaultOptions } from '../../src/base/option-table.ts';
import { META_OPTIONS } from '../../src/meta/options.ts';
import { MetaServer } from '../../src/meta/server.ts';
import { toNodeId } from '../../src/model/identity.ts';
import { REPLICA_OPTIONS } from '../../src/replica/options.ts';
import { ReplicaServer } from '../../src/replica/server.ts';
import { ServerLives } from '../../src/replica/server-lives.ts';
import { NetworkWorld } from '../fuzz/network-world.ts';

const META = { host: 'meta', port: 34601 };
const SELF = { host: 'a', port: 34801 };

class World {
  readonly network = new NetworkWorld(5);
  readonly disk = new MemoryDisk();
  readonly #meta: Promise<MetaServer>;
  readonly #host = this.network.addHost('a');

  constructor() {
    const environment = { ...this.network.addHost('meta').environment, disk: new MemoryDisk() };
    this.#meta = MetaServer.open(environment, defaultOptions(META_OPTIONS, { listen: META }));
  }

  /** Lives from its start for a while, and is closed. Returns the incarnation that is alive before. */
  async live(): Promise<number> {
    const { environment } = this.#host;
    const { disk } = this;
    const engines = new MemoryEngineFactory({ ...environment, disk, mayBlock: () => false });
    const options = defaultOptions(REPLICA_OPTIONS, {
      listen: SELF,
      metaServers: [META],
      dataPath: 'data',
    });
    const opening = ServerLives.begin((onOutlived) =>
      ReplicaServer.open({ ...environment, disk, engines }, options, onOutlived),
    );
    await this.network.run(4_000);
    const lives = await opening;
    const node = (await this.#meta).brain.state.nodes.get(toNodeId('a:34801'));
    assert.equal(node?.usable, true);
    const { incarnation } = node;
    const closing = lives.close();
    await this.network.run(1_000);
    await closing;
    return incarnation;
  }
}

test('a life with a number that was had before is followed by one with a number of its own', async () => {
  const world = new World();
  assert.equal(await world.live(), 1);
  const copy = world.disk.damage.copy('data');
  assert.equal(await world.live(), 2);
  world.disk.damage.restore('data', copy);
  assert.equal(await world.live(), 3, 'not 2, which would be the same number again');
  assert.equal(await world.live(), 4);
  world.disk.damage.restore('data', copy);
  assert.equal(await world.live(), 5, 'not ignored for ever as the second life');
});
