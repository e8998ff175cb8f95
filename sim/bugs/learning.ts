/** Planted bugs of learning: how a replica catches up and becomes a member. */
import type { PlantedBug } from './planted-bug.ts';

const PRIMARY = 'src/consensus/primary-role.ts';
const CORE = 'src/consensus/replica-core.ts';
const LEARNER = 'src/consensus/learner-role.ts';
const UPDATE = 'src/cluster/configuration-update.ts';
const STORE = 'src/replica/replica-store.ts';

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
    what: 'a learner is promoted by what it had acknowledged before it restarted',
    consequence: 'a member without committed writes',
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
    ],
  },
  {
    name: 'learner-keeps-tail',
    what: 'a learner takes what it has of a decree for what the primary has committed',
    consequence: 'replicas differ',
    edits: [
      {
        file: LEARNER,
        find: 'if (existing?.digest !== mutation.digest) {',
        replace: 'if (existing === null) {',
      },
    ],
  },
  {
    name: 'learner-drops-tail',
    what: 'a learner drops its tail when it begins, although its promotion by that tail is under way',
    consequence: 'a member without a committed write',
    edits: [
      {
        file: CORE,
        find: 'this.learner = new LearnerRole(state, config.primary, learnId);',
        replace: `state.truncateAfter(state.list.lastCommitted);
          this.learner = new LearnerRole(state, config.primary, learnId);`,
      },
    ],
  },
  {
    name: 'late-invitation-followed',
    what: 'a late invitation makes an attached learner start over and drop its tail',
    consequence: 'a member without a committed write',
    edits: [
      {
        file: CORE,
        find: 'if (config.ballot === state.config.ballot && message.learnId < known) {',
        replace: 'if (known === undefined) {',
      },
      {
        file: CORE,
        find: 'this.learner = new LearnerRole(state, config.primary, learnId);',
        replace: `state.truncateAfter(state.list.lastCommitted);
          this.learner = new LearnerRole(state, config.primary, learnId);`,
      },
    ],
  },
  {
    name: 'learner-follows-in-vain',
    what: 'a learner that a late prepare has made follow never asks again',
    consequence: 'its partition stays at two members',
    edits: [
      {
        file: LEARNER,
        find: 'if (this.follower === null || !isBehind) return;',
        replace: 'if (this.follower === null || isBehind || !isBehind) return;',
      },
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
    what: 'after a checkpoint was installed, its decree is taken from what had been prepared before',
    consequence: 'a hole in the history of the learner',
    edits: [
      {
        file: CORE,
        find: 'this.state.reset(decree, digest);',
        replace: 'this.state.reset(Math.max(decree, this.state.list.lastPrepared), digest);',
      },
    ],
  },
  {
    name: 'ballot-forgotten-in-swap',
    what: 'a ballot that became durable while a checkpoint was swapped in is forgotten',
    consequence: 'the learner acknowledges nothing: its partition stays at two members',
    edits: [
      {
        file: 'src/replica',
        find: 'this.core.onConfigurationPersisted(',
        replace: 'if (!this.deaf) this.core.onConfigurationPersisted(',
      },
    ],
  },
  {
    name: 'relearned-under-same-invitation',
    what: 'a copy that fails is replaced by an empty one while its promotion is under way',
    consequence: 'a member with an empty log',
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
