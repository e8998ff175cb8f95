/** Planted bugs of the meta server: configurations, and what is durable of them. */
import type { PlantedBug } from './planted-bug.ts';

const BRAIN = 'src/cluster';
const COMMITTER = 'src/meta/committer.ts';

export const CONFIGURATION_BUGS: readonly PlantedBug[] = [
  {
    name: 'pushed-before-durable',
    what: 'the meta server tells of changes before they are durable, and does not ask replicas what it has forgotten',
    consequence: 'two configurations under one ballot after a crash of the meta server',
    about: ['killMeta', 'powerOffMeta', 'killAfterFrame', 'slowMeta'],
    edits: [
      {
        file: COMMITTER,
        find: 'for (const batch of batches) this.#events.onCommitted(batch);',
        replace: '',
      },
      {
        file: COMMITTER,
        find: 'this.#store.append(entries, (outcome) => {',
        replace: `for (const batch of batches) this.#events.onCommitted(batch);
          this.#store.append(entries, (outcome) => {`,
      },
      {
        file: 'src/cluster/adoption.ts',
        find: 'if (partition === undefined || ballot <= partition.ballot) continue;',
        replace: 'if (partition === undefined || ballot >= 0) continue;',
      },
    ],
  },
  {
    name: 'journal-not-synced',
    what: 'the journal of the meta server is not synced',
    consequence: 'configurations are lost when the power fails, and ballots go back',
    about: ['powerOffMeta', 'powerOffAll'],
    edits: [
      {
        file: 'src/meta/journal-store.ts',
        find: 'journal.append(bytes, true, (error) => {',
        replace: 'journal.append(bytes, false, (error) => {',
      },
    ],
  },
  {
    name: 'ballot-not-compared',
    what: 'the meta server grants changes that were asked for under an older ballot, by whoever led then',
    consequence:
      'a learner of long ago becomes a member, or a primary is replaced that has not yielded',
    edits: [
      {
        file: BRAIN,
        find: `partition.record.config.primary === from &&
          partition.seatOf(from)?.incarnation === node.incarnation &&
          partition.ballot === update.ballot;`,
        replace: 'update.ballot > 0;',
      },
    ],
  },
  {
    name: 'two-changes-in-flight',
    what: 'the meta server plans a change while another one of the partition is under way',
    consequence: 'two configurations under one ballot',
    edits: [
      {
        file: BRAIN,
        find: 'if (partition.changing || partition.table.frozen) return;',
        replace: 'if (partition.table.frozen) return;',
      },
      {
        file: 'src/cluster',
        find: 'return table.isAvailable && !table.frozen && !changing && !isDoubted;',
        replace:
          'return table.isAvailable && !table.frozen && !isDoubted && changing !== undefined;',
      },
    ],
  },
  {
    name: 'incarnation-ignored',
    what: 'a member that has restarted counts as the member that it was',
    consequence: 'a replica that has lost its role leads or is waited for',
    edits: [
      {
        file: 'src/cluster',
        find: `if (node.incarnation !== seat.incarnation) return 'restarted';`,
        replace: '',
      },
      {
        file: 'src/replica',
        find: 'if (message.incarnation !== this.identity.incarnation) {',
        replace: 'if (message === null) {',
      },
    ],
  },
  {
    name: 'unproven-head-leads',
    what: 'a replica that may have lost the end of its log leads at once, like one that has not',
    consequence: 'acknowledged writes are lost when one of several servers has lost its power',
    about: ['blackout', 'powerOffAll'],
    edits: [
      {
        file: 'src/cluster/log-head.ts',
        find: '(holding.tailUnproven ? unproven : proven).push(candidate);',
        replace: 'proven.push(candidate);',
      },
    ],
  },
  {
    name: 'push-storm',
    what: 'a push that changes nothing is answered with a report, and that with a push',
    consequence: 'a storm of messages as long as a partition learns',
    edits: [
      {
        file: 'src/replica',
        find: 'if (status !== previous || ballot !== this.lastBallot) this.host.reportSoon();',
        replace: 'this.host.reportSoon();',
      },
    ],
  },
];
