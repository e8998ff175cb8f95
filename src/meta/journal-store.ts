/**
 * The embedded state store: a journal in a folder of its own, for clusters with one meta server.
 *
 *   LOCK                    held while the store is open
 *   snapshot-GENERATION     everything at the start of a generation; written beside and renamed, never changed
 *   journal-GENERATION      what came after it, one frame per append, synced before it is acknowledged
 *
 * 1. The state is the highest snapshot and the journal of the same generation.
 * 2. A new generation begins at each start, when the journal has grown, and after an error: what an append that
 *    failed has left in the old file is unknown, so it is written anew as part of a snapshot. A failed sync is
 *    never retried on the same file.
 * 3. Older generations are removed only when the newer one is durable, so a crash at any point leaves one whole
 *    state.
 *
 * journal-format.ts tells a torn tail from a corrupt middle.
 */
import { assert } from '../base/assert.ts';
import { concatBytes } from '../base/bytes.ts';
import { reached } from '../base/marks.ts';
import type { TimerHandle, Timers } from '../env/clock.ts';
import { type Disk, DiskError, type DiskFile, type DiskLock } from '../env/disk.ts';
import type { Logger } from '../env/logger.ts';
import type { Random } from '../env/random.ts';
import {
  type AppendOutcome,
  type StateEntry,
  type StateStore,
  StateStoreError,
} from '../env/state-store.ts';
import {
  encodeEntries,
  encodeFrame,
  encodeHeader,
  JOURNAL_FORMAT,
  type JournalHeader,
} from './journal-format.ts';
import { type JournalContent, loadJournal, refuseForeign } from './journal-load.ts';
import type { StateContent } from './state-dump.ts';
import { assertAppendable, randomClusterId } from './state-entries.ts';

export interface JournalEnvironment {
  readonly disk: Disk;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

export interface JournalOptions {
  readonly path: string;
  readonly clusterName: string;
  /** A journal larger than this, and than twice its snapshot, is folded into a new generation. */
  readonly journalBytesMax: number;
  readonly retryDelayMs: number;
}

export const DEFAULT_JOURNAL_LIMITS: Pick<JournalOptions, 'journalBytesMax' | 'retryDelayMs'> = {
  journalBytesMax: 4 * 1024 * 1024,
  retryDelayMs: 1_000,
};

/** Entries per frame of a snapshot. */
const SNAPSHOT_ENTRIES_MAX = 4_096;

interface PendingAppend {
  readonly entries: readonly StateEntry[];
  readonly done: (outcome: AppendOutcome) => void;
}

export class JournalStore implements StateStore {
  readonly clusterId: string;
  readonly epoch: number;
  trouble: string | null = null;
  readonly #environment: JournalEnvironment;
  readonly #options: JournalOptions;
  readonly #lock: DiskLock;
  readonly #latest: Map<string, Uint8Array>;
  #generation: number;
  #sequence = 0;
  #journal: DiskFile | null = null;
  #snapshotBytes = 0;
  /** The append that was asked for and is not acknowledged. */
  #pending: PendingAppend | null = null;
  /** A new generation is being made; null when none is. Never rejects. */
  #rotation: Promise<void> | null = null;
  #writing: Promise<void> | null = null;
  #retry: TimerHandle | null = null;
  #closed = false;

  private constructor(
    environment: JournalEnvironment,
    options: JournalOptions,
    lock: DiskLock,
    content: JournalContent | null,
  ) {
    this.#environment = environment;
    this.#options = options;
    this.#lock = lock;
    this.#latest = content === null ? new Map() : content.entries;
    this.#generation = content === null ? 0 : content.generation;
    this.epoch = content === null ? 1 : content.epoch + 1;
    this.clusterId = content === null ? randomClusterId(environment.random) : content.clusterId;
  }

  /** Rejects with `StateStoreError`. */
  static async open(
    environment: JournalEnvironment,
    options: JournalOptions,
  ): Promise<JournalStore> {
    const { disk } = environment;
    const lock = await takeLock(disk, options.path);
    try {
      const content = await loadJournal(disk, options.path, options.clusterName);
      if (content !== null && content.tornBytes > 0) {
        reached('meta.journal.torn');
        environment.logger.warn('meta.journal.torn', { bytes: content.tornBytes });
      }
      const store = new JournalStore(environment, options, lock, content);
      await store.#rotate();
      return store;
    } catch (error) {
      await lock.release();
      throw unavailable(error, options.path);
    }
  }

