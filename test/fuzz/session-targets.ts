/**
 * Whole connections: streams of frames in every dialect, cut into pieces anywhere. Whatever arrives, a server or
 * client answers, waits for more, or closes the connection.
 *
 * The handler reads every argument and answers each request at once, so that both directions are worked; remote
 * commands are the real ones.
 */
import { ErrorCode } from '../../src/base/error-names.ts';
import type { SeededRandom } from '../../src/base/prng.ts';
import { encodeUtf8 } from '../../src/base/utf8.ts';
import type { Connection } from '../../src/env/transport.ts';
import { toNodeId } from '../../src/model/identity.ts';
import { FrameBuffer } from '../../src/rpc/frame-buffer.ts';
import { DEFAULT_MESSAGE_BUS_OPTIONS, MessageBus } from '../../src/rpc/message-bus.ts';
import { RemoteCommands } from '../../src/rpc/remote-commands.ts';
import type { ConnectionProtocol } from '../../src/rpc/server.ts';
import { RpcStatistics } from '../../src/rpc/statistics.ts';
import {
  DEFAULT_THRIFT_OPTIONS,
  type RequestHandler,
  ThriftProtocol,
} from '../../src/rpc/thrift-session.ts';
import * as internal from '../../src/wire/generated/internal.ts';
import {
  beginInternalFrame,
  finishInternalFrame,
  INTERNAL_MAGIC,
  writeInternalFrame,
} from '../../src/wire/internal-frame.ts';
import { RDSN_HEADER_BYTES, RdsnDialect } from '../../src/wire/rdsn-frame.ts';
import { Reader } from '../../src/wire/reader.ts';
import type { RequestDialect } from '../../src/wire/request-dialect.ts';
import { RPCS, RpcCode, type RpcInfo } from '../../src/wire/rpc-codes.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import {
  beginArgument,
  beginReply,
  beginRequest,
  finishReply,
  finishRequest,
  parseReply,
  ReplyHeader,
  RequestHeader,
  replyFrameSize,
} from '../../src/wire/thrift-frame.ts';
import { WireError, WireType } from '../../src/wire/types.ts';
import { Writer } from '../../src/wire/writer.ts';
import { NetworkWorld } from './network-world.ts';
import { randomBlob, randomStruct, structNamed } from './schema-values.ts';
import { type Coverage, expect, type FuzzTarget } from './target.ts';
import { makeValue, readValue, writeValue } from './wire-values.ts';

const FRAME_BYTES_MAX = 256 * 1024;
/** A stream answers what it asks; the largest default result has a few hundred bytes. */
const OUTPUT_PER_INPUT_MAX = 256;
const OUTPUT_MIN = 64 * 1024;
const FRAMES_MAX = 4;
const RUNS_PER_FLUSH = 64;

/** The far end of nothing: takes what is written and notes that it was closed. */
class DeadEnd implements Connection {
  readonly remote = 'fuzz:1';
  readonly bufferedBytes = 0;
  isClosed = false;
  written = 0;
  write(bytes: Uint8Array): boolean {
    this.written += bytes.length;
    return true;
  }
  pause(): void {}
  resume(): void {}
  close(): void {
    this.isClosed = true;
  }
  destroy(): void {
    this.isClosed = true;
  }
}

class ReadEverything implements RequestHandler {
  readonly codes: Set<RpcCode> = new Set();

  onRequest(...[session, header, reader]: Parameters<RequestHandler['onRequest']>): void {
    const rpc = RPCS[header.rpc];
    expect(rpc !== undefined && rpc.code !== RpcCode.unknown, 'a request of no known procedure');
    if (beginArgument(reader)) readValue(rpc.argument, reader);
    this.codes.add(rpc.code);
    if (rpc.result === 'none') {
      session.withholdReply(header.seqid);
    } else if (header.seqid % 2 === 0) {
      session.replyError(header.rpc, header.seqid, ErrorCode.busy);
    } else {
      const writer = session.beginReply(header.rpc, header.seqid);
      writeValue(rpc.result, writer, makeValue(rpc.result));
      session.finishReply();
    }
  }

  onSessionClosed(): void {}
}

/** Gives the stream to a new connection in one to many pieces. */
function feed(protocol: ConnectionProtocol, bytes: Uint8Array, random: SeededRandom): DeadEnd {
  const connection = new DeadEnd();
  const handler = protocol.open(connection);
  const cut = random.below(3) === 0 ? 1 + random.below(64) : Math.max(bytes.length, 1);
  for (let at = 0; at < bytes.length && !connection.isClosed; at += cut) {
    handler.onData(connection, bytes.slice(at, at + cut));
  }
  handler.onClose(connection, 'remote');
  return connection;
}

