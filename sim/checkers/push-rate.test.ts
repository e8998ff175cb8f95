import assert from 'node:assert/strict';
import test from 'node:test';
import { PushRate } from './push-rate.ts';
import { Violations } from './violations.ts';

test('hundreds of pushes in a second are a storm, the same number in a minute is none', () => {
  for (const [intervalUs, expected] of [
    [2_000, 1],
    [10_000, 0],
  ] as const) {
    const violations = new Violations(() => {});
    const rate = new PushRate(violations);
    for (let push = 0; push < 400; push++) rate.onPush('a', '1.0', push * intervalUs);
    assert.equal(violations.all.length, expected);
  }
});
