/**
 * A whole cluster in one process: one meta server, or several and the service that they share, replica servers and
 * clients, all of them the production code on simulated machines.
 */
import { assert } from '../../src/base/assert.ts';
import type { Client } from '../../src/client/api.ts';
import { openClient } from '../../src/client/client.ts';
import type { ReplicaEnvironment } from '../../src/env/environment.ts';
import { MetaServer } from '../../src/meta/server.ts';
import { gpidText, type HostPort, hostPortText } from '../../src/model/identity.ts';
import { ReplicaServer } from '../../src/replica/server.ts';
import { readConfigurationPush } from '../../src/wire/generated/internal.ts';
import { Reader } from '../../src/wire/reader.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { ExpectedTrouble } from '../checkers/expected-trouble.ts';
import type { ClusterObserver, ReplicaView, ServerView } from '../checkers/observer.ts';
import { PushRate } from '../checkers/push-rate.ts';
import type { ReadAnswers } from '../checkers/read-answers.ts';
import { TermWatch } from '../checkers/term-watch.ts';
import { lameness, type ServerCondition } from '../checkers/usability.ts';
import type { Violations } from '../checkers/violations.ts';
import { readSeenPrepare, readSeenPrepareAck } from '../checkers/wire-view.ts';
import type { Owner } from '../kernel/owner.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { RandomStreams } from '../kernel/streams.ts';
import type { AnyMachine, Stage } from '../nemesis/stage.ts';
import { drawClock, type Swarm } from '../nemesis/swarm.ts';
import { Network } from '../network/network.ts';
import { Administrator } from '../workload/administrator.ts';
import type { WorkloadClient, WorkloadTable } from '../workload/workload.ts';
import { SimCoordination } from './coordination.ts';
import { Machine, type MachineTraits, type RunningProcess } from './machine.ts';
import { metaOptions, replicaOptions } from './options.ts';

export const TABLE = 'sim';
/** By type byte. */
const MESSAGE_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(InternalMessage).map(([name, type]) => [type, name]),
);
/** Servers that had come to rest waited for four at most: their intervals. */
const PENDING_MAX = 24;
const CONNECTIONS_PER_HOST_MAX = 4;
const META_PORT = 34601;
const REPLICA_PORT = 34801;

/** A client process: the library, and the table that it works on. */
export interface ClientProcess extends RunningProcess, WorkloadClient {
  readonly client: Client;
}

/** What a stage has from outside the cluster. */
export type StageWatchers = Pick<
  Stage,
  | 'marks'
  | 'isCalm'
  | 'atlas'
  | 'onUndetected'
  | 'expectTrouble'
  | 'beforeDeath'
  | 'onWallStep'
  | 'onMetaRestored'
>;

export class Cluster {
  readonly network: Network;
  readonly trouble: ExpectedTrouble;
  readonly #scheduler: Scheduler;
  readonly #streams: RandomStreams;
  readonly #swarm: Swarm;
  readonly #violations: Violations;
  readonly #metas: Machine<MetaServer>[] = [];
  readonly #replicas: Machine<ReplicaServer>[] = [];
  readonly #clients: Machine<ClientProcess>[] = [];
  readonly #administrator: Machine<Administrator>;
  /** Null with one meta server. */
  readonly #service: SimCoordination | null;
  readonly #reader: Reader = new Reader();
  #observer: ClusterObserver | null = null;
  /** Span of the wall clocks over the whole run. */
  #wallMinMs: number = 0;
  #wallMaxMs: number = 0;

