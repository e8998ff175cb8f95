/** The rules against what the protocol's reference states by example. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc64, evaluate, type MultiGet, parseInteger, type Rows, read, write } from './rules.ts';

const NOW = 1000;
const TABLE = { defaultTtlSeconds: 0 };

test('crc64 has the vectors of the reference', () => {
  const vectors: readonly (readonly [string, bigint])[] = [
    ['', 0n],
    ['a', 0x8c2f8445b4cbfc3cn],
    ['abc', 0x05e5cabb3fc1faebn],
    ['123456789', 0xae8b14860a799888n],
    ['hash_key', 0x65641f36e9f6a96dn],
    ['\0', 0xd5da5047efec8728n],
    ['\xff\xff\xff', 0xffffff0000000000n],
  ];
  for (const [text, crc] of vectors) assert.equal(crc64(text), crc, text);
});

test('integers are what strtoll with base 0 takes whole', () => {
  const taken: readonly (readonly [string, bigint])[] = [
    ['0', 0n],
    ['-0', 0n],
    ['00', 0n],
    ['+7', 7n],
    [' \t\n\v\f\r-3', -3n],
    ['0x1F', 31n],
    ['-0Xff', -255n],
    ['017', 15n],
    ['-010', -8n],
    ['9223372036854775807', 2n ** 63n - 1n],
    ['-9223372036854775808', -(2n ** 63n)],
  ];
  for (const [text, value] of taken) assert.equal(parseInteger(text), value, JSON.stringify(text));
  const refused = ['', ' ', '08', '0x', '12 ', '12\0', '12\n', '1.5', '1e3', '- 1', '+-1', '0b11'];
  refused.push('9223372036854775808', '-9223372036854775809', '0x8000000000000000');
  for (const text of refused) assert.equal(parseInteger(text), null, JSON.stringify(text));
});

test('a missing value fails all checks but those for absence, and is no invalid number', () => {
  assert.equal(evaluate(1, '', null), 0);
  assert.equal(evaluate(6, '', null), 13);
  assert.equal(evaluate(15, '0', null), 13);
  assert.equal(evaluate(15, '0', ''), 4);
});

test('incr keeps, replaces and takes away the expiry of a row, and starts an expired one anew', () => {
  const incr = (expiry: number, expiresAt: number): Rows => {
    const request = { rpc: 'incr', sortKey: 's', increment: '1', expiry } as const;
    return write(request, new Map([['s', { value: '5', expiresAt }]]), NOW, TABLE).rows;
  };
  assert.deepEqual(incr(0, 1007).get('s'), { value: '6', expiresAt: 1007 });
  assert.deepEqual(incr(1003, 1007).get('s'), { value: '6', expiresAt: 1003 });
  assert.deepEqual(incr(-1, 1007).get('s'), { value: '6', expiresAt: 0 });
  assert.deepEqual(incr(0, NOW).get('s'), { value: '1', expiresAt: 0 });
});

test('incr beyond 64 bits answers with what was there, and writes nothing', () => {
  const value = '9223372036854775807';
  const rows = new Map([['s', { value, expiresAt: 0 }]]);
  const request = { rpc: 'incr', sortKey: 's', increment: '1', expiry: 0 } as const;
  const written = write(request, rows, NOW, TABLE);
  assert.deepEqual(written.reply, { error: 4, newValue: value });
  assert.deepEqual(written.rows, rows);
});

test('a limited range is incomplete when any row follows, be it beyond its end', () => {
  const rows = rowsOf('a', 'b', 'c', 'd');
  const both = { start: 'b', stop: 'c', maxKvCount: 1 };
  assert.deepEqual(multiGet(rows, both), { error: 7, kvs: [['b', '']] });
  const whole = { start: 'a', stop: 'd', stopInclusive: true, maxKvCount: 4 };
  assert.deepEqual(keysAnd(multiGet(rows, whole)), [['a', 'b', 'c', 'd'], 0]);
  const last = { ...whole, reverse: true, maxKvCount: 2 };
  assert.deepEqual(keysAnd(multiGet(rows, last)), [['c', 'd'], 7]);
});

test('going back to the first row, rows of other hash keys count as rows that follow', () => {
  const rows = rowsOf('a', 'b');
  const last = { reverse: true, maxKvCount: 2, startInclusive: false };
  assert.deepEqual(keysAnd(multiGet(rows, last, true)), [['a', 'b'], 7]);
  assert.deepEqual(keysAnd(multiGet(rows, last, false)), [['a', 'b'], 0]);
});

function rowsOf(...sortKeys: readonly string[]): Rows {
  return new Map(sortKeys.map((sortKey) => [sortKey, { value: '', expiresAt: 0 }]));
}

function multiGet(
  rows: Rows,
  asked: Partial<MultiGet>,
  hasEarlierRow: boolean = false,
): ReturnType<typeof read> {
  const request: MultiGet = {
    rpc: 'multiGet',
    sortKeys: [],
    maxKvCount: 0,
    maxKvSize: 0,
    noValue: false,
    start: '',
    stop: '',
    startInclusive: true,
    stopInclusive: false,
    filterType: 0,
    pattern: '',
    reverse: false,
    ...asked,
  };
  return read(request, rows, NOW, { keepsExpired: true, hasEarlierRow: () => hasEarlierRow });
}

function keysAnd(reply: ReturnType<typeof read>): readonly [string[], number | null] {
  assert('kvs' in reply);
  return [reply.kvs.map(([sortKey]) => sortKey), reply.error];
}