  /** All that the folder holds; null if no store was ever made there. Rejects with `StateStoreError`. */
  static async read(
    { disk }: Pick<JournalEnvironment, 'disk'>,
    { path, clusterName }: Pick<JournalOptions, 'path' | 'clusterName'>,
  ): Promise<StateContent | null> {
    if (!(await disk.exists(path))) return null;
    const lock = await takeLock(disk, path);
    try {
      const content = await loadJournal(disk, path, clusterName);
      if (content === null) return null;
      const { clusterId, epoch } = content;
      const entries = [...content.entries].map(([key, value]) => ({ key, value }));
      return { clusterName, clusterId, epoch, entries };
    } catch (error) {
      throw unavailable(error, path);
    } finally {
      await lock.release();
    }
  }

  /**
   * Puts the state of another store into the folder, all of it or nothing; what is there already goes only if
   * `mayReplace`. Rejects with `StateStoreError`.
   */
  static async fill(
    environment: JournalEnvironment,
    options: JournalOptions,
    content: StateContent,
    mayReplace: boolean,
  ): Promise<void> {
    const { disk } = environment;
    const lock = await takeLock(disk, options.path);
    try {
      const found = await loadJournal(disk, options.path, options.clusterName);
      if (found !== null && found.entries.size > 0 && !mayReplace) throw occupied(options.path);
      const store = new JournalStore(environment, options, lock, {
        clusterId: content.clusterId,
        epoch: Math.max(content.epoch, found?.epoch ?? 0),
        generation: found?.generation ?? 0,
        entries: new Map(content.entries.map(({ key, value }) => [key, value])),
        tornBytes: 0,
      });
      await store.#rotate();
      await store.#journal?.close();
    } catch (error) {
      throw unavailable(error, options.path);
    } finally {
      await lock.release();
    }
  }

