/** Counters and conditional writes, rule by rule, against an engine: what they answer, and what is stored then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bytes,
  CONTEXT,
  readerOf,
  StorageFixture,
  text,
} from '../../test/conformance/storage-fixture.ts';
import { EngineStatus } from '../env/engine.ts';
import { encodeKey } from '../model/key.ts';
import { tableSettings } from '../model/table-settings.ts';
import { expireOf, VALUE_HEADER_BYTES } from '../model/value.ts';
import {
  type CheckAndMutateRequest,
  type CheckAndSetRequest,
  type CheckAndSetResponse,
  type IncrResponse,
  makeCheckAndMutateRequest,
  makeCheckAndSetRequest,
  readCheckAndSetResponse,
  readIncrResponse,
  writeCheckAndMutateRequest,
  writeCheckAndSetRequest,
  writeIncrRequest,
} from '../wire/generated/rrdb.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { CasCheckType, MutateOperation, StorageStatus } from '../wire/schema/rrdb.ts';
import { Writer } from '../wire/writer.ts';
import { LatestValues } from './latest-value.ts';
import { PendingWrite } from './pending-write.ts';
import { WriteBatchBuilder } from './write-batch.ts';
import { AppendOutcome } from './write-outcome.ts';
import { WriteService } from './write-service.ts';

const NO_HASH = { partitionHashHigh: 0, partitionHashLow: 0 };
const HASH_KEY = 'h';
const INT64_MAX = 2n ** 63n - 1n;

/** One partition, whose writes are applied as soon as they are made. */
class Bench {
  readonly now: number;
  private readonly fixture: StorageFixture;
  private readonly service: WriteService;
  private decree = 0;

  private constructor(fixture: StorageFixture, defaultTtlSeconds: number) {
    this.fixture = fixture;
    this.now = fixture.nowSeconds;
    const { engine } = fixture;
    const source = { engine, appliedDecree: () => this.decree, unapplied: () => [] };
    const envs = new Map([['default_ttl', String(defaultTtlSeconds)]]);
    const settings = tableSettings(8, envs);
    this.service = new WriteService(CONTEXT, settings, 1, new LatestValues(source));
  }

  static async open(defaultTtlSeconds = 0): Promise<Bench> {
    return new Bench(await StorageFixture.open(), defaultTtlSeconds);
  }

  put(sortKey: string, value: string, expireSeconds = 0): void {
    this.fixture.put(HASH_KEY, sortKey, value, expireSeconds);
    this.decree += 1;
    this.fixture.apply();
  }

  incr(increment: bigint, expireTsSeconds = 0, sortKey = 's'): IncrResponse {
    const key = encodeKey(bytes(HASH_KEY), bytes(sortKey));
    const reply = this.do(RpcCode.incr, (writer) =>
      writeIncrRequest(writer, { key, increment, expireTsSeconds }),
    );
    return readIncrResponse(readerOf(reply));
  }

  checkAndSet(request: Partial<CheckAndSetRequest>): CheckAndSetResponse {
    const full = { ...makeCheckAndSetRequest(), hashKey: bytes(HASH_KEY), ...request };
    const reply = this.do(RpcCode.checkAndSet, (writer) => writeCheckAndSetRequest(writer, full));
    return readCheckAndSetResponse(readerOf(reply));
  }

  checkAndMutate(request: Partial<CheckAndMutateRequest>): CheckAndSetResponse {
    const full = { ...makeCheckAndMutateRequest(), hashKey: bytes(HASH_KEY), ...request };
    const reply = this.do(RpcCode.checkAndMutate, (writer) =>
      writeCheckAndMutateRequest(writer, full),
    );
    return readCheckAndSetResponse(readerOf(reply));
  }

  /** Null: no such row. */
  stored(sortKey: string): { readonly value: string; readonly expireSeconds: number } | null {
    const view = { bytes: new Uint8Array(0), start: 0, end: 0 };
    const status = this.fixture.engine.get(encodeKey(bytes(HASH_KEY), bytes(sortKey)), view);
    if (status === EngineStatus.notFound) return null;
    const value = text(view.bytes.subarray(view.start + VALUE_HEADER_BYTES, view.end));
    return { value, expireSeconds: expireOf(view.bytes, view.start) };
  }

  private do(code: RpcCode, write: (writer: Writer) => void): Uint8Array {
    const argument = new Writer();
    write(argument);
    const builder = new WriteBatchBuilder();
    const pending = new PendingWrite();
    const timestampUs = this.fixture.time.wallMs() * 1_000;
    const reader = readerOf(argument.take());
    const outcome = this.service.append(code, reader, timestampUs, NO_HASH, builder, pending);
    assert.equal(outcome, AppendOutcome.appended);
    this.decree += 1;
    this.fixture.applyBatch(builder.seal(this.decree));
    const reply = new Writer();
    this.service.writeReply(pending, this.decree, reply);
    return reply.take();
  }
}

