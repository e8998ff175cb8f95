/**
 * The first minute of what `npm run fuzz` does for ten: every decoder with damaged input from a fixed seed.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '../../src/base/prng.ts';
import { ProtocolMagic } from '../../src/rpc/server.ts';
import { AllTargets } from './all-targets.ts';
import { Campaign } from './campaign.ts';

const RUNS_PER_TARGET = 600;
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

test('the dialects start with the bytes that the port is sniffed by', () => {
  const random = new SeededRandom(1);
  const starts = new Map(
    new AllTargets().targets.map((target) => {
      const seed = target.seed(random).slice();
      return [target.name, seed.length < 4 ? 0 : new DataView(seed.buffer).getUint32(0)];
    }),
  );
  assert.equal(starts.get('session THFT v0'), ProtocolMagic.thrift);
  assert.equal(starts.get('session THFT v1'), ProtocolMagic.thrift);
  assert.equal(starts.get('session RDSN'), ProtocolMagic.rdsn);
  assert.equal(starts.get('session between servers'), ProtocolMagic.internal);
});
