import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  blobArgument,
  bytes,
  multiGetArgument,
  readerOf,
  StorageFixture,
  scannerArgument,
} from '../../test/conformance/storage-fixture.ts';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { encodeKey } from '../model/key.ts';
import { readMultiGetResponse, readReadResponse } from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { FilterType } from '../wire/schema/rrdb.ts';
import { ReadOutcome } from './read-outcome.ts';
import { PoolLane, type PoolTask, ReadPool, type ReadPoolLimits } from './read-pool.ts';

const NARROW: ReadPoolLimits = {
  pendingMax: 4,
  pointsAtOnceMax: 1,
  rangesAtOnceMax: 1,
  scanShare: 0.25,
  turnBytesMax: Infinity,
};

/** Notes when its turn comes. */
class Step implements PoolTask {
  readonly deadlineMs: number;
  private readonly name: string;
  private readonly notes: string[];

  constructor(notes: string[], name: string, deadlineMs = Infinity) {
    this.notes = notes;
    this.name = name;
    this.deadlineMs = deadlineMs;
  }

  start(): void {
    this.notes.push(this.name);
  }

  expire(): void {
    this.notes.push(`${this.name} expired`);
  }
}

test('ranges wait for ranges; point reads do not', () => {
  const pool = new ReadPool(new VirtualTime(), NARROW);
  const notes: string[] = [];
  for (const name of ['scan 1', 'scan 2']) pool.submit(PoolLane.range, new Step(notes, name));
  pool.submit(PoolLane.point, new Step(notes, 'get'));
  assert.deepEqual(notes, ['scan 1', 'get']);
  pool.finished(PoolLane.range);
  assert.deepEqual(notes, ['scan 1', 'get', 'scan 2']);
});

test('what has waited beyond its deadline is dropped when its turn comes', async () => {
  const time = new VirtualTime();
  const pool = new ReadPool(time, NARROW);
  const notes: string[] = [];
  pool.submit(PoolLane.point, new Step(notes, 'first'));
  pool.submit(PoolLane.point, new Step(notes, 'hasty', time.monotonicMs() + 100));
  pool.submit(PoolLane.point, new Step(notes, 'patient', time.monotonicMs() + 1_000));
  await time.advance(500);
  assert.deepEqual(notes, ['first'], 'nobody waits for a timer');
  pool.finished(PoolLane.point);
  assert.deepEqual(notes, ['first', 'hasty expired', 'patient']);
});

test('many steps that end where they begin are served without end of the stack', () => {
  const pool = new ReadPool(new VirtualTime(), NARROW);
  let ended = 0;
  const step: PoolTask = {
    deadlineMs: Infinity,
    start: () => {
      ended++;
      pool.finished(PoolLane.range);
    },
    expire: () => assert.fail('it has no deadline'),
  };
  const notes: string[] = [];
  pool.submit(PoolLane.range, new Step(notes, 'before'));
  for (let index = 0; index < 20_000; index++) pool.submit(PoolLane.range, step);
  pool.finished(PoolLane.range);
  assert.equal(ended, 20_000);
});

const getArgument = blobArgument(encodeKey(bytes('h'), bytes('s')));

test('one more late read than may be under way is refused at once', async () => {
  const fixture = await StorageFixture.open({ pool: NARROW });
  fixture.put('h', 's', 'v');
  fixture.apply();
  const outcomes: ReadOutcome[] = [];
  const read = (): void =>
    fixture.reads.readLater(RpcCode.get, getArgument, (outcome) => outcomes.push(outcome));
  for (let index = 0; index < 3; index++) read();
  assert.deepEqual(outcomes, [ReadOutcome.busy], 'a replica has half of the places');
  await fixture.time.advance(100);
  assert.deepEqual(outcomes, [ReadOutcome.busy, ReadOutcome.done, ReadOutcome.done]);
  read();
  await fixture.time.advance(100);
  assert.equal(outcomes.at(-1), ReadOutcome.done, 'who was answered makes room');
});

