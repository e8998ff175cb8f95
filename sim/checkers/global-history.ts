/**
 * The one true history of a partition, gathered from outside: every mutation that was ever prepared, seen on the wire, and
 * which of them are committed, seen at any replica.
 *
 * V6: one digest per committed decree. A digest covers all that came before it, so comparing the digest at a replica's
 * commit point compares its whole history. V7 and V9: what an engine holds at applied decree d is the replay of the
 * committed bodies up to d.
 */
import { assert } from '../../src/base/assert.ts';
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

  get lastCommitted(): number {
    return this.#digests.length - 1;
  }

  /** Keeps the first body of a (decree, digest); equal digests with other bodies are a violation. */
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

  /** A replica has committed up to `decree`, where its history has `digest`. Returns what is wrong, or null. */
  onCommitted(decree: number, digest: number): string | null {
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

  #commit(mutation: PreparedMutation): void {
    assert(mutation.decree === this.#digests.length, 'commits are contiguous');
    this.#digests.push(mutation.digest);
    this.#model.apply(mutation.body);
    this.#contents.push(this.#model.digest.text);
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
