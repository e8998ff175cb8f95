/**
 * What administrators propose for one partition (`propose`, `balance` of the original's shell), as a move.
 *
 * The original takes a list of steps and sends them one by one. Here the list says what is to be in the end, and the
 * way there is that of every move (moves.ts): a copy that is to go is replaced before, so that a step which would only
 * take a member away moves its copy to the server that has least. Steps that would give a partition a member too many,
 * or a lead to somebody without a copy, are refused.
 */
import type { NodeId } from '../model/identity.ts';
import { ConfigType } from '../wire/schema/meta.ts';
import { followers, isAsSafe } from './balance-candidates.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Move } from './moves.ts';
import type { Partition } from './partition.ts';

export interface ProposedStep {
  readonly type: number;
  readonly node: NodeId;
}

/** Null: the steps make no move. */
export function proposedMove(
  state: ClusterState,
  partition: Partition,
  steps: readonly ProposedStep[],
): Move | null {
  const nodeOf = (...types: readonly number[]): NodeId | null =>
    steps.find(({ type }) => types.includes(type))?.node ?? null;
  const { primary } = partition.record.config;
  const added = nodeOf(ConfigType.addSecondary, ConfigType.addSecondaryForBalance);
  const removed = nodeOf(ConfigType.remove, ConfigType.downgradeToInactive);
  const upgraded = nodeOf(ConfigType.upgradeToPrimary);
  const downgraded = nodeOf(ConfigType.downgradeToSecondary);
  if (primary === null) return null;
  if (added !== null) {
    const from = removed ?? (upgraded === null ? null : downgraded);
    return from === null ? null : { kind: 'copy', from, to: added, cause: 'command' };
  }
  if (removed !== null) {
    const to = refuge(state, partition, removed);
    return to === null ? null : { kind: 'copy', from: removed, to, cause: 'command' };
  }
  if (upgraded !== null) return { kind: 'lead', from: primary, to: upgraded, cause: 'command' };
  if (downgraded !== primary) return null;
  const [to] = followers(state, partition).sort(
    (a, b) => state.primaryCountOf(a) - state.primaryCountOf(b) || (a < b ? -1 : 1),
  );
  return to === undefined ? null : { kind: 'lead', from: primary, to, cause: 'command' };
}

/** The server with the fewest copies that could take this one. */
function refuge(state: ClusterState, partition: Partition, from: NodeId): NodeId | null {
  const [best] = state.nodes
    .usableNodes()
    .filter(
      (node) =>
        partition.seatOf(node.id) === undefined &&
        !state.wishes.isEmptied(node.id) &&
        state.admission.banOf(node) === null &&
        isAsSafe(state, partition, from, node.id),
    )
    .sort(
      (a, b) => state.replicaCountOf(a.id) - state.replicaCountOf(b.id) || (a.id < b.id ? -1 : 1),
    );
  return best?.id ?? null;
}
