/**
 * Mutations as `Prepare` messages: on their way to followers, and packed into what a learner is
 * sent.
 */
import { gpidFromWire } from '../model/configuration-wire.ts';
import type { Ballot, Decree } from '../model/identity.ts';
import { type Prepare, readPrepare, writePrepare } from '../wire/generated/internal.ts';
import type { Reader } from '../wire/reader.ts';
import { WireError } from '../wire/types.ts';
import { Writer } from '../wire/writer.ts';
import { Mutation } from './mutation.ts';

/** `lastCommitted` is the sender's commit point now, which may have passed the mutation's. */
export function prepareMessage(mutation: Mutation, ballot: Ballot, lastCommitted: Decree): Prepare {
  return {
    appId: mutation.gpid.appId,
    partitionIndex: mutation.gpid.partitionIndex,
    ballot,
    decree: mutation.decree,
    lastCommittedDecree: lastCommitted,
    timestampUs: mutation.timestampUs,
    previousDigest: mutation.previousDigest,
    digest: mutation.digest,
    body: mutation.body,
  };
}

/**
 * Throws `WireError` when the numbers cannot be those of a mutation. Copies the body out of the frame. The commit
 * point is cut to what a mutation may carry.
 */
export function mutationFromPrepare(message: Prepare): Mutation {
  if (message.decree < 1 || message.ballot < 0 || message.lastCommittedDecree < 0) {
    throw new WireError('badValue', 'a mutation has no decree or ballot');
  }
  return new Mutation(
    gpidFromWire(message),
    message.ballot as Ballot,
    message.decree as Decree,
    Math.min(message.lastCommittedDecree, message.decree - 1) as Decree,
    message.timestampUs,
    message.previousDigest,
    message.digest,
    message.body.slice(),
  );
}

/** A committed mutation, in bytes of its own. */
export function packMutation(mutation: Mutation): Uint8Array {
  const writer = new Writer(mutation.body.length + 64);
  writePrepare(writer, prepareMessage(mutation, mutation.ballot, mutation.lastCommittedDecree));
  return writer.output();
}

/** Throws `WireError` when the bytes are no packed mutation. */
export function unpackMutation(bytes: Uint8Array, reader: Reader): Mutation {
  reader.reset(bytes, 0, bytes.length);
  return mutationFromPrepare(readPrepare(reader));
}
