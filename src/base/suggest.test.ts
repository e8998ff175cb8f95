import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from './suggest.ts';

const NAMES = ['onebox', 'meta', 'replica', 'shell', 'bench', 'sim', 'test'];

test('the nearest name is suggested for a slip of the finger', () => {
  assert.equal(nearestName('onbox', NAMES), 'onebox');
  assert.equal(nearestName('oenbox', NAMES), 'onebox');
  assert.equal(nearestName('repilca', NAMES), 'replica');
  assert.equal(nearestName('SHELL', NAMES), 'shell');
  assert.equal(nearestName('metas', NAMES), 'meta');
});

test('nothing is suggested for something else altogether', () => {
  assert.equal(nearestName('configuration', NAMES), null);
  assert.equal(nearestName('x', []), null);
});
