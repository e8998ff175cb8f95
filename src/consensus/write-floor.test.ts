import assert from 'node:assert/strict';
import test from 'node:test';
import { configuration, groupOfThree } from './scenario.ts';
import { writeFloor } from './write-floor.ts';

test('the floor is what is set, no more than the table wants, and a majority when nothing is set', () => {
  assert.equal(writeFloor(2, 3), 2);
  assert.equal(writeFloor(2, 1), 1);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map((wanted) => writeFloor(0, wanted)),
    [1, 1, 2, 3, 3],
  );
});

test('a write taken up with two members is not committed when the other one is removed', () => {
  const scenario = groupOfThree();
  scenario.push('a', configuration(2, 'a', ['b']));
  scenario.settle();
  scenario.cut.add('a>b');
  scenario.write('a');
  scenario.settle();
  scenario.push('a', configuration(3, 'a', []));
  scenario.settle();
  assert.equal(scenario.node('a').prepared, 1);
  assert.equal(scenario.node('a').committed, 0, 'one copy is no acknowledgement');
  assert.equal(scenario.node('a').core.leading?.hasWriteQuorum(), false);
});

test('it is committed as soon as there are enough members again', () => {
  const scenario = groupOfThree();
  scenario.push('a', configuration(2, 'a', []));
  scenario.settle();
  scenario.write('a');
  scenario.settle();
  assert.equal(scenario.node('a').committed, 0);
  scenario.push('a', configuration(2, 'a', [], 'c'));
  scenario.settle();
  assert.equal(scenario.node('c').prepared, 1, 'the learner has it in its log');
  assert.equal(scenario.node('a').committed, 0, 'a learner is no member');
  scenario.push('a', configuration(3, 'a', ['c']));
  scenario.settle();
  assert.equal(scenario.node('a').committed, 1);
});

test('what a lone primary has inherited is committed: its predecessor may have answered it', () => {
  const scenario = groupOfThree();
  scenario.write('a');
  scenario.settle(['a']);
  scenario.push('b', configuration(2, 'b', []));
  scenario.settle();
  assert.equal(scenario.node('b').committed, 1);
  scenario.write('b');
  scenario.settle();
  assert.equal(scenario.node('b').committed, 1, 'its own writes wait');
});
