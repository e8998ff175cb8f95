import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeBytes, unescapeText } from './escape.ts';

test('all bytes survive being shown and typed again', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      assert.deepEqual(unescapeText(escapeBytes(bytes)), bytes);
    }),
    { seed: 2, numRuns: 2_000 },
  );
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  assert.deepEqual(unescapeText(escapeBytes(all)), all);
});

test('readable text is shown as it is, in any script', () => {
  for (const text of ['Ada Lovelace', 'Grüße, мир, 世界', '🦄 = unicorn', "it's 100 %"]) {
    assert.equal(escapeBytes(Buffer.from(text)), text);
  }
});

test('control bytes, quotes, backslashes and broken UTF-8 are escaped', () => {
  const bytes = Uint8Array.of(0, 10, 0x22, 0x5c, 0x7f, 0xff, 0xc3, 0x41, 0xc2, 0x85);
  assert.equal(escapeBytes(bytes), '\\x00\\n\\"\\\\\\x7F\\xFF\\xC3A\\xC2\\x85');
});

test('escapes are read as in C', () => {
  assert.deepEqual(
    [...unescapeText('\\x00a\\xfF\\n\\t\\r\\0\\\\\\\'\\"ü')],
    [0, 0x61, 0xff, 10, 9, 13, 0, 0x5c, 0x27, 0x22, 0xc3, 0xbc],
  );
});

test('an escape that is none is an error that names it', () => {
  for (const text of ['\\q', '\\x1', '\\xg0', 'a\\']) {
    assert.throws(() => unescapeText(text), /is no escape/);
  }
});
