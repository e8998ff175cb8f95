/** The generated codecs are what the schemas say: nobody edited them and nobody forgot to run the generator. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { generateWire } from '../../../scripts/generate-wire.ts';

const folder = new URL('./', import.meta.url);

for (const [name, content] of generateWire()) {
  test(`${name} is up to date (else: node --import tsx scripts/generate-wire.ts)`, () => {
    assert.equal(readFileSync(new URL(name, folder), 'utf8'), content);
  });
}

test('nothing else lies in the folder', () => {
  const names = readdirSync(folder).filter((name) => !name.endsWith('.test.ts'));
  assert.deepEqual(names.sort(), [...generateWire().keys()]);
});
