/**
 * When the compactions that a table's envs ask for are due (`manual_compact.…`): once, after a moment that the env
 * names, and daily, at times of the day.
 *
 * What a replica has done is one number, its *mark*: the newest moment that it has compacted for. A trigger above it is
 * due, also a missed one of today. The mark is the later of the trigger and the start, so that rows written while a
 * compaction runs are met by the next trigger, and a trigger from a clock that is ahead counts once.
 */
/** What a compaction is to do. */
export interface CompactionOrder {
  /** Level that all rows end in, or the lowest that there is; 0 = left to the engine. */
  readonly targetLevel: number;
  /** Rows that lie where no compaction has to come meet the table's rules too: all is read and written. */
  readonly rewritesLowest: boolean;
}

export interface CompactionSchedule {
  /** False: none begins, whatever is due. */
  readonly isAllowed: boolean;
  /** Seconds since 1970; 0 = never. */
  readonly onceSeconds: number;
  readonly once: CompactionOrder;
  /** Of the local day, ascending. */
  readonly dailyMinutes: readonly number[];
  readonly daily: CompactionOrder;
}

export interface DueCompaction {
  /** What the mark becomes at least. */
  readonly triggerSeconds: number;
  readonly order: CompactionOrder;
}

export const CompactionEnv = {
  disabled: 'manual_compact.disabled',
  runningMax: 'manual_compact.max_concurrent_running_count',
  onceSeconds: 'manual_compact.once.trigger_time',
  onceLevel: 'manual_compact.once.target_level',
  onceLowest: 'manual_compact.once.bottommost_level_compaction',
  dailyTimes: 'manual_compact.periodic.trigger_time',
  dailyLevel: 'manual_compact.periodic.target_level',
  dailyLowest: 'manual_compact.periodic.bottommost_level_compaction',
} as const;

/** Values of the two `bottommost_level_compaction`. */
export const LowestLevel = { force: 'force', skip: 'skip' } as const;

const LEVEL_MAX = 1_000_000;
const DAY_SECONDS = 86_400;
const MINUTE_SECONDS = 60;

export function compactionSchedule(envs: ReadonlyMap<string, string>): CompactionSchedule {
  const isDisabled = envs.get(CompactionEnv.disabled)?.toLowerCase() === 'true';
  const runningMax = decimal(envs.get(CompactionEnv.runningMax));
  return {
    // No replica compacts twice at a time, and a server one after the other: only 0 makes a difference.
    isAllowed: !isDisabled && runningMax !== 0,
    onceSeconds: decimal(envs.get(CompactionEnv.onceSeconds)) ?? 0,
    once: orderOf(envs.get(CompactionEnv.onceLevel), envs.get(CompactionEnv.onceLowest)),
    dailyMinutes: minutesOf(envs.get(CompactionEnv.dailyTimes) ?? ''),
    daily: orderOf(envs.get(CompactionEnv.dailyLevel), envs.get(CompactionEnv.dailyLowest)),
  };
}

/** Whether there is anything to look at every now and then. */
export function isScheduled(schedule: CompactionSchedule): boolean {
  return schedule.onceSeconds > 0 || schedule.dailyMinutes.length > 0;
}

/** Null: nothing. `utcOffsetMinutes`: of the local time, east is positive. */
export function dueCompaction(
  schedule: CompactionSchedule,
  markSeconds: number,
  nowSeconds: number,
  utcOffsetMinutes: number,
): DueCompaction | null {
  if (!schedule.isAllowed) return null;
  const { onceSeconds, once, dailyMinutes, daily } = schedule;
  if (onceSeconds > markSeconds) return { triggerSeconds: onceSeconds, order: once };
  const localSeconds = nowSeconds + utcOffsetMinutes * MINUTE_SECONDS;
  const midnight = nowSeconds - (localSeconds % DAY_SECONDS);
  // The last one that has passed stands for those before it.
  const minute = dailyMinutes.findLast((one) => midnight + one * MINUTE_SECONDS <= nowSeconds);
  if (minute === undefined) return null;
  const triggerSeconds = midnight + minute * MINUTE_SECONDS;
  return triggerSeconds > markSeconds ? { triggerSeconds, order: daily } : null;
}

function orderOf(level: string | undefined, lowest: string | undefined): CompactionOrder {
  return {
    targetLevel: Math.min(decimal(level) ?? 0, LEVEL_MAX),
    rewritesLowest: lowest === LowestLevel.force,
  };
}

/** `h:mm,h:mm…`; what is no time of the day is left out. */
function minutesOf(text: string): number[] {
  const minutes = text.split(',').flatMap((word) => {
    const [, hour, minute] = /^\s*(\d{1,2}):(\d{2})\s*$/.exec(word) ?? [];
    if (hour === undefined || Number(hour) > 23 || Number(minute) > 59) return [];
    return [Number(hour) * 60 + Number(minute)];
  });
  return [...new Set(minutes)].sort((a, b) => a - b);
}

function decimal(text: string | undefined): number | null {
  return text !== undefined && /^\+?\d{1,15}$/.test(text) ? Number(text) : null;
}
