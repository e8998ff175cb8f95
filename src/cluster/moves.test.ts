/** A lead or a copy moves, and whatever dies meanwhile, no partition has fewer members than before. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ReplicaStatus } from '../model/configuration.ts';
import { MetaLevel } from '../wire/schema/meta.ts';
import type { Move } from './moves.ts';

/** Nothing moves by itself. */
function calm(names: readonly string[]): Story {
  const story = new Story(names);
  story.brain.level = MetaLevel.steady;
  story.createTable();
  story.advance(5_000);
  assert.equal(story.shape(), '1: a + b c');
  return story;
}

function move(story: Story, kind: Move['kind'], from: string, to: string): string | null {
  const wanted = {
    kind,
    from: story.server(from).id,
    to: story.server(to).id,
    cause: 'command',
  } as const;
  const refusal = story.brain.move(story.partition(), wanted, story.now());
  story.flush();
  return refusal;
}

function ends(story: Story): string[] {
  return story.brain.balancer.book.ended.map(({ end }) => end);
}

test('a lead is handed over at once, and who led follows', () => {
  const story = calm(['a', 'b', 'c']);
  assert.equal(move(story, 'lead', 'a', 'c'), null);
  assert.equal(story.shape(), '2: c + a b');
  story.advance(2_000);
  assert.equal(story.replica('a').status, ReplicaStatus.secondary);
  assert.deepEqual(ends(story), ['done']);
});

test('the copy of a secondary moves: the target learns first, then the source leaves', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  assert.equal(move(story, 'copy', 'b', 'd'), null);
  assert.equal(story.shape(), '1: a + b c ~ d');
  story.advance(1_000);
  assert.match(story.shape(), /^2: a \+ b c d/);
  story.advance(2_000);
  assert.equal(story.shape(), '3: a + c d');
  assert.deepEqual(ends(story), ['done']);
});

test('the copy of a primary moves with its lead, in one change', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  move(story, 'copy', 'a', 'd');
  story.advance(3_000);
  assert.equal(story.shape(), '3: d + b c');
  assert.deepEqual(ends(story), ['done']);
});

test('the source stays as long as the target is a member by name only', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  move(story, 'copy', 'b', 'd');
  story.server('d').connected = false;
  story.advance(4_000);
  assert.equal(story.shape(), '2: a + b c d', 'nobody has heard that it follows');
  story.server('d').connected = true;
  story.advance(2_000);
  assert.equal(story.shape(), '3: a + c d');
});

test('a partition that is not whole is not moved, nor to who has it already', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  assert.equal(move(story, 'copy', 'b', 'c'), 'the target has a copy already');
  assert.equal(move(story, 'lead', 'a', 'd'), 'the target has no copy');
  assert.equal(move(story, 'lead', 'b', 'c'), 'the source has no such role');
  story.kill('c');
  story.advance(8_000);
  assert.equal(move(story, 'copy', 'b', 'd'), 'it is not whole');
  story.server('b').connected = false;
  story.advance(6_400);
  assert.equal(move(story, 'lead', 'a', 'b'), 'the target is not alive');
});

test('a target that dies while it learns costs nothing', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  story.server('a').teaches = false;
  move(story, 'copy', 'b', 'd');
  assert.equal(story.shape(), '1: a + b c ~ d');
  story.kill('d');
  story.advance(8_000);
  assert.equal(story.shape(), '2: a + b c');
  assert.deepEqual(ends(story), ['the target could not learn']);
});

test('a member that dies meanwhile is replaced by the target', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  story.server('a').teaches = false;
  move(story, 'copy', 'b', 'd');
  story.kill('c');
  story.advance(8_000);
  assert.equal(story.shape(), '2: a + b ~ d');
  story.server('a').teaches = true;
  story.advance(2_000);
  assert.equal(story.shape(), '3: a + b d');
});

test('the source itself dies once the target is a member: that is what was wanted', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  move(story, 'copy', 'b', 'd');
  story.server('c').connected = false;
  story.advance(1_000);
  assert.match(story.shape(), /^2: a \+ b c d/);
  story.server('c').connected = true;
  story.kill('b');
  story.advance(8_000);
  assert.equal(story.shape(), '3: a + c d');
});

test('a meta server that dies in the middle forgets the move, and leaves no member too many', () => {
  for (const passedMs of [0, 200, 1_000, 1_200]) {
    const story = calm(['a', 'b', 'c', 'd']);
    story.server('c').connected = passedMs !== 1_000;
    move(story, 'copy', 'b', 'd');
    story.advance(passedMs);
    story.restartMeta();
    story.brain.level = MetaLevel.steady;
    story.server('c').connected = true;
    story.advance(20_000);
    assert.equal(story.partition().record.seats.length, 3, story.shape());
    assert.match(story.shape(), /: a \+ [bcd] [bcd]$/);
  }
});

test('a primary that has stopped and whose target is gone leads on under a new ballot', () => {
  const story = calm(['a', 'b', 'c']);
  story.server('b').connected = false;
  story.advance(4_000);
  story.storeStalled = true;
  move(story, 'lead', 'a', 'b');
  story.server('b').running = false;
  story.advance(4_000);
  story.storeStalled = false;
  story.flush();
  story.advance(3_000);
  assert.match(story.shape(), /: [ac] \+ [ac]/);
});

test('who does not hand over keeps the lead, and the move is given up after a while', () => {
  const story = calm(['a', 'b', 'c']);
  story.server('a').handsOver = false;
  move(story, 'lead', 'a', 'b');
  story.advance(20_000);
  assert.equal(story.shape(), '1: a + b c');
  assert.deepEqual(ends(story), ['it takes too long']);
});

test('a learner of a move that nobody knows of any more is let go by a new ballot', () => {
  const story = calm(['a', 'b', 'c', 'd']);
  story.ask('a', 1, story.server('d').id);
  assert.equal(story.shape(), '2: a + b c');
});

test('frozen, nothing moves', () => {
  const story = calm(['a', 'b', 'c']);
  story.brain.level = MetaLevel.freezed;
  move(story, 'lead', 'a', 'b');
  story.advance(3_000);
  assert.equal(story.shape(), '1: a + b c');
});
