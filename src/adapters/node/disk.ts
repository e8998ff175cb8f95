/**
 * Files of the machine below one root folder, by node:fs.
 *
 * Operations that promise durability sync the file and then its folder. Paths are taken as they are: the caller has
 * checked names that come from a network.
 */
import { close, open } from 'node:fs';
import {
  lstat,
  mkdir,
  open as openHandle,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { assert } from '../../base/assert.ts';
import {
  type DirectoryEntry,
  type Disk,
  DiskError,
  type DiskFile,
  type DiskLock,
} from '../../env/disk.ts';
import { diskError, withDiskErrors } from './disk-errors.ts';
import {
  type AppendFunction,
  appendByThreadPool,
  type DeferFunction,
  fileSize,
  NodeFile,
} from './disk-file.ts';
import { acquireLock } from './disk-lock.ts';

export interface NodeDiskOptions {
  readonly append?: AppendFunction;
  /** Where completions of appends that were done in the calling turn go. Default: the next tick. */
  readonly defer?: DeferFunction;
}

const openDescriptor = promisify(open);
const closeDescriptor = promisify(close);
const FLAGS = { read: 'r', append: 'a+', create: 'ax+' } as const;

export class NodeDisk implements Disk {
  readonly #root: string;
  readonly #append: AppendFunction;
  readonly #defer: DeferFunction;
  /** Targets of `replaceFile` calls under way: two would share one temporary file. */
  readonly #replacing = new Set<string>();

  constructor(root: string, options: NodeDiskOptions = {}) {
    this.#root = resolve(root);
    this.#append = options.append ?? appendByThreadPool;
    this.#defer = options.defer ?? process.nextTick;
  }

  async makeDirectory(path: string): Promise<void> {
    const full = this.#resolve(path);
    await withDiskErrors(full, async () => {
      const first = await mkdir(full, { recursive: true });
      if (first === undefined) return;
      // Every folder made is an entry in the one above it.
      for (let at = full; at.length >= first.length; at = dirname(at)) {
        await syncFolder(dirname(at));
      }
    });
  }

  async list(path: string): Promise<DirectoryEntry[]> {
    const full = this.#resolve(path);
    return await withDiskErrors(full, async () => {
      const entries: DirectoryEntry[] = [];
      for (const found of await readdir(full, { withFileTypes: true })) {
        const isDirectory = found.isDirectory();
        const size = isDirectory ? 0 : await sizeIfThere(join(full, found.name));
        if (size !== null) entries.push({ name: found.name, isDirectory, size });
      }
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  async exists(path: string): Promise<boolean> {
    const full = this.#resolve(path);
    return await withDiskErrors(full, () => isThere(full));
  }

  async readFile(path: string): Promise<Uint8Array> {
    const full = this.#resolve(path);
    return await withDiskErrors(full, () => readFile(full));
  }

  async replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    const full = this.#resolve(path);
    assert(!this.#replacing.has(full), 'one replacement at a time per file');
    this.#replacing.add(full);
    try {
      await withDiskErrors(full, async () => {
        const beside = `${full}.tmp`;
        const handle = await openHandle(beside, 'w');
        try {
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(beside, full);
        await syncFolder(dirname(full));
      });
    } finally {
      this.#replacing.delete(full);
    }
  }

  async open(path: string, mode: 'read' | 'append' | 'create'): Promise<DiskFile> {
    const full = this.#resolve(path);
    return await withDiskErrors(full, async () => {
      const fd = await openDescriptor(full, FLAGS[mode]);
      try {
        return new NodeFile(full, fd, await fileSize(fd), this.#append, this.#defer);
      } catch (error) {
        await closeDescriptor(fd);
        throw error;
      }
    });
  }

  async rename(from: string, to: string): Promise<void> {
    const fullFrom = this.#resolve(from);
    const fullTo = this.#resolve(to);
    await withDiskErrors(fullFrom, async () => {
      if (await isThere(fullTo)) throw new DiskError('exists', fullTo, `${fullTo} exists`);
      await rename(fullFrom, fullTo);
      await syncFolder(dirname(fullTo));
      if (dirname(fullFrom) !== dirname(fullTo)) await syncFolder(dirname(fullFrom));
    });
  }

  async remove(path: string): Promise<void> {
    const full = this.#resolve(path);
    await withDiskErrors(full, () => rm(full, { recursive: true, force: true }));
  }

  async syncDirectory(path: string): Promise<void> {
    const full = this.#resolve(path);
    await withDiskErrors(full, () => syncFolder(full));
  }

  async space(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
    const full = this.#resolve(path);
    return await withDiskErrors(full, async () => {
      const found = await statfs(full);
      return { freeBytes: found.bavail * found.bsize, totalBytes: found.blocks * found.bsize };
    });
  }

  async lock(path: string): Promise<DiskLock> {
    return await acquireLock(this.#resolve(path));
  }

  #resolve(path: string): string {
    return resolve(this.#root, path);
  }
}

async function syncFolder(full: string): Promise<void> {
  const handle = await openHandle(full, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function isThere(full: string): Promise<boolean> {
  try {
    await lstat(full);
    return true;
  } catch (error) {
    if (diskError(error, full).code === 'notFound') return false;
    throw error;
  }
}

/** Null when the file has gone since it was listed. */
async function sizeIfThere(full: string): Promise<number | null> {
  try {
    return (await stat(full)).size;
  } catch (error) {
    if (diskError(error, full).code === 'notFound') return null;
    throw error;
  }
}
