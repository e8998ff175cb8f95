/**
 * Partitions that nobody leads and that no rule of the guardian will give a leader as things are: what each copy has,
 * what is known to be missing in it, and what the meta server waits for. People decide with it whether to bring a
 * server back or to go on without what it had (unsafe-recovery.ts).
 */
import { members } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';
import type { ClusterState } from './cluster-state.ts';
import { decideChange } from './guardian.ts';
import type { ServerNode } from './node-registry.ts';
import type { Holding, Partition } from './partition.ts';
import { intactHolding, seatState } from './seats.ts';

export interface CopyDiagnosis {
  readonly node: NodeId;
  /** Undefined when nobody remembers the server. */
  readonly server: ServerNode | undefined;
  readonly isMember: boolean;
  readonly isAlive: boolean;
  /** Its server has said what it holds, in its present life. */
  readonly hasReported: boolean;
  /** Null when it has no whole copy, or has not reported. */
  readonly holding: Holding | null;
  /** Mutations that are known to be committed and that it lacks; -1 without a whole copy. */
  readonly lostDecrees: number;
}

export interface PartitionDiagnosis {
  readonly partition: Partition;
  /** Members first. */
  readonly copies: readonly CopyDiagnosis[];
  readonly reason: string;
}

/** `appId` below 1: all tables; `index` below 0: all partitions. */
export function diagnose(state: ClusterState, appId: number, index: number): PartitionDiagnosis[] {
  const found: PartitionDiagnosis[] = [];
  for (const table of state.tables()) {
    if (appId >= 1 && table.app.appId !== appId) continue;
    for (const partition of table.partitions) {
      if (index >= 0 && partition.gpid.partitionIndex !== index) continue;
      if (isLeaderless(state, partition)) found.push(diagnosisOf(state, partition));
    }
  }
  return found;
}

/** Nobody leads it, and as things are nobody will. */
export function isLeaderless(state: ClusterState, partition: Partition): boolean {
  if (!partition.table.isAvailable || partition.changing) return false;
  if (partition.isBehind) return true;
  const { seats } = partition.record;
  if (seats.some((seat) => seatState(state, partition, seat) === 'live')) return false;
  return decideChange(state, partition) === null;
}

export function diagnosisOf(state: ClusterState, partition: Partition): PartitionDiagnosis {
  const copies = nodesOf(partition).map((node) => copyOf(state, partition, node));
  return { partition, copies, reason: reasonOf(partition, copies) };
}

function nodesOf(partition: Partition): NodeId[] {
  const { config, drops } = partition.record;
  const told = partition.told === null ? [] : members(partition.told);
  const holders = [...partition.holdings]
    .filter(([, holding]) => holding.present)
    .map(([node]) => node);
  return [...new Set([...members(config), ...told, ...[...drops].reverse(), ...holders])];
}

function copyOf(state: ClusterState, partition: Partition, node: NodeId): CopyDiagnosis {
  const server = state.nodes.get(node);
  const holding = intactHolding(state, partition, node) ?? null;
  const { committedDecree } = partition;
  return {
    node,
    server,
    isMember: partition.seatOf(node) !== undefined,
    isAlive: server?.usable === true,
    hasReported: server?.usable === true && server.reported,
    holding,
    lostDecrees: holding === null ? -1 : Math.max(0, committedDecree - holding.lastPreparedDecree),
  };
}

function reasonOf(partition: Partition, copies: readonly CopyDiagnosis[]): string {
  const named = (some: readonly CopyDiagnosis[]): string => some.map(({ node }) => node).join(', ');
  const parts: string[] = [];
  if (partition.isBehind) {
    parts.push(`replicas know of ballot ${partition.aheadBallot}, which the meta server has lost`);
  }
  const mattering = copies.filter(({ isMember }) => isMember || partition.isBehind);
  if (mattering.length === 0) parts.push('it has no members');
  const dead = mattering.filter(({ isAlive }) => !isAlive);
  if (dead.length > 0) parts.push(`not alive: ${named(dead)}`);
  const silent = mattering.filter(({ isAlive, hasReported }) => isAlive && !hasReported);
  if (silent.length > 0) parts.push(`not heard yet: ${named(silent)}`);
  const bare = mattering.filter(({ hasReported, holding }) => hasReported && holding === null);
  if (bare.length > 0) parts.push(`without a whole copy: ${named(bare)}`);
  const short = mattering.filter(({ lostDecrees }) => lostDecrees > 0);
  if (short.length > 0) parts.push(`lacking what was committed: ${named(short)}`);
  const unproven = mattering.filter(({ holding }) => holding?.tailUnproven === true);
  if (unproven.length > 0) {
    parts.push(`may have lost the end of the log in a power cut: ${named(unproven)}`);
  }
  return parts.join('; ');
}
