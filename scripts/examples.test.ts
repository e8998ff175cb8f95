/** The small examples do on a cluster what their first lines say. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startTestCluster } from '../src/bin/testing.ts';

const run = promisify(execFile);

test('examples/stock-keeping.ts sells what there is, and no more', async () => {
  await using cluster = await startTestCluster();
  const example = fileURLToPath(new URL('../examples/stock-keeping.ts', import.meta.url));
  const args = ['--import', 'tsx', example, cluster.metas, 'temp'];
  const { stdout } = await run(process.execPath, args);
  assert.match(stdout, /^10 of 25 buyers were served: (buyer \d+(, |\n)){10}$/);
});
