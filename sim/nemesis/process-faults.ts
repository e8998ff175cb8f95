/** F13, F16: a server that dies again as soon as it is back, and one that dies of an error anywhere. */
import { MARKS } from '../../src/base/marks.ts';
import type { Random } from '../../src/env/random.ts';
import type { Owner } from '../kernel/owner.ts';
import { type ActiveFault, drawDuration, one } from './fault.ts';
import type { AnyMachine, Stage } from './stage.ts';

/** Killed while it is up or still starting, and started again, over and over. */
export function restartLoop(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(
    random,
    [...stage.metas, ...stage.replicas].filter((one) => one.isRunning),
  );
  if (machine === null) return null;
  const meanUs = one(random, [20_000, 200_000, 1_500_000])!;
  let isOver = false;
  const again = (): void => {
    if (isOver) return;
    if (machine.isRunning) {
      stage.beforeDeath(machine);
      machine.kill();
    } else if (machine.isDown) machine.start();
    const delayUs = -Math.log(1 - random.fraction()) * meanUs;
    stage.scheduler.world(delayUs, 'restartLoop', again);
  };
  again();
  const end = (): void => {
    isOver = true;
    if (machine.isDown) machine.start();
  };
  return { durationMs: drawDuration(random, 2000, 10_000), end };
}

/**
 * An error that nobody handles, or a lack of memory: the process is gone in the middle of whatever it
 * did. Any rare branch of a drawn server will do; its supervisor starts it again.
 */
export function unhandledError(stage: Stage, random: Random): ActiveFault | null {
  const victim = one(random, [...stage.metas, ...stage.replicas]);
  if (victim === null) return null;
  const marks = Array.from({ length: 20 }, () => ({
    name: one(random, MARKS)!,
    hitsLeft: 1 + random.below(10),
    strike: (owner: Owner): boolean => {
      if (owner !== victim.owner || isStruck) return false;
      isStruck = true;
      stage.beforeDeath(victim);
      victim.kill();
      return true;
    },
  }));
  let isStruck = false;
  for (const mark of marks) stage.marks.arm(mark);
  const end = (): void => {
    for (const mark of marks) stage.marks.disarm(mark);
    revive(victim, isStruck);
  };
  return { durationMs: drawDuration(random, 3000, 10_000), end };
}

function revive(machine: AnyMachine, isStruck: boolean): void {
  if (isStruck && machine.isDown) machine.start();
}
