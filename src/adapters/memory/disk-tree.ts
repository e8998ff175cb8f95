/**
 * Folders of the memory disk, with what a crash may take.
 *
 * Every change of entries (create, remove, rename) is seen at once and stays *pending* until one of
 * the folders it touched is synced. At a crash each pending change survives or not, independently
 * of the others; a rename does so as a whole.
 */
import { assert } from '../../base/assert.ts';
import { DiskError } from '../../env/disk.ts';
import type { Random } from '../../env/random.ts';
import { FileContent } from './disk-file-content.ts';

export class Folder {
  readonly entries: Map<string, Entry> = new Map();
  readonly durable: Map<string, Entry> = new Map();
}

export type Entry = Folder | FileContent;

interface EntryChange {
  readonly folder: Folder;
  readonly name: string;
  /** Null = removed. */
  readonly entry: Entry | null;
}

export class Tree {
  readonly root: Folder = new Folder();
  #pending: (readonly EntryChange[])[] = [];

  /** Names on the way to `path`, from the root. Absolute and relative paths mean the same here. */
  static names(path: string): string[] {
    const names = path.split('/').filter((name) => name !== '' && name !== '.');
    assert(!names.includes('..'), 'paths of the memory disk do not climb');
    return names;
  }

  find(path: string): Entry | null {
    return this.#findByNames(Tree.names(path));
  }

  #findByNames(names: readonly string[]): Entry | null {
    let at: Entry = this.root;
    for (const name of names) {
      const next: Entry | undefined = at instanceof Folder ? at.entries.get(name) : undefined;
      if (next === undefined) return null;
      at = next;
    }
    return at;
  }

  folder(path: string): Folder {
    const found = this.find(path);
    if (found instanceof Folder) return found;
    throw new DiskError('notFound', path, `${path} is no folder`);
  }

  file(path: string): FileContent {
    const found = this.find(path);
    if (found === null) throw new DiskError('notFound', path, `${path} is not there`);
    if (found instanceof FileContent) return found;
    throw new DiskError('io', path, `${path} is a folder`);
  }

  /** The folder that holds `path`, and its name there. */
  place(path: string): { folder: Folder; name: string } {
    const names = Tree.names(path);
    const name = names.pop();
    if (name === undefined) throw new DiskError('io', path, 'the root has no place in a folder');
    const folder = this.#findByNames(names);
    if (folder instanceof Folder) return { folder, name };
    throw new DiskError('notFound', path, `the folder of ${path} is not there`);
  }

  /** One atomic change. */
  change(...changes: readonly EntryChange[]): void {
    for (const { folder, name, entry } of changes) {
      if (entry === null) folder.entries.delete(name);
      else folder.entries.set(name, entry);
    }
    this.#pending.push(changes);
  }

  sync(folder: Folder): void {
    const kept: (readonly EntryChange[])[] = [];
    for (const changes of this.#pending) {
      if (changes.some((change) => change.folder === folder)) makeDurable(changes);
      else kept.push(changes);
    }
    this.#pending = kept;
  }

  /** All that is pending is written. */
  settle(): void {
    for (const changes of this.#pending) makeDurable(changes);
    this.#pending = [];
  }

  crash(random: Random): void {
    // Mostly a journal loses its end; sometimes anything goes.
    const keptOfAll = random.below(this.#pending.length + 1);
    const anyOrder = random.below(2) === 0;
    for (const [index, changes] of this.#pending.entries()) {
      if (anyOrder ? random.below(2) === 0 : index < keptOfAll) makeDurable(changes);
    }
    this.#pending = [];
    this.#crashEntry(this.root, random, new Set());
  }

  *files(folder: Folder = this.root): Generator<FileContent> {
    for (const entry of folder.entries.values()) {
      if (entry instanceof Folder) yield* this.files(entry);
      else yield entry;
    }
  }

  #crashEntry(entry: Entry, random: Random, seen: Set<Entry>): void {
    // A half-done rename can leave a file under two names.
    if (seen.has(entry)) return;
    seen.add(entry);
    if (entry instanceof FileContent) {
      entry.crash(random);
      return;
    }
    entry.entries.clear();
    for (const [name, child] of entry.durable) {
      entry.entries.set(name, child);
      this.#crashEntry(child, random, seen);
    }
  }
}

function makeDurable(changes: readonly EntryChange[]): void {
  for (const { folder, name, entry } of changes) {
    if (entry === null) folder.durable.delete(name);
    else folder.durable.set(name, entry);
  }
}
