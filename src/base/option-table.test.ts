import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostPort } from './host-port.ts';
import {
  defaultOptions,
  environmentName,
  MIB,
  MINUTE_MS,
  type OptionSources,
  OptionsError,
  type OptionTable,
  resolveOptions,
} from './option-table.ts';

interface Example {
  readonly leaseMs: number;
  readonly cacheBytes: number;
  readonly ratio: number;
  readonly durability: 'fsync' | 'os';
  readonly metas: readonly HostPort[];
  readonly listen: HostPort;
  readonly advertise: HostPort | null;
  readonly checks: boolean;
}

const EXAMPLE: OptionTable<Example> = {
  leaseMs: {
    key: 'replica.lease_ms',
    type: 'duration',
    default: 10_000,
    minimum: 100,
    maximum: MINUTE_MS,
    help: 'How long a primary may answer without hearing from the others.',
  },
  cacheBytes: {
    key: 'replica.cache_bytes',
    type: 'bytes',
    default: 64 * MIB,
    help: 'Block cache.',
  },
  ratio: { key: 'replica.ratio', type: 'number', default: 0.5, maximum: 1, help: 'A ratio.' },
  durability: {
    key: 'replica.durability',
    type: 'enumeration',
    values: ['fsync', 'os'],
    default: 'fsync',
    help: 'When a write counts as written.',
  },
  metas: { key: 'replica.metas', type: 'hostPorts', required: true, help: 'Meta servers.' },
  listen: {
    key: 'replica.listen',
    type: 'hostPort',
    default: { host: '127.0.0.1', port: 34801 },
    help: 'Where it listens.',
  },
  advertise: {
    key: 'replica.advertise',
    type: 'hostPort',
    default: null,
    help: 'Address that others use; that of `listen` if it is not set.',
  },
  checks: { key: 'replica.checks', type: 'boolean', default: false, help: 'Costly checks.' },
};

function sources(given: Partial<OptionSources> = {}): OptionSources {
  const file = { path: '/etc/p.toml', content: { replica: { metas: ['meta-1:34601'] } } };
  return { file, environment: {}, flags: {}, ...given };
}

function problemsOf(given: Partial<OptionSources>): readonly string[] {
  try {
    resolveOptions(EXAMPLE, sources(given));
  } catch (error) {
    assert(error instanceof OptionsError);
    return error.problems;
  }
  return [];
}

test('what nobody set has its default', () => {
  const { values, origins } = resolveOptions(EXAMPLE, sources());
  assert.equal(values.leaseMs, 10_000);
  assert.equal(values.cacheBytes, 67_108_864);
  assert.equal(values.advertise, null);
  assert.deepEqual(values.metas, [{ host: 'meta-1', port: 34601 }]);
  assert.equal(origins.leaseMs, 'default');
  assert.equal(origins.metas, 'file');
});

test('flags win over the environment, that over the file, that over the default', () => {
  const file = {
    path: 'p.toml',
    content: { replica: { metas: 'a:1', lease_ms: 1_000, ratio: 0.1, cache_bytes: '1MiB' } },
  };
  const environment = { PEGASUS_REPLICA_LEASE_MS: '2s', PEGASUS_REPLICA_RATIO: '0.2' };
  const flags = { 'replica.lease_ms': '3s' };
  const { values, origins } = resolveOptions(EXAMPLE, { file, environment, flags });
  assert.deepEqual([values.leaseMs, origins.leaseMs], [3_000, 'flag']);
  assert.deepEqual([values.ratio, origins.ratio], [0.2, 'environment']);
  assert.deepEqual([values.cacheBytes, origins.cacheBytes], [MIB, 'file']);
});

