/**
 * The moves that stand (moves.ts), and what each of them needs next. The brain asks whenever it looks at a partition;
 * nothing here changes a configuration by itself.
 *
 *  1. A move begins only with a partition that is whole: all wanted members, all of them following.
 *  2. What went wrong with a partition is not tried again for a while.
 */
import { assert } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import type { Logger } from '../env/logger.ts';
import { gpidText, type NodeId } from '../model/identity.ts';
import type { ClusterState } from './cluster-state.ts';
import { isChangeable } from './guardian.ts';
import {
  awaitsCopy,
  followTheNewest,
  isLeadMoving,
  lacksMembers,
  type Move,
  type MoveEnd,
  moveEnd,
} from './moves.ts';
import type { ServerNode } from './node-registry.ts';
import type { Partition } from './partition.ts';
import { isHealthy } from './reports.ts';
import type { ClusterSettings } from './settings.ts';

/** A primary that was asked to hand over is asked again after this. */
const ASK_AGAIN_MS = 1_000;
/** To hand over, or to let go what is too much. Learning has a limit of its own. */
const STEP_LIMIT_MS = 15_000;
/** A partition whose move failed is left alone for so long. */
const COOL_DOWN_MS = 30_000;
/** Ends that are remembered, for people. */
const ENDED_MAX = 64;

/** What a move needs now. */
export type MoveNeed =
  | { readonly kind: 'learner'; readonly node: ServerNode }
  | { readonly kind: 'handover'; readonly node: NodeId };

export interface EndedMove extends Move {
  readonly partition: string;
  readonly end: MoveEnd;
  readonly atMs: number;
}

/** Why a move is not begun now. */
export type MoveRefusal =
  | 'it cannot be changed now'
  | 'it is not whole'
  | 'it moves already'
  | 'the source has no such role'
  | 'the target is not alive'
  | 'the target has a copy already'
  | 'the target has no copy'
  | 'the target failed to learn it lately'
  | 'its last move failed a moment ago'
  | 'too many moves of a server at a time';

export class MoveBook {
  readonly #state: ClusterState;
  readonly #settings: ClusterSettings;
  readonly #logger: Logger;
  readonly #standing = new Set<Partition>();
  readonly #failedAtMs = new Map<Partition, number>();
  readonly #ended: EndedMove[] = [];
  /** Grows with each move that ends. */
  endedCount = 0;

  constructor(state: ClusterState, settings: ClusterSettings, logger: Logger) {
    this.#state = state;
    this.#settings = settings;
    this.#logger = logger;
  }

  get standing(): ReadonlySet<Partition> {
    return this.#standing;
  }

  /** The newest last. */
  get ended(): readonly EndedMove[] {
    return this.#ended;
  }

  refusal(partition: Partition, move: Move, nowMs: number): MoveRefusal | null {
    const { record } = partition;
    if (partition.move !== null) return 'it moves already';
    if (!isChangeable(partition)) return 'it cannot be changed now';
    const source = partition.seatOf(move.from);
    const isLead = move.kind === 'lead';
    if (source === undefined || (isLead && record.config.primary !== move.from)) {
      return 'the source has no such role';
    }
    const target = partition.seatOf(move.to);
    if (isLead && target === undefined) return 'the target has no copy';
    if (!isLead && target !== undefined) return 'the target has a copy already';
    if (move.from === move.to || this.#state.nodes.get(move.to)?.usable !== true) {
      return 'the target is not alive';
    }
    if (!isHealthy(this.#state, partition)) return 'it is not whole';
    if (!isLead && partition.backoff.isAvoided(this.#settings, move.to, false, nowMs)) {
      return 'the target failed to learn it lately';
    }
    if (move.cause === 'command') return null;
    const failedMs = this.#failedAtMs.get(partition) ?? Number.NEGATIVE_INFINITY;
    return nowMs - failedMs < COOL_DOWN_MS ? 'its last move failed a moment ago' : null;
  }

  begin(partition: Partition, move: Move, nowMs: number): void {
    assert(this.refusal(partition, move, nowMs) === null, 'a move that is refused is not begun');
    reached('cluster.move.begun');
    const { kind, from, to, cause } = move;
    const askedMs = Number.NEGATIVE_INFINITY;
    partition.move = { kind, from, to, cause, beganMs: nowMs, stepMs: nowMs, askedMs };
    this.#standing.add(partition);
    this.#logger.info('move.begun', { partition: gpidText(partition.gpid), ...move });
  }

  /** What the move needs now; null: nothing, or there is none any more. */
  look(partition: Partition, nowMs: number): MoveNeed | null {
    const { move } = partition;
    if (move === null || partition.changing) return null;
    const end = moveEnd(this.#state, partition, move) ?? this.#lateness(partition, nowMs);
    if (end !== null) {
      this.end(partition, end, nowMs);
      return null;
    }
    if (!isChangeable(partition)) return null;
    if (awaitsCopy(partition)) {
      const node = this.#state.nodes.get(move.to);
      assert(node !== undefined, 'a move goes to a node that is known');
      const isFree = partition.learner === null && isHealthy(this.#state, partition);
      return isFree ? { kind: 'learner', node } : null;
    }
    if (!isLeadMoving(partition) || nowMs - move.askedMs < ASK_AGAIN_MS) return null;
    if (!followTheNewest(this.#state, partition)) return null;
    move.askedMs = nowMs;
    return { kind: 'handover', node: move.to };
  }

  end(partition: Partition, end: MoveEnd, nowMs: number): void {
    const { move } = partition;
    assert(move !== null, 'a move that ends was begun');
    partition.move = null;
    this.#standing.delete(partition);
    this.endedCount += 1;
    const { kind, from, to, cause } = move;
    const name = gpidText(partition.gpid);
    this.#ended.push({ partition: name, kind, from, to, cause, end, atMs: nowMs });
    if (this.#ended.length > ENDED_MAX) this.#ended.shift();
    this.#logger.info('move.ended', { partition: name, kind, from, to, end });
    if (end === 'done') {
      reached('cluster.move.done');
      this.#failedAtMs.delete(partition);
      return;
    }
    reached('cluster.move.givenUp');
    if (end !== 'called off') this.#failedAtMs.set(partition, nowMs);
  }

  /** Those that were not asked for by people. Copies under way are given up, and nothing is lost by it. */
  callOff(isMeant: (move: Move) => boolean, nowMs: number): Partition[] {
    const called = [...this.#standing].filter(({ move }) => move !== null && isMeant(move));
    for (const partition of called) this.end(partition, 'called off', nowMs);
    return called;
  }

  #lateness(partition: Partition, nowMs: number): MoveEnd | null {
    const { move } = partition;
    assert(move !== null, 'what is late was begun');
    // Whoever watches learners decides how long one may take.
    if (awaitsCopy(partition) && partition.learner !== null) move.stepMs = nowMs;
    return nowMs - move.stepMs > STEP_LIMIT_MS ? 'it takes too long' : null;
  }
}

/** Of those that are repaired, the servers that teach or learn. */
export function repairing(partitions: Iterable<Partition>): Set<NodeId> {
  const busy = new Set<NodeId>();
  for (const partition of partitions) {
    const { learner, move, record } = partition;
    if (learner === null || move !== null || !lacksMembers(partition)) continue;
    busy.add(learner.node);
    if (record.config.primary !== null) busy.add(record.config.primary);
  }
  return busy;
}
