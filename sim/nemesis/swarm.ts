/**
 * What a seed is about: shape of the cluster, speed of its parts, and which faults come how often.
 *
 * Swarm testing: a run in which every fault happens all the time finds less than many runs with a
 * few faults each, because some faults keep others from mattering. So each seed switches on a
 * subset.
 */
import type { Random } from '../../src/env/random.ts';
import type { CoordinationTraits } from '../cluster/coordination.ts';
import type { ClockTraits } from '../kernel/process.ts';
import type { NetworkTraits } from '../network/network.ts';
import { drawWorkload, type WorkloadTraits } from '../workload/traits.ts';
import { COMMON_FAULT_NAMES, type FaultName } from './faults.ts';
import { SHARED_FAULT_NAMES } from './service-faults.ts';

export interface Swarm {
  readonly replicaServerCount: number;
  /** Servers that may join later. */
  readonly spareServerCount: number;
  readonly partitionCount: number;
  readonly replicaCount: number;
  readonly durability: 'fsync' | 'os';
  readonly network: NetworkTraits;
  readonly syncMsMean: number;
  readonly blockFraction: number;
  readonly slowReadFraction: number;
  readonly faults: readonly FaultName[];
  readonly faultIntervalMsMean: number;
  readonly faultsAtOnceMax: number;
  readonly workload: WorkloadTraits;
  /** Timings and limits of the servers: small ones reach rare branches. */
  readonly flushIntervalMs: number;
  readonly inFlightMax: number;
  readonly logSegmentBytesMax: number;
  readonly logBytesMax: number;
  readonly tailBytesMax: number;
  readonly logCongestedBytes: number;
  readonly learnPieceBytesMax: number;
  readonly learnBytesPerSecondMax: number;
  readonly learnStallMs: number;
  /** Null: one meta server, with the embedded journal. */
  readonly metas: MetaTraits | null;
}

/** Several meta servers, and the service that they share. */
export interface MetaTraits {
  readonly count: number;
  readonly service: CoordinationTraits;
}

export function drawSwarm(random: Random): Swarm {
  const replicaServerCount = 3 + random.below(3);
  const logCongestedBytes = choose(random, [64 << 10, 32 << 20]);
  const replicaCount = random.below(8) === 0 ? 2 + random.below(2) : 3;
  return {
    replicaServerCount,
    spareServerCount: random.below(2),
    partitionCount: choose(random, [2, 2, 4]),
    replicaCount,
    durability: random.below(4) === 0 ? 'os' : 'fsync',
    network: drawNetwork(random),
    syncMsMean: choose(random, [0.2, 1, 5, 20]),
    blockFraction: choose(random, [0, 0, 0.02, 0.3, 0.3]),
    slowReadFraction: choose(random, [0, 0.02, 0.3, 0.3]),
    faults: drawFaults(random),
    faultIntervalMsMean: choose(random, [300, 1000, 3000]),
    faultsAtOnceMax: 1 + random.below(4),
    workload: drawWorkload(random),
    flushIntervalMs: choose(random, [1000, 5000, 300_000]),
    inFlightMax: choose(random, [1, 4, 64]),
    logSegmentBytesMax: choose(random, [64 << 10, 256 << 10, 32 << 20]),
    logBytesMax: choose(random, [1 << 20, 256 << 20]),
    tailBytesMax: Math.min(choose(random, [64 << 10, 1 << 20]), 4 * logCongestedBytes),
    logCongestedBytes,
    learnPieceBytesMax: choose(random, [1 << 10, 16 << 10, 1 << 20]),
    learnBytesPerSecondMax: choose(random, [2 << 20, 100 << 20]),
    learnStallMs: choose(random, [6000, 60_000]),
    metas: null,
  };
}

/** Seeds from here on have several meta servers, all of them. */
export const SEVERAL_METAS_FROM = 10_000_000;
const SEVERAL_METAS_ONE_IN = 5;

/** `random` is a stream of its own: what the other seeds mean does not hang on it. */
export function hasSeveralMetas(seed: number, random: Random): boolean {
  return seed >= SEVERAL_METAS_FROM || random.below(SEVERAL_METAS_ONE_IN) === 0;
}

