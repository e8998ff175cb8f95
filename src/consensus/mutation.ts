/**
 * A mutation: the unit of replication, one decree, one atomic engine batch.
 *
 * Identity is (decree, digest). The digest covers the body and the digest of the mutation before it, so equal
 * digests at one decree mean equal histories up to it. The ballot is no part of the identity: a new primary prepares
 * an uncommitted mutation again under its own ballot with the same body (the classic bug of this protocol is to treat
 * that as another mutation).
 */
import { assert, assertAtLeast } from '../base/assert.ts';
import { crc32c } from '../base/crc32c.ts';
import type { Ballot, Decree, Gpid } from '../model/identity.ts';

export class Mutation {
  readonly gpid: Gpid;
  /** Of the last prepare; grows when a new primary prepares the mutation again. */
  ballot: Ballot;
  readonly decree: Decree;
  /** Commit point of the primary when it sent the mutation; below `decree`. */
  lastCommittedDecree: Decree;
  /** Wall clock of the primary in µs, strictly ascending within a partition. */
  readonly timestampUs: number;
  readonly previousDigest: number;
  readonly digest: number;
  /** Engine write batch, immutable from here on; holds `decree` under the reserved key. */
  readonly body: Uint8Array;
  /** In the local log under `ballot`. */
  logged: boolean;

  constructor(
    gpid: Gpid,
    ballot: Ballot,
    decree: Decree,
    lastCommittedDecree: Decree,
    timestampUs: number,
    previousDigest: number,
    digest: number,
    body: Uint8Array,
  ) {
    assertAtLeast(decree, 1, 'decrees start at 1');
    assert(lastCommittedDecree < decree, 'a mutation is sent before it is committed');
    this.gpid = gpid;
    this.ballot = ballot;
    this.decree = decree;
    this.lastCommittedDecree = lastCommittedDecree;
    this.timestampUs = timestampUs;
    this.previousDigest = previousDigest;
    this.digest = digest;
    this.body = body;
    this.logged = false;
  }
}

/** i32; the digest of "nothing" (decree 0) is 0. */
export function mutationDigest(previousDigest: number, decree: number, body: Uint8Array): number {
  const seed = (previousDigest ^ Math.imul(decree | 0, 0x9e3779b1)) >>> 0;
  return crc32c(body, 0, body.length, seed) | 0;
}

/** True when the digest is that of the content: checked where a mutation enters from a wire or a disk. */
export function isIntact(mutation: Mutation): boolean {
  return (
    mutationDigest(mutation.previousDigest, mutation.decree, mutation.body) === mutation.digest
  );
}
