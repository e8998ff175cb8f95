/**
 * A cluster in which only the brain is real, for tests that read like a story. Replica servers are reduced to what
 * the meta server sees of them: beacons, reports, requests, and obedience to pushes.
 *
 * A referee checks at every step what must never happen.
 */
import assert from 'node:assert/strict';
import { type ChangeBatch, ClusterBrain, type Now } from '../../src/cluster/brain.ts';
import type { Labels } from '../../src/cluster/fault-domains.ts';
import type { Partition } from '../../src/cluster/partition.ts';
import { decodeRecord, encodeRecord, type StateRecord } from '../../src/cluster/records.ts';
import { type ClusterSettings, DEFAULT_CLUSTER_SETTINGS } from '../../src/cluster/settings.ts';
import {
  type CommandContext,
  type CommandPlan,
  type CreateTable,
  planCreate,
} from '../../src/cluster/table-commands.ts';
import { ReplicaStatus } from '../../src/model/configuration.ts';
import { gpidKey, type NodeId } from '../../src/model/identity.ts';
import type {
  BeaconAck,
  ConfigurationPush,
  ConfigurationUpdate,
} from '../../src/wire/generated/internal.ts';
import { makeReplicaState } from '../../src/wire/generated/internal.ts';
import { ConfigurationChange } from '../../src/wire/schema/internal.ts';
import { type FakeReplica, FakeServer, newReplica } from './fake-server.ts';
import { Referee } from './referee.ts';

export { type FakeReplica, FakeServer } from './fake-server.ts';

const STEP_MS = 200;
const SELF = { host: 'meta', port: 34601 };

export class Story {
  readonly settings: ClusterSettings;
  readonly servers: Map<string, FakeServer> = new Map();
  readonly #referee = new Referee();
  /** All that is durable, in order. */
  readonly log: StateRecord[] = [];
  brain: ClusterBrain;
  nowMs = 0;
  /** The state store does not answer while this is set. */
  storeStalled = false;
  /** Appends to the state store, and the records of each. */
  readonly appends: number[] = [];
  readonly events: string[] = [];
  #pending: ChangeBatch[] = [];
  /** Answers to queries, on their way. */
  readonly #told: { server: FakeServer; configuration: ConfigurationPush['configuration'] }[] = [];
  /** Primaries that have stopped, on request; what they ask for is on its way. */
  readonly #handovers: { from: FakeServer; update: ConfigurationUpdate }[] = [];
  #epoch = 0;

  constructor(names: readonly string[], settings: Partial<ClusterSettings> = {}) {
    this.settings = { ...DEFAULT_CLUSTER_SETTINGS, ...settings };
    this.brain = this.#makeBrain();
    for (const name of names) this.servers.set(name, new FakeServer(`${name}:1`));
    this.advance(1_000);
  }

  server(name: string): FakeServer {
    const server = this.servers.get(name);
    assert.ok(server !== undefined, `there is a server ${name}`);
    return server;
  }

  add(name: string, labels: Partial<Labels> = {}): void {
    this.servers.set(name, new FakeServer(`${name}:1`, labels));
  }

  now(): Now {
    return { monotonicMs: this.nowMs, wallSeconds: 1_800_000_000 + Math.floor(this.nowMs / 1_000) };
  }

  context(): CommandContext {
    return {
      state: this.brain.state,
      settings: this.settings,
      level: this.brain.level,
      wallSeconds: this.now().wallSeconds,
    };
  }

  /** Carries a command out and waits until it has taken effect. */
  command(plan: CommandPlan): CommandPlan {
    if (plan.records.length > 0) this.brain.submit(plan.records, () => {});
    this.flush();
    return plan;
  }

  createTable(options: Partial<CreateTable> = {}): CommandPlan {
    const request: CreateTable = {
      appName: 'temp',
      partitionCount: 1,
      replicaCount: 3,
      successIfExist: false,
      appType: 'pegasus',
      isStateful: true,
      envs: new Map(),
      atomicIdempotent: false,
      ...options,
    };
    return this.command(planCreate(this.context(), request));
  }

  partition(index = 0, appId = 1): Partition {
    const partition = this.brain.state.partition({ appId, partitionIndex: index });
    assert.ok(partition !== undefined, 'the partition is there');
    return partition;
  }

  replica(name: string, index = 0, appId = 1): FakeReplica {
    const replica = this.server(name).replicas.get(this.partition(index, appId).key);
    assert.ok(replica !== undefined, `${name} has the replica`);
    return replica;
  }

  /** `3: a + b c ~ d`: ballot, primary, secondaries in order, learner. */
  shape(index = 0, appId = 1): string {
    const config = this.partition(index, appId).configuration();
    const short = (node: NodeId | null): string => (node === null ? '-' : node.split(':')[0]!);
    const secondaries = config.secondaries.map(short).sort().join(' ');
    const learner = config.learner === null ? '' : ` ~ ${short(config.learner)}`;
    return `${config.ballot}: ${short(config.primary)} + ${secondaries}${learner}`;
  }

