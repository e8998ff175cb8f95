/**
 * Mutations as `Prepare` messages: on their way to followers, and packed into what a learner is
 * sent.
 */
import { type Ballot, type Decree, type Gpid, gpidOf } from '../model/identity.ts';
import { type Prepare, readPrepare, writePrepare } from '../wire/generated/internal.ts';
import type { Reader } from '../wire/reader.ts';
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

/** Copies the body out of the frame. The commit point is cut to what a mutation may carry. */
export function mutationFromPrepare(message: Prepare): Mutation {
  return new Mutation(
    gpidOf(message.appId, message.partitionIndex),
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

export function belongsTo(message: Prepare, gpid: Gpid): boolean {
  return message.appId === gpid.appId && message.partitionIndex === gpid.partitionIndex;
}
