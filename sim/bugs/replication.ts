/** Planted bugs of two-phase commit and of taking over. */
import type { PlantedBug } from './planted-bug.ts';

const PRIMARY = 'src/consensus/primary-role.ts';
const FOLLOWER = 'src/consensus/follower-role.ts';
const CORE = 'src/consensus/replica-core.ts';

export const REPLICATION_BUGS: readonly PlantedBug[] = [
  {
    name: 'commit-before-all-acks',
    what: 'a primary commits what is in its own log, whatever the secondaries say',
    consequence: 'acknowledged writes are lost with the primary',
    edits: [
      {
        file: PRIMARY,
        find: 'if (peer.counts && peer.acked < target) target = peer.acked;',
        replace: 'if (peer.acked < 0) target = peer.acked;',
      },
    ],
  },
  {
    name: 'majority-of-acks',
    what: 'a primary commits what a majority has acknowledged, and any member may succeed it',
    consequence: 'acknowledged writes are lost when the slow member becomes primary',
    edits: [
      {
        file: PRIMARY,
        find: 'for (const peer of this.peers) { if (peer.counts && peer.acked < target) target = peer.acked; }',
        replace: `
          const acked = this.peers.filter((peer) => peer.counts).map((peer) => peer.acked);
          acked.sort((a, b) => b - a);
          const needed = Math.floor((acked.length + 1) / 2);
          if (needed > 0) target = Math.min(target, acked[needed - 1]);`,
      },
    ],
  },
  {
    name: 'ack-before-log',
    what: 'a secondary acknowledges what it has in memory',
    consequence: 'acknowledged writes are lost in crashes',
    edits: [
      {
        file: FOLLOWER,
        find: 'if (decree <= this.state.lastLogged) this.ackLater(PrepareResult.ok);',
        replace: 'this.ackLater(PrepareResult.ok);',
      },
      {
        file: FOLLOWER,
        find: 'decree: Math.min(lastLogged, this.confirmed)',
        replace: 'decree: this.confirmed',
      },
    ],
  },
  {
    // With digests compared no late prepare would fit.
    name: 'ballot-check-skipped',
    what: 'a secondary takes prepares of former primaries like those of the present one, by decree alone',
    consequence: 'two histories in one partition',
    about: ['lateFrames', 'orphanedTail', 'frameFaults'],
    edits: [
      {
        file: CORE,
        find: 'if (message.ballot !== config.ballot || config.primary !== from) {',
        replace: 'if (message.ballot > config.ballot) {',
      },
      {
        file: FOLLOWER,
        find: `if (existing !== null && existing.ballot >= this.ballot) return 'diverged';`,
        replace: '',
      },
      {
        file: FOLLOWER,
        find: `return own === null || own === message.digest ? 'ok' : 'diverged';`,
        replace: `return own === undefined ? 'diverged' : 'ok';`,
      },
      {
        file: FOLLOWER,
        find: 'if (before !== message.previousDigest) {',
        replace: 'if (before === undefined) {',
      },
      {
        file: 'src/consensus/prepare-list.ts',
        find: `assertEqual(mutation.previousDigest, this.lastPreparedDigest(), 'digests are chained');`,
        replace: '',
      },
    ],
  },
  {
    name: 'decree-is-identity',
    what: 'a secondary takes another mutation of the same decree for the one it has',
    consequence: 'replicas differ after a failover',
    edits: [
      {
        file: FOLLOWER,
        find: 'if (existing !== null && existing.digest === message.digest) {',
        replace: 'if (existing !== null) {',
      },
    ],
  },
  {
    name: 'digest-ignored',
    what: 'a secondary takes a prepare on top of whatever it has',
    consequence: 'it commits what a former primary has left behind',
    about: ['orphanedTail'],
    edits: [
      {
        file: FOLLOWER,
        find: 'if (before !== message.previousDigest) {',
        replace: 'if (before === undefined) {',
      },
      {
        file: 'src/consensus/prepare-list.ts',
        find: `assertEqual(mutation.previousDigest, this.lastPreparedDigest(), 'digests are chained');`,
        replace: '',
      },
    ],
  },
  {
    name: 'secondary-commits-prepared',
    what: 'a secondary commits all it has in its log',
    consequence: 'it holds what the next primary replaces',
    edits: [
      {
        file: FOLLOWER,
        find: 'this.state.commitUpTo(Math.min(this.commitPoint, this.confirmed));',
        replace: 'this.state.commitUpTo(this.state.list.lastPrepared);',
      },
    ],
  },
  {
    name: 'commit-point-beyond-confirmed',
    what: 'a secondary commits up to what it is told, also in a tail that nobody has confirmed',
    consequence: 'it commits what a former primary has left behind',
    edits: [
      {
        file: FOLLOWER,
        find: 'this.state.commitUpTo(Math.min(this.commitPoint, this.confirmed));',
        replace: 'this.state.commitUpTo(Math.min(this.commitPoint, this.state.list.lastPrepared));',
      },
    ],
  },
  {
    name: 'inherited-tail-dropped',
    what: 'a new primary gives up what it has prepared and not committed',
    consequence: 'acknowledged writes are lost in failovers',
    edits: [
      {
        file: CORE,
        find: 'state.changeRole(ReplicaStatus.primary, config, table);',
        replace: `state.changeRole(ReplicaStatus.primary, config, table);
          state.truncateAfter(state.list.lastCommitted);`,
      },
    ],
  },
  {
    name: 'inherited-tail-rewritten',
    what: 'a new primary prepares what it has inherited with other contents under the same decree',
    consequence: 'replicas differ at committed decrees',
    edits: [
      {
        file: PRIMARY,
        find: `reached('consensus.primary.inheritsTail');`,
        replace: `
          const inherited = list.get(decree);
          inherited.body = inherited.body.slice();
          inherited.previousDigest = list.digestAt(decree - 1);
          inherited.body[inherited.body.length - 20] ^= 1;
          inherited.digest = sealDigest(inherited.previousDigest, decree, inherited.body);`,
      },
    ],
  },
  {
    name: 'reads-before-inherited',
    what: 'a new primary answers reads before it has committed what it has inherited',
    consequence: 'writes that were seen are not there for a moment',
    about: ['orphanedTail'],
    edits: [
      {
        file: 'src/replica/client-requests.ts',
        find: 'return role !== null && this.host.appliedDecree() >= role.readableFrom;',
        replace: 'return role !== null;',
      },
    ],
  },
  {
    name: 'answers-after-demotion',
    what: 'a primary that was demoted answers its clients when another mutation takes their decree',
    consequence: 'acknowledged writes that never happened',
    about: ['orphanedTail', 'isolateReplica', 'muteReplica'],
    edits: [
      {
        file: 'src/replica',
        find: 'if (previous === ReplicaStatus.primary && status !== ReplicaStatus.primary) {',
        replace: 'if (status === undefined) {',
      },
      {
        file: 'src/replica',
        find: 'this.requests.pipeline.onDropped(afterDecree);',
        replace: '',
      },
    ],
  },
  {
    name: 'ballot-not-durable',
    what: 'a replica acts under a ballot that it has not stored',
    consequence: 'after a restart it follows an older primary and drops what it had acknowledged',
    edits: [
      {
        file: 'src/consensus/replica-state.ts',
        find: 'if (config.ballot > this.persistedBallot) this.effects.persistConfiguration(config, table);',
        replace: 'this.persistedBallot = config.ballot;',
      },
    ],
  },
  {
    name: 'write-floor-ignored',
    what: 'a primary that is alone takes writes',
    consequence: 'acknowledged writes are lost with one disk',
    edits: [
      {
        file: 'src/consensus/write-floor.ts',
        find: 'return maxReplicaCount <= 2 ? 1 : Math.floor(maxReplicaCount / 2) + 1;',
        replace: 'return 1;',
      },
      {
        file: 'src/consensus/write-floor.ts',
        find: 'if (minReplicaCount > 0) return Math.min(minReplicaCount, maxReplicaCount);',
        replace: '',
      },
    ],
  },
  {
    name: 'commit-after-prepare',
    what: 'a secondary, whose list is as long as what a primary may have in flight, commits what a prepare confirms only after it has found room for it',
    consequence: 'once its list is full it never gets on',
    edits: [
      {
        file: FOLLOWER,
        find: 'this.commitConfirmed(); if (decree > list.lastPrepared + 1) {',
        replace: 'if (decree > list.lastPrepared + 1) {',
      },
      {
        file: 'src/consensus/replica-state.ts',
        find: 'uncommittedMax: Math.max(2 * options.inFlightMax, LEARN_WINDOW)',
        replace: 'uncommittedMax: options.inFlightMax',
      },
    ],
  },
  {
    name: 'floor-at-admission-only',
    what: 'the write floor is looked at when a write is taken up, not when it is committed',
    consequence: 'what a client was told is lost with one disk',
    edits: [
      {
        file: PRIMARY,
        find: 'if (target > this.readableFrom && !this.hasWriteQuorum()) {',
        replace: 'if (target < 0) {',
      },
    ],
  },
  {
    name: 'yield-then-lead',
    what: 'a primary that has asked for another one leads again under the same ballot',
    consequence:
      'two servers answer reads: nobody waits for the lease of a primary that has yielded',
    about: ['fullDisk', 'stalledDisk'],
    edits: [
      {
        file: CORE,
        find: 'if (config.ballot === this.yielded?.ballot) {',
        replace: 'if (config === null) {',
      },
      {
        file: CORE,
        find: `assert(config.ballot !== this.yielded?.ballot, 'a ballot that was given up is not taken up');`,
        replace: '',
      },
    ],
  },
];
