/** What a replica tells of itself: to the meta server, and to checkers, tests and monitoring. */
import type { ReplicaCore } from '../consensus/replica-core.ts';
import type { ReplicaState } from '../wire/generated/internal.ts';
import type { ReplicaActivity } from './replica-activity.ts';
import type { ReplicaEngine } from './replica-engine.ts';
import type { ReplicaInspection } from './replica-host.ts';

/** `fetchedBytes`: of a checkpoint that is being fetched, so that a long learn is seen to move on; null = none. */
export function reportOf(
  core: ReplicaCore,
  storage: ReplicaEngine,
  fetchedBytes: number | null,
  { counters }: ReplicaActivity,
): ReplicaState {
  const { state } = core;
  return {
    gpid: state.gpid,
    ballot: state.config.ballot,
    status: state.status,
    lastCommittedDecree: state.list.lastCommitted,
    lastPreparedDecree: state.list.lastPrepared,
    appliedDecree: storage.appliedDecree,
    durableDecree: storage.durableDecree,
    learnId: core.learnId,
    dataBytes: storage.current?.statistics().liveDataBytes ?? 0,
    fetchedBytes: fetchedBytes ?? 0,
    failure: state.failure,
    tailUnproven: state.tailUnproven,
    headBallot: state.headBallot,
    headDigest: state.list.lastPreparedDigest(),
    compactedSeconds: storage.compaction.markSeconds,
    capacityUnits: counters.readCapacityUnits + counters.writeCapacityUnits,
  };
}

export function inspectionOf(
  core: ReplicaCore,
  storage: ReplicaEngine,
  activity: ReplicaActivity,
  nowMs: number,
): ReplicaInspection {
  const { state } = core;
  return {
    gpid: state.gpid,
    config: state.config,
    persistedBallot: state.persistedBallot,
    status: state.status,
    lastCommittedDecree: state.list.lastCommitted,
    lastPreparedDecree: state.list.lastPrepared,
    lastLoggedDecree: state.lastLogged,
    appliedDecree: storage.appliedDecree,
    durableDecree: storage.durableDecree,
    engine: storage.current,
    compaction: storage.compaction.state,
    lags: core.leading?.lags(nowMs) ?? [],
    activity,
    digestAt: (decree) => state.list.digestAt(decree),
  };
}
