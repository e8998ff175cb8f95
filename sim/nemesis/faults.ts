/**
 * The faults, by name; F numbers are those of the fault list in docs/testing.md.
 *
 * Each starts something and returns how to end it, or null when it found nothing to act on. Ending
 * is safe at any time and whatever else has happened to the same machine meanwhile. All are bounded
 * so that the cluster can recover once they have ended: machines come back, and what is on their
 * disks is damaged only as far as the atlas allows (atlas.ts).
 */
import type { Random } from '../../src/env/random.ts';
import { suspend, wallClockJump } from './clock-faults.ts';
import {
  giantFrame,
  noDescriptors,
  silentConnection,
  slowReader,
  swizzleClog,
} from './connection-faults.ts';
import {
  bringCopyBack,
  misdirectedWrite,
  missingReplica,
  powerOffAll,
  powerOffMeta,
  powerOffReplica,
  rotInEngine,
  rotInLog,
  rotInMetaJournal,
  rotInReplicaFile,
  swappedReplicas,
  takeCopy,
} from './damage-faults.ts';
import { doubtedLearner, wrongDigests } from './digest-faults.ts';
import {
  diskError,
  failedSync,
  fullDisk,
  readOnlyDisk,
  staleRead,
  stalledDisk,
} from './disk-faults.ts';
import { type ActiveFault, downFor, drawDuration, type Fault, one, running } from './fault.ts';
import { killAtPoint, killWhileLearning } from './fault-points.ts';
import {
  fadingMeta,
  killAfterFrame,
  lateFrames,
  lateLearning,
  terminateAfterFrame,
} from './frame-strikes.ts';
import {
  addServer,
  changeReplicaCount,
  createTable,
  dropAndRecall,
  dropForGood,
  frozenMeta,
  removeServer,
  renameTable,
} from './membership-faults.ts';
import { lostPushes, oldMeta, slowMeta } from './meta-faults.ts';
import { restartLoop, unhandledError } from './process-faults.ts';
import { undecidedPromotion } from './promotion-faults.ts';
import { SHARED_FAULTS, type SharedFaultName } from './service-faults.ts';
import { type AnyMachine, everyMachine, type Stage } from './stage.ts';
import { blackout, orphanedTail } from './tail-faults.ts';

const DONE = (): void => {};
const INSTANT: ActiveFault = { durationMs: 0, end: DONE };

export type FaultName =
  | 'killReplica'
  | 'killMeta'
  | 'killAllReplicas'
  | 'killEverything'
  | 'killAfterFrame'
  | 'killAtPoint'
  | 'orphanedTail'
  | 'blackout'
  | 'terminateAfterFrame'
  | 'lateFrames'
  | 'undecidedPromotion'
  | 'lateLearning'
  | 'killWhileLearning'
  | 'doubtedLearner'
  | 'wrongDigests'
  | 'fadingMeta'
  | 'powerOffReplica'
  | 'powerOffMeta'
  | 'powerOffAll'
  | 'terminate'
  | 'pauseReplica'
  | 'pauseMeta'
  | 'isolateReplica'
  | 'halves'
  | 'deafReplica'
  | 'muteReplica'
  | 'cutReplicaPair'
  | 'cutReplicaFromMeta'
  | 'cutClientFromReplica'
  | 'cutClientFromMeta'
  | 'flappingLink'
  | 'slowLink'
  | 'resetConnection'
  | 'garbage'
  | 'frameFaults'
  | 'wallClockStep'
  | 'slowDisk'
  | 'swizzleClog'
  | 'slowReader'
  | 'silentConnection'
  | 'giantFrame'
  | 'noDescriptors'
  | 'restartLoop'
  | 'unhandledError'
  | 'wallClockJump'
  | 'suspend'
  | 'slowMeta'
  | 'lostPushes'
  | 'oldMeta'
  | 'addServer'
  | 'removeServer'
  | 'changeReplicaCount'
  | 'createTable'
  | 'dropAndRecall'
  | 'dropForGood'
  | 'renameTable'
  | 'frozenMeta'
  | 'rotInLog'
  | 'rotInEngine'
  | 'rotInReplicaFile'
  | 'rotInMetaJournal'
  | 'misdirectedWrite'
  | 'staleRead'
  | 'failedSync'
  | 'diskError'
  | 'fullDisk'
  | 'readOnlyDisk'
  | 'stalledDisk'
  | 'missingReplica'
  | 'swappedReplicas'
  | 'takeCopy'
  | 'bringCopyBack'
  | SharedFaultName;

