/**
 * The model explores its scopes to their end and finds nothing in the real core; it finds planted bugs in them; and
 * what it rests on holds: copies of a core behave like the original.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { BUGS } from './bugs.ts';
import { exploreScope, type ScopeReport } from './explore.ts';
import { LivenessCheck } from './liveness.ts';
import { SCOPES, type Scope } from './scopes.ts';
import { search } from './search.ts';
import { Stage } from './stage.ts';
import {
  BUDGETS,
  type Budgets,
  DELIVER,
  enabledActions,
  INDEPENDENT,
  SYNC,
  WRITE,
} from './world.ts';

function scopeNamed(name: string): Scope {
  const scope = SCOPES.find((one) => one.name === name);
  assert.ok(scope !== undefined, `there is a scope ${name}`);
  return scope;
}

function assertClean(report: ScopeReport): void {
  assert.equal(report.finding, null, JSON.stringify(report.finding, null, 2));
  assert.ok(report.isExhausted, 'every state within the bounds was seen');
  assert.ok(report.restingStates > 0, 'the schedules come to rest');
}

for (const name of ['writes', 'removal', 'expiry']) {
  test(`${name}: every order of events was tried, and nothing is wrong`, () => {
    const report = exploreScope(scopeNamed(name), null);
    assertClean(report);
    assert.ok(report.states > 100, `${report.states} states are too few`);
  });
}

const EXPECTED: readonly [bug: string, scope: string, kind: string][] = [
  ['ackBeforeSync', 'writes', 'members'],
  ['commitBeforeAcks', 'writes', 'members'],
  ['promotedEarly', 'removal', 'members'],
  ['ballotCountsEarly', 'ballots', 'ballot'],
];

for (const [bug, scope, kind] of EXPECTED) {
  test(`the planted bug ${bug} is found`, () => {
    assert.ok(BUGS[bug] !== undefined);
    const { finding } = exploreScope(scopeNamed(scope), bug);
    assert.equal(finding?.kind, kind);
  });
}

test('what sleep sets leave out are orders, not states', () => {
  const budgets: Budgets = {
    ...(Object.fromEntries(BUDGETS.map((name) => [name, 0])) as Budgets),
    writes: 1,
  };
  const bounds = { budgets, ballotMax: 3, statesMax: 100_000 };
  const reduced = search(new Stage('slow'), bounds);
  assert.ok(reduced.isExhausted);

  const stage = new Stage('slow');
  const seen = new Set<string>();
  let transitions = 0;
  const explore = (world: ReturnType<Stage['initial']>): void => {
    const key = stage.key(world);
    if (seen.has(key)) return;
    seen.add(key);
    for (const action of enabledActions(world)) {
      transitions += 1;
      explore(stage.apply(world, action));
    }
  };
  explore(new LivenessCheck(stage).settled(budgets));
  assert.equal(reduced.states, seen.size);
  assert.ok(reduced.transitions < transitions);
});

test('actions on different servers commute', () => {
  const stage = new Stage('slow');
  const budgets: Budgets = {
    ...(Object.fromEntries(BUDGETS.map((name) => [name, 0])) as Budgets),
    writes: 1,
  };
  const start = new LivenessCheck(stage).settled(budgets);
  const write = enabledActions(start).find((action) => action >= WRITE.from);
  assert.ok(write !== undefined, 'somebody leads');
  const written = stage.apply(start, write);
  const enabled = enabledActions(written);
  let pairs = 0;
  for (const first of enabled) {
    for (const second of enabled) {
      if (first === second || (INDEPENDENT[first]! & (1 << second)) === 0) continue;
      const one = stage.apply(stage.apply(written, first), second);
      const other = stage.apply(stage.apply(written, second), first);
      assert.equal(stage.key(one), stage.key(other));
      pairs += 1;
    }
  }
  assert.ok(pairs > 0 && enabled.some((action) => action >= SYNC.from));
  assert.ok(enabled.some((action) => action >= DELIVER.from));
});
