/**
 * Which copies move so that every server has as many as any other: of each table, then over all.
 *
 * Of the copies that could move, one whose move evens the leads of the table is preferred; it goes together with its
 * lead where the source leads more. Otherwise a secondary's. Then the one whose bytes even best. No copy moves where it
 * would share more of what may fail at once with the other members (fault-domains.ts).
 */
import type { NodeId } from '../model/identity.ts';
import { isAsSafe, weightOf } from './balance-candidates.ts';
import type { BalancePlan } from './balance-plan.ts';
import type { Partition } from './partition.ts';
import type { Table } from './table.ts';

export function evenCopies(plan: BalancePlan, table: Table): void {
  const { loads } = plan;
  const held = (node: NodeId): number => loads.tableReplicas(table, node);
  even(plan, held, (partition) => partition.table === table);
}

/** Over all tables, by moves that leave every table as even as it is. */
export function evenCopiesOfAll(plan: BalancePlan, tables: readonly Table[]): void {
  const { loads } = plan;
  const allowed = new Set(tables);
  even(
    plan,
    (node) => loads.replicasOf(node),
    ({ table }, from, to) =>
      allowed.has(table) && loads.tableReplicas(table, from) > loads.tableReplicas(table, to),
  );
}

function even(
  plan: BalancePlan,
  held: (node: NodeId) => number,
  isWanted: (partition: Partition, from: NodeId, to: NodeId) => boolean,
): void {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (const { id } of plan.hosts) {
    const count = held(id);
    if (count < least) least = count;
    if (count > most) most = count;
  }
  if (most - least < 2) return;
  const { loads } = plan;
  const ids = plan.hosts
    .map(({ id }) => id)
    .sort(
      (a, b) => held(a) - held(b) || loads.replicasOf(a) - loads.replicasOf(b) || (a < b ? -1 : 1),
    );
  const full = ids.toReversed();
  for (const to of ids) {
    if (most - held(to) < 2) return;
    for (const from of full) {
      while (held(from) - held(to) >= 2 && plan.hasRoom(to, 'copy') && plan.hasRoom(from, 'copy')) {
        const partition = choose(plan, from, to, isWanted);
        if (partition === null) break;
        plan.take(partition, { kind: 'copy', from, to, cause: 'balance' });
      }
      if (!plan.hasRoom(to, 'copy') || plan.isFull) break;
    }
  }
}

function choose(
  plan: BalancePlan,
  from: NodeId,
  to: NodeId,
  isWanted: (partition: Partition, from: NodeId, to: NodeId) => boolean,
): Partition | null {
  const { loads, state } = plan;
  const gap = bytesOn(plan, from) - bytesOn(plan, to);
  let best: Partition | null = null;
  let bestScore = Number.POSITIVE_INFINITY;
  for (const partition of state.hostedBy(from)) {
    if (!plan.isFree(partition) || partition.seatOf(to) !== undefined) continue;
    if (!isWanted(partition, from, to) || !isAsSafe(plan.state, partition, from, to)) continue;
    const { table } = partition;
    const leads = partition.record.config.primary === from;
    const moreLeads = loads.tablePrimaries(table, from) - loads.tablePrimaries(table, to);
    if (leads && (moreLeads < 1 || state.wishes.isDrained(to))) continue;
    const isApt = leads === moreLeads >= 2;
    const off = Math.abs(gap - 2 * weightOf(partition).bytes);
    // Bytes are finite: a copy that is apt always comes before one that is not.
    const score = isApt ? off : off + Number.MAX_SAFE_INTEGER;
    if (score >= bestScore) continue;
    if (!plan.mayTake(partition, { kind: 'copy', from, to, cause: 'balance' })) continue;
    best = partition;
    bestScore = score;
  }
  return best;
}

function bytesOn(plan: BalancePlan, node: NodeId): number {
  let bytes = 0;
  for (const partition of plan.state.hostedBy(node)) bytes += weightOf(partition).bytes;
  return bytes;
}
