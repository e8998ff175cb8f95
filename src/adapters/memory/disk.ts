/**
 * A disk in memory that forgets at a crash what was not synced, for the simulator and for tests.
 *
 * Deterministic: same calls, same random source, same result. With `timers` every operation
 * completes through them (so that virtual time drives it), after `latencyMs`; without, at once in a
 * microtask.
 *
 * Fault model, after disk-tree.ts and disk-file-content.ts: un-synced sectors and un-synced entries
 * are lost or kept at random; what was appended and not completed may be there; operations under
 * way at a crash never complete. Faults on command: an error of the next operation of a kind, a
 * sync that fails and leaves the pages clean, a full disk (a part of the append is written), a
 * remount as read-only, reads of old sectors, latency; and damage at rest (disk-damage.ts). Left
 * out: permissions, links.
 */
import { assert } from '../../base/assert.ts';
import type { Timers } from '../../env/clock.ts';
import {
  type DirectoryEntry,
  type Disk,
  DiskError,
  type DiskErrorCode,
  type DiskFile,
  type DiskLock,
} from '../../env/disk.ts';
import type { Random } from '../../env/random.ts';
import { DiskDamage } from './disk-damage.ts';
import { FileContent, SECTOR_BYTES } from './disk-file-content.ts';
import { Folder, Tree } from './disk-tree.ts';

export type DiskOperation = 'append' | 'sync' | 'read' | 'metadata';

export interface MemoryDiskOptions {
  /** Null = complete at once. */
  readonly timers: Timers | null;
  /** Bytes of file content that fit. */
  readonly capacityBytes: number;
}

interface ArmedFault {
  readonly operation: DiskOperation;
  readonly code: DiskErrorCode;
  readonly pathPart: string;
  remaining: number;
}

interface ArmedStaleRead {
  readonly pathPart: string;
  readonly random: Random;
}

export class MemoryDisk implements Disk {
  /** Of one operation; may be changed at any time. `bytes` is 0 for `sync` and `metadata`. */
  latencyMs: (operation: DiskOperation, bytes: number) => number = () => 0;
  capacityBytes: number;
  /** As after a remount: whatever would change something fails with `permission`. */
  isReadOnly = false;
  readonly damage: DiskDamage;
  readonly #timers: Timers | null;
  readonly #tree = new Tree();
  readonly #locks = new Set<string>();
  readonly #replacing = new Set<string>();
  #faults: ArmedFault[] = [];
  #staleReads: ArmedStaleRead[] = [];
  #usedBytes = 0;
  #stallCount = 0;
  /** What would have ended while the disk was stalled. */
  #held: (() => void)[] = [];
  /** Grows at each crash: what belongs to an earlier life never completes. */
  #life = 0;

