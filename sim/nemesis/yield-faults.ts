/** F26: who gives the lead away finds nobody to take it. */
import type { Random } from '../../src/env/random.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { trouble } from './disk-faults.ts';
import { type ActiveFault, kill, one, running } from './fault.ts';
import type { Stage } from './stage.ts';

/**
 * The disk of one server is full, so that it gives its leads away; its requests arrive when all the
 * others have begun another life, and no copy of theirs can lead.
 */
export function yieldAlone(stage: Stage, random: Random): ActiveFault | null {
  const leader = one(random, running(stage.replicas));
  if (leader === null) return null;
  const others = running(stage.replicas).filter((other) => other !== leader);
  const { disk } = leader;
  disk.capacityBytes -= disk.freeBytes;
  const { network, scheduler } = stage;
  const isLost = (from: { readonly name: string }, _: unknown, type: number): boolean =>
    from.name === leader.name && type === InternalMessage.configurationUpdate;
  network.frameLosses.add(isLost);
  const yieldedMs = 1500 + random.below(2000);
  let isOver = false;
  scheduler.world(yieldedMs * 1000, 'yieldAlone', () => {
    if (isOver) return;
    const alive = others.filter((other) => running(stage.replicas).includes(other));
    kill(stage, alive);
    for (const machine of alive) machine.start();
    scheduler.world(1000 * (200 + random.below(800)), 'yieldAlone', () => {
      network.frameLosses.delete(isLost);
    });
  });
  const durationMs = yieldedMs + 2000 + random.below(5000);
  const fault = trouble(stage, leader, 'diskFull', durationMs, () => {
    disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  });
  const end = (): void => {
    isOver = true;
    network.frameLosses.delete(isLost);
    fault.end();
  };
  return { durationMs, end };
}
