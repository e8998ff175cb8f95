/** What clients hear from a meta server that does not lead: in the form that those of the original understand. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import test from 'node:test';
import { RawClient } from '../../test/support/raw-client.ts';
import { fromHex, toHex } from '../base/bytes.ts';
import { connect, nodeEnvironment, silent, TimeoutError } from '../bin/client.ts';
import { type HostPort, hostPortText } from '../model/identity.ts';
import { speakToClients } from '../rpc/client-dialects.ts';
import { DEFAULT_RPC_SERVER_OPTIONS, RpcServer } from '../rpc/server.ts';
import { RpcStatistics } from '../rpc/statistics.ts';
import * as wire from '../wire/generated/meta.ts';
import { RDSN_HEADER_BYTES } from '../wire/rdsn-frame.ts';
import { RPCS, RpcCode } from '../wire/rpc-codes.ts';
import { Forwarder, type ForwarderFacts } from './forwarder.ts';

const LEADER: HostPort = { host: '127.0.0.1', port: 34602 };
const FOLLOWING: ForwarderFacts = { state: 'following', leader: LEADER };

class Follower implements AsyncDisposable {
  readonly address: HostPort;
  readonly statistics: RpcStatistics;
  readonly #rpc: RpcServer;

  private constructor(rpc: RpcServer, address: HostPort, statistics: RpcStatistics) {
    this.#rpc = rpc;
    this.address = address;
    this.statistics = statistics;
  }

  static async open(facts: ForwarderFacts, hostPortFields = true): Promise<Follower> {
    const environment = nodeEnvironment(silent);
    const statistics = new RpcStatistics();
    const rpc = new RpcServer(environment, DEFAULT_RPC_SERVER_OPTIONS, statistics);
    const address = await rpc.listen({ host: '127.0.0.1', port: 0 });
    const forwarder = new Forwarder(facts, { hostPortFields });
    speakToClients(rpc, environment, statistics, forwarder, address);
    return new Follower(rpc, address, statistics);
  }

  get text(): string {
    return hostPortText(this.address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rpc.close();
  }
}

async function query(address: string): Promise<wire.QueryCfgResponse> {
  using client = await RawClient.open(address);
  const { error, reader } = await client.call(RpcCode.queryPartitionConfig, {}, (writer) =>
    wire.writeQueryCfgRequest(writer, { appName: 'temp', partitionIndices: [] }),
  );
  assert.equal(error, 'ERR_OK', 'the frame says nothing of it');
  return wire.readQueryCfgResponse(reader);
}

test('a query of configurations is answered with the leader in the place of partitions', async () => {
  await using follower = await Follower.open(FOLLOWING);
  const { err, partitions, appId } = await query(follower.text);
  assert.equal(err, 'ERR_FORWARD_TO_OTHERS');
  assert.equal(appId, 0);
  assert.equal(partitions.length, 1);
  assert.deepEqual(partitions[0]!.primary, LEADER);
  assert.deepEqual(partitions[0]!.hpPrimary, LEADER);
  assert.deepEqual(partitions[0]!.secondaries, []);
});

test('without the fields of host and port for clients that cannot read past them', async () => {
  await using follower = await Follower.open(FOLLOWING, false);
  const { partitions } = await query(follower.text);
  assert.deepEqual(partitions[0]!.primary, LEADER);
  assert.equal(partitions[0]!.hpPrimary, undefined);
});

test('while nobody is known to lead the list is empty', async () => {
  await using follower = await Follower.open({ state: 'following', leader: null });
  const { err, partitions } = await query(follower.text);
  assert.equal(err, 'ERR_FORWARD_TO_OTHERS');
  assert.deepEqual(partitions, []);
});

test('who is elected and not ready yet asks for patience', async () => {
  await using follower = await Follower.open({ state: 'beginning', leader: LEADER });
  const { err, partitions } = await query(follower.text);
  assert.equal(err, 'ERR_SERVICE_NOT_ACTIVE');
  assert.deepEqual(partitions, []);
});

test('every procedure of the meta server says so in its own answer', async () => {
  await using follower = await Follower.open(FOLLOWING);
  using client = await RawClient.open(follower.text);
  for (const { code, name } of RPCS.filter(({ kind }) => kind === 'meta')) {
    const { error, reader } = await client.call(code, {}, (writer) => writer.writeStop());
    assert.equal(error, 'ERR_OK', name);
    // All of them have the error first.
    reader.readFieldTag();
    assert.equal(reader.readString(), 'ERR_FORWARD_TO_OTHERS', name);
  }
});

test('what only replica servers answer is not found, and authentication is off', async () => {
  await using follower = await Follower.open(FOLLOWING);
  using client = await RawClient.open(follower.text);
  const { error } = await client.call(RpcCode.get, { appId: 1 }, (writer) => writer.writeStop());
  assert.equal(error, 'ERR_HANDLER_NOT_FOUND');
  const answer = await client.call(RpcCode.negotiation, {}, (writer) => writer.writeStop());
  assert.equal(answer.error, 'ERR_OK');
});

/** A query for `temp` as the C++ client sends it: it can be forwarded, and comes from a client. */
const RDSN_QUERY =
  '5244534e00000000c0000000000000001a0000000000000077000000000000003412000000000000' +
  toHex(new TextEncoder().encode('RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX')) +
  '00'.repeat(10 + 8 + 8) +
  '4104000000000000010001000100007f' +
  '00'.repeat(72) +
  '0c00000b00010000000474656d700f00020800000000000000';

test('a C++ client is sent to the leader by the frame', async () => {
  await using follower = await Follower.open(FOLLOWING);
  const socket = connectSocket(follower.address.port, follower.address.host);
  await once(socket, 'connect');
  const request = fromHex(RDSN_QUERY);
  assert.ok(request !== null);
  new DataView(request.buffer).setUint32(16, request.length - RDSN_HEADER_BYTES, true);
  socket.write(request);
  const [reply] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  assert.equal(reply.toString('latin1', 136, 157), 'ERR_FORWARD_TO_OTHERS');
  // A result that is a bare rpc_address.
  assert.equal(toHex(reply.subarray(RDSN_HEADER_BYTES)), '0c0000' + '7f000001872a0001' + '00');
});

test('our own client goes where it is sent, and past what is dead or does not know', async () => {
  await using ignorant = await Follower.open({ state: 'following', leader: null });
  await using target = await Follower.open({ state: 'following', leader: null });
  await using follower = await Follower.open({ state: 'following', leader: target.address });
  const dead = '127.0.0.1:1';
  const client = await connect({
    metas: [dead, ignorant.text, follower.text].join(),
    lazy: true,
    timeoutMs: 300,
  });
  await assert.rejects(client.table('temp').get('a', 'b'), TimeoutError);
  await client.close();
  for (const { statistics } of [ignorant, follower, target]) assert.ok(statistics.requests > 0);
});
