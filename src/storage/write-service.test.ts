import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, CONTEXT, readerOf, text } from '../../test/conformance/storage-fixture.ts';
import { crc64 } from '../base/crc64.ts';
import { partitionHash } from '../model/hash.ts';
import { encodeKey, HASH_KEY_BYTES_MAX, hashKeyOf, sortKeyOf } from '../model/key.ts';
import { tableSettings } from '../model/table-settings.ts';
import { ttlNow } from '../model/ttl.ts';
import { expireOf, timestampOf } from '../model/value.ts';
import {
  makeMultiPutRequest,
  makeMultiRemoveRequest,
  makeUpdateRequest,
  readMultiRemoveResponse,
  readUpdateResponse,
  writeMultiPutRequest,
  writeMultiRemoveRequest,
  writeUpdateRequest,
} from '../wire/generated/rrdb.ts';
import { RPCS, RpcCode } from '../wire/rpc-codes.ts';
import { Writer } from '../wire/writer.ts';
import { RecordTag } from './batch-format.ts';
import { batchRecords } from './batch-records.ts';
import { LatestValues } from './latest-value.ts';
import { PendingWrite, PendingWritePool } from './pending-write.ts';
import { WriteBatchBuilder } from './write-batch.ts';
import { AppendOutcome } from './write-outcome.ts';
import { WriteService } from './write-service.ts';

const WALL_MS = Date.UTC(2026, 10, 24);
const TIMESTAMP_US = WALL_MS * 1000;
const NO_HASH = { partitionHashHigh: 0, partitionHashLow: 0 };

/** A service with an open batch. */
class Bench {
  readonly service = new WriteService(
    CONTEXT,
    tableSettings(8, new Map()),
    1,
    new LatestValues({ engine: null, appliedDecree: () => 0, unapplied: () => [] }),
  );
  readonly builder = new WriteBatchBuilder();
  readonly pending = new PendingWrite();

  append(code: RpcCode, write: (writer: Writer) => void, header = NO_HASH): AppendOutcome {
    const writer = new Writer();
    write(writer);
    const reader = readerOf(writer.take());
    return this.service.append(code, reader, TIMESTAMP_US, header, this.builder, this.pending);
  }

  /** The records so far but the last, which is ours. */
  seal(): { tag: RecordTag; hashKey: string; sortKey: string; stored: Uint8Array }[] {
    const records = [...batchRecords(this.builder.seal(1))];
    return records.slice(0, -1).map(({ tag, key, value }) => ({
      tag,
      hashKey: text(hashKeyOf(key)),
      sortKey: text(sortKeyOf(key)),
      stored: value,
    }));
  }

  reply(decree: number): Uint8Array {
    const writer = new Writer();
    this.service.writeReply(this.pending, decree, writer);
    return writer.take();
  }
}

function put(key: Uint8Array, value: string, expireTsSeconds = 0): (writer: Writer) => void {
  return (writer) =>
    writeUpdateRequest(writer, {
      ...makeUpdateRequest(),
      key,
      value: bytes(value),
      expireTsSeconds,
    });
}

function multiPut(hashKey: Uint8Array, pairs: readonly (readonly [string, string])[]) {
  const kvs = pairs.map(([key, value]) => ({
    key: bytes(key),
    value: bytes(value),
    expireTsSeconds: 9,
  }));
  return (writer: Writer): void =>
    writeMultiPutRequest(writer, { ...makeMultiPutRequest(), hashKey, kvs, expireTsSeconds: 5 });
}

function multiRemove(hashKey: Uint8Array, sortKeys: readonly string[]) {
  return (writer: Writer): void =>
    writeMultiRemoveRequest(writer, {
      ...makeMultiRemoveRequest(),
      hashKey,
      sortKeys: sortKeys.map(bytes),
      maxCount: -1n,
    });
}

test('a put becomes one record with expiry, time tag and value', () => {
  const bench = new Bench();
  const outcome = bench.append(RpcCode.put, put(encodeKey(bytes('h'), bytes('s')), 'v', 77));
  assert.equal(outcome, AppendOutcome.appended);
  const [record] = bench.seal();
  assert.equal(record!.tag, RecordTag.put);
  assert.equal(record!.hashKey, 'h');
  assert.equal(record!.sortKey, 's');
  assert.equal(expireOf(record!.stored, 0), 77);
  assert.equal(timestampOf(record!.stored, 0), TIMESTAMP_US);
  assert.equal(text(record!.stored.subarray(12)), 'v');
});

test('the table’s default ttl fills in for puts that name none', () => {
  const bench = new Bench();
  bench.service.applySettings(tableSettings(8, new Map([['default_ttl', '60']])));
  bench.append(RpcCode.put, put(encodeKey(bytes('h'), bytes('a')), 'v'));
  bench.append(RpcCode.put, put(encodeKey(bytes('h'), bytes('b')), 'v', -1));
  const [first, second] = bench.seal();
  assert.equal(expireOf(first!.stored, 0), ttlNow(WALL_MS) + 60);
  assert.equal(expireOf(second!.stored, 0), 0xffffffff);
});

test('a remove becomes a delete', () => {
  const bench = new Bench();
  bench.append(RpcCode.remove, (writer) => writer.writeBlob(encodeKey(bytes('h'), bytes('s'))));
  assert.deepEqual(
    bench.seal().map(({ tag, sortKey }) => [tag, sortKey]),
    [[RecordTag.delete, 's']],
  );
});

