/** Settings that could not be kept together are refused at the start, with both keys. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { OptionsError, resolveOptions } from '../base/option-table.ts';
import { REPLICA_OPTION_RELATIONS, REPLICA_OPTIONS } from './options.ts';

const NEEDED = { 'cluster.meta_servers': '127.0.0.1:1', 'replica.data_dir': 'data' };

function resolve(flags: Record<string, string>): void {
  const sources = { file: null, environment: {}, flags: { ...NEEDED, ...flags } };
  resolveOptions(REPLICA_OPTIONS, sources, REPLICA_OPTION_RELATIONS);
}

test('the defaults keep together', () => {
  resolve({});
});

const BROKEN: readonly [Record<string, string>, RegExp][] = [
  [{ 'replica.lease_ms': '1999' }, /replica\.lease_ms must be at least twice replica\.beacon/],
  [{ 'replica.rack': 'the third' }, /must be at most 64 letters/],
  [{ 'replica.zone': 'z'.repeat(65) }, /must be at most 64 letters/],
  [{ 'replica.prepare_timeout_ms': '199' }, /must be at least twice replica\.tick_interval_ms/],
];

for (const [flags, message] of BROKEN) {
  test(`${Object.entries(flags).flat().join(' = ')} is refused`, () => {
    assert.throws(
      () => resolve(flags),
      (error) => error instanceof OptionsError && message.test(error.message),
    );
  });
}
