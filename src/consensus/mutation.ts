/**
 * A mutation: the unit of replication, one decree, one atomic engine batch.
 *
 * Identity is (decree, digest). The digest covers the body and the digest of the mutation before
 * it, so equal digests at one decree mean equal histories up to it. The ballot is no part of the
 * identity: a new primary prepares an uncommitted mutation again under its own ballot with the same
 * body (the classic bug of this protocol is to treat that as another mutation).
 *
 * The last record of the body stores (decree, digest) in the engine under the reserved key; its
 * last four bytes are the digest, which therefore covers all bytes before them. So an engine that
 * was just opened knows both.
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
  /** Engine write batch, immutable from here on. */
  readonly body: Uint8Array;
  /** It is in the local log. */
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

/** Digest of "nothing", the state at decree 0. */
export const DIGEST_NONE = 0;

const DIGEST_BYTES = 4;

/** i32 over all of `body` but its last four bytes. */
export function mutationDigest(previousDigest: number, decree: number, body: Uint8Array): number {
  assertAtLeast(body.length, DIGEST_BYTES, 'a body ends with its digest');
  const seed = (previousDigest ^ Math.imul(decree | 0, 0x9e3779b1)) >>> 0;
  return crc32c(body, 0, body.length - DIGEST_BYTES, seed) | 0;
}

/**
 * Writes the digest into the last four bytes of a freshly built body (big-endian) and returns it.
 */
export function sealDigest(previousDigest: number, decree: number, body: Uint8Array): number {
  const digest = mutationDigest(previousDigest, decree, body);
  const at = body.length - DIGEST_BYTES;
  body[at] = digest >>> 24;
  body[at + 1] = digest >>> 16;
  body[at + 2] = digest >>> 8;
  body[at + 3] = digest;
  return digest;
}

/** True when digest and content agree: checked where a mutation enters from a wire or a disk. */
export function isIntact(mutation: Mutation): boolean {
  const { body, digest } = mutation;
  if (body.length < DIGEST_BYTES) return false;
  const at = body.length - DIGEST_BYTES;
  const stored = (body[at]! << 24) | (body[at + 1]! << 16) | (body[at + 2]! << 8) | body[at + 3]!;
  if (stored !== digest) return false;
  return mutationDigest(mutation.previousDigest, mutation.decree, body) === digest;
}
