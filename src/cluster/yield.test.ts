/** A primary that gave up its leadership, as the meta server sees it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Story } from '../../test/cluster/story.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import { MetaLevel } from '../wire/schema/meta.ts';

function healthyTable(): Story {
  const story = new Story(['a', 'b', 'c']);
  story.createTable();
  story.advance(2_000);
  assert.equal(story.shape(), '1: a + b c');
  return story;
}

test('the secondary with the longest log leads, the one that gave up leaves, all under a new ballot', () => {
  const story = healthyTable();
  story.replica('c').prepared = 7;
  story.replica('b').prepared = 5;
  story.advance(1_000);
  story.ask('a', ConfigurationChange.yieldPrimary, story.server('a').id);
  assert.match(story.shape(), /^2: c \+ b/);
});

test('who gave up is asked to learn again only after a while', () => {
  const story = healthyTable();
  story.ask('a', ConfigurationChange.yieldPrimary, story.server('a').id);
  assert.equal(story.shape(), '2: b + c');
  story.advance(500);
  assert.equal(story.shape(), '2: b + c');
  story.advance(30_000);
  assert.equal(story.shape(), '3: b + a c');
});

test('with nobody else to lead the same members get a new ballot', () => {
  const story = healthyTable();
  story.kill('b');
  story.kill('c');
  story.advance(10_000);
  const ballot = story.partition().ballot;
  story.ask('a', ConfigurationChange.yieldPrimary, story.server('a').id);
  assert.equal(story.partition().ballot, ballot + 1);
  assert.match(story.shape(), /: a \+/);
});

test('while the automatism is off the same members get a new ballot too', () => {
  const story = healthyTable();
  story.brain.level = MetaLevel.stopped;
  story.ask('a', ConfigurationChange.yieldPrimary, story.server('a').id);
  assert.equal(story.shape(), '2: a + b c');
});

test('a copy of the request under an older ballot changes nothing', () => {
  const story = healthyTable();
  story.brain.level = MetaLevel.stopped;
  story.ask('a', ConfigurationChange.yieldPrimary, story.server('a').id);
  story.brain.level = MetaLevel.lively;
  story.ask('a', ConfigurationChange.yieldPrimary, story.server('a').id, 0, 1);
  assert.equal(story.shape(), '2: a + b c');
});
