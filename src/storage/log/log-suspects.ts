/**
 * Whose history may lack records, when blocks of the log are damaged and nobody can say whose records were in them.
 *
 * A partition is cleared by evidence: its first record after the damage continues what was before (next decree, and the
 * digests chain), so nothing of it was in between. It is suspect if its records do not continue, or if none follows: its
 * last records may have been lost. A reset clears: what was before does not count.
 */
import type { Mutation } from '../../consensus/mutation.ts';
import { type Decree, type Gpid, gpidKey } from '../../model/identity.ts';

interface Tail {
  decree: number;
  /** Null after a control record: any digest continues. */
  digest: number | null;
  /** Damages before the last record. */
  damages: number;
}

export class LogSuspects {
  readonly #tails = new Map<number, Tail>();
  readonly #suspects = new Set<number>();
  #damages = 0;

  /** Blocks are lost here, with records of anybody. */
  onUnknownDamage(): void {
    this.#damages += 1;
  }

  onDamage(gpid: Gpid): void {
    this.#suspects.add(gpidKey(gpid));
  }

  onMutation(mutation: Mutation): void {
    const key = gpidKey(mutation.gpid);
    const tail = this.#tails.get(key);
    if (tail === undefined) {
      const { decree, digest } = mutation;
      this.#tails.set(key, { decree, digest, damages: this.#damages });
      return;
    }
    if (tail.damages < this.#damages && !continues(tail, mutation)) this.#suspects.add(key);
    tail.decree = mutation.decree;
    tail.digest = mutation.digest;
    tail.damages = this.#damages;
  }

  onTruncated(gpid: Gpid, decree: Decree): void {
    const tail = this.#tails.get(gpidKey(gpid));
    if (tail === undefined || tail.decree <= decree) return;
    tail.decree = decree;
    tail.digest = null;
  }

  onReset(gpid: Gpid, decree: Decree): void {
    const key = gpidKey(gpid);
    this.#suspects.delete(key);
    this.#tails.set(key, { decree, digest: null, damages: this.#damages });
  }

  isSuspect(gpid: Gpid): boolean {
    const key = gpidKey(gpid);
    if (this.#suspects.has(key)) return true;
    return (this.#tails.get(key)?.damages ?? 0) < this.#damages;
  }
}

function continues(tail: Tail, mutation: Mutation): boolean {
  if (mutation.decree > tail.decree + 1) return false;
  if (mutation.decree <= tail.decree || tail.digest === null) return true;
  return mutation.previousDigest === tail.digest;
}
