import assert from 'node:assert/strict';
import test from 'node:test';
import { UserError } from '../../src/base/user-error.ts';
import { ExpectedTrouble } from './expected-trouble.ts';

const FULL = new UserError('The disk of the data folder data is full.', 'Free some space.');

test('planted: a start that fails is expected on the machine with the fault, in its words, in its time only', () => {
  let nowUs = 0;
  const trouble = new ExpectedTrouble(() => nowUs);
  assert.equal(trouble.explainsStart('a', FULL), false, 'no fault');
  const end = trouble.begin('a', 'diskFull');
  assert.equal(trouble.explainsStart('a', FULL), true);
  assert.equal(trouble.explainsStart('b', FULL), false, 'another machine');
  assert.equal(trouble.explainsStart('a', new Error('undefined is no function')), false, 'a bug');
  const damaged = new UserError('The file data/server.json is damaged.', 'Restore it.');
  assert.equal(trouble.explainsStart('a', damaged), false, 'words of another fault');
  end();
  nowUs = 5_000_000;
  assert.equal(trouble.explainsStart('a', FULL), true, 'a start that had begun');
  nowUs = 60_000_000;
  assert.equal(trouble.explainsStart('a', FULL), false, 'long over');
  assert.deepEqual([...trouble.counts], [['diskFull', 2]]);
});

test('planted: a replica fails over another history only where histories are forged', () => {
  const trouble = new ExpectedTrouble(() => 0);
  const event = 'replica.failed {"gpid":"1.0","reason":"diverged: the history differs"}';
  assert.equal(trouble.explainsErrorLog('a', event), false, 'no fault');
  trouble.begin('a', 'otherHistory');
  assert.equal(trouble.explainsErrorLog('a', event), true);
  assert.equal(trouble.explainsErrorLog('b', event), false, 'another machine');
  assert.equal(trouble.explainsErrorLog('a', 'replica.failed {"reason":"no engine"}'), false);
  assert.equal(trouble.explainsStart('a', FULL), false);
});
