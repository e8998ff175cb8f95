/** Times are told as the platform's own calendar tells them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { utcTimeText } from './utc-time.ts';

function platformText(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 19).replace('T', ' ');
}

test('the turns of years, centuries and leap days', () => {
  assert.equal(utcTimeText(0), '1970-01-01 00:00:00');
  assert.equal(utcTimeText(951_782_400_000), '2000-02-29 00:00:00');
  assert.equal(utcTimeText(4_107_542_399_999), '2100-02-28 23:59:59');
  assert.equal(utcTimeText(4_107_542_400_000), '2100-03-01 00:00:00');
});

test('every day of five centuries', () => {
  const dayMs = 86_400_000;
  for (let day = 0; day < 183_000; day++) {
    const wallMs = day * dayMs + ((day * 7_919) % 86_400) * 1_000;
    assert.equal(utcTimeText(wallMs), platformText(wallMs));
  }
});
