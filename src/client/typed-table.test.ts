/** A table with codecs speaks in the caller's types, on real servers. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  BadValueError,
  BatchError,
  type Client,
  type Codec,
  decimal,
  InDoubtError,
  InvalidArgumentError,
  int64,
  integer,
  json,
  type Table,
  text,
} from '../bin/client.ts';
import { startTestCluster, type TestCluster } from '../bin/testing.ts';

interface User {
  readonly name: string;
  readonly born: number;
}

const ADA: User = { name: 'Ada', born: 1815 };
const ALAN: User = { name: 'Alan', born: 1912 };

let cluster: TestCluster;
let client: Client;
let plain: Table;
let users: Table<Codec<string>, Codec<number>, Codec<User>>;

before(async () => {
  cluster = await startTestCluster();
  client = await cluster.connect();
  plain = client.table('temp');
  users = client.table('temp', { hashKey: text(), sortKey: integer(), value: json<User>() });
});

after(async () => {
  await client.close();
  await cluster.close();
});

test('a value comes back as it went in', async () => {
  await users.set('one', 1, ADA);
  const found: User | null = await users.get('one', 1);
  assert.deepEqual(found, ADA);
  assert.equal(await users.get('one', 2), null);
  assert.equal(await users.getString('one', 1), JSON.stringify(ADA));
  assert.equal(await users.exist('one', 1), true);
  assert.equal(await users.ttl('one', 1), Number.POSITIVE_INFINITY);
  await users.del('one', 1);
  assert.equal(await users.exist('one', 1), false);
});

/** Whether two types are the same, as a type. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

test('the types of the codecs are those of the operations', () => {
  type Users = typeof users;
  type Scanned = Users['scan'] extends (...args: never) => AsyncIterable<infer Item> ? Item : never;
  const same: [
    Same<Parameters<Users['get']>[0], string>,
    Same<Parameters<Users['get']>[1], number>,
    Same<Awaited<ReturnType<Users['get']>>, User | null>,
    Same<Parameters<Users['set']>[2], User>,
    Same<Scanned['sortKey'], number>,
    Same<Scanned['value'], User>,
    Same<Parameters<Table['get']>[1], Uint8Array | string>,
    Same<Awaited<ReturnType<Table['get']>>, Uint8Array | null>,
    Same<Parameters<Users['multiSet']>[1], Iterable<readonly [sortKey: number, value: User]>>,
    Same<NonNullable<Parameters<Users['multiGet']>[1]>['keysOnly'], false | undefined>,
  ] = [true, true, true, true, true, true, true, true, true, true];
  assert(same.every((one) => one));
});

test('rows are in the order of the numbers that are their sort keys', async () => {
  await users.multiSet('order', [
    [10, ALAN],
    [-5, ADA],
    [9, ADA],
  ]);
  const { rows, complete } = await users.multiGet('order', { start: -5, stop: 10 });
  assert.deepEqual(rows, [
    { sortKey: -5, value: ADA },
    { sortKey: 9, value: ADA },
  ]);
  assert.equal(complete, true);
  const named = await users.multiGet('order', { sortKeys: [10, 11] });
  assert.deepEqual(named.rows, [{ sortKey: 10, value: ALAN }]);
  const { sortKeys } = await users.multiGetSortKeys('order', { maxCount: 2, reverse: true });
  assert.deepEqual(sortKeys, [9, 10]);
  const scanned: [string, number, string][] = [];
  for await (const { hashKey, sortKey, value } of users.scan({ hashKey: 'order', start: 0 })) {
    scanned.push([hashKey, sortKey, value.name]);
  }
  assert.deepEqual(scanned, [
    ['order', 9, 'Ada'],
    ['order', 10, 'Alan'],
  ]);
  assert.equal(await users.delRange('order', { stop: 0 }), 1);
  await users.multiDel('order', [9]);
  assert.equal(await users.sortKeyCount('order'), 1);
});

test('codecs that are not given are bytes', async () => {
  const counters = client.table('temp', { sortKey: text(), value: decimal() });
  await counters.set(new Uint8Array([1, 2]), 'visits', 41n);
  assert.equal(await counters.incr(new Uint8Array([1, 2]), 'visits'), 42n);
  assert.equal(await counters.get('\u0001\u0002', 'visits'), 42n);
  await counters.multiSet('object', { a: 1n, b: 2n });
  const { rows } = await counters.multiGet('object');
  assert.deepEqual(rows, [
    { sortKey: 'a', value: 1n },
    { sortKey: 'b', value: 2n },
  ]);
});

test('conditional writes compare and answer in the types of the table', async () => {
  await users.set('cas', 1, ADA);
  const refused = await users.compareExchange('cas', 1, ALAN, ALAN);
  assert.deepEqual(refused, { applied: false, value: ADA });
  const done = await users.compareExchange('cas', 1, ADA, ALAN);
  assert.deepEqual(done, { applied: true, value: ADA });
  assert.deepEqual(await users.compareExchange('cas', 2, null, ADA), {
    applied: true,
    value: null,
  });
  const check = { sortKey: 1, test: 'bytesEqual', operand: ALAN } as const;
  const set = await users.checkAndSet('cas', check, ADA, { sortKey: 3, returnValue: true });
  assert.deepEqual(set, { applied: true, value: ALAN });
  const mutated = await users.checkAndMutate('cas', { sortKey: 3, test: 'exists' }, [
    { set: 4, value: ALAN },
    { del: 1 },
  ]);
  assert.deepEqual(mutated, { applied: true, value: undefined });
  const { sortKeys } = await users.multiGetSortKeys('cas');
  assert.deepEqual(sortKeys, [2, 3, 4]);
});

test('batches take and give the types of the table', async () => {
  await users.batchSet([
    { hashKey: 'batch a', sortKey: 1, value: ADA },
    { hashKey: 'batch b', sortKey: 2, value: ALAN, ttlSeconds: 100 },
  ]);
  const keys = [
    { hashKey: 'batch b', sortKey: 2 },
    { hashKey: 'batch b', sortKey: 3 },
    { hashKey: 'batch a', sortKey: 1 },
  ];
  assert.deepEqual(await users.batchGet(keys), [ALAN, null, ADA]);
  assert.equal(await users.ttl('batch a', 1), Number.POSITIVE_INFINITY);
  assert((await users.ttl('batch b', 2))! <= 100);
  await users.batchDel(keys);
  assert.deepEqual(await users.batchGet(keys), [null, null, null]);
});

test('scans of the table give the types of the table too', async () => {
  const events = client.table('temp', { hashKey: text(), sortKey: int64(), value: text() });
  await events.set('event scan', -1n, 'first');
  await events.set('event scan', 1n, 'second');
  const options = { hashKeyFilter: { match: 'prefix', pattern: 'event' } } as const;
  const found: unknown[] = [];
  for await (const row of events.scan({ ...options, withExpiry: true })) found.push(row);
  const expiresAtSeconds = Number.POSITIVE_INFINITY;
  assert.deepEqual(found, [
    { hashKey: 'event scan', sortKey: -1n, value: 'first', expiresAtSeconds },
    { hashKey: 'event scan', sortKey: 1n, value: 'second', expiresAtSeconds },
  ]);
  const [scan] = await events.scanners(1, options);
  assert.equal((await scan!.nextBatch())?.length, 2);
  const keys: bigint[] = [];
  for await (const { sortKey } of events.scanKeys(options)) keys.push(sortKey);
  assert.deepEqual(keys, [-1n, 1n]);
});

test('hedged reads give the types of the table', async () => {
  await users.set('hedged', 1, ADA);
  const hedged = users.hedged({ afterMs: 1_000, stalenessMsMax: 'any' });
  const read = await hedged.get('hedged', 1);
  assert.deepEqual([read.value, read.source, read.stalenessMs], [ADA, 'primary', 0]);
  assert.equal((await hedged.get('hedged', 2)).value, null);
  assert.equal((await hedged.ttl('hedged', 1)).value, Number.POSITIVE_INFINITY);
  assert.deepEqual((await hedged.multiGet('hedged')).value.rows, [{ sortKey: 1, value: ADA }]);
});

test('what cannot be encoded is refused before anything is sent', async () => {
  const circular: { self?: unknown } = {};
  circular.self = circular;
  const table = client.table('nowhere', { value: json<unknown>() });
  await assert.rejects(table.set('a', 'b', circular), (error) => {
    assert(error instanceof InvalidArgumentError);
    assert.match(error.message, /table "nowhere": the value cannot be encoded/);
    assert(error.cause instanceof TypeError);
    return true;
  });
  await assert.rejects(users.get('a', 0.5), InvalidArgumentError);
});

test('what cannot be decoded says which row part it was, in reads, scans and batches', async () => {
  await plain.set('damaged', integer().encode(1), 'no JSON');
  const key = { hashKey: 'damaged', sortKey: 1 };
  await assert.rejects(users.get('damaged', 1), (error) => {
    assert(error instanceof BadValueError);
    assert.match(error.message, /table "temp": a stored value cannot be decoded: SyntaxError/);
    return true;
  });
  await assert.rejects(users.batchGet([key]), BatchError);
  const [outcome] = await users.batchGetSettled([key]);
  assert(outcome?.status === 'error' && outcome.error instanceof BadValueError);
  const scan = users.scan({ hashKey: 'damaged' });
  await assert.rejects(scan.next(), BadValueError);
  assert.equal(await scan.nextBatch(), null);
});

test('a write that was applied is never reported as not applied', async () => {
  await plain.set('applied', integer().encode(1), 'no JSON');
  const check = { sortKey: 1, test: 'exists' } as const;
  await assert.rejects(users.checkAndSet('applied', check, ADA, { returnValue: true }), (error) => {
    assert(error instanceof InDoubtError);
    assert.equal(error.reason, 'badValue');
    return true;
  });
  assert.deepEqual(await users.get('applied', 1), ADA);
});
