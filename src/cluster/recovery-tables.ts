/**
 * Which tables there are, from the versions of them that replicas have stored (recovery.ts, rules 1 and 5).
 *
 * Versions of one table have its number, its number of partitions and the time of its making in common; the one with
 * the most changes counts, and of equals that of the higher ballot, which is the later one where changes were not
 * counted yet. Whatever else they disagree about contradicts itself.
 */
import { type AppInfo, AppStatus } from '../model/configuration.ts';
import type { HeldReplica } from './recovery.ts';

interface Version {
  readonly table: AppInfo;
  readonly ballot: number;
}

export interface RecoveredTables {
  /** In the order of their numbers. */
  readonly tables: readonly AppInfo[];
  /** None of the tables may be relied upon while there are any. */
  readonly conflicts: readonly string[];
}

export function recoverTables(replicas: readonly HeldReplica[]): RecoveredTables {
  const versions = new Map<number, Version>();
  const conflicts = new Set<string>();
  for (const { table, config } of replicas) {
    if (table === null || config === null) continue;
    const one = { table, ballot: config.ballot };
    const known = versions.get(table.appId);
    if (known !== undefined) {
      const conflict = conflictOf(known.table, table);
      if (conflict !== null) conflicts.add(`table ${table.appId}: ${conflict}`);
    }
    if (known === undefined || isNewer(one, known)) versions.set(table.appId, one);
  }
  const tables = [...versions.values()].map(({ table }) => table);
  tables.sort((a, b) => a.appId - b.appId);
  for (const conflict of sameNames(tables)) conflicts.add(conflict);
  return { tables, conflicts: [...conflicts] };
}

function isNewer(a: Version, b: Version): boolean {
  const order = a.table.revision - b.table.revision;
  return order > 0 || (order === 0 && a.ballot > b.ballot);
}

/** Null, or why the two are no versions of one table. */
function conflictOf(a: AppInfo, b: AppInfo): string | null {
  if (a.partitionCount !== b.partitionCount) {
    return `${a.partitionCount} partitions here, ${b.partitionCount} there`;
  }
  if (a.createSeconds !== b.createSeconds) {
    return `"${a.appName}" and "${b.appName}" were made at different times: a server of another cluster?`;
  }
  const isSame = a.revision > 0 && a.revision === b.revision;
  if (isSame && (a.appName !== b.appName || a.status !== b.status)) {
    return `"${a.appName}" and "${b.appName}" after the same number of changes`;
  }
  return null;
}

function sameNames(tables: readonly AppInfo[]): string[] {
  const names = new Map<string, number>();
  const conflicts: string[] = [];
  for (const { appId, appName, status } of tables) {
    if (status !== AppStatus.available) continue;
    const other = names.get(appName);
    if (other !== undefined) conflicts.push(`tables ${other} and ${appId} are both "${appName}"`);
    names.set(appName, appId);
  }
  return conflicts;
}
