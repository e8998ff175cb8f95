/** What a range read asks of the engine; what it answers is told by the tests of multi_get and of scans. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, StorageFixture } from '../../test/conformance/storage-fixture.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { type EngineIterator, EngineStatus, type RowBlock } from '../env/engine.ts';
import { encodeKey, hashKeyEnd } from '../model/key.ts';
import { FilterType } from '../wire/schema/rrdb.ts';
import { Writer } from '../wire/writer.ts';
import { type RangePlan, RangeRead, RowOutput } from './range-read.ts';
import { RowList } from './read-replies.ts';

const ROWS = 3000;

/** Counts what passes from the engine to the reader. */
class CountedIterator implements EngineIterator {
  private readonly iterator: EngineIterator;
  blocks = 0;
  rows = 0;

  constructor(iterator: EngineIterator) {
    this.iterator = iterator;
  }

  next(rowsMax: number, bytesMax: number, into: RowBlock): EngineStatus {
    const status = this.iterator.next(rowsMax, bytesMax, into);
    this.blocks++;
    this.rows += into.count;
    return status;
  }

  nextLater(
    rowsMax: number,
    bytesMax: number,
    into: RowBlock,
    done: (status: EngineStatus) => void,
  ): void {
    this.iterator.nextLater(rowsMax, bytesMax, into, done);
  }

  close(): void {
    this.iterator.close();
  }
}

const sortKeyAt = (index: number): string => String(1000 + index);

/** Rows `from … to` of hash key `m`, in either direction. */
function planOf(from: number, to: number, reverse: boolean): RangePlan {
  const start = encodeKey(bytes('m'), bytes(sortKeyAt(from)));
  const stop = encodeKey(bytes('m'), bytes(sortKeyAt(to)));
  const behindStop = encodeKey(bytes('m'), bytes(`${sortKeyAt(to)}\0`));
  return {
    lower: reverse ? EMPTY_BYTES : start,
    upper: reverse ? behindStop : hashKeyEnd(bytes('m')),
    reverse,
    end: reverse ? start : stop,
    endInclusive: true,
    hashFilter: FilterType.none,
    hashPattern: EMPTY_BYTES,
    sortFilter: FilterType.none,
    sortPattern: EMPTY_BYTES,
    output: RowOutput.sortKey,
    noValue: false,
    returnExpire: false,
    ownPartition: -1,
    partitionCount: 8,
  };
}

async function readRange(plan: RangePlan): Promise<{ kept: number; iterator: CountedIterator }> {
  const fixture = await StorageFixture.open();
  for (let index = 0; index < ROWS; index++) fixture.put('m', sortKeyAt(index), 'value');
  fixture.apply();
  const { lower, upper, reverse } = plan;
  const options = { lower, upper, reverse, keysOnly: false, fillCache: true };
  const iterator = new CountedIterator(fixture.engine.iterate(options));
  const read = new RangeRead(plan, iterator, fixture.time, fixture.meter);
  const limits = {
    keptMax: ROWS,
    examinedMax: ROWS,
    bytesMax: Infinity,
    blocksBytesMax: Infinity,
    timeMsMax: 0,
  };
  read.begin(limits, new RowList(new Writer(), plan.reverse));
  assert.equal(read.runNow(), EngineStatus.ok);
  assert.equal(read.isIncomplete, false);
  read.close();
  return { kept: read.kept, iterator };
}

for (const reverse of [false, true]) {
  const direction = reverse ? 'backwards' : 'forwards';

  test(`${direction}, a range of a few rows fetches few, however many lie beyond it`, async () => {
    const { kept, iterator } = await readRange(planOf(1500, 1516, reverse));
    assert.equal(kept, 17);
    assert.ok(iterator.rows < 40, 'no block of hundreds of rows for 17 of them');
  });

  test(`${direction}, a long range comes in few blocks`, async () => {
    const { kept, iterator } = await readRange(planOf(0, ROWS - 1, reverse));
    assert.equal(kept, ROWS);
    assert.ok(iterator.blocks < 10, 'blocks grow');
  });
}
