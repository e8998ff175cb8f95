/**
 * The body of `POST /meta/app/start_compaction`, as the original's tools write it, and the settings of a table that it
 * stands for (docs/table-settings.md). Numbers may be texts.
 */
import { CompactionEnv, LowestLevel } from '../model/compaction-schedule.ts';

export interface CompactionRequest {
  readonly table: string;
  readonly envs: ReadonlyMap<string, string>;
}

interface Names {
  readonly time: string;
  readonly level: string;
  readonly lowest: string;
  /** Or now. */
  readonly needsTime: boolean;
}

const KINDS: ReadonlyMap<unknown, Names> = new Map([
  [
    'once',
    {
      time: CompactionEnv.onceSeconds,
      level: CompactionEnv.onceLevel,
      lowest: CompactionEnv.onceLowest,
      needsTime: false,
    },
  ],
  [
    'periodic',
    {
      time: CompactionEnv.dailyTimes,
      level: CompactionEnv.dailyLevel,
      lowest: CompactionEnv.dailyLowest,
      needsTime: true,
    },
  ],
]);

const LEVEL_ANY = '-1';

/** What is wrong with it, as a text, or the request. Values are checked where they are set. */
export function compactionRequest(
  body: Readonly<Record<string, unknown>> | null,
  nowSeconds: number,
): CompactionRequest | string {
  const table = body?.['app_name'];
  if (body === null || typeof table !== 'string' || table === '') {
    return 'the body is JSON with the text app_name';
  }
  const kind = KINDS.get(body['type']);
  if (kind === undefined) return 'type is once or periodic';
  const time = textOf(body['trigger_time']);
  if (time === null && kind.needsTime) return 'trigger_time is a list like 3:00,21:30';
  const envs = new Map<string, string>([
    [kind.time, time ?? String(nowSeconds)],
    [kind.level, textOf(body['target_level']) ?? LEVEL_ANY],
    [kind.lowest, textOf(body['bottommost_level_compaction']) ?? LowestLevel.skip],
  ]);
  const count = textOf(body['max_concurrent_running_count']) ?? textOf(body['max_running_count']);
  if (count !== null && count !== '0') envs.set(CompactionEnv.runningMax, count);
  return { table, envs };
}

/** Null when it was not given. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}
