/**
 * `docs/features.md` says what is there and which test shows it. It stays true as far as links go: pages, headings,
 * files and tests are there, every feature of the list has its row, and what is called done names a test and a page.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './tidy/source.ts';

const PAGE = 'docs/features.md';
const FEATURES = 163;
const STATES = /^(?:done|partly: .+|not yet(?:[:,] .+)?)$/;

interface Row {
  readonly number: number;
  readonly state: string;
  readonly documented: string;
  readonly tests: string;
}

interface Link {
  readonly text: string;
  readonly target: string;
}

const page = readFileSync(join(ROOT, PAGE), 'utf8');
const rows = page.split('\n').flatMap(rowOf);

function rowOf(line: string): Row[] {
  if (!/^\| \d+ \|.*\|$/.test(line)) return [];
  const cells = line.slice(1, -1).split('|');
  const [number, , state, documented, tests] = cells.map((cell) => cell.trim()) as [
    string,
    string,
    string,
    string,
    string,
  ];
  assert.equal(cells.length, 5, `row ${number} has five cells`);
  return [{ number: Number(number), state, documented, tests }];
}

/** Texts may hold brackets of their own, as long as they are no link. */
function linksOf(text: string): Link[] {
  const found = [...text.matchAll(/\[((?:[^\]]|\](?!\())+)\]\(([^)]+)\)/g)];
  return found.map(([, label, target]) => ({ text: label!, target: target! }));
}

/** As the pages of the forge make it of a heading. */
function anchorOf(heading: string): string {
  const words = heading
    .replace(/^#+ /, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '');
  return words.replaceAll(' ', '-');
}

function anchorsOf(text: string): Set<string> {
  return new Set(
    text
      .split('\n')
      .filter((line) => /^#+ /.test(line))
      .map(anchorOf),
  );
}

test('every feature has one row, in order', () => {
  const numbers = rows.map(({ number }) => number);
  assert.deepEqual(
    numbers,
    Array.from({ length: FEATURES }, (_, index) => index + 1),
  );
});

test('a state is one of three, and says what is missing where only a part is there', () => {
  const odd = rows.filter(({ state }) => !STATES.test(state));
  assert.deepEqual(odd, []);
});

test('what is done has a page and a test', () => {
  const isShown = ({ documented, tests }: Row): boolean =>
    linksOf(documented).length > 0 && linksOf(tests).length > 0;
  const odd = rows.filter((row) => row.state === 'done' && !isShown(row));
  assert.deepEqual(odd, []);
});

test('pages and headings that are named are there', () => {
  for (const { number, documented } of rows) {
    for (const { target } of linksOf(documented)) {
      const [path, anchor] = target.split('#') as [string, string?];
      const file = join(ROOT, dirname(PAGE), path);
      assert(existsSync(file), `row ${number}: ${path} is not there`);
      if (anchor === undefined) continue;
      const isThere = anchorsOf(readFileSync(file, 'utf8')).has(anchor);
      assert(isThere, `row ${number}: ${path} has no heading ${anchor}`);
    }
  }
});

test('tests that are named are there', () => {
  const texts = new Map<string, string>();
  for (const { number, tests } of rows) {
    for (const { text, target } of linksOf(tests)) {
      const file = join(ROOT, dirname(PAGE), target);
      assert(existsSync(file), `row ${number}: ${target} is not there`);
      if (!texts.has(file)) texts.set(file, readFileSync(file, 'utf8'));
      const quoted = [`'${text}'`, `\`${text}\``, `"${text}"`];
      const isThere = quoted.some((name) => texts.get(file)!.includes(name));
      assert(isThere, `row ${number}: ${target} has no test "${text}"`);
    }
  }
});