  constructor(scheduler: Scheduler, streams: RandomStreams, swarm: Swarm, violations: Violations) {
    this.#scheduler = scheduler;
    this.#streams = streams;
    this.#swarm = swarm;
    this.#violations = violations;
    this.trouble = new ExpectedTrouble(() => scheduler.nowUs);
    this.network = new Network(scheduler, streams.of('network'), swarm.network);
    this.#service =
      swarm.metas === null
        ? null
        : new SimCoordination(scheduler, streams.of('service'), swarm.metas.service);
    this.#build();
    const metas = this.#metaAddresses().map(hostPortText).join();
    this.#administrator = this.#machine(
      'admin',
      async (environment) => new Administrator(environment, metas),
    );
  }

  start(): void {
    for (const machine of this.#all()) if (!machine.isWithheld) machine.start();
  }

  /** Whose process runs, and is sure to lead. */
  #leadingMeta(): Machine<MetaServer> | null {
    const leads = ({ isRunning, process }: Machine<MetaServer>): boolean =>
      isRunning && process?.state === 'leading';
    return this.#metas.find(leads) ?? null;
  }

  clientProcesses(): ClientProcess[] {
    return this.#clients.flatMap(({ process }) => (process === null ? [] : [process]));
  }

  get administrator(): Administrator | null {
    return this.#administrator.process;
  }

  /** Replica servers that belong to the cluster. */
  get serverCount(): number {
    return this.#replicas.filter(({ isWithheld }) => !isWithheld).length;
  }

  async whenClientsRun(): Promise<void> {
    while (this.clientProcesses().length < this.#clients.length || this.administrator === null) {
      await new Promise<void>((resolve) => {
        this.#scheduler.world(1000, 'wait', resolve);
      });
    }
  }

  serverViews(): ServerView[] {
    return this.#replicas.map((machine) => ({
      name: machine.name,
      get isUp(): boolean {
        return machine.process !== null;
      },
      get generation(): number {
        return machine.owner.generation;
      },
      replicas: () => replicaViews(machine.process),
      withEngine: (partition, look) => machine.engines?.observe(partition, look) ?? false,
    }));
  }

  observe(observer: ClusterObserver): void {
    this.#observer = observer;
    const pushRate = new PushRate(this.#violations);
    const terms = this.#service === null ? null : this.#watchTerms(this.#service);
    this.network.observers.push((from, to, type, payload) => {
      this.#noteFrame(from.name, to.name, type, payload);
      terms?.onFrame(from.name, to.name, type, payload);
      if (type !== InternalMessage.configurationPush) {
        observer.onFrame(from.name, to.name, type, payload);
        return;
      }
      this.#reader.reset(payload, 0, payload.length);
      const { configuration, metaEpoch } = readConfigurationPush(this.#reader);
      const { gpid, ballot, primary, secondaries, maxReplicaCount } = configuration;
      const seen = {
        partition: `${gpid.appId}.${gpid.partitionIndex}`,
        ballot,
        // With one meta server its disk may take it back.
        epoch: terms === null ? 0 : metaEpoch,
        primary: primary === '' ? null : hostOf(primary),
        secondaries: secondaries.map(hostOf),
        replicaCount: maxReplicaCount,
      };
      observer.onConfiguration(seen, to.name);
      pushRate.onPush(to.name, seen.partition, this.#scheduler.nowUs);
    });
  }

  #watchTerms(service: SimCoordination): TermWatch {
    const watch = new TermWatch({
      metas: this.#metas.map(({ name }) => name),
      leadTimeoutMs: service.leadTimeoutMs,
      nowUs: () => this.#scheduler.nowUs,
      report: (detail) => this.#violations.add('V24-one-leader', this.#scheduler.nowUs, detail),
    });
    service.events = watch;
    return watch;
  }

  watchClients(answers: ReadAnswers): void {
    for (const { name } of this.#clients) answers.watchClient(name);
    this.network.plainObserver = (connection, bytes) => answers.onBytes(connection, bytes);
  }

  /** What servers say to each other, as text for people who look for a bug; beacons and reports are left out. */
  #noteFrame(from: string, to: string, type: number, payload: Uint8Array): void {
    const { trace, nowUs } = this.#scheduler;
    if (!trace.keepsLines) return;
    if (type === InternalMessage.prepare) {
      const { partition, ballot, decree, lastCommittedDecree } = readSeenPrepare(payload);
      const text = `${partition} ballot ${ballot} decree ${decree} committed ${lastCommittedDecree}`;
      trace.note(nowUs, from, `prepare to ${to}:`, text);
    } else if (type === InternalMessage.prepareAck) {
      const { partition, ballot, decree, result } = readSeenPrepareAck(payload);
      const text = `${partition} ballot ${ballot} decree ${decree} result ${result}`;
      trace.note(nowUs, from, `ack to ${to}:`, text);
    } else if (type >= InternalMessage.groupCheck || type === InternalMessage.configurationUpdate) {
      trace.note(nowUs, from, `${MESSAGE_NAMES[type] ?? type} to ${to}`, `${payload.length} bytes`);
    }
  }

  stage(watchers: StageWatchers): Stage {
    return {
      ...watchers,
      scheduler: this.#scheduler,
      administrator: () => this.administrator,
      replicaCount: this.#swarm.replicaCount,
      network: this.network,
      metas: this.#metas,
      service: this.#service,
      leadingMeta: () => this.#leadingMeta(),
      replicas: this.#replicas,
      clients: this.#clients,
      isDurable: this.#swarm.durability === 'fsync',
    };
  }

  /**
   * V21: what servers hold when everything has come to rest. Their number of timers and connections
   * depends on the cluster, never on how much went wrong before.
   */
  leaks(): string[] {
    const found: string[] = [];
    const hostCount = this.#all().length;
    for (const { name, owner, host, process } of [...this.#metas, ...this.#replicas]) {
      if (process === null) continue;
      const pending = this.#scheduler.pendingOf(owner);
      const connections = host.connections.size;
      if (pending > PENDING_MAX) found.push(`${name} waits for ${pending} events`);
      if (connections > CONNECTIONS_PER_HOST_MAX * hostCount) {
        found.push(`${name} has ${connections} connections with ${hostCount - 1} others`);
      }
    }
    return found;
  }

  /** V18: what keeps servers from being of use. */
  lameServers(): string[] {
    const isServed = (partition: string): boolean =>
      this.administrator?.isServed(Number.parseInt(partition, 10)) === true;
    const members = this.#replicas.filter(({ isWithheld }) => !isWithheld);
    return members.flatMap(({ name, process }) =>
      lameness(conditionOf(process), isServed).map((what) => `${name}: ${what}`),
    );
  }

  driftingClockCount(): number {
    return this.#all().filter(({ traits }) => traits.clock.rate !== 1).length;
  }

  /** Largest difference of two wall clocks so far. */
  wallSkewUs(): number {
    for (const { clock } of this.#all()) {
      this.#wallMinMs = Math.min(this.#wallMinMs, clock.wallOffsetMs);
      this.#wallMaxMs = Math.max(this.#wallMaxMs, clock.wallOffsetMs);
    }
    return (this.#wallMaxMs - this.#wallMinMs) * 1000;
  }

  /** For the report of a cluster that does not heal. */
  stateText(): string {
    const texts = this.#all().map((machine) => {
      const state =
        machine.process === null ? `${machine.owner.state}, no process` : machine.owner.state;
      return `${machine.name} ${state}`;
    });
    for (const view of this.serverViews()) {
      if (!view.isUp) continue;
      for (const {
        partition,
        status,
        ballot,
        lastCommittedDecree,
        lastPreparedDecree,
      } of view.replicas()) {
        const decrees = `${lastCommittedDecree}/${lastPreparedDecree}`;
        texts.push(`${view.name}:${partition} status ${status} ballot ${ballot} ${decrees}`);
      }
    }
    return texts.join(', ');
  }

  #all(): AnyMachine[] {
    const all: AnyMachine[] = [...this.#metas, ...this.#replicas, ...this.#clients];
    // Made last.
    return this.#administrator === undefined ? all : [...all, this.#administrator];
  }

  #build(): void {
    const swarm = this.#swarm;
    for (const address of this.#metaAddresses()) {
      const machine: Machine<MetaServer> = this.#machine(address.host, (environment) =>
        this.#openMeta(environment, address, machine.owner),
      );
      this.#metas.push(machine);
    }
    const { replicaServerCount, spareServerCount } = swarm;
    for (let number = 1; number <= replicaServerCount + spareServerCount; number++) {
      const name = `replica${number}`;
      const machine = this.#machine(name, (environment) => this.#openReplica(name, environment));
      machine.isWithheld = number > replicaServerCount;
      this.#replicas.push(machine);
    }
    for (let number = 1; number <= swarm.workload.clientCount; number++) {
      const name = `client${number}`;
      this.#clients.push(this.#machine(name, (environment) => this.#openClient(name, environment)));
    }
  }

  #machine<P extends RunningProcess>(
    name: string,
    boot: (environment: ReplicaEnvironment) => Promise<P>,
  ): Machine<P> {
    const swarm = this.#swarm;
    const traits: MachineTraits = {
      clock: drawClock(this.#streams.of(`${name}/clock`)),
      syncMsMean: swarm.syncMsMean,
      blockFraction: swarm.blockFraction,
      slowReadFraction: swarm.slowReadFraction,
    };
    const events = {
      onBatchApplied: (_: string, enginePath: string, batch: Uint8Array): void => {
        const partition = /replicas\/(\d+\.\d+)\/engine$/.exec(enginePath)?.[1];
        if (partition !== undefined) this.#observer?.onBatchApplied(partition, batch);
      },
      onStarted: (machine: string): void => this.#observer?.onServerStarted(machine),
      onErrorLog: (machine: string, event: string, text: string): void => {
        if (this.trouble.explainsErrorLog(machine, `${event} ${text}`)) return;
        this.#violations.add('error-log', this.#scheduler.nowUs, `${machine}: ${event} ${text}`);
      },
      onStartFailed: (machine: string, error: unknown): void => {
        if (this.trouble.explainsStart(machine, error)) return;
        const detail = `${machine}: ${String(error)}`;
        this.#violations.add('start-failed', this.#scheduler.nowUs, detail);
      },
    };
    const world = {
      scheduler: this.#scheduler,
      network: this.network,
      streams: this.#streams,
      events,
    };
    return new Machine(name, this.#all().length, world, traits, boot);
  }

  #metaAddresses(): HostPort[] {
    const count = this.#swarm.metas?.count ?? 1;
    return Array.from({ length: count }, (_, at) => ({ host: `meta${at + 1}`, port: META_PORT }));
  }

  #openMeta(environment: ReplicaEnvironment, listen: HostPort, owner: Owner): Promise<MetaServer> {
    const options = metaOptions(this.#swarm, listen);
    if (this.#service === null) return MetaServer.open(environment, options);
    const metaServers = this.#metaAddresses();
    const { leadTimeoutMs } = this.#service;
    const shared = { ...options, store: 'etcd', metaServers, leadTimeoutMs } as const;
    const service = this.#service.client(owner, environment.timers);
    return MetaServer.join(environment, shared, service);
  }

  #openReplica(name: string, environment: ReplicaEnvironment): Promise<ReplicaServer> {
    const listen = { host: name, port: REPLICA_PORT };
    const options = replicaOptions(this.#swarm, listen, this.#metaAddresses());
    return ReplicaServer.open(environment, options, () => this.#onOutlived(name));
  }

  /** As its program does, which goes on with another life. */
  #onOutlived(name: string): void {
    const machine = this.#replicas.find((one) => one.name === name);
    assert(machine !== undefined, 'a replica server has a machine');
    const life = machine.owner.generation;
    this.#scheduler.world(0, 'outlived', () => {
      if (machine.process === null || machine.owner.generation !== life) return;
      this.#observer?.onServerDies(name);
      machine.stop(() => {
        if (!machine.isWithheld) machine.start();
      });
    });
  }

  async #openClient(name: string, environment: ReplicaEnvironment): Promise<ClientProcess> {
    const client = openClient(environment, {
      metas: this.#metaAddresses().map(hostPortText).join(),
      // A repeated write may overwrite what others wrote in between: right for users who asked for it, no register.
      ambiguousWrites: 'fail',
    });
    const table: WorkloadTable = client.table(TABLE);
    return { name, client, table, timers: environment.timers, close: () => client.close() };
  }
}

function replicaViews(server: ReplicaServer | null): ReplicaView[] {
  if (server === null) return [];
  return server.inspect().map((inspection) => ({
    partition: gpidText(inspection.gpid),
    status: inspection.status,
    ballot: inspection.config.ballot,
    persistedBallot: inspection.persistedBallot,
    lastCommittedDecree: inspection.lastCommittedDecree,
    lastPreparedDecree: inspection.lastLoggedDecree,
    digestAt: (decree) => inspection.digestAt(decree),
  }));
}

function conditionOf(server: ReplicaServer | null): ServerCondition | null {
  if (server === null) return null;
  const failures = server
    .failures()
    .map(({ gpid, reason }) => ({ partition: gpidText(gpid), reason }));
  return { hasLease: server.hasLease, log: server.logCondition, failures };
}

function hostOf(node: string): string {
  return node.slice(0, node.indexOf(':'));
}
