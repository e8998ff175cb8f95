/** The election: one leads, its end is noticed, and nobody is sure to lead while another one does. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryCoordination } from '../adapters/memory/coordination.ts';
import type { CoordinationService } from '../env/coordination.ts';
import type { Logger } from '../env/logger.ts';
import { Election } from './election.ts';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const INTERVAL_MS = 500;

interface Candidate {
  readonly election: Election;
  readonly events: string[];
}

function stand(
  time: VirtualTime,
  service: CoordinationService,
  candidate: string,
  timers: VirtualTime = time,
): Candidate {
  const events: string[] = [];
  const election = new Election(
    { service, clock: time, timers, logger: SILENT },
    { candidate, intervalMs: INTERVAL_MS },
    { onElected: () => events.push('elected'), onLost: () => events.push('lost') },
  );
  return { election, events };
}

test('one of three leads, all know which, and nothing changes as long as it lives', async () => {
  const time = new VirtualTime();
  const shared = new MemoryCoordination(time);
  const all = ['a:1', 'b:1', 'c:1'].map((name) => stand(time, shared.client(), name));
  for (let second = 0; second < 20; second++) {
    await time.advance(1_000);
    assert.deepEqual(
      all.map(({ election }) => election.leader),
      ['a:1', 'a:1', 'a:1'],
    );
    const sure = all.filter(({ election }) => election.sureUntilMs > time.monotonicMs());
    assert.deepEqual(sure, [all[0]]);
  }
  assert.deepEqual(
    all.map(({ events }) => events.join()),
    ['elected', '', ''],
  );
});

test('a leader that dies is followed within its time and a round, and is not sure any more by then', async () => {
  const time = new VirtualTime();
  const shared = new MemoryCoordination(time);
  // Its timers stand still, as if it were paused; its clock does not.
  const paused = new VirtualTime();
  const first = stand(time, shared.client(), 'a:1', paused);
  await time.advance(100);
  const second = stand(time, shared.client(), 'b:1');
  await time.advance(100);
  assert.equal(first.election.isElected, true);
  for (let elapsedMs = 0; second.events.length === 0; elapsedMs += 10) {
    assert.ok(elapsedMs < 4_000, 'followed in time');
    await time.advance(10);
  }
  assert.ok(first.election.sureUntilMs < time.monotonicMs());
  assert.deepEqual(first.events, ['elected'], 'it has not heard of it');
  await paused.advance(INTERVAL_MS);
  await time.advance(10);
  assert.deepEqual(first.events, ['elected', 'lost'], 'until it wakes up');
  assert.equal(first.election.leader, 'b:1');
});

test('a service that is down deposes nobody: the leader stays, and is sure for no longer than it may be', async () => {
  const time = new VirtualTime();
  const shared = new MemoryCoordination(time);
  const { election, events } = stand(time, shared.client(), 'a:1');
  await time.advance(100);
  shared.isDown = true;
  await time.advance(30_000);
  assert.notEqual(election.trouble, null);
  assert.equal(election.isElected, true);
  assert.equal(election.leader, 'a:1');
  assert.ok(election.sureUntilMs < time.monotonicMs());
  shared.isDown = false;
  await time.advance(1_000);
  assert.equal(election.trouble, null);
  assert.ok(election.sureUntilMs > time.monotonicMs());
  assert.deepEqual(events, ['elected']);
});

test('a leader that stops is followed at the next round, also when it stops in the middle of one', async () => {
  for (const untilStopMs of [0.5, 100, 501.5]) {
    const time = new VirtualTime();
    const shared = new MemoryCoordination(time);
    const first = stand(time, shared.client(), 'a:1');
    await time.advance(untilStopMs);
    const second = stand(time, shared.client(), 'b:1');
    await time.run(first.election.close());
    await first.election.close();
    await time.advance(INTERVAL_MS + 5);
    assert.deepEqual(second.events, ['elected'], String(untilStopMs));
    const before = [...first.events];
    await time.advance(5_000);
    assert.deepEqual(first.events, before, 'and hears of nothing any more');
    assert.equal(first.election.sureUntilMs, Number.NEGATIVE_INFINITY);
  }
});

test('a leader that cannot resign lets its lead run out', async () => {
  const time = new VirtualTime();
  const shared = new MemoryCoordination(time);
  const first = stand(time, shared.client(), 'a:1');
  const second = stand(time, shared.client(), 'b:1');
  await time.advance(100);
  shared.isDown = true;
  await time.run(first.election.close());
  shared.isDown = false;
  await time.advance(4_000);
  assert.deepEqual(second.events, ['elected']);
});
