/**
 * One seed, from start to verdict: a cluster is built, its table created, clients set to work,
 * faults injected; then all is healed and the cluster must become healthy by itself within a bound,
 * and everything is read back and judged.
 *
 * Phases: set up → warm up → faults → heal → settle → audit → judge. The first violation ends the
 * run.
 */
import { listenToMarks } from '../src/base/marks.ts';
import { checkLinearizable } from './checkers/linearizability.ts';
import { ClusterObserver } from './checkers/observer.ts';
import { ReadAnswers } from './checkers/read-answers.ts';
import { type Violation, Violations } from './checkers/violations.ts';
import { type ClientProcess, Cluster, TABLE } from './cluster/cluster.ts';
import { MarkBook } from './kernel/mark-book.ts';
import { Scheduler } from './kernel/scheduler.ts';
import { RandomStreams } from './kernel/streams.ts';
import { Trace } from './kernel/trace.ts';
import { Atlas } from './nemesis/atlas.ts';
import { type InjectedFault, Nemesis } from './nemesis/nemesis.ts';
import type { AnyMachine } from './nemesis/stage.ts';
import { drawSwarm, hasSeveralMetas, type Swarm, withMetas } from './nemesis/swarm.ts';
import { Workload } from './workload/workload.ts';

export interface SimulationOptions {
  readonly seed: number;
  /** Length of the phase with faults. */
  readonly faultSeconds: number;
  /** 0 = keep no lines. */
  readonly traceLineCount: number;
  /** Numbers of the faults to start; left out = all that the seed draws. */
  readonly faults?: readonly number[] | undefined;
}

export interface SimulationReport {
  readonly seed: number;
  readonly traceHash: string;
  readonly simulatedSeconds: number;
  readonly eventCount: number;
  readonly operations: {
    readonly completed: number;
    readonly inDoubt: number;
    readonly failed: number;
    readonly ledgered: number;
  };
  readonly committedMutations: number;
  readonly contentComparisons: number;
  readonly readAnswers: number;
  readonly faults: Readonly<Record<string, number>>;
  /** In the order in which they began. */
  readonly injected: readonly InjectedFault[];
  /** How often each mark of production code was reached; those never reached are missing. */
  readonly marks: Readonly<Record<string, number>>;
  /** Where processes were made to die inside a call. */
  readonly faultPoints: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly traceLines: readonly string[];
}

const SETUP_LIMIT_US = 60_000_000;
const WARM_UP_US = 2_000_000;
/** From the heal to a healthy table: lease, grace, a new primary, learning of all lost members. */
const HEAL_LIMIT_MS = 90_000;
const AUDIT_LIMIT_US = 120_000_000;
/** `meta.surplus_delay_ms`, and some more. */
const USABLE_LIMIT_US = 90_000_000;
const LOOK_INTERVAL_US = 50_000;
const CONTENT_INTERVAL_US = 5_000_000;
/** A run in which less happened proves nothing. */
const OPERATIONS_MIN = 10;

