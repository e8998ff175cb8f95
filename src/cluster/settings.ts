/** Times and limits of the meta server's brain. Milliseconds on the monotonic clock. */
import { assert, assertAtLeast } from '../base/assert.ts';
import type { AdmissionSettings } from './admission.ts';
import type { FreezeSettings } from './level-control.ts';

export interface ClusterSettings extends AdmissionSettings, FreezeSettings {
  readonly beaconIntervalMs: number;
  /** What a beacon grants to its sender, counted from its sending on the sender's clock. */
  readonly leaseMs: number;
  /** A node whose last beacon was received this long ago is dead. */
  readonly graceMs: number;
  /** A crash that is proved (`meta/life-watch.ts`) is acted on at once, without the grace. */
  readonly fastFailover: boolean;
  /** Between two attempts to connect to a node whose connection has ended. */
  readonly probeIntervalMs: number;
  /** How long a partition waits for a member that it lost before another node gets a copy. */
  readonly replacementDelayMs: number;
  /** The same for a partition that cannot take writes because too few members are left. */
  readonly urgentReplacementDelayMs: number;
  /** A learner that shows no progress for this long is given up. */
  readonly learnStallMs: number;
  /** A learner that was given up is not tried again for this long. */
  readonly learnRetryDelayMs: number;
  /** Learners under way at a time, per node that learns and per primary that teaches. */
  readonly learnsPerNodeMax: number;
  /** Copies that move from or to one node at a time, for balance and for drains; hand-overs weigh a quarter. */
  readonly movesPerNodeMax: number;
  /** How often the balance looks for something to do. */
  readonly balanceIntervalMs: number;
  /** Servers have not come or gone for so long before anything is balanced. */
  readonly balanceQuietMs: number;
  /** A partition has all its members for this long before copies elsewhere are removed. */
  readonly surplusDelayMs: number;
  /** Tables with fewer replicas per partition, or with more, are refused. */
  readonly replicaCountMin: number;
  readonly replicaCountMax: number;
  readonly partitionCountMax: number;
  /** How long a dropped table can be recalled when the request does not say. */
  readonly dropHoldSeconds: number;
}

export const DEFAULT_CLUSTER_SETTINGS: ClusterSettings = {
  beaconIntervalMs: 1_000,
  leaseMs: 5_000,
  graceMs: 6_000,
  fastFailover: true,
  probeIntervalMs: 100,
  replacementDelayMs: 60_000,
  urgentReplacementDelayMs: 15_000,
  learnStallMs: 60_000,
  learnRetryDelayMs: 60_000,
  learnsPerNodeMax: 10,
  movesPerNodeMax: 2,
  balanceIntervalMs: 1_000,
  balanceQuietMs: 5_000,
  surplusDelayMs: 60_000,
  replicaCountMin: 1,
  replicaCountMax: 5,
  partitionCountMax: 16_384,
  dropHoldSeconds: 604_800,
  replicaWhiteList: null,
  unstableRestartsMax: 5,
  stableAfterMs: 600_000,
  liveNodesMin: 0,
  liveNodesPercentMin: 0,
};

/** Two clocks differ by at most this share in speed. */
export const CLOCK_DRIFT_MAX = 0.05;
export const LEASE_MARGIN_MS = 250;

/** Attempts to connect to a node whose connection has ended, before it is left to its grace. */
export const PROBES_MAX = 10;

/** Losing one beacon costs nobody its lease. */
export function leaseCoversBeacons(settings: ClusterSettings): boolean {
  return settings.leaseMs >= 2 * settings.beaconIntervalMs;
}

/** Before a node is declared dead its lease is over on its own clock, drift and margin included. */
export function graceCoversLease(settings: ClusterSettings): boolean {
  return settings.graceMs >= settings.leaseMs * (1 + CLOCK_DRIFT_MAX) + LEASE_MARGIN_MS;
}

/** Later than that there is nothing left to prove. */
export function probesEndWithinGrace(settings: ClusterSettings): boolean {
  return PROBES_MAX * settings.probeIntervalMs <= settings.graceMs;
}

/** The relations that safety and liveness hang on; broken ones are a mistake of whoever built the settings. */
export function assertClusterSettings(settings: ClusterSettings): void {
  assertAtLeast(settings.beaconIntervalMs, 1, 'beacon interval');
  assert(leaseCoversBeacons(settings), 'a lease outlives the loss of one beacon');
  assert(graceCoversLease(settings), 'the grace outlasts the lease, drift and margin included');
  assertAtLeast(settings.probeIntervalMs, 1, 'probe interval');
  assert(probesEndWithinGrace(settings), 'probes end within the grace');
  assertAtLeast(settings.replacementDelayMs, settings.urgentReplacementDelayMs, 'replacement');
  assertAtLeast(settings.urgentReplacementDelayMs, 0, 'urgent replacement delay');
  assertAtLeast(settings.learnStallMs, 1, 'learn stall');
  assertAtLeast(settings.learnRetryDelayMs, 0, 'learn retry delay');
  assertAtLeast(settings.learnsPerNodeMax, 1, 'learners per node');
  assertAtLeast(settings.movesPerNodeMax, 1, 'moves per node');
  assertAtLeast(settings.balanceIntervalMs, 1, 'balance interval');
  assertAtLeast(settings.balanceQuietMs, 0, 'quiet before the balance');
  assertAtLeast(settings.surplusDelayMs, 0, 'surplus delay');
  assertAtLeast(settings.replicaCountMin, 1, 'fewest replicas');
  assertAtLeast(settings.replicaCountMax, settings.replicaCountMin, 'most replicas');
  assertAtLeast(settings.partitionCountMax, 1, 'most partitions');
  assert(settings.partitionCountMax < 0x200000, 'a partition index fits its key');
  assertAtLeast(settings.dropHoldSeconds, 1, 'hold time of dropped tables');
}

/** Members below which a partition refuses writes: one of one or two, two of three, three of four or five. */
export function writeFloor(maxReplicaCount: number): number {
  assertAtLeast(maxReplicaCount, 1, 'replica count');
  return maxReplicaCount <= 2 ? 1 : Math.floor(maxReplicaCount / 2) + 1;
}

/** What operators change while the meta server runs. */
export type CureSettings = Pick<ClusterSettings, 'replacementDelayMs' | 'learnsPerNodeMax'>;

/** Null takes a change back. */
export function changedCure(
  present: ClusterSettings,
  configured: ClusterSettings,
  changes: { readonly [Name in keyof CureSettings]?: CureSettings[Name] | null },
): ClusterSettings {
  const { replacementDelayMs: delay, learnsPerNodeMax: learns } = changes;
  const replacementDelayMs =
    delay === undefined ? present.replacementDelayMs : (delay ?? configured.replacementDelayMs);
  const changed = {
    ...present,
    replacementDelayMs,
    // Who may be replaced sooner than that is not waited for longer either.
    urgentReplacementDelayMs: Math.min(configured.urgentReplacementDelayMs, replacementDelayMs),
    learnsPerNodeMax:
      learns === undefined ? present.learnsPerNodeMax : (learns ?? configured.learnsPerNodeMax),
  };
  assertClusterSettings(changed);
  return changed;
}