test('reads whose client has given up end without work, a scan between two blocks', async () => {
  const fixture = await StorageFixture.open({ pool: { ...NARROW, pendingMax: 8 }, stepMs: 10 });
  for (let index = 0; index < 2_000; index++) fixture.put('h', `s${index}`, 'v'.repeat(500));
  fixture.apply();
  const outcomes: string[] = [];
  const read = (name: string, code: RpcCode, argument: Uint8Array, deadlineMs: number): void => {
    const done = (outcome: ReadOutcome): number => outcomes.push(`${name} ${outcome}`);
    fixture.reads.readLater(code, argument, done, deadlineMs);
  };
  const nowMs = fixture.time.monotonicMs();
  read('count', RpcCode.sortkeyCount, blobArgument(bytes('h')), nowMs - 1);
  read('get', RpcCode.get, getArgument, nowMs - 1);
  read('scan', RpcCode.getScanner, scannerArgument({}), nowMs + 80);
  read('range', RpcCode.multiGet, multiGetArgument({ hashKey: bytes('h') }), Infinity);
  await fixture.time.advance(1_000);
  const { expired, done } = ReadOutcome;
  assert.deepEqual(outcomes.sort(), [
    `count ${expired}`,
    `get ${expired}`,
    `range ${done}`,
    `scan ${expired}`,
  ]);
});

test('closing a replica ends its reads that wait behind those of others', async () => {
  const fixture = await StorageFixture.open({ pool: { ...NARROW, pendingMax: 8 } });
  fixture.put('h', 's', 'v');
  fixture.apply();
  const outcomes: ReadOutcome[] = [];
  for (const code of [RpcCode.get, RpcCode.ttl]) {
    fixture.reads.readLater(code, getArgument, (outcome) => outcomes.push(outcome));
  }
  for (const keys of [1, 20]) {
    const sortKeys = Array.from({ length: keys }, (_, index) => bytes(`s${index}`));
    const argument = multiGetArgument({ hashKey: bytes('h'), sortKeys });
    fixture.reads.readLater(RpcCode.multiGet, argument, (outcome) => outcomes.push(outcome));
  }
  fixture.reads.close();
  await fixture.time.run(fixture.engine.close({ flush: false }));
  assert.deepEqual(outcomes, Array(4).fill(ReadOutcome.closed));
});

test('a multi_get of more bytes than one turn may read goes on later, and answers the same', async () => {
  const fixture = await StorageFixture.open({ limits: { turnBytesMax: 500 } });
  for (let index = 0; index < 1_200; index++) fixture.put('h', String(1000 + index), 'value');
  fixture.apply();
  const range = multiGetArgument({ hashKey: bytes('h') });
  assert.equal(fixture.tryRead(RpcCode.multiGet, range).outcome, ReadOutcome.later);
  const late = await fixture.readLater(RpcCode.multiGet, range);
  assert.equal(readMultiGetResponse(readerOf(late.result)).kvs.length, 1_200);
  const sortKeys = Array.from({ length: 400 }, (_, index) => bytes(String(1000 + index)));
  const named = multiGetArgument({ hashKey: bytes('h'), sortKeys });
  assert.equal(fixture.tryRead(RpcCode.multiGet, named).outcome, ReadOutcome.later);
  const count = blobArgument(bytes('h'));
  assert.equal(fixture.tryRead(RpcCode.sortkeyCount, count).outcome, ReadOutcome.later);
});

test('the meter knows what an answer holds, and what was passed over', async () => {
  const fixture = await StorageFixture.open();
  fixture.put('h', 's', 'value');
  fixture.put('h', 'gone', 'value', fixture.nowSeconds);
  fixture.put('h', 'z', 'value');
  fixture.apply();
  const { meter } = fixture;
  const value = readReadResponse(await fixture.read(RpcCode.get, getArgument));
  assert.equal(meter.bytes, 2 + 'hs'.length + value.value.length);
  await fixture.read(RpcCode.ttl, getArgument);
  assert.equal(meter.bytes, 0);
  await fixture.multiGet({ hashKey: bytes('h') });
  assert.equal(meter.bytes, 2 * 'h'.length + 'sz'.length + 2 * 'value'.length);
  assert.equal(meter.rows, 3);
  assert.equal(meter.expiredValues, 1);
  await fixture.multiGet({
    hashKey: bytes('h'),
    sortKeyFilterType: 2,
    sortKeyFilterPattern: bytes('z'),
  });
  await fixture.getScanner({ sortKeyFilterType: 1, sortKeyFilterPattern: bytes('s') });
  assert.equal(meter.filteredValues, 1, 'a prefix is a range; anything else leaves rows out');
  assert.equal(meter.bytes, 2 + 'hs'.length + 'value'.length);
});

