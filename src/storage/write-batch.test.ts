import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualTime } from '../adapters/memory/clock.ts';
import { MemoryDisk } from '../adapters/memory/disk.ts';
import { MemoryEngineFactory } from '../adapters/memory/engine.ts';
import { InvariantError } from '../base/assert.ts';
import { toHex } from '../base/bytes.ts';
import { EngineError, EngineStatus } from '../env/engine.ts';
import { APPLIED_DECREE_KEY, encodeKey } from '../model/key.ts';
import { BATCH_HEADER_BYTES, RecordTag } from './batch-format.ts';
import { BatchFormatError, batchRecords, readAppliedDecree } from './batch-records.ts';
import { WriteBatchBuilder } from './write-batch.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const STAMP = { expireSeconds: 100, timestampUs: 1_700_000_000_000_000, tag: 2 };
const STAMP_HEX = '00000064060a24181e400002';

test('a batch is header, records, applied decree, byte for byte', () => {
  const builder = new WriteBatchBuilder();
  builder.put(bytes('h'), bytes('s'), bytes('v'), STAMP);
  builder.delete(bytes('h'), bytes('t'));
  const batch = builder.seal(0x1_0000_0002);
  const expected = [
    '0000000000000000' + '03000000',
    `01040001${toHex(bytes('hs'))}0d${STAMP_HEX}${toHex(bytes('v'))}`,
    `00040001${toHex(bytes('ht'))}`,
    '0103ffff00' + '0c' + '0000000100000002' + '00000000',
  ];
  assert.equal(toHex(batch), expected.join(''));
});

test('keys in parts and encoded keys give the same records', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 400 }),
      (hashKey, sortKey, value) => {
        const inParts = new WriteBatchBuilder();
        inParts.put(hashKey, sortKey, value, STAMP);
        inParts.delete(hashKey, sortKey);
        const encoded = new WriteBatchBuilder();
        encoded.putEncoded(encodeKey(hashKey, sortKey), value, STAMP);
        encoded.deleteEncoded(encodeKey(hashKey, sortKey));
        assert.deepEqual(inParts.seal(1), encoded.seal(1));
      },
    ),
    { seed: 4 },
  );
});

test('what was appended is read back, in order, however large', () => {
  const record = fc.record({
    isPut: fc.boolean(),
    sortKey: fc.uint8Array({ maxLength: 40_000 }),
    value: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), (wanted) => {
      const builder = new WriteBatchBuilder();
      for (const { isPut, sortKey, value } of wanted) {
        if (isPut) builder.put(bytes('h'), sortKey, value, STAMP);
        else builder.delete(bytes('h'), sortKey);
      }
      assert.equal(builder.recordCount, wanted.length);
      const found = [...batchRecords(builder.seal(7))];
      assert.equal(found.length, wanted.length + 1);
      for (const [index, { isPut, sortKey, value }] of wanted.entries()) {
        const { tag, key, value: stored } = found[index]!;
        assert.equal(tag, isPut ? RecordTag.put : RecordTag.delete);
        assert.deepEqual(key, encodeKey(bytes('h'), sortKey));
        assert.deepEqual(stored.slice(12), isPut ? value : new Uint8Array(0));
      }
      assert.deepEqual(found.at(-1)!.key, APPLIED_DECREE_KEY);
    }),
    { seed: 5, numRuns: 50 },
  );
});

test('a rollback leaves the batch as if the dropped records had never been', () => {
  const builder = new WriteBatchBuilder();
  builder.put(bytes('h'), bytes('a'), bytes('1'), STAMP);
  const { byteLength, recordCount } = builder;
  builder.put(bytes('h'), bytes('b'), bytes('2'), STAMP);
  builder.delete(bytes('h'), bytes('c'));
  builder.rollback(byteLength, recordCount);
  const other = new WriteBatchBuilder();
  other.put(bytes('h'), bytes('a'), bytes('1'), STAMP);
  assert.deepEqual(builder.seal(3), other.seal(3));
});

test('a sealed batch owns its bytes and the builder begins anew', () => {
  const builder = new WriteBatchBuilder();
  builder.put(bytes('h'), bytes('a'), bytes('1'), STAMP);
  const first = builder.seal(1);
  const copy = first.slice();
  assert.equal(builder.byteLength, BATCH_HEADER_BYTES);
  builder.put(bytes('x'), bytes('y'), bytes('z'), STAMP);
  builder.seal(2);
  assert.deepEqual(first, copy);
  assert.equal(first.buffer.byteLength, first.length);
});

test('our own keys cannot be written as if they were a client’s', () => {
  const builder = new WriteBatchBuilder();
  assert.throws(() => builder.putEncoded(APPLIED_DECREE_KEY, bytes('x'), STAMP), InvariantError);
  assert.throws(() => builder.deleteEncoded(APPLIED_DECREE_KEY), InvariantError);
  assert.throws(() => builder.seal(0), InvariantError);
});

test('damaged batches are told, whatever the damage', () => {
  const builder = new WriteBatchBuilder();
  builder.put(bytes('h'), bytes('a'), bytes('1'), STAMP);
  const batch = builder.seal(1);
  for (let length = 0; length < batch.length; length++) {
    assert.throws(() => [...batchRecords(batch.subarray(0, length))], BatchFormatError);
  }
  const badTag = batch.slice();
  badTag[BATCH_HEADER_BYTES] = 9;
  assert.throws(() => [...batchRecords(badTag)], BatchFormatError);
  const endless = new Uint8Array(BATCH_HEADER_BYTES + 8).fill(0xff, BATCH_HEADER_BYTES + 1);
  endless[BATCH_HEADER_BYTES] = RecordTag.delete;
  assert.throws(() => [...batchRecords(endless)], BatchFormatError);
});

test('an engine knows the decree and digest of its last batch', async () => {
  const time = new VirtualTime();
  const factory = new MemoryEngineFactory({
    disk: new MemoryDisk(),
    timers: time,
    clock: time,
    mayBlock: null,
  });
  const engine = await factory.open('e');
  assert.deepEqual(await time.run(readAppliedDecree(engine)), { decree: 0, digest: 0 });
  const batch = new WriteBatchBuilder().seal(0x2_0000_0005);
  batch.set([0xff, 0xff, 0xff, 0xfe], batch.length - 4);
  assert.equal(engine.write(batch), EngineStatus.ok);
  const applied = await time.run(readAppliedDecree(engine));
  assert.deepEqual(applied, { decree: 0x2_0000_0005, digest: -2 });
});

test('a damaged applied decree is an error of the engine, never decree 0', async () => {
  const time = new VirtualTime();
  const factory = new MemoryEngineFactory({
    disk: new MemoryDisk(),
    timers: time,
    clock: time,
    mayBlock: null,
  });
  for (const value of ['', '00', '000000000000000000000000', 'ffffffffffffffff00000000']) {
    const engine = await factory.open(`e${value}`);
    const length = (value.length / 2).toString(16).padStart(2, '0');
    const batch = Buffer.from(`000000000000000001000000${'0103ffff00'}${length}${value}`, 'hex');
    assert.equal(engine.write(new Uint8Array(batch)), EngineStatus.ok);
    await assert.rejects(time.run(readAppliedDecree(engine)), EngineError);
  }
});
