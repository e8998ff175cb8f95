/** The disk of one server fills up under load: its replicas step back, the others go on, nothing that was promised is lost. */
import assert from 'node:assert/strict';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestOnebox } from '../support/onebox.ts';
import { SmallDisk, whyNoSmallDisks } from '../support/tmpfs.ts';
import { until } from '../support/until.ts';

const VALUE_BYTES = 100_000;
const ROWS = 400;
const WRITERS = 8;
const WRITE_LIMIT_MS = 30_000;

test('a full disk costs one copy and no data; with room it heals', {
  skip: whyNoSmallDisks(),
}, async () => {
  await using onebox = await TestOnebox.start();
  await onebox.json('stop');
  // Some 20 MB less than what is written below.
  const data = join(onebox.dir, 'replica3', 'data');
  renameSync(data, `${data}.old`);
  using disk = new SmallDisk(data, '20m');
  cpSync(`${data}.old`, data, { recursive: true });
  rmSync(`${data}.old`, { recursive: true });
  await onebox.start();

  await using client = await onebox.connect();
  const table = client.table('temp');
  const value = (row: number): Buffer => Buffer.alloc(VALUE_BYTES, `row ${row} `);
  let next = 0;
  const write = async (): Promise<void> => {
    for (let row = next++; row < ROWS; row = next++) {
      await table.set(`row ${row}`, '', value(row), { timeoutMs: WRITE_LIMIT_MS });
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  const { healthy, nodes } = await onebox.status();
  assert.equal(healthy, false, 'replica 3 has no room for all of it');
  assert(nodes.every(({ name, state }) => name === 'replica3' || state === 'running'));

  const readAll = async (): Promise<void> => {
    for (let row = 0; row < ROWS; row++) {
      const read = await table.get(`row ${row}`, '');
      assert(read !== null && value(row).equals(read), `row ${row}`);
    }
  };
  await readAll();
  disk.resize('200m');
  await onebox.act('stop-node', 'replica', 3);
  await onebox.act('start-node', 'replica', 3);
  await onebox.untilHealthy();
  await onebox.act('kill', 'replica', 1);
  await until('the others have taken over', WRITE_LIMIT_MS, async () => {
    await readAll();
    return true;
  });
  await onebox.json('stop');
});
