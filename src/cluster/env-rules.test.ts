import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompactionEnv } from '../model/compaction-schedule.ts';
import { TableEnv } from '../model/table-settings.ts';
import { envDescriptions, envRefusal } from './env-rules.ts';

test('every setting in the list tells its type, and a sample that it takes', () => {
  const described = envDescriptions();
  assert(described.size > 30);
  for (const [name, { type, sample }] of described) {
    assert.match(type, /^(?:boolean|int32|int64|string)$/, name);
    assert.equal(envRefusal(name, sample), null, name);
  }
});

test('what replicas obey is in the list', () => {
  const described = envDescriptions();
  for (const name of [...Object.values(TableEnv), ...Object.values(CompactionEnv)]) {
    assert(described.has(name), name);
  }
});
