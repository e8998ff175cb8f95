/** A server answers every request that it can read, in any order, and closes what it cannot read. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { NetworkWorld, type WorldHost } from '../../test/fuzz/network-world.ts';
import { fromHex } from '../base/bytes.ts';
import { ErrorCode } from '../base/error-names.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../env/transport.ts';
import { readReadResponse, writeReadResponse } from '../wire/generated/rrdb.ts';
import { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import {
  beginArgument,
  beginRequest,
  FRAME_BYTES_MAX,
  finishRequest,
  parseReply,
  ReplyHeader,
  RequestHeader,
  replyFrameSize,
} from '../wire/thrift-frame.ts';
import { WireError } from '../wire/types.ts';
import { Writer } from '../wire/writer.ts';
import { FrameBuffer } from './frame-buffer.ts';
import {
  DEFAULT_RPC_SERVER_OPTIONS,
  ProtocolMagic,
  RpcServer,
  type RpcServerOptions,
} from './server.ts';
import { RpcStatistics } from './statistics.ts';
import {
  DEFAULT_THRIFT_OPTIONS,
  type RequestHandler,
  type ThriftOptions,
  ThriftProtocol,
  type ThriftSession,
} from './thrift-session.ts';

const ADDRESS = { host: 'server', port: 80 };

/** Answers gets with their key, holds ttl requests back, fails everything else. */
class EchoHandler implements RequestHandler {
  readonly held: { session: ThriftSession; seqid: number }[] = [];
  closed = 0;

  onRequest(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    if (!beginArgument(reader)) throw new WireError('truncated', 'no argument');
    const key = reader.readBlob();
    if (header.rpc === RpcCode.get) answerGet(session, header.seqid, key);
    else if (header.rpc === RpcCode.ttl) this.held.push({ session, seqid: header.seqid });
    else if (header.rpc === RpcCode.clearScanner) session.withholdReply(header.seqid);
    else session.replyError(header.rpc, header.seqid, ErrorCode.objectNotFound);
  }

  onSessionClosed(): void {
    this.closed += 1;
  }
}

function answerGet(session: ThriftSession, seqid: number, value: Uint8Array): void {
  const writer = session.beginReply(RpcCode.get, seqid);
  writeReadResponse(writer, { error: 0, value, appId: 2, partitionIndex: 1, server: 'server:80' });
  session.finishReply();
}

/** Collects what comes back: seqid and either the value's length or the error. */
class TestClient implements ConnectionHandler {
  readonly replies: string[] = [];
  readonly closed: CloseReason[] = [];
  pieces = 0;
  readonly #frames: FrameBuffer;

  constructor() {
    const header = new ReplyHeader();
    this.#frames = new FrameBuffer(new Reader(), {
      frameSize: (reader) => replyFrameSize(reader, FRAME_BYTES_MAX),
      onFrame: (reader, size) => {
        parseReply(reader, size, header);
        const text = header.hasResult
          ? `${readReadResponse(reader).value.length} bytes`
          : `error ${header.error}`;
        this.replies.push(`${header.seqid}: ${text}`);
        return true;
      },
    });
  }

  onOpen(): void {}
  onData(_connection: Connection, bytes: Uint8Array): void {
    this.pieces += 1;
    this.#frames.push(bytes);
  }
  onDrain(): void {}
  onClose(_connection: Connection, reason: CloseReason): void {
    this.closed.push(reason);
  }
}

/** Says nothing, whatever it hears. */
const LISTENER: ConnectionHandler = {
  onOpen(): void {},
  onData(): void {},
  onDrain(): void {},
  onClose(): void {},
};

function request(rpc: RpcCode, seqid: number, key: Uint8Array, version: number = 1): Uint8Array {
  const header = new RequestHeader();
  header.version = version;
  header.rpc = rpc;
  header.seqid = seqid;
  const writer = new Writer();
  const mark = beginRequest(writer, header);
  writer.writeBlob(key);
  finishRequest(writer, mark, version);
  return writer.take();
}

interface Scene {
  readonly world: NetworkWorld;
  readonly server: WorldHost;
  readonly rpcServer: RpcServer;
  readonly handler: EchoHandler;
  readonly statistics: RpcStatistics;
  readonly client: TestClient;
  readonly connection: Connection;
}