export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  // F10, F13
  killReplica: (stage, random) => kill(stage, one(random, running(stage.replicas)), random),
  killMeta: (stage, random) => kill(stage, one(random, running(stage.metas)), random),
  // F14
  killAllReplicas: (stage, random) => killMany(stage, running(stage.replicas), random),
  killEverything: (stage, random) =>
    killMany(stage, running([...stage.metas, ...stage.replicas]), random),
  // F11
  killAfterFrame,
  killAtPoint,
  orphanedTail,
  blackout,
  terminateAfterFrame,
  lateFrames,
  undecidedPromotion,
  lateLearning,
  killWhileLearning,
  // Memory that flips bits before checksums are made
  doubtedLearner,
  wrongDigests,
  fadingMeta,
  // F15, F20, F22
  powerOffReplica,
  powerOffMeta,
  powerOffAll,
  terminate: (stage, random) => terminate(stage, one(random, running(stage.replicas)), random),
  // F12
  pauseReplica: (stage, random) => pause(one(random, running(stage.replicas)), random),
  pauseMeta: (stage, random) => pause(one(random, running(stage.metas)), random),
  // F5
  isolateReplica: (stage, random) =>
    isolate(stage, one(random, [...stage.replicas]), random, 'both'),
  halves: (stage, random) => halves(stage, random),
  // F6
  deafReplica: (stage, random) => isolate(stage, one(random, [...stage.replicas]), random, 'in'),
  muteReplica: (stage, random) => isolate(stage, one(random, [...stage.replicas]), random, 'out'),
  // F7
  cutReplicaPair: (stage, random) =>
    cutPair(stage, one(random, [...stage.replicas]), one(random, [...stage.replicas]), random),
  cutReplicaFromMeta: (stage, random) =>
    cutPair(stage, one(random, [...stage.replicas]), one(random, [...stage.metas]), random),
  cutClientFromReplica: (stage, random) =>
    cutPair(stage, one(random, [...stage.clients]), one(random, [...stage.replicas]), random),
  cutClientFromMeta: (stage, random) =>
    cutPair(stage, one(random, [...stage.clients]), one(random, [...stage.metas]), random),
  // F8
  flappingLink: (stage, random) => flap(stage, random),
  // F2
  slowLink: (stage, random) => slowLink(stage, random),
  // F9
  resetConnection: (stage, random) => resetConnection(stage, random),
  garbage: (stage, random) => garbage(stage, random),
  // F1, F3, F4
  frameFaults: (stage, random) => frameFaults(stage, random),
  // F17
  wallClockStep: (stage, random) => wallClockStep(stage, random),
  // F27
  slowDisk: (stage, random) => slowDisk(stage, random),
  swizzleClog,
  slowReader,
  silentConnection,
  giantFrame,
  noDescriptors,
  restartLoop,
  unhandledError,
  wallClockJump,
  suspend,
  slowMeta,
  lostPushes,
  oldMeta,
  addServer,
  removeServer,
  changeReplicaCount,
  createTable,
  dropAndRecall,
  dropForGood,
  renameTable,
  frozenMeta,
  rotInLog,
  rotInEngine,
  rotInReplicaFile,
  rotInMetaJournal,
  misdirectedWrite,
  staleRead,
  failedSync,
  diskError,
  fullDisk,
  readOnlyDisk,
  stalledDisk,
  missingReplica,
  swappedReplicas,
  takeCopy,
  bringCopyBack,
  ...SHARED_FAULTS,
};

