/**
 * F19: wall clocks that jump by hours or by a leap second, for one machine or for all, while the
 * monotonic ones go on; and machines that sleep.
 */
import type { Random } from '../../src/env/random.ts';
import { type ActiveFault, drawDuration, one } from './fault.ts';
import { everyMachine, type Stage } from './stage.ts';

const HOUR_MS = 3_600_000;

/** Time zones done wrong, a leap second, a battery that died. */
export function wallClockJump(stage: Stage, random: Random): ActiveFault {
  const jumpMs = one(random, [HOUR_MS, -HOUR_MS, 1000, -1000, 26 * HOUR_MS, -26 * HOUR_MS])!;
  const machines = everyMachine(stage);
  const jumping = random.below(2) === 0 ? machines : [one(random, machines)!];
  for (const { clock } of jumping) clock.wallOffsetMs += jumpMs;
  stage.onWallStep();
  return { durationMs: 0, end: () => {} };
}

/**
 * The lid is closed: the machine neither computes nor answers on the network. Its monotonic clock
 * counts the sleep (contract of `Clock.monotonicMs`), so no lease outlives it.
 */
export function suspend(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(
    random,
    [...stage.metas, ...stage.replicas].filter(({ isRunning }) => isRunning),
  );
  if (machine === null) return null;
  const { network } = stage;
  const others = everyMachine(stage).filter((other) => other !== machine);
  machine.pause();
  const life = machine.owner.generation;
  for (const other of others) {
    network.cut(machine.host, other.host);
    network.cut(other.host, machine.host);
  }
  const end = (): void => {
    for (const other of others) {
      network.heal(machine.host, other.host);
      network.heal(other.host, machine.host);
    }
    if (machine.isPaused && machine.owner.generation === life) machine.resume();
  };
  return { durationMs: drawDuration(random, 4000, 18_000), end };
}
