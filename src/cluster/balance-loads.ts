/**
 * What each server would have once all moves that stand or are planned were done: the numbers that the balance works
 * with. Counts of the present come from the indexes of `ClusterState`; only differences are kept here, so making one
 * costs as much as there are moves, not servers.
 */
import type { NodeId } from '../model/identity.ts';
import type { ClusterState } from './cluster-state.ts';
import { type Move, moveWeight } from './moves.ts';
import type { Partition } from './partition.ts';
import type { Table } from './table.ts';

class Difference {
  readonly replicas: Map<NodeId, number> = new Map();
  readonly primaries: Map<NodeId, number> = new Map();
}

export class BalanceLoads {
  readonly #state: ClusterState;
  readonly #byTable = new Map<Table, Difference>();
  readonly #ofAll = new Difference();
  /** Of the moves in which a server takes part. */
  readonly #weights = new Map<NodeId, number>();

  constructor(state: ClusterState, standing: Iterable<Partition>) {
    this.#state = state;
    for (const partition of standing)
      if (partition.move !== null) this.add(partition, partition.move);
  }

  weightOf(node: NodeId): number {
    return this.#weights.get(node) ?? 0;
  }

  replicasOf(node: NodeId): number {
    return this.#state.replicaCountOf(node) + (this.#ofAll.replicas.get(node) ?? 0);
  }

  primariesOf(node: NodeId): number {
    return this.#state.primaryCountOf(node) + (this.#ofAll.primaries.get(node) ?? 0);
  }

  tableReplicas(table: Table, node: NodeId): number {
    const difference = this.#byTable.get(table)?.replicas.get(node) ?? 0;
    return (table.replicas.get(node) ?? 0) + difference;
  }

  tablePrimaries(table: Table, node: NodeId): number {
    const difference = this.#byTable.get(table)?.primaries.get(node) ?? 0;
    return (table.primaries.get(node) ?? 0) + difference;
  }

  add(partition: Partition, { kind, from, to }: Move): void {
    shift(this.#weights, from, moveWeight(kind));
    shift(this.#weights, to, moveWeight(kind));
    const ofTable = this.#differenceOf(partition.table);
    const { primary } = partition.record.config;
    for (const difference of [this.#ofAll, ofTable]) {
      if (primary === from) {
        shift(difference.primaries, from, -1);
        shift(difference.primaries, to, 1);
      }
      if (kind !== 'copy') continue;
      if (partition.seatOf(from) !== undefined) shift(difference.replicas, from, -1);
      if (partition.seatOf(to) === undefined) shift(difference.replicas, to, 1);
    }
  }

  #differenceOf(table: Table): Difference {
    const known = this.#byTable.get(table);
    if (known !== undefined) return known;
    const made = new Difference();
    this.#byTable.set(table, made);
    return made;
  }
}

function shift(counts: Map<NodeId, number>, node: NodeId, by: number): void {
  counts.set(node, (counts.get(node) ?? 0) + by);
}
