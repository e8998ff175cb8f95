import assert from 'node:assert/strict';
import test from 'node:test';
import type { InjectedFault } from './nemesis/nemesis.ts';
import { type Run, shrinkSeed } from './shrink.ts';
import { type SimulationReport, simulate } from './simulation.ts';

const fault = (number: number): InjectedFault => ({
  number,
  name: 'killReplica',
  timeUs: number * 1_000_000,
  durationMs: 10,
});

/** A world that fails when all of `needed` are injected before the end. */
function world(total: number, needed: readonly number[], blank: SimulationReport): Run {
  return async ({ faults, faultSeconds }) => {
    const all = Array.from({ length: total }, (_, index) => index + 1);
    const chosen = all.filter((number) => faults === undefined || faults.includes(number));
    const injected = chosen.filter((number) => number <= faultSeconds).map(fault);
    const fails = needed.every((number) => injected.some((one) => one.number === number));
    const violation = { kind: 'crash', timeUs: 0, detail: 'it failed' } as const;
    return { ...blank, injected, violations: fails ? [violation] : [] };
  };
}

test('what is left of a failing seed is what it needs to fail, and no time beyond that', async () => {
  const blank = await simulate({ seed: 1, faultSeconds: 1, traceLineCount: 0 });
  const options = { seed: 1, faultSeconds: 30, traceLineCount: 0 };
  for (const needed of [[], [1], [7], [3, 12], [1, 2, 3, 13]]) {
    const result = await shrinkSeed(options, world(30, needed, blank), () => {});
    assert.deepEqual(
      result.faults.map(({ number }) => number),
      needed,
    );
    assert.equal(result.kind, 'crash');
    assert.ok(result.faultSeconds <= 15);
    assert.ok(result.runs < 100, `${result.runs} runs`);
  }
});

test('a seed that does not fail is left as it is', async () => {
  const options = { seed: 3, faultSeconds: 2, traceLineCount: 0 };
  const { kind, runs, reproduce } = await shrinkSeed(options, simulate, () => {});
  assert.equal(kind, null);
  assert.equal(runs, 1);
  assert.equal(reproduce, './pegasus sim --seed 3 --seconds 2 --verbose');
});

test('a run with a part of its faults starts those and no others', async () => {
  // What a seed draws changes with the simulator: the first that starts two faults will do.
  let options = { seed: 12, faultSeconds: 10, traceLineCount: 0 };
  let whole = await simulate(options);
  while (whole.injected.length < 2) {
    options = { ...options, seed: options.seed + 1 };
    whole = await simulate(options);
  }
  const second = whole.injected[1]!;
  const part = await simulate({ ...options, faults: [second.number] });
  assert.deepEqual(
    part.injected.map(({ number, name }) => [number, name]),
    [[second.number, second.name]],
  );
});
