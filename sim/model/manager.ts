/**
 * The configuration manager of the model: the meta server's own brain, as a value.
 *
 * A brain cannot be copied, but it is deterministic: a state is the list of events that led to it. The brain is built
 * anew from them for each event that is new in a state, and the result is remembered; two states that look the same
 * (`key`) are the same state. Far fewer of them exist than states of the world.
 *
 * What the brain hands to its state store is durable at once: until then it changes nothing else and shows nothing
 * to anybody (`Partition.changing`), so a delay would only add states in which requests are ignored.
 *
 * Left out: restarts of the meta server, and giving up on a learner because of the time that has passed.
 */
import { assert } from '../../src/base/assert.ts';
import { type ChangeBatch, ClusterBrain, type Now } from '../../src/cluster/brain.ts';
import type { Partition } from '../../src/cluster/partition.ts';
import { type ClusterSettings, DEFAULT_CLUSTER_SETTINGS } from '../../src/cluster/settings.ts';
import { planCreate } from '../../src/cluster/table-commands.ts';
import { members, type PartitionConfiguration } from '../../src/model/configuration.ts';
import type { NodeId } from '../../src/model/identity.ts';
import type {
  ConfigurationPush,
  ConfigurationUpdate,
  ReplicaState,
} from '../../src/wire/generated/internal.ts';

export type ManagerEvent =
  /** A beacon and a report of this life. */
  | {
      readonly kind: 'report';
      readonly node: NodeId;
      readonly incarnation: number;
      readonly replica: ReplicaState | null;
    }
  | { readonly kind: 'update'; readonly from: NodeId; readonly update: ConfigurationUpdate }
  /** The life is proved to be over. */
  | { readonly kind: 'ended'; readonly node: NodeId; readonly incarnation: number }
  /** Nothing was heard for longer than the grace, though the node may be alive. */
  | { readonly kind: 'expired'; readonly node: NodeId };

export interface Push {
  readonly to: NodeId;
  readonly message: ConfigurationPush;
}

/** What the model sees of one node in the eyes of the manager. */
export interface NodeView {
  readonly usable: boolean;
  readonly incarnation: number;
  /** Of its last report. */
  readonly ballot: number;
  readonly status: number;
}

export interface ManagerState {
  readonly key: string;
  readonly id: number;
  readonly previous: ManagerState | null;
  readonly event: ManagerEvent | null;
  readonly config: PartitionConfiguration;
  readonly nodes: readonly NodeView[];
}

export interface ManagerStep {
  readonly next: ManagerState;
  readonly pushes: readonly Push[];
}

const SETTINGS: ClusterSettings = {
  ...DEFAULT_CLUSTER_SETTINGS,
  replacementDelayMs: 0,
  urgentReplacementDelayMs: 0,
  learnRetryDelayMs: 0,
  learnStallMs: 1e9,
  surplusDelayMs: 1e9,
};

