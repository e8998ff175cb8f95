/**
 * Every order of actions, depth first, each state once.
 *
 * Two actions on different servers commute, so of the orders that differ only in that, one is enough. That is what
 * sleep sets are for (Godefroid, 1996): after an action was explored from a state, it sleeps in the states behind its
 * siblings until something dependent happens. With stored states, each keeps the set with which it was explored; when
 * it is reached again with other sleepers, only what slept then and is awake now is explored. No state is lost by
 * that, only transitions.
 *
 * A bound that cuts a path is a budget (world.ts) or the highest ballot: a configuration above it is not made. So
 * when the search ends, all that is within the budgets was seen (`isExhausted`).
 */
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { LivenessCheck } from './liveness.ts';
import type { Stage } from './stage.ts';
import { ModelViolation } from './violation.ts';
import {
  actionText,
  type Budgets,
  ballotOf,
  DELIVER,
  ENDS,
  enabledActions,
  GLOBAL_FROM,
  INDEPENDENT,
  LINKS,
  META,
  type World,
} from './world.ts';

export interface Bounds {
  readonly budgets: Budgets;
  /** The first configuration has ballot 1. */
  readonly ballotMax: number;
  readonly statesMax: number;
}

export interface Finding {
  readonly kind: string;
  readonly detail: string;
  /** The actions that lead to it. */
  readonly trace: readonly string[];
}

export interface SearchResult {
  readonly states: number;
  readonly transitions: number;
  /** Transitions that were not made because an equivalent order was. */
  readonly asleep: number;
  /** Configurations that were not made because of `ballotMax`. */
  readonly cut: number;
  readonly restingStates: number;
  readonly livenessRuns: number;
  readonly managerStates: number;
  readonly replicaStates: number;
  readonly depthMax: number;
  readonly isExhausted: boolean;
  readonly finding: Finding | null;
}

export function search(stage: Stage, bounds: Bounds): SearchResult {
  return new Search(stage, bounds).run();
}

class Search {
  readonly #stage: Stage;
  readonly #bounds: Bounds;
  readonly #liveness: LivenessCheck;
  /** The sleepers with which each state was explored, as bits. */
  readonly #visited = new Map<string, number>();
  readonly #path: string[] = [];
  #transitions = 0;
  #asleep = 0;
  #cut = 0;
  #restingStates = 0;
  #depthMax = 0;
  #isExhausted = true;
  #finding: Finding | null = null;

  constructor(stage: Stage, bounds: Bounds) {
    this.#stage = stage;
    this.#bounds = bounds;
    this.#liveness = new LivenessCheck(stage);
  }

  run(): SearchResult {
    const { budgets } = this.#bounds;
    const start = this.#liveness.settled(budgets);
    try {
      this.#explore(start, NOBODY);
    } catch (error) {
      if (!(error instanceof ModelViolation)) throw error;
      this.#isExhausted = false;
      this.#finding = { kind: error.kind, detail: error.message, trace: [...this.#path] };
    }
    return {
      states: this.#visited.size,
      transitions: this.#transitions,
      asleep: this.#asleep,
      cut: this.#cut,
      restingStates: this.#restingStates,
      livenessRuns: this.#liveness.runs,
      managerStates: this.#stage.manager.stateCount,
      replicaStates: this.#stage.replicaStateCount,
      depthMax: this.#depthMax,
      isExhausted: this.#isExhausted,
      finding: this.#finding,
    };
  }

  #explore(reached: World, sleepers: Sleepers): void {
    const world = this.#skipIdle(reached);
    const key = this.#stage.key(world);
    const known = this.#visited.get(key);
    if (known === undefined && this.#visited.size >= this.#bounds.statesMax) {
      this.#isExhausted = false;
      return;
    }
    const enabled = enabledActions(world);
    const { all } = sleepers;
    if (known === undefined) {
      this.#visited.set(key, all);
      const todo = enabled.filter((action) => !isIn(all, action));
      this.#asleep += enabled.length - todo.length;
      if (enabled.every((action) => action >= GLOBAL_FROM)) this.#rest(world);
      this.#exploreAll(world, todo, sleepers);
      return;
    }
    const awake = known & ~all;
    if (awake === 0) return;
    this.#visited.set(key, known & all);
    // All others were explored from here, or sleep. Whether they would tell the manager is not known any more.
    const others = enabled.filter((action) => action < GLOBAL_FROM && !isIn(awake, action));
    const asleep = others.reduce((set, action) => set | (1 << action), all);
    const todo = enabled.filter((action) => isIn(awake, action));
    this.#exploreAll(world, todo, { all: asleep, telling: asleep });
  }

  #exploreAll(world: World, todo: readonly number[], sleepers: Sleepers): void {
    let { all, telling } = sleepers;
    for (const action of todo) {
      this.#path.push(actionText(action, world));
      this.#depthMax = Math.max(this.#depthMax, this.#path.length);
      const next = this.#stage.apply(world, action);
      this.#transitions += 1;
      const tells = next.manager !== world.manager;
      const independent = action < GLOBAL_FROM ? INDEPENDENT[action]! : 0;
      const kept = all & (tells ? independent & ~telling : independent);
      if (next.manager.config.ballot > this.#bounds.ballotMax) this.#cut += 1;
      else this.#explore(next, { all: kept, telling: telling & kept });
      this.#path.pop();
      if (action >= GLOBAL_FROM) continue;
      all |= 1 << action;
      if (tells) telling |= 1 << action;
    }
  }

  /**
   * A message that its receiver ignores now and ever after in this life is delivered before anything else: it is of
   * an older ballot than the receiver's, or of the same and repeats what the receiver was told.
   */
  #skipIdle(start: World): World {
    let world = start;
    for (let link = 0; link < LINKS; ) {
      if (this.#isIdle(world, link)) world = this.#stage.apply(world, DELIVER.from + link);
      else link += 1;
    }
    return world;
  }

  #isIdle(world: World, link: number): boolean {
    const to = link % ENDS;
    const head = world.links[link]!.envelopes[0];
    if (head === undefined || to === META) return false;
    const ballot = world.nodes[to]!.core!.state.config.ballot;
    const told = ballotOf(head);
    if (told < ballot) return true;
    const isRepetition =
      head.type === InternalMessage.groupCheck || head.type === InternalMessage.configurationPush;
    return told === ballot && isRepetition && this.#stage.ignores(world, link, head);
  }

  /** Nothing happens by itself any more. */
  #rest(world: World): void {
    this.#restingStates += 1;
    this.#liveness.check(world);
  }
}

/** Actions as bits; `telling` are those of them that the manager hears of. */
interface Sleepers {
  readonly all: number;
  readonly telling: number;
}

const NOBODY: Sleepers = { all: 0, telling: 0 };

function isIn(set: number, action: number): boolean {
  return action < GLOBAL_FROM && (set & (1 << action)) !== 0;
}
