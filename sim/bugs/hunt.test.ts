import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bugsNamed } from './catalog.ts';
import { huntBugs, huntOrder } from './hunt.ts';

/** Seeds change their meaning with the simulator: what matters is that few of them are needed. */
const OPTIONS = { seedFirst: 1, seedsMax: 12, faultSeconds: 20, onDone: () => {} };

test('planted bugs of two-phase commit are found within a few seeds, by checkers that know nothing of them', async () => {
  const names = 'commit-before-all-acks,secondary-commits-prepared,inherited-tail-rewritten';
  const report = await huntBugs(bugsNamed(names), OPTIONS);
  assert.equal(report.found, 3, JSON.stringify(report.results));
  for (const { foundBy, seeds } of report.results) {
    assert.match(foundBy ?? '', /^V\d/);
    assert.ok(seeds <= OPTIONS.seedsMax);
  }
});

test('a program in which no bug is planted passes the seeds that find them', async () => {
  const harmless = { name: 'none', what: '-', consequence: '-', edits: [] };
  const report = await huntBugs([harmless], { ...OPTIONS, seedsMax: 2 });
  assert.equal(report.found, 0, JSON.stringify(report.results));
  assert.deepEqual([report.results[0]?.seed, report.results[0]?.seeds], [null, 2]);
});

test('seeds about the faults that a bug needs come first, and all others follow', () => {
  const range = { seedFirst: 1, seedsMax: 200 };
  const bug = { name: 'none', what: '-', consequence: '-', edits: [] };
  const all = huntOrder(bug, range);
  assert.deepEqual(
    all,
    [...all].sort((a, b) => a - b),
  );
  const order = huntOrder({ ...bug, about: ['wallClockStep', 'wallClockJump'] }, range);
  const firstOfRest = order.findIndex((seed, index) => index > 0 && seed < order[index - 1]!);
  assert.ok(firstOfRest > 0 && firstOfRest < 100, `${firstOfRest} seeds are about clocks`);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    all,
  );
});
