/**
 * The verbs of one replica's protocol core: everything that it causes outside itself.
 *
 * None of them calls back into the core; results come later as events (`onLogAppended`, `onLogRead`
 * …). Each carries what is needed to tell a stale result: the mutation object, a learn id.
 */
import type { AppInfo, PartitionConfiguration, ReplicaStatus } from '../model/configuration.ts';
import type { Decree, NodeId } from '../model/identity.ts';
import type { ConfigurationUpdate, LearnCheckpoint } from '../wire/generated/internal.ts';
import type { InternalMessageMap } from '../wire/internal-frame.ts';
import type { InternalMessage } from '../wire/schema/internal.ts';
import type { Mutation } from './mutation.ts';

export interface ReplicaEffects {
  send<T extends InternalMessage>(to: NodeId, type: T, message: InternalMessageMap[T]): void;
  /** To the leader meta server. */
  sendConfigurationUpdate(message: ConfigurationUpdate): void;

  /** Appends to the shared log; `onLogAppended(mutation)` or `onLogFailed` follows. */
  appendLog(mutation: Mutation): void;
  /** The mutation is committed: apply it to the engine, in call order; `onApplied` follows. */
  commit(mutation: Mutation): void;
  /** Calls `flushAcks` of the core at the end of this turn. */
  flushAcksSoon(): void;

  /** Reads committed mutations from the log for learner `learnId`; `onLogRead` follows. */
  readLog(learnId: number, fromDecree: Decree): void;
  /**
   * Makes a checkpoint to be fetched by learner `learnId`; `onCheckpointMade` follows. Asking again
   * is fine.
   */
  makeCheckpoint(learnId: number): void;
  /** The learner is gone or done: its checkpoint may be removed, its log segments freed. */
  releaseLearner(learnId: number): void;
  /** Keep the log from this decree on for learner `learnId`. */
  holdLog(learnId: number, fromDecree: Decree): void;

  /** Fetches and installs a checkpoint; `onCheckpointInstalled` follows. */
  fetchCheckpoint(from: NodeId, message: LearnCheckpoint): void;
  /** Stops fetching for any learn id but this one (0 = all). */
  abandonFetches(exceptLearnId: number): void;

  /** Role, ballot or table have changed; the new ones are in place already. */
  roleChanged(
    status: ReplicaStatus,
    config: PartitionConfiguration,
    table: AppInfo,
    previous: ReplicaStatus,
  ): void;
  /**
   * Makes `config` durable as the newest that this replica has seen;
   * `onConfigurationPersisted(ballot)` follows.
   */
  persistConfiguration(config: PartitionConfiguration, table: AppInfo): void;
  /** Uncommitted mutations above `decree` were given up: their fate is unknown to clients. */
  mutationsDropped(afterDecree: Decree): void;
  /** The replica cannot go on; its files stay. */
  failed(reason: string): void;
}

export interface ReplicaCoreOptions {
  /** Of this server's present life; grows with every start. */
  readonly incarnation: number;
  /** Mutations under way at a time. */
  readonly inFlightMax: number;
  /** An unacknowledged prepare is sent again after this. */
  readonly prepareResendMs: number;
  /** A secondary that lacks an ack for so long is reported for removal, a learner is dropped. */
  readonly prepareTimeoutMs: number;
  readonly groupCheckIntervalMs: number;
  /** A member that has not answered group checks for so long is reported for removal. */
  readonly memberSilenceMs: number;
  /** Unanswered requests to the meta server and of a learner are repeated after this. */
  readonly requestRetryMs: number;
  /** `mutation_2pc_min_replica_count`; tables with fewer wanted replicas need only those. */
  readonly minReplicaCount: number;
  /** See slow-members.ts. */
  readonly slowFactor: number;
  readonly slowMinimumMs: number;
  readonly slowAfterMs: number;
  readonly slowPauseMs: number;
  /** Body bytes of committed mutations kept in memory per replica. */
  readonly tailBytesMax: number;
  /** Bytes of one `LearnMutations`. */
  readonly learnBatchBytesMax: number;
}

export const DEFAULT_CORE_OPTIONS: ReplicaCoreOptions = {
  incarnation: 1,
  inFlightMax: 64,
  prepareResendMs: 500,
  prepareTimeoutMs: 3_000,
  groupCheckIntervalMs: 1_000,
  memberSilenceMs: 10_000,
  requestRetryMs: 500,
  minReplicaCount: 2,
  slowFactor: 10,
  slowMinimumMs: 100,
  slowAfterMs: 10_000,
  slowPauseMs: 60_000,
  tailBytesMax: 1 << 20,
  learnBatchBytesMax: 1 << 20,
};