test('what scans read from memory in one turn is bounded, all together; point reads are not held up', async () => {
  const time = new VirtualTime();
  const pool = new ReadPool(time, { ...NARROW, turnBytesMax: 100 }, time);
  assert.equal(pool.hasTurnLeft, true);
  pool.spendTurn(60);
  pool.spendTurn(60);
  assert.equal(pool.hasTurnLeft, false);
  await time.advance(1);
  assert.equal(pool.hasTurnLeft, true, 'the next turn has a budget of its own');

  const fixture = await StorageFixture.open({ pool: { ...NARROW, turnBytesMax: 0 } });
  fixture.put('h', 's', 'v');
  fixture.apply();
  const { later, done } = ReadOutcome;
  assert.equal(fixture.tryRead(RpcCode.getScanner, scannerArgument({})).outcome, later);
  assert.equal(fixture.tryRead(RpcCode.sortkeyCount, blobArgument(bytes('h'))).outcome, later);
  const range = multiGetArgument({ hashKey: bytes('h') });
  assert.equal(fixture.tryRead(RpcCode.multiGet, range).outcome, later);
  assert.equal(fixture.tryRead(RpcCode.get, getArgument).outcome, done);
  const named = multiGetArgument({ hashKey: bytes('h'), sortKeys: [bytes('s')] });
  assert.equal(fixture.tryRead(RpcCode.multiGet, named).outcome, done);
});

test('while others are served a scan has its share of the time; alone it has all of it', async () => {
  const time = new VirtualTime();
  const pool = new ReadPool(time, NARROW, time);
  let steps = 0;
  const step: PoolTask = {
    deadlineMs: Infinity,
    start: () => {
      time.after(2, () => {
        steps += 1;
        pool.submit(PoolLane.scan, step);
        pool.finished(PoolLane.scan);
      });
    },
    expire: () => assert.fail('it has no deadline'),
  };
  pool.submit(PoolLane.scan, step);
  await time.advance(400);
  assert.equal(steps, 200);
  const requests = time.every(10, () => pool.noteOther());
  await time.advance(400);
  const beside = steps - 200;
  assert.ok(beside >= 45 && beside <= 55, `${beside} steps of 2 ms in 400 ms`);
  time.cancel(requests);
  await time.advance(420);
  assert.ok(steps - 200 - beside >= 200, 'nobody else is there');
});

test('a filter that leaves nothing of many rows costs a scan few turns, however few rows are wanted', async () => {
  const fixture = await StorageFixture.open({ pool: { ...NARROW, turnBytesMax: 0 } });
  for (let index = 0; index < 2_000; index++) fixture.put('h', `s${index}`, 'v');
  fixture.apply();
  const argument = scannerArgument({
    batchSize: 2,
    sortKeyFilterType: FilterType.anywhere,
    sortKeyFilterPattern: bytes('x'),
  });
  let isOver = false;
  fixture.reads.readLater(RpcCode.getScanner, argument, () => {
    isOver = true;
  });
  let turns = 0;
  const other: PoolTask = {
    deadlineMs: Infinity,
    start: () => {
      turns += 1;
      fixture.time.after(0, () => {
        if (!isOver) fixture.pool.submit(PoolLane.scan, other);
        fixture.pool.finished(PoolLane.scan);
      });
    },
    expire: () => assert.fail('it has no deadline'),
  };
  fixture.pool.submit(PoolLane.scan, other);
  await fixture.time.advance(1_000);
  assert.equal(isOver, true);
  assert.ok(turns >= 2 && turns <= 8, `${turns} turns`);
});

test('of scans one batch is read in a turn, and none before those that wait', async () => {
  const time = new VirtualTime();
  const pool = new ReadPool(time, NARROW, time);
  assert.equal(pool.mayScan, true);
  pool.beginScan();
  pool.endScan(100);
  assert.equal(pool.mayScan, false);
  await time.advance(1);
  assert.equal(pool.mayScan, true);
  pool.submit(PoolLane.scan, new Step([], 'late'));
  assert.equal(pool.mayScan, false);
  pool.finished(PoolLane.scan);
  assert.equal(pool.mayScan, true);
});
