/** Names of procedures are found in raw bytes, and nothing else is taken for one. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { generateWire } from '../../scripts/generate-wire.ts';
import { toHex } from '../base/bytes.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import { findRpc, RPCS, RpcCode, unknownReplyName } from './rpc-codes.ts';

test('the table is indexed by code and every name is found', () => {
  for (const [index, rpc] of RPCS.entries()) {
    assert.equal(rpc.code, index);
    const bytes = encodeUtf8(`..${rpc.name}..`);
    assert.equal(findRpc(bytes, 2, bytes.length - 2), rpc.code);
  }
  assert.equal(RPCS.length, Object.keys(RpcCode).length);
});

test('a name that differs in one byte is unknown', () => {
  for (const rpc of RPCS) {
    for (let at = 0; at < rpc.name.length; at++) {
      const bytes = encodeUtf8(rpc.name);
      bytes[at] = bytes[at]! ^ 1;
      assert.equal(findRpc(bytes, 0, bytes.length), RpcCode.unknown);
    }
  }
});

test('every argument and result is a base type or a declared struct', () => {
  const code = [...generateWire().values()].join('\n');
  for (const { argument, result } of RPCS) {
    for (const type of [argument, result]) {
      if (['none', 'blob', 'i64', 'string'].includes(type)) continue;
      assert.match(code, new RegExp(`export function read${type}\\(`));
    }
  }
});

test('the reply name of an unknown procedure ends in _ACK and is cut to 47 bytes', () => {
  const name = (text: string): string => {
    const bytes = encodeUtf8(text);
    return toHex(unknownReplyName(bytes, 0, bytes.length));
  };
  assert.equal(name('x'), toHex(encodeUtf8('x_ACK')));
  assert.equal(name('R'.repeat(46)), toHex(encodeUtf8(`${'R'.repeat(46)}_`)));
  assert.equal(name('R'.repeat(60)), toHex(encodeUtf8('R'.repeat(47))));
});
