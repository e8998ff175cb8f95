/** F29: a meta server that is slow in all it does, decisions of it that never arrive, and its disk from a copy. */
import type { Random } from '../../src/env/random.ts';
import { type ActiveFault, drawDuration, kill, one, running } from './fault.ts';
import { everyMachine, type Stage } from './stage.ts';

/** As it stands on the wire: the meta server's decisions, which also answer requests for changes. */
const CONFIGURATION_PUSH = 6;

const META_FOLDER = 'meta';

export function slowMeta(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, stage.metas);
  if (machine === null) return null;
  const diskFactor = one(random, [10, 100, 1000])!;
  const linkFactor = one(random, [10, 100, 1000])!;
  machine.diskSlowness *= diskFactor;
  const links = everyMachine(stage)
    .filter((other) => other !== machine)
    .flatMap((other) => [
      stage.network.link(machine.host, other.host),
      stage.network.link(other.host, machine.host),
    ]);
  for (const link of links) link.slowness *= linkFactor;
  const end = (): void => {
    machine.diskSlowness /= diskFactor;
    for (const link of links) link.slowness /= linkFactor;
  };
  return { durationMs: drawDuration(random, 4000, 15_000), end };
}

/**
 * The meta server's disk breaks and comes back from a copy that is some seconds old: what it decided
 * since, and told replicas, it does not know any more. Administrators do nothing meanwhile: what they
 * were promised would be lost for good. And every server is heard within a grace: for one that alone knows
 * better and is not heard, a meta server does not wait for ever (cluster/adoption.ts).
 */
export function oldMeta(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, running(stage.metas));
  const administrator = stage.administrator();
  if (machine === null || administrator === null || !administrator.isFree) return null;
  const copy = machine.disk.damage.copy(META_FOLDER);
  const release = administrator.hold();
  const end = (): void => {
    if (!machine.isDown) kill(stage, [machine]);
    machine.disk.damage.restore(META_FOLDER, copy);
    stage.onMetaRestored();
    machine.start();
    release();
  };
  return { durationMs: drawDuration(random, 2000, 12_000), end, leavesStill: true };
}

/** The change is durable at the meta server, and who asked for it, or all, do not hear of it. */
export function lostPushes(stage: Stage, random: Random): ActiveFault {
  const victim = random.below(2) === 0 ? one(random, stage.replicas) : null;
  const isLost = (_: unknown, to: { readonly name: string }, type: number): boolean =>
    type === CONFIGURATION_PUSH && (victim === null || to.name === victim.name);
  stage.network.frameLosses.add(isLost);
  const end = (): void => void stage.network.frameLosses.delete(isLost);
  return { durationMs: drawDuration(random, 2000, 10_000), end };
}
