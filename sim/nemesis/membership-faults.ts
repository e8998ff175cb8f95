/**
 * F30: what administrators do while everything else goes wrong. Servers join and leave for good;
 * tables are created, dropped and recalled, renamed, and get another number of replicas; the meta
 * server is told to leave everything as it is.
 *
 * Bounds: one job at a time. A server leaves for good only in a calm moment, when all that it has is
 * on all the others that should have it: later faults hit the cluster without it. What is changed of
 * the table that clients work on is changed back when the fault ends.
 */
import type { Random } from '../../src/env/random.ts';
import { MetaLevel } from '../../src/wire/schema/meta.ts';
import type { Administrator, FreeTable } from '../workload/administrator.ts';
import { NO_UNDO } from './atlas.ts';
import { fullDisk } from './disk-faults.ts';
import { type ActiveFault, drawDuration, one, running } from './fault.ts';
import type { Stage } from './stage.ts';

const SIDE_TABLES_MAX = 2;

/** A server that was not there before. */
export function addServer(stage: Stage, random: Random): ActiveFault | null {
  const spare = one(
    random,
    stage.replicas.filter(({ isWithheld, isDown }) => isWithheld && isDown),
  );
  if (spare === null || spare.owner.generation > 0) return null;
  spare.isWithheld = false;
  spare.start();
  return { durationMs: 0, end: () => {} };
}

export function removeServer(stage: Stage, random: Random): ActiveFault | null {
  const servers = running(stage.replicas);
  const victim = one(random, servers);
  if (victim === null || servers.length <= stage.replicaCount) return null;
  if (!stage.isCalm() || !stage.atlas.mayDamage(victim)) return null;
  victim.isWithheld = true;
  stage.beforeDeath(victim);
  // Until others have taken its place: a copy is lost for good, and the next ones may not be.
  const isWithstood = (): boolean => stage.isCalm();
  stage.atlas.onDamaged(victim, { forgets: false, undo: NO_UNDO, isWithstood });
  if (random.below(2) === 0) victim.stop(() => {});
  else if (stage.isDurable) victim.powerOff();
  else victim.kill();
  return { durationMs: 0, end: () => {} };
}

export function changeReplicaCount(stage: Stage, random: Random): ActiveFault | null {
  const administrator = stage.administrator();
  const table = freeTable(administrator, random, ({ isMain }) => isMain);
  if (administrator === null || table === null) return null;
  const { replicaCount } = stage;
  const wanted = one(
    random,
    [2, 3].filter((count) => count !== replicaCount),
  )!;
  administrator.claim(table.appId);
  administrator.setReplicaCount(table.appId, wanted, false);
  const end = (): void => {
    administrator.setReplicaCount(table.appId, replicaCount, true);
    administrator.release(table.appId);
  };
  return { durationMs: drawDuration(random, 4000, 15_000), end };
}

export function createTable(stage: Stage, random: Random): ActiveFault | null {
  const administrator = stage.administrator();
  if (administrator === null || !administrator.isIdle) return null;
  if (administrator.servedTables().length > SIDE_TABLES_MAX) return null;
  administrator.createTable(`side${random.below(1_000_000)}`, 2, stage.replicaCount);
  return { durationMs: 0, end: () => {} };
}

/** The table that clients work on, or one beside it. */
export function dropAndRecall(stage: Stage, random: Random): ActiveFault | null {
  const administrator = stage.administrator();
  const table = freeTable(administrator, random, () => true);
  if (administrator === null || table === null) return null;
  administrator.claim(table.appId);
  administrator.dropTable(table.appId);
  const end = (): void => {
    administrator.recallTable(table.appId);
    administrator.release(table.appId);
  };
  return { durationMs: drawDuration(random, 500, 8000), end };
}

export function dropForGood(stage: Stage, random: Random): ActiveFault | null {
  const administrator = stage.administrator();
  const table = freeTable(administrator, random, ({ isMain }) => !isMain);
  if (administrator === null || table === null) return null;
  administrator.dropTable(table.appId);
  return { durationMs: 0, end: () => {} };
}

/**
 * For a while the meta server repairs nothing by itself, or nothing but what keeps partitions served.
 * Half of the time a disk is full meanwhile: who gives its leads away finds nobody to give them to.
 */
export function frozenMeta(stage: Stage, random: Random): ActiveFault | null {
  const administrator = stage.administrator();
  if (administrator === null) return null;
  administrator.setLevel(one(random, [MetaLevel.stopped, MetaLevel.blind, MetaLevel.freezed])!);
  const companion = random.below(2) === 0 ? fullDisk(stage, random) : null;
  const end = (): void => {
    companion?.end();
    administrator.setLevel(MetaLevel.lively);
  };
  return { durationMs: companion?.durationMs ?? drawDuration(random, 3000, 12_000), end };
}

export function renameTable(stage: Stage, random: Random): ActiveFault | null {
  const administrator = stage.administrator();
  const table = freeTable(administrator, random, () => true);
  if (administrator === null || table === null) return null;
  const { appId, name } = table;
  administrator.claim(appId);
  administrator.renameTable(appId, `${name}-renamed`);
  const end = (): void => {
    administrator.renameTable(appId, name);
    administrator.release(appId);
  };
  return { durationMs: drawDuration(random, 500, 8000), end };
}

function freeTable(
  administrator: Administrator | null,
  random: Random,
  isWanted: (table: FreeTable) => boolean,
): FreeTable | null {
  if (administrator === null || !administrator.isIdle) return null;
  return one(random, administrator.freeTables().filter(isWanted));
}
