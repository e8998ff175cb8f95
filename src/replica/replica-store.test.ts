/** Which copies of a partition a server makes, keeps and gives up. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NetworkWorld, type WorldHost } from '../../test/fuzz/network-world.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../adapters/memory/engine.ts';
import { defaultOptions } from '../base/option-table.ts';
import { Lease } from '../consensus/lease.ts';
import type { Clock } from '../env/clock.ts';
import { type Engine, EngineError, EngineStatus } from '../env/engine.ts';
import type { ReplicaEnvironment } from '../env/environment.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import { type Gpid, gpidOf, toNodeId } from '../model/identity.ts';
import { DEFAULT_MESSAGE_BUS_OPTIONS, MessageBus } from '../rpc/message-bus.ts';
import { RpcStatistics } from '../rpc/statistics.ts';
import {
  type GroupCheck,
  makeConfigurationInfo,
  makeConfigurationPush,
  makeGroupCheck,
  makeTableInfo,
} from '../wire/generated/internal.ts';
import { REPLICA_OPTIONS } from './options.ts';
import type { Replica } from './replica.ts';
import { ReplicaStore } from './replica-store.ts';

const SELF = toNodeId('node:80');
const PRIMARY = toNodeId('primary:80');
const GPID = gpidOf(1, 0);
const OTHER = gpidOf(1, 1);
/** In a log: behind the header of its first block. */
const FIRST_RECORD_AT = 48;

class World {
  readonly network = new NetworkWorld(1);
  readonly disk: MemoryDisk;
  readonly clock: Clock;
  readonly lease: Lease;
  readonly store: ReplicaStore;
  /** That was opened last. */
  engine: Engine | null = null;
  reportsSoon = 0;

  constructor(disk: MemoryDisk = new MemoryDisk(), incarnation: number = 1) {
    this.disk = disk;
    const { environment }: WorldHost = this.network.addHost('node');
    const { timers, clock } = environment;
    this.clock = clock;
    const mayBlock = (): boolean => false;
    const engines = new MemoryEngineFactory({ disk: this.disk, timers, clock, mayBlock });
    const open = engines.open.bind(engines);
    engines.open = async (path) => {
      this.engine = await open(path);
      return this.engine;
    };
    const whole: ReplicaEnvironment = { ...environment, disk: this.disk, engines };
    const identity = { clusterName: 'c', nodeId: SELF, incarnation };
    const busOptions = { ...DEFAULT_MESSAGE_BUS_OPTIONS, ...identity };
    const bus = new MessageBus(whole, busOptions, new RpcStatistics(), {
      messages: {},
      onPeerConnected() {},
      onPeerLost() {},
    });
    const listen = { host: 'node', port: 80 };
    const options = defaultOptions(REPLICA_OPTIONS, {
      listen,
      metaServers: [],
      dataPath: 'data',
    });
    this.lease = new Lease(options.leaseMs);
    this.store = new ReplicaStore(whole, options, {
      self: SELF,
      dataPath: 'data',
      incarnation,
      isTailAtRisk: false,
      lease: this.lease,
      bus,
      leader: () => null,
      reportSoon: () => {
        this.reportsSoon += 1;
      },
    });
  }

  async open(): Promise<void> {
    for (const folder of ['data/replicas', 'data/trash']) await this.disk.makeDirectory(folder);
    await this.finish(this.store.open());
  }

  /** The meta server answers a beacon of now. */
  beat(): void {
    this.lease.onBeaconAcked(this.lease.onBeaconSent(this.clock.monotonicMs()), true, 0);
  }

  /** It shall lead the partition from the beginning. */
  pushLead(): void {
    const { table, configuration } = invitation(1, 0, GPID);
    this.store.onConfigurationPush({
      ...makeConfigurationPush(),
      table,
      configuration: { ...configuration, primary: SELF, secondaries: [PRIMARY], learner: '' },
      incarnation: 1,
    });
  }

  async invite(ballot: number, learnId: number, gpid: Gpid = GPID): Promise<void> {
    this.store.onGroupCheck(PRIMARY, invitation(ballot, learnId, gpid));
    await this.network.run(100);
  }

  /** Of the one partition. */
  copy(): Replica | null {
    return this.store.find(GPID.appId, GPID.partitionIndex);
  }

  close(): Promise<void> {
    return this.finish(this.store.close());
  }

  private async finish(job: Promise<void>): Promise<void> {
    let isDone = false;
    const done = job.finally(() => {
      isDone = true;
    });
    while (!isDone) await this.network.run(1);
    await done;
  }

  async trashed(): Promise<number> {
    return (await this.disk.list('data/trash')).length;
  }
}

function invitation(ballot: number, learnId: number, gpid: Gpid): GroupCheck {
  return {
    ...makeGroupCheck(),
    table: { ...makeTableInfo(), appId: 1, partitionCount: 2, maxReplicaCount: 3 },
    configuration: {
      ...makeConfigurationInfo(),
      gpid,
      ballot,
      maxReplicaCount: 3,
      primary: PRIMARY,
      learner: SELF,
    },
    learnId,
  };
}

test('a copy that fails is not replaced by an empty one under the invitation that it followed', async () => {
  const world = new World();
  await world.open();
  await world.invite(2, 7);
  const copy = world.copy();
  assert.equal(copy?.core.learnId, 7);
  // What it has acknowledged may make this server a member at any time.
  copy.core.fail('its log failed');
  await world.invite(2, 7);
  await world.invite(2, 6);
  assert.equal(world.copy(), copy, 'also not under one that comes late');
  assert.equal(copy.core.status, ReplicaStatus.error);
  assert.equal(await world.trashed(), 0);
});

