/** The contracts of the coordination service and of the state store, on a real ZooKeeper. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
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
import { NO_SESSION, Operation, ZooKeeperConnection } from './connection.ts';
import { ZooKeeperCoordination } from './coordination.ts';
import { haveZooKeeper, startZooKeeper } from './server-process.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const skip = haveZooKeeper() ? false : 'no ZooKeeper: neither there nor from Debian (zookeeper)';
const timers = new NodeTimers(new NodeClock());

describe('ZooKeeper', { skip }, () => {
  let folder: string;
  let server: ServiceProcess;
  let roots = 0;
  let opened: ZooKeeperCoordination[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pegasus-zookeeper-'));
    server = await startZooKeeper(folder);
  });

  after(async () => {
    await server.kill();
    rmSync(folder, { recursive: true });
  });

  function connect(
    root: string,
    options: { requestTimeoutMs?: number; leadTimeoutMs?: number } = {},
  ): ZooKeeperCoordination {
    const service = new ZooKeeperCoordination({
      ...DEFAULT_COORDINATION_TIMEOUTS,
      requestTimeoutMs: 10_000,
      members: [server.address],
      root,
      ...options,
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
          breakDown: () => server.kill(),
          repair: () => server.start(),
        });
        await closeAll();
      });
    }
  });

  function openStore(
    root: string,
    requestTimeoutMs = 10_000,
    clusterName = 'c',
  ): Promise<SharedStateStore> {
    const service = connect(root, { requestTimeoutMs });
    const environment = { service, timers, random: new SeededRandom(1), logger: SILENT };
    const metaServers = ['a:1', 'b:1'];
    const options = { clusterName, retryDelayMs: 50, self: 'a:1', metaServers };
    return SharedStateStore.open(environment, options);
  }

  function storeBench(root: string): StateStoreBench {
    return {
      timers,
      open: (clusterName) => openStore(root, undefined, clusterName),
      breakDown: () => server.kill(),
      repair: () => server.start(),
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

  test('a ZooKeeper that hangs is an error in time, and a write that reached it counts once', async () => {
    const root = `/store/${roots++}`;
    const store = await openStore(root, 300);
    server.pause();
    const appended = new Promise((resolve) => {
      store.append([{ key: 'a', value: new Uint8Array([1]) }], resolve);
    });
    while (store.trouble === null) await new Promise<void>((done) => timers.after(5, done));
    await assert.rejects(connect(root, { requestTimeoutMs: 300 }).attend('a:1'), CoordinationError);
    server.resume();
    assert.equal(await appended, 'durable');
    const next = await openStore(root);
    assert.deepEqual(next.entries(), [{ key: 'a', value: new Uint8Array([1]) }]);
    await closeAll();
  });

  test('a session is taken up by the next connection, and is followed by another one when it is over', async () => {
    const timeouts = { requestMs: 10_000, sessionMs: 4_000 };
    const first = await ZooKeeperConnection.open(server.address, NO_SESSION, timeouts);
    first.close();
    const second = await ZooKeeperConnection.open(server.address, first.session, timeouts);
    assert.equal(second.session.id, first.session.id);
    await second.request(Operation.closeSession, () => {});
    second.close();
    const third = await ZooKeeperConnection.open(server.address, first.session, timeouts);
    assert.notEqual(third.session.id, first.session.id);
    third.close();
  });

  test('servers whose sessions are shorter than the lead are refused, with the setting', async () => {
    const service = connect(`/service/${roots++}`, { leadTimeoutMs: 20_000 });
    await assert.rejects(service.attend('a:1'), /maxSessionTimeout/);
    await closeAll();
  });

  test('keys with slashes, and what only looks like it, come back as they were', async () => {
    const service = connect(`/service/${roots++}`);
    const keys = ['a/b', 'a%2Fb', 'a%252F/', '%', 'plain'];
    const puts = keys.map((key, index) => ({ key, value: new Uint8Array([index]) }));
    await service.write({ fence: 0, head: new Uint8Array([9]), puts, removals: [] });
    const { entries } = await service.readAll();
    const byKey = (a: { key: string }, b: { key: string }): number => (a.key < b.key ? -1 : 1);
    assert.deepEqual(entries.sort(byKey), [...puts].sort(byKey));
    await closeAll();
  });

  test('a server that cannot be connected to is passed over in the same call', async () => {
    const service = new ZooKeeperCoordination({
      ...DEFAULT_COORDINATION_TIMEOUTS,
      members: [{ host: '127.0.0.1', port: 1 }, server.address],
      root: `/service/${roots++}`,
    });
    assert.equal(await service.readHead(), null);
    await service.close();
  });
});
