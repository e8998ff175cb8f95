import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bytes,
  multiGetArgument,
  readerOf,
  StorageFixture,
  text,
} from '../../test/conformance/storage-fixture.ts';
import {
  type MultiGetRequest,
  makeMultiGetRequest,
  readMultiGetResponse,
} from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { FilterType } from '../wire/schema/rrdb.ts';
import { ReadOutcome } from './read-outcome.ts';
import { STORAGE_LIMITS } from './table-context.ts';

/** A row of the model: everything below is about hash key `m`, with neighbours around it. */
interface Row {
  readonly sortKey: string;
  readonly value: string;
  readonly isExpired: boolean;
}

interface Answer {
  readonly error: number;
  readonly rows: readonly string[];
}

const ROWS_MAX = 4;
const BYTES_MAX = 12;

/** What wire.md §2.5.1 says, on sorted lists of strings. */
function model(rows: readonly Row[], request: MultiGetRequest, neighbours: boolean): Answer {
  const pattern = text(request.sortKeyFilterPattern);
  const [start, stop] = [text(request.startSortkey), text(request.stopSortkey)];
  const passes = (key: string): boolean =>
    request.sortKeyFilterType === FilterType.none ||
    (request.sortKeyFilterType === FilterType.anywhere && key.includes(pattern)) ||
    (request.sortKeyFilterType === FilterType.prefix && key.startsWith(pattern)) ||
    (request.sortKeyFilterType === FilterType.postfix && key.endsWith(pattern));
  const isPrefix = request.sortKeyFilterType === FilterType.prefix && pattern !== '';
  const isBefore = (key: string): boolean =>
    key < start || (key === start && !request.startInclusive) || (isPrefix && key < pattern);
  const isBehind = (key: string): boolean =>
    (stop !== '' && (key > stop || (key === stop && !request.stopInclusive))) ||
    (isPrefix && key > pattern && !key.startsWith(pattern));
  const sorted = [...rows].sort((a, b) => (a.sortKey < b.sortKey ? -1 : 1));
  if (request.reverse) sorted.reverse();
  const keptMax = request.maxKvCount > 0 ? Math.min(request.maxKvCount, ROWS_MAX) : ROWS_MAX;
  const bytesMax = request.maxKvSize > 0 ? Math.min(request.maxKvSize, BYTES_MAX) : BYTES_MAX;
  const kept: string[] = [];
  let [examined, size] = [0, 0];
  const [isEarly, isPast] = request.reverse ? [isBehind, isBefore] : [isBefore, isBehind];
  for (const row of sorted) {
    if (isEarly(row.sortKey)) continue;
    const isFull = kept.length >= keptMax || examined >= ROWS_MAX || size >= bytesMax;
    if (isFull) return answer(7, kept, request.reverse);
    if (isPast(row.sortKey)) return answer(0, kept, request.reverse);
    examined++;
    if (!row.isExpired && passes(row.sortKey)) {
      kept.push(`${row.sortKey}=${request.noValue ? '' : row.value}`);
      size += row.sortKey.length + (request.noValue ? 0 : row.value.length);
    }
    const last = request.reverse ? start : stop;
    const isLast =
      row.sortKey === last &&
      (request.reverse
        ? request.startInclusive && !(isPrefix && pattern > start)
        : stop !== '' && request.stopInclusive);
    const isPrefixStart = request.reverse && isPrefix && pattern > start && row.sortKey === pattern;
    if (isLast || isPrefixStart) return answer(0, kept, request.reverse);
  }
  const isFull = kept.length >= keptMax || examined >= ROWS_MAX || size >= bytesMax;
  return answer(isFull && request.reverse && neighbours ? 7 : 0, kept, request.reverse);
}

function answer(error: number, kept: readonly string[], isReversed: boolean): Answer {
  return { error, rows: isReversed ? [...kept].reverse() : kept };
}

/** The model is about ranges that have room for a row; empty ones are a rule of their own. */
function isEmptyRange(request: MultiGetRequest): boolean {
  const pattern = text(request.sortKeyFilterPattern);
  const isPrefix = request.sortKeyFilterType === FilterType.prefix && pattern !== '';
  let [start, stop] = [text(request.startSortkey), text(request.stopSortkey)];
  let { startInclusive, stopInclusive } = request;
  if (stop === '') [stop, stopInclusive] = ['\xff\xff\xff\xff', false];
  if (isPrefix && pattern > start) [start, startInclusive] = [pattern, true];
  const behind =
    pattern.slice(0, -1) + String.fromCharCode(pattern.charCodeAt(pattern.length - 1) + 1);
  if (isPrefix && behind <= stop) [stop, stopInclusive] = [behind, false];
  return start > stop || (start === stop && !(startInclusive && stopInclusive));
}

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 3 });
const row: fc.Arbitrary<Row> = fc.record({
  sortKey: word,
  value: word,
  isExpired: fc.integer({ min: 0, max: 4 }).map((number) => number === 0),
});
const request: fc.Arbitrary<MultiGetRequest> = fc
  .record({
    maxKvCount: fc.integer({ min: -1, max: 6 }),
    maxKvSize: fc.integer({ min: -1, max: 14 }),
    noValue: fc.boolean(),
    startSortkey: word.map(bytes),
    stopSortkey: word.map(bytes),
    startInclusive: fc.boolean(),
    stopInclusive: fc.boolean(),
    sortKeyFilterType: fc.integer({ min: 0, max: 3 }),
    sortKeyFilterPattern: word.map(bytes),
    reverse: fc.boolean(),
  })
  .map((part) => ({ ...makeMultiGetRequest(), hashKey: bytes('m'), ...part }));

