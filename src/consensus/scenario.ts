/**
 * Test rig: the cores of one partition's replicas in one process, with every message, log write and
 * clock tick in the hands of the test. Used by the scenario tests beside it; no production code
 * imports it.
 */
import { assert } from '../base/assert.ts';
import { type AppInfo, AppStatus, type PartitionConfiguration } from '../model/configuration.ts';
import { type Ballot, type Decree, gpidOf, type NodeId } from '../model/identity.ts';
import type { ConfigurationUpdate } from '../wire/generated/internal.ts';
import type { InternalMessageMap } from '../wire/internal-frame.ts';
import { ConfigurationChange, InternalMessage } from '../wire/schema/internal.ts';
import { DEFAULT_CORE_OPTIONS, type ReplicaEffects } from './effects.ts';
import type { Mutation } from './mutation.ts';
import { ReplicaCore } from './replica-core.ts';

export const GPID: ReturnType<typeof gpidOf> = gpidOf(2, 3);

const TABLE: AppInfo = {
  appId: 2,
  appName: 'temp',
  appType: 'pegasus',
  status: AppStatus.available,
  partitionCount: 8,
  maxReplicaCount: 3,
  envs: new Map(),
  createSeconds: 0,
  dropSeconds: 0,
  expireSeconds: 0,
  atomicIdempotent: false,
  revision: 1,
};

export interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly type: InternalMessage;
  readonly message: unknown;
}

export class ScenarioNode {
  readonly id: NodeId;
  core: ReplicaCore;
  /** Durable: what a restart replays. */
  log: Mutation[] = [];
  /** Appended and not yet durable. */
  pendingLog: Mutation[] = [];
  persisted: PartitionConfiguration;
  /** What the engine holds, in commit order; durable here. */
  applied: Mutation[] = [];
  failure = '';
  incarnation = 0;
  readonly scenario: Scenario;

  constructor(scenario: Scenario, id: NodeId, isNew: boolean) {
    this.scenario = scenario;
    this.id = id;
    this.persisted = configuration(0, null, []);
    this.core = this.makeCore(isNew);
  }

  get committed(): number {
    return this.core.state.list.lastCommitted;
  }

  get prepared(): number {
    return this.core.state.list.lastPrepared;
  }

  /** Everything appended so far becomes durable and is reported. */
  flushLog(): void {
    for (const mutation of this.pendingLog.splice(0)) {
      this.log.push(mutation);
      this.core.onLogAppended(mutation, this.scenario.nowMs);
    }
  }

  /** A crash loses what was not durable; the engine keeps everything applied. */
  restart(): void {
    this.pendingLog = [];
    this.core = this.makeCore(false);
    const last = this.applied.at(-1);
    this.core.onOpened(this.persisted, (last?.decree ?? 0) as Decree, last?.digest ?? 0);
    for (const mutation of this.log) this.core.onReplay(mutation);
  }

  private makeCore(isNew: boolean): ReplicaCore {
    this.incarnation += 1;
    const options = { ...DEFAULT_CORE_OPTIONS, incarnation: this.incarnation };
    return new ReplicaCore(GPID, this.id, TABLE, isNew, options, this.effects(), () =>
      this.scenario.nextLearnId(),
    );
  }

  private effects(): ReplicaEffects {
    const { scenario } = this;
    return {
      send: (to, type, message) => {
        scenario.wire.push({ from: this.id, to, type, message });
      },
      sendConfigurationUpdate: (m) => scenario.updates.push(m),
      appendLog: (mutation) => this.pendingLog.push(mutation),
      commit: (mutation) => {
        scenario.onCommit(this, mutation);
        this.applied.push(mutation);
      },
      flushAcksSoon: () => scenario.ackers.add(this),
      readLog: (learnId, fromDecree) => {
        const found = this.log.filter((mutation) => mutation.decree >= fromDecree);
        scenario.later.push(() => this.core.onLogRead(learnId, found.length > 0 ? found : null));
      },
      makeCheckpoint: (learnId) => {
        const decree = this.core.state.list.lastCommitted;
        scenario.later.push(() => this.core.onCheckpointMade(learnId, `${decree}`, decree, []));
      },
      releaseLearner: () => {},
      holdLog: () => {},
      fetchCheckpoint: (from, message) => {
        const source = scenario.node(from);
        scenario.later.push(() => {
          this.applied = source.applied.filter((mutation) => mutation.decree <= message.decree);
          const last = this.applied.at(-1);
          const decree = (last?.decree ?? 0) as Decree;
          const digest = last?.digest ?? 0;
          this.core.onCheckpointInstalled(message.learnId, decree, digest, scenario.nowMs);
        });
      },
      abandonFetches: () => {},
      roleChanged: () => {},
      persistConfiguration: (config) => {
        scenario.later.push(() => {
          this.persisted = config;
          this.core.onConfigurationPersisted(config.ballot, scenario.nowMs);
        });
      },
      mutationsDropped: () => {},
      failed: (reason) => {
        this.failure = reason;
      },
    };
  }
}

