import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStreams } from '../kernel/streams.ts';
import type { HistoryOperation, RowValue } from './history.ts';
import { checkLinearizable } from './linearizability.ts';

type Times = readonly [invokeUs: number, returnUs: number];

const operation = (times: Times, reads: number[][], writes: number[][]): HistoryOperation => {
  const values = (pairs: number[][]): RowValue[] =>
    pairs.map(([row, value]) => ({ row: row!, value: value! }));
  const [invokeUs, returnUs] = times;
  return { label: 'x', invokeUs, returnUs, reads: values(reads), writes: values(writes) };
};
const put = (times: Times, ...writes: number[][]): HistoryOperation => operation(times, [], writes);
const get = (times: Times, ...reads: number[][]): HistoryOperation => operation(times, reads, []);

const verdict = (...history: HistoryOperation[]): string => checkLinearizable(history).kind;

test('a history without overlap that obeys a register passes', () => {
  assert.equal(verdict(put([0, 1], [0, 7]), get([2, 3], [0, 7])), 'ok');
  assert.equal(verdict(get([0, 1], [0, 0]), put([2, 3], [0, 7])), 'ok');
});

test('overlapping operations may take effect in either order', () => {
  const write = put([0, 10], [0, 7]);
  assert.equal(verdict(write, get([1, 2], [0, 0]), get([3, 4], [0, 7])), 'ok');
  assert.equal(verdict(write, get([1, 2], [0, 7])), 'ok');
});

test('planted: a stale read', () => {
  const history = [put([0, 1], [0, 7]), put([2, 3], [0, 8]), get([4, 5], [0, 7])];
  assert.equal(verdict(...history), 'violation');
});

test('planted: a lost write', () => {
  assert.equal(verdict(put([0, 1], [0, 7]), get([2, 3], [0, 0])), 'violation');
});

test('planted: a value that comes back after it was overwritten or removed', () => {
  const removed = [put([0, 1], [0, 7]), put([2, 3], [0, 0]), get([4, 5], [0, 0])];
  assert.equal(verdict(...removed), 'ok');
  assert.equal(verdict(...removed, get([6, 7], [0, 7])), 'violation');
});

test('planted: half of a multi_put', () => {
  const both = put([0, 1], [0, 7], [1, 8]);
  assert.equal(verdict(both, get([2, 3], [0, 7], [1, 8])), 'ok');
  assert.equal(verdict(both, get([2, 3], [0, 7], [1, 0])), 'violation');
  const inDoubt = put([0, Infinity], [0, 7], [1, 8]);
  assert.equal(verdict(inDoubt, get([2, 3], [0, 7]), get([4, 5], [1, 0])), 'violation');
});

test('planted: an in-doubt write that was seen and then undone', () => {
  const write = put([0, Infinity], [0, 7]);
  assert.equal(verdict(write, get([1, 2], [0, 0]), get([3, 4], [0, 7])), 'ok');
  assert.equal(verdict(write, get([1, 2], [0, 7]), get([3, 4], [0, 0])), 'violation');
});

test('planted: a value that nobody wrote, such as one of a write that failed for certain', () => {
  const result = checkLinearizable([get([0, 1], [0, 9])]);
  assert.equal(result.kind, 'violation');
});

test('a write in doubt is explained by a comparison in doubt that saw it and whose own value was seen', () => {
  const write = put([0, Infinity], [0, 7]);
  const swap = operation([2, Infinity], [[0, 7]], [[0, 8]]);
  assert.equal(verdict(write, swap, get([3, 4], [0, 8])), 'ok');
  assert.equal(verdict(write, swap, get([3, 4], [0, 8]), get([5, 6], [0, 7])), 'violation');
  const unwritten = put([5, Infinity], [0, 7]);
  assert.equal(verdict(unwritten, swap, get([3, 4], [0, 8])), 'violation');
});

test('an in-doubt removal may happen at any time, or never', () => {
  const write = put([0, 1], [0, 7]);
  const removal = put([2, Infinity], [0, 0]);
  assert.equal(verdict(write, removal, get([3, 4], [0, 7]), get([5, 6], [0, 0])), 'ok');
  assert.equal(verdict(write, removal, get([3, 4], [0, 0]), get([5, 6], [0, 7])), 'violation');
});

test('what cannot be decided within the bound is unknown, not ok', () => {
  const history = Array.from({ length: 12 }, (_, index) => put([0, 100], [0, index + 1]));
  history.push(get([200, 201], [0, 12]), get([202, 203], [0, 11]));
  assert.equal(checkLinearizable(history, 100).kind, 'unknown');
  assert.equal(checkLinearizable(history).kind, 'violation');
});

test('agrees with trying all orders, on thousands of small random histories', () => {
  const random = new RandomStreams(11).of('histories');
  const counts = { ok: 0, violation: 0 };
  for (let round = 0; round < 3000; round++) {
    const history: HistoryOperation[] = [];
    for (let index = 0; index < 6; index++) {
      const invokeUs = random.below(12);
      const returnUs = random.below(5) === 0 ? Infinity : invokeUs + 1 + random.below(8);
      const row = random.below(2);
      const isRead = random.below(2) === 0;
      const seen = random.below(7);
      if (random.below(4) === 0) {
        history.push(operation([invokeUs, returnUs], [[row, seen]], [[row, index + 1]]));
      } else if (isRead)
        history.push(get([invokeUs, returnUs === Infinity ? 30 : returnUs], [row, seen]));
      else history.push(put([invokeUs, returnUs], [row, random.below(6) === 0 ? 0 : index + 1]));
    }
    const expected = existsOrder(history, [0, 0]) ? 'ok' : 'violation';
    assert.equal(checkLinearizable(history).kind, expected, JSON.stringify(history));
    counts[expected] += 1;
  }
  assert.ok(counts.ok > 100 && counts.violation > 100, JSON.stringify(counts));
});

/** The definition itself, without any cleverness. */
function existsOrder(left: readonly HistoryOperation[], state: readonly number[]): boolean {
  if (left.every((one) => one.returnUs === Infinity)) return true;
  const earliestReturnUs = Math.min(...left.map((one) => one.returnUs));
  return left.some((one) => {
    if (one.invokeUs > earliestReturnUs) return false;
    if (one.reads.some(({ row, value }) => state[row] !== value)) return false;
    const after = [...state];
    for (const { row, value } of one.writes) after[row] = value;
    return existsOrder(
      left.filter((other) => other !== one),
      after,
    );
  });
}

test('a long history with ten clients is decided quickly', () => {
  const random = new RandomStreams(12).of('long');
  const history: HistoryOperation[] = [];
  const state = [0, 0, 0];
  for (let index = 0; index < 1500; index++) {
    const effectUs = 100 * index;
    const times: Times = [effectUs - random.below(500), effectUs + 1 + random.below(500)];
    const row = random.below(3);
    if (random.below(2) === 0) {
      history.push(get(times, [row, state[row]!]));
    } else {
      state[row] = index + 1;
      const inDoubt = random.below(20) === 0;
      history.push(put([times[0], inDoubt ? Infinity : times[1]], [row, index + 1]));
    }
  }
  assert.equal(checkLinearizable(history).kind, 'ok');
});
