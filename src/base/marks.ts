/**
 * Marks on rare branches of production code: a test bench that listens learns that a branch was
 * reached, and may let the process die at that very point.
 *
 * 1. All names stand in `MARKS`, so that those never reached can be listed; each is used at exactly
 *    one place (marks.test.ts), as a literal, and named `area.what.detail`.
 * 2. Write-only for production code: nothing there hangs on whether anybody listens, and without a
 *    listener a mark costs one comparison. Not for hot paths all the same.
 * 3. The listener is the one piece of module state in the core: branches have no other way out, and
 *    one process holds one test bench at most. What belongs to a server stays in its environment.
 *
 * A mark goes right after what it names (`after`, `durable`, `moved`) or before it (`before`).
 */

export const MARKS = [
  'cluster.asleep',
  'cluster.beacon.formerLife',
  'cluster.copy.forgotten',
  'cluster.cure.promoted',
  'cluster.cure.rebornAsNew',
  'cluster.cure.restored',
  'cluster.cure.surplus',
  'cluster.cure.tooShort',
  'cluster.cure.unprovenLeads',
  'cluster.cure.waitsForFormerPrimary',
  'cluster.cure.waitsForHeads',
  'cluster.cure.waitsForReport',
  'cluster.journal.adopted',
  'cluster.journal.old',
  'cluster.learner.adopted',
  'cluster.learner.failed',
  'cluster.learner.givenUp',
  'cluster.learner.other',
  'cluster.learner.troubled',
  'cluster.learner.unwanted',
  'cluster.node.ended',
  'cluster.node.expired',
  'cluster.node.revived',
  'cluster.removal.again',
  'cluster.update.fence',
  'cluster.update.learnerReborn',
  'cluster.update.refused',
  'cluster.update.tooEarly',
  'cluster.yield.alone',
  'cluster.yield.granted',
  'consensus.check.stale',
  'consensus.failed',
  'consensus.follower.acked',
  'consensus.follower.ballotNotDurable',
  'consensus.follower.gap',
  'consensus.follower.gapOverStaleTail',
  'consensus.follower.noRoom',
  'consensus.follower.otherTail',
  'consensus.follower.prepareRepeated',
  'consensus.follower.tailReplaced',
  'consensus.learner.backlogWaits',
  'consensus.learner.diverged',
  'consensus.learner.followsInVain',
  'consensus.learner.lateInvitation',
  'consensus.learner.tailReplaced',
  'consensus.learner.unfit',
  'consensus.learner.windowFull',
  'consensus.prepare.byNameOnly',
  'consensus.prepare.staleBallot',
  'consensus.prepare.unknownBallot',
  'consensus.primary.ballotNotDurable',
  'consensus.primary.belowFloor',
  'consensus.primary.inheritsTail',
  'consensus.primary.learnerCounts',
  'consensus.primary.learnerFailed',
  'consensus.primary.learnerKept',
  'consensus.primary.learnerReborn',
  'consensus.primary.learnerSilent',
  'consensus.primary.learnerStartsOver',
  'consensus.primary.memberSilent',
  'consensus.primary.nothingLacking',
  'consensus.primary.peerBehindMemory',
  'consensus.primary.peerUnaware',
  'consensus.primary.prepareTimeout',
  'consensus.primary.reelected',
  'consensus.primary.resend',
  'consensus.primary.slowRemoved',
  'consensus.primary.updateRepeated',
  'consensus.primary.wasLearner',
  'consensus.replay.foreign',
  'consensus.replay.replaced',
  'consensus.secondary.unlearned',
  'consensus.session.learnerAhead',
  'consensus.session.learnerDiverged',
  'consensus.session.logUnfit',
  'consensus.session.makesCheckpoint',
  'consensus.session.readsLog',
  'consensus.yield.asked',
  'consensus.yield.pushed',
  'log.append.after',
  'log.append.before',
  'log.append.refused',
  'log.congested',
  'log.failed',
  'log.full',
  'log.recovery.damage',
  'log.recovery.leftoverSegment',
  'log.recovery.newerSegment',
  'log.recovery.noRoomToRewrite',
  'log.recovery.rewritten',
  'log.recovery.tornEnd',
  'log.roll.created',
  'log.roll.listed',
  'log.roll.sealed',
  'log.synced.beside',
  'log.trim.removed',
  'log.trim.unlisted',
  'meta.journal.before',
  'meta.journal.begun',
  'meta.journal.durable',
  'meta.journal.snapshot',
  'meta.journal.torn',
  'meta.journal.trouble',
  'meta.life.unproved',
  'replica.apply.stalled',
  'replica.broken',
  'replica.checkpoint.gone',
  'replica.checkpoint.made',
  'replica.checkpoint.unwanted',
  'replica.config.after',
  'replica.config.before',
  'replica.config.noRoom',
  'replica.failed.relearned',
  'replica.flush.noRoom',
  'replica.flushed',
  'replica.learn.checkpointGone',
  'replica.learn.fetched',
  'replica.learn.noRoom',
  'replica.learn.piece',
  'replica.learn.pieceRepeated',
  'replica.lease.forfeited',
  'replica.log.renewed',
  'replica.log.suspect',
  'replica.log.tooLong',
  'replica.push.formerLife',
  'replica.read.held',
  'replica.read.leaseLostMeanwhile',
  'replica.read.noLease',
  'replica.swap.newMoved',
  'replica.swap.oldMoved',
  'replica.swap.opened',
  'replica.swap.undone',
  'replica.tail.unproven',
  'replica.trash.failed',
  'replica.trashed',
  'replica.write.noLease',
  'replica.write.noQuorum',
  'replica.writes.dropped',
] as const;

export type MarkName = (typeof MARKS)[number];

export type MarkListener = (name: MarkName) => void;

let listener: MarkListener | null = null;

/** This branch was reached. */
export function reached(name: MarkName): void {
  if (listener !== null) listener(name);
}

/** For test benches. Null = nobody listens. Returns who did before. */
export function listenToMarks(next: MarkListener | null): MarkListener | null {
  const before = listener;
  listener = next;
  return before;
}