export const FAULT_NAMES: readonly FaultName[] = Object.keys(FAULTS) as FaultName[];

/** Those that need no service shared by meta servers. */
export const COMMON_FAULT_NAMES: readonly FaultName[] = FAULT_NAMES.filter(
  (name) => !(name in SHARED_FAULTS),
);

// ---- processes ----

function kill(stage: Stage, machine: AnyMachine | null, random: Random): ActiveFault | null {
  if (machine === null) return null;
  stage.beforeDeath(machine);
  machine.kill();
  return downFor([machine], random);
}

function killMany(stage: Stage, machines: AnyMachine[], random: Random): ActiveFault | null {
  if (machines.length === 0) return null;
  for (const machine of machines) stage.beforeDeath(machine);
  for (const machine of machines) machine.kill();
  return downFor(machines, random);
}

function terminate(stage: Stage, machine: AnyMachine | null, random: Random): ActiveFault | null {
  if (machine === null) return null;
  stage.beforeDeath(machine);
  let isEnded = false;
  machine.stop(() => {
    if (isEnded && machine.isDown) machine.start();
  });
  const end = (): void => {
    isEnded = true;
    if (machine.isDown) machine.start();
  };
  return { durationMs: drawDuration(random, 2000, 8000), end };
}

function pause(machine: AnyMachine | null, random: Random): ActiveFault | null {
  if (machine === null) return null;
  machine.pause();
  const life = machine.owner.generation;
  const end = (): void => {
    if (machine.isPaused && machine.owner.generation === life) machine.resume();
  };
  return { durationMs: drawDuration(random, 3000, 18_000), end };
}

// ---- network ----

type Direction = 'both' | 'in' | 'out';

function cutLinks(stage: Stage, pairs: readonly (readonly [AnyMachine, AnyMachine])[]): () => void {
  const { network } = stage;
  for (const [from, to] of pairs) network.cut(from.host, to.host);
  return () => {
    for (const [from, to] of pairs) network.heal(from.host, to.host);
  };
}

function isolate(
  stage: Stage,
  machine: AnyMachine | null,
  random: Random,
  direction: Direction,
): ActiveFault | null {
  if (machine === null) return null;
  const pairs: [AnyMachine, AnyMachine][] = [];
  for (const other of everyMachine(stage)) {
    if (other === machine) continue;
    if (direction !== 'in') pairs.push([machine, other]);
    if (direction !== 'out') pairs.push([other, machine]);
  }
  return { durationMs: drawDuration(random, 4000, 16_000), end: cutLinks(stage, pairs) };
}

function halves(stage: Stage, random: Random): ActiveFault {
  const left = new Set(everyMachine(stage).filter(() => random.below(2) === 0));
  const pairs: [AnyMachine, AnyMachine][] = [];
  for (const from of everyMachine(stage)) {
    for (const to of everyMachine(stage)) {
      if (left.has(from) !== left.has(to)) pairs.push([from, to]);
    }
  }
  return { durationMs: drawDuration(random, 4000, 14_000), end: cutLinks(stage, pairs) };
}

function cutPair(
  stage: Stage,
  left: AnyMachine | null,
  right: AnyMachine | null,
  random: Random,
): ActiveFault | null {
  if (left === null || right === null || left === right) return null;
  const pairs: [AnyMachine, AnyMachine][] = [];
  const direction = random.below(4);
  if (direction !== 0) pairs.push([left, right]);
  if (direction !== 1) pairs.push([right, left]);
  return { durationMs: drawDuration(random, 4000, 16_000), end: cutLinks(stage, pairs) };
}