test('an unknown key is an error that names the nearest one', () => {
  const content = { replica: { metas: 'a:1', leese_ms: 5 } };
  assert.deepEqual(problemsOf({ file: { path: 'p.toml', content } }), [
    'p.toml: unknown option replica.leese_ms; did you mean replica.lease_ms?',
  ]);
  assert.deepEqual(problemsOf({ environment: { PEGASUS_REPLICA_LEASE: '5' } }), [
    'environment: unknown option PEGASUS_REPLICA_LEASE; did you mean PEGASUS_REPLICA_LEASE_MS?',
  ]);
  assert.deepEqual(problemsOf({ flags: { 'replica.cheks': true } }), [
    'unknown option --replica.cheks; did you mean --replica.checks?',
  ]);
  const far = { replica: { metas: 'a:1' }, something: { else: 1 } };
  assert.deepEqual(problemsOf({ file: { path: 'p.toml', content: far } }), [
    'p.toml: unknown option something.else',
  ]);
});

test('variables of other sections are left to the programs they are for', () => {
  assert.deepEqual(problemsOf({ environment: { PEGASUS_META_GRACE_MS: 'x', PATH: '/bin' } }), []);
});

test('a bad value is told with its place, key, value, range and all others at once', () => {
  const content = { replica: { metas: 'a:1', lease_ms: 5, durability: 'maybe', listen: 'here' } };
  assert.deepEqual(
    problemsOf({ file: { path: 'p.toml', content }, flags: { 'replica.ratio': '2' } }),
    [
      'p.toml: replica.lease_ms = 5: expected a duration from 100ms to 1m, such as 500ms, 10s or 5m',
      '--replica.ratio = "2": expected a number from 0 to 1',
      'p.toml: replica.durability = "maybe": expected one of fsync, os',
      'p.toml: replica.listen = "here": expected an address HOST:PORT',
    ],
  );
});

test('a required option that is missing is told with the three ways to give it', () => {
  assert.deepEqual(problemsOf({ file: null }), [
    'replica.metas is not set: give it in the configuration file, as --replica.metas or as PEGASUS_REPLICA_METAS (one or more addresses HOST:PORT, separated by commas)',
  ]);
});

test('a broken relation between options is an error', () => {
  const relation = {
    holds: (values: Example) => values.leaseMs < 10_000,
    message: 'replica.lease_ms must be below 10s',
  };
  assert.throws(() => resolveOptions(EXAMPLE, sources(), [relation]), /must be below 10s/);
});

const WRITTEN: readonly (readonly [string, unknown, keyof Example, unknown])[] = [
  ['replica.lease_ms', '1.5s', 'leaseMs', 1_500],
  ['replica.lease_ms', '1m', 'leaseMs', 60_000],
  ['replica.cache_bytes', 4096, 'cacheBytes', 4096],
  ['replica.cache_bytes', '2 gib', 'cacheBytes', 2 ** 31],
  ['replica.checks', 'true', 'checks', true],
  ['replica.checks', '0', 'checks', false],
  ['replica.advertise', 'node.example:1', 'advertise', { host: 'node.example', port: 1 }],
];

for (const [key, raw, field, expected] of WRITTEN) {
  test(`${key} may be written as ${JSON.stringify(raw)}`, () => {
    const content = { 'replica.metas': 'a:1', [key]: raw };
    const file = { path: 'p.toml', content };
    assert.deepEqual(resolveOptions(EXAMPLE, sources({ file })).values[field], expected);
  });
}

for (const raw of ['', '10', '10x', '1.5', -1, 1e300, true, null, '0x10', '99ms', '61s', 'ms']) {
  test(`${JSON.stringify(raw)} is no lease`, () => {
    const content = { replica: { metas: 'a:1', lease_ms: raw } };
    assert.equal(problemsOf({ file: { path: 'p.toml', content } }).length, 1);
  });
}

test('defaults alone make a record for tests', () => {
  const values = defaultOptions(EXAMPLE, { metas: [{ host: 'a', port: 1 }], ratio: 1 });
  assert.equal(values.ratio, 1);
  assert.equal(values.durability, 'fsync');
});

test('the name of a variable is made from the key', () => {
  assert.equal(environmentName('replica.lease_ms'), 'PEGASUS_REPLICA_LEASE_MS');
});
