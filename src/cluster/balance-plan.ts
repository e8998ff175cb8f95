/**
 * One round of planning: which moves should begin now. Reads what is known, changes nothing; the same input gives the
 * same moves. The steps, in the order in which they may use what room there is:
 *
 *  1. drains: leads first, then copies,
 *  2. leads of each table (balance-leads.ts), which cost nobody anything,
 *  3. copies of each table, then of the whole cluster (balance-copies.ts),
 *  4. leads of the whole cluster, and those that no chain of hand-overs could even,
 *  5. by weight, when the numbers are even (balance-weights.ts).
 *
 * Even: no two servers differ by more than one, in each table and over all. Every move that is planned makes the sum of
 * the squares of these numbers smaller, that of the tables first; so moves come to an end, and none is taken back.
 */
import { reached } from '../base/marks.ts';
import type { NodeId } from '../model/identity.ts';
import { evenCopies, evenCopiesOfAll } from './balance-copies.ts';
import { copyLeads, evenLeads, evenLeadsOfAll } from './balance-leads.ts';
import { BalanceLoads } from './balance-loads.ts';
import { evenWeights } from './balance-weights.ts';
import type { ClusterState } from './cluster-state.ts';
import { planDrains } from './drain.ts';
import { type Move, moveWeight } from './moves.ts';
import type { MoveBook, MoveRefusal } from './moves-book.ts';
import type { ServerNode } from './node-registry.ts';
import type { Partition } from './partition.ts';
import type { ClusterSettings } from './settings.ts';
import type { Table } from './table.ts';

export interface PlannedMove {
  readonly partition: Partition;
  readonly move: Move;
}

export interface PlanRequest {
  readonly state: ClusterState;
  readonly settings: ClusterSettings;
  readonly book: MoveBook;
  readonly nowMs: number;
  /** Servers that teach or learn for a repair: no copies move from or to them. */
  readonly repairing: ReadonlySet<NodeId>;
  /** False: only drains. */
  readonly balances: boolean;
  readonly switches: BalanceSwitches;
  /** Partitions may change places for what they weigh. */
  readonly exchanges: boolean;
  /** As if no server had a limit: what there would be to do. */
  readonly isDry: boolean;
}

/** What the balance leaves out, as in the original; for the time of this lead. */
export interface BalanceSwitches {
  /** Only leads are evened: copies move with a lead, if need be. */
  readonly onlyPrimaries: boolean;
  /** Copies never move. */
  readonly onlyLeads: boolean;
  /** Nothing else is planned in a round in which one table needs something. */
  readonly inTurn: boolean;
}

/** Moves planned in one round, at most. */
const MOVES_MAX = 512;
/** A server whose disk has less room gets no copies, if there is another one. */
const FREE_SHARE_MIN = 0.1;

export class BalancePlan {
  readonly state: ClusterState;
  readonly settings: ClusterSettings;
  readonly loads: BalanceLoads;
  readonly nowMs: number;
  /** May be given copies. */
  readonly hosts: readonly ServerNode[];
  /** May be given leads. */
  readonly leaders: readonly ServerNode[];
  readonly moves: PlannedMove[] = [];
  /** Why moves that would help were not planned, with how often that was so. */
  readonly blocked: Map<MoveRefusal | 'its disk is nearly full', number> = new Map();
  /** Numbers were even: this is about what partitions weigh. */
  isExchange = false;
  readonly #request: PlanRequest;
  readonly #taken = new Set<Partition>();

  constructor(request: PlanRequest) {
    this.#request = request;
    const { state, settings, book, nowMs } = request;
    this.state = state;
    this.settings = settings;
    this.nowMs = nowMs;
    this.loads = new BalanceLoads(state, book.standing);
    const alive = state.nodes.usableNodes().filter((node) => node.reported);
    this.hosts = alive.filter(
      (node) => !state.wishes.isEmptied(node.id) && state.admission.banOf(node) === null,
    );
    this.leaders = alive.filter(({ id }) => !state.wishes.isDrained(id));
  }

  get isFull(): boolean {
    return this.moves.length >= MOVES_MAX;
  }

  /** Tables whose partitions may be moved for balance. */
  tables(): Table[] {
    return [...this.state.tables()].filter(
      (table) =>
        table.isAvailable && !table.frozen && !this.state.wishes.isIgnored(table.app.appId),
    );
  }

  /** There is room for one more move of this kind. */
  hasRoom(node: NodeId, kind: Move['kind']): boolean {
    if (this.#request.isDry) return true;
    const { movesPerNodeMax } = this.settings;
    return this.loads.weightOf(node) + moveWeight(kind) <= moveWeight('copy') * movesPerNodeMax;
  }

  /** The partition is free, as far as is known without looking closer. */
  isFree(partition: Partition): boolean {
    return partition.move === null && !partition.changing && !this.#taken.has(partition);
  }

  mayTake(partition: Partition, move: Move): boolean {
    if (!this.isFree(partition) || this.isFull) return false;
    const { repairing, book } = this.#request;
    const refusal = book.refusal(partition, move, this.nowMs);
    if (refusal !== null) return this.#block(refusal);
    const isBusy = move.kind === 'copy' && (repairing.has(move.from) || repairing.has(move.to));
    if (isBusy || !this.hasRoom(move.from, move.kind) || !this.hasRoom(move.to, move.kind)) {
      return this.#block('too many moves of a server at a time');
    }
    if (move.kind === 'copy' && !this.#hasDiskFor(move.to)) {
      return this.#block('its disk is nearly full');
    }
    return true;
  }

  /** The move is one of the plan from now on. */
  take(partition: Partition, move: Move): void {
    this.moves.push({ partition, move });
    this.#taken.add(partition);
    this.loads.add(partition, move);
  }

  takeIfMay(partition: Partition, move: Move): boolean {
    if (!this.mayTake(partition, move)) return false;
    this.take(partition, move);
    return true;
  }

  #hasDiskFor(id: NodeId): boolean {
    const node = this.state.nodes.get(id);
    if (node === undefined || node.totalBytes <= 0) return true;
    return node.freeBytes / node.totalBytes >= FREE_SHARE_MIN;
  }

  #block(reason: MoveRefusal | 'its disk is nearly full'): false {
    this.blocked.set(reason, (this.blocked.get(reason) ?? 0) + 1);
    return false;
  }
}

export function planRound(request: PlanRequest): BalancePlan {
  const plan = new BalancePlan(request);
  planDrains(plan);
  if (!request.balances || plan.leaders.length === 0 || plan.hosts.length < 2) return plan;
  const tables = plan.tables();
  const { onlyPrimaries, onlyLeads, inTurn } = request.switches;
  const movesCopies = !onlyPrimaries && !onlyLeads;
  const isDone = (): boolean => inTurn && plan.moves.length > 0;
  for (const table of tables) if (!isDone()) evenLeads(plan, table);
  for (const table of tables) if (movesCopies && !isDone()) evenCopies(plan, table);
  if (movesCopies && !isDone()) evenCopiesOfAll(plan, tables);
  if (plan.moves.length > 0) return plan;
  evenLeadsOfAll(plan);
  for (const table of tables) if (!onlyLeads && !isDone()) copyLeads(plan, table);
  if (plan.moves.length > 0 || !request.exchanges || !movesCopies) return plan;
  plan.isExchange = evenWeights(plan, tables);
  if (plan.isExchange) reached('cluster.balance.exchange');
  return plan;
}
