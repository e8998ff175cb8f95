/** The C++ client's dialect, spoken to a cluster: headers of 192 bytes, with and without checksums. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type HostPort, hostPortText, parseHostPort } from '../../src/base/host-port.ts';
import { partitionHash, partitionIndexOf } from '../../src/model/hash.ts';
import { encodeKey } from '../../src/model/key.ts';
import * as meta from '../../src/wire/generated/meta.ts';
import * as rrdb from '../../src/wire/generated/rrdb.ts';
import type { Reader } from '../../src/wire/reader.ts';
import type { Writer } from '../../src/wire/writer.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';
import { CppClient, type CppReply, type CppRequest, frameOf } from './cpp-client.ts';

const DATA = 'RPC_RRDB_RRDB_';
const QUERY = 'RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX';
const I64_FIELD_0 = 0x0a;
const FAILOVER_LIMIT_MS = 120_000;

let onebox: TestOnebox;
let metaAddress: HostPort;
before(async () => {
  // For the other dialect; this one cannot do without these fields.
  process.env['PEGASUS_META_HOST_PORT_FIELDS'] = 'false';
  onebox = await TestOnebox.start();
  metaAddress = parseHostPort(onebox.meta) ?? assert.fail('an address');
});
after(async () => {
  await onebox[Symbol.asyncDispose]();
});

const b = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));

function queryRequest(appName: string): CppRequest {
  const argument = (writer: Writer): void =>
    meta.writeQueryCfgRequest(writer, { appName, partitionIndices: [] });
  return { name: QUERY, argument };
}

async function configurationOf(appName: string): Promise<meta.QueryCfgResponse> {
  using client = await CppClient.connect(metaAddress);
  const { result } = await client.call(queryRequest(appName));
  assert(result !== null);
  return meta.readQueryCfgResponse(result);
}

/** Where a row is, as the C++ client finds it: by `hp_primary` only. */
class Route {
  readonly key: Uint8Array;
  readonly server: HostPort;
  readonly #place: Pick<CppRequest, 'appId' | 'partitionIndex' | 'partitionHash'>;

  private constructor(key: Uint8Array, config: meta.QueryCfgResponse) {
    const hash = { high: 0, low: 0 };
    partitionHash(key, 0, key.length, hash);
    const partitionIndex = partitionIndexOf(hash, config.partitionCount);
    const { hpPrimary } = config.partitions[partitionIndex]!;
    assert(hpPrimary !== undefined && hpPrimary !== null);
    this.key = key;
    this.server = hpPrimary;
    const partitionHashBits = (BigInt(hash.high >>> 0) << 32n) | BigInt(hash.low >>> 0);
    this.#place = { appId: config.appId, partitionIndex, partitionHash: partitionHashBits };
  }

  static async of(hashKey: string, sortKey: string): Promise<Route> {
    const config = await configurationOf('temp');
    return new Route(encodeKey(b(hashKey), b(sortKey)), config);
  }

