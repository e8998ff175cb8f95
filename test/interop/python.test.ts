/**
 * Python's official client, `pypegasus3` from PyPI, works with this cluster in everything that it
 * can do. It was released before `host_port` existed, so those fields are switched off.
 */
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pythonWith } from './python-packages.ts';
import { beforeAndAfter, runSuite } from './suite.ts';

const FOLDER = fileURLToPath(new URL('./python', import.meta.url));

const CHECKS = [
  'init',
  ...beforeAndAfter(
    ...['set', 'get', 'get-missing', 'exist', 'exist-missing'],
    ...['ttl', 'ttl-none', 'ttl-expires', 'remove', 'remove-shows', 'remove-missing'],
    ...['binary', 'empty-hash-key', 'empty-sort-key-and-value', 'large-value'],
    ...['multi_set', 'multi_set-ttl', 'multi_get', 'multi_get-all', 'multi_get-incomplete'],
    ...['multi_get_opt-range', 'multi_get_opt-filter', 'multi_get_opt-reverse'],
    ...[
      'get_sort_keys',
      'sort_key_count',
      'sort_key_count-missing',
      'multi_del',
      'multi_del-shows',
    ],
    ...['scan', 'scan-bounds', 'scan-empty', 'scan-close'],
    ...['full-scan-1', 'full-scan-3', 'full-scan-100'],
  ),
  ...['during/writes', 'during/reads', 'after/reads'],
  ...['missing-table', 'doomed-table', 'dropped-table', 'dropped-table-again'],
];

test('Python: pypegasus3 from PyPI', (t) => run(t, false));

test('Python: the same with three meta servers, of which the first is dead', (t) => run(t, true));

async function run(t: TestContext, isFirstMetaDead: boolean): Promise<void> {
  const python = await pythonWith(`${FOLDER}/requirements.txt`);
  if (typeof python !== 'string') {
    t.skip(python.missing);
    return;
  }
  process.env['PEGASUS_META_HOST_PORT_FIELDS'] = 'false';
  const args = ['-W', 'ignore', `${FOLDER}/program.py`];
  await runSuite(t, { program: python, args, checks: CHECKS, isFirstMetaDead });
}
