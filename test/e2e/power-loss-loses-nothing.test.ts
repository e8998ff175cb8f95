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
      assert.equal(report.healthy, true, JSON.stringify(report));
      await using reader = await onebox.connect();
      const { rowsExpected, problems } = await ledger.verify(reader);
      assert.deepEqual(problems, []);
      assert(rowsExpected >= LOADED);
    }
    assert.deepEqual(onebox.complaints(), []);
  });
}

// A process that was killed needs a moment to be gone, the longer the more it had open.
test('a server that is found running by `start` and ends before all is healthy is started again', async () => {
  await using onebox = await TestOnebox.start();
  const before = (await onebox.status()).nodes;
  const lastOne = before.at(-1)!;
  for (const { pid } of before) if (pid !== lastOne.pid) process.kill(pid, 'SIGKILL');

  const starting = onebox.start();
  const hasBegun = async (): Promise<boolean> => {
    const meta = (await onebox.status()).nodes[0]!;
    return meta.state === 'running' && meta.pid !== before[0]!.pid;
  };
  await until('the meta server is started', LOAD_LIMIT_MS, hasBegun);
  process.kill(lastOne.pid, 'SIGKILL');

  const { healthy, nodes } = await starting;
  assert.equal(healthy, true);
  assert.notEqual(nodes.at(-1)!.pid, lastOne.pid);
});
