/**
 * Whatever bytes arrive, a server or client answers, waits for more, or closes the connection: no
 * other exception, no hang, no memory beyond the frame limit.
 *
 * Normally some 30,000 streams from fixed seeds. `PEGASUS_FUZZ_STREAMS=1000000` for a long run,
 * `PEGASUS_FUZZ_SEED` for another one.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { ErrorCode } from '../../src/base/error-names.ts';
import { SeededRandom } from '../../src/base/prng.ts';
import type { Connection, ConnectionHandler } from '../../src/env/transport.ts';
import { toNodeId } from '../../src/model/identity.ts';
import { FrameBuffer } from '../../src/rpc/frame-buffer.ts';
import { DEFAULT_MESSAGE_BUS_OPTIONS, MessageBus } from '../../src/rpc/message-bus.ts';
import { type ConnectionProtocol, ProtocolMagic } from '../../src/rpc/server.ts';
import { RpcStatistics } from '../../src/rpc/statistics.ts';
import {
  DEFAULT_THRIFT_OPTIONS,
  type RequestHandler,
  ThriftProtocol,
} from '../../src/rpc/thrift-session.ts';
import { Reader } from '../../src/wire/reader.ts';
import { RPCS, RpcCode } from '../../src/wire/rpc-codes.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import {
  beginArgument,
  parseReply,
  ReplyHeader,
  replyFrameSize,
} from '../../src/wire/thrift-frame.ts';
import { WireError } from '../../src/wire/types.ts';
import { internalSeeds, replySeeds, requestSeeds } from './frame-seeds.ts';
import { mutate, randomBytes } from './mutate.ts';
import { NetworkWorld } from './network-world.ts';
import { makeValue, readValue, writeValue } from './wire-values.ts';

const STREAMS = Number(process.env['PEGASUS_FUZZ_STREAMS'] ?? 30_000);
const SEED = Number(process.env['PEGASUS_FUZZ_SEED'] ?? 1);
const FRAME_BYTES_MAX = 256 * 1024;
/**
 * Streams whose arguments or results were read to the end: proof that the mutants are not all
 * refused at the door.
 */
const ACCEPTED_FRACTION_MIN = 0.02;

