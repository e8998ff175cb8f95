import assert from 'node:assert/strict';
import test from 'node:test';
import { NodeClock } from './clock.ts';
import { NodeTimers } from './timers.ts';

const clock = new NodeClock();

test('a timer never fires early', async () => {
  const timers = new NodeTimers(clock);
  const early: number[] = [];
  const waits = Array.from({ length: 50 }, (_, index) => {
    const delayMs = index * 0.37;
    const startMs = clock.monotonicMs();
    return new Promise<void>((resolve) => {
      timers.after(delayMs, () => {
        if (clock.monotonicMs() - startMs < delayMs) early.push(delayMs);
        resolve();
      });
    });
  });
  await Promise.all(waits);
  assert.deepEqual(early, []);
});

test('a cancelled timer does not fire, and cancelling again is fine', async () => {
  const timers = new NodeTimers(clock);
  let fired = 0;
  const handle = timers.after(0, () => {
    fired += 1;
  });
  timers.cancel(handle);
  timers.cancel(handle);
  await new Promise<void>((resolve) => {
    timers.after(3, resolve);
  });
  assert.equal(fired, 0);
});

test('an interval repeats until it is cancelled, also from its own callback', async () => {
  const timers = new NodeTimers(clock);
  let fired = 0;
  await new Promise<void>((resolve) => {
    const handle = timers.every(1, () => {
      fired += 1;
      if (fired < 3) return;
      timers.cancel(handle);
      timers.after(5, resolve);
    });
  });
  assert.equal(fired, 3);
});

test('deferred callbacks run in order, after the turn, chains of them before any new turn', async () => {
  const timers = new NodeTimers(clock);
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    timers.defer(() => {
      order.push('first');
      timers.defer(() => {
        order.push('chained');
        timers.defer(() => order.push('chained twice'));
      });
      setImmediate(() => {
        order.push('next turn');
        resolve();
      });
    });
    timers.defer(() => order.push('second'));
    order.push('turn');
  });
  assert.deepEqual(order, ['turn', 'first', 'second', 'chained', 'chained twice', 'next turn']);
});

test('an endless chain of deferred callbacks lets timers and input in', async () => {
  const timers = new NodeTimers(clock);
  let running = true;
  const again = (): void => {
    if (running) timers.defer(again);
  };
  timers.defer(again);
  await new Promise<void>((resolve) => {
    timers.after(1, resolve);
  });
  running = false;
});