/** Shorter than what the brain takes for a sleep of its own machine. */
const STEP_MS = 1_900;
const STEPS_PER_GRACE = Math.ceil(SETTINGS.graceMs / STEP_MS) + 1;
const QUIET = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export class Manager {
  readonly #names: readonly NodeId[];
  readonly #steps = new Map<string, ManagerStep>();
  readonly #known = new Map<string, ManagerState>();
  readonly initial: ManagerState;
  /** The first configuration, on its way to all members. */
  readonly initialPushes: readonly Push[];
  readonly table: Partition['table'];

  constructor(names: readonly NodeId[]) {
    this.#names = names;
    const run = new Run(names);
    this.initial = run.view(null, null, 0);
    this.initialPushes = run.pushes;
    this.table = run.partition.table;
    this.#known.set(this.initial.key, this.initial);
  }

  apply(state: ManagerState, event: ManagerEvent): ManagerStep {
    const key = `${state.id}|${JSON.stringify(event)}`;
    const remembered = this.#steps.get(key);
    if (remembered !== undefined) return remembered;
    const run = new Run(this.#names);
    const events: ManagerEvent[] = [];
    for (let at: ManagerState | null = state; at?.event; at = at.previous) events.push(at.event);
    for (const earlier of events.reverse()) run.take(earlier);
    run.pushes = [];
    run.take(event);
    const reached = run.view(state, event, this.#known.size);
    const next = this.#known.get(reached.key) ?? reached;
    this.#known.set(next.key, next);
    const step: ManagerStep = { next, pushes: run.pushes };
    this.#steps.set(key, step);
    return step;
  }

  /** Distinct states of the manager so far. */
  get stateCount(): number {
    return this.#known.size;
  }
}

/** One brain from its start. */
class Run {
  readonly #names: readonly NodeId[];
  readonly #brain: ClusterBrain;
  readonly #pending: ChangeBatch[] = [];
  #nowMs = 0;
  #sequence = 0;
  pushes: Push[] = [];

  constructor(names: readonly NodeId[]) {
    this.#names = names;
    const unexpected = (): void => assert(false, 'no message of this kind in the model');
    this.#brain = new ClusterBrain(
      {
        settings: SETTINGS,
        logger: QUIET,
        self: { host: 'meta', port: 1 },
        epoch: 1,
        effects: {
          persist: (batch) => this.#pending.push(batch),
          sendBeaconAck: nothing,
          sendPush: (to, message) => this.pushes.push({ to, message }),
          sendForget: unexpected,
          sendQuery: unexpected,
        },
      },
      this.#now(),
    );
    this.#brain.load([], this.#now());
    // Later than the time for which a new meta server leaves everything as it is.
    this.#pass(STEPS_PER_GRACE, null);
    for (const node of names) {
      this.#report(node, 1, null);
    }
    this.#createTable();
  }

  get partition(): Partition {
    const partition = this.#brain.state.partition({ appId: 1, partitionIndex: 0 });
    assert(partition !== undefined, 'the model has one partition');
    return partition;
  }

  take(event: ManagerEvent): void {
    switch (event.kind) {
      case 'report':
        this.#report(event.node, event.incarnation, event.replica);
        break;
      case 'update':
        this.#brain.onConfigurationUpdate(event.from, event.update, this.#now());
        break;
      case 'ended':
        this.#brain.onLifeEnded(event.node, event.incarnation, this.#now());
        break;
      case 'expired':
        this.#pass(STEPS_PER_GRACE, event.node);
        break;
    }
    this.#persist();
  }

  view(previous: ManagerState | null, event: ManagerEvent | null, id: number): ManagerState {
    const { record, learner, committedDecree, holdings } = this.partition;
    const config = this.partition.configuration();
    assert(!this.partition.changing, 'what was decided is durable');
    const nodes = this.#names.map((id): NodeView => {
      const node = this.#brain.state.nodes.get(id);
      const holding = holdings.get(id);
      return {
        usable: node?.usable === true,
        incarnation: node?.incarnation ?? 0,
        ballot: holding?.ballot ?? 0,
        status: holding?.present === true ? holding.status : 0,
      };
    });
    const wish = learner === null ? '' : `${learner.node}/${learner.incarnation}`;
    const { seats, materialised, drops } = record;
    const held = this.#names.map((id) => holdings.get(id) ?? null);
    const reported = this.#names.map((id) => this.#brain.state.nodes.get(id)?.reported === true);
    const durable = [config.ballot, config.primary, config.secondaries, seats, materialised, drops];
    const key = JSON.stringify([durable, wish, committedDecree, held, nodes, reported]);
    return { key, id, previous, event, config, nodes };
  }

  #report(node: NodeId, incarnation: number, replica: ReplicaState | null): void {
    this.#beacon(node, incarnation);
    const replicas = replica === null ? [] : [replica];
    this.#brain.onReport({ nodeId: node, incarnation, replicas, sequence: 0 }, this.#now());
    this.#persist();
  }

  #beacon(node: NodeId, incarnation: number): void {
    this.#sequence += 1;
    const sequence = this.#sequence;
    const address = { host: node, port: 1 };
    this.#brain.onBeacon(
      {
        node,
        incarnation,
        lifeId: 0,
        sequence,
        address,
        freeBytes: 1,
        totalBytes: 2,
        leaving: false,
        holdsLease: true,
      },
      this.#now(),
    );
    this.#persist();
  }

  /** Time passes, in which all that are alive in the manager's eyes say so, except `silent`. */
  #pass(steps: number, silent: NodeId | null): void {
    for (let step = 0; step < steps; step++) {
      this.#nowMs += STEP_MS;
      for (const node of this.#brain.state.nodes.usableNodes()) {
        if (node.id !== silent) this.#beacon(node.id, node.incarnation);
      }
      this.#brain.onTick(this.#now());
      this.#persist();
    }
  }

  #createTable(): void {
    const { state, level } = this.#brain;
    const plan = planCreate(
      { state, settings: SETTINGS, level, wallSeconds: this.#now().wallSeconds },
      {
        appName: 'temp',
        partitionCount: 1,
        replicaCount: 3,
        successIfExist: false,
        appType: 'pegasus',
        isStateful: true,
        envs: new Map(),
        atomicIdempotent: false,
      },
    );
    this.#brain.submit(plan.records, nothing);
    this.#persist();
    assert(members(this.partition.record.config).length === 3, 'all nodes are members');
  }

  #persist(): void {
    for (let batch = this.#pending.shift(); batch !== undefined; batch = this.#pending.shift()) {
      this.#brain.onPersisted(batch, this.#now());
    }
  }

  #now(): Now {
    return { monotonicMs: this.#nowMs, wallSeconds: 1_800_000_000 };
  }
}

function nothing(): void {}