export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  return await new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #swarm: Swarm;
  readonly #trace: Trace;
  readonly #scheduler: Scheduler;
  readonly #marks: MarkBook;
  readonly #violations: Violations;
  readonly #cluster: Cluster;
  readonly #observer: ClusterObserver;
  readonly #readAnswers: ReadAnswers;
  readonly #nemesis: Nemesis;
  readonly #workload: Workload;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const streams = new RandomStreams(options.seed);
    const swarm = drawSwarm(streams.of('swarm'));
    const hasSeveral = hasSeveralMetas(options.seed, streams.of('metaCount'));
    this.#swarm = hasSeveral ? withMetas(swarm, streams.of('metas')) : swarm;
    this.#trace = new Trace(options.traceLineCount);
    this.#scheduler = new Scheduler(this.#trace, (owner, error) => {
      this.#violations.add(
        'crash',
        this.#scheduler.nowUs,
        `${owner.name} died of ${errorText(error)}`,
      );
    });
    this.#violations = new Violations(() => this.#scheduler.stop());
    this.#marks = new MarkBook(this.#scheduler);
    const nowUs = (): number => this.#scheduler.nowUs;
    this.#cluster = new Cluster(this.#scheduler, streams, this.#swarm, this.#violations);
    const servers = this.#cluster.serverViews();
    this.#observer = new ClusterObserver(this.#violations, nowUs, servers);
    this.#cluster.observe(this.#observer);
    this.#readAnswers = new ReadAnswers(this.#violations, nowUs, servers);
    this.#observer.readAnswers = this.#readAnswers;
    this.#readAnswers.isBelowFloor = (partition, ballot) =>
      this.#observer.isBelowFloor(partition, ballot);
    this.#cluster.watchClients(this.#readAnswers);
    const random = streams.of('workload');
    this.#workload = new Workload(this.#swarm.workload, random, nowUs, this.#violations);
    const atlas = new Atlas(this.#observer, nowUs, () => this.#isCalm());
    this.#observer.isExcused = (server) => atlas.isExcused(server);
    this.#nemesis = new Nemesis(
      this.#cluster.stage({
        marks: this.#marks,
        isCalm: () => this.#isCalm(),
        atlas,
        onUndetected: (detail) =>
          this.#violations.add('V17-undetected-damage', this.#scheduler.nowUs, detail),
        expectTrouble: ({ name }, kind) => this.#cluster.trouble.begin(name, kind),
        beforeDeath: (machine) => this.#beforeDeath(machine),
        onWallStep: () => this.#onWallStep(),
        onMetaRestored: () => this.#observer.onMetaRestored(),
      }),
      this.#swarm,
      streams,
      options.faults ?? null,
    );
  }

  async run(): Promise<SimulationReport> {
    process.on('unhandledRejection', this.#onUnhandledRejection);
    listenToMarks(this.#marks.onMark);
    this.#lookForEver();
    this.#cluster.start();
    await this.#phase('setUp', SETUP_LIMIT_US, this.#whenSetUp());
    await this.#faultPhase();
    // Node reports rejections that nobody handled when no tick is left, at the latest now.
    await new Promise((resolve) => void setImmediate(resolve));
    process.off('unhandledRejection', this.#onUnhandledRejection);
    listenToMarks(null);
    if (this.#isClean) this.#judge();
    return this.#report();
  }

  /** A real server would have died of it. */
  readonly #onUnhandledRejection = (error: unknown): void => {
    const detail = `nobody handled the rejection ${errorText(error)}`;
    this.#violations.add('crash', this.#scheduler.nowUs, detail);
  };

  #isCalm(): boolean {
    const isIdle = this.#cluster.administrator?.isIdle === true;
    return isIdle && this.#nemesis.isCalm && this.#observer.isWhole(this.#swarm.replicaCount);
  }

  get #isClean(): boolean {
    return this.#violations.all.length === 0;
  }

  async #faultPhase(): Promise<void> {
    if (!this.#isClean) return;
    const clients = this.#cluster.clientProcesses();
    const working = this.#workload.run(clients);
    await this.#runUntil(this.#scheduler.nowUs + WARM_UP_US);
    this.#nemesis.start();
    await this.#runUntil(this.#scheduler.nowUs + this.#options.faultSeconds * 1_000_000);
    this.#nemesis.stop();
    this.#trace.note(this.#scheduler.nowUs, 'nemesis', 'heal', '');
    const client = clients[0]!;
    await this.#phase('heal', HEAL_LIMIT_MS * 1000, this.#healed(client));
    this.#workload.stop();
    await this.#phase('stop', AUDIT_LIMIT_US, working);
    await this.#phase('audit', AUDIT_LIMIT_US, this.#audit(client));
    await this.#usable();
    // Secondaries learn of the last commits with the next group checks.
    await this.#runUntil(this.#scheduler.nowUs + 3_000_000);
  }

  /** V18. Copies that nobody needs any more go when all has been well for a while. */
  async #usable(): Promise<void> {
    if (!this.#isClean) return;
    const untilUs = this.#scheduler.nowUs + USABLE_LIMIT_US;
    let lame = this.#cluster.lameServers();
    while (this.#isClean && lame.length > 0 && this.#scheduler.nowUs < untilUs) {
      await this.#runUntil(this.#scheduler.nowUs + 1_000_000);
      lame = this.#cluster.lameServers();
    }
    if (!this.#isClean) return;
    for (const what of lame) {
      this.#violations.add('V18-lame-server', this.#scheduler.nowUs, what);
    }
  }

  async #audit(client: ClientProcess): Promise<void> {
    await this.#workload.audit(client);
    for (const wrong of await this.#cluster.administrator!.audit()) {
      this.#violations.add('V12-configuration', this.#scheduler.nowUs, wrong);
    }
  }

  /** Liveness: all members are there again, and a write that begins after the heal succeeds. */
  async #healed(client: ClientProcess): Promise<void> {
    const healedUs = this.#scheduler.nowUs;
    const administrator = this.#cluster.administrator!;
    await administrator.settle();
    for (const name of administrator.servedTables()) {
      await client.client.admin.waitHealthy(name, { timeoutMs: HEAL_LIMIT_MS });
    }
    while (this.#isClean) {
      try {
        await client.table.set('liveness', 'row', '1:', { timeoutMs: 5000 });
        return;
      } catch (error) {
        if (this.#scheduler.nowUs - healedUs > HEAL_LIMIT_MS * 1000) throw error;
      }
    }
  }

  async #whenSetUp(): Promise<void> {
    await this.#cluster.whenClientsRun();
    const { partitionCount, replicaCount, replicaServerCount } = this.#swarm;
    const { admin } = this.#cluster.clientProcesses()[0]!.client;
    for (let alive = 0; alive < replicaServerCount; ) {
      const nodes = await admin.listNodes();
      alive = nodes.filter((node) => node.alive).length;
    }
    const appId = await admin.createTable(TABLE, {
      partitionCount,
      replicaCount,
      timeoutMs: 50_000,
    });
    this.#cluster.administrator!.adopt(appId, TABLE, replicaCount);
  }

  /**
   * Runs the world until `goal` settles; not settling in time, or rejecting, is a violation of
   * liveness.
   */
  async #phase(name: string, limitUs: number, goal: Promise<void>): Promise<void> {
    if (!this.#isClean) return;
    const outcome: { isDone: boolean; error: unknown } = { isDone: false, error: null };
    goal.then(
      () => {
        outcome.isDone = true;
        this.#scheduler.stop();
      },
      (error: unknown) => {
        outcome.error = error;
        this.#scheduler.stop();
      },
    );
    await this.#runUntil(this.#scheduler.nowUs + limitUs);
    if (!this.#isClean || outcome.isDone) return;
    const why = outcome.error === null ? 'not done in time' : errorText(outcome.error);
    const detail = `${name}: ${why}; ${this.#cluster.stateText()}`;
    this.#violations.add('V19-liveness', this.#scheduler.nowUs, detail);
  }

  async #runUntil(timeUs: number): Promise<void> {
    if (this.#isClean) await this.#scheduler.run(timeUs);
  }

  #lookForEver(): void {
    let contentUs = 0;
    const look = (): void => {
      this.#observer.look();
      if (this.#scheduler.nowUs >= contentUs) {
        contentUs = this.#scheduler.nowUs + CONTENT_INTERVAL_US;
        this.#observer.compareAllContents();
      }
      this.#scheduler.world(LOOK_INTERVAL_US, 'look', look);
    };
    this.#scheduler.world(LOOK_INTERVAL_US, 'look', look);
  }

  #beforeDeath(machine: AnyMachine): void {
    this.#observer.onServerDies(machine.name);
  }

  #onWallStep(): void {
    this.#workload.wallSkewUs = Math.max(this.#workload.wallSkewUs, this.#cluster.wallSkewUs());
  }

  #judge(): void {
    const nowUs = this.#scheduler.nowUs;
    this.#observer.finish();
    for (const leak of this.#cluster.leaks()) this.#violations.add('V21-leak', nowUs, leak);
    for (const [hashKey, history] of this.#workload.recorder.histories) {
      const verdict = checkLinearizable(history);
      if (verdict.kind === 'ok') continue;
      if (verdict.kind === 'unknown') {
        const detail = `${hashKey}: ${history.length} operations, ${verdict.steps} steps`;
        this.#violations.add('undecided', nowUs, detail);
      } else this.#violations.add('V1-linearizability', nowUs, `${hashKey}: ${verdict.detail}`);
    }
    const { completed } = this.#workload.recorder;
    if (completed < OPERATIONS_MIN) {
      this.#violations.add('idle-run', nowUs, `only ${completed} operations completed`);
    }
  }

  #report(): SimulationReport {
    const { recorder, ledger } = this.#workload;
    return {
      seed: this.#options.seed,
      traceHash: this.#trace.hash(),
      simulatedSeconds: this.#scheduler.nowUs / 1e6,
      eventCount: this.#trace.eventCount,
      operations: {
        completed: recorder.completed,
        inDoubt: recorder.inDoubt,
        failed: recorder.failed,
        ledgered: ledger.acknowledged,
      },
      committedMutations: this.#observer.committedCount,
      contentComparisons: this.#observer.contentComparisons,
      readAnswers: this.#readAnswers.count,
      faults: {
        ...this.#nemesis.counts,
        ...this.#cluster.network.frameFaultCounts,
        driftingClock: this.#cluster.driftingClockCount(),
        struckAtPoint: this.#marks.strikeCount,
      },
      injected: this.#nemesis.injected,
      marks: Object.fromEntries(this.#marks.counts),
      faultPoints: Object.fromEntries(this.#marks.strikes),
      violations: this.#violations.all,
      traceLines: this.#trace.lines(),
    };
  }
}

function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = error.stack?.split('\n').slice(1, 4).join(' ').replace(/\s+/g, ' ') ?? '';
  return `${error.name}: ${error.message} ${place}`;
}
