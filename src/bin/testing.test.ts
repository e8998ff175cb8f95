/** The published test cluster and the published client, together: the whole API on real servers in this process. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RawClient } from '../../test/support/raw-client.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { decodeUtf8 } from '../base/utf8.ts';
import { readNegotiationResponse, writeNegotiationRequest } from '../wire/generated/meta.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { NegotiationStatus } from '../wire/schema/meta.ts';
import { type Client, connect, RejectedError, type Table, UnavailableError } from './client.ts';
import { startTestCluster, type TestCluster } from './testing.ts';

let cluster: TestCluster;
let client: Client;
let table: Table;

const text = (bytes: Uint8Array): string => decodeUtf8(bytes, 0, bytes.length);

before(async () => {
  cluster = await startTestCluster();
  client = await cluster.connect();
  table = client.table('temp');
});

after(async () => {
  await client.close();
  await cluster.close();
});

test('a row is set, read, and deleted', async () => {
  assert.equal(await table.get('ada', 'born'), null);
  await table.set('ada', 'born', '1815');
  assert.equal(await table.getString('ada', 'born'), '1815');
  assert.equal(await table.exist('ada', 'born'), true);
  await table.del('ada', 'born');
  assert.equal(await table.exist('ada', 'born'), false);
});

test('keys and values may be any bytes', async () => {
  const hashKey = new Uint8Array([0, 255, 0, 128]);
  const sortKey = new Uint8Array([255, 255]);
  const value = Uint8Array.from({ length: 256 }, (_, index) => index);
  await table.set(hashKey, sortKey, value);
  assert.deepEqual(await table.get(hashKey, sortKey), value);
  await table.set('', 'only a sort key', 'value');
  assert.equal(await table.getString('', 'only a sort key'), 'value');
  await table.set('empty value', '', '');
  assert.deepEqual(await table.get('empty value', ''), new Uint8Array(0));
});

test('a value that was read stays what it was', async () => {
  await table.set('kept', 'a', 'first');
  const kept = await table.get('kept', 'a');
  for (let index = 0; index < 100; index++) await table.set('kept', 'a', `other ${index}`);
  await table.get('kept', 'a');
  assert(kept !== null);
  assert.equal(text(kept), 'first');
});

test('ttl counts seconds from now, and is infinite without expiry', async () => {
  await table.set('ttl', 'short', 'x', { ttlSeconds: 100 });
  await table.set('ttl', 'long', 'x');
  const left = await table.ttl('ttl', 'short');
  assert(left !== null && left > 95 && left <= 100);
  assert.equal(await table.ttl('ttl', 'long'), Number.POSITIVE_INFINITY);
  assert.equal(await table.ttl('ttl', 'missing'), null);
});

test('rows of one hash key are read by keys and by ranges', async () => {
  await table.multiSet('letters', { a: '1', b: '2', c: '3', d: '4' });
  const names = async (options: Parameters<Table['multiGet']>[1]): Promise<string> => {
    const { rows, complete } = await table.multiGet('letters', options);
    return rows.map(({ sortKey }) => text(sortKey)).join('') + (complete ? '' : '…');
  };
  assert.equal(await names({}), 'abcd');
  assert.equal(await names({ sortKeys: ['d', 'x', 'a'] }), 'da');
  assert.equal(await names({ start: 'b', stop: 'd' }), 'bc');
  assert.equal(
    await names({ start: 'b', stop: 'd', startInclusive: false, stopInclusive: true }),
    'cd',
  );
  assert.equal(await names({ maxCount: 2 }), 'ab…');
  assert.equal(await names({ maxCount: 2, reverse: true }), 'cd…');
  assert.equal(await names({ filter: { match: 'prefix', pattern: 'c' } }), 'c');
  assert.equal(await table.sortKeyCount('letters'), 4);
  await table.multiDel('letters', ['a', 'd']);
  assert.equal(await names({ keysOnly: true }), 'bc');
});

test('sort keys are read without their values, by range, filter and limit, as rows are', async () => {
  await table.multiSet('keys', { a: 'one', ab: 'two', b: 'three' });
  const keys = async (options?: Parameters<Table['multiGetSortKeys']>[1]): Promise<string[]> => {
    const { sortKeys } = await table.multiGetSortKeys('keys', options);
    return sortKeys.map((key) => Buffer.from(key).toString());
  };
  assert.deepEqual(await keys(), ['a', 'ab', 'b']);
  assert.deepEqual(await keys({ start: 'a', startInclusive: false }), ['ab', 'b']);
  assert.deepEqual(await keys({ filter: { match: 'prefix', pattern: 'a' } }), ['a', 'ab']);
  assert.deepEqual(await keys({ maxCount: 1 }), ['a']);
  const { complete } = await table.multiGetSortKeys('keys', { maxCount: 1 });
  assert.equal(complete, false);
  assert.deepEqual((await table.multiGetSortKeys('nothing')).sortKeys, []);
});

test('who asks for authentication is told by every server that it is off', async () => {
  for (const address of [cluster.metas, ...cluster.replicas]) {
    using raw = await RawClient.open(address);
    const { error, reader } = await raw.call(RpcCode.negotiation, {}, (writer) =>
      writeNegotiationRequest(writer, {
        status: NegotiationStatus.listMechanisms,
        msg: EMPTY_BYTES,
      }),
    );
    assert.equal(error, 'ERR_OK');
    assert.equal(readNegotiationResponse(reader).status, NegotiationStatus.authDisable);
  }
});

test('a range of rows is deleted, however many they are, and what lies around it stays', async () => {
  const rows = Array.from({ length: 1_200 }, (_, index) => [`${10_000 + index}`, 'x'] as const);
  await table.multiSet('ranged', rows);
  assert.equal(await table.delRange('ranged', { start: '10100', stop: '11100' }), 1_000);
  assert.equal(await table.sortKeyCount('ranged'), 200);
  assert.equal(await table.exist('ranged', '10099'), true);
  assert.equal(await table.exist('ranged', '11100'), true);
  assert.equal(await table.delRange('ranged', {}), 200);
  assert.equal(await table.sortKeyCount('ranged'), 0);
});

test('scans find every row of a hash key and of the table', async () => {
  const rows = Array.from(
    { length: 300 },
    (_, index) => [`row${1000 + index}`, `${index}`] as const,
  );
  await table.multiSet('scanned', rows);
  const found: string[] = [];
  for await (const row of table.scan({ hashKey: 'scanned', batchSize: 7 })) {
    found.push(text(row.sortKey));
  }
  assert.deepEqual(
    found,
    rows.map(([sortKey]) => sortKey),
  );
  let count = 0;
  const inTable = table.scan({
    hashKeyFilter: { match: 'prefix', pattern: 'scan' },
    batchSize: 10,
  });
  for await (const { expiresAtSeconds } of inTable) {
    assert.equal(expiresAtSeconds, null);
    count++;
  }
  assert.equal(count, 300);
});

test('tables are created, listed, configured and dropped', async () => {
  const appId = await client.admin.createTable('other', { partitionCount: 4 });
  const config = await client.admin.tableConfig('other');
  assert.equal(config.appId, appId);
  assert.equal(config.partitions.length, 4);
  for (const { primary, secondaries } of config.partitions) {
    assert(primary !== null && cluster.replicas.includes(primary));
    assert.equal(secondaries.length, 2);
  }
  const names = (await client.admin.listTables()).map(({ name }) => name);
  assert.deepEqual(names.sort(), ['other', 'temp']);
  await assert.rejects(client.admin.createTable('other'), RejectedError);
  assert.equal(
    await client.admin.createTable('other', { partitionCount: 4, successIfExists: true }),
    appId,
  );
  await client.admin.dropTable('other');
  await assert.rejects(client.table('other').get('a', 'b'), /table "other" does not exist/);
  const nodes = await client.admin.listNodes();
  assert.deepEqual(
    nodes.map(({ alive }) => alive),
    [true, true, true],
  );
});

test('the client works on while servers are stopped and started, one after the other', async () => {
  let written = 0;
  let stop = false;
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let index = 0; !stop; index++) {
      await table.set(`writer${writer}`, `${index}`, `${index}`);
      written++;
    }
    return writer;
  });
  for (let index = 0; index < cluster.replicas.length; index++) {
    await cluster.stopReplica(index);
    await table.set('between', `${index}`, 'down');
    await cluster.startReplica(index);
    await client.admin.waitHealthy('temp');
  }
  stop = true;
  await Promise.all(writers);
  assert(written > 0);
  let found = 0;
  for (let writer = 0; writer < 8; writer++) found += await table.sortKeyCount(`writer${writer}`);
  assert.equal(found, written);
});

test('meta servers may be named by their hosts, dead ones among them', async () => {
  const port = cluster.metas.slice(cluster.metas.lastIndexOf(':') + 1);
  await using named = await connect({ metas: `localhost:1,localhost:${port}` });
  await named.table('temp').set('by', 'name', 'x');
  assert.equal(await named.table('temp').getString('by', 'name'), 'x');
});

test('nobody at the address is one clear sentence', async () => {
  await assert.rejects(connect({ metas: '127.0.0.1:1', connectTimeoutMs: 200 }), (error) => {
    assert(error instanceof UnavailableError);
    assert.match(error.message, /no meta server answered within 200 ms at 127\.0\.0\.1:1/);
    return true;
  });
  await assert.rejects(connect({ metas: 'nonsense' }), /is no address of a meta server/);
});
