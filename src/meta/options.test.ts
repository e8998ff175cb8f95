/** Settings that could not be kept together are refused at the start, with both keys. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { OptionsError, resolveOptions } from '../base/option-table.ts';
import { META_OPTION_RELATIONS, META_OPTIONS, type MetaOptions } from './options.ts';

function resolve(flags: Record<string, string>): MetaOptions {
  const sources = { file: null, environment: {}, flags };
  return resolveOptions(META_OPTIONS, sources, META_OPTION_RELATIONS).values;
}

test('without any settings a lease of 5 s ends well before a grace of 6 s', () => {
  const { leaseMs, graceMs, beaconIntervalMs, fastFailover } = resolve({});
  assert.deepEqual([beaconIntervalMs, leaseMs, graceMs], [1_000, 5_000, 6_000]);
  assert.equal(fastFailover, true);
});

test('all of them can be set', () => {
  const options = resolve({
    'meta.beacon_interval_ms': '300ms',
    'meta.lease_ms': '2s',
    'meta.grace_ms': '3s',
    'meta.probe_interval_ms': '50ms',
    'meta.fast_failover': 'false',
  });
  assert.equal(options.graceMs, 3_000);
  assert.equal(options.fastFailover, false);
});

test('several meta servers name each other, and what they share', () => {
  const options = resolve({
    'meta.listen': '0.0.0.0:34601',
    'meta.advertised': '10.0.0.1:34601',
    'meta.store': 'etcd',
    'meta.store_endpoints': '10.0.0.7:2379,10.0.0.8:2379',
    'cluster.meta_servers': '10.0.0.1:34601,10.0.0.2:34601,10.0.0.3:34601',
  });
  assert.equal(options.metaServers?.length, 3);
  assert.equal(options.storeEndpoints?.length, 2);
});

const BROKEN: readonly [Record<string, string>, RegExp][] = [
  [{ 'meta.grace_ms': '5400ms' }, /meta\.grace_ms must be at least meta\.lease_ms plus 5 %/],
  [{ 'meta.lease_ms': '1900ms' }, /meta\.lease_ms must be at least twice meta\.beacon_interval_ms/],
  [{ 'meta.probe_interval_ms': '601ms' }, /meta\.probe_interval_ms must be at most a tenth/],
  [{ 'meta.tick_interval_ms': '700ms' }, /meta\.tick_interval_ms must be at most a tenth/],
  [{ 'meta.store': 'etcd', 'cluster.meta_servers': '127.0.0.1:34601' }, /meta\.store_endpoints/],
  [
    {
      'meta.store': 'etcd',
      'meta.store_endpoints': '127.0.0.1:2379',
      'cluster.meta_servers': '10.0.0.1:34601,10.0.0.2:34601',
    },
    /cluster\.meta_servers must name all meta servers, this one too/,
  ],
  [{ 'cluster.meta_servers': '10.0.0.1:1,10.0.0.1:1' }, /must name each meta server once/],
];

for (const [flags, message] of BROKEN) {
  test(`${Object.entries(flags).flat().join(' = ')} is refused`, () => {
    assert.throws(
      () => resolve(flags),
      (error) => error instanceof OptionsError && message.test(error.message),
    );
  });
}
