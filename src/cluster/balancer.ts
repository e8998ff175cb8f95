/**
 * The balance: decides when to plan (balance-plan.ts), begins what was planned, and can say at any time what it does
 * and why it does nothing more.
 *
 * Always on, unless it is told otherwise: a level below `lively`, a pause, a table that is to be left alone. It waits
 * while the cluster has something better to do: servers come or go, partitions lack members that somebody could be
 * given. What people ask for (a drain, a move by hand) does not wait for that, only for its partition to be whole.
 */
import { reached } from '../base/marks.ts';
import type { Logger } from '../env/logger.ts';
import type { NodeId } from '../model/identity.ts';
import { MetaLevel } from '../wire/schema/meta.ts';
import { type BalancePlan, type BalanceSwitches, planRound } from './balance-plan.ts';
import type { ClusterState } from './cluster-state.ts';
import type { Move } from './moves.ts';
import { lacksMembers } from './moves.ts';
import { MoveBook, type MoveNeed, type MoveRefusal, repairing } from './moves-book.ts';
import type { Partition } from './partition.ts';
import type { ClusterSettings } from './settings.ts';

/** What the brain does for it. */
export interface BalanceHooks {
  level(): MetaLevel;
  /** Partitions that lack something, among others. */
  needy(): Iterable<Partition>;
  /** To be looked at before the event ends. */
  touch(partition: Partition): void;
}

/** Nothing was found to do: it looks again after so many intervals. */
const IDLE_INTERVALS = 5;
const EXCHANGE_PAUSE_MS = 60_000;
/** A partition that could not be repaired for so long holds up nobody any more. */
const REPAIR_PATIENCE_MS = 300_000;

/** Why nothing is balanced; empty: it is. */
export type Hold = string;

export class Balancer {
  readonly book: MoveBook;
  switches: BalanceSwitches = { onlyPrimaries: false, onlyLeads: false, inTurn: false };
  /** When it last looked. */
  seenMs: number;
  readonly #state: ClusterState;
  readonly #settings: ClusterSettings;
  readonly #hooks: BalanceHooks;
  #nextMs: number;
  #exchangedMs: number = Number.NEGATIVE_INFINITY;
  #level: MetaLevel;
  #endedCount = 0;
  #hold: Hold = 'the meta server has just begun to lead';
  #blocked: ReadonlyMap<string, number> = new Map();

  constructor(
    parts: {
      readonly state: ClusterState;
      readonly settings: ClusterSettings;
      readonly logger: Logger;
    },
    hooks: BalanceHooks,
    fromMs: number,
  ) {
    this.#state = parts.state;
    this.#settings = parts.settings;
    this.#hooks = hooks;
    this.book = new MoveBook(parts.state, parts.settings, parts.logger);
    this.#nextMs = fromMs;
    this.seenMs = fromMs;
    this.#level = hooks.level();
  }

  /** Why nothing is balanced at present; empty when it is. */
  get hold(): Hold {
    return this.#hold;
  }

  /** Why moves that would help wait, with how many do. */
  get blocked(): ReadonlyMap<string, number> {
    return this.#blocked;
  }

