import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  blobArgument,
  bytes,
  multiGetArgument,
  readerOf,
  StorageFixture,
  scannerArgument,
  text,
} from '../../test/conformance/storage-fixture.ts';
import { encodeKey } from '../model/key.ts';
import {
  readBatchGetResponse,
  readCountResponse,
  readReadResponse,
  readTtlResponse,
  writeBatchGetRequest,
} from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { Writer } from '../wire/writer.ts';
import { ReadOutcome } from './read-outcome.ts';

const key = (hashKey: string, sortKey: string): Uint8Array =>
  blobArgument(encodeKey(bytes(hashKey), bytes(sortKey)));

function batchGetArgument(keys: readonly (readonly [string, string])[]): Uint8Array {
  const writer = new Writer();
  writeBatchGetRequest(writer, {
    keys: keys.map(([hashKey, sortKey]) => ({ hashKey: bytes(hashKey), sortKey: bytes(sortKey) })),
  });
  return writer.take();
}

test('get and ttl answer what is there, what is not, and what has expired', async () => {
  const fixture = await StorageFixture.open();
  fixture.put('h', 'for ever', 'a');
  fixture.put('h', 'mortal', 'b', fixture.nowSeconds + 10);
  fixture.put('h', 'empty', '');
  fixture.apply();
  const get = async (sortKey: string): Promise<[number, string]> => {
    const response = readReadResponse(await fixture.read(RpcCode.get, key('h', sortKey)));
    return [response.error, text(response.value)];
  };
  const ttl = async (sortKey: string): Promise<[number, number]> => {
    const response = readTtlResponse(await fixture.read(RpcCode.ttl, key('h', sortKey)));
    return [response.error, response.ttlSeconds];
  };
  assert.deepEqual(await get('for ever'), [0, 'a']);
  assert.deepEqual(await get('empty'), [0, '']);
  assert.deepEqual(await get('absent'), [1, '']);
  assert.deepEqual(await ttl('for ever'), [0, -1]);
  assert.deepEqual(await ttl('mortal'), [0, 10]);
  await fixture.time.advance(9_000);
  assert.deepEqual(await get('mortal'), [0, 'b']);
  await fixture.time.advance(1_000);
  assert.deepEqual(await get('mortal'), [1, '']);
  assert.deepEqual(await ttl('mortal'), [1, 0]);
});

test('a read that would wait for the disk writes nothing, and is answered later', async () => {
  const fixture = await StorageFixture.open();
  fixture.put('h', 's', 'v');
  fixture.apply();
  fixture.mayBlock = (): boolean => true;
  const requests: [RpcCode, Uint8Array][] = [
    [RpcCode.get, key('h', 's')],
    [RpcCode.ttl, key('h', 's')],
    [RpcCode.sortkeyCount, blobArgument(bytes('h'))],
    [RpcCode.multiGet, multiGetArgument({ hashKey: bytes('h') })],
    [RpcCode.multiGet, multiGetArgument({ hashKey: bytes('h'), sortKeys: [bytes('s')] })],
    [RpcCode.batchGet, batchGetArgument([['h', 's']])],
    [RpcCode.getScanner, scannerArgument({})],
  ];
  for (const [code, argument] of requests) {
    fixture.mayBlock = (): boolean => true;
    const reader = readerOf(argument);
    const writer = new Writer();
    writer.writeI32(1);
    assert.equal(fixture.reads.tryRead(code, reader, writer), ReadOutcome.later);
    assert.equal(writer.length, 4);
    assert.equal(reader.position, 0, 'the reader stands where it stood');
    const late = await fixture.readLater(code, argument);
    fixture.mayBlock = (): boolean => false;
    const now = fixture.tryRead(code, argument);
    assert.deepEqual(late, now);
  }
});

