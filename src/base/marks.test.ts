import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { listenToMarks, MARKS, reached } from './marks.ts';

const SOURCES = fileURLToPath(new URL('..', import.meta.url));

/** Names at calls of `reached`, with repetitions; null for a call without a literal. */
function marksInSources(): (string | null)[] {
  const names: (string | null)[] = [];
  for (const entry of readdirSync(SOURCES, { recursive: true, withFileTypes: true })) {
    const isSource = entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts');
    if (!entry.isFile() || !isSource || entry.name === 'marks.ts') continue;
    const text = readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'utf8');
    for (const call of text.matchAll(/\breached\(([^)]*)\)/g)) {
      names.push(/^'([^']+)'$/.exec(call[1]!)?.[1] ?? null);
    }
  }
  return names;
}

test('every mark of the table is placed once, as a literal, and there are no others', () => {
  assert.deepEqual(marksInSources().sort(), [...MARKS].sort());
});

test('the table is in order and its names are dotted words', () => {
  assert.deepEqual([...MARKS], [...MARKS].sort());
  for (const name of MARKS) assert.match(name, /^[a-z]+(\.[a-z][A-Za-z]*)+$/);
});

test('a listener hears marks until it is taken away', () => {
  const heard: string[] = [];
  assert.equal(
    listenToMarks((name) => heard.push(name)),
    null,
  );
  reached('log.append.after');
  assert.notEqual(listenToMarks(null), null);
  reached('log.append.after');
  assert.deepEqual(heard, ['log.append.after']);
});
