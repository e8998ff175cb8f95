/** The published client needs nothing but Node: no native code, no package, in all that it imports. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

test('the import closure of the client has neither packages nor native code', () => {
  const entry = fileURLToPath(new URL('./client.ts', import.meta.url));
  const seen = new Set([entry]);
  for (const file of seen) {
    for (const [, specifier] of readFileSync(file, 'utf8').matchAll(/\bfrom '([^']+)'/g)) {
      if (specifier!.startsWith('node:')) continue;
      assert(specifier!.startsWith('.'), `${file} imports the package ${specifier}`);
      seen.add(join(dirname(file), specifier!));
    }
  }
  const folders = new Set([...seen].map((file) => /\/src\/(.*)\/[^/]+$/.exec(file)![1]));
  assert(seen.size > 20);
  assert(!folders.has('adapters/rocksdb'));
  for (const folder of ['replica', 'meta', 'storage', 'consensus']) assert(!folders.has(folder));
});
