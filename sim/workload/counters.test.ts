import assert from 'node:assert/strict';
import test from 'node:test';
import { Counters } from './counters.ts';

test('increments that follow each other are right, and so is one in doubt that happened', () => {
  const counters = new Counters();
  assert.equal(counters.succeeded(counters.begin('c'), 1), null);
  counters.begin('c');
  assert.equal(counters.succeeded(counters.begin('c'), 3), null);
  assert.equal(counters.audit('c', 3), null);
});

test('a lost update gives a number twice', () => {
  const counters = new Counters();
  const [first, second] = [counters.begin('c'), counters.begin('c')];
  assert.equal(counters.succeeded(first, 1), null);
  assert.match(counters.succeeded(second, 1) ?? '', /two increments/);
});

test('an increment that begins later gives a larger number', () => {
  const counters = new Counters();
  counters.begin('c');
  assert.equal(counters.succeeded(counters.begin('c'), 2), null);
  assert.match(counters.succeeded(counters.begin('c'), 1) ?? '', /gave 1 after 2/);
});

test('an increment that was executed twice counts more than was asked for', () => {
  const counters = new Counters();
  assert.match(counters.succeeded(counters.begin('c'), 2) ?? '', /is at 2 after 1/);
  const failing = new Counters();
  failing.failed(failing.begin('c'));
  assert.match(failing.audit('c', 1) ?? '', /is at 1 after 0/);
});

test('an acknowledged increment that is gone is missed at the end', () => {
  const counters = new Counters();
  assert.equal(counters.succeeded(counters.begin('c'), 1), null);
  assert.match(counters.audit('c', 0) ?? '', /holds 0 after 1/);
});
