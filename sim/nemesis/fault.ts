/** What a fault is, and what faults draw and do alike. */
import type { Random } from '../../src/env/random.ts';
import type { AnyMachine, Stage } from './stage.ts';

export interface ActiveFault {
  readonly durationMs: number;
  /** Safe at any time, and whatever else has happened to the same machine meanwhile. */
  readonly end: () => void;
  /** All other faults end before it ends, and none begins until the cluster is calm. */
  readonly leavesStill?: boolean;
}

/** Starts something and returns how to end it, or null when it found nothing to act on. */
export type Fault = (stage: Stage, random: Random) => ActiveFault | null;

export function one<T>(random: Random, all: readonly T[]): T | null {
  return all.length === 0 ? null : all[random.below(all.length)]!;
}

/** Whose process is up and not paused. */
export function running(machines: readonly AnyMachine[]): AnyMachine[] {
  return machines.filter((machine) => machine.isRunning && machine.process !== null);
}

/** Mostly short, sometimes long. */
export function drawDuration(random: Random, shortMs: number, longMs: number): number {
  const spanMs = random.below(2) === 0 ? longMs : shortMs;
  return Math.ceil(spanMs * (0.1 + 0.9 * random.fraction()));
}

export function kill(stage: Stage, machines: readonly AnyMachine[]): void {
  for (const machine of machines) stage.beforeDeath(machine);
  for (const machine of machines) machine.kill();
}

/** Dead machines come back when the fault ends: at once, as a supervisor would have it, or later. */
export function downFor(machines: readonly AnyMachine[], random: Random): ActiveFault {
  const end = (): void => {
    for (const machine of machines) if (machine.isDown) machine.start();
  };
  const isSupervised = random.below(4) === 0;
  const durationMs = isSupervised ? 1 + random.below(500) : drawDuration(random, 1500, 14_000);
  return { durationMs, end };
}
