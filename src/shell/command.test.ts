import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Arguments, type Command, parseArguments, wordCounts } from './command.ts';
import { complete } from './completion.ts';
import { SHELL_COMMANDS } from './shell.ts';

function parsed(name: string, ...words: string[]): Arguments {
  return parseArguments(commandNamed(name), words);
}

function commandNamed(name: string): Command {
  const command = SHELL_COMMANDS.get(name);
  assert(command !== undefined, name);
  return command;
}

test('flags stand anywhere, escapes are read, two dashes end the flags', () => {
  const args = parsed('multi_get', '-n', '5', 'h\\x00', 'a', '-i', 'b');
  assert.equal(args.integer('-n', 1), 5);
  assert(args.has('-i'));
  assert.deepEqual([...args.bytes(0)], [0x68, 0]);
  assert.equal(args.count, 3);
  assert.equal(parsed('get', '--', '-n', '-i').word(0), '-n');
});

test('a wrong number of words is an error that shows the usage', () => {
  assert.throws(() => parsed('get', 'h'), /get needs more arguments/);
  assert.throws(() => parsed('get', 'h', 's', 'x'), /get needs fewer arguments/);
  assert.throws(() => parsed('ls', '-x'), /ls has no flag -x/);
  assert.throws(() => parsed('create', 't', '-p'), /-p needs a value \(COUNT\)/);
  assert.throws(() => parsed('create', 't', '-p', 'x').integer('-p', 1), /-p is "x"/);
});

test('the usage text is the grammar', () => {
  assert.deepEqual(wordCounts(commandNamed('set')), { minimum: 3, maximum: 4 });
  assert.deepEqual(wordCounts(commandNamed('multi_del')), { minimum: 2, maximum: Infinity });
  assert.deepEqual(wordCounts(commandNamed('full_scan')), { minimum: 0, maximum: 0 });
});

test('use leaves the flags of the command that it runs alone', () => {
  const args = parsed('use', 'temp', 'full_scan', '-n', '2');
  assert.deepEqual(args.wordsFrom(1), ['full_scan', '-n', '2']);
});

const COMPLETIONS: readonly (readonly [string, readonly string[]])[] = [
  ['multi_', ['multi_set ', 'multi_get ', 'multi_del ']],
  ['use t', ['temp ']],
  ['use temp ge', ['get ']],
  ['use temp drop s', ['stat ']],
  ['app ', ['stat ', 'temp ']],
  ['app -', ['-d ']],
  ['get ', []],
  ['help cl', ['cluster_info ']],
  ['nonsense ', []],
];

for (const [line, expected] of COMPLETIONS) {
  test(`the tab key after "${line}" offers ${expected.length} words`, async () => {
    const tables = (): Promise<string[]> => Promise.resolve(['stat', 'temp']);
    const [candidates] = await complete(line, SHELL_COMMANDS, tables);
    assert.deepEqual(candidates, expected);
  });
}
