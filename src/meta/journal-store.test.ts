/** The embedded journal: what was acknowledged is there after a crash, and damage is never taken for a crash. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { SeededRandom } from '../base/prng.ts';
import { decodeUtf8, encodeUtf8 } from '../base/utf8.ts';
import type { Logger } from '../env/logger.ts';
import { StateStoreError, type StateStoreErrorCode } from '../env/state-store.ts';
import { encodeFrame, encodeHeader, FRAME_HEADER_BYTES } from './journal-format.ts';
import { DEFAULT_JOURNAL_LIMITS, generationFile, JournalStore } from './journal-store.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Each operation of its disk takes a millisecond, so that power can fail between any two. */
class Machine {
  readonly time = new VirtualTime();
  readonly disk = new MemoryDisk({ timers: this.time });
  readonly random: SeededRandom;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.disk.latencyMs = () => 1;
  }

  crash(): void {
    this.disk.crash(this.random);
  }
}

function machine(seed = 1): Machine {
  return new Machine(seed);
}

function opening(on: Machine, options: { clusterName?: string; journalBytesMax?: number } = {}) {
  return JournalStore.open(
    { disk: on.disk, timers: on.time, random: on.random, logger: SILENT },
    { ...DEFAULT_JOURNAL_LIMITS, path: 'meta', clusterName: 'c', ...options },
  );
}

/** Opens a store; `on.time` moves meanwhile. */
function open(on: Machine, options: Parameters<typeof opening>[1] = {}): Promise<JournalStore> {
  return on.time.run(opening(on, options));
}

const entry = (key: string, value: string) => ({ key, value: encodeUtf8(value) });

function appending(store: JournalStore, ...pairs: [string, string][]): Promise<void> {
  return new Promise((resolve) => {
    const entries = pairs.map(([key, value]) => entry(key, value));
    store.append(entries, () => resolve());
  });
}

function append(on: Machine, store: JournalStore, ...pairs: [string, string][]): Promise<void> {
  return on.time.run(appending(store, ...pairs));
}

function contents(store: JournalStore): Record<string, string> {
  return Object.fromEntries(store.entries().map(({ key, value }) => [key, decodeUtf8(value)]));
}

async function openAndClose(on: Machine): Promise<void> {
  const store = await open(on);
  await on.time.run(store.close());
}

