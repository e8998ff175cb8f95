/**
 * Memory that flips bits before checksums are made: what a server says of its history is not true,
 * and nobody can tell by a checksum.
 *
 * Only what the chain of digests covers is forged: digests, and bodies of mutations for learners.
 * Ballots and decrees that lie are beyond what the protocol promises to survive. So nobody takes
 * anything wrong over; the question is who leaves, and what becomes of the others.
 */
import type { Random } from '../../src/env/random.ts';
import {
  readGroupCheck,
  readGroupCheckAck,
  readLearnMutations,
  readLearnRequest,
  writeGroupCheck,
  writeGroupCheckAck,
  writeLearnMutations,
  writeLearnRequest,
} from '../../src/wire/generated/internal.ts';
import { Reader } from '../../src/wire/reader.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { Writer } from '../../src/wire/writer.ts';
import type { FrameForgery } from '../network/network.ts';
import { NO_UNDO } from './atlas.ts';
import { type ActiveFault, drawDuration, kill, one, running } from './fault.ts';
import type { Stage } from './stage.ts';

/** Of a packed prepare (wire/schema/internal.ts). */
const PREVIOUS_DIGEST_AT = 40;

const LEARN_REQUEST: number = InternalMessage.learnRequest;
const LEARN_MUTATIONS: number = InternalMessage.learnMutations;

const reader = new Reader();

/** `payload` with one bit of its digest flipped; null for messages without one. */
function withWrongDigest(type: number, payload: Uint8Array, bit: number): Uint8Array | null {
  const writer = new Writer();
  reader.reset(payload, 0, payload.length);
  const flip = 1 << bit;
  switch (type) {
    case InternalMessage.prepare: {
      const forged = payload.slice();
      const view = new DataView(forged.buffer);
      view.setInt32(PREVIOUS_DIGEST_AT, view.getInt32(PREVIOUS_DIGEST_AT) ^ flip);
      return forged;
    }
    case InternalMessage.groupCheck: {
      const check = readGroupCheck(reader);
      writeGroupCheck(writer, { ...check, digest: check.digest ^ flip });
      return writer.take();
    }
    case InternalMessage.groupCheckAck: {
      const ack = readGroupCheckAck(reader);
      writeGroupCheckAck(writer, { ...ack, digest: ack.digest ^ flip });
      return writer.take();
    }
    case InternalMessage.learnRequest: {
      const request = readLearnRequest(reader);
      writeLearnRequest(writer, { ...request, digest: request.digest ^ flip });
      return writer.take();
    }
    default:
      return null;
  }
}

/** One bit at the end of the last mutation; null when there is none. */
function withWrongBody(payload: Uint8Array): Uint8Array | null {
  reader.reset(payload, 0, payload.length);
  const message = readLearnMutations(reader);
  const mutations = message.mutations.map((bytes) => bytes.slice());
  const last = mutations.at(-1);
  if (last === undefined) return null;
  last[last.length - 1]! ^= 1;
  const writer = new Writer();
  writeLearnMutations(writer, { ...message, mutations });
  return writer.take();
}

/**
 * One server begins again and has to learn, while the histories that learners tell are not those of
 * their primaries, or what they get is damaged: they take checkpoints instead, and again. No member
 * is concerned.
 */
export function doubtedLearner(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, running(stage.replicas));
  if (machine === null) return null;
  const forgedType = random.below(4) === 0 ? LEARN_MUTATIONS : LEARN_REQUEST;
  const oneIn = 1 + random.below(3);
  const bit = random.below(32);
  const forgery: FrameForgery = (_, __, type, payload) => {
    if (type !== forgedType || random.below(oneIn) > 0) return null;
    return type === LEARN_REQUEST ? withWrongDigest(type, payload, bit) : withWrongBody(payload);
  };
  const { frameForgeries } = stage.network;
  frameForgeries.add(forgery);
  kill(stage, [machine]);
  const restart = (): void => {
    if (machine.isDown) machine.start();
  };
  const downMs = one(random, [100, 2000, 9000])!;
  stage.scheduler.world(downMs * 1000, 'supervise', restart);
  const end = (): void => {
    frameForgeries.delete(forgery);
    restart();
  };
  return { durationMs: downMs + drawDuration(random, 5000, 12_000), end };
}

const OF_MEMBERS: readonly number[] = [
  InternalMessage.prepare,
  InternalMessage.groupCheck,
  InternalMessage.groupCheckAck,
];

/**
 * All that one server says of its history, or all that it hears of others', is another one now and
 * then. It leaves its partitions, whatever it was there, or has the others leave: the atlas waits
 * until all are there again.
 */
export function wrongDigests(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(
    random,
    running(stage.replicas).filter((each) => stage.atlas.mayDamage(each)),
  );
  if (machine === null) return null;
  const isSpeaker = random.below(3) > 0;
  const types = random.below(2) === 0 ? OF_MEMBERS : [one(random, OF_MEMBERS)!];
  const oneIn = one(random, [1, 1, 3, 20])!;
  const bit = random.below(32);
  let flipsLeft = one(random, [1, 10, 200])!;
  const forgery: FrameForgery = (from, to, type, payload) => {
    if ((isSpeaker ? from : to).name !== machine.name || !types.includes(type)) return null;
    if (flipsLeft === 0 || random.below(oneIn) > 0) return null;
    flipsLeft -= 1;
    return withWrongDigest(type, payload, bit);
  };
  const { frameForgeries } = stage.network;
  frameForgeries.add(forgery);
  let hasEnded = false;
  const isWithstood = (): boolean => hasEnded && stage.isCalm();
  stage.atlas.onDamaged(machine, { forgets: false, undo: NO_UNDO, isWithstood });
  const expectations = stage.replicas.map((each) => stage.expectTrouble(each, 'otherHistory'));
  const end = (): void => {
    hasEnded = true;
    frameForgeries.delete(forgery);
    for (const endExpectation of expectations) endExpectation();
  };
  return { durationMs: drawDuration(random, 2000, 12_000), end };
}
