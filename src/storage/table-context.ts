/**
 * Whose rows the read and write services of one replica hold, and the limits that they keep. What can change while a
 * replica is open is in model/table-settings.ts.
 */
import { assert, assertAtLeast } from '../base/assert.ts';

export interface ReplicaContext {
  readonly appId: number;
  readonly partitionIndex: number;
  /** `host:port` of this server, as replies carry it. */
  readonly server: string;
}

/** Limits of the original unless marked "ours"; ours bound what the original leaves unbounded. */
export interface StorageLimits {
  /** Rows that one multi_get keeps or examines. */
  readonly multiGetRowsMax: number;
  /** Bytes that one ranged multi_get keeps. */
  readonly multiGetBytesMax: number;
  /** Rows of one scan batch, and the ones examined for the first. */
  readonly scanRowsMax: number;
  /** Ours: a scan batch ends early when it has read this many bytes. */
  readonly scanBytesMax: number;
  /** Ours: multi_get by keys and batch_get answer "incomplete" beyond this. */
  readonly replyBytesMax: number;
  /** Ours: the oldest context goes when one more is needed. */
  readonly scanContextsMax: number;
  readonly scanIdleMsMax: number;
  /**
   * Ours: rows that one turn of the event loop examines, and bytes that it reads, before the read goes on in later
   * turns.
   */
  readonly turnRowsMax: number;
  readonly turnBytesMax: number;
}

export const STORAGE_LIMITS: StorageLimits = {
  multiGetRowsMax: 3000,
  multiGetBytesMax: 30 * 1024 * 1024,
  scanRowsMax: 1000,
  scanBytesMax: 512 * 1024,
  replyBytesMax: 32 * 1024 * 1024,
  scanContextsMax: 1000,
  scanIdleMsMax: 5 * 60 * 1000,
  turnRowsMax: 4096,
  turnBytesMax: 1024 * 1024,
};

export function assertLimits(limits: StorageLimits): void {
  assertAtLeast(limits.multiGetRowsMax, 1, 'a multi_get keeps rows');
  assertAtLeast(limits.scanRowsMax, 1, 'a scan batch keeps rows');
  assertAtLeast(limits.scanContextsMax, 1, 'scans need contexts');
  assertAtLeast(limits.turnBytesMax, 1, 'a turn reads something');
  assert(limits.turnRowsMax >= limits.multiGetRowsMax, 'a multi_get by range fits in one turn');
  assert(limits.turnRowsMax >= limits.scanRowsMax, 'a scan batch fits in one turn');
}
