/**
 * Files, with durability made explicit. Paths use `/` and are relative to the disk's root unless
 * absolute; a missing parent folder is an error except for `makeDirectory`.
 *
 * What a crash may lose: all bytes since the last completed sync of that file (any subset of them,
 * the last record torn), and a create, rename or remove whose folder was not synced.
 */

export type DiskErrorCode =
  | 'notFound'
  | 'exists'
  | 'full'
  | 'io'
  | 'permission'
  | 'notEmpty'
  | 'locked'
  | 'closed';

export class DiskError extends Error {
  override readonly name = 'DiskError';
  readonly code: DiskErrorCode;
  readonly path: string;
  constructor(code: DiskErrorCode, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  /** Bytes; 0 for folders. */
  readonly size: number;
}

export interface DiskFile {
  readonly path: string;
  /** Bytes, including appends not yet synced. */
  readonly size: number;
  /** Reads up to `into.length` bytes; returns how many; less only at the end of the file. */
  read(offset: number, into: Uint8Array): Promise<number>;
  /**
   * Appends at the end, then makes the file durable if `sync`. At most one append is under way per
   * file (asserted). `bytes` must not change until `done`. After an error the file's durable
   * content is unknown: a failed sync is final for that file and is never retried. `full` means that the write
   * failed, not the sync: cut back to what was there before, the file can be appended to again.
   */
  append(bytes: Uint8Array, sync: boolean, done: (error: DiskError | null) => void): void;
  sync(): Promise<void>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/** Held until released or the process ends. */
export interface DiskLock {
  release(): Promise<void>;
}

export interface Disk {
  /** Creates parents too; fine if it exists. Durable when it resolves. */
  makeDirectory(path: string): Promise<void>;
  /** Sorted by name. */
  list(path: string): Promise<DirectoryEntry[]>;
  exists(path: string): Promise<boolean>;
  readFile(path: string): Promise<Uint8Array>;
  /**
   * Writes beside, syncs, renames over, syncs the folder: after a crash the old or the new content
   * is there.
   */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  /** `append` creates the file if it is missing; `create` fails if it exists. */
  open(path: string, mode: 'read' | 'append' | 'create'): Promise<DiskFile>;
  /** Files or folders; the target must not exist. Durable when it resolves. */
  rename(from: string, to: string): Promise<void>;
  /** Files, or folders with all that is in them; fine if missing. */
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** Bytes that can still be written, and the size of the file system. */
  space(path: string): Promise<{ freeBytes: number; totalBytes: number }>;
  /** Rejects with `locked` while any other process, or this one, holds it. */
  lock(path: string): Promise<DiskLock>;
}
