/**
 * A service that several meta servers share (etcd, ZooKeeper): a space of keys that belongs to one cluster, with one
 * key, the *head*, that fences all the others, and a place for the one who leads.
 *
 * Its clients do one attempt of one thing and know nothing of terms, retries or records: that is
 * meta/shared-state-store.ts. Every method rejects with `CoordinationError` when the service does not answer in
 * time; a write may have happened then, and may even happen later.
 */
import type { StateEntry } from './state-store.ts';

export class CoordinationError extends Error {
  override readonly name = 'CoordinationError';
}

export interface Head {
  /** Grows whenever the head is written, and never comes back to an older value. */
  readonly version: number;
  readonly value: Uint8Array;
}

/** The version of a head that was never written. */
export const HEAD_ABSENT = 0;

/** What the state was at one moment. */
export interface SharedState {
  readonly head: Head | null;
  readonly entries: StateEntry[];
}

export interface FencedWrite {
  /** The head has this version, or nothing happens. */
  readonly fence: number;
  /** Its next value; null leaves value and version alone. */
  readonly head: Uint8Array | null;
  /** Each key at most once, those of removals included. */
  readonly puts: readonly StateEntry[];
  /** Keys, with nothing at them or something. */
  readonly removals: readonly string[];
}

/** What fits into one write, without the head. */
export interface WriteLimits {
  /** Puts and removals. */
  readonly changesMax: number;
  /** Keys and values of puts; at least STATE_ENTRY_BYTES_MAX. */
  readonly bytesMax: number;
}

export interface Standing {
  /** Text of the candidate that leads; null while nobody does. */
  readonly leader: string | null;
  readonly isSelf: boolean;
}

export interface CoordinationService {
  readonly limits: WriteLimits;
  /** The newest: nothing that was acknowledged to anybody before the call is missed. */
  readHead(): Promise<Head | null>;
  readAll(): Promise<SharedState>;
  /** All or nothing. The version of the head afterwards, or null when the fence was down and nothing happened. */
  write(request: FencedWrite): Promise<number | null>;
  /**
   * One round of the election: says that the candidate is alive, and gives it the lead if nobody has it. Who misses
   * its rounds for `leadTimeoutMs` loses the lead. The lead decides who should begin a term; what a term may write is
   * decided by the head alone.
   */
  attend(candidate: string): Promise<Standing>;
  readonly leadTimeoutMs: number;
  /** Gives up the lead, or the wish for it. */
  resign(): Promise<void>;
  close(): Promise<void>;
}
