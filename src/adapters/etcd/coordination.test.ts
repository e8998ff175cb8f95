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
import { NodeClock } from '../node/clock.ts';
import { NodeTimers } from '../node/timers.ts';
import { type StateStoreBench, stateStoreContract } from '../state-store-contract.ts';
import { DEFAULT_ETCD_OPTIONS, EtcdCoordination } from './coordination.ts';
import { EtcdServer, findEtcd } from './server-process.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const program = findEtcd(fileURLToPath(new URL('../../../.cache/etcd', import.meta.url)));
const skip =
  program === null ? 'no etcd: neither on the path nor from Debian (etcd-server)' : false;
const timers = new NodeTimers(new NodeClock());

describe('etcd', { skip }, () => {
  let folder: string;
  let etcd: EtcdServer;
  let roots = 0;
  let opened: EtcdCoordination[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pegasus-etcd-'));
    etcd = await EtcdServer.start(program!, folder);
  });

  after(async () => {
    await etcd.kill();
    rmSync(folder, { recursive: true });
  });

  function connect(root: string, requestTimeoutMs = 10_000): EtcdCoordination {
    const members = [etcd.address];
    const service = new EtcdCoordination({
      ...DEFAULT_ETCD_OPTIONS,
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
          repair: () => etcd.startAgain(),
        });
        await closeAll();
      });
    }
  });

  function storeBench(root: string): StateStoreBench {
    return {
      timers,
      open: (clusterName = 'c') =>
        SharedStateStore.open(
          { service: connect(root), timers, random: new SeededRandom(1), logger: SILENT },
          { clusterName, retryDelayMs: 50 },
        ),
      breakDown: () => etcd.kill(),
      repair: () => etcd.startAgain(),
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
    const bench = storeBench(root);
    const store = await SharedStateStore.open(
      { service: connect(root, 300), timers, random: new SeededRandom(1), logger: SILENT },
      { clusterName: 'c', retryDelayMs: 50 },
    );
    etcd.pause();
    const appended = new Promise((resolve) => {
      store.append([{ key: 'a', value: new Uint8Array([1]) }], resolve);
    });
    while (store.trouble === null) await new Promise<void>((done) => timers.after(5, done));
    await assert.rejects(connect(root, 300).attend('a:1'), CoordinationError);
    etcd.resume();
    assert.equal(await appended, 'durable');
    const next = await bench.open();
    assert.deepEqual(next.entries(), [{ key: 'a', value: new Uint8Array([1]) }]);
    await store.close();
    await next.close();
    await closeAll();
  });

  test('a member that is gone is passed over by the next call', async () => {
    const gone = { host: '127.0.0.1', port: 1 };
    const members = [gone, etcd.address];
    const service = new EtcdCoordination({ ...DEFAULT_ETCD_OPTIONS, members, root: '/gone' });
    await assert.rejects(service.readHead(), CoordinationError);
    assert.equal(await service.readHead(), null);
    assert.equal(await service.readHead(), null);
    await service.close();
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
