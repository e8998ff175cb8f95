import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concatBytes, fromHex } from '../base/bytes.ts';
import { areWholeZstdFrames, isZstdFrame } from './zstd-frame.ts';

const hex = (text: string): Uint8Array => fromHex(text) ?? assert.fail('not hex');

/** Made by the zstd program: of a file, of the same with a checksum, of a pipe (no size), of nothing, and stored. */
const FRAMES = [
  '28b52ffd603010ad0100c402616c6c20776f726b20616e64206e6f20706c6179206d616b6573204a61636b20612064756c6c20626f792e2001000c88d7ab32',
  '28b52ffd643010ad0100c402616c6c20776f726b20616e64206e6f20706c6179206d616b6573204a61636b20612064756c6c20626f792e2001000c88d7ab326eefc2d9',
  '28b52ffd0058ad0100c402616c6c20776f726b20616e64206e6f20706c6179206d616b6573204a61636b20612064756c6c20626f792e2001000c88d7ab32',
  '28b52ffd2000010000',
  '28b52ffd200529000073686f7274',
].map(hex);

test('whole frames are whole, one or several', () => {
  for (const frame of FRAMES) assert(areWholeZstdFrames(frame));
  assert(areWholeZstdFrames(concatBytes(FRAMES)));
});

test('a frame that is cut off anywhere, or has something behind it, is not whole', () => {
  for (const frame of FRAMES) {
    for (let length = 0; length < frame.length; length++) {
      assert.equal(areWholeZstdFrames(frame.subarray(0, length)), false, `${length} bytes`);
    }
    assert.equal(areWholeZstdFrames(concatBytes([frame, hex('00')])), false);
  }
});

test('other bytes are no frame', () => {
  assert.equal(isZstdFrame(hex('')), false);
  assert.equal(isZstdFrame(hex('28b52f')), false);
  assert.equal(isZstdFrame(hex('28b52ffe00')), false);
  assert.equal(isZstdFrame(FRAMES[0]!), true);
});