/** The far end of nothing: takes what is written and notes that it was closed. */
class DeadEnd implements Connection {
  readonly remote = 'fuzz:1';
  readonly bufferedBytes = 0;
  isClosed = false;
  written = 0;
  write(bytes: Uint8Array): void {
    this.written += bytes.length;
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

/** Reads every argument and answers with a default result. */
class ReadEverything implements RequestHandler {
  read = 0;
  onRequest(...[session, header, reader]: Parameters<RequestHandler['onRequest']>): void {
    const rpc = RPCS[header.rpc] ?? assert.fail('a known procedure');
    if (beginArgument(reader)) readValue(rpc.argument, reader);
    this.read += 1;
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

/** One damaged or random stream after the other, each torn into pieces. */
function* streams(seeds: readonly Uint8Array[], count: number): Generator<Uint8Array[]> {
  const random = new SeededRandom(SEED);
  for (let index = 0; index < count; index++) {
    const seed = seeds[random.below(seeds.length)]!;
    const bytes = index % 16 === 0 ? randomBytes(random, 200) : mutate(seed, random);
    if (index % 32 === 0) bytes.set(seed.subarray(0, Math.min(8, seed.length, bytes.length)));
    const pieces: Uint8Array[] = [];
    const cut = random.below(3) === 0 ? 1 + random.below(64) : Math.max(bytes.length, 1);
    for (let at = 0; at < bytes.length; at += cut) pieces.push(bytes.slice(at, at + cut));
    yield pieces;
  }
}

function feed(protocol: ConnectionProtocol, pieces: readonly Uint8Array[]): void {
  const connection = new DeadEnd();
  const handler: ConnectionHandler = protocol.open(connection);
  for (const piece of pieces) {
    if (connection.isClosed) break;
    handler.onData(connection, piece);
  }
  handler.onClose(connection, 'remote');
}

function assertMemory(bytesBefore: number): void {
  const growth = process.memoryUsage().arrayBuffers - bytesBefore;
  assert.ok(growth < 64 * 1024 * 1024, `array buffers grew by ${growth} bytes`);
}

test('a server survives any request stream', { timeout: 600_000 }, async () => {
  const world = new NetworkWorld(1);
  const { environment } = world.addHost('server');
  const statistics = new RpcStatistics();
  const handler = new ReadEverything();
  const options = { ...DEFAULT_THRIFT_OPTIONS, frameBytesMax: FRAME_BYTES_MAX };
  const protocol = new ThriftProtocol(environment, options, statistics, handler);
  const before = process.memoryUsage().arrayBuffers;
  let index = 0;
  for (const pieces of streams(requestSeeds(), STREAMS)) {
    feed(protocol, pieces);
    index += 1;
    if (index % 1000 === 0) await world.run(1);
  }
  await world.run(1);
  assertMemory(before);
  assert.equal(statistics.sessionsOpen, 0);
  assert.ok(handler.read > STREAMS * ACCEPTED_FRACTION_MIN, `${handler.read} requests read`);
  assert.ok(statistics.framesMalformed > STREAMS / 10);
});

test('a server survives any stream between servers', { timeout: 600_000 }, () => {
  const world = new NetworkWorld(2);
  const { environment } = world.addHost('server');
  const statistics = new RpcStatistics();
  let read = 0;
  const onMessage = (): void => {
    read += 1;
  };
  const messages = Object.fromEntries(
    Object.values(InternalMessage).map((type) => [type, onMessage]),
  );
  const bus = new MessageBus(
    environment,
    {
      ...DEFAULT_MESSAGE_BUS_OPTIONS,
      frameBytesMax: FRAME_BYTES_MAX,
      clusterName: 'c',
      nodeId: toNodeId('b:1'),
      incarnation: 1,
    },
    statistics,
    { messages, onPeerConnected: () => {}, onPeerLost: () => {} },
  );
  const before = process.memoryUsage().arrayBuffers;
  for (const pieces of streams(internalSeeds(), STREAMS)) feed(bus, pieces);
  assertMemory(before);
  assert.ok(read > STREAMS * ACCEPTED_FRACTION_MIN, `${read} messages read`);
  assert.ok(statistics.framesMalformed > STREAMS / 10);
});

test('a client survives any reply stream', { timeout: 600_000 }, () => {
  const header = new ReplyHeader();
  const reader = new Reader();
  let read = 0;
  let refused = 0;
  const before = process.memoryUsage().arrayBuffers;
  for (const pieces of streams(replySeeds(), STREAMS)) {
    const frames = new FrameBuffer(reader, {
      frameSize: (at) => replyFrameSize(at, FRAME_BYTES_MAX),
      onFrame: (at, size) => {
        parseReply(at, size, header);
        const rpc = RPCS[header.rpc] ?? assert.fail('a known procedure');
        if (header.hasResult && rpc.code !== RpcCode.unknown && rpc.result !== 'none') {
          readValue(rpc.result, at);
          read += 1;
        }
        return true;
      },
    });
    try {
      for (const piece of pieces) frames.push(piece);
    } catch (error) {
      assert.ok(error instanceof WireError, String(error));
      refused += 1;
    }
  }
  assertMemory(before);
  assert.ok(read > STREAMS * ACCEPTED_FRACTION_MIN, `${read} results read`);
  assert.ok(refused > STREAMS / 10);
});

test('the dialects start with the bytes that the port is sniffed by', () => {
  const first = (bytes: Uint8Array | undefined): number =>
    new DataView((bytes ?? assert.fail()).slice().buffer).getUint32(0);
  assert.equal(first(requestSeeds()[0]), ProtocolMagic.thrift);
  assert.equal(first(internalSeeds()[0]), ProtocolMagic.internal);
});
