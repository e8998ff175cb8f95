/** What clients hear from a meta server that does not lead: in the form that those of the original understand. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer } from 'node:net';
import test from 'node:test';
import { RawClient } from '../../test/support/raw-client.ts';
import { toHex } from '../base/bytes.ts';
import { connect, nodeEnvironment, silent, TimeoutError } from '../bin/client.ts';
import { type HostPort, hostPortText } from '../model/identity.ts';
import { speakToClients } from '../rpc/client-dialects.ts';
import { RdsnRelay } from '../rpc/rdsn-relay.ts';
import { DEFAULT_RPC_SERVER_OPTIONS, RpcServer } from '../rpc/server.ts';
import { RpcStatistics } from '../rpc/statistics.ts';
import * as wire from '../wire/generated/meta.ts';
import { RDSN_HEADER_BYTES } from '../wire/rdsn-frame.ts';
import { Reader } from '../wire/reader.ts';
import { RPCS, RpcCode } from '../wire/rpc-codes.ts';
import { beginArgument } from '../wire/thrift-frame.ts';
import { Forwarder, type ForwarderFacts } from './forwarder.ts';

const LEADER: HostPort = { host: '127.0.0.1', port: 34602 };
const FOLLOWING: ForwarderFacts = { state: 'following', leader: LEADER };

class Follower implements AsyncDisposable {
  readonly address: HostPort;
  readonly statistics: RpcStatistics;
  readonly #rpc: RpcServer;
  readonly #relay: RdsnRelay;

  private constructor(
    rpc: RpcServer,
    relay: RdsnRelay,
    address: HostPort,
    statistics: RpcStatistics,
  ) {
    this.#rpc = rpc;
    this.#relay = relay;
    this.address = address;
    this.statistics = statistics;
  }

  static async open(facts: ForwarderFacts, hostPortFields = true): Promise<Follower> {
    const environment = nodeEnvironment(silent);
    const statistics = new RpcStatistics();
    const rpc = new RpcServer(environment, DEFAULT_RPC_SERVER_OPTIONS, statistics);
    const address = await rpc.listen({ host: '127.0.0.1', port: 0 });
    const relay = new RdsnRelay(environment);
    const forwarder = new Forwarder(facts, relay, { hostPortFields });
    speakToClients(rpc, environment, statistics, forwarder, address);
    return new Follower(rpc, relay, address, statistics);
  }

  get text(): string {
    return hostPortText(this.address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#relay.close();
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

const QUERY_NAME = toHex(new TextEncoder().encode('RPC_CM_QUERY_PARTITION_CONFIG_BY_INDEX'));
/** `temp`, and no index. */
const QUERY_BODY = '0c00000b00010000000474656d700f00020800000000000000';
/** A client's, which has no port of its own. */
const CLIENT = '010001000100007f';
/** Of a program that listens on port 6379. */
const PROXY = '0100eb180100007f';

/** A query as the C++ client sends it: id 0x77, and it can be sent on. */
function rdsnQuery(sender: string, context = '4104000000000000'): Buffer {
  return Buffer.from(
    '5244534e00000000c000000000000000' +
      '1900000000000000' +
      '77000000000000003412000000000000' +
      QUERY_NAME +
      '00'.repeat(10 + 8 + 8) +
      context +
      sender +
      '00'.repeat(72) +
      QUERY_BODY,
    'hex',
  );
}

/** The bytes of one answer. */
async function exchange(follower: Follower, request: Uint8Array): Promise<Buffer> {
  const socket = connectSocket(follower.address.port, follower.address.host);
  await once(socket, 'connect');
  socket.write(request);
  const [reply] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return reply;
}

function errorNameOf(reply: Buffer): string {
  return reply.toString('latin1', 136, 184).replaceAll('\0', '');
}