  onTick(nowMs: number): void {
    this.seenMs = nowMs;
    if (this.#level !== this.#hooks.level()) {
      this.#level = this.#hooks.level();
      this.onWishesChanged(nowMs);
    }
    // What has ended makes room for the next.
    if (nowMs < this.#nextMs && this.book.endedCount === this.#endedCount) return;
    if (this.#hooks.level() <= MetaLevel.freezed) {
      this.#hold = 'the level of the meta server is freezed or below';
      return;
    }
    this.#endedCount = this.book.endedCount;
    this.#hold = this.#findHold(nowMs);
    const plan = this.#plan(nowMs, this.#hold === '', false);
    this.#blocked = plan.blocked;
    if (plan.isExchange) this.#exchangedMs = nowMs;
    const isIdle = plan.moves.length === 0 && this.book.standing.size === 0;
    const { balanceIntervalMs } = this.#settings;
    this.#nextMs = nowMs + balanceIntervalMs * (isIdle && this.#hold === '' ? IDLE_INTERVALS : 1);
    for (const { partition, move } of plan.moves) {
      if (this.book.refusal(partition, move, nowMs) !== null) continue;
      this.book.begin(partition, move, nowMs);
      this.#hooks.touch(partition);
    }
  }

  /** What people ask for begins at once, or is refused. `isForced`: it takes the place of another move. */
  move(partition: Partition, move: Move, nowMs: number, isForced = false): MoveRefusal | null {
    if (isForced && partition.move !== null) {
      this.book.end(partition, 'called off', nowMs);
      this.#hooks.touch(partition);
    }
    const refusal = this.book.refusal(partition, move, nowMs);
    if (refusal !== null) return refusal;
    this.book.begin(partition, move, nowMs);
    this.#hooks.touch(partition);
    return null;
  }

  /** Wishes or the level have changed: moves that nobody wants any more are called off, and it looks anew. */
  onWishesChanged(nowMs: number): void {
    const { wishes } = this.#state;
    const isBalancing = this.#hooks.level() >= MetaLevel.lively && !wishes.record.paused;
    const called = this.book.callOff(({ cause, from, to }) => {
      if (wishes.isEmptied(to)) return true;
      if (cause === 'command') return false;
      return cause === 'drain' ? !wishes.isDrained(from) : !isBalancing;
    }, nowMs);
    for (const partition of called) this.#hooks.touch(partition);
    this.#nextMs = Math.min(this.#nextMs, nowMs);
  }

  /** Its target was given up as a learner. */
  onLearnFailed(partition: Partition, nowMs: number): void {
    this.book.end(partition, 'the target could not learn', nowMs);
  }

  look(partition: Partition, nowMs: number): MoveNeed | null {
    return this.book.look(partition, nowMs);
  }

  /** All that there would be to do at present, as if nothing were in the way. */
  dryRun(nowMs: number): BalancePlan {
    return this.#plan(nowMs, true, true);
  }

  #plan(nowMs: number, balances: boolean, isDry: boolean): BalancePlan {
    return planRound({
      state: this.#state,
      settings: this.#settings,
      book: this.book,
      nowMs,
      repairing: isDry ? NOBODY : repairing(this.#hooks.needy()),
      balances,
      switches: this.switches,
      exchanges: nowMs - this.#exchangedMs >= EXCHANGE_PAUSE_MS,
      isDry,
    });
  }

  #findHold(nowMs: number): Hold {
    const { nodes, wishes } = this.#state;
    if (this.#hooks.level() < MetaLevel.lively) return 'the level of the meta server is not lively';
    if (wishes.record.paused) return 'an administrator has paused it';
    if (this.#state.isOld) return 'the meta server finds out what its journal has lost';
    const usable = nodes.usableNodes();
    if (usable.some((node) => !node.reported)) return 'not all servers have reported yet';
    let turnedMs = Number.NEGATIVE_INFINITY;
    for (const node of nodes.all()) turnedMs = Math.max(turnedMs, node.turnedMs);
    if (nowMs - turnedMs < this.#settings.balanceQuietMs) {
      return 'servers have come or gone a moment ago';
    }
    let lacking = 0;
    for (const partition of this.#hooks.needy()) {
      if (!partition.table.isAvailable || !lacksMembers(partition)) continue;
      if (nowMs - partition.lastDropMs > REPAIR_PATIENCE_MS) continue;
      if (usable.length > partition.record.seats.length) lacking += 1;
    }
    if (lacking === 0) return '';
    reached('cluster.balance.repairsFirst');
    return `${lacking} partitions lack members: repairs go first`;
  }
}

const NOBODY: ReadonlySet<NodeId> = new Set();
