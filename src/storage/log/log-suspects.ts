/**
 * Whose history lacks records, or may lack them, when blocks of the log are damaged and nobody can
 * say whose records were in them.
 *
 * Where decrees are left out, also at the beginning, the engine must hold what was before: the log
 * goes only as far as that is so. If it does not, its files are older than the log.
 *
 * After damage a partition is cleared by evidence in its first record after the damage: it continues what was
 * before (next decree, and the digests chain), so nothing of it was in between; or it repeats the
 * last one of before; or it joins what
 * the engine of the replica holds anyway. It is suspect if neither is so, or if no record follows:
 * its last ones may have been lost. A reset clears: what was before does not count.
 */
import type { Mutation } from '../../consensus/mutation.ts';
import { type Decree, type Gpid, gpidKey } from '../../model/identity.ts';

interface Tail {
  decree: number;
  /** Null when any digest continues: after a control record, or none yet. */
  digest: number | null;
  /** Damages of the log before the last record; −1 after damage of this partition alone. */
  damagesSeen: number;
  /** The last records that do not continue what was before them begin here; else 0. */
  restartsAt: number;
}

export class LogSuspects {
  readonly #tails = new Map<number, Tail>();
  #damages = 0;

  /** Blocks are lost here, with records of anybody. */
  onUnknownDamage(): void {
    this.#damages += 1;
  }

  onDamage(gpid: Gpid): void {
    this.#tail(gpid).damagesSeen = -1;
  }

  onMutation(mutation: Mutation): void {
    const tail = this.#tail(mutation.gpid);
    if (mutation.decree > tail.decree + 1) tail.restartsAt = mutation.decree;
    // What did not continue is taken back.
    else tail.restartsAt = Math.min(tail.restartsAt, mutation.decree);
    if (tail.damagesSeen < this.#damages) {
      if (!continues(tail, mutation)) tail.restartsAt = mutation.decree;
      tail.damagesSeen = this.#damages;
    }
    tail.decree = mutation.decree;
    tail.digest = mutation.digest;
  }

  onTruncated(gpid: Gpid, decree: Decree): void {
    const tail = this.#tail(gpid);
    if (tail.decree <= decree) return;
    tail.restartsAt = Math.min(tail.restartsAt, decree + 1);
    tail.decree = decree;
    tail.digest = null;
  }

  onReset(gpid: Gpid, decree: Decree): void {
    const tail = this.#tail(gpid);
    tail.decree = decree;
    tail.digest = null;
    tail.damagesSeen = this.#damages;
    tail.restartsAt = 0;
  }

  isSuspect(gpid: Gpid, appliedDecree: number): boolean {
    const tail = this.#tails.get(gpidKey(gpid));
    if (tail === undefined) return this.#damages > 0;
    return tail.damagesSeen < this.#damages || tail.restartsAt > appliedDecree + 1;
  }

  #tail(gpid: Gpid): Tail {
    const key = gpidKey(gpid);
    let tail = this.#tails.get(key);
    if (tail === undefined) {
      tail = { decree: 0, digest: null, damagesSeen: 0, restartsAt: 0 };
      this.#tails.set(key, tail);
    }
    return tail;
  }
}

function continues(tail: Tail, mutation: Mutation): boolean {
  if (mutation.decree > tail.decree + 1) return false;
  if (tail.digest === null) return true;
  if (mutation.decree === tail.decree + 1) return mutation.previousDigest === tail.digest;
  // What it replaces or repeats further down is not remembered: what it follows may be what is lost.
  return mutation.decree === tail.decree && mutation.digest === tail.digest;
}
