import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  blobArgument,
  bytes,
  readerOf,
  StorageFixture,
  scanArgument,
  scannerArgument,
  text,
} from '../../test/conformance/storage-fixture.ts';
import { crc64 } from '../base/crc64.ts';
import { partitionIndexOf } from '../model/hash.ts';
import { encodeKey, hashKeyOf, RESERVED_START, sortKeyOf } from '../model/key.ts';
import {
  type GetScannerRequest,
  readScanResponse,
  type ScanResponse,
} from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { FilterType } from '../wire/schema/rrdb.ts';
import { ReadOutcome } from './read-outcome.ts';

const FINISHED = -1n;

const key = (hashKey: string, sortKey: string): Uint8Array =>
  encodeKey(bytes(hashKey), bytes(sortKey));

/** `hash key:sort key` of each row. */
function rowsOf(response: ScanResponse): string[] {
  return response.kvs.map((row) => nameOf(row.key));
}

function nameOf(encoded: Uint8Array): string {
  return `${text(hashKeyOf(encoded))}:${text(sortKeyOf(encoded))}`;
}

/** All rows that a client sees that asks until the scan is finished. */
async function walk(
  fixture: StorageFixture,
  request: Partial<GetScannerRequest>,
): Promise<{ rows: string[]; batches: number }> {
  let response = await fixture.getScanner(request);
  const rows = rowsOf(response);
  let batches = 1;
  while (response.contextId !== FINISHED) {
    assert.equal(response.error, 0);
    assert.ok(response.contextId > 0n);
    response = await fixture.scan(response.contextId);
    rows.push(...rowsOf(response));
    batches++;
  }
  return { rows, batches };
}

async function withRows(...names: string[]): Promise<StorageFixture> {
  const fixture = await StorageFixture.open();
  for (const name of names) {
    const [hashKey, sortKey] = name.split(':') as [string, string];
    fixture.put(hashKey, sortKey, `v${name}`);
  }
  fixture.apply();
  return fixture;
}

test('a full scan gives every live row once, in key order, whatever the batch size', async () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '\xff'), maxLength: 3 });
  const row = fc.record({ hashKey: word, sortKey: word, isExpired: fc.boolean() });
  const property = fc.asyncProperty(
    fc.uniqueArray(row, { maxLength: 20, selector: (one) => `${one.hashKey}:${one.sortKey}` }),
    fc.integer({ min: -1, max: 5 }),
    fc.array(fc.boolean(), { maxLength: 30 }),
    async (rows, batchSize, cold) => {
      const fixture = await StorageFixture.open();
      for (const { hashKey, sortKey, isExpired } of rows) {
        fixture.put(hashKey, sortKey, 'v', isExpired ? 1 : 0);
      }
      fixture.apply();
      let calls = 0;
      fixture.mayBlock = (): boolean => cold[calls++ % (cold.length + 1)] ?? false;
      const expected = rows
        .filter((one) => !one.isExpired)
        .map((one) => Buffer.from(key(one.hashKey, one.sortKey)))
        .sort(Buffer.compare)
        .map(nameOf);
      assert.deepEqual((await walk(fixture, { batchSize })).rows, expected);
    },
  );
  await fc.assert(property, { seed: 14, numRuns: 200 });
});

test('a scan sees the data as of its beginning', async () => {
  const fixture = await withRows('h:a', 'h:b', 'h:c');
  const first = await fixture.getScanner({ batchSize: 1 });
  fixture.remove('h', 'b');
  fixture.put('h', 'bb', 'new');
  fixture.apply();
  const second = await fixture.scan(first.contextId);
  assert.deepEqual(rowsOf(second), ['h:b']);
  assert.deepEqual(rowsOf(await fixture.scan(second.contextId)), ['h:c']);
});

test('expiry is judged anew in each batch', async () => {
  const fixture = await StorageFixture.open();
  fixture.put('h', 'a', '1');
  fixture.put('h', 'b', '2', fixture.nowSeconds + 5);
  fixture.apply();
  const first = await fixture.getScanner({ batchSize: 1 });
  await fixture.time.advance(5_000);
  assert.deepEqual(rowsOf(await fixture.scan(first.contextId)), []);
});

test('an id is good for one call, and each batch has a new one', async () => {
  const fixture = await withRows('h:a', 'h:b', 'h:c');
  const first = await fixture.getScanner({ batchSize: 1 });
  const second = await fixture.scan(first.contextId);
  assert.notEqual(second.contextId, first.contextId);
  const again = await fixture.scan(first.contextId);
  assert.deepEqual([again.error, again.contextId, again.kvs], [1, 0n, []]);
  assert.equal((await fixture.scan(second.contextId)).contextId, FINISHED);
});

