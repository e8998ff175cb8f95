/** Same results as TextEncoder and TextDecoder, which the pure layers do not have. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { toHex } from './bytes.ts';
import { SeededRandom } from './prng.ts';
import { decodeUtf8, encodeUtf8, utf8Length } from './utf8.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

test('texts of all planes and lone surrogates are encoded as TextEncoder does', () => {
  const texts = [
    '',
    'plain',
    'zażółć',
    '表名',
    '😀a😀',
    '\ud800',
    '\udc00x',
    'a\ud83d',
    '\ufeffx',
    '\u07ff\u0800',
  ];
  for (const text of texts) {
    assert.equal(toHex(encodeUtf8(text)), toHex(encoder.encode(text)), JSON.stringify(text));
    assert.equal(utf8Length(text), encoder.encode(text).length);
  }
});

test('any bytes are decoded as TextDecoder does', () => {
  const random = new SeededRandom(11);
  const leads = [
    0x41, 0x80, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff, 0x9f, 0xa0, 0x90,
  ];
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: random.below(9) }, () => leads[random.below(16)]!);
    assert.equal(decodeUtf8(bytes), decoder.decode(bytes), toHex(bytes));
  }
});

test('a long text survives, also where it is cut into pieces inside', () => {
  for (const unit of ['a', 'é', '表', '😀']) {
    for (const count of [1022, 1023, 1024, 1025, 5000]) {
      const text = unit.repeat(count);
      assert.equal(decodeUtf8(encodeUtf8(text)), text);
    }
  }
});

test('a window of the bytes can be decoded', () => {
  assert.equal(decodeUtf8(encodeUtf8('..key..'), 2, 5), 'key');
});
