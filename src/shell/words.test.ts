import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitWords } from './words.ts';

const LINES: readonly (readonly [string, readonly string[]])[] = [
  ['', []],
  ['   ', []],
  ['set a b c', ['set', 'a', 'b', 'c']],
  ['  set\ta   b ', ['set', 'a', 'b']],
  ['set a "hello world" \'x y\'', ['set', 'a', 'hello world', 'x y']],
  ['set "" \'\'', ['set', '', '']],
  ['a"b c"d', ['ab cd']],
  ['"it\'s" \'say "x"\'', ["it's", 'say "x"']],
  ['a\\ b \\" "\\"x"', ['a b', '\\"', '\\"x']],
  ['\\x00\\n', ['\\x00\\n']],
  ['a\\', ['a\\']],
];

for (const [line, words] of LINES) {
  test(`${JSON.stringify(line)} has ${words.length} words`, () => {
    assert.deepEqual(splitWords(line), words);
  });
}

test('a quote that is not closed is an error', () => {
  assert.throws(() => splitWords('set a "b c'), /A " is not closed/);
});
