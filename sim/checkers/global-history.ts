/**
 * The one true history of a partition, gathered from outside: every mutation that was ever
 * prepared, seen on the wire or, if its messages never left, when an engine took it over; and which
 * of them are committed, seen at any replica.
 *
 * V6: one digest per committed decree. A digest covers all that came before it, so comparing the
 * digest at a replica's commit point compares its whole history. V7 and V9: what an engine holds at
 * applied decree d is the replay of the committed bodies up to d.
 */
import { assert } from '../../src/base/assert.ts';
import { crc32c } from '../../src/base/crc32c.ts';
import { ContentModel } from './content.ts';

export interface PreparedMutation {
  readonly ballot: number;
  readonly decree: number;
  readonly previousDigest: number;
  readonly digest: number;
  readonly body: Uint8Array;
}

export class GlobalHistory {
  /** By decree, then digest. */
  readonly #prepared: Map<number, Map<number, PreparedMutation>> = new Map();
  /** Index = decree. */
  readonly #digests: number[] = [0];
  readonly #contents: string[];
  readonly #model: ContentModel = new ContentModel();

  constructor() {
    this.#contents = [this.#model.digest.text];
  }

  /**
   * The fault that `onCommitted` returned last is a mutation that nobody was seen to prepare or
   * apply.
   */
  isUnknown: boolean = false;

  get lastCommitted(): number {
    return this.#digests.length - 1;
  }

  /**
   * Keeps the first body of a (decree, digest); equal digests with other bodies are a violation.
   */
  onPrepared(mutation: PreparedMutation): string | null {
    let atDecree = this.#prepared.get(mutation.decree);
    if (atDecree === undefined) {
      atDecree = new Map();
      this.#prepared.set(mutation.decree, atDecree);
    }
    const known = atDecree.get(mutation.digest);
    if (known === undefined) {
      atDecree.set(mutation.digest, { ...mutation, body: mutation.body.slice() });
      return null;
    }
    const isSame =
      known.previousDigest === mutation.previousDigest && equalBytes(known.body, mutation.body);
    return isSame
      ? null
      : `decree ${mutation.decree} was prepared twice with one digest, two bodies`;
  }

  /**
   * An engine has applied a batch. It ends with the value of the applied-decree row: u64 decree,
   * u32 digest (big-endian). The digest is CRC-32C over all before it, seeded with the previous
   * digest and the decree, which tells the previous one.
   */
  onApplied(batch: Uint8Array): void {
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    const end = batch.length;
    const decree = view.getUint32(end - 12) * 0x1_0000_0000 + view.getUint32(end - 8);
    const digest = view.getInt32(end - 4);
    if (this.#prepared.get(decree)?.has(digest) === true) return;
    for (const previousDigest of this.#digestsAt(decree - 1)) {
      const seed = (previousDigest ^ Math.imul(decree | 0, 0x9e3779b1)) >>> 0;
      if ((crc32c(batch, 0, end - 4, seed) | 0) !== digest) continue;
      this.onPrepared({ ballot: 0, decree, previousDigest, digest, body: batch });
      return;
    }
  }

  /**
   * A replica has committed up to `decree`, where its history has `digest`. Returns what is wrong,
   * or null. A mutation that is not known yet is no fault while an engine may still take it over:
   * `isUnknown` tells.
   */
  onCommitted(decree: number, digest: number): string | null {
    this.isUnknown = false;
    if (decree <= this.lastCommitted) {
      const known = this.#digests[decree]!;
      return known === digest
        ? null
        : `decree ${decree} is committed with digest ${digest} here and ${known} elsewhere`;
    }
    const chain: PreparedMutation[] = [];
    let wanted = digest;
    for (let at = decree; at > this.lastCommitted; at--) {
      const mutation = this.#prepared.get(at)?.get(wanted);
      if (mutation === undefined) {
        this.isUnknown = true;
        return `decree ${at} with digest ${wanted} is committed but was never prepared by anyone`;
      }
      chain.push(mutation);
      wanted = mutation.previousDigest;
    }
    const top = this.lastCommitted;
    if (this.#digests[top] !== wanted) {
      return `the history up to decree ${decree} replaces committed decree ${top}`;
    }
    for (const mutation of chain.reverse()) this.#commit(mutation);
    return null;
  }

  digestAt(decree: number): number {
    assert(decree <= this.lastCommitted, 'only committed decrees have one digest');
    return this.#digests[decree]!;
  }

  /** What an engine holds that has applied everything up to `decree`. */
  contentAt(decree: number): string {
    assert(decree <= this.lastCommitted, 'only committed decrees have one content');
    return this.#contents[decree]!;
  }

  #digestsAt(decree: number): Iterable<number> {
    if (decree <= this.lastCommitted) return [this.#digests[decree]!];
    return this.#prepared.get(decree)?.keys() ?? [];
  }

  #commit(mutation: PreparedMutation): void {
    assert(mutation.decree === this.#digests.length, 'commits are contiguous');
    this.#digests.push(mutation.digest);
    this.#model.apply(mutation.body);
    this.#contents.push(this.#model.digest.text);
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
