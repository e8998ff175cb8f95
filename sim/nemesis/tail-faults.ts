/**
 * F11, F14: ends of histories that some members have and others have not.
 *
 * Everything interesting about taking over happens to mutations that are prepared and not committed.
 * Left to chance they are few, and equal everywhere; these faults make them, and see to it that the
 * one who has them does not lead next.
 */
import type { Random } from '../../src/env/random.ts';
import { NO_UNDO } from './atlas.ts';
import { replicaFolders } from './damage-faults.ts';
import { type ActiveFault, drawDuration, one, running } from './fault.ts';
import type { AnyMachine, Stage } from './stage.ts';

// As they stand on the wire.
const REPLICA_REPORT = 4;
const PREPARE = 8;

/** After so long without beacons a server counts as dead. */
const DEAD_MS = 8000;

interface Named {
  readonly name: string;
}

/**
 * The last prepares of a server reach one other server, or nobody, and then it dies or is cut off;
 * the meta server may not hear what the other one has. So a third one leads, and writes something
 * else under the same decrees. Or all have them, and what follows from the next leader comes late:
 * for a while nobody knows what is committed.
 */
export function orphanedTail(stage: Stage, random: Random): ActiveFault | null {
  const leader = one(random, running(stage.replicas));
  if (leader === null) return null;
  const others = stage.replicas.filter((other) => other !== leader && !other.isWithheld);
  const confidant = random.below(3) === 0 ? null : one(random, others);
  const isSilent = random.below(3) > 0;
  const isSplit = random.below(4) > 0;
  const isLost = (from: Named, to: Named, type: number): boolean => {
    if (from.name === leader.name && type === PREPARE) return to.name !== confidant?.name;
    return isSilent && from.name === confidant?.name && type === REPLICA_REPORT;
  };
  const isHoled = (_: Named, to: Named, type: number): boolean =>
    type === PREPARE && (!isSplit || to.name === confidant?.name) && random.below(3) > 0;
  const { frameLosses } = stage.network;
  if (isSplit) frameLosses.add(isLost);
  const life = leader.owner.generation;
  const splitMs = drawDuration(random, 300, 1500);
  const isCutOff = random.below(3) === 0;
  const hasHoles = !isSplit || random.below(2) === 0;
  const goneMs = isCutOff ? 6500 + random.below(3500) : 50 + random.below(3000);
  // Back so soon that it learns while the next leader is still to commit what it has inherited.
  const deadMs = random.below(2) === 0 ? Math.min(goneMs, 1 + random.below(500)) : goneMs;
  let endLoss = NO_UNDO;
  let isOver = false;
  stage.scheduler.world(splitMs * 1000, 'orphanedTail', () => {
    frameLosses.delete(isLost);
    if (isOver || !leader.isRunning || leader.owner.generation !== life) return;
    if (hasHoles) frameLosses.add(isHoled);
    endLoss = isCutOff ? cutOff(stage, leader) : killed(stage, leader, deadMs);
  });
  const end = (): void => {
    isOver = true;
    frameLosses.delete(isLost);
    frameLosses.delete(isHoled);
    endLoss();
  };
  return { durationMs: splitMs + goneMs, end };
}

/** All of them die, some by a cut of power, and come back one after the other. */
export function blackout(stage: Stage, random: Random): ActiveFault | null {
  const machines = running(stage.replicas);
  const victim = one(random, machines);
  if (victim === null) return null;
  const isMeant = !stage.isDurable || random.below(2) === 0;
  if (isMeant && stage.atlas.mayDamage(victim)) {
    return partialAmnesia(stage, random, machines, victim);
  }
  for (const machine of machines) stage.beforeDeath(machine);
  for (const machine of machines) {
    const isHarmless = stage.isDurable && !machine.disk.hasLostPages;
    if (isHarmless && random.below(2) === 0) machine.powerOff();
    else machine.kill();
  }
  return comingBack(stage, random, machines, 0, one(random, [300, 3000, 10_000])!);
}

/**
 * One has lost something of what it had promised to keep: the end of its log to a cut of power, where
 * acknowledged does not mean durable, or the folder of a replica. It must not be the last one that is
 * thought to be alive: it would lead alone, by right. So the meta server begins anew and counts all
 * of them dead in one moment.
 */
function partialAmnesia(
  stage: Stage,
  random: Random,
  machines: readonly AnyMachine[],
  victim: AnyMachine,
): ActiveFault {
  const metas = running(stage.metas);
  for (const machine of [...metas, ...machines]) stage.beforeDeath(machine);
  for (const machine of [...metas, ...machines]) {
    if (machine === victim && !stage.isDurable) machine.powerOff();
    else machine.kill();
  }
  for (const meta of metas) meta.start();
  const folder = stage.isDurable ? one(random, replicaFolders(victim)) : null;
  if (folder !== null) victim.disk.damage.erase(folder);
  stage.atlas.onDamaged(victim, { forgets: !stage.isDurable, undo: NO_UNDO });
  // Whoever is there first is asked first.
  const order =
    random.below(3) > 0 ? [victim, ...machines.filter((one) => one !== victim)] : machines;
  return comingBack(stage, random, order, DEAD_MS, 4000);
}

/** Each at a moment of its own between the two, the first one at the beginning. */
function comingBack(
  stage: Stage,
  random: Random,
  machines: readonly AnyMachine[],
  leastMs: number,
  spreadMs: number,
): ActiveFault {
  let durationMs = 1;
  let isOver = false;
  for (const machine of machines) {
    const lateMs = machine === machines[0] ? 0 : random.below(spreadMs);
    const downMs = leastMs + 1 + lateMs;
    durationMs = Math.max(durationMs, downMs);
    stage.scheduler.world(downMs * 1000, 'blackout', () => {
      if (!isOver && machine.isDown) machine.start();
    });
  }
  const end = (): void => {
    isOver = true;
    for (const machine of machines) if (machine.isDown) machine.start();
  };
  return { durationMs, end };
}

function killed(stage: Stage, machine: AnyMachine, deadMs: number): () => void {
  stage.beforeDeath(machine);
  machine.kill();
  const start = (): void => {
    if (machine.isDown) machine.start();
  };
  stage.scheduler.world(deadMs * 1000, 'orphanedTail', start);
  return start;
}

/** From all servers; clients still reach it. */
function cutOff(stage: Stage, machine: AnyMachine): () => void {
  const others = [...stage.metas, ...stage.replicas].filter((other) => other !== machine);
  for (const other of others) {
    stage.network.cut(machine.host, other.host);
    stage.network.cut(other.host, machine.host);
  }
  return () => {
    for (const other of others) {
      stage.network.heal(machine.host, other.host);
      stage.network.heal(other.host, machine.host);
    }
  };
}
