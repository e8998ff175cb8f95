/**
 * What the read and write services of one replica must know of their table, and the limits they keep.
 *
 * The identity never changes while a replica is open. The settings come from the table's environment (envs) and from
 * the partition count; a new record replaces the old one when the meta server pushes a change.
 */
import { assert, assertAtLeast } from '../base/assert.ts';

export interface ReplicaContext {
  readonly appId: number;
  readonly partitionIndex: number;
  /** `host:port` of this server, as replies carry it. */
  readonly server: string;
}

export interface TableSettings {
  /** Power of two. */
  readonly partitionCount: number;
  /** Given to writes that ask for no expiry; 0 = none. */
  readonly defaultTtlSeconds: number;
  /** Time limit of one range read; 0 = none. */
  readonly rangeTimeMsMax: number;
  /** Scans leave out rows that belong to another partition, unless their request says not to. */
  readonly validatePartitionHash: boolean;
}

/** Limits of the original unless marked "ours"; ours bound what the original leaves unbounded. */
export interface StorageLimits {
  /** Rows that one multi_get keeps or examines. */
  readonly multiGetRowsMax: number;
  /** Bytes that one ranged multi_get keeps. */
  readonly multiGetBytesMax: number;
  /** Rows of one scan batch, and the ones examined for the first. */
  readonly scanRowsMax: number;
  /** Ours: a scan batch ends early when it has this many bytes. */
  readonly scanBytesMax: number;
  /** Ours: multi_get by keys and batch_get answer "incomplete" beyond this. */
  readonly replyBytesMax: number;
  /** Ours: the oldest context goes when one more is needed. */
  readonly scanContextsMax: number;
  readonly scanIdleMsMax: number;
  /** Ours: rows that one turn of the event loop examines before the read goes on in later turns. */
  readonly turnRowsMax: number;
}

export const STORAGE_LIMITS: StorageLimits = {
  multiGetRowsMax: 3000,
  multiGetBytesMax: 30 * 1024 * 1024,
  scanRowsMax: 1000,
  scanBytesMax: 8 * 1024 * 1024,
  replyBytesMax: 32 * 1024 * 1024,
  scanContextsMax: 1000,
  scanIdleMsMax: 5 * 60 * 1000,
  turnRowsMax: 4096,
};

export const RANGE_TIME_MS_DEFAULT = 30_000;

/** Names of the envs that this layer obeys. */
export const StorageEnv = {
  defaultTtl: 'default_ttl',
  rangeTimeMs: 'replica.rocksdb_iteration_threshold_time_ms',
  validatePartitionHash: 'replica.split.validate_partition_hash',
} as const;

/**
 * Reads the settings from a table's envs. The meta server validates envs before it stores them; what got stored
 * invalid all the same counts as not set.
 */
export function tableSettings(
  partitionCount: number,
  envs: ReadonlyMap<string, string>,
): TableSettings {
  assertAtLeast(partitionCount, 1, 'a table has partitions');
  assert((partitionCount & (partitionCount - 1)) === 0, 'partition counts are powers of two');
  return {
    partitionCount,
    defaultTtlSeconds: parseDecimal(envs.get(StorageEnv.defaultTtl), 0x7fffffff) ?? 0,
    rangeTimeMsMax:
      parseDecimal(envs.get(StorageEnv.rangeTimeMs), Number.MAX_SAFE_INTEGER) ??
      RANGE_TIME_MS_DEFAULT,
    validatePartitionHash: envs.get(StorageEnv.validatePartitionHash)?.toLowerCase() === 'true',
  };
}

export function assertLimits(limits: StorageLimits): void {
  assertAtLeast(limits.multiGetRowsMax, 1, 'a multi_get keeps rows');
  assertAtLeast(limits.scanRowsMax, 1, 'a scan batch keeps rows');
  assertAtLeast(limits.scanContextsMax, 1, 'scans need contexts');
  assert(limits.turnRowsMax >= limits.multiGetRowsMax, 'a multi_get by range fits in one turn');
  assert(limits.turnRowsMax >= limits.scanRowsMax, 'a scan batch fits in one turn');
}

/** A whole number in plain digits, at most `maximum`; null for anything else. */
function parseDecimal(text: string | undefined, maximum: number): number | null {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return value <= maximum ? value : null;
}
