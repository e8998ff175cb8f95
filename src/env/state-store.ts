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
 *
 * What all of them do is written down as cases in adapters/state-store-contract.ts.
 */
import { UserError } from '../base/user-error.ts';

/** One key of a state store with its newest value. */
export interface StateEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Key and value together; every store takes them (asserted), so that state can be moved from one to another. */
export const STATE_ENTRY_BYTES_MAX: number = 512 * 1024;

/** Of one append, keys and values together. */
export const STATE_APPEND_BYTES_MAX: number = 64 * 1024 * 1024;

export type StateStoreErrorCode =
  /** Another process has the store. */
  | 'locked'
  /** The folder is not ours. */
  | 'foreignFolder'
  /** The file is none of ours. */
  | 'foreignFile'
  /** Another cluster's. */
  | 'foreignCluster'
  /** Written by a later version of this program. */
  | 'newerFormat'
  /** Damaged in a way that no crash explains. */
  | 'corrupt'
  /** It holds something already that nobody has said may go. */
  | 'occupied'
  /** The meta servers that use it do not count this one among them. */
  | 'unlistedServer'
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

/**
 * `deposed`: another leader's term has begun. It has begun with the append as a whole or without it; from now on
 * nothing of this term is written any more.
 */
export type AppendOutcome = 'durable' | 'deposed';

export interface StateStore {
  /** Made at random when the store was made; the same for ever. */
  readonly clusterId: string;
  readonly epoch: number;
  /** Null, or why an append takes so long. */
  readonly trouble: string | null;
  /** All entries; the values must not be changed. */
  entries(): StateEntry[];
  /**
   * All or nothing, however many. At most one append is under way (asserted). The entries must not be changed until
   * `done`, which is never called inside the call.
   */
  append(entries: readonly StateEntry[], done: (outcome: AppendOutcome) => void): void;
  /** Waits for what is under way; an append that waits out trouble is not acknowledged any more. */
  close(): Promise<void>;
}
