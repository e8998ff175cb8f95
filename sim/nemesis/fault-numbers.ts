/**
 * Which entries of the fault list (F1 … F33, docs/testing.md) each fault is an instance of, for the
 * report: it counts by number, and a number that stays at zero is a kind of trouble that no run has
 * met.
 */
import type { FaultName } from './faults.ts';

export type FaultNumber = `F${number}`;

/** What is counted without being started by the nemesis. */
export type AmbientFault = 'dropped' | 'duplicated' | 'delayed' | 'driftingClock' | 'struckAtPoint';

export const FAULT_NUMBERS: Readonly<Record<FaultName | AmbientFault, readonly FaultNumber[]>> = {
  dropped: ['F1'],
  delayed: ['F2', 'F3'],
  duplicated: ['F4'],
  driftingClock: ['F18'],
  struckAtPoint: ['F11'],
  killReplica: ['F10'],
  killMeta: ['F10', 'F29'],
  killAllReplicas: ['F14'],
  killEverything: ['F14', 'F29'],
  killAfterFrame: [],
  killAtPoint: [],
  orphanedTail: ['F11'],
  blackout: ['F14'],
  terminateAfterFrame: [],
  lateFrames: [],
  undecidedPromotion: ['F3', 'F11'],
  lateLearning: [],
  killWhileLearning: ['F11'],
  doubtedLearner: [],
  wrongDigests: [],
  fadingMeta: ['F2', 'F6'],
  powerOffReplica: ['F20', 'F22'],
  powerOffMeta: ['F20', 'F22', 'F29'],
  powerOffAll: ['F15', 'F20', 'F22'],
  terminate: [],
  pauseReplica: ['F12'],
  pauseMeta: ['F12', 'F29'],
  isolateReplica: ['F5'],
  halves: ['F5'],
  deafReplica: ['F6'],
  muteReplica: ['F6'],
  cutReplicaPair: ['F7'],
  cutReplicaFromMeta: ['F7'],
  cutClientFromReplica: ['F7'],
  cutClientFromMeta: ['F7'],
  flappingLink: ['F8'],
  slowLink: ['F2'],
  resetConnection: ['F9'],
  garbage: ['F9'],
  frameFaults: [],
  wallClockStep: ['F17'],
  slowDisk: ['F27'],
  swizzleClog: ['F8'],
  slowReader: ['F9'],
  silentConnection: ['F9'],
  giantFrame: ['F9'],
  noDescriptors: ['F16'],
  restartLoop: ['F13'],
  unhandledError: ['F16'],
  wallClockJump: ['F19'],
  suspend: ['F19'],
  slowMeta: ['F29'],
  lostPushes: ['F29'],
  oldMeta: ['F29'],
  addServer: ['F30'],
  removeServer: ['F30'],
  changeReplicaCount: ['F30'],
  createTable: ['F30'],
  dropAndRecall: ['F30'],
  dropForGood: ['F30'],
  renameTable: ['F30'],
  frozenMeta: ['F30'],
  rotInLog: ['F23'],
  rotInEngine: ['F23'],
  rotInReplicaFile: ['F23'],
  rotInMetaJournal: ['F23', 'F29'],
  misdirectedWrite: ['F24'],
  staleRead: ['F25'],
  failedSync: ['F21'],
  diskError: ['F26'],
  fullDisk: ['F26'],
  readOnlyDisk: ['F26'],
  stalledDisk: ['F27'],
  missingReplica: ['F28'],
  swappedReplicas: ['F28'],
  bringCopyBack: ['F28'],
  takeCopy: [],
  serviceAway: ['F29'],
  serviceSlow: ['F2', 'F29'],
  serviceNoQuorum: ['F6', 'F29'],
  cutMetaFromService: ['F7', 'F29'],
  killLeader: ['F10', 'F29'],
  killLeaderAtWrite: ['F11', 'F29'],
  killAllMetas: ['F14', 'F29'],
  pauseLeader: ['F12', 'F29'],
  isolateLeader: ['F5', 'F29'],
  separateMetas: ['F7', 'F29'],
};

/** Those that a simulator is to inject; the rest needs features that do not exist yet. */
export const FAULT_NUMBERS_WANTED: readonly FaultNumber[] = Array.from(
  { length: 30 },
  (_, index) => `F${index + 1}` as const,
);

/** All wanted numbers, with how often they happened. */
export function countByNumber(counts: Readonly<Record<string, number>>): Record<string, number> {
  const byNumber: Record<string, number> = Object.fromEntries(
    FAULT_NUMBERS_WANTED.map((number) => [number, 0]),
  );
  for (const [name, numbers] of Object.entries(FAULT_NUMBERS)) {
    for (const number of numbers) byNumber[number] = (byNumber[number] ?? 0) + (counts[name] ?? 0);
  }
  return byNumber;
}