test('clear_scanner has no reply and drops the scan', async () => {
  const fixture = await withRows('h:a', 'h:b');
  const { contextId } = await fixture.getScanner({ batchSize: 1 });
  const id = new Uint8Array(8);
  new DataView(id.buffer).setBigInt64(0, contextId);
  for (let attempt = 0; attempt < 2; attempt++) {
    const { outcome, result } = fixture.tryRead(RpcCode.clearScanner, id);
    assert.deepEqual([outcome, result.length], [ReadOutcome.noReply, 0]);
  }
  assert.equal(fixture.reads.scanCount, 0);
  assert.equal((await fixture.scan(contextId)).error, 1);
});

test('a scan from a hash key stays in it, unless it says otherwise or resumes a full scan', async () => {
  const fixture = await withRows('a:1', 'b:1', 'b:2', 'c:1');
  const range = { startKey: key('b', ''), stopKey: key('z', '') };
  assert.deepEqual((await walk(fixture, range)).rows, ['b:1', 'b:2']);
  const full = await walk(fixture, { ...range, fullScan: true });
  assert.deepEqual(full.rows, ['b:1', 'b:2', 'c:1']);
  const resumed = { startKey: key('b', '1'), startInclusive: false, stopKey: RESERVED_START };
  assert.deepEqual((await walk(fixture, resumed)).rows, ['b:2', 'c:1']);
  const whole = await walk(fixture, { stopKey: key('b', '2') });
  assert.deepEqual(whole.rows, ['a:1', 'b:1']);
});

test('nothing of ours is ever scanned', async () => {
  const fixture = await withRows('a:1');
  for (const stopKey of [
    [0xff, 0xff, 0xff, 0xff],
    [0xff, 0xff, 0x00],
    [0xff, 0xff],
  ]) {
    const asked = { stopKey: new Uint8Array(stopKey), stopInclusive: true, fullScan: true };
    assert.deepEqual((await walk(fixture, asked)).rows, ['a:1']);
  }
});

test('empty ranges have neither rows nor a context', async () => {
  const fixture = await withRows('h:a', 'h:b');
  const ranges: Partial<GetScannerRequest>[] = [
    { stopKey: new Uint8Array(0) },
    { startKey: key('h', 'b'), stopKey: key('h', 'a') },
    { startKey: key('h', 'a'), stopKey: key('h', 'a'), stopInclusive: false },
    { startKey: key('h', 'a'), stopKey: key('h', 'a'), startInclusive: false, stopInclusive: true },
  ];
  for (const range of ranges) {
    const { error, kvs, contextId } = await fixture.getScanner(range);
    assert.deepEqual([error, kvs, contextId], [0, [], 0n]);
  }
  const one = { startKey: key('h', 'a'), stopKey: key('h', 'a'), stopInclusive: true };
  assert.deepEqual((await walk(fixture, one)).rows, ['h:a']);
});

test('filters look at hash key and sort key apart', async () => {
  const fixture = await withRows('ax:ya', 'ax:yb', 'bx:ya', 'by:ya');
  const filtered = async (part: Partial<GetScannerRequest>): Promise<string[]> =>
    (await walk(fixture, part)).rows;
  assert.deepEqual(
    await filtered({
      hashKeyFilterType: FilterType.postfix,
      hashKeyFilterPattern: bytes('x'),
      sortKeyFilterType: FilterType.anywhere,
      sortKeyFilterPattern: bytes('a'),
    }),
    ['ax:ya', 'bx:ya'],
  );
  assert.deepEqual(
    await filtered({ hashKeyFilterType: FilterType.prefix, hashKeyFilterPattern: bytes('b') }),
    ['bx:ya', 'by:ya'],
  );
  for (const part of [{ hashKeyFilterType: 4 }, { sortKeyFilterType: -1 }]) {
    const { error, contextId } = await fixture.getScanner(part);
    assert.deepEqual([error, contextId], [4, 0n]);
  }
});

test('a hash key filter that cannot match the scan’s own hash key is an error', async () => {
  const fixture = await withRows('ax:1');
  const asked = {
    startKey: key('ax', ''),
    stopKey: key('zz', ''),
    hashKeyFilterType: FilterType.prefix,
    hashKeyFilterPattern: bytes('b'),
  };
  const longer = { ...asked, hashKeyFilterPattern: bytes('axx') };
  assert.equal((await fixture.getScanner(longer)).error, 4);
  assert.equal((await fixture.getScanner({ ...longer, fullScan: true })).error, 0);
});

test('a batch ends early when all its rows are left out, and the scan goes on', async () => {
  const fixture = await StorageFixture.open({ limits: { scanRowsMax: 10 } });
  for (let index = 10; index < 45; index++) fixture.put('h', `k${index}`, '', 1);
  fixture.put('h', 'z', '');
  fixture.apply();
  const { rows, batches } = await walk(fixture, { batchSize: 100 });
  assert.deepEqual(rows, ['h:z']);
  assert.equal(batches, 4);
});

