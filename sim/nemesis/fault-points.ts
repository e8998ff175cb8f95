/**
 * F11: a server dies at a named point of its own code, in the middle of a call.
 *
 * The points are marks (src/base/marks.ts) between two steps that belong together: what the first
 * has promised or made durable meets a process that never took the second. The rest of the call has
 * no effect (cluster/life.ts).
 */
import type { MarkName } from '../../src/base/marks.ts';
import type { Random } from '../../src/env/random.ts';
import type { ArmedMark } from '../kernel/mark-book.ts';
import type { Owner } from '../kernel/owner.ts';
import { type ActiveFault, drawDuration, one } from './fault.ts';
import type { AnyMachine, Stage } from './stage.ts';

interface FaultPoint {
  readonly mark: MarkName;
  /** It strikes at one of so many hits: the first ones are all alike where hits are frequent. */
  readonly hitsMax: number;
}

export const FAULT_POINTS: readonly FaultPoint[] = [
  // The log: before and after an append, when it rolls, when it is freed.
  { mark: 'log.append.before', hitsMax: 100 },
  { mark: 'log.append.after', hitsMax: 100 },
  { mark: 'log.synced.beside', hitsMax: 10 },
  { mark: 'log.roll.sealed', hitsMax: 2 },
  { mark: 'log.roll.created', hitsMax: 2 },
  { mark: 'log.roll.listed', hitsMax: 2 },
  { mark: 'log.trim.unlisted', hitsMax: 2 },
  { mark: 'log.trim.removed', hitsMax: 2 },
  // Two-phase commit: the ack is on its way, or will never be.
  { mark: 'consensus.follower.acked', hitsMax: 100 },
  { mark: 'consensus.follower.ballotNotDurable', hitsMax: 2 },
  { mark: 'consensus.follower.tailReplaced', hitsMax: 1 },
  { mark: 'consensus.primary.inheritsTail', hitsMax: 1 },
  { mark: 'consensus.primary.learnerCounts', hitsMax: 2 },
  // Flushes and checkpoints.
  { mark: 'replica.flushed', hitsMax: 5 },
  { mark: 'replica.checkpoint.made', hitsMax: 1 },
  // Learning: between pieces, before, in and after the swap.
  { mark: 'replica.learn.piece', hitsMax: 3 },
  { mark: 'replica.learn.fetched', hitsMax: 1 },
  { mark: 'replica.swap.oldMoved', hitsMax: 1 },
  { mark: 'replica.swap.newMoved', hitsMax: 1 },
  { mark: 'replica.swap.opened', hitsMax: 1 },
  { mark: 'replica.trashed', hitsMax: 1 },
  // Configurations: on the replica, and at the meta server (journal written, push not sent).
  { mark: 'replica.config.before', hitsMax: 4 },
  { mark: 'replica.config.after', hitsMax: 4 },
  { mark: 'meta.journal.before', hitsMax: 4 },
  { mark: 'meta.journal.durable', hitsMax: 4 },
  { mark: 'meta.journal.snapshot', hitsMax: 1 },
  { mark: 'meta.journal.begun', hitsMax: 1 },
];

/** Points armed at once: most are rare, so that a single one would seldom be reached. */
const ARMED_COUNT = 6;

const LEARNING_POINTS = FAULT_POINTS.filter(({ mark }) =>
  /^replica\.(learn|swap|checkpoint)\./.test(mark),
);

/** Whoever first reaches one of the drawn points dies there; by a power cut now and then. */
export function killAtPoint(stage: Stage, random: Random): ActiveFault {
  return killAt(stage, random, FAULT_POINTS, ARMED_COUNT);
}

/**
 * Copies are made seldom, so that among all points theirs are hardly ever reached, and the first of
 * them hides the others.
 */
export function killWhileLearning(stage: Stage, random: Random): ActiveFault {
  return killAt(stage, random, LEARNING_POINTS, 1);
}

function killAt(
  stage: Stage,
  random: Random,
  points: readonly FaultPoint[],
  armedCount: number,
): ActiveFault {
  const servers = [...stage.metas, ...stage.replicas];
  const losesPower = stage.isDurable && random.below(3) === 0;
  const isSupervised = random.below(2) === 0;
  const restartUs = 1 + random.below(1_000_000);
  let struck: AnyMachine | null = null;
  const restart = (): void => {
    if (struck?.isDown === true) struck.start();
  };
  const strike = (owner: Owner): boolean => {
    const machine = servers.find((server) => server.owner === owner);
    if (machine === undefined || struck !== null) return false;
    struck = machine;
    stage.beforeDeath(machine);
    if (losesPower && !machine.disk.hasLostPages) machine.powerOff();
    else machine.kill();
    if (isSupervised) stage.scheduler.world(restartUs, 'supervise', restart);
    return true;
  };
  const armed = Array.from({ length: armedCount }, (): ArmedMark => {
    const { mark, hitsMax } = one(random, points)!;
    return { name: mark, hitsLeft: 1 + random.below(hitsMax), strike };
  });
  for (const each of armed) stage.marks.arm(each);
  const end = (): void => {
    for (const each of armed) stage.marks.disarm(each);
    restart();
  };
  return { durationMs: drawDuration(random, 4000, 12_000), end };
}
