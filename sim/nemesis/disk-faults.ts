/**
 * F21, F25, F26, F27: disks that refuse or stall while their machine runs, and answer wrongly once.
 *
 * Nothing durable is lost by any of them (but by F21 together with a power cut: `hasLostPages`). A
 * full disk and a stalled one may strike any number of machines; one that fails costs its server the
 * log, so the atlas has it strike one at a time. A server that cannot start meanwhile is started
 * again, as its supervisor would.
 */
import type { DiskOperation } from '../../src/adapters/memory/disk.ts';
import type { Random } from '../../src/env/random.ts';
import type { TroubleKind } from '../checkers/expected-trouble.ts';
import type { ArmedMark } from '../kernel/mark-book.ts';
import { NO_UNDO } from './atlas.ts';
import { type ActiveFault, drawDuration, one } from './fault.ts';
import type { AnyMachine, Stage } from './stage.ts';

const ALWAYS = Number.MAX_SAFE_INTEGER;
const SUPERVISION_US = 1_000_000;
/** As a drive that is reset by its controller. */
const STALL_US = 30_000_000;

function anyServer(stage: Stage, random: Random): AnyMachine | null {
  const servers = random.below(4) === 0 ? stage.metas : stage.replicas;
  return one(
    random,
    servers.filter(({ isWithheld }) => !isWithheld),
  );
}

/** Trouble that may keep a server from starting, with whoever starts it again. */
function trouble(
  stage: Stage,
  machine: AnyMachine,
  kind: TroubleKind,
  durationMs: number,
  heal: () => void,
): ActiveFault {
  const endExpectation = stage.expectTrouble(machine, kind);
  let isOver = false;
  const supervise = (): void => {
    if (machine.hasFailedToStart && machine.isRunning) {
      machine.kill();
      machine.start();
    } else if (isOver) return;
    // A start that began in time may fail after the end.
    stage.scheduler.world(SUPERVISION_US, 'supervise', supervise);
  };
  stage.scheduler.world(SUPERVISION_US, 'supervise', supervise);
  const end = (): void => {
    heal();
    endExpectation();
    stage.scheduler.world(STALL_US, 'supervise', () => {
      isOver = true;
    });
  };
  return { durationMs, end };
}

/** A server whose disk may fail. */
function refusable(stage: Stage, random: Random): AnyMachine | null {
  const machine = anyServer(stage, random);
  if (machine === null || stage.metas.includes(machine)) return machine;
  return stage.atlas.mayDamage(machine) ? machine : null;
}

function refusal(
  stage: Stage,
  machine: AnyMachine,
  kind: TroubleKind,
  durationMs: number,
  heal: () => void,
): ActiveFault {
  let hasEnded = false;
  if (!stage.metas.includes(machine)) {
    const isWithstood = (): boolean => hasEnded && stage.isCalm();
    stage.atlas.onDamaged(machine, { forgets: false, undo: NO_UNDO, isWithstood });
  }
  return trouble(stage, machine, kind, durationMs, () => {
    hasEnded = true;
    heal();
  });
}

/** F21: one or a few syncs fail, and the next ones do as if nothing had happened. */
export function failedSync(stage: Stage, random: Random): ActiveFault | null {
  const machine = refusable(stage, random);
  if (machine === null) return null;
  const pathPart = one(random, ['', 'log/', 'log/', 'replicas/'])!;
  const callOff = machine.disk.failNext('sync', 'io', pathPart, 1 + random.below(3));
  const durationMs = drawDuration(random, 2000, 10_000);
  const fault = refusal(stage, machine, 'diskError', durationMs, callOff);
  const losesPower = stage.isDurable && !stage.metas.includes(machine) && random.below(4) > 0;
  return losesPower ? withPowerCut(stage, machine, random, fault) : fault;
}

/**
 * What the failed sync has lost is gone when the power is, and nobody may have been promised that it
 * is not: neither right away, nor after a restart that found it all in the page cache. A log that
 * complains of damage afterwards had counted on it.
 */
