/**
 * What was recorded from the real Apache Pegasus is played against this cluster by the recordings' own program, and
 * the answers are the same but for the scenarios in expected-differences.json: name to reason.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../support/command.ts';
import { TestOnebox } from '../support/onebox.ts';

/** The cluster is the original's: `temp` has the id 2. */
const FAMILIES = [
  'single',
  'multi_write',
  'multi_get_keys',
  'multi_get_range',
  'sortkey_count',
  'scan',
  'incr',
  'check_and_set',
  'check_and_mutate',
  'batch_get',
  'wire',
  'admin',
  'http',
];

/** `PEGASUS_CONFORMANCE` names another place for the recordings. */
const folder =
  process.env['PEGASUS_CONFORMANCE'] ??
  fileURLToPath(new URL('../../../shared/conformance', import.meta.url));
const program = join(folder, 'replay.py');
const skip = existsSync(program) ? false : `no recordings at ${folder}`;

const differences = JSON.parse(
  readFileSync(new URL('expected-differences.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, string>>;

test('the recorded families get the answers of the original', { skip }, async (t) => {
  await using onebox = await TestOnebox.start();
  const scratch = mkdtempSync(join(tmpdir(), 'pegasus-e2e-'));
  try {
    const names = join(scratch, 'failed');
    const files = FAMILIES.map((family) => join(folder, `${family}.jsonl`));
    // Bytecode of a folder that may be read only.
    const environment = { PYTHONDONTWRITEBYTECODE: '1' };
    const replay = async (...options: readonly string[]): ReturnType<typeof run> => {
      const args = [program, '--meta', onebox.meta, '--names-out', names, ...options, ...files];
      return await run('python3', args, { environment });
    };
    const { stdout, stderr } = await replay('--jobs', '20');
    const lastLine = stdout.trimEnd().split('\n').at(-1) ?? '';
    t.diagnostic(lastLine);
    assert.match(lastLine, /^\d+ passed, \d+ failed$/, stderr);
    assert(Number.parseInt(lastLine, 10) > 700, 'the families have over 700 scenarios');
    const failed = readFileSync(names, 'utf8').split('\n').filter(Boolean);
    const surprises: string[] = [];
    for (const name of failed.filter((each) => differences[each] === undefined)) {
      // Times at the edge of their range are compared with the clock of another process, to the second: what is a
      // difference is one when nothing else runs, too.
      await replay('--filter', name);
      if (readFileSync(names, 'utf8').split('\n').includes(name)) surprises.push(name);
    }
    assert.deepEqual(surprises, [], stdout.slice(0, 4_000));
    const stale = Object.keys(differences).filter((name) => !failed.includes(name));
    assert.deepEqual(stale, [], 'expected differences that are none');
    assert.deepEqual(onebox.complaints(), []);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