test('keys that cannot exist, and bodies that are none, are told from absent rows', async () => {
  const fixture = await StorageFixture.open();
  const tooLong = new Uint8Array(65_535);
  const refused: [RpcCode, Uint8Array][] = [
    [RpcCode.get, blobArgument(new Uint8Array([0]))],
    [RpcCode.get, blobArgument(new Uint8Array([0xff, 0xff, 0]))],
    [RpcCode.ttl, blobArgument(new Uint8Array([0, 9, 1]))],
    [RpcCode.get, new Uint8Array([0, 0, 0, 9, 1])],
    [RpcCode.sortkeyCount, blobArgument(tooLong)],
    [RpcCode.multiGet, multiGetArgument({ hashKey: tooLong })],
    [RpcCode.multiGet, new Uint8Array([12])],
    [RpcCode.batchGet, batchGetArgument([['x'.repeat(65_535), 's']])],
    [RpcCode.getScanner, scannerArgument({ startKey: new Uint8Array(0) })],
    [RpcCode.getScanner, scannerArgument({ startKey: new Uint8Array([0xff, 0xff]) })],
    [RpcCode.scan, new Uint8Array([10, 0])],
    [RpcCode.clearScanner, new Uint8Array([1, 2, 3])],
  ];
  for (const [code, argument] of refused) {
    const { outcome, result } = fixture.tryRead(code, argument);
    assert.equal(outcome, ReadOutcome.invalidParameters, `code ${code}`);
    assert.equal(result.length, 0);
    const late = await fixture.readLater(code, argument);
    assert.equal(
      late.outcome,
      ReadOutcome.invalidParameters,
      `code ${code}, held before it was tried`,
    );
  }
});

test('a clear_scanner that was held back is done late, and has no reply either', async () => {
  const fixture = await StorageFixture.open();
  for (const sortKey of ['a', 'b']) fixture.put('h', sortKey, '');
  fixture.apply();
  const { contextId } = await fixture.getScanner({ batchSize: 1 });
  const argument = new Uint8Array(8);
  new DataView(argument.buffer).setBigInt64(0, contextId);
  const { outcome } = await fixture.readLater(RpcCode.clearScanner, argument);
  assert.deepEqual([outcome, fixture.reads.scanCount], [ReadOutcome.noReply, 0]);
});

test('a stored value without its header fails the read instead of being answered', async () => {
  const fixture = await StorageFixture.open();
  const record = '0104' + '00016873' + '03' + '010203';
  fixture.applyBatch(new Uint8Array(Buffer.from(`000000000000000001000000${record}`, 'hex')));
  const requests: [RpcCode, Uint8Array][] = [
    [RpcCode.get, key('h', 's')],
    [RpcCode.multiGet, multiGetArgument({ hashKey: bytes('h') })],
    [RpcCode.multiGet, multiGetArgument({ hashKey: bytes('h'), sortKeys: [bytes('s')] })],
    [RpcCode.sortkeyCount, blobArgument(bytes('h'))],
    [RpcCode.batchGet, batchGetArgument([['h', 's']])],
    [RpcCode.getScanner, scannerArgument({})],
  ];
  for (const [code, argument] of requests) {
    assert.equal(fixture.tryRead(code, argument).outcome, ReadOutcome.failed);
    assert.equal((await fixture.readLater(code, argument)).outcome, ReadOutcome.failed);
  }
});

test('sortkey_count counts live rows of one hash key, over many turns when there are many', async () => {
  const fixture = await StorageFixture.open({
    limits: { turnRowsMax: 1000, multiGetRowsMax: 1000, scanRowsMax: 1000 },
  });
  for (let index = 0; index < 2500; index++) fixture.put('h', `k${index}`, '');
  fixture.put('h', 'dead', '', 1);
  fixture.put('g', 'neighbour', '');
  fixture.put('i', 'neighbour', '');
  fixture.apply();
  const argument = blobArgument(bytes('h'));
  assert.equal(fixture.tryRead(RpcCode.sortkeyCount, argument).outcome, ReadOutcome.later);
  const response = readCountResponse(await fixture.read(RpcCode.sortkeyCount, argument));
  assert.deepEqual([response.error, response.count], [0, 2500]);
});

