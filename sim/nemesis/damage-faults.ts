/**
 * F23, F24, F28 and power cuts that lose what was acknowledged: what is on a disk is not what was
 * written there. Bounded by the atlas (atlas.ts).
 *
 * The damage is done while the machine is down, or some time before it is killed: servers find most
 * of it when they start.
 */
import type { Random } from '../../src/env/random.ts';
import { mustBeFound } from '../checkers/log-view.ts';
import { type Damage, NO_UNDO } from './atlas.ts';
import { type ActiveFault, downFor, drawDuration, kill, one, running } from './fault.ts';
import type { AnyMachine, Stage } from './stage.ts';

const LOG_FOLDER = 'data/log';
const REPLICAS_FOLDER = 'data/replicas';
const META_FOLDER = 'meta';
const SERVER_FILE_NAMES = ['server.json', 'server.copy.json'];
const SECTOR_BYTES = 512;

/** Returns null when there is nothing to damage. */
type Deed = (machine: AnyMachine, random: Random) => Damage | null;

function victimOf(stage: Stage, random: Random): AnyMachine | null {
  return one(
    random,
    stage.replicas.filter(
      (machine) => !machine.isWithheld && !machine.isPaused && stage.atlas.mayDamage(machine),
    ),
  );
}

/** Kills the victim and damages its disk before it starts again. */
function whileDown(stage: Stage, random: Random, deed: Deed): ActiveFault | null {
  const machine = victimOf(stage, random);
  if (machine === null || !isDamageable(machine)) return null;
  const wasDown = machine.isDown;
  if (!wasDown) kill(stage, [machine]);
  const damage = deed(machine, random);
  if (damage !== null) stage.atlas.onDamaged(machine, damage);
  const end = (): void => {
    if (!wasDown && machine.isDown) machine.start();
  };
  return { durationMs: drawDuration(random, 500, 8000), end };
}

/** Damages the disk of a server that runs, and kills it when it has had time to trip over it. */
function whileUp(stage: Stage, random: Random, deed: Deed): ActiveFault | null {
  const machine = victimOf(stage, random);
  if (machine === null || machine.isDown) return null;
  const damage = deed(machine, random);
  if (damage === null) return null;
  stage.atlas.onDamaged(machine, damage);
  const life = machine.owner.generation;
  const end = (): void => {
    if (machine.owner.generation === life) kill(stage, [machine]);
    if (machine.isDown) machine.start();
  };
  return { durationMs: drawDuration(random, 500, 4000), end };
}

function isDamageable(machine: AnyMachine): boolean {
  return machine.disk.damage.isThere(REPLICAS_FOLDER);
}

function isLogFile(path: string): boolean {
  return path.startsWith(`${LOG_FOLDER}/`);
}

/** F23: a few bits of one file. */
function rot(
  machine: AnyMachine,
  random: Random,
  isMeant: (path: string) => boolean,
): Damage | null {
  const { damage } = machine.disk;
  const path = one(
    random,
    damage.paths('data').filter((each) => isMeant(each) && damage.size(each) > 0),
  );
  if (path === null) return null;
  const size = damage.size(path);
  const offsets = new Set(Array.from({ length: 1 + random.below(3) }, () => random.below(size)));
  return damageTo(machine, [path], () => damage.flipBits(path, [...offsets], random.below(8)));
}

/** Of the end of a log no checksum can tell whether it was ever promised. */
function damageTo(machine: AnyMachine, paths: readonly string[], strike: () => () => void): Damage {
  const { damage } = machine.disk;
  if (paths.some(isLogFile)) machine.hasDamagedLog = true;
  const newest = damage
    .paths(LOG_FOLDER)
    .filter((path) => path.endsWith('.log'))
    .at(-1);
  if (newest === undefined || !paths.includes(newest)) return { forgets: false, undo: strike() };
  const before = damage.bytes(newest);
  const undo = strike();
  return { forgets: !mustBeFound(before, damage.bytes(newest)), undo };
}

export function rotInLog(stage: Stage, random: Random): ActiveFault | null {
  const deed: Deed = (machine) => rot(machine, random, isLogFile);
  return random.below(3) === 0 ? whileUp(stage, random, deed) : whileDown(stage, random, deed);
}

export function rotInEngine(stage: Stage, random: Random): ActiveFault | null {
  const isMeant = (path: string): boolean => path.endsWith('.rows');
  const deed: Deed = (machine) => rot(machine, random, isMeant);
  return random.below(3) === 0 ? whileUp(stage, random, deed) : whileDown(stage, random, deed);
}

/** What a replica knows of its configuration, or a server of itself. */
export function rotInReplicaFile(stage: Stage, random: Random): ActiveFault | null {
  const names = random.below(3) === 0 ? SERVER_FILE_NAMES : ['replica.json'];
  const isMeant = (path: string): boolean => names.some((name) => path.endsWith(`/${name}`));
  return whileDown(stage, random, (machine) => rot(machine, random, isMeant));
}

/** F24: sectors of one file are in another of the same kind, or elsewhere in the same. */
export function misdirectedWrite(stage: Stage, random: Random): ActiveFault | null {
  return whileDown(stage, random, (machine) => {
    const { damage } = machine.disk;
    const isLog = random.below(2) === 0;
    const paths = damage
      .paths('data')
      .filter((path) => (isLog ? isLogFile(path) : path.endsWith('.rows')))
      .filter((path) => damage.size(path) > 0);
    const from = one(random, paths);
    const to = one(random, paths);
    if (from === null || to === null) return null;
    const start = random.below(Math.ceil(damage.size(from) / SECTOR_BYTES)) * SECTOR_BYTES;
    const lengthMax = Math.min(damage.size(from) - start, SECTOR_BYTES * (1 + random.below(16)));
    const target = random.below(Math.ceil(damage.size(to) / SECTOR_BYTES)) * SECTOR_BYTES;
    // RocksDB knows its files by ids in its manifest; the engine of the simulator has but one file,
    // and a whole one of another replica would be as good as its own.
    const isWhole = from !== to && target === 0 && lengthMax === damage.size(to);
    if (!isLog && isWhole) return null;
    return damageTo(machine, [from, to], () =>
      damage.misdirect(from, start, lengthMax, to, target),
    );
  });
}

