import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expireToStore, isExpired, TTL_EPOCH_SECONDS, ttlNow, ttlReply } from './ttl.ts';

const NOW = 343_857_714;

test('time counts from 2016', () => {
  assert.equal(TTL_EPOCH_SECONDS * 1000, Date.UTC(2016, 0, 1));
  assert.equal(ttlNow(Date.UTC(2016, 0, 1, 0, 0, 7, 999)), 7);
});

test('a row is expired from the second on that it names, and never when that is 0', () => {
  assert.equal(isExpired(NOW - 1, NOW), true);
  assert.equal(isExpired(NOW, NOW), true);
  assert.equal(isExpired(NOW + 1, NOW), false);
  assert.equal(isExpired(0, NOW), false);
  assert.equal(isExpired(0xffffffff, NOW), false);
});

test('the ttl of a row is what is left of it, -1 for ever', () => {
  assert.equal(ttlReply(NOW + 10, NOW), 10);
  assert.equal(ttlReply(0, NOW), -1);
});

test('a negative expiry is a large unsigned one, and its ttl wraps, as recorded from the original', () => {
  assert.equal(expireToStore(-1, 0, NOW), 0xffffffff);
  assert.equal(ttlReply(0xffffffff, NOW), -343_857_715);
  assert.equal(ttlReply(expireToStore(-0x80000000, 0, NOW), NOW), 0x80000000 - NOW);
});

test('the default of the table fills in only where no expiry is asked for', () => {
  assert.equal(expireToStore(0, 0, NOW), 0);
  assert.equal(expireToStore(0, 60, NOW), NOW + 60);
  assert.equal(expireToStore(5, 60, NOW), 5);
});
