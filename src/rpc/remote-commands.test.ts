/** Shells ask a server about itself, in both dialects, and get a text. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { NetworkWorld } from '../../test/fuzz/network-world.ts';
import { ErrorCode } from '../base/error-names.ts';
import type { Connection, ConnectionHandler } from '../env/transport.ts';
import { writeCommand } from '../wire/generated/meta.ts';
import { RDSN_HEADER_BYTES } from '../wire/rdsn-frame.ts';
import { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import {
  beginArgument,
  beginRequest,
  finishRequest,
  parseReply,
  ReplyHeader,
  RequestHeader,
} from '../wire/thrift-frame.ts';
import { Writer } from '../wire/writer.ts';
import { speakToClients } from './client-dialects.ts';
import { PROGRAM_VERSION } from './remote-commands.ts';
import { DEFAULT_RPC_SERVER_OPTIONS, RpcServer } from './server.ts';
import { RpcStatistics } from './statistics.ts';
import type { RequestHandler, ThriftSession } from './thrift-session.ts';

const ADDRESS = { host: '127.0.0.1', port: 80 };

/** What is no remote command. */
class Refuser implements RequestHandler {
  closed = 0;

  onRequest(session: ThriftSession, header: RequestHeader): void {
    session.replyError(header.rpc, header.seqid, ErrorCode.handlerNotFound);
  }

  onSessionClosed(): void {
    this.closed += 1;
  }
}

/** Sends one request on a connection of its own, and collects what comes back. */
async function exchange(bytes: Uint8Array, handler: Refuser = new Refuser()): Promise<Uint8Array> {
  const world = new NetworkWorld(1);
  const { environment } = world.addHost('server');
  const statistics = new RpcStatistics();
  const server = new RpcServer(environment, DEFAULT_RPC_SERVER_OPTIONS, statistics);
  speakToClients(server, environment, statistics, handler, ADDRESS);
  await server.listen({ host: 'server', port: 80 });
  const pieces: Uint8Array[] = [];
  const client: ConnectionHandler = {
    onOpen: () => undefined,
    onData: (_connection: Connection, piece: Uint8Array) => pieces.push(piece.slice()),
    onDrain: () => undefined,
    onClose: () => undefined,
  };
  const { transport } = world.addHost('client').environment;
  const connection = transport.connect({ host: 'server', port: 80 }, client);
  connection.write(bytes);
  await world.run(50);
  connection.close();
  await world.run(50);
  return new Uint8Array(Buffer.concat(pieces));
}

function readerOf(bytes: Uint8Array): Reader {
  const reader = new Reader();
  reader.reset(bytes, 0, bytes.length);
  return reader;
}

function thriftRequest(rpc: RpcCode, cmd: string, args: readonly string[] = []): Uint8Array {
  const header = new RequestHeader();
  header.version = 1;
  header.rpc = rpc;
  header.seqid = 7;
  const writer = new Writer();
  const mark = beginRequest(writer, header);
  writeCommand(writer, { cmd, arguments: args });
  finishRequest(writer, mark, 1);
  return writer.take();
}

async function ask(cmd: string, ...args: string[]): Promise<string> {
  const reply = await exchange(thriftRequest(RpcCode.cliCall, cmd, args));
  const header = new ReplyHeader();
  const reader = readerOf(reply);
  parseReply(reader, reply.length, header);
  assert.equal(header.error, ErrorCode.ok);
  assert.equal(header.seqid, 7);
  return reader.readString();
}

test('help names every command', async () => {
  const lines = (await ask('help')).split('\n');
  assert.deepEqual(
    lines.map((line) => line.slice(0, line.indexOf(':'))),
    ['help', 'server-info', 'server-stat'],
  );
});

test('help tells of one command, and of one that is none', async () => {
  assert.equal(await ask('h', 'server-info'), 'server-info: version and start time');
  assert.equal(await ask('help', 'x'), "unknown command 'x'; try help");
});

test('server-info is what shells of the original read, with the version of this package', async () => {
  const info = JSON.parse(await ask('server-info')) as Record<string, string>;
  assert.deepEqual(Object.keys(info), ['build_type', 'git_SHA', 'start_time', 'version']);
  assert.match(info['start_time']!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
  assert.equal(info['version'], PROGRAM_VERSION);
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  assert.equal(PROGRAM_VERSION, (JSON.parse(text) as { version: string }).version);
});

test('server-stat has the counters', async () => {
  const { requests } = JSON.parse(await ask('server-stat')) as { requests: number };
  assert.equal(requests, 1);
});

test('a command that is none is answered, briefly', async () => {
  assert.equal(await ask('no.such.command'), "unknown command 'no.such.command'; try help");
  assert.ok((await ask('x'.repeat(100_000))).length < 100);
});

test('everything else goes on to the handler of the server', async () => {
  const handler = new Refuser();
  const reply = await exchange(thriftRequest(RpcCode.listApps, 'help'), handler);
  const header = new ReplyHeader();
  parseReply(readerOf(reply), reply.length, header);
  assert.equal(header.error, ErrorCode.handlerNotFound);
  assert.equal(handler.closed, 1);
});

test('the C++ shell gets the text as a bare string in field 0', async () => {
  const argument = new Writer();
  argument.writeFieldTag(0x0c);
  writeCommand(argument, { cmd: 'help', arguments: [] });
  argument.writeStop();
  const body = argument.take();
  const request = Buffer.alloc(RDSN_HEADER_BYTES + body.length);
  request.write('RDSN', 0);
  request.writeUInt32LE(RDSN_HEADER_BYTES, 8);
  request.writeUInt32LE(body.length, 16);
  request.writeUInt32LE(99, 24);
  request.write('RPC_CLI_CLI_CALL', 40);
  request.writeUInt32LE(0x441, 104);
  request.set(body, RDSN_HEADER_BYTES);
  const reply = Buffer.from(await exchange(request));
  assert.equal(reply.toString('utf8', 40, 60), 'RPC_CLI_CLI_CALL_ACK');
  assert.equal(reply.toString('utf8', 136, 142), 'ERR_OK');
  assert.equal(reply.readUInt32LE(24), 99);
  assert.equal(reply.readUInt32LE(16), reply.length - RDSN_HEADER_BYTES);
  const reader = readerOf(reply);
  reader.position = RDSN_HEADER_BYTES;
  assert.ok(beginArgument(reader));
  assert.match(reader.readString(), /^help: /);
});