  constructor(options: Partial<MemoryDiskOptions> = {}) {
    this.#timers = options.timers ?? null;
    this.capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
    this.damage = new DiskDamage(this.#tree, () => this.#measure());
  }

  // ---- faults ----

  /** Nothing ends from now on; once every stall is over, all that would have ended does, in order. */
  stall(): () => void {
    this.#stallCount += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#stallCount -= 1;
      if (this.#stallCount > 0) return;
      for (const guarded of this.#held.splice(0)) {
        if (this.#timers === null) queueMicrotask(guarded);
        else this.#timers.defer(guarded);
      }
    };
  }

  /**
   * The machine loses power: files and locks that were open are gone, pending operations never
   * complete.
   */
  crash(random: Random): void {
    this.#life += 1;
    this.#held = [];
    this.#locks.clear();
    this.#replacing.clear();
    this.#faults = [];
    this.#staleReads = [];
    this.#tree.crash(random);
    this.#measure();
  }

  /** All that was written is durable, as it is some time after; but for pages whose sync failed. */
  writeBack(): void {
    this.#tree.settle();
    for (const file of this.#tree.files()) file.onSynced(file.size);
  }

  /** The process dies and the machine lives: what was written stays, un-synced or not. */
  kill(): void {
    this.#life += 1;
    this.#held = [];
    this.#locks.clear();
    this.#replacing.clear();
  }

  /**
   * The next `count` operations of this kind on paths that contain `pathPart` fail. The answer calls
   * off what has not happened of it.
   */
  failNext(
    operation: DiskOperation,
    code: DiskErrorCode = 'io',
    pathPart: string = '',
    count: number = 1,
  ): () => void {
    const armed = { operation, code, pathPart, remaining: count };
    this.#faults.push(armed);
    return () => {
      this.#faults = this.#faults.filter((other) => other !== armed);
    };
  }

  /**
   * The next read of a path that contains `pathPart` answers, for some of its sectors, what they
   * held before; the one after it is right again. The answer calls it off.
   */
  staleNext(pathPart: string, random: Random): () => void {
    const armed = { pathPart, random };
    this.#staleReads.push(armed);
    return () => {
      this.#staleReads = this.#staleReads.filter((other) => other !== armed);
    };
  }

  /** Bit rot: changes durable content silently. */
  flipBit(path: string, offset: number, bit: number): void {
    this.#tree.file(path).flipBit(offset, bit);
  }

  clearFaults(): void {
    this.#faults = [];
    this.#staleReads = [];
  }

  /** A sync has failed, and a crash may still take what it should have made durable. */
  get hasLostPages(): boolean {
    for (const file of this.#tree.files()) if (file.hasLostPages) return true;
    return false;
  }

  /** Bytes of a file that a crash now would certainly keep. */
  durableSize(path: string): number {
    return this.#tree.file(path).durableSize;
  }

  // ---- Disk ----

  async makeDirectory(path: string): Promise<void> {
    await this.step('metadata', path, 0);
    let at = this.#tree.root;
    for (const name of Tree.names(path)) {
      let next = at.entries.get(name);
      if (next === undefined) {
        this.refuseWrites(path);
        next = new Folder();
        this.#tree.change({ folder: at, name, entry: next });
        this.#tree.sync(at);
      }
      if (!(next instanceof Folder)) throw new DiskError('exists', path, `${path} is a file`);
      at = next;
    }
  }

  async list(path: string): Promise<DirectoryEntry[]> {
    await this.step('metadata', path, 0);
    const found: DirectoryEntry[] = [];
    for (const [name, entry] of this.#tree.folder(path).entries) {
      const isDirectory = entry instanceof Folder;
      found.push({ name, isDirectory, size: isDirectory ? 0 : entry.size });
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async exists(path: string): Promise<boolean> {
    await this.step('metadata', path, 0);
    return this.#tree.find(path) !== null;
  }

  async readFile(path: string): Promise<Uint8Array> {
    await this.step('read', path, this.#tree.file(path).size);
    return this.read(path, this.#tree.file(path)).slice();
  }

  async replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    assert(!this.#replacing.has(path), 'one replacement at a time per file');
    this.#replacing.add(path);
    try {
      const beside = `${path}.tmp`;
      const content = bytes.slice();
      const old = await this.open(beside, 'append');
      await old.truncate(0);
      await new Promise<void>((resolve, reject) => {
        old.append(content, true, (error) => (error === null ? resolve() : reject(error)));
      });
      await old.close();
      await this.step('metadata', path, 0);
      const from = this.#tree.place(beside);
      const to = this.#tree.place(path);
      const replaced = to.folder.entries.get(to.name);
      if (replaced instanceof Folder) throw new DiskError('exists', path, `${path} is a folder`);
      if (replaced !== undefined) this.#usedBytes -= replaced.size;
      this.refuseWrites(path);
      const file = this.#tree.file(beside);
      if (replaced !== undefined) file.onReplaces(replaced);
      this.#tree.change({ ...from, entry: null }, { ...to, entry: file });
      await this.syncDirectory(parentOf(path));
    } finally {
      this.#replacing.delete(path);
    }
  }

  async open(path: string, mode: 'read' | 'append' | 'create'): Promise<DiskFile> {
    await this.step('metadata', path, 0);
    if (mode !== 'read') this.refuseWrites(path);
    const place = this.#tree.place(path);
    const found = place.folder.entries.get(place.name);
    if (found !== undefined && mode === 'create') {
      throw new DiskError('exists', path, `${path} exists`);
    }
    if (found === undefined && mode !== 'read') {
      const content = new FileContent();
      this.#tree.change({ ...place, entry: content });
      return new MemoryFile(this, path, content, this.#life);
    }
    return new MemoryFile(this, path, this.#tree.file(path), this.#life);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.step('metadata', from, 0);
    const source = this.#tree.place(from);
    const target = this.#tree.place(to);
    const entry = source.folder.entries.get(source.name);
    if (entry === undefined) throw new DiskError('notFound', from, `${from} is not there`);
    if (target.folder.entries.has(target.name)) throw new DiskError('exists', to, `${to} exists`);
    this.refuseWrites(to);
    this.#tree.change({ ...source, entry: null }, { ...target, entry });
    await this.step('sync', to, 0);
    this.#tree.sync(target.folder);
    this.#tree.sync(source.folder);
  }

  async remove(path: string): Promise<void> {
    await this.step('metadata', path, 0);
    if (this.#tree.find(path) === null) return;
    this.refuseWrites(path);
    const { folder, name } = this.#tree.place(path);
    this.#removeEntry(folder, name);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.step('sync', path, 0);
    this.#tree.sync(this.#tree.folder(path));
  }

  async space(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
    await this.step('metadata', path, 0);
    return { freeBytes: this.freeBytes, totalBytes: this.capacityBytes };
  }

  async lock(path: string): Promise<DiskLock> {
    await this.step('metadata', path, 0);
    this.refuseWrites(path);
    const { folder, name } = this.#tree.place(path);
    const key = Tree.names(path).join('/');
    if (this.#locks.has(key)) {
      throw new DiskError('locked', path, `${path} is locked by another process`);
    }
    if (!folder.entries.has(name)) this.#tree.change({ folder, name, entry: new FileContent() });
    this.#locks.add(key);
    const life = this.#life;
    return {
      release: async () => {
        if (life === this.#life) this.#locks.delete(key);
      },
    };
  }

  // ---- for MemoryFile ----

  get life(): number {
    return this.#life;
  }

  get freeBytes(): number {
    return Math.max(0, this.capacityBytes - this.#usedBytes);
  }

  addUsedBytes(bytes: number): void {
    this.#usedBytes += bytes;
  }

  refuseWrites(path: string): void {
    const error = this.writeRefusal(path);
    if (error !== null) throw error;
  }

  writeRefusal(path: string): DiskError | null {
    return this.isReadOnly
      ? new DiskError('permission', path, 'the disk is mounted read-only')
      : null;
  }

  /** All bytes of a file, as a read of it finds them. Valid until the next change. */
  read(path: string, content: FileContent): Uint8Array {
    const armed = this.#staleReads.find(({ pathPart }) => path.includes(pathPart));
    if (armed === undefined || content.size === 0) return content.view();
    this.#staleReads = this.#staleReads.filter((other) => other !== armed);
    const sectors = Math.ceil(content.size / SECTOR_BYTES);
    const first = armed.random.below(sectors);
    const count = 1 + armed.random.below(sectors - first);
    return content.staleView(first * SECTOR_BYTES, (first + count) * SECTOR_BYTES);
  }

  /** The fault that hits this operation, if any. */
  takeFault(operation: DiskOperation, path: string): DiskError | null {
    for (const fault of this.#faults) {
      if (fault.operation !== operation || !path.includes(fault.pathPart)) continue;
      fault.remaining -= 1;
      if (fault.remaining === 0) this.#faults = this.#faults.filter((other) => other !== fault);
      return new DiskError(fault.code, path, `${operation} of ${path} failed on command`);
    }
    return null;
  }

  /**
   * Calls back when an operation that takes its time now would be done, unless the node dies
   * before.
   */
  complete(operation: DiskOperation, bytes: number, callback: () => void): void {
    const life = this.#life;
    const guarded = (): void => {
      if (life !== this.#life) return;
      if (this.#stallCount > 0) this.#held.push(guarded);
      else callback();
    };
    const delayMs = this.latencyMs(operation, bytes);
    if (this.#timers === null) queueMicrotask(guarded);
    else if (delayMs === 0) this.#timers.defer(guarded);
    else this.#timers.after(delayMs, guarded);
  }

  /** Waits for one operation; rejects when a fault hits it. */
  step(operation: DiskOperation, path: string, bytes: number): Promise<void> {
    const fault = this.takeFault(operation, path);
    return new Promise((resolve, reject) => {
      this.complete(operation, bytes, () => (fault === null ? resolve() : reject(fault)));
    });
  }

  #measure(): void {
    this.#usedBytes = 0;
    for (const file of this.#tree.files()) this.#usedBytes += file.size;
  }

  /** Removes the innermost first, each an own change, as `rm -r` does. */
  #removeEntry(folder: Folder, name: string): void {
    const entry = folder.entries.get(name);
    assert(entry !== undefined, 'an entry to remove is there');
    if (entry instanceof Folder) {
      for (const child of [...entry.entries.keys()]) this.#removeEntry(entry, child);
    } else {
      this.#usedBytes -= entry.size;
    }
    this.#tree.change({ folder, name, entry: null });
  }
}

class MemoryFile implements DiskFile {
  readonly path: string;
  readonly #disk: MemoryDisk;
  readonly #content: FileContent;
  readonly #life: number;
  #appending = false;
  #closed = false;

  constructor(disk: MemoryDisk, path: string, content: FileContent, life: number) {
    this.#disk = disk;
    this.path = path;
    this.#content = content;
    this.#life = life;
  }

  get size(): number {
    return this.#content.size;
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    this.#check();
    await this.#disk.step('read', this.path, into.length);
    const content = this.#disk.read(this.path, this.#content);
    const found = content.subarray(offset, offset + into.length);
    into.set(found);
    return found.length;
  }

  append(bytes: Uint8Array, sync: boolean, done: (error: DiskError | null) => void): void {
    assert(!this.#appending, 'one append at a time per file');
    assert(!this.#closed, 'no append to a closed file');
    assert(this.#life === this.#disk.life, 'a file does not outlive its process');
    this.#appending = true;
    const error = this.#write(bytes);
    this.#disk.complete('append', bytes.length, () => {
      if (error !== null || !sync) this.#finish(error, done);
      else this.#sync((failure) => this.#finish(failure, done));
    });
  }

  async sync(): Promise<void> {
    this.#check();
    await new Promise<void>((resolve, reject) => {
      this.#sync((error) => (error === null ? resolve() : reject(error)));
    });
  }

  async truncate(size: number): Promise<void> {
    this.#check();
    assert(!this.#appending, 'no truncation while an append is under way');
    await this.#disk.step('metadata', this.path, 0);
    this.#disk.refuseWrites(this.path);
    this.#disk.addUsedBytes(size - this.#content.size);
    this.#content.truncate(size);
  }

  async close(): Promise<void> {
    assert(!this.#appending, 'no close while an append is under way');
    this.#closed = true;
  }

  /** What a full disk takes of it is written. */
  #write(bytes: Uint8Array): DiskError | null {
    const refusal = this.#disk.writeRefusal(this.path);
    if (refusal !== null) return refusal;
    const fault = this.#disk.takeFault('append', this.path);
    const room = this.#disk.freeBytes;
    const written = fault === null ? Math.min(bytes.length, room) : bytes.length >>> 1;
    this.#content.append(bytes.subarray(0, written));
    this.#disk.addUsedBytes(written);
    if (fault !== null || written === bytes.length) return fault;
    return new DiskError('full', this.path, 'no space left on the disk');
  }

  #sync(done: (error: DiskError | null) => void): void {
    const fault = this.#disk.writeRefusal(this.path) ?? this.#disk.takeFault('sync', this.path);
    const size = this.#content.size;
    this.#disk.complete('sync', 0, () => {
      if (fault === null) this.#content.onSynced(size);
      else this.#content.onSyncFailed();
      done(fault);
    });
  }

  #finish(error: DiskError | null, done: (error: DiskError | null) => void): void {
    this.#appending = false;
    done(error);
  }

  #check(): void {
    if (this.#closed || this.#life !== this.#disk.life) {
      throw new DiskError('closed', this.path, 'the file is closed');
    }
  }
}

function parentOf(path: string): string {
  return Tree.names(path).slice(0, -1).join('/');
}
