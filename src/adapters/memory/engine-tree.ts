/**
 * An ordered map from byte strings to byte strings with snapshots in O(1): a B-tree that copies on
 * write.
 *
 * 1. A node belongs to the epoch in which it was made. `snapshot` begins a new epoch, so every node
 *    that the snapshot can reach is copied before it changes; without a snapshot in between nodes
 *    are changed in place.
 * 2. Keys below `keys[i]` of an inner node are in `children[0 … i]`, the others to the right of it.
 * 3. No node but an empty root is empty. Nodes are not merged: a tree that shrinks stays as deep as
 *    it was until whole nodes have gone.
 *
 * Keys and values are kept, not copied: the caller hands over memory that nobody changes.
 */
import { assert } from '../../base/assert.ts';
import { compareBytes } from '../../base/bytes.ts';

/** Copying a node costs about as much as searching it at this width. */
const NODE_ENTRIES_MAX = 32;

const LEAF: TreeNode[] = [];

class TreeNode {
  readonly epoch: number;
  readonly keys: Uint8Array[];
  /** Leaves only. */
  readonly values: Uint8Array[];
  /** `LEAF` marks a leaf. */
  readonly children: TreeNode[];

  constructor(epoch: number, keys: Uint8Array[], values: Uint8Array[], children: TreeNode[]) {
    this.epoch = epoch;
    this.keys = keys;
    this.values = values;
    this.children = children;
  }
}

/** What a cursor walks over; made by `ByteTree.snapshot`. */
export class TreeSnapshot {
  readonly root: TreeNode;
  constructor(root: TreeNode) {
    this.root = root;
  }
}

export class ByteTree {
  #root: TreeNode = new TreeNode(0, [], [], LEAF);
  #epoch = 0;
  #count = 0;
  #byteCount = 0;
  #splitKey: Uint8Array | null = null;

  get count(): number {
    return this.#count;
  }

  /** Of all keys and values. */
  get byteCount(): number {
    return this.#byteCount;
  }

