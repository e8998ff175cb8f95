/**
 * What befalls a disk behind the back of whoever uses it, for `MemoryDisk`: writes that landed
 * elsewhere, folders that were removed, swapped or brought back from an old copy.
 *
 * 1. Everything here is at rest: it takes effect at once, is durable, and no operation reports it.
 * 2. Before entries of folders are touched, all that was pending in folders counts as written: the
 *    machine had time. Open files go on with what they had open, as with any unlinked file.
 */
import { assert, assertAtLeast, assertAtMost } from '../../base/assert.ts';
import { compareBytes } from '../../base/bytes.ts';
import { FileContent } from './disk-file-content.ts';
import { type Entry, Folder, type Tree } from './disk-tree.ts';

/** An old state of a file or folder. */
export interface DiskCopy {
  readonly entry: Entry;
}

export class DiskDamage {
  readonly #tree: Tree;
  /** The sizes of files have changed. */
  readonly #onResized: () => void;

  constructor(tree: Tree, onResized: () => void) {
    this.#tree = tree;
    this.#onResized = onResized;
  }

  /** All files below a folder, sorted; empty if it is not there. */
  paths(folderPath: string): string[] {
    const found: string[] = [];
    collect(this.#tree.find(folderPath), folderPath, found);
    return found.sort();
  }

  isThere(path: string): boolean {
    return this.#tree.find(path) !== null;
  }

  size(path: string): number {
    return this.#tree.file(path).size;
  }

  bytes(path: string): Uint8Array {
    return this.#tree.file(path).view().slice();
  }

  /** Rot. Returns how to take back what is still there of it. */
  flipBits(path: string, offsets: readonly number[], bit: number): () => void {
    const content = this.#tree.file(path);
    const undos = offsets.map((offset) => {
      const bytes = Uint8Array.of(content.view()[offset]! ^ (1 << bit));
      return this.#overwrite(path, content, offset, bytes);
    });
    return () => {
      for (const undo of undos.reverse()) undo();
    };
  }

  /**
   * The bytes that were written to `from` at `offset` have landed in `to` instead; where they
   * belong is what was there before them: nothing. Returns how to take back what is still there.
   */
  misdirect(
    from: string,
    offset: number,
    length: number,
    to: string,
    toOffset: number,
  ): () => void {
    assertAtLeast(length, 1, 'a misdirected write has a byte');
    const source = this.#tree.file(from);
    assertAtMost(offset + length, source.size, 'end of a misdirected write');
    const bytes = source.view().slice(offset, offset + length);
    const undoSource = this.#overwrite(from, source, offset, new Uint8Array(length));
    const undoTarget = this.#overwrite(to, this.#tree.file(to), toOffset, bytes);
    return () => {
      undoTarget();
      undoSource();
    };
  }

  erase(path: string): void {
    this.#tree.settle();
    const { folder, name } = this.#tree.place(path);
    assert(folder.entries.has(name), 'what is erased is there');
    folder.entries.delete(name);
    folder.durable.delete(name);
    this.#onResized();
  }

  swap(left: string, right: string): void {
    this.#tree.settle();
    const a = this.#tree.place(left);
    const b = this.#tree.place(right);
    const ofA = a.folder.entries.get(a.name);
    const ofB = b.folder.entries.get(b.name);
    assert(ofA !== undefined && ofB !== undefined, 'what is swapped is there');
    put(a.folder, a.name, ofB);
    put(b.folder, b.name, ofA);
  }

  /** The root is the empty path. */
  copy(path: string): DiskCopy {
    const entry = this.#tree.find(path);
    assert(entry !== null, 'what is copied is there');
    return { entry: cloneOf(entry) };
  }

  #overwrite(path: string, content: FileContent, offset: number, bytes: Uint8Array): () => void {
    const { size } = content;
    const before = content.view().slice(offset, offset + bytes.length);
    content.overwrite(offset, bytes);
    const damaged = content.view().slice(offset, offset + bytes.length);
    return () => {
      if (this.#tree.find(path) !== content || content.size !== size) return;
      const found = content.view().subarray(offset, offset + bytes.length);
      if (compareBytes(found, damaged) === 0) content.overwrite(offset, before);
    };
  }

  /** The same copy can be restored again. */
  restore(path: string, copy: DiskCopy): void {
    this.#tree.settle();
    const entry = cloneOf(copy.entry);
    if (path !== '') {
      const { folder, name } = this.#tree.place(path);
      put(folder, name, entry);
    } else {
      assert(entry instanceof Folder, 'the root is a folder');
      const { root } = this.#tree;
      root.entries.clear();
      root.durable.clear();
      for (const [name, child] of entry.entries) put(root, name, child);
    }
    this.#onResized();
  }
}

function put(folder: Folder, name: string, entry: Entry): void {
  folder.entries.set(name, entry);
  folder.durable.set(name, entry);
}

function cloneOf(entry: Entry): Entry {
  if (entry instanceof FileContent) return FileContent.of(entry.view());
  const folder = new Folder();
  for (const [name, child] of entry.entries) put(folder, name, cloneOf(child));
  return folder;
}

function collect(entry: Entry | null, path: string, found: string[]): void {
  if (entry === null) return;
  if (entry instanceof FileContent) {
    found.push(path);
    return;
  }
  for (const [name, child] of entry.entries) {
    collect(child, path === '' ? name : `${path}/${name}`, found);
  }
}