function randomArgument(type: string, random: SeededRandom): unknown {
  if (type === 'blob') return randomBlob(random);
  if (type === 'i64') return BigInt(random.u32());
  if (type === 'string') return 'text';
  return randomStruct(structNamed(type), random);
}

type RequestMaker = (rpc: RpcInfo, random: SeededRandom) => Uint8Array;

const ASKED: readonly RpcInfo[] = RPCS.filter((rpc) => rpc.argument !== 'none');

function thriftRequest(version: 0 | 1): RequestMaker {
  return (rpc, random) => {
    const header = new RequestHeader();
    header.version = version;
    header.appId = random.below(4);
    header.partitionIndex = random.below(9);
    header.timeoutMs = random.below(2_000);
    header.isBackupRequest = random.below(4) === 0;
    header.wantsStaleness = header.isBackupRequest && random.below(2) === 0;
    header.rpc = rpc.code;
    header.seqid = random.below(100);
    const writer = new Writer();
    const mark = beginRequest(writer, header);
    writeValue(rpc.argument, writer, randomArgument(rpc.argument, random));
    finishRequest(writer, mark, version, header.wantsStaleness);
    return writer.take();
  };
}

/** As the C++ client lays it out; wire/rdsn-frame.ts has the table. */
function rdsnRequest(rpc: RpcInfo, random: SeededRandom): Uint8Array {
  const body = new Writer();
  body.writeFieldTag((1 << 8) | fieldTypeOf(rpc.argument));
  writeValue(rpc.argument, body, randomArgument(rpc.argument, random));
  body.writeStop();
  const content = body.take();
  const frame = new Uint8Array(RDSN_HEADER_BYTES + content.length);
  const view = new DataView(frame.buffer);
  frame.set(encodeUtf8('RDSN'), 0);
  view.setUint32(8, RDSN_HEADER_BYTES, true);
  view.setUint32(16, content.length, true);
  view.setUint32(24, random.below(1000), true);
  frame.set(encodeUtf8(rpc.name), 40);
  view.setUint32(96, random.below(4), true);
  view.setUint32(100, random.below(9), true);
  view.setUint32(104, random.below(4) === 0 ? 1 | (1 << 11) : 1, true);
  view.setUint32(120, 5_000, true);
  frame.set(content, RDSN_HEADER_BYTES);
  return frame;
}

function fieldTypeOf(type: string): number {
  if (type === 'i64') return WireType.i64;
  return type === 'string' ? WireType.string : WireType.struct;
}

class ServerTarget implements FuzzTarget {
  readonly name: string;
  readonly handler = new ReadEverything();
  readonly #make: RequestMaker;
  readonly #protocol: ThriftProtocol;
  readonly #world = new NetworkWorld(1);
  readonly #statistics = new RpcStatistics();
  #runs = 0;

  constructor(name: string, make: RequestMaker, dialectOf?: () => RequestDialect) {
    this.name = name;
    this.#make = make;
    const { environment } = this.#world.addHost('server');
    const commands = new RemoteCommands(environment.clock, this.#statistics, this.handler);
    const options = { ...DEFAULT_THRIFT_OPTIONS, frameBytesMax: FRAME_BYTES_MAX };
    this.#protocol = new ThriftProtocol(
      environment,
      options,
      this.#statistics,
      commands,
      dialectOf,
    );
  }

