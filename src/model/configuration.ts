/**
 * What the meta server knows of tables and partitions, and pushes to replica servers.
 *
 * Invariants of a partition configuration:
 *  1. `primary` and `secondaries` together are the *members*. Every committed mutation is in the
 *     log of every member (PacificA's commit rule), so any member of the newest configuration may
 *     lead.
 *  2. A node is a member at most once; a learner is no member.
 *  3. Two configurations of one partition with the same ballot are equal in their members.
 */
import { assert } from '../base/assert.ts';
import type { Ballot, Gpid, NodeId } from './identity.ts';
import { BALLOT_NONE, PARTITION_INDEX_MAX } from './identity.ts';

/** Numbers of the original's `partition_status`, plus nothing of our own. */
export const ReplicaStatus = {
  inactive: 1,
  error: 2,
  primary: 3,
  secondary: 4,
  potentialSecondary: 5,
} as const;
export type ReplicaStatus = (typeof ReplicaStatus)[keyof typeof ReplicaStatus];

/** Numbers of the original's `app_status`. */
export const AppStatus = {
  invalid: 0,
  available: 1,
  creating: 2,
  createFailed: 3,
  dropping: 4,
  dropFailed: 5,
  dropped: 6,
  recalling: 7,
} as const;
export type AppStatus = (typeof AppStatus)[keyof typeof AppStatus];

export interface PartitionConfiguration {
  readonly gpid: Gpid;
  /** 0 before the first configuration. */
  readonly ballot: Ballot;
  /** Members wanted, 1 … 5. */
  readonly maxReplicaCount: number;
  readonly primary: NodeId | null;
  readonly secondaries: readonly NodeId[];
  /**
   * The node that the primary is asked to bring up to date, or null. A wish, no membership: it may
   * change without a new ballot.
   */
  readonly learner: NodeId | null;
}

export interface AppInfo {
  readonly appId: number;
  readonly appName: string;
  /** `pegasus` */
  readonly appType: string;
  readonly status: AppStatus;
  /** Power of two. */
  readonly partitionCount: number;
  readonly maxReplicaCount: number;
  readonly envs: ReadonlyMap<string, string>;
  /** Seconds since 1970, 0 = never. */
  readonly createSeconds: number;
  readonly dropSeconds: number;
  readonly expireSeconds: number;
  /** Kept for administrators; every table of ours behaves so. */
  readonly atomicIdempotent: boolean;
  /** Grows with each change of what stands here: of two versions of a table it tells the newer. 0 = not known. */
  readonly revision: number;
}

/** For what comes from outside: its numbers can be those of a table. */
export function isTable(app: AppInfo): boolean {
  const { appId, partitionCount, maxReplicaCount } = app;
  if (!Number.isSafeInteger(appId) || appId < 1) return false;
  if (!Number.isSafeInteger(maxReplicaCount) || maxReplicaCount < 1) return false;
  if (!Number.isSafeInteger(partitionCount) || partitionCount < 1) return false;
  return partitionCount <= PARTITION_INDEX_MAX + 1 && (partitionCount & (partitionCount - 1)) === 0;
}

export function members(config: PartitionConfiguration): NodeId[] {
  return config.primary === null
    ? [...config.secondaries]
    : [config.primary, ...config.secondaries];
}

export function isMember(config: PartitionConfiguration, node: NodeId): boolean {
  return config.primary === node || config.secondaries.includes(node);
}

export function initialConfiguration(gpid: Gpid, maxReplicaCount: number): PartitionConfiguration {
  return {
    gpid,
    ballot: BALLOT_NONE,
    maxReplicaCount,
    primary: null,
    secondaries: [],
    learner: null,
  };
}

/** Invariants 1 and 2, for what comes from outside. */
export function isConfiguration(config: PartitionConfiguration): boolean {
  const all = members(config);
  if (new Set(all).size !== all.length || config.maxReplicaCount < 1) return false;
  return config.learner === null || !all.includes(config.learner);
}

/** Invariants 1 and 2; call it where a configuration is made and where it is read back. */
export function assertConfiguration(config: PartitionConfiguration): void {
  const all = members(config);
  assert(new Set(all).size === all.length, 'a node is a member of a partition at most once');
  assert(config.learner === null || !all.includes(config.learner), 'a learner is no member');
  assert(config.maxReplicaCount >= 1, 'a partition wants at least one replica');
}
