/**
 * The settings (environments) that a table may have, and which values each takes: those of the original, with its
 * words in the refusals, because administrators' scripts look for them.
 *
 * Unlike the original, what is refused on a living table is refused at its creation as well (docs/compatibility.md).
 */
type Check = (value: string) => string | null;

interface Rule {
  /** Null when the value is fine, else why not. */
  readonly check: Check;
  readonly type: string;
  readonly limitation: string;
  readonly sample: string;
}

const INT32 = { name: '32', lowest: -(2n ** 31n), highest: 2n ** 31n - 1n } as const;
const INT64 = { name: '64', lowest: -(2n ** 63n), highest: 2n ** 63n - 1n } as const;

const MEBIBYTE = 1_048_576n;

const anyText: Rule = { check: () => null, type: 'string', limitation: '', sample: '' };

const boolean: Rule = {
  check: (value) => {
    const lower = value.toLowerCase();
    const isBoolean = lower === 'true' || lower === 'false';
    return isBoolean ? null : `invalid value '${value}', should be a boolean`;
  },
  type: 'boolean',
  limitation: 'true | false',
  sample: 'true',
};

function integer(
  type: typeof INT32 | typeof INT64,
  holds: (value: bigint) => boolean,
  range: string,
  sample: string,
): Rule {
  const check: Check = (value) => {
    const parsed = /^[+-]?\d+$/.test(value) ? BigInt(value) : null;
    if (parsed === null || parsed < type.lowest || parsed > type.highest) {
      return `invalid value '${value}', should be an ${type.name} bits integer`;
    }
    return holds(parsed) ? null : `invalid value '${value}', should be '${range}'`;
  };
  return { check, type: `int${type.name}`, limitation: range, sample };
}

function oneOf(values: readonly string[], refusal: string): Rule {
  return {
    check: (value) => (values.includes(value) ? null : refusal),
    type: 'string',
    limitation: values.join(' | '),
    sample: values[0]!,
  };
}

/** `<n>[K|M]*<delay|reject>*<ms>`, comma-joined, each kind at most once. */
function checkThrottle(value: string): string | null {
  if (value === '') return "The value shouldn't be empty";
  const seen = new Set<string>();
  for (const part of value.split(',')) {
    const fields = part.split('*');
    if (fields.length !== 3) return `The field count of '${part}' separated by '*' must be 3`;
    const [units, kind, delay] = fields as [string, string, string];
    const digits = /[KM]$/.test(units) ? units.slice(0, -1) : units;
    if (!/^\d+$/.test(digits)) return `'${digits}' should be an unsigned integer`;
    if (kind !== 'delay' && kind !== 'reject') return `'${kind}' should be 'delay' or 'reject'`;
    if (seen.has(kind)) return `duplicate '${kind}' config`;
    seen.add(kind);
    if (!/^\d+$/.test(delay)) return `'${delay}' should be an unsigned integer`;
  }
  return null;
}

/** Either a size, `<n>[K|M]` above 0, or as above. */
function checkThrottleOrSize(value: string): string | null {
  const size = /^(\d+)[KM]?$/.exec(value);
  if (size === null) return checkThrottle(value);
  return Number(size[1]) > 0 ? null : `'${value}' should be above 0`;
}

const throttle: Rule = {
  check: checkThrottle,
  type: 'string',
  limitation: '<n>[K|M]*<delay|reject>*<milliseconds>, comma-joined, each kind at most once',
  sample: '10000*delay*100,20000*reject*100',
};
const throttleOrSize: Rule = {
  check: checkThrottleOrSize,
  type: 'string',
  limitation: `<n>[K|M], or ${throttle.limitation}`,
  sample: '100M',
};

