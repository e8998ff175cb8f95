/**
 * `pegasus chaos`: a cluster of real processes, real clients, faults from a seed, and the checkers of
 * the simulator on what the clients saw.
 *
 * What the seed decides is which faults happen in which order; the interleaving is the machine's, so
 * a run is not repeatable as a seed of the simulator is. A run that did too little is a failure.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ViolationKind } from '../sim/checkers/violations.ts';
import { NodeClock } from '../src/adapters/node/clock.ts';
import { NodeTimers } from '../src/adapters/node/timers.ts';
import { SeededRandom } from '../src/base/prng.ts';
import { UserError } from '../src/base/user-error.ts';
import type { Client, TableConfig } from '../src/client/api.ts';
import { PegasusError } from '../src/client/errors.ts';
import { Canary, type OutageSummary } from './canary.ts';
import { Clients, type OperationCounts } from './clients.ts';
import { ChaosCluster, pauseMs, serverNames } from './cluster.ts';
import { buildFaultLibrary } from './fault-library.ts';
import { FAULTS } from './faults.ts';
import { NamespaceNetwork } from './namespaces.ts';
import { Nemesis } from './nemesis.ts';
import type { ChaosNetwork } from './network.ts';
import { ProxyNetwork } from './proxy-network.ts';

export interface ChaosOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly replicas: number;
  /** 'auto': namespaces where they are allowed. */
  readonly network: 'auto' | ChaosNetwork['kind'];
  /** Holds the programs of the servers. */
  readonly programs: string;
  /** faultfs.c */
  readonly librarySource: string;
  readonly connect: (metas: string) => Promise<Client>;
  readonly onEvent: (text: string) => void;
  /** Ends the faults early; the verdict is still made. */
  readonly signal: AbortSignal;
}

export interface ChaosViolation {
  readonly kind: ViolationKind;
  /** Since the start of the run. */
  readonly atSeconds: number;
  readonly detail: string;
}

export interface ChaosReport {
  readonly seed: number;
  readonly faultSeconds: number;
  readonly totalSeconds: number;
  readonly network: ChaosNetwork['kind'];
  /** Whether full disks were file systems that were full; else the library said so. */
  readonly realDisks: boolean;
  readonly faults: Readonly<Record<string, number>>;
  /** Kinds of faults that were not injected, and why. */
  readonly skipped: Readonly<Record<string, string>>;
  /** Calls of the servers that the fault-injecting library slowed or failed. */
  readonly diskHits: number;
  readonly operations: OperationCounts;
  readonly canaryWrites: number;
  readonly failovers: number;
  /** From the fault to the first answer, of partitions whose primary it hit, by kind. */
  readonly outages: Readonly<Record<string, OutageSummary>>;
  /** Kinds of outages that were too long; no violation, for a busy machine is late too. */
  readonly targetsMissed: readonly string[];
  readonly violations: readonly ChaosViolation[];
  /** Server logs and histories; null when all went well and it was removed. */
  readonly folder: string | null;
}

const TABLE = 'chaos';
const PARTITIONS = 8;
const HEALTHY_LIMIT_MS = 180_000;
const POLL_MS = 200;
const CLIENT_COUNT = 3;
const VIOLATIONS_MAX = 50;
/** Less than this, and a green run would mean nothing. */
const OPERATIONS_PER_CLIENT_MINUTE_MIN = 200;
const FAULTS_PER_MINUTE_MIN = 1;
/** A pause: lease, grace and a second. */
const TARGETS_P99_MS: Readonly<Record<string, number>> = { crash: 2_000, pause: 12_000 };

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const folder = mkdtempSync(join(tmpdir(), 'pegasus-chaos-'));
  const run = new ChaosRun(options, folder);
  const onExit = (): void => {
    run.killAll();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', onExit);
  try {
    const report = await run.run();
    writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
    run.killAll();
    if (report.folder === null) rmSync(folder, { recursive: true });
    return report;
  } catch (error) {
    options.onEvent(`the run broke off; its logs are in ${folder}`);
    throw error;
  } finally {
    run.killAll();
    process.removeListener('exit', onExit);
  }
}

class ChaosRun {
  readonly #options: ChaosOptions;
  readonly #folder: string;
  readonly #startMs: number = performance.now();
  readonly #violations: ChaosViolation[] = [];
  readonly #random: SeededRandom;
  /** Faults that this machine does not allow, and why; also what was replaced by something weaker. */
  readonly #skipped: Record<string, string> = {};
  #network: ChaosNetwork | null = null;
  #cluster: ChaosCluster | null = null;
  #admin: Client | null = null;

