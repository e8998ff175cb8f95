/**
 * What the meta server's brain does to the world, as verbs, and what it is built from. It never
 * waits for any of them: durability comes back as an event, messages may be lost.
 */
import type { Logger } from '../env/logger.ts';
import type { HostPort, NodeId } from '../model/identity.ts';
import type {
  BeaconAck,
  ConfigurationPush,
  ConfigurationQuery,
  ReplicaForget,
} from '../wire/generated/internal.ts';
import type { Partition } from './partition.ts';
import type { StateRecord } from './records.ts';
import type { ClusterSettings } from './settings.ts';

/** One append to the state store. */
export interface ChangeBatch {
  readonly records: readonly StateRecord[];
  /**
   * Partitions that the records replace; nobody else may change them until the batch is durable.
   */
  readonly partitions: readonly Partition[];
  /** Called when the batch has taken effect. */
  readonly done: (() => void) | null;
}

export interface ClusterEffects {
  /** Makes the batch durable; `onPersisted` follows, in the order of the calls. */
  persist(batch: ChangeBatch): void;
  sendBeaconAck(to: NodeId, message: BeaconAck): void;
  sendPush(to: NodeId, message: ConfigurationPush): void;
  sendForget(to: NodeId, message: ReplicaForget): void;
  sendQuery(to: NodeId, message: ConfigurationQuery): void;
}

/** The two clocks, read together at the start of an event. */
export interface Now {
  readonly monotonicMs: number;
  readonly wallSeconds: number;
}

export interface BrainParts {
  readonly settings: ClusterSettings;
  readonly effects: ClusterEffects;
  readonly logger: Logger;
  /** Where this meta server is reached. */
  readonly self: HostPort;
  /** Grows with every start and every change of leaders. */
  readonly epoch: number;
}
