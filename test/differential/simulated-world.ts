/**
 * A simulated cluster for one sequence of operations: the production client, meta server and replica servers on the
 * simulator's machines. All machines share one wall clock, so what time it is for an operation is known to the second.
 */
import { type Violation, Violations } from '../../sim/checkers/violations.ts';
import { Cluster } from '../../sim/cluster/cluster.ts';
import { Machine, type RunningProcess } from '../../sim/cluster/machine.ts';
import { MarkBook } from '../../sim/kernel/mark-book.ts';
import { Scheduler } from '../../sim/kernel/scheduler.ts';
import { RandomStreams } from '../../sim/kernel/streams.ts';
import { Trace } from '../../sim/kernel/trace.ts';
import { Atlas } from '../../sim/nemesis/atlas.ts';
import type { FaultName } from '../../sim/nemesis/faults.ts';
import { Nemesis } from '../../sim/nemesis/nemesis.ts';
import type { Stage } from '../../sim/nemesis/stage.ts';
import { drawSwarm, type Swarm } from '../../sim/nemesis/swarm.ts';
import { assert } from '../../src/base/assert.ts';
import { listenToMarks } from '../../src/base/marks.ts';
import type { Table } from '../../src/client/api.ts';
import { ClusterClient } from '../../src/client/client.ts';
import type { ReplicaEnvironment } from '../../src/env/environment.ts';
import { Requests } from './perform-requests.ts';
import { type Key, partitionOf } from './rules.ts';
import type { World } from './sequence.ts';

const TABLE = 'differential';
const PARTITIONS = 4;
/** Servers die, stop, lose their power, and cannot reach each other or be reached. */
const FAULTS: readonly FaultName[] = [
  'killReplica',
  'killReplica',
  'killReplica',
  'killMeta',
  'killAllReplicas',
  'killAfterFrame',
  'killAtPoint',
  'orphanedTail',
  'blackout',
  'terminate',
  'powerOffReplica',
  'pauseReplica',
  'isolateReplica',
  'muteReplica',
  'cutReplicaFromMeta',
  'cutReplicaPair',
  'cutClientFromReplica',
  'resetConnection',
  'slowLink',
  'frameFaults',
];
const FAULT_INTERVAL_MS_MEAN = 3000;
const FAULTS_AT_ONCE_MAX = 2;
const HEAL_LIMIT_MS = 90_000;
/** What a server, a connection or a client held back comes within it, or never. */
const SETTLE_SECONDS = 40;
const SETUP_LIMIT_US = 60_000_000;
/** Of one sequence of operations. */
const RUN_LIMIT_US = 100_000_000_000;
const EPOCH_MS = 1_451_606_400_000;

/** Quick, and everything small that makes servers do rare things; what is left out is drawn. */
const TRAITS = {
  replicaServerCount: 3,
  spareServerCount: 0,
  partitionCount: PARTITIONS,
  replicaCount: 3,
  durability: 'fsync',
  network: {
    link: { latencyUs: 20, jitterUs: 5, lossFraction: 0, bytesPerUs: 1000, turnUs: 1 },
    windowBytes: 1 << 22,
    highWaterMarkBytes: 1 << 22,
    readBytesMax: 1 << 20,
    cutFraction: 0.01,
    probeUs: 10_000_000,
    connectTimeoutUs: 5_000_000,
  },
  syncMsMean: 0.05,
  slowReadFraction: 0,
  faults: FAULTS,
  faultIntervalMsMean: FAULT_INTERVAL_MS_MEAN,
  faultsAtOnceMax: FAULTS_AT_ONCE_MAX,
} satisfies Partial<Swarm>;

/** Ours, beside the machines of the cluster, which are fewer. */
const CLIENT_INDEX = 40;

/** The clients of a sequence, in one process. */
class ClientProcess implements RunningProcess {
  readonly environment: ReplicaEnvironment;
  readonly client: ClusterClient;
  readonly joining: ClusterClient;
  readonly requests: Requests;

  constructor(environment: ReplicaEnvironment) {
    // A repeated write may come again after what follows it.
    const options = { metas: 'meta1:34601', ambiguousWrites: 'fail' } as const;
    this.environment = environment;
    this.client = new ClusterClient(environment, options);
    this.joining = new ClusterClient(environment, { ...options, coalesceGets: true });
    this.requests = new Requests(this.client, TABLE);
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.joining.close();
  }
}

export interface SimulatedWorldOptions {
  readonly seed: number;
  readonly hasFaults: boolean;
}

export class SimulatedWorld implements World {
  readonly isReliable: boolean;
  readonly keepsExpired: boolean = true;
  readonly #scheduler: Scheduler;
  readonly #marks: MarkBook;
  readonly #cluster: Cluster;
  readonly #violations: Violations;
  readonly #machine: Machine<ClientProcess>;
  /** Null: no faults. */
  readonly #nemesis: Nemesis | null;

