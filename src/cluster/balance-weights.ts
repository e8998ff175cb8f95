/**
 * When the numbers are even, what the partitions weigh may not be: bytes of their copies, requests to their primaries.
 * Two partitions of a table then change places, so that the numbers stay as they are: two leads for requests, two
 * copies for bytes.
 *
 * Slow on purpose: only where two servers differ by a large share of what is usual, only if the exchange makes that
 * clearly smaller, one exchange a round and not more than one in `EXCHANGE_PAUSE_MS` (balancer.ts).
 */
import type { NodeId } from '../model/identity.ts';
import { followers, isAsSafe, type Weight, weightOf } from './balance-candidates.ts';
import type { BalancePlan } from './balance-plan.ts';
import type { Partition } from './partition.ts';
import type { Table } from './table.ts';

/** Two servers may differ by this share of the mean. */
const DIFFERENCE_SHARE_MAX = 0.25;
/** Below that nobody cares. */
const REQUESTS_MIN = 500;
const BYTES_MIN = 256 * 1024 * 1024;
/** What an exchange has to make better, as a share of the difference. */
const GAIN_SHARE_MIN = 0.2;
/** Partitions of each side that are compared with each other. */
const COMPARED_MAX = 64;

/** Answers whether anything is exchanged. */
export function evenWeights(plan: BalancePlan, tables: readonly Table[]): boolean {
  const allowed = new Set(tables);
  return exchangeLeads(plan, allowed) || exchangeCopies(plan, allowed);
}

function exchangeLeads(plan: BalancePlan, tables: ReadonlySet<Table>): boolean {
  const { state } = plan;
  const ids = plan.leaders.map(({ id }) => id);
  const led = (node: NodeId): Partition[] =>
    [...state.hostedBy(node)].filter(({ record }) => record.config.primary === node);
  const total = (node: NodeId): number =>
    led(node).reduce((sum, partition) => sum + weightOf(partition).requests, 0);
  const pair = extremes(ids, total, REQUESTS_MIN);
  if (pair === null) return false;
  const { from, to, difference } = pair;
  const candidates = (a: NodeId, b: NodeId): Partition[] =>
    led(a).filter(
      (partition) =>
        tables.has(partition.table) &&
        plan.isFree(partition) &&
        followers(plan.state, partition).includes(b),
    );
  const found = bestExchange(candidates(from, to), candidates(to, from), difference, 'requests');
  return found !== null && exchange(plan, 'lead', from, to, found);
}

function exchangeCopies(plan: BalancePlan, tables: ReadonlySet<Table>): boolean {
  const { state } = plan;
  const ids = plan.hosts.map(({ id }) => id);
  const total = (node: NodeId): number => {
    let bytes = 0;
    for (const partition of state.hostedBy(node)) bytes += weightOf(partition).bytes;
    return bytes;
  };
  const pair = extremes(ids, total, BYTES_MIN);
  if (pair === null) return false;
  const { from, to, difference } = pair;
  // Secondaries: leads stay where they are.
  const candidates = (a: NodeId, b: NodeId): Partition[] =>
    [...state.hostedBy(a)].filter(
      (partition) =>
        tables.has(partition.table) &&
        plan.isFree(partition) &&
        partition.record.config.primary !== a &&
        partition.seatOf(b) === undefined &&
        isAsSafe(plan.state, partition, a, b),
    );
  const found = bestExchange(candidates(from, to), candidates(to, from), difference, 'bytes');
  return found !== null && exchange(plan, 'copy', from, to, found);
}

interface Extremes {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly difference: number;
}

/** The heaviest and the lightest, when they differ by too much. */
function extremes(
  ids: readonly NodeId[],
  total: (node: NodeId) => number,
  minimum: number,
): Extremes | null {
  const totals = ids.map((id) => ({ id, weight: total(id) })).sort((a, b) => b.weight - a.weight);
  const [most] = totals;
  const least = totals.at(-1);
  if (most === undefined || least === undefined) return null;
  const mean = totals.reduce((sum, { weight }) => sum + weight, 0) / totals.length;
  const difference = most.weight - least.weight;
  if (difference < Math.max(minimum, DIFFERENCE_SHARE_MAX * mean)) return null;
  return { from: most.id, to: least.id, difference };
}

type Exchange = readonly [Partition, Partition];

/** Of one table each; the one after which the two servers differ least. */
function bestExchange(
  heavy: readonly Partition[],
  light: readonly Partition[],
  difference: number,
  what: keyof Weight,
): Exchange | null {
  let best: Exchange | null = null;
  let bestLeft = difference * (1 - GAIN_SHARE_MIN);
  const weight = (partition: Partition): number => weightOf(partition)[what];
  const heaviest = [...heavy].sort((a, b) => weight(b) - weight(a)).slice(0, COMPARED_MAX);
  const lightest = [...light].sort((a, b) => weight(a) - weight(b)).slice(0, COMPARED_MAX);
  for (const a of heaviest) {
    for (const b of lightest) {
      if (a.table !== b.table || a === b) continue;
      const left = Math.abs(difference - 2 * (weight(a) - weight(b)));
      if (left >= bestLeft) continue;
      bestLeft = left;
      best = [a, b];
    }
  }
  return best;
}

function exchange(
  plan: BalancePlan,
  kind: 'lead' | 'copy',
  from: NodeId,
  to: NodeId,
  [there, back]: Exchange,
): boolean {
  const first = { kind, from, to, cause: 'balance' } as const;
  const second = { kind, from: to, to: from, cause: 'balance' } as const;
  if (!plan.mayTake(there, first) || !plan.mayTake(back, second)) return false;
  plan.take(there, first);
  return plan.takeIfMay(back, second);
}
