/**
 * From here on nothing fails any more: does the group come to life again? A fair schedule starts what is down,
 * delivers everything, lets clocks run, and expects that all three servers are members and commit a new write, and
 * that nothing that was ever committed is missing then (`liveness`).
 */
import { members } from '../../src/model/configuration.ts';
import type { Stage } from './stage.ts';
import { ModelViolation } from './violation.ts';
import {
  BUDGETS,
  type Budgets,
  enabledActions,
  GIVE_UP,
  kindOf,
  NAMES,
  NODES,
  REPORT,
  RESEND,
  type World,
  WRITE,
} from './world.ts';

const ROUNDS_MAX = 40;
/** Time-outs of the slow kind are rarer. */
const ROUNDS_PER_GIVE_UP = 4;
const ACTIONS_PER_ROUND_MAX = 2_000;

const NO_FAULTS: Budgets = Object.fromEntries(BUDGETS.map((name) => [name, 0])) as Budgets;

export class LivenessCheck {
  readonly #stage: Stage;
  /** From these it was seen to work. */
  readonly #alive = new Set<string>();
  /** Schedules that were run to their end. */
  runs = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Where every search begins: all three have taken their roles, and a clock has told everybody so. */
  settled(budgets: Budgets): World {
    const fresh = this.#stage.initial(NO_FAULTS);
    return this.#stage.withBudgets(this.#passTime(this.drain(fresh), 1), budgets);
  }

  /** Throws `ModelViolation`. */
  check(start: World): void {
    const passed: string[] = [];
    let world = this.#stage.withBudgets(start, NO_FAULTS);
    for (let round = 1; round <= ROUNDS_MAX; round++) {
      world = this.drain(world);
      const key = this.#stage.shortKey(world);
      if (this.#alive.has(key) || this.#canWrite(world)) {
        this.runs += 1;
        for (const each of [...passed, key]) this.#alive.add(each);
        return;
      }
      passed.push(key);
      world = this.#passTime(world, round);
    }
    const { ballot, primary, secondaries } = world.manager.config;
    const shape = `${ballot}: ${primary} + ${secondaries.join(' ')}`;
    throw new ModelViolation('liveness', `no write is committed by all, in the end (${shape})`);
  }

  /** Everything that is on its way arrives, and what that leads to; servers that are down start. */
  drain(start: World): World {
    let world = start;
    for (let count = 0; count < ACTIONS_PER_ROUND_MAX; count++) {
      const action = enabledActions(world).find((one) => kindOf(one).budget === null);
      if (action === undefined) return world;
      world = this.#stage.apply(world, action);
    }
    throw new ModelViolation('liveness', 'the messages never end');
  }

  #passTime(start: World, round: number): World {
    let world = start;
    for (let index = 0; index < NODES; index++) {
      world = this.drain(this.#stage.apply(world, RESEND.from + index));
      if (round % ROUNDS_PER_GIVE_UP === 0) {
        world = this.drain(this.#stage.apply(world, GIVE_UP.from + index));
      }
      world = this.drain(this.#stage.apply(world, REPORT.from + index));
    }
    return world;
  }

  #canWrite(start: World): boolean {
    const { config } = start.manager;
    const leader = config.primary === null ? -1 : NAMES.indexOf(config.primary);
    const leading = start.nodes[leader]?.core?.leading ?? null;
    if (members(config).length < NODES || leading?.ballot !== config.ballot) return false;
    if (!leading.canPropose()) return false;
    let world = this.drain(this.#stage.apply(start, WRITE.from + leader));
    // The commit point of the last write travels with the clock.
    world = this.drain(this.#stage.apply(world, RESEND.from + leader));
    const decree = world.nodes[leader]!.core!.state.list.lastPrepared;
    if (world.history[decree] === undefined) return false;
    return world.nodes.every(({ core }) => {
      const list = core?.state.list;
      return list?.lastCommitted === decree && list.lastCommittedDigest === world.history[decree];
    });
  }
}
