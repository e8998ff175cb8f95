import assert from 'node:assert/strict';
import test from 'node:test';
import { NodeClock, type TimeSource } from './clock.ts';

class Machine implements TimeSource {
  running = 1_000;
  wall = 1_700_000_000_000;
  boot = 50_000;

  runningMs(): number {
    return this.running;
  }
  wallMs(): number {
    return this.wall;
  }
  bootMs(): number {
    return this.boot;
  }
  run(ms: number): void {
    this.running += ms;
    this.sleep(ms);
  }
  sleep(ms: number): void {
    this.wall += ms;
    this.boot += ms;
  }
}

test('goes on while the machine sleeps', () => {
  const machine = new Machine();
  const clock = new NodeClock(machine);
  const startMs = clock.monotonicMs();
  machine.run(100);
  assert.equal(clock.monotonicMs() - startMs, 100);
  machine.sleep(30_000);
  assert.equal(clock.monotonicMs() - startMs, 30_100);
  machine.run(5);
  assert.equal(clock.monotonicMs() - startMs, 30_105);
});

test('does not move when the wall clock is set, forwards or backwards', () => {
  const machine = new Machine();
  const clock = new NodeClock(machine);
  const startMs = clock.monotonicMs();
  machine.wall += 3_600_000;
  assert.equal(clock.monotonicMs(), startMs);
  machine.wall -= 7_200_000;
  assert.equal(clock.monotonicMs(), startMs);
  assert.equal(clock.wallMs(), machine.wall);
});

test('notices a sleep also when the wall clock is set at the same time', () => {
  const machine = new Machine();
  const clock = new NodeClock(machine);
  const startMs = clock.monotonicMs();
  machine.sleep(10_000);
  machine.wall += 3_600_000;
  assert.equal(clock.monotonicMs() - startMs, 10_000);
});

test('the real clocks run', () => {
  const clock = new NodeClock();
  const first = clock.monotonicMs();
  assert.ok(clock.monotonicMs() >= first);
  assert.ok(Math.abs(clock.wallMs() - Date.now()) < 1_000);
});
