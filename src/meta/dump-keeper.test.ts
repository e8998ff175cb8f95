/** Dumps are written at their interval while something changes, the newest few stay, and one can be asked for. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { SeededRandom } from '../base/prng.ts';
import type { Logger } from '../env/logger.ts';
import { DumpKeeper } from './dump-keeper.ts';
import { DEFAULT_JOURNAL_LIMITS, JournalStore } from './journal-store.ts';
import { decodeDump } from './state-dump.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const HOUR_MS = 3_600_000;

test('a changed state is dumped each hour, and the newest two and the one that was asked for stay', async () => {
  const time = new VirtualTime();
  await time.run(
    (async () => {
      const disk = new MemoryDisk({ timers: time });
      const environment = { disk, timers: time, random: new SeededRandom(1), logger: SILENT };
      const journal = { ...DEFAULT_JOURNAL_LIMITS, path: 'meta', clusterName: 'c' };
      const store = await JournalStore.open(environment, journal);
      const keeper = new DumpKeeper(
        { ...environment, clock: time, store },
        {
          clusterName: 'c',
          dataPath: 'meta',
          dumpPath: null,
          dumpIntervalMs: HOUR_MS,
          dumpsKept: 2,
        },
      );
      const names = async (): Promise<string[]> =>
        (await disk.list('meta-dumps')).map(({ name }) => name);
      const pass = (ms: number): Promise<void> =>
        new Promise((resolve) => {
          time.after(ms, resolve);
        });
      const change = (text: string): Promise<unknown> =>
        new Promise((resolve) => {
          store.append([{ key: 'x', value: new TextEncoder().encode(text) }], resolve);
        });
      assert.deepEqual(keeper.write('mine.dump'), { path: 'meta-dumps/mine.dump' });
      assert('refusal' in keeper.write('again'), 'one at a time');
      await pass(1_000);
      for (const text of ['a', 'b', 'c']) {
        await change(text);
        await pass(HOUR_MS);
      }
      const kept = await names();
      assert.equal(kept.length, 3);
      assert(kept.includes('mine.dump'));
      await pass(3 * HOUR_MS);
      assert.deepEqual(await names(), kept, 'nothing has changed');
      const newest = await disk.readFile(`meta-dumps/${kept[1]}`);
      const { clusterId, entries } = decodeDump('newest', newest);
      assert.equal(clusterId, store.clusterId);
      assert.equal(new TextDecoder().decode(entries[0]!.value), 'c');
      for (const name of ['../x', 'a/b', '', 'auto-000000000000001.dump']) {
        assert('refusal' in keeper.write(name), name);
      }
      await keeper.close();
      await store.close();
    })(),
  );
});