  get(key: Uint8Array): Uint8Array | null {
    let node = this.#root;
    while (node.children !== LEAF) node = node.children[upperBound(node.keys, key)]!;
    const index = lowerBound(node.keys, key);
    if (index === node.keys.length || compareBytes(node.keys[index]!, key) !== 0) return null;
    return node.values[index]!;
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.#root = this.#own(this.#root);
    const right = this.#insert(this.#root, key, value);
    if (right === null) return;
    assert(this.#splitKey !== null, 'a split leaves its key');
    this.#root = new TreeNode(this.#epoch, [this.#splitKey], [], [this.#root, right]);
  }

  /** False if the key was not there. */
  delete(key: Uint8Array): boolean {
    const value = this.get(key);
    if (value === null) return false;
    this.#root = this.#own(this.#root);
    this.#remove(this.#root, key);
    this.#count -= 1;
    this.#byteCount -= key.length + value.length;
    while (this.#root.children !== LEAF && this.#root.children.length <= 1) {
      this.#root = this.#root.children[0] ?? new TreeNode(this.#epoch, [], [], LEAF);
    }
    assert(this.#count >= 0, 'a tree has no less than no rows');
    return true;
  }

  snapshot(): TreeSnapshot {
    this.#epoch += 1;
    return new TreeSnapshot(this.#root);
  }

  #own(node: TreeNode): TreeNode {
    if (node.epoch === this.#epoch) return node;
    const children = node.children === LEAF ? LEAF : node.children.slice();
    return new TreeNode(this.#epoch, node.keys.slice(), node.values.slice(), children);
  }

  /**
   * Returns the new right neighbour if the node had to be split; its first key is then in
   * `#splitKey`.
   */
  #insert(node: TreeNode, key: Uint8Array, value: Uint8Array): TreeNode | null {
    if (node.children === LEAF) {
      const index = lowerBound(node.keys, key);
      if (index < node.keys.length && compareBytes(node.keys[index]!, key) === 0) {
        this.#byteCount += value.length - node.values[index]!.length;
        node.values[index] = value;
        return null;
      }
      node.keys.splice(index, 0, key);
      node.values.splice(index, 0, value);
      this.#count += 1;
      this.#byteCount += key.length + value.length;
    } else {
      const index = upperBound(node.keys, key);
      const child = this.#own(node.children[index]!);
      node.children[index] = child;
      const right = this.#insert(child, key, value);
      if (right === null) return null;
      assert(this.#splitKey !== null, 'a split leaves its key');
      node.keys.splice(index, 0, this.#splitKey);
      node.children.splice(index + 1, 0, right);
    }
    return node.keys.length > NODE_ENTRIES_MAX ? this.#split(node) : null;
  }

  #split(node: TreeNode): TreeNode {
    const middle = node.keys.length >>> 1;
    this.#splitKey = node.keys[middle]!;
    if (node.children === LEAF) {
      return new TreeNode(this.#epoch, node.keys.splice(middle), node.values.splice(middle), LEAF);
    }
    const keys = node.keys.splice(middle);
    keys.shift();
    return new TreeNode(this.#epoch, keys, [], node.children.splice(middle + 1));
  }

  #remove(node: TreeNode, key: Uint8Array): void {
    if (node.children === LEAF) {
      const index = lowerBound(node.keys, key);
      node.keys.splice(index, 1);
      node.values.splice(index, 1);
      return;
    }
    const index = upperBound(node.keys, key);
    const child = this.#own(node.children[index]!);
    node.children[index] = child;
    this.#remove(child, key);
    const empty = child.children === LEAF ? child.keys.length === 0 : child.children.length === 0;
    if (!empty) return;
    node.children.splice(index, 1);
    if (node.keys.length > 0) node.keys.splice(Math.max(index - 1, 0), 1);
  }
}

/** A place in a snapshot: on a row, or off either end (`valid` is false). */
export class TreeCursor {
  readonly #root: TreeNode;
  readonly #nodes: TreeNode[] = [];
  readonly #indexes: number[] = [];
  #leaf: TreeNode;
  #index = 0;
  #valid = false;

  constructor(snapshot: TreeSnapshot) {
    this.#root = snapshot.root;
    this.#leaf = snapshot.root;
  }

  get valid(): boolean {
    return this.#valid;
  }

  get key(): Uint8Array {
    assert(this.#valid, 'a cursor off the end has no key');
    return this.#leaf.keys[this.#index]!;
  }

  get value(): Uint8Array {
    assert(this.#valid, 'a cursor off the end has no value');
    return this.#leaf.values[this.#index]!;
  }

  /** To the first row at or after `key`. */
  seek(key: Uint8Array): void {
    this.#descend(key);
    this.#index = lowerBound(this.#leaf.keys, key);
    this.#valid = true;
    if (this.#index >= this.#leaf.keys.length) this.#toNeighbour(1);
  }

  /** To the last row before `key`; empty = to the last row. */
  seekBefore(key: Uint8Array): void {
    if (key.length === 0) {
      this.#nodes.length = 0;
      this.#indexes.length = 0;
      this.#enter(this.#root, -1);
    } else {
      this.#descend(key);
      this.#index = lowerBound(this.#leaf.keys, key) - 1;
    }
    this.#valid = true;
    if (this.#index < 0) this.#toNeighbour(-1);
  }

  next(): void {
    assert(this.#valid, 'a cursor moves from a row');
    this.#index += 1;
    if (this.#index >= this.#leaf.keys.length) this.#toNeighbour(1);
  }

  previous(): void {
    assert(this.#valid, 'a cursor moves from a row');
    this.#index -= 1;
    if (this.#index < 0) this.#toNeighbour(-1);
  }

  #descend(key: Uint8Array): void {
    this.#nodes.length = 0;
    this.#indexes.length = 0;
    let node = this.#root;
    while (node.children !== LEAF) {
      const index = upperBound(node.keys, key);
      this.#nodes.push(node);
      this.#indexes.push(index);
      node = node.children[index]!;
    }
    this.#leaf = node;
  }

  /** Into the first (`step` 1) or last (−1) leaf below `node`. */
  #enter(node: TreeNode, step: 1 | -1): void {
    let at = node;
    while (at.children !== LEAF) {
      const index = step === 1 ? 0 : at.children.length - 1;
      this.#nodes.push(at);
      this.#indexes.push(index);
      at = at.children[index]!;
    }
    this.#leaf = at;
    this.#index = step === 1 ? 0 : at.keys.length - 1;
  }

  #toNeighbour(step: 1 | -1): void {
    while (this.#nodes.length > 0) {
      const node = this.#nodes[this.#nodes.length - 1]!;
      const index = this.#indexes[this.#indexes.length - 1]! + step;
      if (index >= 0 && index < node.children.length) {
        this.#indexes[this.#indexes.length - 1] = index;
        this.#enter(node.children[index]!, step);
        assert(this.#leaf.keys.length > 0, 'only a root is empty');
        return;
      }
      this.#nodes.pop();
      this.#indexes.pop();
    }
    this.#valid = false;
  }
}

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly Uint8Array[], key: Uint8Array): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(keys[middle]!, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the first key above `key`. */
function upperBound(keys: readonly Uint8Array[], key: Uint8Array): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareBytes(keys[middle]!, key) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
