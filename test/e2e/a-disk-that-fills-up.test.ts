/**
 * The disk of one server fills up under load: its replicas step back, the others go on, nothing
 * that was promised is lost.
 */
import assert from 'node:assert/strict';
import { cpSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { InDoubtError, RejectedError } from '../../src/bin/client.ts';
import { TestOnebox } from '../support/onebox.ts';
import { SmallDisk, whyNoSmallDisks } from '../support/tmpfs.ts';
import { until } from '../support/until.ts';

const VALUE_BYTES = 100_000;
const ROWS = 400;
const WRITERS = 8;
/** Longer than a member that does not log may hold up a write. */
const WRITE_PATIENCE_MS = 10_000;
const HEAL_LIMIT_MS = 30_000;

test('a full disk costs one copy and no data; with room it heals', {
  skip: whyNoSmallDisks(),
}, async (t) => {
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
  const acknowledged: number[] = [];
  const refused: number[] = [];
  const inDoubt: number[] = [];
  let next = 0;
  const write = async (): Promise<void> => {
    for (let row = next++; row < ROWS; row = next++) {
      try {
        await table.set(`row ${row}`, '', value(row), { timeoutMs: WRITE_PATIENCE_MS });
        acknowledged.push(row);
      } catch (error) {
        // Of the partitions that the full server leads: what it took before it noticed waits for
        // room and is in doubt, what comes later is refused at once and for certain.
        if (error instanceof InDoubtError) {
          inDoubt.push(row);
          continue;
        }
        assert(error instanceof RejectedError);
        assert.equal(error.serverCode, 'ERR_DISK_INSUFFICIENT');
        refused.push(row);
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  const { healthy, nodes } = await onebox.status();
  t.diagnostic(
    `${acknowledged.length} acknowledged, ${refused.length} refused, ${inDoubt.length} in doubt`,
  );
  assert(!healthy || refused.length + inDoubt.length > 0, 'replica 3 had no room for all of it');
  assert(
    nodes.every(({ state }) => state === 'running'),
    'no server died of it',
  );

  const readAll = async (): Promise<void> => {
    for (const row of acknowledged) {
      const read = await table.get(`row ${row}`, '');
      assert(read !== null && value(row).equals(read), `row ${row}`);
    }
    for (const row of refused) assert.equal(await table.exist(`row ${row}`, ''), false);
  };
  await readAll();

  disk.resize('200m');
  const afterMs = await onebox.untilHealthy();
  t.diagnostic(`healthy, unaided, ${Math.round(afterMs)} ms after there was room again`);
  for (const row of [...refused.splice(0), ...inDoubt]) {
    await until('what was refused is taken', HEAL_LIMIT_MS, async () => {
      await table.set(`row ${row}`, '', value(row));
      return true;
    });
    acknowledged.push(row);
  }
  await onebox.act('kill', 'replica', 1);
  await readAll();
  await onebox.json('stop');
});
