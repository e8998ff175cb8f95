import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columns, pairs } from './columns.ts';

test('columns are as wide as their widest cell, numbers stand to the right', () => {
  const lines = columns(
    ['id', 'name', 'partitions'],
    [
      ['1', 'stat', '4'],
      ['12', 'temp', '8'],
    ],
    80,
  );
  assert.deepEqual(lines, ['id  name  partitions', ' 1  stat           4', '12  temp           8']);
});

test('the widest column gives way until the row fits the terminal', () => {
  const address = '127.0.0.1:34801,127.0.0.1:34802,127.0.0.1:34803';
  const lines = columns(['partition', 'secondaries'], [['7', address]], 40);
  for (const line of lines) assert(line.length <= 40);
  assert.equal(lines[1], `        7  ${address.slice(0, 28)}…`);
});

test('columns do not shrink to nothing on a narrow terminal', () => {
  const [, line] = columns(['a', 'b'], [['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb']], 4);
  assert.equal(line, 'aaaaaaa…  bbbbbbb…');
});

test('a table without rows is its header', () => {
  assert.deepEqual(columns(['a', 'b'], [], 80), ['a  b']);
});

test('pairs line up', () => {
  assert.deepEqual(
    pairs([
      ['a', '1'],
      ['long', '2'],
    ]),
    ['a     1', 'long  2'],
  );
});
