import assert from 'node:assert/strict';
import test from 'node:test';
import { lameness, type ServerCondition } from './usability.ts';

const WHOLE: ServerCondition = { hasLease: true, log: 'ok', failures: [] };
const isServed = (partition: string): boolean => partition.startsWith('1.');
const failure = (partition: string) => ({ partition, reason: 'the log failed' });

test('a server that runs, leads and writes is of use', () => {
  assert.deepEqual(lameness(WHOLE, isServed), []);
});

const planted: readonly (readonly [string, ServerCondition | null, RegExp])[] = [
  ['does not run', null, /does not run/],
  ['has no lease', { ...WHOLE, hasLease: false }, /no lease/],
  ['keeps a copy that has failed', { ...WHOLE, failures: [failure('1.0')] }, /1\.0 has failed/],
  ['has a failed log', { ...WHOLE, log: 'failed' }, /log is failed/],
  ['waits for room', { ...WHOLE, log: 'full', failures: [failure('2.0')] }, /log is full/],
];

for (const [what, condition, expected] of planted) {
  test(`planted: a server that ${what} is lame`, () => {
    const found = lameness(condition, isServed);
    assert.equal(found.length, 1);
    assert.match(found[0]!, expected);
  });
}

test('a failed log that holds something of a dropped table is left to the operator', () => {
  assert.deepEqual(lameness({ ...WHOLE, log: 'failed', failures: [failure('2.0')] }, isServed), []);
});
