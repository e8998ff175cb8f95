/** Compressed values come back as they were, whatever method wrote them, and cannot grow without bound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { fromHex, toHex } from '../base/bytes.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import {
  BadValueError,
  bytes,
  type CompressionMethod,
  compressed,
  InvalidArgumentError,
  json,
  text,
} from './client.ts';
import { startTestCluster } from './testing.ts';

const METHODS: readonly CompressionMethod[] = ['gzip', 'deflate', 'brotli'];
const LONG = 'all work and no play makes Jack a dull boy. '.repeat(100);

test('every method gives back what it was given, and any method reads any other', () => {
  const values = fc.oneof(fc.uint8Array({ maxLength: 2_000 }), fc.constant(encodeUtf8(LONG)));
  for (const writer of METHODS) {
    for (const reader of METHODS) {
      const write = compressed(bytes(), { method: writer, bytesMin: 16 });
      const read = compressed(bytes(), { method: reader });
      fc.assert(
        fc.property(values, (value) => {
          assert.deepEqual(read.decode(write.encode(value)), new Uint8Array(value));
        }),
        { numRuns: 50, seed: 1 },
      );
    }
  }
});

test('long values shrink; short ones, and those that would grow, cost one byte', () => {
  const codec = compressed(text());
  assert(codec.encode(LONG).length < LONG.length / 10);
  assert.equal(toHex(codec.encode('short')), '0073686f7274');
  const dense = compressed(bytes(), { bytesMin: 0 });
  assert.equal(dense.encode(new Uint8Array([1, 2, 3])).length, 4);
  assert.equal(dense.decode(dense.encode('')).length, 0);
});

test('a value that would grow too large is an error, and so is one that is damaged or foreign', () => {
  const bomb = compressed(text()).encode('x'.repeat(1_000_000));
  const careful = compressed(text(), { bytesMax: 999_999 });
  assert.throws(() => careful.decode(bomb), RangeError);
  assert.equal(compressed(text(), { bytesMax: 1_000_000 }).decode(bomb).length, 1_000_000);
  assert.throws(() => careful.decode(encodeUtf8('plain text')), RangeError);
  assert.throws(() => careful.decode(bomb.subarray(0, 20)));
  assert.throws(() => careful.decode(new Uint8Array(0)), RangeError);
});

test('zstd writes bare frames and takes what is none as it is, where Node.js has it', () => {
  const hasZstd = 'zstdCompressSync' in zlib;
  if (!hasZstd) {
    assert.throws(() => compressed(text(), { method: 'zstd' }), /22\.15 or later is needed/);
    return;
  }
  const codec = compressed(text(), { method: 'zstd' });
  assert.equal(toHex(codec.encode(LONG)).slice(0, 8), '28b52ffd');
  assert.equal(codec.decode(codec.encode(LONG)), LONG);
  assert.equal(codec.decode(encodeUtf8('plain')), 'plain');
  const raw = compressed(bytes(), { method: 'zstd' });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (value) => {
      assert.deepEqual(raw.decode(raw.encode(value)), new Uint8Array(value));
    }),
    { numRuns: 100, seed: 1 },
  );
  const bomb = codec.encode('x'.repeat(1_000_000));
  const careful = compressed(text(), { method: 'zstd', bytesMax: 999_999 });
  assert.throws(() => careful.decode(bomb), RangeError);
  assert.throws(() => codec.decode(bomb.subarray(0, 20)));
  // Frames of the zstd program, without and with a checksum.
  for (const hex of [
    '28b52ffd603010ad0100c402616c6c20776f726b20616e64206e6f20706c6179206d616b6573204a61636b20612064756c6c20626f792e2001000c88d7ab32',
    '28b52ffd643010ad0100c402616c6c20776f726b20616e64206e6f20706c6179206d616b6573204a61636b20612064756c6c20626f792e2001000c88d7ab326eefc2d9',
  ]) {
    assert.equal(codec.decode(fromHex(hex) ?? assert.fail('not hex')), LONG);
  }
});

test('options that make no sense are refused', () => {
  for (const options of [
    { bytesMin: Number.NaN },
    { bytesMax: 0 },
    { method: 'rot13' as CompressionMethod },
  ]) {
    assert.throws(() => compressed(text(), options), InvalidArgumentError);
  }
});

test('a table whose values are compressed JSON', async () => {
  await using cluster = await startTestCluster();
  await using client = await cluster.connect();
  const value = { lines: Array.from({ length: 50 }, () => 'the same line again and again') };
  const pages = client.table('temp', { value: compressed(json<typeof value>()) });
  await pages.set('page', 'one', value);
  assert.deepEqual(await pages.get('page', 'one'), value);
  const stored = await client.table('temp').get('page', 'one');
  assert(stored!.length < JSON.stringify(value).length / 5);
  await client.table('temp').set('page', 'two', 'not compressed');
  await assert.rejects(pages.get('page', 'two'), BadValueError);
});