  seed(random: SeededRandom): Uint8Array {
    return concat(random, () => this.#make(ASKED[random.below(ASKED.length)]!, random));
  }

  async run(bytes: Uint8Array, random: SeededRandom): Promise<boolean> {
    const before = this.#statistics.requests;
    const connection = feed(this.#protocol, bytes, random);
    this.#runs += 1;
    if (this.#runs % RUNS_PER_FLUSH === 0) await this.#world.run(1);
    const outputMax = OUTPUT_MIN + OUTPUT_PER_INPUT_MAX * bytes.length;
    expect(connection.written <= outputMax, 'a server says more than it was asked');
    expect(this.#statistics.sessionsOpen === 0, 'a session outlives its connection');
    return this.#statistics.requests > before;
  }
}

function concat(random: SeededRandom, make: () => Uint8Array): Uint8Array {
  const frames = Array.from({ length: 1 + random.below(FRAMES_MAX) }, make);
  return new Uint8Array(Buffer.concat(frames));
}

const STRUCTS: Readonly<Record<string, unknown>> = { ...internal };

/** A second Hello is refused. */
const MESSAGES = (Object.keys(InternalMessage) as (keyof typeof InternalMessage)[]).filter(
  (name) => name !== 'hello',
);

class BusTarget implements FuzzTarget {
  readonly name = 'session between servers';
  readonly types: Set<number> = new Set();
  readonly #bus: MessageBus;
  #read = 0;

  constructor() {
    const { environment } = new NetworkWorld(2).addHost('server');
    const messages = Object.fromEntries(
      Object.values(InternalMessage).map((type) => [type, () => this.#onMessage(type)]),
    );
    const options = { frameBytesMax: FRAME_BYTES_MAX, clusterName: 'c', nodeId: toNodeId('b:1') };
    this.#bus = new MessageBus(
      environment,
      { ...DEFAULT_MESSAGE_BUS_OPTIONS, ...options, incarnation: 1 },
      new RpcStatistics(),
      { messages, onPeerConnected: () => {}, onPeerLost: () => {} },
    );
  }

  seed(random: SeededRandom): Uint8Array {
    const writer = new Writer();
    writer.writeI32(INTERNAL_MAGIC);
    const hello = { protocolVersion: 1, clusterName: 'c', nodeId: 'a:1', incarnation: 1 };
    writeInternalFrame(writer, InternalMessage.hello, hello);
    for (let count = random.below(FRAMES_MAX); count >= 0; count--) {
      const name = MESSAGES[random.below(MESSAGES.length)]!;
      const struct = name.charAt(0).toUpperCase() + name.slice(1);
      const write = STRUCTS[`write${struct}`] as (writer: Writer, value: unknown) => void;
      const mark = beginInternalFrame(writer, InternalMessage[name]);
      write(writer, randomStruct(structNamed(struct), random));
      finishInternalFrame(writer, mark);
    }
    return writer.take();
  }

  run(bytes: Uint8Array, random: SeededRandom): boolean {
    const before = this.#read;
    feed(this.#bus, bytes, random);
    return this.#read > before;
  }

  #onMessage(type: number): void {
    this.#read += 1;
    this.types.add(type);
  }
}

/** What a client does with the bytes of a server. */
class ReplyTarget implements FuzzTarget {
  readonly name = 'replies to a client';
  readonly #reader = new Reader();
  readonly #header = new ReplyHeader();

  seed(random: SeededRandom): Uint8Array {
    return concat(random, () => {
      const rpc = RPCS[random.below(RPCS.length)]!;
      const { argument, result, code } = rpc.result === 'none' ? RPCS[RpcCode.get]! : rpc;
      expect(argument !== 'none', 'what has a result has an argument');
      const writer = new Writer();
      const mark = beginReply(writer, 0, code, random.below(100));
      writeValue(result, writer, randomArgument(result, random));
      finishReply(writer, mark);
      return writer.take();
    });
  }

  run(bytes: Uint8Array, random: SeededRandom): boolean {
    let read = 0;
    const frames = new FrameBuffer(this.#reader, {
      frameSize: (at) => replyFrameSize(at, FRAME_BYTES_MAX),
      onFrame: (at, size) => {
        parseReply(at, size, this.#header);
        const rpc = RPCS[this.#header.rpc];
        expect(rpc !== undefined, 'a reply of no known procedure');
        if (this.#header.hasResult && rpc.code !== RpcCode.unknown && rpc.result !== 'none') {
          readValue(rpc.result, at);
          read += 1;
        }
        return true;
      },
    });
    const cut = random.below(3) === 0 ? 1 + random.below(64) : Math.max(bytes.length, 1);
    try {
      for (let at = 0; at < bytes.length; at += cut) frames.push(bytes.slice(at, at + cut));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
    return read > 0;
  }
}

export class SessionTargets {
  readonly #servers: readonly ServerTarget[] = [
    new ServerTarget('session THFT v0', thriftRequest(0)),
    new ServerTarget('session THFT v1', thriftRequest(1)),
    new ServerTarget(
      'session RDSN',
      rdsnRequest,
      () => new RdsnDialect({ host: '127.0.0.1', port: 34801 }),
    ),
  ];
  readonly #bus = new BusTarget();

  get targets(): readonly FuzzTarget[] {
    return [...this.#servers, this.#bus, new ReplyTarget()];
  }

  /** Procedures whose arguments were read, by dialect; messages between servers. */
  coverage(): readonly Coverage[] {
    // Remote commands are read by those who answer them.
    const asked = ASKED.filter(({ code }) => code !== RpcCode.cliCall);
    const servers = this.#servers.map(({ name, handler }) => {
      const missing = asked.filter(({ code }) => !handler.codes.has(code)).map((rpc) => rpc.name);
      const met = asked.length - missing.length;
      return { name: `procedures, ${name}`, met, declared: asked.length, missing };
    });
    const missing = MESSAGES.filter((name) => !this.#bus.types.has(InternalMessage[name]));
    const declared = MESSAGES.length;
    const met = declared - missing.length;
    return [...servers, { name: 'messages between servers', met, declared, missing }];
  }
}