/** With several meta servers, and what can happen to those. All else is as it was: `random` is a stream of its own. */
export function withMetas(swarm: Swarm, random: Random): Swarm {
  const service: CoordinationTraits = {
    changesMax: choose(random, [2, 4, 100]),
    leadTimeoutMs: choose(random, [2000, 3000, 3000]),
    latencyMsMean: choose(random, [0.2, 2, 20]),
    clock: drawClock(random),
  };
  const metas = { count: 3, service };
  if (random.below(2) === 0) {
    const also = swarm.faults.filter((name) => LEAD_COMPANIONS.includes(name));
    return { ...swarm, metas, faults: [...SHARED_FAULT_NAMES, ...also] };
  }
  const share = choose(random, [0.2, 0.5]);
  const shared = SHARED_FAULT_NAMES.filter(() => random.fraction() < share);
  const faults = swarm.faults.filter((name) => !JOURNAL_FAULTS.includes(name));
  return { ...swarm, metas, faults: [...faults, ...shared, choose(random, SHARED_FAULT_NAMES)] };
}

export function drawClock(random: Random): ClockTraits {
  return {
    rate: 1 + (2 * random.fraction() - 1) * choose(random, [0, 0.0001, 0.02]),
    monotonicOffsetMs: random.below(1_000_000),
    timerLateUsMax: choose(random, [0, 1000, 15_000]),
  };
}

function drawNetwork(random: Random): NetworkTraits {
  return {
    link: {
      latencyUs: choose(random, [50, 200, 2000]),
      jitterUs: choose(random, [20, 200, 3000]),
      lossFraction: choose(random, [0, 0, 0.001, 0.02]),
      bytesPerUs: choose(random, [10, 100, 1000]),
      turnUs: choose(random, [1, 100, 1000, 5000]),
    },
    windowBytes: choose(random, [4096, 65_536, 1 << 20]),
    highWaterMarkBytes: 256 * 1024,
    readBytesMax: 65_536,
    cutFraction: choose(random, [0, 0.01, 0.3]),
    probeUs: choose(random, [300_000, 10_000_000]),
    connectTimeoutUs: 5_000_000,
  };
}

/** Of a meta server that keeps its state itself. */
const JOURNAL_FAULTS: readonly FaultName[] = ['oldMeta', 'rotInMetaJournal'];

/** What makes questions of who leads harder, and does not keep them from being asked. */
const LEAD_COMPANIONS: readonly FaultName[] = [
  'killReplica',
  'killMeta',
  'pauseMeta',
  'pauseReplica',
  'isolateReplica',
  'cutReplicaFromMeta',
  'slowMeta',
  'lateFrames',
  'frameFaults',
  'lostPushes',
  'createTable',
  'dropAndRecall',
  'restartLoop',
];

/** Damage waits for calm moments, so that it is rare in a busy run, and often in one of nothing else. */
const DAMAGE_FAULTS: readonly FaultName[] = [
  'rotInLog',
  'rotInEngine',
  'rotInReplicaFile',
  'misdirectedWrite',
  'staleRead',
  'missingReplica',
  'swappedReplicas',
  'takeCopy',
  'bringCopyBack',
  'blackout',
  'failedSync',
];

/** Disks that refuse, forget or stall. */
const STORAGE_FAULTS: readonly FaultName[] = [
  'rotInLog',
  'rotInMetaJournal',
  'failedSync',
  'diskError',
  'readOnlyDisk',
  'powerOffReplica',
  'powerOffMeta',
  'killReplica',
  'blackout',
];

/** Who cannot write gives its lead away, and may not hear who got it. */
const YIELD_FAULTS: readonly FaultName[] = [
  'fullDisk',
  'fullDisk',
  'fullDisk',
  'stalledDisk',
  'lateFrames',
  'lateFrames',
  'slowMeta',
];

/** What was decided, and who knows it? */
const META_FAULTS: readonly FaultName[] = [
  'killMeta',
  'powerOffMeta',
  'killAfterFrame',
  'killAfterFrame',
  'killAtPoint',
  'pauseMeta',
  'slowMeta',
  'oldMeta',
  'lostPushes',
  'rotInMetaJournal',
  'killReplica',
  'isolateReplica',
];

/** Does a server that was cut off or asleep still think that it leads? */
const LEASE_FAULTS: readonly FaultName[] = [
  'pauseReplica',
  'cutReplicaFromMeta',
  'muteReplica',
  'isolateReplica',
];

