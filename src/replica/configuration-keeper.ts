/**
 * Makes the newest configuration that a replica has seen durable, the latest one only, one write at a time.
 *
 * Nothing is acknowledged or committed under a ballot before its configuration is durable, so a disk without room
 * holds the replica up: the write is repeated until there is some. Any other failure ends the replica.
 */
import { reached } from '../base/marks.ts';
import { DiskError } from '../env/disk.ts';
import type { Ballot } from '../model/identity.ts';
import type { ReplicaFolder, StoredReplica } from './replica-folder.ts';

export interface ConfigurationOwner {
  onPersisted(ballot: Ballot): void;
  onPersistFailed(reason: string): void;
}

const FULL_RETRY_MS = 1_000;

export class ConfigurationKeeper {
  readonly #folder: ReplicaFolder;
  readonly #owner: ConfigurationOwner;
  #waiting: StoredReplica | null = null;
  #writing: Promise<void> | null = null;
  #isFull = false;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(folder: ReplicaFolder, owner: ConfigurationOwner) {
    this.#folder = folder;
    this.#owner = owner;
  }

  persist(stored: StoredReplica): void {
    this.#waiting = stored;
    if (!this.#isFull) this.#writeSoon();
  }

  onTick(nowMs: number): void {
    if (!this.#isFull || nowMs < this.#retryAtMs) return;
    this.#retryAtMs = nowMs + FULL_RETRY_MS;
    this.#isFull = false;
    this.#writeSoon();
  }

  /** Nothing more is written when it resolves. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
  }

  #writeSoon(): void {
    if (this.#waiting === null || this.#closed) return;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
      // What was asked for in between must not be forgotten.
      if (!this.#isFull) this.#writeSoon();
    });
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting !== null && !this.#closed) {
      const stored = this.#waiting;
      this.#waiting = null;
      try {
        await this.#folder.write(stored);
      } catch (error) {
        if (error instanceof DiskError && error.code === 'full') {
          reached('replica.config.noRoom');
          this.#waiting ??= stored;
          this.#isFull = true;
        } else {
          const text = error instanceof Error ? error.message : String(error);
          this.#owner.onPersistFailed(`the configuration cannot be stored: ${text}`);
        }
        return;
      }
      if (!this.#closed) this.#owner.onPersisted(stored.config.ballot);
    }
  }
}
