/** What counts as apart, and how much. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { LABEL_LENGTH_MAX, type Labels, labelsOf, NO_LABELS, sharedRisk } from './fault-domains.ts';

const at = (zone: string, rack: string, host: string): Labels => ({ zone, rack, host });

test('another zone is better than another rack, and that better than another host', () => {
  const others = [at('a', 'r1', 'h1')];
  const risks = [
    at('b', 'r1', 'h9'),
    at('a', 'r2', 'h2'),
    at('a', 'r1', 'h2'),
    at('a', 'r1', 'h1'),
  ].map((one) => sharedRisk(one, others));
  assert.equal(risks[0], 0);
  assert.deepEqual(
    risks,
    risks.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(risks).size, 4);
});

test('no number of shared hosts outweighs a rack, and none of racks a zone', () => {
  const others = Array.from({ length: 5 }, () => at('a', 'r', 'h'));
  const [first, ...rest] = others as [Labels, ...Labels[]];
  assert(sharedRisk(at('b', 'r', 'h'), others) < sharedRisk(at('a', 'x', 'y'), [first]));
  assert(
    sharedRisk(at('a', 'x', 'h'), others) <
      sharedRisk(at('a', 'r', 'z'), [first, ...rest.map(() => at('a', 'q', 'z'))]),
  );
});

test('racks of one name in two zones are two racks; a host is one machine wherever it is said to be', () => {
  assert.equal(sharedRisk(at('a', 'r', 'h1'), [at('b', 'r', 'h2')]), 0);
  assert.equal(sharedRisk(at('a', 'r', 'h'), [at('b', 'r', 'h')]), 1);
});

test('who names nothing may be in one place with others who name nothing', () => {
  assert(sharedRisk(NO_LABELS, [NO_LABELS]) > sharedRisk(NO_LABELS, [at('a', 'r', 'h')]));
});

test('a server that names no host is on the one by which it is reached', () => {
  assert.deepEqual(labelsOf({ zone: 'a' }, '10.0.0.1'), at('a', '', '10.0.0.1'));
  assert.deepEqual(labelsOf({ rack: 'r', host: 'h' }, '10.0.0.1'), at('', 'r', 'h'));
  assert.equal(labelsOf({ zone: 'z'.repeat(999) }, 'h').zone.length, LABEL_LENGTH_MAX);
});
