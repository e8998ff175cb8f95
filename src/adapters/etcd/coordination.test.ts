/** A real etcd, started for these tests: the contracts, and what only a real service does. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RealServiceSuite } from '../../../test/support/real-service-suite.ts';
import { CoordinationError } from '../../env/coordination.ts';
import { DEFAULT_COORDINATION_TIMEOUTS } from '../coordination-options.ts';
import type { ServiceProcess } from '../service-process.ts';
import { EtcdCoordination } from './coordination.ts';
import { findEtcd, startEtcd } from './server-process.ts';

const program = findEtcd(fileURLToPath(new URL('../../../.cache/etcd', import.meta.url)));
const skip =
  program === null ? 'no etcd: neither on the path nor from Debian (etcd-server)' : false;

describe('etcd', { skip }, () => {
  const suite = new RealServiceSuite({
    name: 'an etcd',
    start: async (folder) => ((await startEtcd(program!, folder, 1)) as [ServiceProcess])[0],
    client: (options) => new EtcdCoordination(options),
  });
  suite.register();

  test('a member that is gone is passed over, and nobody at all is an error', async () => {
    const gone = { host: '127.0.0.1', port: 1 };
    const members = [gone, suite.process.address];
    const service = suite.connect('/gone', { members });
    assert.equal(await service.readHead(), null);
    const nobody = suite.connect('/gone', { members: [gone, gone] });
    await assert.rejects(nobody.readHead(), CoordinationError);
    await suite.closeAll();
  });

  test('of three members one may be lost at any time; without a majority nothing is acknowledged', async () => {
    const trio = await startEtcd(program!, join(suite.folder, 'trio'), 3);
    try {
      const members = trio.map((server) => server.address);
      const service = suite.connect('/trio', { members, ...DEFAULT_COORDINATION_TIMEOUTS });
      const open = (): ReturnType<typeof suite.openStore> => suite.openStore('/trio', { service });
      const store = await open();
      const append = (value: number): Promise<string> =>
        new Promise((resolve) => {
          const entries = [
            { key: 'a', value: new Uint8Array([value]) },
            { key: `b${value}`, value: new Uint8Array([value]) },
          ];
          store.append(entries, resolve);
        });
      let count = 0;
      // Whichever of them leads the others, it is among those that are killed.
      for (const server of trio) {
        await server.kill();
        for (let round = 0; round < 3; round++) assert.equal(await append(++count), 'durable');
        await server.start();
      }
      await trio[0]!.kill();
      await trio[1]!.kill();
      let isTold = false;
      const appended = append(++count).then((outcome) => {
        isTold = true;
        return outcome;
      });
      await suite.untilTroubled(store);
      assert.equal(isTold, false);
      await trio[1]!.start();
      assert.equal(await appended, 'durable');
      const next = await open();
      const found = new Map(next.entries().map(({ key, value }) => [key, value[0]]));
      assert.equal(found.get('a'), count);
      assert.equal(found.size, count + 1);
    } finally {
      await suite.closeAll();
      for (const server of trio) await server.kill();
    }
  });

  test('clusters under roots of their own do not see each other', async () => {
    const [one, other] = [suite.connect('/roots/a'), suite.connect('/roots/aa')];
    const puts = [{ key: 'k', value: new Uint8Array([1]) }];
    const head = new Uint8Array([2]);
    assert.notEqual(await other.write({ fence: 0, head, puts, removals: [] }), null);
    assert.deepEqual(await one.readAll(), { head: null, entries: [] });
    assert.equal((await other.readAll()).entries.length, 1);
    await suite.closeAll();
  });
});