test('a C++ client is sent to the leader by the frame', async () => {
  await using follower = await Follower.open(FOLLOWING);
  const reply = await exchange(follower, rdsnQuery(CLIENT));
  assert.equal(errorNameOf(reply), 'ERR_FORWARD_TO_OTHERS');
  // A result that is a bare rpc_address.
  assert.equal(toHex(reply.subarray(RDSN_HEADER_BYTES)), '0c0000' + '7f000001872a0001' + '00');
});

test('a C++ client of the kind that cannot be sent on gets the leader in the place of partitions', async () => {
  await using follower = await Follower.open(FOLLOWING);
  for (const sender of [CLIENT, PROXY]) {
    const reply = await exchange(follower, rdsnQuery(sender, '4100000000000000'));
    assert.equal(errorNameOf(reply), 'ERR_OK');
    const { err, partitions } = queryAnswerOf(reply);
    assert.equal(err, 'ERR_FORWARD_TO_OTHERS');
    assert.deepEqual(partitions[0]!.hpPrimary, LEADER);
  }
});

test('while nobody is known to lead, a C++ client hears that in the answer', async () => {
  await using follower = await Follower.open({ state: 'following', leader: null });
  for (const sender of [CLIENT, PROXY]) {
    const reply = await exchange(follower, rdsnQuery(sender));
    assert.equal(errorNameOf(reply), 'ERR_OK');
    assert.equal(queryAnswerOf(reply).err, 'ERR_FORWARD_TO_OTHERS');
  }
});

test('for a program that listens the leader is asked, and its answer passed on, to the byte', async () => {
  const asked: string[] = [];
  const answerBody = '0c00000b0001000000064552525f4f4b0000';
  const leader = createServer((socket) => {
    socket.on('data', (request: Buffer) => {
      asked.push(toHex(request));
      socket.write(leaderAnswer(request, answerBody));
    });
  });
  leader.listen(0, '127.0.0.1');
  await once(leader, 'listening');
  const { port } = leader.address() as AddressInfo;
  await using follower = await Follower.open({ ...FOLLOWING, leader: { ...LEADER, port } });
  const request = rdsnQuery(PROXY);
  const reply = await exchange(follower, request);
  // Under an id of the follower, and marked as sent on; all else is as it came.
  const expected = Buffer.from(request);
  expected.writeUInt32LE(1, 24);
  expected[104] = 0x43;
  assert.deepEqual(asked, [toHex(expected)]);
  const answered = leaderAnswer(expected, answerBody);
  answered.writeUInt32LE(0x77, 24);
  assert.equal(toHex(reply), toHex(answered));
  leader.close();
});

/** As the leader's own frames are; the sender is the leader, whom such programs ask next time. */
function leaderAnswer(request: Buffer, body: string): Buffer {
  const reply = Buffer.concat([request.subarray(0, RDSN_HEADER_BYTES), Buffer.from(body, 'hex')]);
  reply.writeUInt32LE(body.length / 2, 16);
  reply.write('_ACK', 40 + QUERY_NAME.length / 2, 'latin1');
  reply[104] = reply[104]! & ~1;
  reply.write('01002a870100007f', 112, 'hex');
  reply.write('ERR_OK', 136, 'latin1');
  return reply;
}

test('what was sent on once is not sent on again: its sender hears who should lead', async () => {
  await using follower = await Follower.open(FOLLOWING);
  for (const sender of [CLIENT, PROXY]) {
    const reply = await exchange(follower, rdsnQuery(sender, '4304000000000000'));
    assert.equal(errorNameOf(reply), 'ERR_OK');
    assert.equal(queryAnswerOf(reply).err, 'ERR_FORWARD_TO_OTHERS');
  }
});

function queryAnswerOf(reply: Buffer): wire.QueryCfgResponse {
  const reader = new Reader();
  reader.reset(new Uint8Array(reply), RDSN_HEADER_BYTES, reply.length);
  assert.ok(beginArgument(reader));
  return wire.readQueryCfgResponse(reader);
}

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
