/** Promises not to begin a term: they bind for longer than they serve, and only the newest leader gets them. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { toNodeId } from '../model/identity.ts';
import type { LeadPromise, LeadPromiseRequest } from '../wire/generated/internal.ts';
import { GivenPromises, type GiverStanding, HeldPromises } from './lead-promises.ts';

const HOLD_MS = 3_000;
const SERVERS = ['a:1', 'b:1', 'c:1'];
const FREE: GiverStanding = { isBusy: false, clusterId: 'x' };
const [B, C] = [toNodeId('b:1'), toNodeId('c:1')];

function request(fields: Partial<LeadPromiseRequest> = {}): LeadPromiseRequest {
  const usual = { clusterId: 'x', epoch: 5, sequence: 1, holdMs: HOLD_MS, metaServers: SERVERS };
  return { ...usual, ...fields };
}

function promise(sequence: number, refusal = ''): LeadPromise {
  return { epoch: 5, sequence, refusal, knownEpoch: 5 };
}

/** One that was started long ago. */
function giver(): GivenPromises {
  return new GivenPromises(SERVERS, HOLD_MS, -HOLD_MS);
}

test('whoever has just started is bound, for it may have promised before', () => {
  const given = new GivenPromises(SERVERS, HOLD_MS, 1_000);
  assert.equal(given.untilMs, 1_000 + HOLD_MS);
});

test('a promise binds from its receipt, serves from its sending, and for less', () => {
  const given = giver();
  const held = new HeldPromises([B], HOLD_MS);
  const sequence = held.ask(10_000);
  const answer = given.answer(request({ sequence }), FREE, 700);
  assert.equal(answer?.refusal, '');
  held.onPromise(B, answer);
  assert.equal(given.untilMs, 700 + HOLD_MS);
  assert.equal(held.sureUntilMs, 10_000 + 0.95 * HOLD_MS);
});

test('a lead is sure for as long as the first promise of all', () => {
  const held = new HeldPromises([B, C], HOLD_MS);
  held.ask(0);
  held.onPromise(B, promise(1));
  assert.equal(held.sureUntilMs, Number.NEGATIVE_INFINITY, 'one of them has not promised');
  held.ask(1_000);
  held.onPromise(C, promise(2));
  assert.equal(held.sureUntilMs, 0.95 * HOLD_MS);
  held.onPromise(B, promise(2));
  held.onPromise(B, promise(1));
  assert.equal(held.sureUntilMs, 1_000 + 0.95 * HOLD_MS, 'a late answer takes nothing back');
  held.onPromise(C, promise(3));
  held.onPromise(toNodeId('d:1'), promise(2));
  held.ask(2_000);
  held.onPromise(B, promise(3, 'elected'));
  assert.equal(held.sureUntilMs, 1_000 + 0.95 * HOLD_MS, 'nobody else counts, and no refusal');
});

test('an answer that comes after many later rounds is of no use', () => {
  const held = new HeldPromises([B], HOLD_MS);
  for (let round = 0; round < 100; round++) held.ask(round * 500);
  held.onPromise(B, promise(10));
  assert.equal(held.sureUntilMs, Number.NEGATIVE_INFINITY);
  held.onPromise(B, promise(99));
  assert.equal(held.sureUntilMs, 98 * 500 + 0.95 * HOLD_MS);
});

test('nothing is promised by who is elected, to a former epoch, another cluster or another list', () => {
  const given = giver();
  assert.equal(given.answer(request(), FREE, 0)?.refusal, '');
  const refusals: readonly [Partial<LeadPromiseRequest>, GiverStanding, RegExp][] = [
    [{ sequence: 2 }, { ...FREE, isBusy: true }, /^elected$/],
    [{ epoch: 4, sequence: 9 }, FREE, /^epoch 5 has begun$/],
    [{ sequence: 2 }, { ...FREE, clusterId: 'y' }, /cluster id y/],
    [{ sequence: 2, metaServers: ['a:1', 'b:1'] }, FREE, /the meta servers are a:1,b:1,c:1/],
  ];
  for (const [fields, standing, words] of refusals) {
    const answer = given.answer(request(fields), standing, 1_000);
    assert.match(answer?.refusal ?? '', words);
    assert.equal(answer?.knownEpoch, 5);
  }
  assert.equal(given.untilMs, HOLD_MS, 'and nobody was bound by that');
});

test('who does not know its cluster yet takes the word of the leader', () => {
  const answer = giver().answer(request(), { isBusy: false, clusterId: null }, 0);
  assert.equal(answer?.refusal, '');
});

test('what is given back binds no more, and nothing late binds again', () => {
  const given = giver();
  const held = new HeldPromises([B], HOLD_MS);
  const first = held.ask(0);
  const late = held.ask(100);
  const answer = given.answer(request({ sequence: first }), FREE, 0);
  assert.ok(answer !== null);
  const back = held.giveBack();
  held.onPromise(B, answer);
  assert.equal(held.sureUntilMs, Number.NEGATIVE_INFINITY);
  assert.equal(given.answer(request({ sequence: back, holdMs: 0 }), FREE, 200)?.refusal, '');
  assert.equal(given.untilMs, 0, 'but for its own start');
  assert.equal(given.answer(request({ sequence: late }), FREE, 300), null);
  assert.equal(given.untilMs, 0);
});

test('what a start binds is nobody’s to give back', () => {
  const given = new GivenPromises(SERVERS, HOLD_MS, 0);
  given.answer(request({ holdMs: 0 }), FREE, 10);
  assert.equal(given.untilMs, HOLD_MS);
});

test('a leader that is alone needs nobody', () => {
  assert.equal(new HeldPromises([], HOLD_MS).sureUntilMs, Number.POSITIVE_INFINITY);
});
