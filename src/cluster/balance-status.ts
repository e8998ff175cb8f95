/** What the balance does, what there would be to do, and why it is not done: for people, and for programs. */
import { gpidText } from '../model/identity.ts';
import type { BalancePlan } from './balance-plan.ts';
import type { Balancer } from './balancer.ts';
import type { ClusterState } from './cluster-state.ts';
import { type DrainProgress, drainProgress } from './drain.ts';
import type { Move } from './moves.ts';

export interface BalanceStatus {
  /** One sentence. */
  readonly why: string;
  readonly isPaused: boolean;
  readonly ignoredTables: readonly number[];
  readonly servers: readonly ServerShare[];
  readonly primaryDeviation: number;
  readonly replicaDeviation: number;
  /** What there is to do, all limits left aside. */
  readonly wanted: OperationCounts;
  /** Why moves that would help wait, with how many do. */
  readonly waiting: Readonly<Record<string, number>>;
  readonly moves: readonly (Move & { readonly partition: string; readonly seconds: number })[];
  /** That have ended, the newest first. */
  readonly ended: readonly (Move & { readonly partition: string; readonly end: string })[];
  readonly drains: readonly DrainProgress[];
}

export interface ServerShare {
  readonly node: string;
  readonly primaries: number;
  readonly replicas: number;
}

/** In the words of the original. */
export interface OperationCounts {
  readonly total: number;
  readonly movePrimary: number;
  readonly copyPrimary: number;
  readonly copySecondary: number;
}

const ENDED_SHOWN = 16;

export function balanceStatus(
  state: ClusterState,
  balancer: Balancer,
  nowMs: number,
): BalanceStatus {
  const servers = state.nodes.usableNodes().map(({ id }) => ({
    node: id,
    primaries: state.primaryCountOf(id),
    replicas: state.replicaCountOf(id),
  }));
  const { book } = balancer;
  const moves = [...book.standing].flatMap(({ gpid, move }) => {
    if (move === null) return [];
    const { kind, from, to, cause, beganMs } = move;
    const seconds = Math.round((nowMs - beganMs) / 1_000);
    return [{ partition: gpidText(gpid), kind, from, to, cause, seconds }];
  });
  const ended = book.ended.slice(-ENDED_SHOWN).map(({ partition, kind, from, to, cause, end }) => ({
    partition,
    kind,
    from,
    to,
    cause,
    end,
  }));
  const wanted = countOperations(balancer.dryRun(nowMs));
  const { record } = state.wishes;
  return {
    why: whyText(balancer, wanted.total, moves.length),
    isPaused: record.paused,
    ignoredTables: record.ignoredTables,
    servers: servers.sort((a, b) => (a.node < b.node ? -1 : 1)),
    primaryDeviation: deviation(servers.map(({ primaries }) => primaries)),
    replicaDeviation: deviation(servers.map(({ replicas }) => replicas)),
    wanted,
    waiting: Object.fromEntries(balancer.blocked),
    moves,
    ended: ended.reverse(),
    drains: record.drains.map((drain) => drainProgress(state, drain)),
  };
}

export function countOperations(plan: BalancePlan): OperationCounts {
  let movePrimary = 0;
  let copyPrimary = 0;
  for (const { partition, move } of plan.moves) {
    if (move.kind === 'lead') movePrimary += 1;
    else if (partition.record.config.primary === move.from) copyPrimary += 1;
  }
  const total = plan.moves.length;
  return { total, movePrimary, copyPrimary, copySecondary: total - movePrimary - copyPrimary };
}

function whyText(balancer: Balancer, wanted: number, standing: number): string {
  const { hold, blocked } = balancer;
  const moving = standing === 0 ? '' : `${standing} moves are under way. `;
  if (hold !== '') return `${moving}Nothing more is balanced: ${hold}.`;
  if (wanted === 0) {
    return standing === 0 ? 'Nothing moves: all is as even as it can be.' : moving.trim();
  }
  const reasons = [...blocked].map(([reason, count]) => `${reason} (${count})`).join(', ');
  const rest = `${wanted} more are wanted`;
  return `${moving}${rest}${reasons === '' ? '' : `; waiting: ${reasons}`}.`;
}

export function deviation(counts: readonly number[]): number {
  if (counts.length === 0) return 0;
  const mean = counts.reduce((a, b) => a + b, 0) / counts.length;
  const squares = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0);
  return Math.sqrt(squares / counts.length);
}
