import assert from 'node:assert/strict';
import test from 'node:test';
import { SEVERAL_METAS_FROM } from './nemesis/swarm.ts';
import { simulate } from './simulation.ts';

test('a seed runs a cluster through faults without a violation, and runs the same again', async () => {
  for (const seed of [2, 51]) {
    const options = { seed, faultSeconds: 10, traceLineCount: 0 };
    const first = await simulate(options);
    assert.deepEqual(first.violations, []);
    assert.ok(first.operations.completed > 10, 'clients got work done');
    assert.ok(first.committedMutations > 5, 'the observer saw it');
    assert.ok(first.contentComparisons > 0, 'engines were compared');
    assert.ok(
      Object.values(first.faults).some((count) => count > 0),
      'faults were injected',
    );
    const second = await simulate(options);
    assert.equal(second.traceHash, first.traceHash);
  }
});

test('three meta servers over a service that is away now and then: one leads, and it runs the same again', async () => {
  const options = { seed: SEVERAL_METAS_FROM + 1, faultSeconds: 30, traceLineCount: 0 };
  const first = await simulate(options);
  assert.deepEqual(first.violations, []);
  assert.ok((first.faults['serviceNoQuorum'] ?? 0) > 0, 'the service was hit');
  assert.ok((first.faults['killAllMetas'] ?? 0) > 0, 'and so were they');
  const second = await simulate(options);
  assert.equal(second.traceHash, first.traceHash);
});

test('another seed is another run', async () => {
  const hashes = new Set<string>();
  for (const seed of [3, 4, 5]) {
    const { traceHash } = await simulate({ seed, faultSeconds: 2, traceLineCount: 0 });
    hashes.add(traceHash);
  }
  assert.equal(hashes.size, 3);
});
