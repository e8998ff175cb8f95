/**
 * Copies of the meta server's state as files (state-dump.ts), written while it leads: at an interval, the newest few of
 * them kept, and whenever somebody asks (`meta.dump`). One that is asked for is never removed.
 *
 * A file holds the state of one moment; a change that was not durable yet may be in it, of which nobody was told. One
 * write is under way at a time; trouble with the disk is told in the log, and the next time it is tried again.
 */
import type { Clock, TimerHandle, Timers } from '../env/clock.ts';
import { type Disk, DiskError } from '../env/disk.ts';
import type { Logger } from '../env/logger.ts';
import type { StateStore } from '../env/state-store.ts';
import { encodeDump } from './state-dump.ts';

export interface DumpParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly disk: Disk;
  readonly logger: Logger;
  readonly store: StateStore;
}

export interface DumpOptions {
  readonly clusterName: string;
  readonly dataPath: string;
  /** Null = beside the data folder. */
  readonly dumpPath: string | null;
  /** 0 = none but what is asked for. */
  readonly dumpIntervalMs: number;
  readonly dumpsKept: number;
}

export class DumpKeeper {
  readonly folder: string;
  readonly #parts: DumpParts;
  readonly #options: DumpOptions;
  readonly #timer: TimerHandle | null;
  #writing: Promise<void> | null = null;
  /** Of the state that was written last: what has not changed is not written again. */
  #lastSignature = '';

  constructor(parts: DumpParts, options: DumpOptions) {
    this.#parts = parts;
    this.#options = options;
    this.folder = options.dumpPath ?? `${options.dataPath}-dumps`;
    const { dumpIntervalMs } = options;
    this.#timer =
      dumpIntervalMs === 0 ? null : parts.timers.every(dumpIntervalMs, () => this.#writeNext());
  }

  /** Begins to write; answers with the path, or with why nothing is written. */
  write(name: string): { readonly path: string } | { readonly refusal: string } {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(name) || isOwn(name)) {
      return {
        refusal: `a name of letters, digits, "_", "." and "-", which is put into ${this.folder}`,
      };
    }
    if (this.#writing !== null) return { refusal: 'another dump is being written' };
    this.#begin(name, this.#encode());
    return { path: `${this.folder}/${name}` };
  }

  /** Nothing is begun any more; resolves when nothing is written any more. Idempotent. */
  async close(): Promise<void> {
    if (this.#timer !== null) this.#parts.timers.cancel(this.#timer);
    await this.#writing;
  }

  #writeNext(): void {
    if (this.#writing !== null) return;
    const { clock } = this.#parts;
    const bytes = this.#encode();
    const signature = signatureOf(bytes);
    if (signature === this.#lastSignature) return;
    this.#lastSignature = signature;
    this.#begin(ownName(clock.wallMs()), bytes);
  }

  #encode(): Uint8Array {
    const { clock, store } = this.#parts;
    const { clusterId, epoch } = store;
    const takenSeconds = Math.floor(clock.wallMs() / 1_000);
    const { clusterName } = this.#options;
    return encodeDump({ clusterName, clusterId, epoch, takenSeconds, entries: store.entries() });
  }

  #begin(name: string, bytes: Uint8Array): void {
    this.#writing = this.#write(name, bytes).finally(() => {
      this.#writing = null;
    });
  }

  async #write(name: string, bytes: Uint8Array): Promise<void> {
    const { disk, logger } = this.#parts;
    const path = `${this.folder}/${name}`;
    try {
      await disk.makeDirectory(this.folder);
      await disk.replaceFile(path, bytes);
      logger.info('meta.dump.written', { path, bytes: bytes.length });
      await this.#removeOld();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#lastSignature = '';
      logger.warn('meta.dump.trouble', { path, error: error.message });
    }
  }

  async #removeOld(): Promise<void> {
    const { disk } = this.#parts;
    const names = (await disk.list(this.folder)).map(({ name }) => name).filter(isOwn);
    names.sort();
    const old = names.slice(0, Math.max(0, names.length - this.#options.dumpsKept));
    for (const name of old) await disk.remove(`${this.folder}/${name}`);
  }
}

/** Sorts by time. */
function ownName(wallMs: number): string {
  return `auto-${String(Math.floor(wallMs)).padStart(15, '0')}.dump`;
}

function isOwn(name: string): boolean {
  return /^auto-\d{15}\.dump$/.test(name);
}

/** The entries, without the line that tells the time. */
function signatureOf(bytes: Uint8Array): string {
  let hash = 17;
  for (let at = bytes.indexOf(10); at < bytes.length; at++) hash = (hash * 31 + bytes[at]!) | 0;
  return `${bytes.length}.${hash}`;
}
