/** The two sides of a replica: what it needs of its server, and what it shows of itself. */
import type { ReplicaCoreOptions } from '../consensus/effects.ts';
import type { Lease } from '../consensus/lease.ts';
import type { MemberLag } from '../consensus/slow-members.ts';
import type { Engine } from '../env/engine.ts';
import type { ReplicaEnvironment } from '../env/environment.ts';
import type { PartitionConfiguration, ReplicaStatus } from '../model/configuration.ts';
import type { Ballot, Gpid, NodeId } from '../model/identity.ts';
import type { MutationLog } from '../storage/log/mutation-log.ts';
import type { InternalMessageMap } from '../wire/internal-frame.ts';
import type { InternalMessage } from '../wire/schema/internal.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { CompactionState } from './manual-compaction.ts';
import type { ReplicaOptions } from './options.ts';
import type { ReplicaActivity } from './replica-activity.ts';
import type { ServerLoad } from './server-load.ts';

/** What a replica needs of the server that it lives on. */
export interface ReplicaHost {
  readonly environment: ReplicaEnvironment;
  readonly options: ReplicaOptions;
  readonly coreOptions: ReplicaCoreOptions;
  readonly self: NodeId;
  readonly lease: Lease;
  readonly log: MutationLog;
  readonly learnBandwidth: Bandwidth;
  readonly load: ServerLoad;
  send<T extends InternalMessage>(to: NodeId, type: T, message: InternalMessageMap[T]): void;
  sendToLeader<T extends InternalMessage>(type: T, message: InternalMessageMap[T]): void;
  nextLearnId(): number;
  /** The number of a copy that is made here, higher than any before. */
  nextCopy(): number;
  /** Calls `endTurn` of the replica when this turn ends. */
  endTurnSoon(replica: { endTurn(nowMs: number): void }): void;
  /** The meta server should hear of a change soon. */
  reportSoon(): void;
}

/** Read-only view, for reports and the simulator's checkers. */
export interface ReplicaInspection {
  readonly gpid: Gpid;
  readonly config: PartitionConfiguration;
  /** Until it is that of `config`, nothing is said under that one. */
  readonly persistedBallot: Ballot;
  readonly status: ReplicaStatus;
  readonly lastCommittedDecree: number;
  readonly lastPreparedDecree: number;
  readonly lastLoggedDecree: number;
  readonly appliedDecree: number;
  readonly durableDecree: number;
  readonly engine: Engine | null;
  /** Of the compactions that the table asks for. */
  readonly compaction: CompactionState;
  /** As primary: how long each member takes to log a mutation, itself first; NaN = not known. */
  readonly lags: readonly MemberLag[];
  readonly activity: ReplicaActivity;
  digestAt(decree: number): number | null;
}