  constructor({ seed, hasFaults }: SimulatedWorldOptions) {
    const streams = new RandomStreams(seed);
    this.#violations = new Violations(() => this.#scheduler.stop());
    this.#scheduler = new Scheduler(new Trace(0), ({ name }, error) => {
      const text = error instanceof Error ? error.stack : String(error);
      this.#violate('crash', `${name} died of ${text}`);
    });
    this.#marks = new MarkBook(this.#scheduler);
    const drawn = drawSwarm(streams.of('swarm'));
    const swarm: Swarm = { ...drawn, ...TRAITS, workload: { ...drawn.workload, clientCount: 0 } };
    this.#cluster = new Cluster(this.#scheduler, streams, swarm, this.#violations);
    this.#machine = this.#clientMachine(streams);
    this.isReliable = !hasFaults;
    this.#nemesis = hasFaults ? new Nemesis(this.#stage(), swarm, streams, null) : null;
  }

  get table(): Table {
    return this.#process.client.table(TABLE);
  }

  get joining(): Table {
    return this.#process.joining.table(TABLE);
  }

  get requests(): Requests {
    return this.#process.requests;
  }

  partitionOf(key: Key): number {
    return partitionOf(key, PARTITIONS);
  }

  nowSeconds(): number {
    return Math.floor((this.#machine.clock.wallMs() - EPOCH_MS) / 1000);
  }

  pause(seconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#machine.timers.after(seconds * 1000, resolve);
    });
  }

  /** All is healed, and whoever held something back has had the time to let it go. */
  async settle(): Promise<void> {
    this.#nemesis?.stop();
    await this.#process.client.admin.waitHealthy(TABLE, { timeoutMs: HEAL_LIMIT_MS });
    await this.pause(SETTLE_SECONDS);
    this.#nemesis?.start();
  }

  /** Ends when `work` has ended; what the cluster does wrong meanwhile is thrown. */
  async run(work: () => Promise<void>): Promise<void> {
    listenToMarks(this.#marks.onMark);
    try {
      this.#cluster.start();
      this.#machine.start();
      await this.#drive(this.#setUp(), SETUP_LIMIT_US);
      this.#nemesis?.start();
      await this.#drive(work(), RUN_LIMIT_US);
    } finally {
      listenToMarks(null);
    }
  }

  get #process(): ClientProcess {
    const { process } = this.#machine;
    assert(process !== null, 'the client runs');
    return process;
  }

  async #setUp(): Promise<void> {
    await this.#cluster.whenClientsRun();
    const { admin } = this.#process.client;
    for (let alive = 0; alive < TRAITS.replicaServerCount; ) {
      alive = (await admin.listNodes()).filter((node) => node.alive).length;
    }
    await admin.createTable(TABLE, {
      partitionCount: PARTITIONS,
      replicaCount: 3,
      timeoutMs: 50_000,
    });
  }

  #clientMachine(streams: RandomStreams): Machine<ClientProcess> {
    const events = {
      onBatchApplied: (): void => {},
      onStarted: (): void => {},
      onErrorLog: (name: string, event: string, text: string): void =>
        this.#violate('error-log', `${name}: ${event} ${text}`),
      onStartFailed: (name: string, error: unknown): void =>
        this.#violate('start-failed', `${name}: ${String(error)}`),
    };
    const { network } = this.#cluster;
    return new Machine(
      'client',
      CLIENT_INDEX,
      { scheduler: this.#scheduler, network, streams, events },
      {
        clock: { rate: 1, monotonicOffsetMs: 0, timerLateUsMax: 0 },
        syncMsMean: 1,
        blockFraction: 0,
        slowReadFraction: 0,
      },
      async (environment) => new ClientProcess(environment),
    );
  }

  /** No disk is damaged here, and no clock is set. */
  #stage(): Stage {
    const sight = { memberships: () => [], hasLeft: () => true };
    const isCalm = (): boolean => false;
    const stage = this.#cluster.stage({
      marks: this.#marks,
      isCalm,
      atlas: new Atlas(sight, () => this.#scheduler.nowUs, isCalm),
      onUndetected: (detail) => this.#violate('V17-undetected-damage', detail),
      expectTrouble: ({ name }, kind) => this.#cluster.trouble.begin(name, kind),
      beforeDeath: () => {},
      onWallStep: () => {},
      onMetaRestored: () => {},
    });
    return { ...stage, clients: [this.#machine] };
  }

  #violate(kind: Violation['kind'], detail: string): void {
    this.#violations.add(kind, this.#scheduler.nowUs, detail);
  }

  async #drive(work: Promise<void>, limitUs: number): Promise<void> {
    let hasEnded = false;
    const onEnd = (): void => {
      hasEnded = true;
      this.#scheduler.stop();
    };
    work.then(onEnd, onEnd);
    await this.#scheduler.run(this.#scheduler.nowUs + limitUs);
    const [violation] = this.#violations.all;
    if (violation !== undefined) throw new Error(`${violation.kind}: ${violation.detail}`);
    if (!hasEnded) throw new Error('the sequence does not end');
    await work;
  }
}