for (const [ballot, learnId, why] of [
  [2, 8, 'its primary has given up the learn before'],
  [3, 1, 'what was asked for under the ballot before is void'],
] as const) {
  test(`it is learned anew under ballot ${ballot}, learn ${learnId}: ${why}`, async () => {
    const world = new World();
    await world.open();
    await world.invite(2, 7);
    world.copy()?.core.fail('its log failed');
    await world.invite(ballot, learnId);
    assert.equal(await world.trashed(), 1);
    await world.invite(ballot, learnId);
    assert.equal(world.copy()?.core.learnId, learnId);
    assert.equal(world.copy()?.core.status, ReplicaStatus.potentialSecondary);
  });
}

test('a copy that was given up is not made again by the invitation that it had followed', async () => {
  const world = new World();
  await world.open();
  await world.invite(2, 7);
  world.store.onForget({ metaEpoch: 1, gpid: GPID, ballot: 2 });
  await world.network.run(100);
  assert.equal(world.copy(), null);
  await world.invite(2, 7);
  assert.equal(world.copy(), null);
  await world.invite(3, 9);
  assert.equal(world.copy()?.core.learnId, 9);
});

test('a folder that is brought back after its removal is not trusted, at no later start either, until it has learned', async () => {
  const first = new World();
  await first.open();
  await first.invite(2, 7);
  const { disk } = first;
  const folder = 'data/replicas/1.0';
  const backup = disk.damage.copy(folder);
  first.store.onForget({ metaEpoch: 1, gpid: GPID, ballot: 2 });
  await first.network.run(100);
  assert.equal(await first.trashed(), 1);
  await first.close();

  disk.damage.restore(folder, backup);
  const second = new World(disk, 2);
  await second.open();
  assert.match(second.store.failures()[0]!.reason, /brought back/);
  await second.close();

  // By now the log may have forgotten the removal.
  await disk.remove('data/log');
  const third = new World(disk, 3);
  await third.open();
  assert.match(third.store.failures()[0]!.reason, /brought back/);
  await third.invite(3, 8);
  await third.invite(3, 8);
  assert.equal(await third.trashed(), 2);
  assert.equal(third.copy()?.core.learnId, 8);
  await third.close();

  const fourth = new World(disk, 4);
  await fourth.open();
  assert.deepEqual(fourth.store.failures(), []);
  assert.equal(fourth.copy()?.core.status, ReplicaStatus.inactive);
});

test('a copy that is made while the log is damaged is not suspected for that at the next start', async () => {
  const first = new World();
  await first.open();
  await first.invite(2, 7);
  await first.close();
  const { disk } = first;
  disk.flipBit('data/log/0000000001.log', FIRST_RECORD_AT, 0);

  const second = new World(disk, 2);
  await second.open();
  assert.deepEqual(
    second.store.failures().map((one) => one.gpid),
    [GPID],
    'its records may have been where the damage is',
  );
  await second.invite(2, 8, OTHER);
  await second.close();

  const third = new World(disk, 3);
  await third.open();
  assert.deepEqual(
    third.store.failures().map((one) => one.gpid),
    [GPID],
  );
  assert.equal(third.store.find(1, 1)?.core.status, ReplicaStatus.inactive);
});

test('a copy whose engine is too damaged to be taught from fails, and one that only lacks room does not', async () => {
  const world = new World();
  await world.open();
  await world.invite(2, 7);
  const copy = world.copy();
  const refuse = async (status: EngineStatus): Promise<void> => {
    world.engine!.checkpoint = () =>
      Promise.reject(new EngineError(status, 'engine', 'a bad block'));
    copy?.makeCheckpoint(11);
    await world.network.run(10);
  };
  await refuse(EngineStatus.full);
  assert.notEqual(copy?.core.status, ReplicaStatus.error);
  await refuse(EngineStatus.corruption);
  assert.equal(copy?.core.status, ReplicaStatus.error);
  await world.invite(3, 8);
  assert.equal(await world.trashed(), 1, 'it is learned anew');
});

test('a copy that cannot be moved to the trash is told of once, and then with the regular reports', async () => {
  const world = new World();
  await world.open();
  await world.invite(2, 7);
  const forget = async (): Promise<number> => {
    const before = world.reportsSoon;
    world.store.onForget({ metaEpoch: 1, gpid: GPID, ballot: 2 });
    await world.network.run(10);
    return world.reportsSoon - before;
  };
  const callOff = world.disk.failNext('metadata', 'io', 'replicas/1.0', 1_000);
  assert.equal(await forget(), 1);
  assert.equal(await forget(), 0);
  callOff();
  assert.equal(await forget(), 1);
  assert.equal(await world.trashed(), 1);
});

test('a first copy that a disk held up for longer than a lease takes no role from what was said before', async () => {
  const world = new World();
  await world.open();
  world.beat();
  const goOn = world.disk.stall();
  world.pushLead();
  await world.network.run(6_000);
  // By now the meta server may have counted it out, and have taken it back without knowing of this copy.
  world.beat();
  goOn();
  await world.network.run(100);
  assert.equal(world.copy()?.core.status, ReplicaStatus.inactive);
  world.pushLead();
  await world.network.run(100);
  assert.equal(
    world.copy()?.core.status,
    ReplicaStatus.primary,
    'if it still holds, it is said again',
  );
});

test('a first copy that is made in time takes its role', async () => {
  const world = new World();
  await world.open();
  world.beat();
  world.pushLead();
  await world.network.run(100);
  assert.equal(world.copy()?.core.status, ReplicaStatus.primary);
});