  request(
    operation: string,
    argument: (writer: Writer) => void,
    more: Partial<CppRequest> = {},
  ): CppRequest {
    return { name: DATA + operation, ...this.#place, argument, ...more };
  }

  put(value: string, more: Partial<CppRequest> = {}): CppRequest {
    const update = { ...rrdb.makeUpdateRequest(), key: this.key, value: b(value) };
    return this.request('PUT', (writer) => rrdb.writeUpdateRequest(writer, update), more);
  }

  get(more: Partial<CppRequest> = {}): CppRequest {
    return this.request('GET', (writer) => writer.writeBlob(this.key), more);
  }
}

function resultOf<T>(reply: CppReply, read: (reader: Reader) => T): T {
  assert.equal(reply.error, 'ERR_OK');
  assert(reply.result !== null, 'a reply without an error has a result');
  return read(reply.result);
}

test('a table is found by host and port, and one that is missing is told in the answer', async () => {
  const config = await configurationOf('temp');
  assert.equal(config.err, 'ERR_OK');
  assert.equal(config.isStateful, true);
  for (const { hpPrimary, primary, hpSecondaries, secondaries } of config.partitions) {
    assert.deepEqual(hpPrimary, primary);
    assert.deepEqual(hpSecondaries, secondaries);
  }
  await using ours = await onebox.connect();
  const told = await ours.admin.tableConfig('temp');
  assert.deepEqual(
    told.partitions.map(({ primary }) => primary),
    config.partitions.map(({ hpPrimary }) => hpPrimary && hostPortText(hpPrimary)),
  );
  assert.equal((await configurationOf('missing')).err, 'ERR_OBJECT_NOT_FOUND');
});

test('a reply repeats the header of its request but for the fields that are the reply', async () => {
  const route = await Route.of('cpp-header', 's');
  using client = await CppClient.connect(route.server);
  const { header, request, name, error } = await client.call(route.put('v', { checksums: true }));
  assert.equal(name, 'RPC_RRDB_RRDB_PUT_ACK');
  assert.equal(error, 'ERR_OK');
  const same = (from: number, to: number): void =>
    assert.deepEqual(
      header.subarray(from, to),
      request.subarray(from, to),
      `bytes ${from} to ${to}`,
    );
  same(0, 12);
  same(24, 40);
  same(96, 104);
  same(120, 136);
  assert.equal(header.readUInt32LE(12), 0, 'no checksum of the header');
  assert.equal(header.readUInt32LE(20), 0, 'no checksum of the body');
  assert.equal(header.readBigUInt64LE(88), 0n, 'codes are known by their names');
  assert.equal(header.readUInt32LE(104), request.readUInt32LE(104) - 1, 'it is no request');
  assert.equal(header.toString('hex', 112, 114), '0100');
  assert.equal(header.readUInt16LE(114), route.server.port);
  assert.equal(header.toString('hex', 116, 120), '0100007f');
  assert.equal(header.readBigUInt64LE(184), 0n, 'errors are known by their names');
});

for (const checksums of [false, true]) {
  const how = checksums ? 'with' : 'without';
  test(`rows are written, read, counted and scanned ${how} checksums`, async () => {
    const hashKey = `cpp-${how}`;
    const route = await Route.of(hashKey, 's');
    using client = await CppClient.connect(route.server);
    const more = { checksums };
    const put = resultOf(await client.call(route.put('value', more)), rrdb.readUpdateResponse);
    assert.equal(put.error, 0);
    assert.equal(put.server, `${route.server.host}:${route.server.port}`);
    const got = resultOf(await client.call(route.get(more)), rrdb.readReadResponse);
    assert.deepEqual([got.error, Buffer.from(got.value).toString()], [0, 'value']);
    const ttl = route.request('TTL', (writer) => writer.writeBlob(route.key), more);
    assert.equal(resultOf(await client.call(ttl), rrdb.readTtlResponse).ttlSeconds, -1);
    const increment = {
      ...rrdb.makeIncrRequest(),
      key: encodeKey(b(hashKey), b('number')),
      increment: 5n,
    };
    const incr = route.request('INCR', (writer) => rrdb.writeIncrRequest(writer, increment), more);
    assert.equal(resultOf(await client.call(incr), rrdb.readIncrResponse).newValue, 5n);
    const all = {
      ...rrdb.makeMultiGetRequest(),
      hashKey: b(hashKey),
      startInclusive: true,
    };
    const multi = route.request('MULTI_GET', (w) => rrdb.writeMultiGetRequest(w, all), more);
    const { kvs } = resultOf(await client.call(multi), rrdb.readMultiGetResponse);
    assert.deepEqual(
      kvs.map(({ key, value }) => `${Buffer.from(key)}=${Buffer.from(value)}`),
      ['number=5', 's=value'],
    );
    const range = {
      ...rrdb.makeGetScannerRequest(),
      startKey: encodeKey(b(hashKey), b('')),
      stopKey: encodeKey(b(hashKey), b('z')),
      startInclusive: true,
      batchSize: 1,
    };
    const scan = route.request('GET_SCANNER', (w) => rrdb.writeGetScannerRequest(w, range), more);
    const first = resultOf(await client.call(scan), rrdb.readScanResponse);
    assert.deepEqual([first.error, first.kvs.length, first.contextId > 0n], [0, 1, true]);
    const next = { contextId: first.contextId };
    const rest = route.request('SCAN', (writer) => rrdb.writeScanRequest(writer, next), more);
    const second = resultOf(await client.call(rest), rrdb.readScanResponse);
    assert.deepEqual(second.kvs[0]?.key, route.key);
  });
}

test('hundreds of requests at a time are answered, each under its own id', async () => {
  const route = await Route.of('cpp-many', 's');
  using client = await CppClient.connect(route.server);
  resultOf(await client.call(route.put('v')), rrdb.readUpdateResponse);
  const replies = await Promise.all(
    Array.from({ length: 500 }, (_, index) =>
      client.call(index % 2 ? route.get() : route.put('v')),
    ),
  );
  assert.equal(replies.filter(({ error }) => error === 'ERR_OK').length, 500);
  for (const { header, request } of replies) {
    assert.equal(header.readBigUInt64LE(24), request.readBigUInt64LE(24));
  }
});

test('a scanner that is cleared is cleared in silence', async () => {
  const route = await Route.of('cpp-clear', 's');
  using client = await CppClient.connect(route.server);
  const clear = route.request('CLEAR_SCANNER', (writer) => writer.writeI64(12_345), {
    fieldType: I64_FIELD_0,
  });
  client.send(clear);
  // A reply to it would come before this one, and nobody waits for it.
  assert.equal(resultOf(await client.call(route.get()), rrdb.readReadResponse).error, 1);
});

test('errors come as names without a result', async () => {
  const route = await Route.of('cpp-errors', 's');
  using client = await CppClient.connect(route.server);
  const errorOf = async (request: CppRequest): Promise<string> => {
    const reply = await client.call(request);
    assert.equal(reply.result, null);
    assert.equal(reply.name, `${request.name}_ACK`);
    return reply.error;
  };
  assert.equal(await errorOf(route.get({ appId: 999 })), 'ERR_OBJECT_NOT_FOUND');
  assert.equal(await errorOf(route.get({ appId: 0 })), 'ERR_HANDLER_NOT_FOUND');
  assert.equal(await errorOf(route.get({ name: 'RPC_NO_SUCH' })), 'ERR_HANDLER_NOT_FOUND');
  const { partitions } = await configurationOf('temp');
  const index = partitions.findIndex(({ hpPrimary }) => hpPrimary?.port !== route.server.port);
  const elsewhere = route.get({ partitionIndex: index, partitionHash: 0n });
  assert.equal(await errorOf(elsewhere), 'ERR_INVALID_STATE');
});

test('a frame whose checksum is wrong ends the connection', async () => {
  const route = await Route.of('cpp-damage', 's');
  for (const at of [130, 195]) {
    using client = await CppClient.connect(route.server);
    const frame = frameOf(1n, route.get({ checksums: true }));
    frame[at] = frame[at]! ^ 1;
    client.sendRaw(frame);
    await client.closed;
  }
});

test('the shell asks meta and replica servers for commands', async () => {
  const route = await Route.of('cpp-shell', 's');
  for (const server of [metaAddress, route.server]) {
    using client = await CppClient.connect(server);
    const ask = async (cmd: string): Promise<string> => {
      const argument = (writer: Writer): void => meta.writeCommand(writer, { cmd, arguments: [] });
      const reply = await client.call({ name: 'RPC_CLI_CLI_CALL', argument });
      return resultOf(reply, (reader) => reader.readString());
    };
    assert.match(await ask('help'), /server-info/);
    assert.match(await ask('server-info'), /"version"/);
    assert.match(await ask('no.such.command'), /unknown command/);
  }
});

test('when a primary is killed, the next one is found by asking again', async () => {
  const route = await Route.of('cpp-failover', 's');
  using client = await CppClient.connect(route.server);
  resultOf(await client.call(route.put('of the first')), rrdb.readUpdateResponse);
  const { nodes } = await onebox.status();
  const { port } = route.server;
  const victim = nodes.find(({ address }) => address.endsWith(`:${port}`)) ?? assert.fail();
  const index = Number(victim.name.slice('replica'.length));
  await onebox.act('kill', 'replica', index);
  await client.closed;
  await until('another primary answers', FAILOVER_LIMIT_MS, async () => {
    const another = await Route.of('cpp-failover', 's');
    using later = await CppClient.connect(another.server);
    const reply = await later.call(another.get());
    if (reply.error !== 'ERR_OK') return false;
    const { error, value } = resultOf(reply, rrdb.readReadResponse);
    assert.deepEqual([error, Buffer.from(value).toString()], [0, 'of the first']);
    return another.server.port !== port;
  });
  await onebox.act('start-node', 'replica', index);
  await onebox.untilHealthy();
  assert.deepEqual(onebox.complaints(), []);
});
