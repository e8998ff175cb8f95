/**
 * The first minute of what `npm run fuzz` does for ten: every decoder with damaged input from a fixed seed.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { AllTargets } from './all-targets.ts';
import { Campaign } from './campaign.ts';

const RUNS_PER_TARGET = 400;
/** Of damaged inputs: proof that they are not all refused at the door. */
const ACCEPTED_FRACTION_MIN = 0.02;

test('no decoder crashes, hangs, swells or misreads, whatever it is given', {
  timeout: 600_000,
}, async (t) => {
  const all = new AllTargets();
  const options = { seed: 1, runsMax: RUNS_PER_TARGET, deadlineMs: Infinity };
  const campaign = new Campaign(all.targets, options);
  t.after(() => campaign.close());
  await campaign.run();
  assert.deepEqual(campaign.findings, []);
  for (const { target, runs, acceptedDamaged } of campaign.reports()) {
    assert.equal(runs, RUNS_PER_TARGET);
    const isReached = acceptedDamaged >= runs * ACCEPTED_FRACTION_MIN;
    assert.ok(isReached, `${target} accepts ${acceptedDamaged} of ${runs}`);
  }
  for (const { name, missing } of all.coverage()) assert.deepEqual(missing, [], name);
});