test('a ranged multi_get agrees with a simple model in rows, order and completeness', async () => {
  const limits = { ...STORAGE_LIMITS, multiGetRowsMax: ROWS_MAX, multiGetBytesMax: BYTES_MAX };
  const property = fc.asyncProperty(
    fc.uniqueArray(row, { maxLength: 8, selector: (one) => one.sortKey }),
    request,
    fc.boolean(),
    fc.boolean(),
    async (rows, asked, neighbours, isCold) => {
      const fixture = await StorageFixture.open({ limits });
      for (const { sortKey, value, isExpired } of rows) {
        fixture.put('m', sortKey, value, isExpired ? 1 : 0);
      }
      if (neighbours) {
        for (const hashKey of ['l', 'n', 'mm']) fixture.put(hashKey, 'x', 'y');
      }
      fixture.apply();
      fixture.mayBlock = (): boolean => isCold;
      const { error, kvs } = await fixture.multiGet(asked);
      const found = { error, rows: kvs.map(({ key, value }) => `${text(key)}=${text(value)}`) };
      const expected = isEmptyRange(asked)
        ? { error: 0, rows: [] }
        : model(rows, asked, neighbours);
      assert.deepEqual(found, expected);
    },
  );
  await fc.assert(property, { seed: 13, numRuns: 800 });
});

test('named keys come in the order of the request, and limits are checked before each', async () => {
  const fixture = await StorageFixture.open();
  for (const sortKey of ['a', 'b', 'c']) fixture.put('m', sortKey, '12345');
  fixture.put('m', 'dead', 'x', 1);
  fixture.apply();
  const get = async (sortKeys: string, part: Partial<MultiGetRequest>): Promise<string> => {
    const { error, kvs } = await fixture.multiGet({
      hashKey: bytes('m'),
      sortKeys: sortKeys.split(' ').map(bytes),
      ...part,
    });
    return `${error}: ${kvs.map(({ key, value }) => text(key) + text(value)).join(' ')}`;
  };
  assert.equal(await get('c a c zz dead', {}), '0: c12345 a12345 c12345');
  assert.equal(await get('c a b', { maxKvCount: 2 }), '7: c12345 a12345');
  assert.equal(await get('c a zz dead', { maxKvCount: 2 }), '0: c12345 a12345');
  assert.equal(await get('c a b', { maxKvSize: 1 }), '7: c12345');
  assert.equal(await get('c a b', { maxKvSize: 12 }), '7: c12345 a12345');
  assert.equal(await get('c a b', { noValue: true, maxKvSize: 3 }), '0: c a b');
  const ignored = { reverse: true, startSortkey: bytes('b'), sortKeyFilterType: 2 };
  assert.equal(
    await get('c a', { ...ignored, sortKeyFilterPattern: bytes('zz') }),
    '0: c12345 a12345',
  );
});

test('an unknown filter type is refused, also where nothing is filtered', async () => {
  const fixture = await StorageFixture.open();
  fixture.put('m', 'a', '1');
  fixture.apply();
  for (const sortKeyFilterType of [-1, 4, 2147483647]) {
    for (const sortKeys of [[], [bytes('a')]]) {
      const asked = { hashKey: bytes('m'), sortKeys, sortKeyFilterType };
      const { error, kvs } = await fixture.multiGet(asked);
      assert.deepEqual([error, kvs], [4, []]);
    }
  }
});

test('a range read that runs out of time answers what it has and says that there is more', async () => {
  const fixture = await StorageFixture.open({ settings: { rangeTimeMsMax: 5 }, stepMs: 2 });
  for (let index = 0; index < 2500; index++) fixture.put('m', `k${index}`, '');
  fixture.apply();
  const { error, kvs } = await fixture.multiGet({ hashKey: bytes('m') });
  assert.equal(error, 7);
  assert.ok(kvs.length > 0);
  assert.ok(kvs.length < 2500);
});

test('a late read whose time is over before its turn comes answers that there is more', async () => {
  const fixture = await StorageFixture.open({ settings: { rangeTimeMsMax: 1 }, stepMs: 5 });
  for (let index = 0; index < 2500; index++) fixture.put('m', `k${index}`, '');
  fixture.apply();
  const argument = multiGetArgument({ hashKey: bytes('m') });
  const { outcome, result } = await fixture.readLater(RpcCode.multiGet, argument);
  assert.equal(outcome, ReadOutcome.done);
  const { error, kvs } = readMultiGetResponse(readerOf(result));
  assert.equal(error, 7);
  assert.ok(kvs.length > 0, 'it has read a block all the same');
});

test('with a time limit of 0 there is none', async () => {
  const fixture = await StorageFixture.open({ settings: { rangeTimeMsMax: 0 }, stepMs: 1e9 });
  for (let index = 0; index < 2500; index++) fixture.put('m', `k${index}`, '');
  fixture.apply();
  const { error, kvs } = await fixture.multiGet({ hashKey: bytes('m') });
  assert.deepEqual([error, kvs.length], [0, 2500]);
});
