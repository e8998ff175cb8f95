/** The reference of the client is what the sources say, and has all that the client exports. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as client from '../src/bin/client.ts';
import { clientReferencePage, declarationsOf } from './client-reference.ts';

test('docs/client-reference.md is what the docstrings say', () => {
  const page = readFileSync(new URL('../docs/client-reference.md', import.meta.url), 'utf8');
  const command = 'run: node --import tsx scripts/generate-client-reference.ts';
  assert.equal(page, clientReferencePage(), command);
});

test('everything that the client exports is in it', () => {
  const page = clientReferencePage();
  // For the rest of this repository: its own tests and programs.
  const internal = ['nodeEnvironment', 'silent', 'NO_DETAILS'];
  const names = Object.keys(client).filter((name) => !internal.includes(name));
  assert(names.length > 20);
  const missing = names.filter((name) => !page.includes(`### ${name}\n`));
  assert.deepEqual(missing, []);
  for (const name of ['Table', 'Client', 'ConnectOptions', 'Codec', 'RetryPolicy', 'TestCluster']) {
    assert(page.includes(`### ${name}\n`), name);
  }
});

test('a declaration is shown as its callers see it', () => {
  const source = [
    '/**',
    ' * Two',
    ' * lines.',
    ' */',
    'export async function far(',
    '  away: number,',
    '): Promise<void> {',
    '  if (away) {',
    '  }',
    '}',
    '',
    'export type Either =',
    '  /** This. */',
    "  | 'a'",
    "  | 'b';",
    '',
    '/** One line. */',
    'export class Trouble extends Error {',
    "  override readonly name = 'Trouble';",
    '  /** Why. */',
    '  readonly reason: string;',
    '',
    '  constructor(reason: string) {',
    '    super(reason);',
    '  }',
    '}',
    '',
    'const hidden = 1;',
    '',
  ].join('\n');
  assert.deepEqual(declarationsOf(source), [
    {
      name: 'far',
      doc: 'Two\nlines.',
      code: 'function far(\n  away: number,\n): Promise<void>;',
    },
    { name: 'Either', doc: '', code: "type Either =\n  /** This. */\n  | 'a'\n  | 'b';" },
    {
      name: 'Trouble',
      doc: 'One line.',
      code: [
        'class Trouble extends Error {',
        "  override readonly name = 'Trouble';",
        '  /** Why. */',
        '  readonly reason: string;',
        '}',
      ].join('\n'),
    },
  ]);
});
