/**
 * What to do when the meta server's state is older than its replicas: its journal was restored from a copy, and a
 * part of the history is lost. Replicas store the newest configuration they have seen, and for each ballot there was
 * at most one. So the truth is the configuration of the highest ballot that anybody has seen, if only everybody who
 * could have seen a higher one is asked:
 *
 *  1. A report with a ballot above the own proves that the journal is old. Then every partition is *doubted*: nothing
 *     about it is changed, not by commands either, nobody is told of it, and who claims to lead it is granted no lease,
 *     until all its members and all servers that are alive have reported. One that joined in the lost part may know a
 *     ballot of which no earlier member has heard.
 *  2. A doubted partition of which a higher ballot was reported is *behind*: who reported the ballot is asked for its
 *     configuration (`ConfigurationQuery`).
 *  3. That configuration is adopted, with its ballot, when all its members and all servers that are alive have
 *     reported, none of them a higher ballot. Whoever led under a ballot that was acted upon was a member under the
 *     ballot before, so nothing newer was acted upon. The ballots after it are free.
 *  4. A member that plays its role in the adopted configuration keeps its seat; one that restarted does not.
 *
 * A meta server that has just started does not know yet whether its journal is old: it doubts each partition until all
 * these have reported, or until one grace has passed without such proof. Meanwhile a leader whose lease has lapsed is
 * granted none: another one may have followed it, in the part of the journal that may be lost. One whose lease has not
 * lapsed leads for sure.
 *
 * A member that never comes back keeps its partition as it is: it may be the only one that knows better, and that is
 * for people to decide. A partition that is merely doubted is free again when the meta server is started once more and
 * finds no proof; one that is behind can be led by force (unsafe-recovery.ts). Not covered: a partition whose table was
 * dropped in the lost part (its newest configuration has no members); it says so in the log.
 *
 * A decision that was lost, and whose pushes were all lost, left no trace: its ballot is given out again. That is safe
 * because nobody acts under a ballot before having stored it; a push of the former life that is still under way is cut
 * off when this life connects to its addressee (`MessageBus.inboundGreeted`).
 */
import { assert, assertAtLeast } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import { members, type PartitionConfiguration, ReplicaStatus } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';
import type { ReplicaReport } from '../wire/generated/internal.ts';
import type { ClusterState } from './cluster-state.ts';
import type { PlannedChange } from './guardian.ts';
import { adoptedRecord, type Partition } from './partition.ts';
import type { Seat } from './records.ts';

/** Replicas of tables that are not known: their numbers must not be given to other tables. */
export function noteUnknownTables(state: ClusterState, report: ReplicaReport): number[] {
  const appIds = new Set<number>();
  for (const { gpid } of report.replicas) {
    if (state.partition(gpid) === undefined) appIds.add(gpid.appId);
  }
  for (const appId of appIds) state.noteAppId(appId);
  return [...appIds];
}

/** Returns the partitions of which the sender has to tell the configuration. */
export function noteBallotsAhead(state: ClusterState, report: ReplicaReport): Partition[] {
  const ahead: Partition[] = [];
  for (const { gpid, ballot } of report.replicas) {
    const partition = state.partition(gpid);
    if (partition === undefined || ballot <= partition.ballot) continue;
    partition.aheadBallot = Math.max(partition.aheadBallot, ballot);
    partition.isDoubted = true;
    assert(partition.isBehind, 'a higher ballot was reported');
    if (partition.told === null || partition.told.ballot < ballot) ahead.push(partition);
  }
  return ahead;
}

/** Rule 1. Returns the partitions that are doubted from now on; none if they were before. */
export function doubtJournal(state: ClusterState): Partition[] {
  if (state.isOld) return [];
  reached('cluster.journal.old');
  state.isOld = true;
  const doubted: Partition[] = [];
  for (const table of state.tables()) {
    if (table.isAvailable) doubted.push(...table.partitions);
  }
  for (const partition of doubted) partition.isDoubted = true;
  for (const node of state.nodes.all()) node.grantsLease = false;
  return doubted;
}

/** Whether what the journal says of the partition can be relied upon from now on. */
export function isBeyondDoubt(
  state: ClusterState,
  partition: Partition,
  hasGrace: boolean,
): boolean {
  if (partition.isBehind) return false;
  if (!hasGrace && !state.isOld) return true;
  return haveReported(state, partition.record.config) && hasHeardAll(state);
}

/** Takes up what a node says of the configuration that it has stored. */
export function noteTold(partition: Partition, config: PartitionConfiguration): boolean {
  if (config.ballot <= Math.max(partition.ballot, partition.told?.ballot ?? 0)) return false;
  partition.told = config;
  partition.aheadBallot = Math.max(partition.aheadBallot, config.ballot);
  return true;
}

/** Rule 3. */
export function planAdoption(state: ClusterState, partition: Partition): PlannedChange | null {
  const { told, table } = partition;
  if (told === null || told.ballot < partition.aheadBallot || !partition.isBehind) return null;
  if (partition.changing || table.frozen || !table.isAvailable) return null;
  if (members(told).length === 0 || !haveReported(state, told)) return null;
  if (!hasHeardAll(state)) return null;
  const seats = members(told).map((node) => seatIn(state, partition, node));
  const record = adoptedRecord(partition, told, seats);
  assertAtLeast(record.config.ballot, partition.ballot + 1, 'adopted ballot');
  partition.adopting = record;
  reached('cluster.journal.adopted');
  return { partition, record, reason: 'adopt' };
}

/** Whoever is alive may have joined in the part of the journal that is lost, and know what the members never heard. */
function hasHeardAll(state: ClusterState): boolean {
  return state.nodes.usableNodes().every((node) => node.reported);
}

function haveReported(state: ClusterState, config: PartitionConfiguration): boolean {
  return members(config).every((id) => {
    const node = state.nodes.get(id);
    return node?.usable === true && node.reported;
  });
}

/** Rule 4. */
function seatIn(state: ClusterState, partition: Partition, id: NodeId): Seat {
  const node = state.nodes.get(id);
  assert(node !== undefined, 'a member that has reported is known');
  const holding = partition.holdingOf(id, node.incarnation);
  const plays =
    holding?.status === ReplicaStatus.primary || holding?.status === ReplicaStatus.secondary;
  return { node: id, incarnation: plays ? node.incarnation : node.incarnation - 1 };
}
