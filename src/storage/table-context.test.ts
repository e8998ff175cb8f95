import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvariantError } from '../base/assert.ts';
import { assertLimits, STORAGE_LIMITS } from './table-context.ts';

test('limits that contradict each other stop the start', () => {
  assertLimits(STORAGE_LIMITS);
  assert.throws(() => assertLimits({ ...STORAGE_LIMITS, turnRowsMax: 10 }), InvariantError);
  assert.throws(() => assertLimits({ ...STORAGE_LIMITS, scanContextsMax: 0 }), InvariantError);
});
