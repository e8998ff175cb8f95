import assert from 'node:assert/strict';
import test from 'node:test';
import { EventHeap, EventOrder, type SimEvent } from './event-heap.ts';
import { Owner } from './owner.ts';
import { SimClock, SimTimers } from './process.ts';
import { Scheduler } from './scheduler.ts';
import { RandomStreams } from './streams.ts';
import { Trace } from './trace.ts';

interface World {
  readonly scheduler: Scheduler;
  readonly owner: Owner;
  readonly clock: SimClock;
  readonly timers: SimTimers;
  readonly failures: unknown[];
}

function world(rate: number = 1): World {
  const failures: unknown[] = [];
  const scheduler = new Scheduler(new Trace(100), (_, error) => failures.push(error));
  const owner = new Owner(1, 'node1');
  owner.start();
  const clock = new SimClock(scheduler, { rate, monotonicOffsetMs: 500, timerLateUsMax: 0 });
  const timers = new SimTimers(scheduler, owner, clock, new RandomStreams(1).of('timers'));
  return { scheduler, owner, clock, timers, failures };
}

test('events come in the order of time, then phase of the instant, then submission', () => {
  const heap = new EventHeap();
  const random = new RandomStreams(1).of('heap');
  for (let sequence = 0; sequence < 500; sequence++) {
    const order = random.below(2) === 0 ? EventOrder.normal : EventOrder.deferred;
    const timeUs = random.below(20);
    const event: SimEvent = {
      timeUs,
      order,
      sequence,
      owner: null,
      generation: 0,
      kind: 'x',
      isInput: false,
      callback: null,
    };
    heap.push(event);
  }
  let last = heap.pop();
  while (heap.size > 0) {
    const next = heap.pop();
    const step =
      next.timeUs - last.timeUs || next.order - last.order || next.sequence - last.sequence;
    assert.ok(step > 0);
    last = next;
  }
});

test('every promise that an event settles has run its course before the next event', async () => {
  const { scheduler } = world();
  const log: string[] = [];
  const deep = async (depth: number): Promise<void> => {
    if (depth === 0) {
      log.push('settled');
      return;
    }
    await null;
    await deep(depth - 1);
  };
  scheduler.world(10, 'first', () => void deep(40));
  scheduler.world(10, 'second', () => log.push('second'));
  await scheduler.run(100);
  assert.deepEqual(log, ['settled', 'second']);
});

test('deferred work runs after all that was delivered in the same instant', async () => {
  const { scheduler, owner, timers } = world();
  const log: string[] = [];
  scheduler.schedule(5, owner, 'one', true, () => {
    log.push('one');
    timers.defer(() => {
      log.push('deferred');
      timers.defer(() => log.push('deferred again'));
    });
  });
  scheduler.schedule(5, owner, 'two', true, () => log.push('two'));
  scheduler.schedule(6, owner, 'three', true, () => log.push('three'));
  await scheduler.run(100);
  assert.deepEqual(log, ['one', 'two', 'deferred', 'deferred again', 'three']);
});

test('a clock that drifts never makes a timer early on itself', async () => {
  for (const rate of [0.98, 1, 1.02]) {
    const { scheduler, clock, timers } = world(rate);
    const start = clock.monotonicMs();
    let firedAt = 0;
    timers.after(100, () => {
      firedAt = clock.monotonicMs();
    });
    await scheduler.run(1e6);
    assert.ok(firedAt - start >= 100 && firedAt - start < 100.1, `${firedAt - start}`);
  }
});

test('a crash makes everything of the former life void, also what its promises wait for', async () => {
  const { scheduler, owner, timers } = world();
  const log: string[] = [];
  const wait = new Promise<void>((resolve) => void timers.after(5, resolve));
  void wait.then(() => log.push('never'));
  timers.every(1, () => log.push('tick'));
  scheduler.world(2500, 'crash', () => owner.stop());
  await scheduler.run(10_000);
  assert.deepEqual(log, ['tick', 'tick']);
});

test('a paused process gets late what came meanwhile, and timers may come before input', async () => {
  for (const timersFirst of [true, false]) {
    const { scheduler, owner, timers } = world();
    const log: string[] = [];
    scheduler.world(10, 'pause', () => owner.pause());
    scheduler.schedule(20, owner, 'input', true, () => log.push(`input ${scheduler.nowUs}`));
    timers.after(0.03, () => log.push(`timer ${scheduler.nowUs}`));
    const cancelled = timers.after(0.04, () => log.push('cancelled'));
    scheduler.world(90, 'resume', () => {
      scheduler.resume(owner, timersFirst);
      timers.cancel(cancelled);
    });
    await scheduler.run(100);
    const expected = ['input 90', 'timer 90'];
    assert.deepEqual(log, timersFirst ? expected.reverse() : expected);
  }
});

test('what waits for a process is counted in its present life, without what was cancelled', async () => {
  const { scheduler, owner, timers } = world();
  timers.after(5, () => {});
  timers.cancel(timers.after(6, () => {}));
  scheduler.world(7000, 'other', () => {});
  assert.equal(scheduler.pendingOf(owner), 1);
  owner.stop();
  assert.equal(scheduler.pendingOf(owner), 0);
});

test('what a process throws is reported with its owner and does not end the world', async () => {
  const { scheduler, owner, failures } = world();
  scheduler.schedule(1, owner, 'boom', false, () => {
    throw new Error('boom');
  });
  await scheduler.run(10);
  assert.equal((failures[0] as Error).message, 'boom');
  assert.equal(scheduler.nowUs, 10);
});