export class Scenario {
  nowMs = 0;
  wire: Envelope[] = [];
  later: (() => void)[] = [];
  updates: ConfigurationUpdate[] = [];
  readonly ackers: Set<ScenarioNode> = new Set();
  /** Messages of these links are dropped, `from>to`. */
  readonly cut: Set<string> = new Set();
  readonly nodes: ScenarioNode[];
  /** Digest of each decree that was committed anywhere. */
  private readonly history = new Map<number, number>();
  private learnIds = 0;

  constructor(names: readonly string[], isNew: boolean = true) {
    this.nodes = names.map((name) => new ScenarioNode(this, name as NodeId, isNew));
  }

  node(id: string): ScenarioNode {
    const found = this.nodes.find((node) => node.id === id);
    assert(found !== undefined, 'the scenario has this node');
    return found;
  }

  nextLearnId(): number {
    this.learnIds += 1;
    return this.learnIds;
  }

  /** The same decree is committed with the same digest everywhere (V6). */
  onCommit(_node: ScenarioNode, mutation: Mutation): void {
    const known = this.history.get(mutation.decree);
    assert(known === undefined || known === mutation.digest, 'one decree, one mutation');
    this.history.set(mutation.decree, mutation.digest);
  }

  push(to: string, config: PartitionConfiguration): void {
    this.node(to).core.onConfigurationPush(TABLE, config, this.nowMs);
  }

  /** As soon as the ballot is stored. */
  write(primary: string): number {
    const role = this.node(primary).core.leading;
    assert(role !== null, 'the node leads');
    while (!role.canPropose() && this.later.length > 0) this.later.shift()!();
    const body = new Uint8Array(24).fill(this.nowMs & 0xff);
    return role.propose(body, this.nowMs * 1000, this.nowMs).decree;
  }

  deliverOne(): boolean {
    const next = this.later.shift();
    if (next !== undefined) {
      next();
      return true;
    }
    const envelope = this.wire.shift();
    if (envelope === undefined) return false;
    if (!this.cut.has(`${envelope.from}>${envelope.to}`)) {
      deliver(this.node(envelope.to).core, envelope, this.nowMs);
    }
    return true;
  }

  /** Delivers and logs everything until nothing is left to do. */
  settle(stopped: readonly string[] = []): void {
    for (let round = 0; round < 10_000; round++) {
      while (this.deliverOne());
      for (const node of this.nodes) if (!stopped.includes(node.id)) node.flushLog();
      const ackers = [...this.ackers];
      this.ackers.clear();
      for (const node of ackers) node.core.flushAcks();
      const idle = this.wire.length === 0 && this.later.length === 0 && this.ackers.size === 0;
      if (idle && this.nodes.every((node) => node.pendingLog.length === 0)) return;
      if (idle && stopped.length > 0) return;
    }
    assert(false, 'a scenario comes to rest');
  }

  tick(elapsedMs: number): void {
    this.nowMs += elapsedMs;
    for (const node of this.nodes) node.core.onTick(this.nowMs);
  }
}

/** Three members of one partition at rest under ballot 1, led by `a`. */
export function groupOfThree(): Scenario {
  const scenario = new Scenario(['a', 'b', 'c']);
  const first = configuration(1, 'a', ['b', 'c']);
  for (const name of ['a', 'b', 'c']) scenario.push(name, first);
  scenario.settle();
  return scenario;
}

/** Hands a message between replicas to the core that it was sent to. */
export function deliver(
  core: ReplicaCore,
  { from, type, message }: Pick<Envelope, 'from' | 'type' | 'message'>,
  nowMs: number,
): void {
  const of = <T extends InternalMessage>(_type: T): InternalMessageMap[T] =>
    message as InternalMessageMap[T];
  switch (type) {
    case InternalMessage.prepare:
      core.onPrepare(from, of(type), nowMs);
      break;
    case InternalMessage.prepareAck:
      core.onPrepareAck(from, of(type), nowMs);
      break;
    case InternalMessage.groupCheck:
      core.onGroupCheck(from, of(type), nowMs);
      break;
    case InternalMessage.groupCheckAck:
      core.onGroupCheckAck(from, of(type), nowMs);
      break;
    case InternalMessage.learnRequest:
      core.onLearnRequest(from, of(type), nowMs);
      break;
    case InternalMessage.learnMutations:
      core.onLearnMutations(from, of(type), nowMs);
      break;
    case InternalMessage.learnCheckpoint:
      core.onLearnCheckpoint(from, of(type));
      break;
    default:
      assert(false, 'replicas send no other messages to each other');
  }
}

export function configuration(
  ballot: number,
  primary: string | null,
  secondaries: readonly string[],
  learner: string | null = null,
): PartitionConfiguration {
  return {
    gpid: GPID,
    ballot: ballot as Ballot,
    maxReplicaCount: 3,
    primary: primary as NodeId | null,
    secondaries: secondaries as readonly NodeId[],
    learner: learner as NodeId | null,
  };
}

export function isAddOf(update: ConfigurationUpdate | undefined, node: string): boolean {
  return update?.change === ConfigurationChange.addSecondary && update.node === node;
}

export function isRemovalOf(update: ConfigurationUpdate | undefined, node: string): boolean {
  return update?.change === ConfigurationChange.removeSecondary && update.node === node;
}
