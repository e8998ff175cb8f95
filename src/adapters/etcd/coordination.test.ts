/** A real etcd, started for these tests: the contracts, and what only a real service does. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '../../base/prng.ts';
import { CoordinationError } from '../../env/coordination.ts';
import type { Logger } from '../../env/logger.ts';
import { SharedStateStore } from '../../meta/shared-state-store.ts';
import { coordinationContract } from '../coordination-contract.ts';
import { DEFAULT_COORDINATION_TIMEOUTS } from '../coordination-options.ts';
import { NodeClock } from '../node/clock.ts';
import { NodeTimers } from '../node/timers.ts';
import type { ServiceProcess } from '../service-process.ts';
import { type StateStoreBench, stateStoreContract } from '../state-store-contract.ts';
import { EtcdCoordination } from './coordination.ts';
import { findEtcd, startEtcd } from './server-process.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const program = findEtcd(fileURLToPath(new URL('../../../.cache/etcd', import.meta.url)));
const skip =
  program === null ? 'no etcd: neither on the path nor from Debian (etcd-server)' : false;
const timers = new NodeTimers(new NodeClock());

describe('etcd', { skip }, () => {
  let folder: string;
  let etcd: ServiceProcess;
  let roots = 0;
  let opened: EtcdCoordination[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pegasus-etcd-'));
    [etcd] = (await startEtcd(program!, folder, 1)) as [ServiceProcess];
  });

  after(async () => {
    await etcd.kill();
    rmSync(folder, { recursive: true });
  });

  function connect(root: string, requestTimeoutMs = 10_000): EtcdCoordination {
    const members = [etcd.address];
    const service = new EtcdCoordination({
      ...DEFAULT_COORDINATION_TIMEOUTS,
      members,
      root,
      requestTimeoutMs,
    });
    opened.push(service);
    return service;
  }

  async function closeAll(): Promise<void> {
    for (const service of opened) await service.close();
    opened = [];
  }

  describe('as a service', () => {
    for (const { claim, run } of coordinationContract) {
      test(claim, async () => {
        const root = `/service/${roots++}`;
        await run({
          timers,
          connect: () => connect(root),
          breakDown: () => etcd.kill(),
          repair: () => etcd.start(),
        });
        await closeAll();
      });
    }
  });

  function openStore(
    root: string,
    requestTimeoutMs?: number,
    clusterName = 'c',
  ): Promise<SharedStateStore> {
    const service = connect(root, requestTimeoutMs);
    const environment = { service, timers, random: new SeededRandom(1), logger: SILENT };
    const metaServers = ['a:1', 'b:1'];
    const options = { clusterName, retryDelayMs: 50, self: 'a:1', metaServers };
    return SharedStateStore.open(environment, options);
  }

  function storeBench(root: string): StateStoreBench {
    return {
      timers,
      open: (clusterName) => openStore(root, undefined, clusterName),
      breakDown: () => etcd.kill(),
      repair: () => etcd.start(),
    };
  }

  describe('under the shared store', () => {
    for (const { claim, run } of stateStoreContract) {
      test(claim, async () => {
        await run(storeBench(`/store/${roots++}`));
        await closeAll();
      });
    }
  });

  test('an etcd that hangs is an error in time, and a write that reached it counts once', async () => {
    const root = `/store/${roots++}`;
    const store = await openStore(root, 300);
    etcd.pause();
    const appended = new Promise((resolve) => {
      store.append([{ key: 'a', value: new Uint8Array([1]) }], resolve);
    });
    while (store.trouble === null) await new Promise<void>((done) => timers.after(5, done));
    await assert.rejects(connect(root, 300).attend('a:1'), CoordinationError);
    etcd.resume();
    assert.equal(await appended, 'durable');
    const next = await openStore(root);
    assert.deepEqual(next.entries(), [{ key: 'a', value: new Uint8Array([1]) }]);
    await store.close();
    await next.close();
    await closeAll();
  });

  test('a member that is gone is passed over, and nobody at all is an error', async () => {
    const gone = { host: '127.0.0.1', port: 1 };
    const members = [gone, etcd.address];
    const service = new EtcdCoordination({
      ...DEFAULT_COORDINATION_TIMEOUTS,
      members,
      root: '/gone',
    });
    assert.equal(await service.readHead(), null);
    await service.close();
    const nobody = new EtcdCoordination({
      ...DEFAULT_COORDINATION_TIMEOUTS,
      members: [gone, gone],
      root: '/gone',
    });
    await assert.rejects(nobody.readHead(), CoordinationError);
    await nobody.close();
  });

  test('of three members one may be lost at any time; without a majority nothing is acknowledged', async () => {
    const trio = await startEtcd(program!, join(folder, 'trio'), 3);
    try {
      const members = trio.map((server) => server.address);
      const service = new EtcdCoordination({
        ...DEFAULT_COORDINATION_TIMEOUTS,
        members,
        root: '/trio',
      });
      opened.push(service);
      const open = (): Promise<SharedStateStore> =>
        SharedStateStore.open(
          { service, timers, random: new SeededRandom(1), logger: SILENT },
          { clusterName: 'c', retryDelayMs: 50, self: 'a:1', metaServers: ['a:1', 'b:1'] },
        );
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
      while (store.trouble === null) await new Promise<void>((done) => timers.after(5, done));
      assert.equal(isTold, false);
      await trio[1]!.start();
      assert.equal(await appended, 'durable');
      const next = await open();
      const found = new Map(next.entries().map(({ key, value }) => [key, value[0]]));
      assert.equal(found.get('a'), count);
      assert.equal(found.size, count + 1);
    } finally {
      await closeAll();
      for (const server of trio) await server.kill();
    }
  });

  test('clusters under roots of their own do not see each other', async () => {
    const [one, other] = [connect('/roots/a'), connect('/roots/aa')];
    const puts = [{ key: 'k', value: new Uint8Array([1]) }];
    const head = new Uint8Array([2]);
    assert.notEqual(await other.write({ fence: 0, head, puts, removals: [] }), null);
    assert.deepEqual(await one.readAll(), { head: null, entries: [] });
    assert.equal((await other.readAll()).entries.length, 1);
    await closeAll();
  });
});
