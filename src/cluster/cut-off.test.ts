/** A primary that nobody but the meta server can reach. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';

const SILENT = 'silent: does not acknowledge prepares';

/** `a` leads, and has had `b` removed, whom it cannot teach either. */
function cutOff(): Story {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  assert.equal(story.shape(), '1: a + b c');
  story.server('a').teaches = false;
  removal(story, 'a', 'b');
  story.advance(4_000);
  assert.equal(story.shape(), '2: a + c ~ b');
  return story;
}

function removal(story: Story, primary: string, name: string, reason = SILENT): void {
  const { id } = story.server(name);
  story.ask(primary, ConfigurationChange.removeSecondary, id, 0, undefined, reason);
}

test('it is asked to yield instead of being left alone; then the others go on without it', () => {
  const story = cutOff();
  removal(story, 'a', 'c');
  assert.equal(story.shape(), '2: a + c ~ b', 'it may still answer reads under its lease');
  assert.equal(story.server('a').yieldsAsked.length, 1);
  story.ask('a', ConfigurationChange.yieldPrimary, story.server('a').id);
  assert.equal(story.shape(), '3: c +  ~ b');
  story.advance(3_000);
  assert.equal(story.shape(), '4: c + b', 'writes go on');
  story.advance(12_000);
  assert.equal(story.shape(), '4: c + b', 'it is not asked to learn for a while');
});

test('who does not hear that it should yield is asked again, and in the end gets its way', () => {
  const story = cutOff();
  removal(story, 'a', 'c');
  story.advance(2_000);
  removal(story, 'a', 'c');
  assert.equal(story.server('a').yieldsAsked.length, 2);
  story.advance(5_000);
  removal(story, 'a', 'c');
  assert.match(story.shape(), /^3: a \+ /);
});

test('a lead does not move to and fro: the next primary in the same trouble is left alone', () => {
  const story = cutOff();
  removal(story, 'a', 'c');
  story.ask('a', ConfigurationChange.yieldPrimary, story.server('a').id);
  story.advance(20_000);
  assert.equal(story.shape(), '5: c + a b');
  while (story.partition().record.seats.length > 1) {
    const [secondary] = story.partition().record.config.secondaries;
    removal(story, 'c', secondary!.split(':')[0]!);
  }
  assert.equal(story.server('c').yieldsAsked.length, 0);
  assert.match(story.shape(), /: c \+ /);
});

test('secondaries that the meta server has not heard of since leave, as ever', () => {
  const story = cutOff();
  for (const name of ['b', 'c']) story.kill(name);
  story.advance(3_000);
  removal(story, 'a', 'c');
  assert.equal(story.server('a').yieldsAsked.length, 0);
  assert.match(story.shape(), /^3: a \+ /);
});

test('one that is slow, or has another history, is no successor', () => {
  for (const reason of ['slow: its log holds all others up', 'diverged: its history differs']) {
    const story = cutOff();
    removal(story, 'a', 'c', reason);
    assert.equal(story.server('a').yieldsAsked.length, 0);
    assert.match(story.shape(), /^3: a \+ /);
  }
});