function withPowerCut(
  stage: Stage,
  machine: AnyMachine,
  random: Random,
  fault: ActiveFault,
): ActiveFault {
  const { network, scheduler, beforeDeath } = stage;
  const restartsFirst = random.below(2) === 0;
  const delayUs = random.below(20_000);
  const cutPower = (): void => {
    if (!machine.isRunning) return;
    beforeDeath(machine);
    machine.powerOff();
  };
  const restart = (): void => {
    if (!machine.isRunning) return;
    beforeDeath(machine);
    machine.kill();
    machine.start();
  };
  const observer = (from: { readonly owner: unknown }): void => {
    if (from.owner !== machine.owner || !machine.disk.hasLostPages) return;
    network.observers = network.observers.filter((other) => other !== observer);
    scheduler.world(delayUs, 'failedSync', restartsFirst ? restart : cutPower);
  };
  network.observers.push(observer);
  const end = (): void => {
    network.observers = network.observers.filter((other) => other !== observer);
    if (restartsFirst) cutPower();
    fault.end();
    if (!machine.isDown) return;
    machine.start();
    watchRecovery(stage, machine);
  };
  return { durationMs: fault.durationMs, end };
}

/** Of a log that nobody has damaged. */
function watchRecovery(stage: Stage, machine: AnyMachine): void {
  if (machine.hasDamagedLog) return;
  const life = machine.owner.generation;
  const armed: ArmedMark = {
    name: 'log.recovery.damage',
    hitsLeft: 1,
    strike: (owner) => {
      if (owner === machine.owner && owner.generation === life)
        stage.onUndetected(`${machine.name} had counted on what a failed sync has lost of its log`);
      return false;
    },
  };
  stage.marks.arm(armed);
  stage.scheduler.world(STALL_US, 'watchRecovery', () => stage.marks.disarm(armed));
}

/** F26: reads, writes or changes of folders fail, a few times or as long as it lasts. */
export function diskError(stage: Stage, random: Random): ActiveFault | null {
  const machine = refusable(stage, random);
  if (machine === null) return null;
  const operation = one<DiskOperation>(random, ['append', 'read', 'metadata', 'sync'])!;
  const pathPart = one(random, ['', 'log/', 'replicas/', 'engine'])!;
  const count = random.below(2) === 0 ? 1 + random.below(5) : ALWAYS;
  const callOff = machine.disk.failNext(operation, 'io', pathPart, count);
  return refusal(stage, machine, 'diskError', drawDuration(random, 2000, 10_000), callOff);
}

/** F26: no room, or so little that something will run into it: an append, a roll, a checkpoint. */
export function fullDisk(stage: Stage, random: Random): ActiveFault | null {
  const machine = anyServer(stage, random);
  if (machine === null) return null;
  const { disk } = machine;
  const roomBytes = one(random, [0, 0, 1000, 50_000])!;
  const before = disk.capacityBytes;
  const usedBytes = before - disk.freeBytes;
  disk.capacityBytes = usedBytes + random.below(roomBytes + 1);
  const heal = (): void => {
    disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  };
  return trouble(stage, machine, 'diskFull', drawDuration(random, 3000, 15_000), heal);
}

/** F26: the file system was remounted after an error. */
export function readOnlyDisk(stage: Stage, random: Random): ActiveFault | null {
  const machine = refusable(stage, random);
  if (machine === null || machine.disk.isReadOnly) return null;
  machine.disk.isReadOnly = true;
  const heal = (): void => {
    machine.disk.isReadOnly = false;
  };
  return refusal(stage, machine, 'diskReadOnly', drawDuration(random, 3000, 15_000), heal);
}

/** F27: nothing ends for up to half a minute, then everything does. */
export function stalledDisk(stage: Stage, random: Random): ActiveFault | null {
  const machine = anyServer(stage, random);
  if (machine === null) return null;
  const durationMs = Math.ceil(
    (random.below(2) === 0 ? STALL_US : 1 + random.below(STALL_US)) / 1000,
  );
  return { durationMs, end: machine.disk.stall() };
}

/** F25: a drive answers once with what a range of sectors held before. */
export function staleRead(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(
    random,
    stage.replicas.filter(({ isWithheld }) => !isWithheld),
  );
  if (machine === null || !stage.atlas.mayDamage(machine)) return null;
  const pathPart = one(random, ['log/', 'engine', 'replica.json', 'server.json', 'serve-'])!;
  const callOff = machine.disk.staleNext(pathPart, random);
  // Most is read at a start only.
  if (machine.isRunning && random.below(3) > 0) {
    stage.beforeDeath(machine);
    machine.kill();
  }
  stage.atlas.onDamaged(machine, { forgets: false, undo: callOff });
  const end = (): void => {
    if (machine.isDown) machine.start();
  };
  return { durationMs: drawDuration(random, 1000, 8000), end };
}
