/** The wheel wakes everything once, not early, hardly late, and survives whatever `onWake` does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { SeededRandom } from '../base/prng.ts';
import { DeadlineWheel, type WheelEntry } from './client-deadlines.ts';

class Entry implements WheelEntry {
  wakeMs = 0;
  wheelSlot = -1;
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;
  readonly wokenMs: number[] = [];
  readonly #then: (nowMs: number) => void;

  constructor(then: (nowMs: number) => void = () => undefined) {
    this.#then = then;
  }

  onWake(nowMs: number): void {
    this.wokenMs.push(nowMs);
    this.#then(nowMs);
  }
}

test('entries near and far wake once, within a tick after their time', async () => {
  const time = new VirtualTime();
  const wheel = new DeadlineWheel(time, time);
  const random = new SeededRandom(7);
  const entries = Array.from({ length: 2_000 }, () => new Entry());
  for (const entry of entries) wheel.schedule(entry, random.fraction() * 30_000);
  await time.advance(31_000);
  for (const { wakeMs, wokenMs } of entries) {
    assert.equal(wokenMs.length, 1);
    assert(wokenMs[0]! >= wakeMs);
    assert(wokenMs[0]! < wakeMs + 10);
  }
  assert.equal(wheel.count, 0);
});

test('a cancelled entry does not wake, a moved one only at its new time', async () => {
  const time = new VirtualTime();
  const wheel = new DeadlineWheel(time, time);
  const cancelled = new Entry();
  const earlier = new Entry();
  const later = new Entry();
  for (const entry of [cancelled, earlier, later]) wheel.schedule(entry, 1_000);
  wheel.cancel(cancelled);
  wheel.cancel(cancelled);
  wheel.schedule(earlier, 100);
  wheel.schedule(later, 5_000);
  await time.advance(500);
  assert.equal(earlier.wokenMs.length, 1);
  await time.advance(2_000);
  assert.equal(later.wokenMs.length, 0);
  await time.advance(3_000);
  assert.equal(later.wokenMs.length, 1);
  assert.equal(cancelled.wokenMs.length, 0);
});

test('an entry that wakes may cancel and schedule others that are due in the same moment', async () => {
  const time = new VirtualTime();
  const wheel = new DeadlineWheel(time, time);
  const order: string[] = [];
  const again = new Entry(() => order.push('again'));
  const victims = Array.from({ length: 5 }, () => new Entry(() => order.push('victim')));
  const killer = new Entry((nowMs) => {
    order.push('killer');
    for (const victim of victims) wheel.cancel(victim);
    wheel.schedule(again, nowMs);
  });
  for (const entry of [...victims.slice(0, 3), killer, ...victims.slice(3)]) {
    wheel.schedule(entry, 50);
  }
  await time.advance(200);
  assert.equal(order.lastIndexOf('victim') < order.indexOf('killer'), true);
  assert.deepEqual(order.slice(order.indexOf('killer')), ['killer', 'again']);
  assert(order.length < 7, 'some were cancelled while they were due');
  assert.equal(wheel.count, 0);
});

test('an entry scheduled after a long idle time wakes in time', async () => {
  const time = new VirtualTime();
  const wheel = new DeadlineWheel(time, time);
  await time.advance(1_000_000);
  const entry = new Entry();
  wheel.schedule(entry, 1_000_020);
  await time.advance(40);
  assert.equal(entry.wokenMs.length, 1);
});

test('nothing wakes after close', async () => {
  const time = new VirtualTime();
  const wheel = new DeadlineWheel(time, time);
  const entry = new Entry();
  wheel.schedule(entry, 10);
  wheel.close();
  await time.advance(1_000);
  assert.equal(entry.wokenMs.length, 0);
});
