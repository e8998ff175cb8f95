import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StorageFixture } from '../../test/conformance/storage-fixture.ts';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { SeededRandom } from '../base/prng.ts';
import type { EngineIterator } from '../env/engine.ts';
import { EngineStatus } from '../env/engine.ts';
import { RangeRead } from './range-read.ts';
import { ReadMeter } from './read-meter.ts';
import type { OpenScan } from './scan-contexts.ts';
import { ScanContexts } from './scan-contexts.ts';

const IDLE_MS_MAX = 1000;
const COUNT_MAX = 3;

/** Counts how many of its kind are open; there are no rows behind it. */
class OpenIterators {
  count = 0;

  scan(time: VirtualTime): OpenScan {
    this.count++;
    let isOpen = true;
    const iterator: EngineIterator = {
      next: () => EngineStatus.invalid,
      nextLater: (_rows, _bytes, _into, done) => done(EngineStatus.invalid),
      close: () => {
        if (isOpen) this.count--;
        isOpen = false;
      },
    };
    return { read: new RangeRead(EMPTY_PLAN, iterator, time, METER), batchRowsMax: 1 };
  }
}

const METER = new ReadMeter();
const NOTHING = new Uint8Array(0);
const EMPTY_PLAN = {
  lower: NOTHING,
  upper: NOTHING,
  reverse: false,
  end: null,
  endInclusive: false,
  hashFilter: 0,
  hashPattern: NOTHING,
  sortFilter: 0,
  sortPattern: NOTHING,
  output: 0,
  noValue: false,
  returnExpire: false,
  ownPartition: -1,
  partitionCount: 1,
} as const;

function open(seed: number): { time: VirtualTime; contexts: ScanContexts; live: OpenIterators } {
  const time = new VirtualTime();
  const contexts = new ScanContexts(time, new SeededRandom(seed), COUNT_MAX, IDLE_MS_MAX);
  return { time, contexts, live: new OpenIterators() };
}

test('ids are positive, and those of another table of contexts mean nothing', () => {
  const { time, contexts, live } = open(1);
  const other = open(2);
  const id = contexts.put(live.scan(time));
  assert.ok(id.high > 0 && id.high < 0x80000000);
  assert.ok(id.low > 0);
  other.contexts.put(other.live.scan(time));
  assert.equal(other.contexts.take(id), null);
  assert.notEqual(contexts.take(id), null);
  assert.equal(contexts.take(id), null);
});

test('the oldest scan goes when there are too many, and its iterator is closed', () => {
  const { time, contexts, live } = open(3);
  const ids = Array.from({ length: COUNT_MAX + 1 }, () => contexts.put(live.scan(time)));
  assert.equal(contexts.count, COUNT_MAX);
  assert.equal(live.count, COUNT_MAX);
  assert.equal(contexts.take(ids[0]!), null);
  assert.notEqual(contexts.take(ids[1]!), null);
});

test('a scan that nobody asks for is dropped after its time, whether looked for or not', async () => {
  const { time, contexts, live } = open(4);
  const first = contexts.put(live.scan(time));
  await time.advance(IDLE_MS_MAX / 2);
  contexts.put(live.scan(time));
  await time.advance(IDLE_MS_MAX / 2 + 1);
  assert.equal(contexts.take(first), null, 'too late, although nobody swept');
  assert.equal(live.count, 1);
  await time.advance(IDLE_MS_MAX / 2);
  contexts.expire();
  assert.deepEqual([contexts.count, live.count], [0, 0]);
});

test('what is given back keeps its id', () => {
  const { time, contexts, live } = open(5);
  const id = contexts.put(live.scan(time));
  const scan = contexts.take(id)!;
  contexts.giveBack(id, scan);
  assert.equal(contexts.take(id), scan);
});

test('closing closes all iterators', () => {
  const { time, contexts, live } = open(6);
  contexts.put(live.scan(time));
  contexts.put(live.scan(time));
  contexts.close();
  assert.deepEqual([contexts.count, live.count], [0, 0]);
});

test('a replica keeps a bounded number of scans and lets them expire', async () => {
  const fixture = await StorageFixture.open({
    limits: { scanContextsMax: 5, scanIdleMsMax: 1000 },
  });
  for (let index = 0; index < 3; index++) fixture.put('h', `k${index}`, '');
  fixture.apply();
  for (let index = 0; index < 20; index++) await fixture.getScanner({ batchSize: 1 });
  assert.equal(fixture.reads.scanCount, 5);
  await fixture.time.advance(1001);
  fixture.reads.expireScans();
  assert.equal(fixture.reads.scanCount, 0);
});