test('a multi_put keeps order and duplicates, has one expiry, and ignores that of its rows', () => {
  const bench = new Bench();
  const pairs = [
    ['b', '1'],
    ['a', '2'],
    ['b', '3'],
  ] as const;
  bench.append(RpcCode.multiPut, multiPut(bytes('h'), pairs));
  const records = bench.seal();
  assert.deepEqual(
    records.map(({ sortKey, stored }) => [sortKey, text(stored.subarray(12))]),
    [
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
    ],
  );
  assert.ok(records.every(({ stored }) => expireOf(stored, 0) === 5));
});

test('a multi_remove counts the keys it names, duplicates too', () => {
  const bench = new Bench();
  bench.append(RpcCode.multiRemove, multiRemove(bytes('h'), ['a', 'a', 'zz']));
  const response = readMultiRemoveResponse(readerOf(bench.reply(9)));
  assert.deepEqual(response, { error: 0, count: 3, decree: 9, ...CONTEXT });
  assert.equal(bench.seal().length, 3);
});

test('empty lists are refused with error 4, add no record, and are answered with a decree', () => {
  const bench = new Bench();
  assert.equal(bench.append(RpcCode.multiPut, multiPut(bytes('h'), [])), AppendOutcome.appended);
  const put = readUpdateResponse(readerOf(bench.reply(5)));
  assert.deepEqual(put, { error: 4, decree: 5, ...CONTEXT });
  bench.append(RpcCode.multiRemove, multiRemove(bytes('h'), []));
  const remove = readMultiRemoveResponse(readerOf(bench.reply(6)));
  assert.deepEqual(remove, { error: 4, count: 0, decree: 6, ...CONTEXT });
  assert.equal(bench.builder.recordCount, 0);
});

test('keys that no client may have are refused and leave the batch as it was', () => {
  const bench = new Bench();
  bench.append(RpcCode.put, put(encodeKey(bytes('h'), bytes('s')), 'v'));
  const before = bench.builder.byteLength;
  const badKeys = [[], [0], [0, 5, 97], [0xff, 0xff], [0xff, 0xff, 0]].map(
    (key) => new Uint8Array(key),
  );
  for (const key of badKeys) {
    const outcome = bench.append(RpcCode.put, put(key, 'v'));
    assert.equal(outcome, AppendOutcome.invalidParameters);
    assert.equal(
      bench.append(RpcCode.remove, (writer) => writer.writeBlob(key)),
      AppendOutcome.invalidParameters,
    );
  }
  const tooLong = new Uint8Array(HASH_KEY_BYTES_MAX + 1);
  assert.equal(
    bench.append(RpcCode.multiPut, multiPut(tooLong, [['a', '1']])),
    AppendOutcome.invalidParameters,
  );
  assert.equal(
    bench.append(RpcCode.multiRemove, multiRemove(tooLong, ['a'])),
    AppendOutcome.invalidParameters,
  );
  assert.equal(bench.builder.byteLength, before);
});

test('a request that is cut off anywhere is refused, never half applied', () => {
  const whole = new Writer();
  multiPut(bytes('h'), [
    ['a', '1'],
    ['b', '2'],
  ])(whole);
  const body = whole.take();
  for (let length = 0; length < body.length; length++) {
    const bench = new Bench();
    const outcome = bench.append(RpcCode.multiPut, (writer) => {
      writer.writeBytes(body.subarray(0, length));
    });
    assert.equal(outcome, AppendOutcome.invalidParameters);
    assert.equal(bench.builder.recordCount, 0);
  }
});

test('a partition hash that is not the key’s is refused, 0 is not looked at', () => {
  const key = encodeKey(bytes('h'), bytes('s'));
  const hash = { high: 0, low: 0 };
  partitionHash(key, 0, key.length, hash);
  const right = { partitionHashHigh: hash.high, partitionHashLow: hash.low };
  const wrong = { partitionHashHigh: hash.high, partitionHashLow: hash.low ^ 8 };
  const bench = new Bench();
  assert.equal(bench.append(RpcCode.put, put(key, 'v'), right), AppendOutcome.appended);
  assert.equal(bench.append(RpcCode.put, put(key, 'v'), wrong), AppendOutcome.invalidParameters);
  crc64(bytes('h'), 0, 1, hash);
  assert.equal(right.partitionHashLow, hash.low);
  const rows = multiPut(bytes('h'), [['a', '1']]);
  assert.equal(bench.append(RpcCode.multiPut, rows, right), AppendOutcome.appended);
  assert.equal(bench.append(RpcCode.multiPut, rows, wrong), AppendOutcome.invalidParameters);
  assert.equal(bench.builder.recordCount, 2);
});

test('all writes are supported, and nothing else', () => {
  const { service } = new Bench();
  const supported = Object.values(RpcCode).filter((code) => service.isSupported(code));
  const writes = RPCS.filter(({ kind }) => kind === 'write').map(({ code }) => code);
  assert.deepEqual(supported, writes);
});

test('a pool hands the same records out again, clean', () => {
  const pool = new PendingWritePool(1);
  const first = pool.take();
  const second = pool.take();
  for (const pending of [first, second]) {
    pending.code = RpcCode.put;
    pending.origin = pool;
    pool.giveBack(pending);
  }
  assert.equal(pool.take(), first);
  assert.deepEqual(first, new PendingWrite());
  assert.notEqual(pool.take(), second);
});
