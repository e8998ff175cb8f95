/**
 * A short run of `./pegasus chaos`: its cluster of processes lives through faults, and the report says
 * that enough happened for a verdict. Longer runs are started by hand, see docs/testing.md.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pegasus } from '../support/command.ts';

/** A busy machine takes its time to set up and to heal. */
const LIMIT_MS = 400_000;

test('half a minute of chaos on real processes ends without a violation', async (t) => {
  const args = ['chaos', '--minutes', '0.4', '--json'];
  const ended = await pegasus(args, { limitMs: LIMIT_MS });
  t.diagnostic(ended.stderr);
  const report = JSON.parse(ended.stdout);
  assert.deepEqual(report.violations, []);
  assert.equal(ended.exitCode, 0);
  assert(report.failovers > 0);
  assert(report.operations.completed > 0);
  assert.equal(report.folder, null);
});