test('a counter begins at 0, counts both ways, and is stored as decimal text', async () => {
  const bench = await Bench.open();
  assert.equal(bench.incr(5n).newValue, 5n);
  assert.equal(bench.incr(-12n).newValue, -7n);
  assert.equal(bench.stored('s')!.value, '-7');
  bench.put('empty', '');
  assert.equal(bench.incr(1n, 0, 'empty').newValue, 1n, 'an empty value is 0 as well');
});

test('a counter reads numbers as C does, and refuses what is none', async () => {
  const bench = await Bench.open();
  for (const [written, number] of [
    ['0x1f', 31n],
    ['010', 8n],
    ['  +7', 7n],
  ] as const) {
    bench.put('s', written);
    assert.equal(bench.incr(0n).newValue, number, written);
  }
  for (const written of ['1 ', 'one', '1\0', '9223372036854775808']) {
    bench.put('s', written);
    const { error, newValue } = bench.incr(1n);
    assert.equal(error, StorageStatus.invalidArgument, written);
    assert.equal(newValue, 0n);
    assert.equal(bench.stored('s')!.value, written, 'and it stays as it is');
  }
});

test('a counter that would leave 64 bits stays, and the answer holds what it is', async () => {
  const bench = await Bench.open();
  bench.put('s', String(INT64_MAX));
  const { error, newValue } = bench.incr(1n);
  assert.equal(error, StorageStatus.invalidArgument);
  assert.equal(newValue, INT64_MAX);
  assert.equal(bench.incr(-1n).newValue, INT64_MAX - 1n);
});

test('the expiry of a counter is kept with 0, replaced with another time, cleared with a negative one', async () => {
  const bench = await Bench.open();
  const { now } = bench;
  const expiry = (): number => bench.stored('s')!.expireSeconds;
  bench.put('s', '1', now + 100);
  bench.incr(1n);
  assert.equal(expiry(), now + 100);
  bench.incr(1n, now + 500);
  assert.equal(expiry(), now + 500);
  bench.incr(1n, -1);
  assert.equal(expiry(), 0);
  bench.put('s', '41', now - 1);
  assert.equal(bench.incr(1n).newValue, 1n, 'an expired one begins anew');
  assert.equal(expiry(), 0);
});

test('a counter without expiry gets the default of its table', async () => {
  const bench = await Bench.open(1_000);
  bench.incr(1n);
  assert.equal(bench.stored('s')!.expireSeconds, bench.now + 1_000);
});

/** A check, its operand, the stored values that pass, those that do not, and those that are refused. Null: no row. */
type Case = readonly [
  type: CasCheckType,
  operand: string,
  passing: readonly (string | null)[],
  failing: readonly (string | null)[],
  invalid?: readonly string[],
];

const C = CasCheckType;
const CASES: readonly Case[] = [
  [C.noCheck, '', [null, '', 'a'], []],
  [C.valueNotExist, '', [null], ['', 'a']],
  [C.valueNotExistOrEmpty, '', [null, ''], ['a']],
  [C.valueExist, '', ['', 'a'], [null]],
  [C.valueNotEmpty, '', ['a'], [null, '']],
  [C.matchAnywhere, 'b', ['b', 'abc'], [null, '', 'acd']],
  [C.matchAnywhere, '', ['', 'a'], [null]],
  [C.matchPrefix, 'ab', ['ab', 'abc'], [null, 'a', 'cab']],
  [C.matchPostfix, 'bc', ['bc', 'abc'], [null, 'c', 'bca']],
  [C.bytesLess, 'b', ['', 'a', 'azz'], [null, 'b', 'ba', '\xff']],
  [C.bytesLessOrEqual, 'b', ['a', 'b'], [null, 'ba', '\xff']],
  [C.bytesEqual, 'b', ['b'], [null, '', 'a', 'ba']],
  [C.bytesGreaterOrEqual, 'b', ['b', 'ba', '\xff'], [null, 'a', '']],
  [C.bytesGreater, 'b', ['ba', '\xff'], [null, 'b', 'azz']],
  [C.intLess, '10', ['9', '-100', '0x9'], [null, '10', '11'], ['', 'ten', '1 ']],
  [C.intLessOrEqual, '10', ['9', '10', '012'], [null, '11'], ['ten']],
  [C.intEqual, '10', ['10', '0xa', '+10'], [null, '9', '100'], ['ten']],
  [C.intGreaterOrEqual, '10', ['10', '11'], [null, '9'], ['ten']],
  [C.intGreater, '10', ['11', '9223372036854775807'], [null, '10'], ['9223372036854775808']],
];

