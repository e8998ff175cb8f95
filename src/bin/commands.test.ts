import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { COMMANDS } from './commands.ts';

test('the launcher knows the commands that the help shows', () => {
  const launcher = readFileSync(new URL('../../pegasus', import.meta.url), 'utf8');
  const names = /^readonly COMMANDS='([a-z ]+)'$/m.exec(launcher);
  assert.deepEqual(names?.[1]?.split(' '), [...COMMANDS.keys()]);
});
