/**
 * All processes die at the same moment in the middle of writes. What was acknowledged is there when
 * they are back.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger } from '../support/ledger.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

const LOADED = 400;
const LOAD_LIMIT_MS = 20_000;
const ROUNDS = 2;

for (const durability of ['fsync', 'os'] as const) {
  // A killed process loses nothing of the page cache, so `os` has to stand it as well.
  test(`kill -9 of all processes at once with --durability ${durability}, then start again`, async (t) => {
    await using onebox = await TestOnebox.start({ durability });
    for (let round = 1; round <= ROUNDS; round++) {
      const client = await onebox.connect();
      const ledger = new Ledger(client);
      ledger.begin();
      await until('a load runs', LOAD_LIMIT_MS, () => ledger.acknowledged >= LOADED);

      const { nodes } = await onebox.status();
      for (const { pid } of nodes) process.kill(pid, 'SIGKILL');
      await ledger.abort();
      await client.close();

      const beganMs = performance.now();
      const report = await onebox.start();
      t.diagnostic(
        `round ${round}: healthy ${Math.round(performance.now() - beganMs)} ms after the start, ` +
          `${ledger.acknowledged} acknowledged, ${ledger.inDoubt} in doubt`,
      );
      assert.equal(report.healthy, true);
      await using reader = await onebox.connect();
      const { rowsExpected, problems } = await ledger.verify(reader);
      assert.deepEqual(problems, []);
      assert(rowsExpected >= LOADED);
    }
    assert.deepEqual(onebox.complaints(), []);
  });
}