test('a batch ends early when it is large', async () => {
  const fixture = await StorageFixture.open({ limits: { scanBytesMax: 1000 } });
  for (let index = 0; index < 1500; index++) fixture.put('h', `k${index}`, 'x'.repeat(100));
  fixture.apply();
  const { rows, batches } = await walk(fixture, {});
  assert.equal(new Set(rows).size, 1500);
  assert.ok(batches > 2);
});

test('a batch that meets cold rows is short; the next one fetches them', async () => {
  const fixture = await StorageFixture.open();
  for (let index = 1000; index < 2200; index++) fixture.put('h', `k${index}`, '');
  fixture.apply();
  let calls = 0;
  fixture.mayBlock = (): boolean => calls++ > 0;
  const now = fixture.tryRead(RpcCode.getScanner, scannerArgument({}));
  assert.equal(now.outcome, ReadOutcome.done);
  const first = readScanResponse(readerOf(now.result));
  assert.equal(first.kvs.length, 512);
  const cold = fixture.tryRead(RpcCode.scan, scanArgument(first.contextId));
  assert.equal(cold.outcome, ReadOutcome.later);
  const late = await fixture.readLater(RpcCode.scan, scanArgument(first.contextId));
  const second = readScanResponse(readerOf(late.result));
  assert.deepEqual(rowsOf(second).at(-1), 'h:k2199');
  assert.equal(second.contextId, FINISHED);
});

test('a scan that runs out of time answers its rows with error 7 and is dropped', async () => {
  const fixture = await StorageFixture.open({ settings: { rangeTimeMsMax: 1 }, stepMs: 1 });
  for (let index = 0; index < 900; index++) fixture.put('h', `k${index}`, '');
  fixture.apply();
  const { error, kvs, contextId } = await fixture.getScanner({});
  assert.deepEqual([error, contextId, kvs.length], [7, 0n, 512]);
  assert.equal(fixture.reads.scanCount, 0);
});

test('values, expiry and rows themselves are answered as far as they are asked for', async () => {
  const fixture = await StorageFixture.open();
  const expire = fixture.nowSeconds + 100;
  fixture.put('h', 'a', 'va', expire);
  fixture.put('h', 'b', 'vb');
  fixture.apply();
  const plain = await fixture.getScanner({});
  assert.deepEqual(
    plain.kvs.map((row) => [text(row.value), row.expireTsSeconds]),
    [
      ['va', undefined],
      ['vb', undefined],
    ],
  );
  const bare = await fixture.getScanner({ noValue: true, returnExpireTs: true });
  assert.deepEqual(
    bare.kvs.map((row) => [text(row.value), row.expireTsSeconds]),
    [
      ['', expire],
      ['', 0],
    ],
  );
  const counted = await fixture.getScanner({ onlyReturnCount: true, batchSize: 1 });
  assert.deepEqual([counted.kvs, counted.kvCount], [[], 1]);
  const last = await fixture.scan(counted.contextId);
  assert.deepEqual([last.kvCount, last.contextId], [1, FINISHED]);
});

test('rows of other partitions are left out only when table and request both say so', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `h${index}`);
  const open = async (validatePartitionHash: boolean): Promise<StorageFixture> => {
    const fixture = await StorageFixture.open({ settings: { validatePartitionHash } });
    for (const name of names) fixture.put(name, 's', '');
    fixture.apply();
    return fixture;
  };
  const own = names.filter((name) => {
    const hash = { high: 0, low: 0 };
    crc64(bytes(name), 0, name.length, hash);
    return partitionIndexOf(hash, 8) === 0;
  });
  assert.ok(own.length > 0 && own.length < names.length);
  const strict = await open(true);
  assert.equal((await walk(strict, {})).rows.length, own.length);
  assert.equal((await walk(strict, { validatePartitionHash: true })).rows.length, own.length);
  assert.equal((await walk(strict, { validatePartitionHash: false })).rows.length, names.length);
  const lax = await open(false);
  assert.equal((await walk(lax, { validatePartitionHash: true })).rows.length, names.length);
});

test('a scan that is under way does not lose rows to other reads in between', async () => {
  const fixture = await withRows('h:a', 'h:b', 'h:c');
  const first = await fixture.getScanner({ batchSize: 2 });
  await fixture.read(RpcCode.get, blobArgument(key('h', 'a')));
  assert.deepEqual(rowsOf(await fixture.scan(first.contextId)), ['h:c']);
});

test('a scan of the whole partition leaves the cache to others, one of a hash key does not', async () => {
  const fixture = await withRows('a:1', 'b:1');
  const { engine } = fixture;
  const asked: boolean[] = [];
  const iterate = engine.iterate.bind(engine);
  engine.iterate = (options) => {
    asked.push(options.fillCache);
    return iterate(options);
  };
  await fixture.getScanner({});
  await fixture.getScanner({ startKey: key('a', ''), stopKey: key('a', '9') });
  await fixture.multiGet({ hashKey: bytes('a') });
  assert.deepEqual(asked, [false, true, true]);
});