test('a count that runs out of time answers -1, at once or later', async () => {
  const fixture = await StorageFixture.open({ settings: { rangeTimeMsMax: 5 }, stepMs: 2 });
  for (let index = 0; index < 4000; index++) fixture.put('h', `k${index}`, '');
  fixture.apply();
  const argument = blobArgument(bytes('h'));
  for (const isCold of [false, true]) {
    fixture.mayBlock = (): boolean => isCold;
    const response = readCountResponse(await fixture.read(RpcCode.sortkeyCount, argument));
    assert.deepEqual([response.error, response.count], [0, -1]);
  }
});

test('batch_get answers in the order of the request and leaves out what is not there', async () => {
  const fixture = await StorageFixture.open();
  fixture.put('h', 'a', '1');
  fixture.put('i', 'b', '2');
  fixture.put('i', 'dead', '3', 1);
  fixture.apply();
  const asked = [
    ['i', 'b'],
    ['h', 'zz'],
    ['i', 'dead'],
    ['h', 'a'],
    ['i', 'b'],
  ] as const;
  const reader = await fixture.read(RpcCode.batchGet, batchGetArgument(asked));
  const { error, data } = readBatchGetResponse(reader);
  assert.equal(error, 0);
  assert.deepEqual(
    data.map((row) => [row.hashKey, row.sortKey, row.value].map(text).join(' ')),
    ['i b 2', 'h a 1', 'i b 2'],
  );
});

test('a batch_get that outgrows a reply says so', async () => {
  const fixture = await StorageFixture.open({ limits: { replyBytesMax: 10 } });
  for (const sortKey of ['a', 'b', 'c']) fixture.put('h', sortKey, '12345678');
  fixture.apply();
  const asked = [
    ['h', 'a'],
    ['h', 'b'],
    ['h', 'c'],
  ] as const;
  const reader = await fixture.read(RpcCode.batchGet, batchGetArgument(asked));
  const { error, data } = readBatchGetResponse(reader);
  assert.deepEqual([error, data.length], [7, 1]);
});

test('very many keys are read over several turns, with the same answer', async () => {
  const fixture = await StorageFixture.open();
  const asked: [string, string][] = [];
  for (let index = 0; index < 5000; index++) {
    if (index % 2 === 0) fixture.put('h', `k${index}`, `${index}`);
    asked.push(['h', `k${index}`]);
  }
  fixture.apply();
  const argument = batchGetArgument(asked);
  assert.equal(fixture.tryRead(RpcCode.batchGet, argument).outcome, ReadOutcome.later);
  const { data } = readBatchGetResponse(await fixture.read(RpcCode.batchGet, argument));
  assert.deepEqual(
    data.map((row) => text(row.value)),
    asked.map((_, index) => `${index}`).filter((_, index) => index % 2 === 0),
  );
});

test('closing ends the reads that are under way and all scans', async () => {
  const fixture = await StorageFixture.open();
  for (let index = 0; index < 2000; index++) fixture.put('h', `k${index}`, '');
  fixture.apply();
  await fixture.getScanner({ batchSize: 1 });
  assert.equal(fixture.reads.scanCount, 1);
  const outcomes: ReadOutcome[] = [];
  const requests: [RpcCode, Uint8Array][] = [
    [RpcCode.get, key('h', 'k1')],
    [RpcCode.sortkeyCount, blobArgument(bytes('h'))],
    [RpcCode.batchGet, batchGetArgument([['h', 'k1']])],
    [RpcCode.getScanner, scannerArgument({})],
  ];
  for (const [code, argument] of requests) {
    fixture.reads.readLater(code, argument, (outcome) => outcomes.push(outcome));
  }
  fixture.reads.close();
  fixture.reads.close();
  assert.equal(fixture.reads.scanCount, 0);
  await fixture.time.advance(10);
  assert.deepEqual(
    outcomes,
    requests.map(() => ReadOutcome.closed),
  );
  for (const [code, argument] of requests) {
    assert.equal(fixture.tryRead(code, argument).outcome, ReadOutcome.closed);
    assert.equal((await fixture.readLater(code, argument)).outcome, ReadOutcome.closed);
  }
  await fixture.time.run(fixture.engine.close({ flush: false }));
});
