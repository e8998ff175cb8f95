/** Planted bugs of leases and clocks: who may answer reads, and until when. */
import type { PlantedBug } from './planted-bug.ts';

const REQUESTS = 'src/replica/client-requests.ts';
const BEACONS = 'src/replica/beacon-sender.ts';

export const LEASE_BUGS: readonly PlantedBug[] = [
  {
    name: 'lease-not-checked',
    what: 'a primary answers reads without looking at its lease',
    consequence: 'stale reads after a pause',
    about: ['isolateReplica', 'pauseReplica', 'cutReplicaFromMeta', 'muteReplica'],
    edits: [
      {
        file: REQUESTS,
        find: 'return this.host.lease.isValid(this.host.clock.monotonicMs());',
        replace: 'return true;',
      },
    ],
  },
  {
    name: 'lease-not-checked-after-read',
    what: 'the lease is checked when a read begins, not when its answer is ready',
    consequence: 'stale reads when the disk or the process was slow in between',
    about: ['isolateReplica', 'pauseReplica', 'cutReplicaFromMeta', 'muteReplica'],
    edits: [
      {
        file: REQUESTS,
        find: 'if (!isBackup && (this.host.core.leading === null || !this.leaseHolds())) {',
        replace: 'if (session === undefined) {',
      },
    ],
  },
  {
    name: 'wall-clock-lease',
    what: 'the lease is counted on the wall clock',
    consequence: 'two servers answer reads after a clock was set back',
    about: ['wallClockStep', 'wallClockJump'],
    edits: [
      {
        file: BEACONS,
        find: 'const sequence = this.lease.onBeaconSent(now);',
        replace: 'const sequence = this.lease.onBeaconSent(this.clock.wallMs());',
      },
      {
        file: REQUESTS,
        find: 'return this.host.lease.isValid(this.host.clock.monotonicMs());',
        replace: 'return this.host.lease.isValid(this.host.clock.wallMs());',
      },
      {
        file: REQUESTS,
        find: 'if (!lease.isValid(now)) {',
        replace: 'if (!lease.isValid(clock.wallMs())) {',
      },
    ],
  },
  {
    name: 'grace-shorter-than-lease',
    what: 'the meta server counts a third of the grace',
    consequence: 'a new primary while the old one still answers reads',
    about: ['isolateReplica', 'pauseReplica', 'cutReplicaFromMeta', 'muteReplica'],
    edits: [
      {
        file: 'src/cluster/node-registry.ts',
        find: 'nowMs - node.lastBeaconMs > this.#graceMs) {',
        replace: 'nowMs - node.lastBeaconMs > this.#graceMs / 3) {',
      },
    ],
  },
  {
    name: 'lease-from-receipt',
    what: 'the lease lasts from the arrival of the answer, not from the sending of the beacon',
    consequence: 'two servers answer reads when the network is slow',
    about: ['fadingMeta', 'slowLink', 'lateFrames'],
    edits: [
      {
        file: BEACONS,
        find: 'this.lease.onBeaconAcked(ack.sequence, ack.allowed, ack.leaseMs);',
        replace: `
          const late = this.lease.onBeaconSent(this.clock.monotonicMs());
          this.lease.onBeaconAcked(late, ack.allowed, ack.leaseMs);`,
      },
    ],
  },
  {
    name: 'lease-for-stale-leader',
    what: 'a server that comes back gets a lease before it knows who leads now',
    consequence: 'two servers answer reads',
    edits: [
      {
        file: 'src/cluster/reports.ts',
        find: '!claimsStaleLeadership(state, node, report)',
        replace: 'report !== null',
      },
      {
        file: 'src/cluster/node-registry.ts',
        find: 'node.reported = false; node.grantsLease = false; return true;',
        replace: 'return true;',
      },
      {
        file: 'src/cluster/node-registry.ts',
        find: 'node.alive = false; node.grantsLease = false; expired.push(node);',
        replace: 'node.alive = false; expired.push(node);',
      },
    ],
  },
  {
    name: 'surrender-undone',
    what: 'a server that is leaving takes its lease back when a late answer arrives',
    consequence: 'two servers answer reads until its process is gone',
    about: ['terminateAfterFrame', 'terminate', 'fadingMeta'],
    edits: [
      {
        file: 'src/consensus/lease.ts',
        find: 'this.firstSequence = Number.POSITIVE_INFINITY;',
        replace: '',
      },
    ],
  },
  {
    name: 'reset-taken-for-crash',
    what: 'the end of a connection counts as the proof that the server behind it is dead',
    consequence: 'a new primary while the old one still answers reads',
    edits: [
      {
        file: 'src/meta/life-watch.ts',
        find: 'this.#suspicions.set(node, suspicion); this.#nextRound(suspicion);',
        replace: 'this.#effects.ended(node, incarnation);',
      },
    ],
  },
];
