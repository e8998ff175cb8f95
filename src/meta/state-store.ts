/**
 * Where the meta server keeps its state: bytes under keys (cluster/records.ts), the newest of each.
 *
 * A store is opened for one term of leadership. Its `epoch` is larger than that of every term before; in stores
 * that are shared by several meta servers each append is fenced by it, so that a deposed leader can change nothing.
 * The embedded journal has one owner by its lock, and a term is a start of the process.
 *
 * A store does not fail: trouble that may pass (a full disk, a lost connection) it waits out, and says so in
 * `trouble`; meanwhile nothing that was asked for is acknowledged, and what was known keeps being served. Opening
 * fails with `StateStoreError`.
 */
import { UserError } from '../base/user-error.ts';
import type { StateEntry } from '../cluster/records.ts';

export type StateStoreErrorCode =
  /** Another process has the store. */
  | 'locked'
  /** The folder is not ours. */
  | 'foreignFolder'
  /** Another cluster's. */
  | 'foreignCluster'
  /** Written by a later version of this program. */
  | 'newerFormat'
  /** Damaged in a way that no crash explains. */
  | 'corrupt'
  /** The disk or the service refuses. */
  | 'unavailable';

export class StateStoreError extends UserError {
  override readonly name = 'StateStoreError';
  readonly code: StateStoreErrorCode;
  constructor(code: StateStoreErrorCode, message: string, remedy: string) {
    super(message, remedy);
    this.code = code;
  }
}

/** `deposed`: another leader's term has begun; nothing was written and nothing ever will be. */
export type AppendOutcome = 'durable' | 'deposed';

export interface StateStore {
  /** Made at random when the store was made; the same for ever. */
  readonly clusterId: string;
  readonly epoch: number;
  /** Null, or why an append takes so long. */
  readonly trouble: string | null;
  /** All entries; the values must not be changed. */
  entries(): StateEntry[];
  /** All or nothing. At most one append is under way (asserted). `done` is never called in the same turn. */
  append(entries: readonly StateEntry[], done: (outcome: AppendOutcome) => void): void;
  /** Waits for what is under way on the disk; an append that waits out trouble is not acknowledged any more. */
  close(): Promise<void>;
}