test('all 18 checks hold where they should, and only there', async () => {
  assert.equal(new Set(CASES.map(([type]) => type)).size, 18);
  for (const [checkType, operand, passing, failing, invalid = []] of CASES) {
    const results: [string | null, StorageStatus][] = [
      ...passing.map((value): [string | null, StorageStatus] => [value, StorageStatus.ok]),
      ...failing.map((value): [string | null, StorageStatus] => [value, StorageStatus.tryAgain]),
      ...invalid.map((value): [string, StorageStatus] => [value, StorageStatus.invalidArgument]),
    ];
    for (const [value, expected] of results) {
      const bench = await Bench.open();
      if (value !== null) bench.put('check', value);
      const { error } = bench.checkAndSet({
        checkSortKey: bytes('check'),
        checkType,
        checkOperand: bytes(operand),
        setDiffSortKey: true,
        setSortKey: bytes('set'),
        setValue: bytes('new'),
      });
      const what = `check ${checkType} of ${JSON.stringify(value)} with ${JSON.stringify(operand)}`;
      assert.equal(error, expected, what);
      assert.equal(bench.stored('set')?.value, error === 0 ? 'new' : undefined, what);
    }
  }
});

test('an operand that is no number is refused where there is a value, and fails where there is none', async () => {
  const bench = await Bench.open();
  const check = { checkSortKey: bytes('s'), checkType: C.intLess, checkOperand: bytes('x') };
  assert.equal(bench.checkAndSet(check).error, StorageStatus.tryAgain);
  bench.put('s', '1');
  assert.equal(bench.checkAndSet(check).error, StorageStatus.invalidArgument);
  for (const checkType of [-1, 18]) {
    const { error } = bench.checkAndSet({ ...check, checkType });
    assert.equal(error, StorageStatus.invalidArgument, 'there is no such check');
  }
  assert.equal(bench.stored('s')!.value, '1');
});

test('the value that was checked is answered to those who ask, whatever came of the check', async () => {
  const bench = await Bench.open();
  const check = { checkSortKey: bytes('s'), checkType: C.valueNotExist, setValue: bytes('first') };
  const absent = bench.checkAndSet({ ...check, returnCheckValue: true });
  assert.deepEqual([absent.checkValueReturned, absent.checkValueExist], [true, false]);
  const present = bench.checkAndSet({ ...check, returnCheckValue: true });
  assert.equal(present.error, StorageStatus.tryAgain);
  assert.equal(text(present.checkValue), 'first');
  const silent = bench.checkAndSet(check);
  assert.deepEqual([silent.checkValueReturned, silent.checkValue.length], [false, 0]);
});

test('an expired row does not exist for a check', async () => {
  const bench = await Bench.open();
  bench.put('s', 'old', bench.now - 1);
  const check = { checkSortKey: bytes('s'), checkType: C.valueNotExist, setValue: bytes('new') };
  assert.equal(bench.checkAndSet({ ...check, setExpireTsSeconds: bench.now + 9 }).error, 0);
  assert.deepEqual(bench.stored('s'), { value: 'new', expireSeconds: bench.now + 9 });
});

test('a list of writes is done in its order, as a whole, and not at all when the check fails', async () => {
  const bench = await Bench.open();
  const mutate = (operation: number, sortKey: string, value = '') => ({
    operation,
    sortKey: bytes(sortKey),
    value: bytes(value),
    setExpireTsSeconds: 0,
  });
  const mutateList = [
    mutate(MutateOperation.put, 'a', '1'),
    mutate(MutateOperation.put, 'b', '1'),
    mutate(MutateOperation.delete, 'b'),
    mutate(MutateOperation.delete, 'c'),
    mutate(MutateOperation.put, 'c', '2'),
  ];
  const check = { checkSortKey: bytes('lock'), checkType: C.valueNotExist, mutateList };
  assert.equal(bench.checkAndMutate(check).error, 0);
  assert.deepEqual(
    ['a', 'b', 'c'].map((sortKey) => bench.stored(sortKey)?.value),
    ['1', undefined, '2'],
  );
  bench.put('lock', '');
  bench.put('a', 'kept');
  assert.equal(bench.checkAndMutate(check).error, StorageStatus.tryAgain);
  assert.equal(bench.stored('a')!.value, 'kept');
  for (const bad of [[], [...mutateList, mutate(2, 'd')]]) {
    const { error } = bench.checkAndMutate({ ...check, checkType: C.noCheck, mutateList: bad });
    assert.equal(error, StorageStatus.invalidArgument);
    assert.equal(bench.stored('a')!.value, 'kept', 'nothing of a list with a wrong entry is done');
  }
});
