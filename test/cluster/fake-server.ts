/** A replica server as the meta server sees it: what it holds, and that it obeys. */
import type { Labels } from '../../src/cluster/fault-domains.ts';
import { AppStatus, ReplicaStatus } from '../../src/model/configuration.ts';
import { gpidKey, type NodeId, toNodeId } from '../../src/model/identity.ts';
import type {
  ConfigurationPush,
  ReplicaForget,
  ReplicaState,
} from '../../src/wire/generated/internal.ts';

export interface FakeReplica {
  gpid: ReplicaState['gpid'];
  ballot: number;
  status: number;
  prepared: number;
  committed: number;
  learnId: number;
  failure: string;
  dataBytes?: number;
  /** Of a checkpoint. */
  fetchedBytes?: number;
  /** Capacity units that it has served. */
  units?: number;
  /** A cut of power may have taken the end of its log, and with this ballot at the head of what is left. */
  tailUnproven?: boolean;
  headBallot?: number;
  /** As a primary: whose acknowledgement a commit takes under this ballot. */
  followers: readonly NodeId[];
  /** The newest that was pushed. */
  configuration: ConfigurationPush['configuration'] | null;
  /** The learner for whose admission it has asked under this ballot, if any; counts as a follower. */
  counted: NodeId | null;
}

export class FakeServer {
  readonly id: NodeId;
  incarnation = 1;
  lifeId = 1;
  running = true;
  /** The incarnation that it was told was had before. */
  outlivedBy = 0;
  /** Beacons and reports reach the meta server. */
  connected = true;
  /** Learners come up to date as soon as they are invited. */
  teaches = true;
  /** Primaries stop when they are asked to. */
  handsOver = true;
  sequence = 0;
  reports = 0;
  leaseMs = 0;
  leaseUntilMs = 0;
  readonly replicas: Map<number, FakeReplica> = new Map();
  /** Learners that this server as a primary was told of, by partition. */
  readonly wishes: Map<number, { push: ConfigurationPush; node: NodeId }> = new Map();
  readonly forgotten: number[] = [];
  /** Partitions whose lead it was asked to give up. */
  readonly yieldsAsked: number[] = [];
  /** What it says that it may fail together with. */
  readonly labels: Partial<Labels>;

  constructor(id: string, labels: Partial<Labels> = {}) {
    this.id = toNodeId(id);
    this.labels = labels;
  }

  onPush(push: ConfigurationPush): void {
    const { configuration, table } = push;
    if (push.incarnation !== this.incarnation) return;
    const key = gpidKey(configuration.gpid as never);
    if (push.shouldYield) this.yieldsAsked.push(key);
    const replica = this.replicas.get(key);
    const role =
      configuration.primary === this.id
        ? ReplicaStatus.primary
        : configuration.secondaries.includes(this.id)
          ? ReplicaStatus.secondary
          : ReplicaStatus.inactive;
    this.wishes.delete(key);
    if (replica === undefined) {
      if (role !== ReplicaStatus.inactive && configuration.ballot === 1) {
        const made = newReplica(configuration.gpid, 1, role);
        made.followers = configuration.secondaries as readonly NodeId[];
        made.configuration = configuration;
        this.replicas.set(key, made);
      }
      return;
    }
    if (configuration.ballot < replica.ballot || replica.status === ReplicaStatus.error) return;
    if (configuration.ballot > replica.ballot) replica.counted = null;
    replica.followers = configuration.secondaries as readonly NodeId[];
    replica.ballot = configuration.ballot;
    replica.configuration = configuration;
    replica.status = table.status === AppStatus.available ? role : ReplicaStatus.inactive;
    // What it had prepared is prepared again and committed, in no time.
    if (replica.status === ReplicaStatus.primary) replica.committed = replica.prepared;
    if (role === ReplicaStatus.primary && configuration.learner !== '') {
      this.wishes.set(key, { push, node: configuration.learner as NodeId });
    }
  }

  onForget(forget: ReplicaForget): void {
    const key = gpidKey(forget.gpid as never);
    this.forgotten.push(key);
    this.replicas.delete(key);
  }
}

export function newReplica(
  gpid: ReplicaState['gpid'],
  ballot: number,
  status: number,
): FakeReplica {
  return {
    gpid,
    ballot,
    status,
    prepared: 0,
    committed: 0,
    learnId: 0,
    failure: '',
    followers: [],
    configuration: null,
    counted: null,
  };
}
