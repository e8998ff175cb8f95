import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envsRefusal } from '../cluster/env-rules.ts';
import { compactionRequest } from './compaction-request.ts';

const envsOf = (body: Record<string, unknown>): Record<string, string> => {
  const request = compactionRequest({ app_name: 'temp', ...body }, 1_000);
  assert(typeof request !== 'string');
  assert.equal(request.table, 'temp');
  assert.equal(envsRefusal(request.envs), null);
  return Object.fromEntries(request.envs);
};

test('a compaction is asked for once, now unless it says when', () => {
  assert.deepEqual(envsOf({ type: 'once' }), {
    'manual_compact.once.trigger_time': '1000',
    'manual_compact.once.target_level': '-1',
    'manual_compact.once.bottommost_level_compaction': 'skip',
  });
  const full = {
    type: 'once',
    trigger_time: '5',
    target_level: 3,
    bottommost_level_compaction: 'force',
    max_concurrent_running_count: 2,
  };
  assert.deepEqual(envsOf(full), {
    'manual_compact.once.trigger_time': '5',
    'manual_compact.once.target_level': '3',
    'manual_compact.once.bottommost_level_compaction': 'force',
    'manual_compact.max_concurrent_running_count': '2',
  });
});

test('or daily, at times that have to be said', () => {
  const daily = envsOf({ type: 'periodic', trigger_time: '3:00,21:00' });
  assert.equal(daily['manual_compact.periodic.trigger_time'], '3:00,21:00');
  assert.match(String(compactionRequest({ app_name: 'temp', type: 'periodic' }, 1)), /3:00/);
});

test('what is no request is told so', () => {
  for (const body of [null, {}, { app_name: 7, type: 'once' }, { app_name: '', type: 'once' }]) {
    assert.match(String(compactionRequest(body, 1)), /app_name/);
  }
  for (const type of [undefined, 'daily', 'toString', 1]) {
    assert.match(String(compactionRequest({ app_name: 'temp', type }, 1)), /once or periodic/);
  }
});