/** And around the moment at which it should not think so any more? */
const LEASE_END_FAULTS: readonly FaultName[] = [
  'pauseReplica',
  'cutReplicaFromMeta',
  'muteReplica',
  'isolateReplica',
  'suspend',
  'stalledDisk',
  'slowLink',
  'resetConnection',
  'terminateAfterFrame',
  'fadingMeta',
  'fadingMeta',
  'lostPushes',
  'lateFrames',
];

/** Whose clock is right? */
const CLOCK_FAULTS: readonly FaultName[] = [
  'wallClockStep',
  'wallClockJump',
  'isolateReplica',
  'cutReplicaFromMeta',
  'muteReplica',
];

/** Primaries are lost while some of their prepares have arrived and others have not. */
const TAKEOVER_FAULTS: readonly FaultName[] = [
  'orphanedTail',
  'orphanedTail',
  'blackout',
  'killReplica',
  'killAfterFrame',
  'killAtPoint',
  'terminate',
  'isolateReplica',
  'muteReplica',
  'cutReplicaPair',
  'slowLink',
  'frameFaults',
  'lateFrames',
  'resetConnection',
];

/** Learners that begin again, while what was decided about them is on its way. */
const LEARNING_FAULTS: readonly FaultName[] = [
  'orphanedTail',
  'killReplica',
  'killAtPoint',
  'killAfterFrame',
  'restartLoop',
  'cutReplicaPair',
  'lateFrames',
  'lateFrames',
  'frameFaults',
  'slowMeta',
  'pauseMeta',
  'lostPushes',
  'slowDisk',
];

/** Copies that are on their way when what they are copies of is no more, or is not believed. */
const COPYING_FAULTS: readonly FaultName[] = [
  'doubtedLearner',
  'doubtedLearner',
  'doubtedLearner',
  'lateLearning',
  'lateLearning',
  'killWhileLearning',
  'killWhileLearning',
  'orphanedTail',
  'killReplica',
  'cutReplicaPair',
  'slowDisk',
  'diskError',
];

/** Who is right? Asked in calm moments, like damage. */
const WITNESS_FAULTS: readonly FaultName[] = ['wrongDigests'];

/** Nobody decides, not even who leads instead of one that gave it up. */
const FROZEN_FAULTS: readonly FaultName[] = [
  'frozenMeta',
  'frozenMeta',
  'fullDisk',
  'fullDisk',
  'killReplica',
  'killAfterFrame',
  'cutReplicaPair',
];

/** Is who is promoted still the one that has caught up? */
const PROMOTION_FAULTS: readonly FaultName[] = [
  'undecidedPromotion',
  'undecidedPromotion',
  'undecidedPromotion',
  'killReplica',
  'killAfterFrame',
  'cutReplicaPair',
  'lateFrames',
  'orphanedTail',
];

/** Again and again some have prepared what others have not. */
const TAIL_FAULTS: readonly FaultName[] = [
  'orphanedTail',
  'orphanedTail',
  'orphanedTail',
  'blackout',
  'lateFrames',
  'frameFaults',
  'slowDisk',
];

/** Some seeds are about one question; each is drawn as often as it stands here. */
const FOCUSED: readonly (readonly FaultName[])[] = [
  LEASE_FAULTS,
  LEASE_END_FAULTS,
  CLOCK_FAULTS,
  TAKEOVER_FAULTS,
  TAKEOVER_FAULTS,
  TAIL_FAULTS,
  TAIL_FAULTS,
  LEARNING_FAULTS,
  LEARNING_FAULTS,
  PROMOTION_FAULTS,
  STORAGE_FAULTS,
  DAMAGE_FAULTS,
  DAMAGE_FAULTS,
  META_FAULTS,
  YIELD_FAULTS,
  YIELD_FAULTS,
];

/** About branches that are reached in no other way: together as often as one of the others. */
const REMOTE: readonly (readonly FaultName[])[] = [COPYING_FAULTS, WITNESS_FAULTS, FROZEN_FAULTS];

function drawFaults(random: Random): FaultName[] {
  const share = choose(random, [0.1, 0.25, 0.5]);
  if (random.below(2) === 0) {
    return [...(choose(random, [...FOCUSED, null]) ?? choose(random, REMOTE))];
  }
  const chosen = COMMON_FAULT_NAMES.filter(() => random.fraction() < share);
  return chosen.length > 0 ? chosen : [choose(random, COMMON_FAULT_NAMES)];
}

function choose<T>(random: Random, from: readonly T[]): T {
  return from[random.below(from.length)]!;
}