async function scene(
  options: Partial<ThriftOptions> = {},
  limits: Partial<RpcServerOptions> = { connectionsMax: 10 },
): Promise<Scene> {
  const world = new NetworkWorld(1);
  const server = world.addHost('server');
  const statistics = new RpcStatistics();
  const handler = new EchoHandler();
  const thrift = new ThriftProtocol(
    server.environment,
    { ...DEFAULT_THRIFT_OPTIONS, ...options },
    statistics,
    handler,
  );
  const rpcServer = new RpcServer(
    server.environment,
    { ...DEFAULT_RPC_SERVER_OPTIONS, ...limits },
    statistics,
  );
  rpcServer.speak(ProtocolMagic.thrift, thrift);
  await rpcServer.listen(ADDRESS);
  const client = new TestClient();
  const connection = world.addHost('client').environment.transport.connect(ADDRESS, client);
  return { world, server, rpcServer, handler, statistics, client, connection };
}

const key = encodeUtf8('key');

test('requests of both versions in torn pieces are all answered', async () => {
  const { world, client, connection, statistics } = await scene();
  for (let seqid = 0; seqid < 40; seqid++) {
    connection.write(request(RpcCode.get, seqid, new Uint8Array(seqid * 50), seqid % 2));
  }
  await world.run(100);
  assert.deepEqual(
    client.replies,
    Array.from({ length: 40 }, (_, seqid) => `${seqid}: ${seqid * 50} bytes`),
  );
  assert.equal(statistics.requests, 40);
  assert.equal(statistics.replies, 40);
});

test('the replies of one turn leave in one write', async () => {
  const { world, client, connection } = await scene();
  await world.run(5);
  const writer = new Writer();
  for (let seqid = 0; seqid < 20; seqid++) writer.writeBytes(request(RpcCode.get, seqid, key));
  connection.write(writer.take());
  await world.run(50);
  assert.equal(client.replies.length, 20);
  assert.ok(client.pieces <= 4, `${client.pieces} pieces`);
});

test('a reply may come later and out of order', async () => {
  const { world, handler, client, connection } = await scene();
  connection.write(request(RpcCode.ttl, 1, key));
  connection.write(request(RpcCode.ttl, 2, key));
  connection.write(request(RpcCode.get, 3, key));
  await world.run(20);
  assert.deepEqual(client.replies, ['3: 3 bytes']);
  for (const { session, seqid } of handler.held.reverse()) {
    assert.ok(session.outstanding > 0);
    session.replyError(RpcCode.ttl, seqid, ErrorCode.busy);
  }
  await world.run(20);
  assert.deepEqual(client.replies, [
    '3: 3 bytes',
    `2: error ${ErrorCode.busy}`,
    `1: error ${ErrorCode.busy}`,
  ]);
});

test('an unknown procedure gets ERR_HANDLER_NOT_FOUND, a withheld one nothing', async () => {
  const { world, client, connection, statistics } = await scene();
  connection.write(request(RpcCode.unknown, 8, key));
  connection.write(request(RpcCode.clearScanner, 9, key));
  await world.run(20);
  assert.deepEqual(client.replies, [`8: error ${ErrorCode.handlerNotFound}`]);
  assert.equal(statistics.requestsUnknown, 1);
});

test('malformed bytes close the connection, are counted and leave others alone', async () => {
  const { world, server, handler, client, connection, statistics } = await scene();
  const other = new TestClient();
  const { transport } = world.addHost('other').environment;
  const healthy = transport.connect(ADDRESS, other);
  connection.write(request(RpcCode.get, 1, key));
  connection.write(fromHex('54484654 00000007 00000000 00000000') ?? assert.fail());
  healthy.write(request(RpcCode.get, 2, key));
  await world.run(20);
  healthy.write(request(RpcCode.get, 3, key));
  await world.run(20);
  assert.equal(client.closed.length, 1);
  assert.deepEqual(other.replies, ['2: 3 bytes', '3: 3 bytes']);
  assert.equal(statistics.framesMalformed, 1);
  assert.ok(server.events.includes('rpc.request.malformed'));
  assert.equal(handler.closed, 1);
});

test('an unreadable argument closes the connection', async () => {
  const { world, client, connection, statistics } = await scene();
  const bytes = request(RpcCode.get, 1, key);
  bytes[bytes.length - 6] = 0x7f;
  connection.write(bytes);
  await world.run(20);
  assert.equal(client.closed.length, 1);
  assert.equal(statistics.framesMalformed, 1);
});

test('a dialect that nobody speaks is refused, and so is silence', async () => {
  const { world, server, client, connection, statistics } = await scene();
  const silent = new TestClient();
  world.addHost('silent').environment.transport.connect(ADDRESS, silent);
  connection.write(encodeUtf8('XYZZ and more'));
  await world.run(50);
  assert.equal(client.closed.length, 1);
  assert.equal(silent.closed.length, 0);
  await world.run(11_000);
  assert.equal(silent.closed.length, 1);
  assert.equal(statistics.connectionsRefused, 2);
  assert.equal(statistics.connectionsOpen, 0);
  assert.ok(server.events.includes('rpc.connection.refused'));
});