function flap(stage: Stage, random: Random): ActiveFault | null {
  const servers = [...stage.metas, ...stage.replicas];
  const left = one(random, servers);
  const right = one(random, servers);
  if (left === null || right === null || left === right) return null;
  const periodUs = 50_000 + random.below(1_500_000);
  let heal: (() => void) | null = null;
  let isOver = false;
  const toggle = (): void => {
    if (isOver) return;
    if (heal === null)
      heal = cutLinks(stage, [
        [left, right],
        [right, left],
      ]);
    else {
      heal();
      heal = null;
    }
    stage.scheduler.world(1 + random.below(periodUs), 'flap', toggle);
  };
  toggle();
  const end = (): void => {
    isOver = true;
    heal?.();
  };
  return { durationMs: drawDuration(random, 5000, 12_000), end };
}

function slowLink(stage: Stage, random: Random): ActiveFault | null {
  const all = everyMachine(stage);
  const left = one(random, all);
  const right = one(random, all);
  if (left === null || right === null || left === right) return null;
  const link = stage.network.link(left.host, right.host);
  const factor = one(random, [5, 50, 500, 3000])!;
  link.slowness *= factor;
  const end = (): void => {
    link.slowness /= factor;
  };
  return { durationMs: drawDuration(random, 4000, 15_000), end };
}

function resetConnection(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, running(everyMachine(stage)));
  if (machine === null || !stage.network.resetOne(machine.host)) return null;
  return INSTANT;
}

/** A stranger: a port scan, or bytes of another protocol. */
function garbage(stage: Stage, random: Random): ActiveFault | null {
  const target = one(random, running([...stage.metas, ...stage.replicas]));
  const source = one(random, running(stage.clients));
  if (target === null || source === null) return null;
  const port = one(random, [...target.host.listeners.keys()]);
  if (port === null) return null;
  const bytes = Uint8Array.from({ length: random.below(200) }, () => random.below(256));
  if (random.below(3) === 0) bytes.set([0x54, 0x48, 0x46, 0x54].slice(0, bytes.length));
  else if (random.below(2) === 0) bytes.set([0x50, 0x47, 0x49, 0x32].slice(0, bytes.length));
  const ignore = { onOpen: DONE, onData: DONE, onDrain: DONE, onClose: DONE };
  const transport = stage.network.transport(source.host);
  const connection = transport.connect({ host: target.name, port }, ignore);
  connection.write(bytes);
  const end = (): void => connection.destroy();
  return { durationMs: drawDuration(random, 50, 8000), end };
}

function frameFaults(stage: Stage, random: Random): ActiveFault {
  const faults = stage.network.frameFaults;
  const share = one(random, [0.002, 0.02, 0.1])!;
  const added = {
    dropFraction: share * random.fraction(),
    duplicateFraction: share * random.fraction(),
    delayFraction: share * random.fraction(),
  };
  faults.dropFraction += added.dropFraction;
  faults.duplicateFraction += added.duplicateFraction;
  faults.delayFraction += added.delayFraction;
  faults.delayUsMax = one(random, [2000, 100_000, 3_000_000])!;
  const end = (): void => {
    faults.dropFraction = Math.max(0, faults.dropFraction - added.dropFraction);
    faults.duplicateFraction = Math.max(0, faults.duplicateFraction - added.duplicateFraction);
    faults.delayFraction = Math.max(0, faults.delayFraction - added.delayFraction);
  };
  return { durationMs: drawDuration(random, 5000, 20_000), end };
}

// ---- clocks and disks ----

function wallClockStep(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, everyMachine(stage));
  if (machine === null) return null;
  const spanMs = one(random, [100, 5000, 3_600_000])!;
  machine.clock.wallOffsetMs += Math.round((2 * random.fraction() - 1) * spanMs);
  stage.onWallStep();
  return INSTANT;
}

function slowDisk(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, [...stage.metas, ...stage.replicas]);
  if (machine === null) return null;
  const factor = one(random, [10, 100, 1000])!;
  machine.diskSlowness *= factor;
  const end = (): void => {
    machine.diskSlowness /= factor;
  };
  return { durationMs: drawDuration(random, 3000, 12_000), end };
}
