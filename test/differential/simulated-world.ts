/**
 * A simulated cluster for one sequence of operations: the production client, meta server and replica servers on the
 * simulator's machines. All machines share one wall clock, so what time it is for an operation is known to the second.
 */
import { type Violation, Violations } from '../../sim/checkers/violations.ts';
import { Cluster } from '../../sim/cluster/cluster.ts';
import { Machine, type RunningProcess } from '../../sim/cluster/machine.ts';
import { Scheduler } from '../../sim/kernel/scheduler.ts';
import { RandomStreams } from '../../sim/kernel/streams.ts';
import { Trace } from '../../sim/kernel/trace.ts';
import { drawSwarm, type Swarm } from '../../sim/nemesis/swarm.ts';
import { assert } from '../../src/base/assert.ts';
import type { Client, Table } from '../../src/client/api.ts';
import { openClient } from '../../src/client/client.ts';
import type { ReplicaEnvironment } from '../../src/env/environment.ts';
import type { Key } from './operations.ts';
import { partitionOf } from './rules.ts';
import type { World } from './sequence.ts';

const TABLE = 'differential';
const PARTITIONS = 4;
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
  faults: [],
} satisfies Partial<Swarm>;

/** Ours, beside the machines of the cluster, which are fewer. */
const CLIENT_INDEX = 40;

/** The clients of a sequence, in one process. */
class ClientProcess implements RunningProcess {
  readonly environment: ReplicaEnvironment;
  readonly client: Client;
  readonly joining: Client;

  constructor(environment: ReplicaEnvironment) {
    // A repeated write may come again after what follows it.
    const options = { metas: 'meta1:34601', ambiguousWrites: 'fail' } as const;
    this.environment = environment;
    this.client = openClient(environment, options);
    this.joining = openClient(environment, { ...options, coalesceGets: true });
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.joining.close();
  }
}

export class SimulatedWorld implements World {
  readonly isReliable: boolean = true;
  readonly #scheduler: Scheduler;
  readonly #cluster: Cluster;
  readonly #violations: Violations;
  readonly #machine: Machine<ClientProcess>;

  constructor(seed: number) {
    const streams = new RandomStreams(seed);
    this.#violations = new Violations(() => this.#scheduler.stop());
    const violate = (kind: Violation['kind'], detail: string): void =>
      this.#violations.add(kind, this.#scheduler.nowUs, detail);
    const scheduler = new Scheduler(new Trace(0), ({ name }, error) => {
      violate('crash', `${name} died of ${error instanceof Error ? error.stack : String(error)}`);
    });
    this.#scheduler = scheduler;
    const drawn = drawSwarm(streams.of('swarm'));
    const workload = { ...drawn.workload, clientCount: 0 };
    const swarm = { ...drawn, ...TRAITS, workload };
    this.#cluster = new Cluster(scheduler, streams, swarm, this.#violations);
    const events = {
      onBatchApplied: (): void => {},
      onStarted: (): void => {},
      onErrorLog: (name: string, event: string, text: string): void =>
        violate('error-log', `${name}: ${event} ${text}`),
      onStartFailed: (name: string, error: unknown): void =>
        violate('start-failed', `${name}: ${String(error)}`),
    };
    this.#machine = new Machine(
      'client',
      CLIENT_INDEX,
      { scheduler, network: this.#cluster.network, streams, events },
      {
        clock: { rate: 1, monotonicOffsetMs: 0, timerLateUsMax: 0 },
        syncMsMean: 1,
        blockFraction: 0,
        slowReadFraction: 0,
      },
      async (environment) => new ClientProcess(environment),
    );
  }

  get table(): Table {
    return this.#process.client.table(TABLE);
  }

  get joining(): Table {
    return this.#process.joining.table(TABLE);
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

  async settle(): Promise<void> {
    throw new Error('without faults nothing is in doubt');
  }

  /** Ends when `work` has ended; what the cluster does wrong meanwhile is thrown. */
  async run(work: () => Promise<void>): Promise<void> {
    this.#cluster.start();
    this.#machine.start();
    await this.#drive(this.#setUp(), SETUP_LIMIT_US);
    await this.#drive(work(), RUN_LIMIT_US);
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
