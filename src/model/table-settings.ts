/**
 * What a table's environment (envs) asks of its replicas, parsed once per change.
 *
 * The meta server validates envs before it stores them (cluster/env-rules.ts); what got stored invalid all the same
 * counts as not set. A record never changes: a new one replaces it. Which settings there are, and which of them do
 * nothing yet, is told in docs/table-settings.md.
 */
import { assert, assertAtLeast } from '../base/assert.ts';
import { type CompactionSchedule, compactionSchedule } from './compaction-schedule.ts';
import { parseReadBandwidth, parseThrottle, type ThrottleRule } from './throttle-rule.ts';

/** What happens to requests that a table does not want: served, left without an answer, or refused. */
export const Denial = { none: 0, silent: 1, refuse: 2 } as const;
export type Denial = (typeof Denial)[keyof typeof Denial];

export const UsageScenario = {
  normal: 'normal',
  preferWrite: 'prefer_write',
  bulkLoad: 'bulk_load',
} as const;
export type UsageScenario = (typeof UsageScenario)[keyof typeof UsageScenario];

export interface TableSettings {
  /** Power of two. */
  readonly partitionCount: number;
  /** Given to writes that ask for no expiry, and to stored rows without one when they are compacted; 0 = none. */
  readonly defaultTtlSeconds: number;
  /** Time limit of one range read; 0 = none. */
  readonly rangeTimeMsMax: number;
  /** Rows and requests that belong to another partition are left out, or refused. */
  readonly validatePartitionHash: boolean;
  readonly denyReads: Denial;
  readonly denyWrites: Denial;
  readonly readThrottle: ThrottleRule | null;
  readonly backupThrottle: ThrottleRule | null;
  readonly writeThrottle: ThrottleRule | null;
  /** Units are bytes of request bodies. */
  readonly writeBytesThrottle: ThrottleRule | null;
  /** Bytes read per second and partition; 0 = no limit. */
  readonly readBytesPerSecondMax: number;
  /** From here on a read counts as slow; 0 = as the server is set up. */
  readonly slowQueryMs: number;
  /** Of engines that are made; 0 = as they like. */
  readonly engineLevels: number;
  /** Of one memtable; 0 = as the server is set up. */
  readonly writeBufferBytes: number;
  readonly usageScenario: UsageScenario;
  /** Text that the engine's compaction rules parse; empty = none. */
  readonly compactionRules: string;
  /** When the table wants to be compacted. */
  readonly compactions: CompactionSchedule;
}

export const RANGE_TIME_MS_DEFAULT = 30_000;
const ENGINE_LEVELS_MAX = 10;
const INT32_MAX = 0x7fffffff;
const FLAG_TRUE = 'true';

/** Names of the envs that replicas obey. */
export const TableEnv = {
  defaultTtl: 'default_ttl',
  rangeTimeMs: 'replica.rocksdb_iteration_threshold_time_ms',
  validatePartitionHash: 'replica.split.validate_partition_hash',
  deny: 'replica.deny_client_request',
  readThrottle: 'replica.read_throttling',
  readBytes: 'replica.read_throttling_by_size',
  backupThrottle: 'replica.backup_request_throttling',
  writeThrottle: 'replica.write_throttling',
  writeBytesThrottle: 'replica.write_throttling_by_size',
  slowQueryMs: 'replica.slow_query_threshold',
  engineLevels: 'rocksdb.num_levels',
  writeBufferBytes: 'rocksdb.write_buffer_size',
  usageScenario: 'rocksdb.usage_scenario',
  compactionRules: 'user_specified_compaction',
} as const;

export function tableSettings(
  partitionCount: number,
  envs: ReadonlyMap<string, string>,
): TableSettings {
  assertAtLeast(partitionCount, 1, 'a table has partitions');
  assert((partitionCount & (partitionCount - 1)) === 0, 'partition counts are powers of two');
  const text = (name: string): string | undefined => envs.get(name);
  const number = (name: string, maximum: number): number | null =>
    parseDecimal(envs.get(name), maximum);
  const throttle = (name: string): ThrottleRule | null =>
    parseThrottle(envs.get(name), partitionCount);
  const safe = Number.MAX_SAFE_INTEGER;
  return {
    partitionCount,
    defaultTtlSeconds: number(TableEnv.defaultTtl, INT32_MAX) ?? 0,
    rangeTimeMsMax: number(TableEnv.rangeTimeMs, safe) ?? RANGE_TIME_MS_DEFAULT,
    validatePartitionHash: text(TableEnv.validatePartitionHash)?.toLowerCase() === FLAG_TRUE,
    denyReads: denialOf(text(TableEnv.deny), 'read'),
    denyWrites: denialOf(text(TableEnv.deny), 'write'),
    readThrottle: throttle(TableEnv.readThrottle),
    backupThrottle: throttle(TableEnv.backupThrottle),
    writeThrottle: throttle(TableEnv.writeThrottle),
    writeBytesThrottle: throttle(TableEnv.writeBytesThrottle),
    readBytesPerSecondMax: parseReadBandwidth(text(TableEnv.readBytes), partitionCount),
    slowQueryMs: number(TableEnv.slowQueryMs, safe) ?? 0,
    engineLevels: number(TableEnv.engineLevels, ENGINE_LEVELS_MAX) ?? 0,
    writeBufferBytes: number(TableEnv.writeBufferBytes, safe) ?? 0,
    usageScenario: scenarioOf(text(TableEnv.usageScenario)),
    compactionRules: text(TableEnv.compactionRules) ?? '',
    compactions: compactionSchedule(envs),
  };
}

function denialOf(text: string | undefined, kind: 'read' | 'write'): Denial {
  const fields = text?.split('*') ?? [];
  if (fields.length !== 2 || (fields[1] !== 'all' && fields[1] !== kind)) return Denial.none;
  if (fields[0] === 'timeout') return Denial.silent;
  return fields[0] === 'reconfig' ? Denial.refuse : Denial.none;
}

function scenarioOf(text: string | undefined): UsageScenario {
  const known = Object.values(UsageScenario).find((scenario) => scenario === text);
  return known ?? UsageScenario.normal;
}

/** A whole number in plain digits (a plus before them is fine), at most `maximum`; null for anything else. */
function parseDecimal(text: string | undefined, maximum: number): number | null {
  if (text === undefined || !/^\+?\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return value <= maximum ? value : null;
}
