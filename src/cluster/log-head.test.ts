/** Who leads after every member's server was started again, and who has to be waited for. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ReplicaStatus } from '../model/configuration.ts';

/** All three went down with these heads; nothing has come back yet. */
function afterPowerCut(heads: Readonly<Record<string, number>>): Story {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  assert.equal(story.shape(), '1: a + b c');
  for (const name of ['a', 'b', 'c']) story.kill(name);
  for (const name of ['a', 'b', 'c']) story.replica(name).prepared = heads[name] ?? 0;
  story.advance(20_000);
  return story;
}

function startUnproven(story: Story, name: string, headBallot = 1): void {
  const replica = story.replica(name);
  replica.tailUnproven = true;
  replica.headBallot = headBallot;
  story.start(name);
}

test('a member whose tail is proven leads at once, however long the others claim to be', () => {
  const story = afterPowerCut({ a: 5, b: 9, c: 7 });
  startUnproven(story, 'b');
  story.start('c');
  story.server('c').teaches = false;
  story.advance(2_000);
  assert.match(story.shape(), /^2: c \+/);
});

test('unproven tails wait until every member has shown what it has', () => {
  const story = afterPowerCut({ a: 5, b: 9, c: 7 });
  startUnproven(story, 'a');
  startUnproven(story, 'b');
  story.advance(20_000);
  assert.equal(story.shape(), '1: a + b c', 'c may be the one that lost nothing');
  startUnproven(story, 'c');
  story.advance(1_000);
  assert.match(story.shape(), /^2: b \+/, 'the highest head leads');
});

test('a head under a newer ballot wins over a longer one under an older: that was replaced', () => {
  const story = afterPowerCut({ a: 5, b: 9, c: 7 });
  startUnproven(story, 'a', 2);
  startUnproven(story, 'b', 2);
  startUnproven(story, 'c', 3);
  story.advance(1_000);
  assert.match(story.shape(), /^\d: c \+/);
});

test('a member that is back with empty or damaged hands has shown that too', () => {
  const story = afterPowerCut({ a: 5, b: 9, c: 7 });
  startUnproven(story, 'a');
  startUnproven(story, 'b');
  story.replica('b').status = ReplicaStatus.error;
  story.replica('b').failure = 'its engine is damaged';
  story.server('c').replicas.clear();
  story.start('c');
  story.advance(5_000);
  assert.match(story.shape(), /^\d: a \+/);
});