const DENY_VALUES = ['timeout', 'reconfig'].flatMap((how) =>
  ['all', 'write', 'read'].map((what) => `${how}*${what}`),
);
const deny = oneOf(
  DENY_VALUES,
  'Invalid deny client args, valid include: timeout*all, timeout*write, timeout*read; reconfig*all, reconfig*write, reconfig*read',
);
const bottommost = oneOf(['force', 'skip'], 'force | skip');
const usage = oneOf(['normal', 'prefer_write', 'bulk_load'], 'normal | prefer_write | bulk_load');
const atLeast0 = (value: bigint): boolean => value >= 0n;
const level = integer(INT64, (value) => value === -1n || value >= 1n, '-1 or >= 1', '-1');
const count32 = integer(INT32, atLeast0, '>= 0', '0');

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['replica.slow_query_threshold', integer(INT64, (value) => value >= 20n, '>= 20', '1000')],
  ['replica.write_throttling', throttle],
  ['replica.write_throttling_by_size', throttle],
  ['replica.read_throttling', throttle],
  ['replica.read_throttling_by_size', throttleOrSize],
  ['replica.backup_request_throttling', throttle],
  ['replica.deny_client_request', deny],
  ['replica.rocksdb_iteration_threshold_time_ms', integer(INT64, atLeast0, '>= 0', '1000')],
  ['replica.rocksdb_block_cache_enabled', boolean],
  ['replica.split.validate_partition_hash', boolean],
  ['default_ttl', count32],
  ['rocksdb.usage_scenario', usage],
  [
    'rocksdb.write_buffer_size',
    integer(
      INT64,
      (value) => value >= 16n * MEBIBYTE && value <= 512n * MEBIBYTE,
      'in range [16777216, 536870912]',
      '67108864',
    ),
  ],
  [
    'rocksdb.num_levels',
    integer(INT64, (value) => value >= 1n && value <= 10n, 'in range [1, 10]', '6'),
  ],
  ['rocksdb.checkpoint.reserve_min_count', integer(INT32, (value) => value > 0n, '> 0', '2')],
  ['rocksdb.checkpoint.reserve_time_seconds', count32],
  ['rocksdb.allow_ingest_behind', boolean],
  ['manual_compact.disabled', boolean],
  ['manual_compact.max_concurrent_running_count', count32],
  ['manual_compact.once.trigger_time', integer(INT64, atLeast0, '>= 0', '1000')],
  ['manual_compact.once.target_level', level],
  ['manual_compact.once.bottommost_level_compaction', bottommost],
  ['manual_compact.periodic.trigger_time', anyText],
  ['manual_compact.periodic.target_level', level],
  ['manual_compact.periodic.bottommost_level_compaction', bottommost],
  ['user_specified_compaction', anyText],
  ['business.info', anyText],
  ['replica_access_controller.allowed_users', anyText],
  ['replica_access_controller.ranger_policies', anyText],
  ['duplication.master_cluster', anyText],
  ['duplication.master_metas', anyText],
  ['duplication.master_app_name', anyText],
  ['duplication.follower_app_status', anyText],
]);

/** All settings of one table together; a table's record stays small whatever is sent. */
export const ENVS_TEXT_MAX = 65_536;

/** Null when the setting is fine, else why not. */
export function envRefusal(key: string, value: string): string | null {
  const rule = RULES.get(key);
  if (rule === undefined) return `app_env '${key}' is not supported`;
  return rule.check(value);
}

/** What a setting takes, for people. */
export interface EnvDescription {
  readonly type: string;
  readonly limitation: string;
  readonly sample: string;
}

/** Every setting that a table may have, by name. */
export function envDescriptions(): Map<string, EnvDescription> {
  const described = new Map<string, EnvDescription>();
  for (const [name, { type, limitation, sample }] of RULES) {
    described.set(name, { type, limitation, sample });
  }
  return described;
}

/** The first refusal, in order. */
export function envsRefusal(envs: Iterable<readonly [string, string]>): string | null {
  for (const [key, value] of envs) {
    const refusal = envRefusal(key, value);
    if (refusal !== null) return refusal;
  }
  return null;
}

export function envsFit(envs: Iterable<readonly [string, string]>): boolean {
  let length = 0;
  for (const [key, value] of envs) length += key.length + value.length;
  return length <= ENVS_TEXT_MAX;
}
