/** Planted bugs of learning: how a replica catches up and becomes a member. */
import type { PlantedBug, SourceEdit } from './planted-bug.ts';

const PRIMARY = 'src/consensus/primary-role.ts';
const CORE = 'src/consensus/replica-core.ts';
const LEARNER = 'src/consensus/learner-role.ts';
const UPDATE = 'src/cluster/configuration-update.ts';
const STORE = 'src/replica/replica-store.ts';

/** Harmless by itself: nothing that a learner had acknowledged before it began counts any more. */
const DROPS_TAIL: SourceEdit = {
  file: CORE,
  find: 'this.learner = new LearnerRole(state, config.primary, learnId);',
  replace: `state.truncateAfter(state.list.lastCommitted);
    this.learner = new LearnerRole(state, config.primary, learnId);`,
};

/** A learner that gets no further is left to itself: else another attempt would hide why. */
const NEVER_GIVEN_UP: SourceEdit = {
  file: 'src/cluster/learner-choice.ts',
  find: `return idleMs > settings.learnStallMs ? 'stalled' : null;`,
  replace: `return idleMs < 0 ? 'stalled' : null;`,
};

export const LEARNING_BUGS: readonly PlantedBug[] = [
  {
    name: 'learner-promoted-early',
    what: 'the first acknowledgement of a learner makes it a member',
    consequence: 'a member without committed writes, which may become primary',
    edits: [
      {
        file: PRIMARY,
        find: 'if (peer.counts || peer.acked < needed) return;',
        replace: 'if (peer.counts) return;',
      },
    ],
  },
  {
    name: 'promoted-without-inherited',
    what: 'a learner is promoted without what the primary before may have committed',
    consequence: 'an acknowledged write is lost if the primary dies next',
    about: ['orphanedTail'],
    edits: [
      {
        file: PRIMARY,
        find: 'Math.max(this.state.list.lastCommitted, this.readableFrom);',
        replace: 'this.state.list.lastCommitted;',
      },
    ],
  },
  {
    name: 'promoted-by-former-life',
    what: 'a learner is promoted by what it had acknowledged before it restarted, and begins without its tail',
    consequence: 'a member without committed writes',
    about: ['undecidedPromotion'],
    edits: [
      {
        file: UPDATE,
        find: 'if (server.incarnation !== wish.incarnation) {',
        replace: 'if (server === null) {',
      },
      {
        file: UPDATE,
        find: 'if (update.incarnation !== wish.incarnation) return null;',
        replace: '',
      },
      {
        file: PRIMARY,
        find: 'if (attached.counts && attached.incarnation !== message.incarnation) {',
        replace: 'if (attached === undefined) {',
      },
      {
        file: 'src/cluster/learner-choice.ts',
        find: '!node.usable || node.incarnation !== wish.incarnation) return',
        replace: '!node.usable) return',
      },
      DROPS_TAIL,
    ],
  },
  {
    name: 'learner-keeps-tail',
    what: 'a learner takes what it has of a decree for what the primary has committed',
    consequence: 'replicas differ',
    about: ['orphanedTail', 'blackout'],
    edits: [
      {
        file: LEARNER,
        find: 'if (existing?.digest !== mutation.digest) {',
        replace: 'if (existing === null) {',
      },
    ],
  },
  {
    name: 'late-invitation-followed',
    what: 'a late invitation makes an attached learner start over and drop its tail',
    consequence: 'a member without a committed write',
    about: ['lateFrames', 'slowMeta', 'lostPushes', 'undecidedPromotion'],
    edits: [
      {
        file: CORE,
        find: 'if (config.ballot === state.config.ballot && message.learnId < known) {',
        replace: 'if (known === undefined) {',
      },
      DROPS_TAIL,
    ],
  },
  {
    name: 'learner-follows-in-vain',
    what: 'a learner that follows never asks again, though it gets no further or its ack was lost, and nobody gives it up',
    consequence: 'its partition stays at two members',
    about: ['lateFrames', 'frameFaults', 'slowMeta', 'lostPushes'],
    edits: [
      { file: LEARNER, find: 'if (isBehind) {', replace: 'if (isBehind && !isBehind) {' },
      {
        file: LEARNER,
        find: '} else if (late && this.hasLoggedAll()) {',
        replace: '} else if (late && !late) {',
      },
      NEVER_GIVEN_UP,
    ],
  },
  {
    name: 'learner-window-small',
    what: 'the window of a learner is that of the primary',
    consequence: 'it never overtakes a busy primary: the partition stays at two members',
    edits: [
      {
        file: 'src/consensus/replica-state.ts',
        find: 'uncommittedMax: Math.max(2 * options.inFlightMax, LEARN_WINDOW)',
        replace: 'uncommittedMax: 2 * options.inFlightMax',
      },
    ],
  },
  {
    name: 'checkpoint-decree-mistaken',
    what: 'after a checkpoint was installed, the learner counts one mutation more than it holds',
    consequence: 'a hole in the history of the learner, which no prepare ever fits',
    edits: [
      {
        file: CORE,
        find: 'this.state.reset(decree, digest);',
        replace: 'this.state.reset(decree + 1, digest);',
      },
    ],
  },
  {
    name: 'ballot-forgotten-in-swap',
    what: 'a ballot that became durable while a checkpoint was fetched or swapped in is forgotten; it is stored once, and nobody gives the learner up',
    consequence: 'the learner acknowledges nothing: its partition stays at two members',
    about: ['slowDisk', 'doubtedLearner', 'missingReplica', 'blackout'],
    edits: [
      {
        file: 'src/replica',
        find: 'this.core.onConfigurationPersisted(',
        replace: 'if (this.fetches.fetchedBytes === null) this.core.onConfigurationPersisted(',
      },
      {
        file: 'src/consensus/replica-state.ts',
        find: 'const previous = this.status;',
        replace: 'const ballotBefore = this.config.ballot; const previous = this.status;',
      },
      {
        file: 'src/consensus/replica-state.ts',
        find: 'if (config.ballot > this.persistedBallot) this',
        replace: 'if (config.ballot > ballotBefore) this',
      },
      NEVER_GIVEN_UP,
    ],
  },
  {
    name: 'relearned-under-same-invitation',
    what: 'a copy that fails is replaced by an empty one while its promotion is under way',
    consequence: 'a member with an empty log',
    about: ['undecidedPromotion'],
    edits: [
      {
        file: STORE,
        find: 'const isNew = invited && this.invitations.isNew(gpid, ballot, learnId);',
        replace: 'const isNew = invited;',
      },
      {
        file: STORE,
        find: "if (invited && !isNew) reached('replica.learn.sameInvitation');",
        replace: '',
      },
    ],
  },
];
