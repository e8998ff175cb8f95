import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { UserError } from '../../src/base/user-error.ts';
import { bugsNamed, PLANTED_BUGS } from './catalog.ts';
import { applyBug, applyEdit, PlantingError } from './planted-bug.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUGS_MIN = 24;
let copy = '';

before(() => {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  copy = mkdtempSync(join(ROOT, '.cache', 'bugs-test-'));
  cpSync(join(ROOT, 'src'), join(copy, 'src'), { recursive: true });
});

after(() => rmSync(copy, { recursive: true, force: true }));

test('every planted bug fits exactly once into the present sources, and what it makes of them loads', async () => {
  assert.ok(PLANTED_BUGS.length >= BUGS_MIN);
  for (const bug of PLANTED_BUGS) {
    for (const path of applyBug(copy, bug, '.ts')) {
      const variant = path.replace(/\.ts$/, `.test.${bug.name}.ts`);
      copyFileSync(path, variant);
      copyFileSync(join(ROOT, relative(copy, path)), path);
      await import(pathToFileURL(variant).href);
    }
  }
});

test('names of planted bugs are unique, and each says what it does and what comes of it', () => {
  const names = PLANTED_BUGS.map((bug) => bug.name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, what, consequence, edits } of PLANTED_BUGS) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/);
    assert.ok(what.length > 0 && consequence.length > 0 && edits.length > 0, name);
  }
});

test('an edit ignores white space, and refuses to fit never or twice', () => {
  const edit = { file: 'a.ts', find: 'if (a) { b(); }', replace: 'c();' };
  assert.equal(applyEdit('x;\nif (a) {\n  b();\n}\ny;', edit, 'bug'), 'x;\nc();\ny;');
  assert.throws(() => applyEdit('if (a) { c(); }', edit, 'bug'), PlantingError);
  assert.throws(() => applyEdit('if (a) { b(); } if (a) { b(); }', edit, 'bug'), PlantingError);
});

test('bugs are chosen by name, and a name that there is not is told', () => {
  assert.deepEqual(
    bugsNamed('torn-decree,ack-before-sync').map((bug) => bug.name),
    ['torn-decree', 'ack-before-sync'],
  );
  assert.equal(bugsNamed('all').length, PLANTED_BUGS.length);
  assert.throws(() => bugsNamed('no-such-bug'), UserError);
});
