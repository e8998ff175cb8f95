/**
 * Compactions that administrators ask for: a command that writes the settings which replicas obey
 * (model/compaction-schedule.ts), and how far the replicas are, from what they report.
 */
import { ErrorCode } from '../base/error-names.ts';
import { CompactionEnv, compactionSchedule, LowestLevel } from '../model/compaction-schedule.ts';
import type { ClusterState } from './cluster-state.ts';
import { envsFit } from './env-rules.ts';
import type { Table } from './table.ts';
import {
  type CommandContext,
  type CommandPlan,
  changedTable,
  missingTable,
  refused,
} from './table-commands.ts';

export interface StartCompaction {
  readonly appName: string;
  /** Seconds since 1970; undefined = now. */
  readonly triggerTime: number | undefined;
  readonly targetLevel: number | undefined;
  readonly bottommost: boolean | undefined;
  readonly maxRunningCount: number | undefined;
}

const LEVEL_ANY = -1;

export function planStartCompaction(
  context: CommandContext,
  request: StartCompaction,
): CommandPlan {
  const table = context.state.tableNamed(request.appName);
  if (table === undefined) return missingTable(request.appName);
  const { app } = table;
  const { targetLevel = LEVEL_ANY, maxRunningCount = 0 } = request;
  if (targetLevel < LEVEL_ANY) return invalid(app.appId, `invalid target_level(${targetLevel})`);
  if (maxRunningCount < 0) {
    return invalid(app.appId, `invalid max_running_count(${maxRunningCount})`);
  }
  const envs = new Map(app.envs);
  if (maxRunningCount > 0) envs.set(CompactionEnv.runningMax, String(maxRunningCount));
  if (!compactionSchedule(envs).isAllowed) {
    const hint = `manual compaction is disabled on app(${app.appName})`;
    return { ...refused(ErrorCode.operationDisabled, app.appId), hint };
  }
  const { triggerTime = nextTrigger(table, context.wallSeconds) } = request;
  envs.set(CompactionEnv.onceSeconds, String(triggerTime));
  envs.set(CompactionEnv.onceLevel, String(targetLevel));
  const lowest = request.bottommost === true ? LowestLevel.force : LowestLevel.skip;
  envs.set(CompactionEnv.onceLowest, lowest);
  if (!envsFit(envs)) return invalid(app.appId, 'the environments of a table are too long');
  const record = changedTable(table, { envs });
  return { code: ErrorCode.ok, hint: '', appId: app.appId, records: [record] };
}

export interface CompactionProgress {
  readonly code: ErrorCode;
  readonly hint: string;
  /** Of all replicas that the table should have, in percent; undefined with an error. */
  readonly percent: number | undefined;
}

/** How many replicas have done what was asked for last. */
export function compactionProgress(state: ClusterState, appName: string): CompactionProgress {
  const table = state.tableNamed(appName);
  if (table === undefined) return { ...missingTable(appName), percent: undefined };
  const { onceSeconds } = compactionSchedule(table.app.envs);
  if (onceSeconds === 0) {
    const hint = `app(${appName}) is not in manual compaction`;
    return { code: ErrorCode.invalidState, hint, percent: undefined };
  }
  let doneCount = 0;
  for (const { record, holdings } of table.partitions) {
    for (const { node } of record.seats) {
      const holding = holdings.get(node);
      if (holding?.present === true && holding.compactedSeconds >= onceSeconds) doneCount += 1;
    }
  }
  const { partitionCount, maxReplicaCount } = table.app;
  const percent = Math.floor((100 * doneCount) / (partitionCount * maxReplicaCount));
  return { code: ErrorCode.ok, hint: '', percent: Math.min(percent, 100) };
}

/** Above all that was done, also by servers whose clocks are ahead. */
function nextTrigger(table: Table, wallSeconds: number): number {
  let trigger = wallSeconds;
  for (const { holdings } of table.partitions) {
    for (const { compactedSeconds } of holdings.values()) {
      trigger = Math.max(trigger, compactedSeconds + 1);
    }
  }
  return trigger;
}

function invalid(appId: number, hint: string): CommandPlan {
  return { ...refused(ErrorCode.invalidParameters, appId), hint };
}
