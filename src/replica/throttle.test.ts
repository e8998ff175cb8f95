import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteBudget, Load, Throttle } from './throttle.ts';

const RULE = { delayAbove: 2, delayMs: 100, rejectAbove: 4, rejectAfterMs: 50 };

test('requests are put off above one number and refused above another, anew each second', () => {
  const throttle = new Throttle(RULE);
  const take = (nowMs: number): Load => throttle.take(1, nowMs);
  const { fits, delay, reject } = Load;
  const atOnce = Array.from({ length: 6 }, () => take(5_000));
  assert.deepEqual(atOnce, [fits, fits, delay, delay, reject, reject]);
  assert.equal(take(5_999), reject);
  assert.equal(take(6_000), fits);
});

test('what is refused does not count, so that smaller ones still fit', () => {
  const throttle = new Throttle(RULE);
  assert.equal(throttle.take(100, 0), Load.reject);
  assert.equal(throttle.take(2, 0), Load.fits);
});

test('a rule of one kind leaves the other out', () => {
  const delaying = new Throttle({ ...RULE, rejectAbove: 0 });
  assert.equal(delaying.take(1_000, 0), Load.delay);
  const rejecting = new Throttle({ ...RULE, delayAbove: 0 });
  assert.equal(rejecting.take(4, 0), Load.fits);
  assert.equal(rejecting.take(1, 0), Load.reject);
});

test('a budget may be overdrawn by one read, and is then paid back evenly', () => {
  const budget = new ByteBudget(1_000, 0);
  assert.equal(budget.hasLeft(0), true);
  budget.spend(1_500);
  assert.equal(budget.hasLeft(0), false);
  assert.equal(budget.hasLeft(400), false);
  assert.equal(budget.hasLeft(600), true);
  budget.spend(100);
  assert.equal(budget.hasLeft(60_000), true);
  budget.spend(1_000);
  assert.equal(budget.hasLeft(60_000), false, 'what is not used is saved for one second at most');
});