  entries(): StateEntry[] {
    return [...this.#latest].map(([key, value]) => ({ key, value }));
  }

  append(entries: readonly StateEntry[], done: (outcome: AppendOutcome) => void): void {
    assert(!this.#closed, 'a store in use is open');
    assert(this.#pending === null, 'one append at a time');
    assertAppendable(entries);
    this.#pending = { entries, done };
    if (this.#rotation === null && this.#retry === null) this.#write();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#pending = null;
    if (this.#retry !== null) this.#environment.timers.cancel(this.#retry);
    await this.#rotation;
    await this.#writing;
    await this.#journal?.close();
    await this.#lock.release();
  }

  /** Appends what is pending to the journal. */
  #write(): void {
    const pending = this.#pending;
    const journal = this.#journal;
    assert(pending !== null, 'something is to be written');
    assert(journal !== null, 'there is a journal to write to');
    this.#take(pending.entries);
    this.#sequence += 1;
    const bytes = encodeFrame(this.#sequence, encodeEntries(pending.entries));
    reached('meta.journal.before');
    this.#writing = new Promise((resolve) => {
      journal.append(bytes, true, (error) => {
        this.#writing = null;
        resolve();
        if (this.#closed) return;
        if (error !== null) this.#onTrouble(error);
        else this.#onWritten(journal);
      });
    });
  }

  #onWritten(journal: DiskFile): void {
    this.#acknowledge();
    const limit = Math.max(this.#options.journalBytesMax, 2 * this.#snapshotBytes);
    if (journal.size > limit && !this.#closed) this.#beginRotation();
  }

  #acknowledge(): void {
    reached('meta.journal.durable');
    const pending = this.#pending;
    this.#pending = null;
    pending?.done('durable');
  }

  /** The journal cannot be trusted any more: the state goes into a new generation, as soon as that can be written. */
  #onTrouble(error: unknown): void {
    reached('meta.journal.trouble');
    this.trouble = error instanceof Error ? error.message : String(error);
    this.#environment.logger.warn('meta.journal.trouble', { message: this.trouble });
    this.#retry = this.#environment.timers.after(this.#options.retryDelayMs, () => {
      this.#retry = null;
      this.#beginRotation();
    });
  }

  #beginRotation(): void {
    assert(this.#rotation === null, 'one rotation at a time');
    const included = this.#pending;
    if (included !== null) this.#take(included.entries);
    this.#rotation = this.#rotate().then(
      () => this.#onRotated(included),
      (error: unknown) => {
        this.#rotation = null;
        if (!this.#closed) this.#onTrouble(error);
      },
    );
  }

  #onRotated(included: PendingAppend | null): void {
    this.#rotation = null;
    this.trouble = null;
    if (this.#closed) return;
    // Part of the snapshot that is durable now.
    if (included !== null) this.#acknowledge();
    else if (this.#pending !== null) this.#write();
  }

  #take(entries: readonly StateEntry[]): void {
    for (const { key, value } of entries) this.#latest.set(key, value);
  }

  /** Rule 3. A generation whose making failed is never used again: the next attempt takes the next number. */
  async #rotate(): Promise<void> {
    const { disk } = this.#environment;
    const { path } = this.#options;
    this.#generation += 1;
    const generation = this.#generation;
    const snapshot = this.#encodeSnapshot(generation);
    await disk.replaceFile(`${path}/${generationFile('snapshot', generation)}`, snapshot);
    reached('meta.journal.snapshot');
    const name = generationFile('journal', generation);
    const journal = await disk.open(`${path}/${name}`, 'create');
    try {
      await appendDurably(
        journal,
        encodeFrame(0, encodeHeader(this.#header('journal', generation))),
      );
      await disk.syncDirectory(path);
    } catch (error) {
      await journal.close();
      throw error;
    }
    const old = this.#journal;
    this.#journal = journal;
    this.#sequence = 0;
    this.#snapshotBytes = snapshot.length;
    await old?.close();
    reached('meta.journal.begun');
    await removeOlder(disk, path, generation);
  }

  #header(kind: JournalHeader['kind'], generation: number): JournalHeader {
    return {
      format: JOURNAL_FORMAT,
      kind,
      clusterName: this.#options.clusterName,
      clusterId: this.clusterId,
      generation,
      epoch: this.epoch,
    };
  }

  #encodeSnapshot(generation: number): Uint8Array {
    const entries = this.entries();
    const frames = [encodeFrame(0, encodeHeader(this.#header('snapshot', generation)))];
    for (let start = 0; start < entries.length; start += SNAPSHOT_ENTRIES_MAX) {
      const some = entries.slice(start, start + SNAPSHOT_ENTRIES_MAX);
      frames.push(encodeFrame(frames.length, encodeEntries(some)));
    }
    // An empty frame ends a snapshot: a shorter file is a damaged one.
    frames.push(encodeFrame(frames.length, encodeEntries([])));
    return concatBytes(frames);
  }
}

export function generationFile(kind: JournalHeader['kind'], generation: number): string {
  return `${kind}-${String(generation).padStart(12, '0')}`;
}

function occupied(path: string): StateStoreError {
  return new StateStoreError(
    'occupied',
    `The folder ${path} holds the state of a meta server already.`,
    'Choose an empty folder, or say --replace to lose what is there.',
  );
}

async function takeLock(disk: Disk, path: string): Promise<DiskLock> {
  try {
    // The lock is a file, and nothing is to be left behind in somebody else's folder.
    if (await disk.exists(path)) await refuseForeign(disk, path);
    await disk.makeDirectory(path);
    return await disk.lock(`${path}/LOCK`);
  } catch (error) {
    if (error instanceof DiskError && error.code === 'locked') {
      throw new StateStoreError(
        'locked',
        `The folder ${path} is in use by another meta server: ${error.message}.`,
        'Stop that process, or give this one another folder (meta.data_dir).',
      );
    }
    throw unavailable(error, path);
  }
}

/** What a caller can do something about as `StateStoreError`; bugs stay what they are. */
function unavailable(error: unknown, path: string): unknown {
  if (!(error instanceof DiskError)) return error;
  if (error.code === 'full') {
    return new StateStoreError(
      'unavailable',
      `The disk of the folder ${path} is full.`,
      'Free some space and start again; nothing is damaged.',
    );
  }
  return new StateStoreError(
    'unavailable',
    `The journal in ${path} cannot be opened: ${error.message}.`,
    'Check that the folder is readable and writable and that its disk is not full.',
  );
}

function appendDurably(file: DiskFile, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    file.append(bytes, true, (error) => (error === null ? resolve() : reject(error)));
  });
}

async function removeOlder(disk: Disk, path: string, generation: number): Promise<void> {
  for (const entry of await disk.list(path)) {
    const match = /^(?:snapshot|journal)-(\d+)/.exec(entry.name);
    if (match !== null && Number(match[1]) < generation) await disk.remove(`${path}/${entry.name}`);
  }
}
