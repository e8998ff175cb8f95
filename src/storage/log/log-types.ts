/** What the mutation log asks of its surroundings and tells its users. mutation-log.ts is the log itself. */
import type { Mutation } from '../../consensus/mutation.ts';
import type { DiskError } from '../../env/disk.ts';
import type { ReplicaEnvironment } from '../../env/environment.ts';
import type { Ballot, Decree, Gpid } from '../../model/identity.ts';

export type LogEnvironment = Pick<
  ReplicaEnvironment,
  'disk' | 'timers' | 'clock' | 'random' | 'logger'
>;

export interface LogOptions {
  /** A segment that has reached this is closed; it may end above it by one block. */
  readonly segmentBytesMax: number;
  /** Records that arrive while a block is written gather up to this before they start another block. */
  readonly blockBytesMax: number;
  /** Bytes accepted and not yet written above which `isCongested` holds, until they are below half. */
  readonly congestedBytes: number;
  /** Bytes accepted and not yet written above which `append` refuses. */
  readonly pendingBytesMax: number;
  /** Records that nobody asked to sync are synced after at most about this. */
  readonly syncIntervalMs: number;
  /** After the disk was full. */
  readonly fullRetryMs: number;
  /** The log is lost for good: no append will succeed any more. Owners of pending records hear of it first. */
  readonly onFailed: (error: DiskError) => void;
}

/** One replica, as the log sees it. The log never calls it inside a call to the log. */
export interface LogOwner {
  /**
   * `mutation`, appended with `ballot` (its own may have grown since), is in the log: on the disk if it was appended
   * durable, else handed to the operating system. Everything appended before it is too.
   */
  onLogAppended(mutation: Mutation, ballot: Ballot): void;
  /** The log has failed: nothing that this owner has pending will be acknowledged. Again for each later append. */
  onLogFailed(error: DiskError): void;
}

/** Gets the records of the log in log order. What a record means for those before it is the visitor's to apply. */
export interface LogVisitor {
  /**
   * Intact by its digest. A later record for decree d replaces what the log said of this partition for d and above,
   * as far as that is not committed; with the same digest it only raises the ballot. `isVoid`: a reset follows, so
   * it is part of no history any more.
   */
  onMutation(mutation: Mutation, isVoid: boolean): void;
  /** Records of `gpid` above `decree` were given up. */
  onTruncated(gpid: Gpid, decree: Decree): void;
  /** Everything before is void for `gpid`: its state came from elsewhere and stands at `decree`; 0 = it was removed. */
  onReset(gpid: Gpid, decree: Decree): void;
}

/** Durable bytes that cannot be read. The file is kept as it is. */
export interface LogDamage {
  readonly segment: number;
  /** Where the first unreadable block lies, or would lie. */
  readonly offset: number;
  /** Blocks lost: first to last. */
  readonly firstBlock: number;
  readonly lastBlock: number;
  /** Whose records are lost; null = unknown, it may be anybody's. */
  readonly partitions: readonly Gpid[] | null;
}

export interface LogRecoveryReport {
  /** There was no log. Wrong if the owner has replicas. */
  readonly isNew: boolean;
  /** The log was closed in order, so nothing at all is missing at its end. */
  readonly closedCleanly: boolean;
  readonly segmentCount: number;
  readonly blockCount: number;
  readonly recordCount: number;
  /** Of an unfinished write, cut off. */
  readonly tornBytes: number;
  readonly damages: readonly LogDamage[];
  /**
   * Records of it above `appliedDecree` (what its engine holds, 0 if not given) are missing, or may be missing in the
   * middle or at the end: it must learn from another replica.
   */
  isSuspect(gpid: Gpid, appliedDecree?: number): boolean;
  /**
   * All copies of it on this server with lower numbers were removed: one that is here was brought back, and what the
   * log had of it is gone. 0 = none was.
   */
  firstCopyOf(gpid: Gpid): number;
}

/** Who keeps the log from shrinking: `holder` of `gpid` needs what is above `decree`. */
export interface LogStraggler {
  readonly gpid: Gpid;
  readonly holder: string;
  readonly decree: Decree;
  /** Held at least here, the partition frees its part. */
  readonly wantedDecree: Decree;
}

/** Counters since the start. */
export interface LogStatistics {
  blocks: number;
  records: number;
  bytes: number;
  /** Blocks that were synced with their write, and their total and longest time. */
  syncedBlocks: number;
  syncedMs: number;
  syncedMsMax: number;
  backgroundSyncs: number;
  recordsPerBlockMax: number;
  /** Times that the disk was full. */
  fulls: number;
}
