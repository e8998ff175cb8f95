import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CONTEXT } from '../../test/conformance/storage-fixture.ts';
import {
  type FullData,
  type KeyValue,
  writeBatchGetResponse,
  writeCountResponse,
  writeMultiGetResponse,
  writeReadResponse,
  writeScanResponse,
  writeTtlResponse,
} from '../wire/generated/rrdb.ts';
import { Writer } from '../wire/writer.ts';
import { CONTEXT_FINISHED, CONTEXT_NONE, ReadReplies, RowList } from './read-replies.ts';

const replies = new ReadReplies(CONTEXT);

/** What both write has to be the same bytes; there is output before it, as in a real reply. */
function assertSame(byHand: (writer: Writer) => void, generated: (writer: Writer) => void): void {
  const [one, other] = [new Writer(16), new Writer(16)];
  one.writeI32(7);
  other.writeI32(7);
  byHand(one);
  generated(other);
  assert.deepEqual(one.take(), other.take());
}

const blob = fc.uint8Array({ maxLength: 100 });
const row: fc.Arbitrary<KeyValue> = fc.record({
  key: blob,
  value: blob,
  expireTsSeconds: fc.option(fc.nat(), { nil: undefined }),
});
const rows = fc.array(row, { maxLength: 8 });

/** Rows out of one larger buffer, as from an engine. */
function addRows(list: RowList, kvs: readonly KeyValue[]): void {
  for (const { key, value, expireTsSeconds } of kvs) {
    const bytes = new Uint8Array([1, 2, ...key, ...value, 3]);
    const valueAt = 2 + key.length;
    list.addKeyValue(bytes, 2, valueAt, valueAt, valueAt + value.length, expireTsSeconds ?? -1);
  }
}

test('single results are written as the generated code writes them', () => {
  fc.assert(
    fc.property(blob, fc.integer({ min: -9, max: 9 }), (value, number) => {
      const padded = new Uint8Array([5, ...value, 6, 6]);
      assertSame(
        (writer) => replies.writeValue(writer, 1, padded, 1, 1 + value.length),
        (writer) => writeReadResponse(writer, { error: 1, value, ...CONTEXT }),
      );
      assertSame(
        (writer) => replies.writeTtl(writer, 0, number),
        (writer) => writeTtlResponse(writer, { error: 0, ttlSeconds: number, ...CONTEXT }),
      );
      assertSame(
        (writer) => replies.writeCount(writer, 0, number),
        (writer) => writeCountResponse(writer, { error: 0, count: number, ...CONTEXT }),
      );
    }),
    { seed: 6 },
  );
});

test('lists of rows are written as the generated code writes them', () => {
  fc.assert(
    fc.property(rows, (kvs) => {
      assertSame(
        (writer) => {
          const list = new RowList(writer, false);
          addRows(list, kvs);
          replies.finishRows(list, 7);
        },
        (writer) => writeMultiGetResponse(writer, { error: 7, kvs, ...CONTEXT }),
      );
    }),
    { seed: 7 },
  );
});

test('a reversed list comes out in ascending order', () => {
  fc.assert(
    fc.property(rows, (kvs) => {
      assertSame(
        (writer) => {
          const list = new RowList(writer, true);
          addRows(list, [...kvs].reverse());
          replies.finishRows(list, 0);
        },
        (writer) => writeMultiGetResponse(writer, { error: 0, kvs, ...CONTEXT }),
      );
    }),
    { seed: 8 },
  );
});

test('rows of named keys are written as the generated code writes them', () => {
  const data: fc.Arbitrary<FullData> = fc.record({ hashKey: blob, sortKey: blob, value: blob });
  fc.assert(
    fc.property(fc.array(data, { maxLength: 8 }), (found) => {
      assertSame(
        (writer) => {
          const list = new RowList(writer, false);
          for (const { hashKey, sortKey, value } of found) {
            list.addFullData(hashKey, sortKey, value, 0, value.length);
          }
          replies.finishRows(list, 0);
        },
        (writer) => writeBatchGetResponse(writer, { error: 0, data: found, ...CONTEXT }),
      );
      const kvs = found.map(({ sortKey, value }) => ({
        key: sortKey,
        value,
        expireTsSeconds: undefined,
      }));
      assertSame(
        (writer) => {
          const list = new RowList(writer, false);
          for (const { key, value } of kvs) list.addNamed(key, value, 0, value.length);
          replies.finishRows(list, 0);
        },
        (writer) => writeMultiGetResponse(writer, { error: 0, kvs, ...CONTEXT }),
      );
    }),
    { seed: 9 },
  );
});

test('scan results are written as the generated code writes them', () => {
  const ids = [
    [CONTEXT_NONE, 0n],
    [CONTEXT_FINISHED, -1n],
    [{ high: 0x7fffffff, low: 0x80000001 }, 0x7fffffff80000001n],
  ] as const;
  fc.assert(
    fc.property(rows, fc.constantFrom(...ids), fc.boolean(), (kvs, [id, contextId], counts) => {
      assertSame(
        (writer) => {
          const list = new RowList(writer, false);
          addRows(list, kvs);
          replies.finishScan(list, 0, id, counts ? 5 : -1);
        },
        (writer) =>
          writeScanResponse(writer, {
            error: 0,
            kvs,
            contextId,
            ...CONTEXT,
            kvCount: counts ? 5 : undefined,
          }),
      );
    }),
    { seed: 10 },
  );
});