  constructor(options: ChaosOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#random = new SeededRandom(options.seed);
  }

  async run(): Promise<ChaosReport> {
    const { programs, replicas, connect } = this.#options;
    const library = this.#buildLibrary();
    const network = await this.#makeNetwork();
    this.#network = network;
    const cluster = await ChaosCluster.start({
      folder: this.#folder,
      programs,
      replicas,
      network,
      library,
      onTrouble: (kind, detail) => this.#violation(kind, detail),
    });
    this.#cluster = cluster;
    if (cluster.noDisks !== '') this.#skipped['loopMount'] = cluster.noDisks;
    else delete this.#skipped['diskFull'];
    const { advertised } = cluster.meta.address;
    this.#admin = await connect(advertised);
    const connected = Array.from({ length: CLIENT_COUNT + 1 }, () => connect(advertised));
    const [canaryClient, ...clients] = await Promise.all(connected);
    await this.#untilRegistered(this.#admin, replicas);
    await this.#admin.admin.createTable(TABLE, {
      partitionCount: PARTITIONS,
      replicaCount: 3,
      timeoutMs: HEALTHY_LIMIT_MS,
    });
    this.#options.onEvent(`${replicas} replica servers and a meta server in ${this.#folder}`);
    const canary = await Canary.start(canaryClient!.table(TABLE), PARTITIONS, (...outage) =>
      this.#onOutage(...outage),
    );
    const work = new Clients(this.#clientsOptions(clients));
    work.start();
    const nemesis = this.#nemesis(cluster, canary, work, library !== null);
    const faultsFromMs = performance.now();
    await nemesis.run(faultsFromMs + this.#options.minutes * 60_000);
    const faultSeconds = (performance.now() - faultsFromMs) / 1000;
    await cluster.heal();
    if (await this.#untilHealthy()) await work.finish();
    canary.stop();
    this.#assertEnough(work, nemesis, faultSeconds);
    await Promise.all([this.#admin, canaryClient!, ...clients].map((client) => client.close()));
    return this.#report(work, nemesis, canary, faultSeconds);
  }

  killAll(): void {
    this.#cluster?.killAll();
    this.#network?.close();
  }

  async #makeNetwork(): Promise<ChaosNetwork> {
    const names = serverNames(this.#options.replicas);
    const made = this.#options.network === 'proxy' ? null : NamespaceNetwork.create(names);
    if (made instanceof NamespaceNetwork) {
      Object.assign(this.#skipped, made.skipped);
      return made;
    }
    if (made !== null) {
      if (this.#options.network === 'namespaces')
        throw new UserError(made.reason, 'Run as root, or with --network proxy.');
      this.#skipped['namespaces'] = made.reason;
    }
    return await ProxyNetwork.create(names);
  }

  #clientsOptions(clients: readonly Client[]): ConstructorParameters<typeof Clients>[0] {
    return {
      clients,
      tableName: TABLE,
      timers: new NodeTimers(new NodeClock()),
      random: new SeededRandom(this.#random.u32()),
      nowUs: () => Math.round((performance.now() - this.#startMs) * 1000),
      folder: this.#folder,
      onViolation: (kind, detail) => this.#violation(kind, detail),
    };
  }

  #buildLibrary(): string | null {
    const built = buildFaultLibrary(this.#options.librarySource, this.#folder);
    if ('path' in built) return built.path;
    for (const { name, needsLibrary } of FAULTS) {
      if (needsLibrary === true) this.#skipped[name] = built.reason;
    }
    return null;
  }

  #nemesis(cluster: ChaosCluster, canary: Canary, work: Clients, hasLibrary: boolean): Nemesis {
    return new Nemesis({
      cluster,
      canary,
      random: new SeededRandom(this.#random.u32()),
      tableConfig: () => this.#tableConfig(),
      untilHealthy: () => this.#untilHealthy(),
      faults: FAULTS.filter(({ name, needsLibrary }) => {
        if (cluster.network.skipped[name] !== undefined) return false;
        if (name === 'diskFull' && cluster.noDisks === '') return true;
        return hasLibrary || needsLibrary !== true;
      }),
      onWallSkew: (skewMs) => {
        work.wallSkewUs = skewMs * 1000;
      },
      signal: this.#options.signal,
      onFault: (text) => this.#options.onEvent(`${this.#seconds().toFixed(1)} s: ${text}`),
    });
  }

  async #untilRegistered(client: Client, replicas: number): Promise<void> {
    for (;;) {
      const nodes = await client.admin.listNodes({ timeoutMs: HEALTHY_LIMIT_MS });
      if (nodes.filter(({ alive }) => alive).length === replicas) return;
      await pauseMs(POLL_MS);
    }
  }

  async #untilHealthy(): Promise<boolean> {
    const untilMs = performance.now() + HEALTHY_LIMIT_MS;
    let config: TableConfig | null = null;
    while (performance.now() < untilMs) {
      await this.#cluster?.startEnded();
      config = await this.#tableConfig();
      if (config?.partitions.every(isWhole) === true && (await this.#areAllAlive())) return true;
      await pauseMs(POLL_MS);
    }
    const sick = config?.partitions.filter((partition) => !isWhole(partition));
    const detail = `not healthy ${HEALTHY_LIMIT_MS / 1000} s after the heal: ${JSON.stringify(sick)}`;
    this.#violation('V19-liveness', detail);
    return false;
  }

  /** A meta server that has just started knows the configurations at once, and the servers once they are heard of. */
  async #areAllAlive(): Promise<boolean> {
    try {
      const nodes = await this.#admin?.admin.listNodes({ timeoutMs: 3_000 });
      const aliveCount = nodes?.filter(({ alive }) => alive).length;
      return aliveCount === this.#options.replicas;
    } catch (error) {
      if (error instanceof PegasusError) return false;
      throw error;
    }
  }

  async #tableConfig(): Promise<TableConfig | null> {
    try {
      return (await this.#admin?.admin.tableConfig(TABLE, { timeoutMs: 3_000 })) ?? null;
    } catch (error) {
      if (error instanceof PegasusError) return null;
      throw error;
    }
  }

  #assertEnough(work: Clients, nemesis: Nemesis, faultSeconds: number): void {
    const minutes = faultSeconds / 60;
    const wanted = OPERATIONS_PER_CLIENT_MINUTE_MIN * minutes * work.clientCount;
    if (work.counts.completed < wanted) {
      this.#violation('idle-run', `${work.counts.completed} operations, at least ${wanted} wanted`);
    }
    const faults = Object.values(nemesis.counts).reduce((sum, count) => sum + count, 0);
    if (faults < FAULTS_PER_MINUTE_MIN * minutes) this.#violation('idle-run', `${faults} faults`);
    if (nemesis.failovers === 0) this.#violation('idle-run', 'no failover');
  }

  #report(work: Clients, nemesis: Nemesis, canary: Canary, faultSeconds: number): ChaosReport {
    const outages = canary.summaries();
    return {
      seed: this.#options.seed,
      faultSeconds: Math.round(faultSeconds),
      totalSeconds: Math.round(this.#seconds()),
      network: this.#network?.kind ?? 'proxy',
      realDisks: this.#cluster?.noDisks === '',
      faults: nemesis.counts,
      skipped: this.#skipped,
      diskHits: this.#cluster?.diskHits ?? 0,
      operations: work.counts,
      canaryWrites: canary.acknowledged,
      failovers: nemesis.failovers,
      outages,
      targetsMissed: targetsMissed(outages),
      violations: this.#violations,
      folder: this.#violations.length === 0 ? null : this.#folder,
    };
  }

  #onOutage(kind: string, partition: number, tookMs: number): void {
    if (tookMs <= (TARGETS_P99_MS[kind] ?? Number.POSITIVE_INFINITY)) return;
    const at = this.#seconds().toFixed(1);
    this.#options.onEvent(`${at} s: partition ${partition} is back ${tookMs} ms after a ${kind}`);
  }

  #seconds(): number {
    return (performance.now() - this.#startMs) / 1000;
  }

  #violation(kind: ViolationKind, detail: string): void {
    this.#options.onEvent(`VIOLATION ${kind}: ${detail}`);
    if (this.#violations.length >= VIOLATIONS_MAX) return;
    this.#violations.push({ kind, atSeconds: Math.round(this.#seconds()), detail });
  }
}

function targetsMissed(outages: Readonly<Record<string, OutageSummary>>): string[] {
  return Object.entries(TARGETS_P99_MS).flatMap(([kind, targetMs]) => {
    const outage = outages[kind];
    if (outage === undefined || outage.p99Ms <= targetMs) return [];
    return [`${kind}: p99 ${outage.p99Ms} ms, at most ${targetMs} ms wanted`];
  });
}

function isWhole({ primary, secondaries }: TableConfig['partitions'][number]): boolean {
  return primary !== null && secondaries.length >= 2;
}