  kill(name: string): void {
    this.server(name).running = false;
  }

  /** Starts a server again: another life, all replicas inactive. */
  start(name: string): void {
    const server = this.server(name);
    server.running = true;
    server.incarnation += 1;
    server.lifeId += 1;
    server.sequence = 0;
    server.reports = 0;
    server.leaseMs = 0;
    server.leaseUntilMs = 0;
    server.wishes.clear();
    for (const replica of server.replicas.values()) {
      if (replica.status !== ReplicaStatus.error) replica.status = ReplicaStatus.inactive;
    }
  }

  restart(name: string): void {
    this.kill(name);
    this.start(name);
  }

  /** The meta server dies and starts again from what is durable. */
  restartMeta(): void {
    this.#pending = [];
    this.brain = this.#makeBrain();
    for (const server of this.servers.values()) server.leaseMs = 0;
  }

  /** The meta server's disk is replaced by a copy of what was durable after so many records. */
  restoreMeta(recordCount: number): void {
    this.log.length = recordCount;
    this.#referee.onTimeTravel(this.log);
    this.restartMeta();
  }

  /** Time passes: everybody sends what is due. */
  advance(ms: number): void {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      this.nowMs += STEP_MS;
      if (this.nowMs % 1_000 === 0) this.beat();
      this.brain.onTick(this.now());
      this.flush();
    }
  }

  /** All servers send a beacon and a report. */
  beat(): void {
    for (const server of this.servers.values()) {
      this.sendBeacon(server);
      this.flush();
      this.sendReport(server);
      this.flush();
      this.#teach(server);
      this.flush();
    }
  }

  sendBeacon(server: FakeServer, leaving = false): void {
    if (!server.running || !server.connected) return;
    server.sequence += 1;
    this.brain.onBeacon(
      {
        node: server.id,
        incarnation: server.incarnation,
        lifeId: server.lifeId,
        sequence: server.sequence,
        address: { host: server.id.split(':')[0]!, port: 1 },
        freeBytes: 1,
        totalBytes: 2,
        leaving,
        holdsLease: this.nowMs < server.leaseUntilMs,
        ...server.labels,
      },
      this.now(),
    );
  }

  sendReport(server: FakeServer): void {
    if (!server.running || !server.connected) return;
    server.reports += 1;
    const replicas = [...server.replicas.values()].map((replica) => ({
      ...makeReplicaState(),
      gpid: replica.gpid,
      ballot: replica.ballot,
      status: replica.status,
      lastCommittedDecree: replica.committed,
      lastPreparedDecree: replica.prepared,
      learnId: replica.learnId,
      failure: replica.failure,
      tailUnproven: replica.tailUnproven === true,
      headBallot: replica.headBallot ?? 0,
      capacityUnits: replica.units ?? 0,
      dataBytes: replica.dataBytes ?? 0,
      fetchedBytes: replica.fetchedBytes ?? 0,
    }));
    this.brain.onReport(
      {
        nodeId: server.id,
        incarnation: server.incarnation,
        replicas,
        sequence: server.reports,
      },
      this.now(),
    );
  }

  ask(
    name: string,
    change: ConfigurationChange,
    node: NodeId,
    index = 0,
    ballot?: number,
    reason = '',
  ): void {
    const partition = this.partition(index);
    const own = this.server(name).replicas.get(partition.key);
    this.brain.onConfigurationUpdate(
      this.server(name).id,
      {
        gpid: partition.gpid,
        ballot: ballot ?? partition.ballot,
        change,
        node,
        lastCommittedDecree: own?.committed ?? 0,
        learnId: 0,
        reason,
        incarnation: [...this.servers.values()].find(({ id }) => id === node)?.incarnation ?? 0,
      },
      this.now(),
    );
    this.flush();
  }

  /** Makes durable what the brain has handed out, and what that leads to. */
  flush(): void {
    for (const { server, configuration } of this.#told.splice(0)) {
      const { incarnation } = server;
      this.brain.onConfigurationTold(server.id, { configuration, incarnation }, this.now());
    }
    for (const { from, update } of this.#handovers.splice(0)) {
      if (from.running && from.connected) {
        this.brain.onConfigurationUpdate(from.id, update, this.now());
      }
    }
    while (!this.storeStalled) {
      const batch = this.#pending.shift();
      if (batch === undefined) return;
      this.appends.push(batch.records.length);
      for (const record of batch.records) {
        const readBack = decodeRecord(encodeRecord(record));
        assert.deepEqual(readBack, record, 'records survive being written and read');
        this.log.push(record);
        this.#referee.onDurable(record);
      }
      this.brain.onPersisted(batch, this.now());
    }
  }

  /**
   * The primary commits a mutation if all that count acknowledge it: members as it knows them, and a learner whose
   * admission it has asked for. Returns the decree, or 0.
   */
  commit(server: FakeServer, key: number): number {
    const own = server.replicas.get(key);
    if (own === undefined || own.status !== ReplicaStatus.primary || !server.running) return 0;
    const needed = own.counted === null ? own.followers : [...own.followers, own.counted];
    const followers: FakeReplica[] = [];
    for (const id of needed) {
      const peer = [...this.servers.values()].find((one) => one.id === id);
      const replica = peer?.running === true ? peer.replicas.get(key) : undefined;
      if (replica === undefined || replica.prepared !== own.prepared) return 0;
      const follows =
        replica.status === ReplicaStatus.secondary ||
        replica.status === ReplicaStatus.potentialSecondary;
      if (replica.ballot !== own.ballot || !follows) return 0;
      followers.push(replica);
    }
    own.prepared += 1;
    for (const replica of followers) replica.prepared = own.prepared;
    own.committed = own.prepared;
    return own.committed;
  }

  /** Who is asked to hand over has stopped when its answer arrives. */
  #handOver(server: FakeServer, { configuration, successor = '' }: ConfigurationPush): void {
    const { gpid, ballot } = configuration;
    const own = server.replicas.get(gpidKey(gpid as never));
    if (own?.status !== ReplicaStatus.primary || own.ballot !== ballot || !server.handsOver) return;
    own.status = ReplicaStatus.inactive;
    this.#handovers.push({
      from: server,
      update: {
        gpid,
        ballot,
        change: ConfigurationChange.handOver,
        node: successor,
        lastCommittedDecree: own.committed,
        learnId: 0,
        reason: 'handed over',
        incarnation: 0,
      },
    });
  }

  /** As primary: brings learners up to date and asks for their admission. */
  #teach(server: FakeServer): void {
    if (!server.running || !server.teaches || !server.connected) return;
    for (const [key, { push, node }] of [...server.wishes]) {
      const learner = [...this.servers.values()].find((other) => other.id === node);
      if (learner === undefined || !learner.running) continue;
      const own = server.replicas.get(key);
      if (own === undefined || own.status !== ReplicaStatus.primary) continue;
      const { gpid, ballot } = push.configuration;
      const replica = newReplica(gpid, own.ballot, ReplicaStatus.potentialSecondary);
      replica.prepared = own.prepared;
      replica.committed = own.committed;
      replica.learnId = 1;
      // A second learner is not begun while the fate of the first is open.
      if (own.counted !== null && own.counted !== node) continue;
      own.counted = node;
      // A secondary of the past has to learn like anybody else.
      const known = learner.replicas.get(key);
      const isMember = known?.status === ReplicaStatus.secondary && known.ballot === own.ballot;
      if (!isMember) learner.replicas.set(key, replica);
      this.brain.onConfigurationUpdate(
        server.id,
        {
          gpid,
          ballot: Math.max(ballot, own.ballot),
          change: ConfigurationChange.addSecondary,
          node,
          lastCommittedDecree: own.committed,
          learnId: 1,
          reason: '',
          incarnation: learner.incarnation,
        },
        this.now(),
      );
      this.flush();
    }
  }

  #makeBrain(): ClusterBrain {
    this.#epoch += 1;
    const note = (event: string): void => {
      this.events.push(event);
    };
    const brain = new ClusterBrain(
      {
        settings: this.settings,
        logger: { debug: note, info: note, warn: note, error: note },
        self: SELF,
        epoch: this.#epoch,
        effects: {
          persist: (batch) => this.#pending.push(batch),
          sendBeaconAck: (to, ack) => this.#onAck(to, ack),
          sendPush: (to, push) => {
            this.#referee.onPush(push);
            const server = this.#reach(to);
            server?.onPush(push);
            if (server !== undefined && push.successor !== undefined) this.#handOver(server, push);
          },
          sendForget: (to, forget) => this.#reach(to)?.onForget(forget),
          sendQuery: (to, { gpid }) => {
            const server = this.#reach(to);
            const configuration = server?.replicas.get(gpidKey(gpid as never))?.configuration;
            if (server === undefined || configuration === undefined || configuration === null)
              return;
            this.#told.push({ server, configuration });
          },
        },
      },
      this.now(),
    );
    brain.load(this.#newestRecords(), this.now());
    return brain;
  }

  #newestRecords(): StateRecord[] {
    const newest = new Map(this.log.map((record) => [encodeRecord(record).key, record]));
    return [...newest.values()];
  }

  #onAck(to: NodeId, ack: BeaconAck): void {
    const server = this.#reach(to);
    if (server === undefined || ack.lifeId !== server.lifeId) return;
    if (ack.outlived) server.outlivedBy = ack.incarnation;
    else if (ack.incarnation === server.incarnation) {
      server.leaseMs = ack.leaseMs;
      if (ack.leaseMs > 0) server.leaseUntilMs = this.nowMs + ack.leaseMs;
    }
  }

  #reach(to: NodeId): FakeServer | undefined {
    const server = [...this.servers.values()].find((one) => one.id === to);
    return server?.running === true && server.connected ? server : undefined;
  }
}