async function refusal(opening: Promise<JournalStore>): Promise<StateStoreErrorCode> {
  const error = await opening.then(
    () => assert.fail('the store must not open'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof StateStoreError, String(error));
  assert.notEqual(error.remedy, '');
  return error.code;
}

test('what was appended is there again, the newest of each key; the epoch grows with each start', async () => {
  const on = machine();
  const first = await open(on);
  assert.equal(first.epoch, 1);
  await append(on, first, ['a', '1'], ['b', '1']);
  await append(on, first, ['a', '2']);
  await on.time.run(first.close());
  const second = await open(on);
  assert.deepEqual(contents(second), { a: '2', b: '1' });
  assert.equal(second.epoch, 2);
  assert.equal(second.clusterId, first.clusterId);
  await on.time.run(second.close());
});

test('a crash at any moment keeps what was acknowledged, and an append as a whole or not at all', async () => {
  for (let seed = 0; seed < 150; seed++) {
    const on = machine(seed);
    let acknowledged = 0;
    for (let life = 0; life < 4; life++) {
      const store = await open(on, { journalBytesMax: 300 });
      const found = contents(store);
      const count = Number(found['x'] ?? 0);
      assert.equal(found['y'] ?? '0', String(count), `seed ${seed}: an append is atomic`);
      assert.ok(count >= acknowledged, `seed ${seed}: ${count} of ${acknowledged} are there`);
      acknowledged = count;
      const appends = on.random.below(12);
      for (let index = 1; index <= appends; index++) {
        await append(on, store, ['x', String(count + index)], ['y', String(count + index)]);
        acknowledged = count + index;
      }
      // The last one is cut off by the crash.
      store.append(
        [entry('x', String(acknowledged + 1)), entry('y', String(acknowledged + 1))],
        () => {},
      );
      await on.time.advance(on.random.below(5));
      on.crash();
    }
  }
});

test('a crash while the store starts leaves it as it was', async () => {
  for (let seed = 0; seed < 100; seed++) {
    const on = machine(seed);
    const store = await open(on);
    await append(on, store, ['a', 'kept']);
    on.crash();
    opening(on).catch(() => {});
    await on.time.advance(on.random.below(25));
    on.crash();
    const again = await open(on);
    assert.deepEqual(contents(again), { a: 'kept' }, `seed ${seed}`);
    await on.time.run(again.close());
  }
});

test('a torn tail is dropped: it was never acknowledged', async () => {
  const on = machine();
  const store = await open(on);
  await append(on, store, ['a', '1']);
  await on.time.run(store.close());
  const path = `meta/${generationFile('journal', 1)}`;
  const file = await on.time.run(on.disk.open(path, 'append'));
  const torn = encodeFrame(2, encodeUtf8('never whole')).subarray(0, FRAME_HEADER_BYTES + 3);
  await on.time.run(new Promise<void>((resolve) => file.append(torn, true, () => resolve())));
  const again = await open(on);
  assert.deepEqual(contents(again), { a: '1' });
  await on.time.run(again.close());
});

test('damage before the end is refused, and the files stay as they are', async () => {
  const on = machine();
  const store = await open(on);
  await append(on, store, ['a', '1']);
  await append(on, store, ['b', '2']);
  await on.time.run(store.close());
  const path = `meta/${generationFile('journal', 1)}`;
  const header = on.disk.durableSize(path);
  const bytes = await on.time.run(on.disk.readFile(path));
  assert.equal(bytes.length, header);
  const inFirstAppend = bytes.length - 2 * (FRAME_HEADER_BYTES + 14) + FRAME_HEADER_BYTES + 5;
  on.disk.flipBit(path, inFirstAppend, 3);
  assert.equal(await refusal(open(on)), 'corrupt');
  assert.equal(await refusal(open(on)), 'corrupt');
  on.disk.flipBit(path, inFirstAppend, 3);
  const again = await open(on);
  assert.deepEqual(contents(again), { a: '1', b: '2' });
  await on.time.run(again.close());
});

test('any flipped bit of a snapshot is noticed', async () => {
  const on = machine();
  const store = await open(on);
  await append(on, store, ['a', '1']);
  await on.time.run(store.close());
  await openAndClose(on);
  const path = `meta/${generationFile('snapshot', 2)}`;
  const size = (await on.time.run(on.disk.readFile(path))).length;
  for (let offset = 0; offset < size; offset += 7) {
    on.disk.flipBit(path, offset, offset % 8);
    assert.equal(await refusal(open(on)), 'corrupt', `offset ${offset}`);
    on.disk.flipBit(path, offset, offset % 8);
  }
});

test('a second process on the same folder is turned away, and leaves it alone', async () => {
  const on = machine();
  const store = await open(on);
  assert.equal(await refusal(open(on)), 'locked');
  await append(on, store, ['a', '1']);
  await on.time.run(store.close());
  await openAndClose(on);
});

test('a folder of another cluster is refused', async () => {
  const on = machine();
  await openAndClose(on);
  assert.equal(await refusal(open(on, { clusterName: 'other' })), 'foreignCluster');
  await openAndClose(on);
});

test('a folder with somebody else’s files is refused', async () => {
  const on = machine();
  await on.time.run(on.disk.makeDirectory('meta'));
  await on.time.run(on.disk.replaceFile('meta/thesis.txt', encodeUtf8('important')));
  assert.equal(await refusal(open(on)), 'foreignFolder');
  const names = (await on.time.run(on.disk.list('meta'))).map((entry) => entry.name);
  assert.deepEqual(names, ['thesis.txt'], 'and nothing is left behind in it');
});

test('a newer format is refused, whatever else it holds', async () => {
  const on = machine();
  await on.time.run(on.disk.makeDirectory('meta'));
  const header = encodeHeader({
    format: 2,
    kind: 'snapshot',
    clusterName: 'c',
    clusterId: 'x',
    generation: 1,
    epoch: 1,
  });
  await on.time.run(
    on.disk.replaceFile(`meta/${generationFile('snapshot', 1)}`, encodeFrame(0, header)),
  );
  assert.equal(await refusal(open(on)), 'newerFormat');
});

test('a failed sync is not retried on its file: the append is made durable in a new generation', async () => {
  const on = machine();
  const store = await open(on);
  await append(on, store, ['a', '1']);
  on.disk.failNext('sync', 'io', 'journal-');
  const appended = appending(store, ['a', '2']);
  let isDone = false;
  void appended.then(() => {
    isDone = true;
  });
  await on.time.advance(500);
  assert.equal(isDone, false);
  assert.notEqual(store.trouble, null);
  await on.time.advance(1_000);
  await appended;
  assert.equal(store.trouble, null);
  await append(on, store, ['b', '3']);
  on.crash();
  const again = await open(on);
  assert.deepEqual(contents(again), { a: '2', b: '3' });
  await on.time.run(again.close());
});

test('a full disk is waited out', async () => {
  const on = machine();
  const store = await open(on);
  await append(on, store, ['a', '1']);
  on.disk.capacityBytes = 0;
  const appended = appending(store, ['a', '2']);
  await on.time.advance(5_000);
  assert.notEqual(store.trouble, null);
  on.disk.capacityBytes = 1_000_000;
  await on.time.advance(2_000);
  await appended;
  assert.equal(store.trouble, null);
  await on.time.run(store.close());
  const again = await open(on);
  assert.deepEqual(contents(again), { a: '2' });
  await on.time.run(again.close());
});

test('a disk that is full at the start gives a clear error and frees the folder', async () => {
  const on = machine();
  on.disk.capacityBytes = 10;
  assert.equal(await refusal(open(on)), 'unavailable');
  on.disk.capacityBytes = 1_000_000;
  await openAndClose(on);
});

test('a journal that grows is folded into a snapshot, and old generations go', async () => {
  const on = machine();
  const store = await open(on, { journalBytesMax: 1_000 });
  for (let index = 0; index < 200; index++)
    await append(on, store, [`key${index % 7}`, String(index)]);
  await on.time.run(store.close());
  const files = await on.time.run(on.disk.list('meta'));
  assert.equal(files.filter((file) => file.name !== 'LOCK').length, 2);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  assert.ok(bytes < 4_000, `${bytes} bytes`);
  const again = await open(on);
  assert.equal(contents(again)['key3'], '199');
  await on.time.run(again.close());
});
