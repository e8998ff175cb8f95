import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompactionEnv, compactionSchedule, dueCompaction } from './compaction-schedule.ts';

const HOUR_SECONDS = 3_600;
/** 2026-11-24 00:00 UTC. */
const MIDNIGHT = 1_795_478_400;

function scheduleOf(envs: Record<string, string>): ReturnType<typeof compactionSchedule> {
  return compactionSchedule(new Map(Object.entries(envs)));
}

test('the envs of the original are understood, with its defaults', () => {
  const none = scheduleOf({});
  assert.equal(dueCompaction(none, 0, MIDNIGHT, 0), null);
  const all = scheduleOf({
    [CompactionEnv.onceSeconds]: '1000',
    [CompactionEnv.onceLevel]: '3',
    [CompactionEnv.onceLowest]: 'force',
    [CompactionEnv.dailyTimes]: '21:30,3:05',
    [CompactionEnv.dailyLevel]: '-1',
    [CompactionEnv.dailyLowest]: 'skip',
  });
  assert.deepEqual(all, {
    isAllowed: true,
    onceSeconds: 1_000,
    once: { targetLevel: 3, rewritesLowest: true },
    dailyMinutes: [3 * 60 + 5, 21 * 60 + 30],
    daily: { targetLevel: 0, rewritesLowest: false },
  });
  const odd = scheduleOf({ [CompactionEnv.dailyTimes]: '24:00,7,12:60,1:00x,x, 4:00,4:00' });
  assert.deepEqual(odd.dailyMinutes, [240], 'what is no time of the day is left out');
});

test('a compaction that is asked for once is due until it was done', () => {
  const schedule = scheduleOf({ [CompactionEnv.onceSeconds]: String(MIDNIGHT) });
  const due = dueCompaction(schedule, MIDNIGHT - 1, MIDNIGHT + 10, 0);
  assert.equal(due?.triggerSeconds, MIDNIGHT);
  assert.equal(dueCompaction(schedule, MIDNIGHT, MIDNIGHT + 10, 0), null);
  const ahead = dueCompaction(schedule, 0, MIDNIGHT - 10, 0);
  assert.equal(ahead?.triggerSeconds, MIDNIGHT, 'a clock that is behind does not hold it up');
});

test('daily compactions are due from their minute on, in local time, once each', () => {
  const schedule = scheduleOf({ [CompactionEnv.dailyTimes]: '3:00,21:00' });
  const at = (hour: number, mark: number, offset = 0): number | undefined =>
    dueCompaction(schedule, mark, MIDNIGHT + hour * HOUR_SECONDS, offset)?.triggerSeconds;
  const [three, nine] = [MIDNIGHT + 3 * HOUR_SECONDS, MIDNIGHT + 21 * HOUR_SECONDS];
  assert.equal(at(2.99, 0), undefined, 'yesterday is over');
  assert.equal(at(3, 0), three);
  assert.equal(at(20, three), undefined);
  assert.equal(at(20, three - 1), three, 'one that was missed today is made up for');
  assert.equal(at(22, three), nine);
  assert.equal(at(23, 0), nine, 'two that were missed are one');
  assert.equal(at(1, 0, 120), MIDNIGHT + HOUR_SECONDS, 'three in the morning, two hours east');
  assert.equal(at(4, 0, -120), undefined, 'and two hours west not yet');
  assert.equal(at(5, 0, -120), MIDNIGHT + 5 * HOUR_SECONDS);
});

test('what is disabled is never due', () => {
  for (const [name, value] of [
    [CompactionEnv.disabled, 'true'],
    [CompactionEnv.disabled, 'TRUE'],
    [CompactionEnv.runningMax, '0'],
  ] as const) {
    const schedule = scheduleOf({ [CompactionEnv.onceSeconds]: '5', [name]: value });
    assert.equal(dueCompaction(schedule, 0, MIDNIGHT, 0), null);
  }
  for (const [name, value] of [
    [CompactionEnv.disabled, 'false'],
    [CompactionEnv.runningMax, '1'],
  ] as const) {
    const schedule = scheduleOf({ [CompactionEnv.onceSeconds]: '5', [name]: value });
    assert.notEqual(dueCompaction(schedule, 0, MIDNIGHT, 0), null);
  }
});