test('connections beyond the limit are refused', async () => {
  const { world, client, statistics } = await scene({}, { connectionsMax: 1 });
  const second = new TestClient();
  world.addHost('second').environment.transport.connect(ADDRESS, second);
  await world.run(50);
  assert.equal(client.closed.length + second.closed.length, 1);
  assert.equal(statistics.connectionsRefused, 1);
});

test('one address has a limit of its own, others have room, and a closed connection makes room again', async () => {
  const { world, rpcServer, client, connection, statistics } = await scene(
    {},
    { connectionsPerAddressMax: 2 },
  );
  rpcServer.speak(ProtocolMagic.internal, { open: () => LISTENER });
  const neighbour = world.addHost('neighbour').environment.transport;
  const open = (bytes: Uint8Array): { readonly client: TestClient; close: () => void } => {
    const opened = new TestClient();
    const link = neighbour.connect(ADDRESS, opened);
    link.write(bytes);
    return { client: opened, close: () => link.close() };
  };
  const get = request(RpcCode.get, 1, key);
  connection.write(get);
  const [first, second, third] = [open(get), open(get), open(get)];
  const peer = open(encodeUtf8('PGI1'));
  await world.run(50);
  const closed = [first, second, third].map((one) => one.client.closed.length);
  assert.equal(
    closed.reduce((sum, count) => sum + count),
    1,
    'one of three is closed',
  );
  assert.equal(statistics.connectionsRefused, 1);
  assert.equal(client.replies.length, 1, 'another address is not concerned');
  assert.equal(peer.client.closed.length, 0, 'servers of the cluster are not counted');
  for (const one of [first, second, third]) one.close();
  await world.run(50);
  const later = open(get);
  await world.run(50);
  assert.equal(later.client.replies.length, 1);
});

test('a session with too many unanswered requests stops reading until half are answered', async () => {
  const { world, handler, client, connection, statistics } = await scene({ outstandingMax: 8 });
  // Above what the transport and the last piece of input hold, so that the client feels the pause.
  const big = new Uint8Array(20_000);
  for (let seqid = 0; seqid < 40; seqid++) connection.write(request(RpcCode.ttl, seqid, big));
  await world.run(100);
  const heldAtFirst = handler.held.length;
  assert.ok(heldAtFirst >= 8 && heldAtFirst < 16, `${heldAtFirst} held`);
  assert.equal(statistics.sessionsPaused, 1);
  for (let round = 0; round < 20; round++) {
    for (const { session, seqid } of handler.held.splice(0)) {
      session.replyError(RpcCode.ttl, seqid, ErrorCode.busy);
    }
    await world.run(20);
  }
  assert.equal(client.replies.length, 40);
});

test('a client that does not read its replies is not read from, and finally cut off', async () => {
  const limits = { outputBytesMax: 128 * 1024, outputBytesFatal: 512 * 1024 };
  const { world, handler, client, connection, statistics } = await scene(limits);
  connection.write(request(RpcCode.ttl, 1, key));
  await world.run(20);
  const { session } = handler.held[0] ?? assert.fail('nothing held');
  connection.pause();
  for (let seqid = 2; seqid < 12; seqid++) connection.write(request(RpcCode.ttl, seqid, key));
  await world.run(20);
  answerGet(session, 1, new Uint8Array(400_000));
  await world.run(20);
  assert.equal(statistics.sessionsPaused, 1);
  answerGet(session, 2, new Uint8Array(400_000));
  await world.run(20);
  assert.equal(statistics.sessionsOverrun, 1);
  assert.equal(session.isClosed, true);
  connection.resume();
  await world.run(50);
  assert.equal(client.closed.length, 1);
  answerGet(session, 3, key);
  await world.run(20);
});

test('closing the server sends the replies of the same turn first', async () => {
  const { world, rpcServer, handler, client, connection } = await scene();
  connection.write(request(RpcCode.ttl, 1, key));
  await world.run(20);
  for (const { session, seqid } of handler.held) {
    session.replyError(RpcCode.ttl, seqid, ErrorCode.busy);
  }
  const closed = rpcServer.close();
  await world.run(50);
  await closed;
  assert.deepEqual(client.replies, [`1: error ${ErrorCode.busy}`]);
  assert.deepEqual(client.closed, ['remote']);
});