export function replicaFolders(machine: AnyMachine): string[] {
  const names = machine.disk.damage
    .paths(REPLICAS_FOLDER)
    .map((path) => path.split('/').slice(0, 3).join('/'));
  return [...new Set(names)];
}

/** F28 */
export function missingReplica(stage: Stage, random: Random): ActiveFault | null {
  return whileDown(stage, random, (machine) => {
    const folder = one(random, replicaFolders(machine));
    if (folder === null) return null;
    machine.disk.damage.erase(folder);
    return { forgets: false, undo: NO_UNDO };
  });
}

/** F28 */
export function swappedReplicas(stage: Stage, random: Random): ActiveFault | null {
  return whileDown(stage, random, (machine) => {
    const folders = replicaFolders(machine);
    const left = one(random, folders);
    const right = one(
      random,
      folders.filter((folder) => folder !== left),
    );
    if (left === null || right === null) return null;
    machine.disk.damage.swap(left, right);
    return { forgets: false, undo: NO_UNDO };
  });
}

/** F28: a backup of one replica's folder, or of all that the server has. */
export function takeCopy(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(
    random,
    stage.replicas.filter((each) => !each.isWithheld && isDamageable(each)),
  );
  if (machine === null) return null;
  const path = random.below(2) === 0 ? one(random, replicaFolders(machine)) : 'data';
  if (path === null) return null;
  stage.atlas.copies.set(machine.name, { path, copy: machine.disk.damage.copy(path) });
  return { durationMs: 0, end: NO_UNDO };
}

/** F28: time travel: somebody brings the backup back. */
export function bringCopyBack(stage: Stage, random: Random): ActiveFault | null {
  return whileDown(stage, random, (machine) => {
    const old = stage.atlas.copies.get(machine.name);
    if (old === undefined) return null;
    machine.disk.damage.restore(old.path, old.copy);
    return { forgets: true, undo: NO_UNDO };
  });
}

/**
 * F23: what the one meta server knows is kept once, so damage to it must keep it from starting; then
 * an operator mends it.
 */
export function rotInMetaJournal(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, running(stage.metas));
  if (machine === null) return null;
  const { damage } = machine.disk;
  kill(stage, [machine]);
  const snapshot = damage
    .paths(META_FOLDER)
    .filter((path) => /\/snapshot-\d+$/.test(path))
    .at(-1);
  if (snapshot === undefined) return downFor([machine], random);
  const offset = random.below(damage.size(snapshot));
  const undo = damage.flipBits(snapshot, [offset], random.below(8));
  const endExpectation = stage.expectTrouble(machine, 'journalRot');
  machine.start();
  const life = machine.owner.generation;
  const end = (): void => {
    // In a later life another fault may have given it another disk.
    const isFirstLife = machine.owner.generation === life;
    if (isFirstLife && machine.process !== null)
      stage.onUndetected(`${machine.name} reads ${snapshot} with rot`);
    undo();
    endExpectation();
    if ((isFirstLife || machine.hasFailedToStart) && !machine.isDown) machine.kill();
    if (machine.isDown) machine.start();
  };
  return { durationMs: drawDuration(random, 500, 6000), end };
}

// ---- power ----

/** Whether it loses nothing that was acknowledged. */
function mayLosePower(stage: Stage, machine: AnyMachine): boolean {
  return stage.isDurable && !machine.disk.hasLostPages;
}

export function powerOffReplica(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, running(stage.replicas));
  if (machine === null) return null;
  const isHarmless = mayLosePower(stage, machine);
  if (!isHarmless && !stage.atlas.mayDamage(machine)) return null;
  stage.beforeDeath(machine);
  machine.powerOff();
  if (!isHarmless) stage.atlas.onDamaged(machine, { forgets: true, undo: NO_UNDO });
  return downFor([machine], random);
}

/** Its journal is synced in every mode. */
export function powerOffMeta(stage: Stage, random: Random): ActiveFault | null {
  const machine = one(random, running(stage.metas));
  if (machine === null) return null;
  stage.beforeDeath(machine);
  machine.powerOff();
  return downFor([machine], random);
}

/**
 * Where acknowledged does not mean durable, one server at most loses what was acknowledged, as an
 * atlas allows it; the disks of the others had written all in time. None of them can know that, so
 * all doubt what they have, and who has most must lead.
 */
export function powerOffAll(stage: Stage, random: Random): ActiveFault | null {
  const machines = running([...stage.metas, ...stage.replicas]);
  if (machines.length === 0) return null;
  const forgetful = stage.isDurable ? null : one(random, running(stage.replicas));
  const mayForget = forgetful !== null && stage.atlas.mayDamage(forgetful);
  for (const machine of machines) stage.beforeDeath(machine);
  for (const machine of machines) {
    const forgets = mayForget && machine === forgetful;
    if (!stage.isDurable && !forgets) machine.disk.writeBack();
    if (forgets || !machine.disk.hasLostPages) machine.powerOff();
    else machine.kill();
    if (forgets) stage.atlas.onDamaged(machine, { forgets: true, undo: NO_UNDO });
  }
  return downFor(machines, random);
}
