/** However a stream is torn, the same frames come out, once each and in order. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { SeededRandom } from '../base/prng.ts';
import { internalFrameSize } from '../wire/internal-frame.ts';
import { Reader } from '../wire/reader.ts';
import { WireError } from '../wire/types.ts';
import { Writer } from '../wire/writer.ts';
import { FrameBuffer } from './frame-buffer.ts';

const LIMIT = 1 << 20;

/** Frames of growing size, some with nothing but a header; each ends in its number. */
function makeStream(count: number): Uint8Array {
  const writer = new Writer();
  for (let index = 0; index < count; index++) {
    const padding = index % 7 === 0 ? 0 : (index * index * 13) % 3000;
    writer.writeI32(padding + 4);
    writer.writeBytes(new Uint8Array(padding));
    writer.writeI32(index);
  }
  return writer.take();
}

function collect(): { seen: number[]; buffer: FrameBuffer } {
  const seen: number[] = [];
  const buffer = new FrameBuffer(new Reader(), {
    frameSize: (reader) => internalFrameSize(reader, LIMIT),
    onFrame: (reader, size) => {
      seen.push(reader.view.getInt32(reader.position + size - 4));
      return true;
    },
  });
  return { seen, buffer };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test('a whole stream at once', () => {
  const { seen, buffer } = collect();
  assert.equal(buffer.push(makeStream(50)), true);
  assert.deepEqual(seen, numbers(50));
  assert.equal(buffer.pendingBytes, 0);
});

test('a stream byte by byte', () => {
  const { seen, buffer } = collect();
  for (const byte of makeStream(30)) buffer.push(Uint8Array.of(byte));
  assert.deepEqual(seen, numbers(30));
  assert.equal(buffer.pendingBytes, 0);
});

test('a stream in pieces of any size', () => {
  const stream = makeStream(60);
  const random = new SeededRandom(7);
  for (let round = 0; round < 50; round++) {
    const { seen, buffer } = collect();
    let at = 0;
    while (at < stream.length) {
      const size = 1 + random.below(round % 2 === 0 ? 40 : 5000);
      buffer.push(stream.slice(at, at + size));
      at += size;
    }
    assert.deepEqual(seen, numbers(60));
  }
});

test('who stops gets no further frame', () => {
  let seen = 0;
  const buffer = new FrameBuffer(new Reader(), {
    frameSize: (reader) => internalFrameSize(reader, LIMIT),
    onFrame: () => {
      seen += 1;
      return seen < 3;
    },
  });
  assert.equal(buffer.push(makeStream(10)), false);
  assert.equal(seen, 3);
});

test('memory follows what has arrived, not what a length claims', () => {
  const { buffer } = collect();
  const claim = new Uint8Array(12);
  new DataView(claim.buffer).setUint32(0, LIMIT - 4);
  buffer.push(claim);
  assert.equal(buffer.pendingBytes, 12);
  new DataView(claim.buffer).setUint32(0, LIMIT);
  assert.throws(() => collect().buffer.push(claim), WireError);
});
