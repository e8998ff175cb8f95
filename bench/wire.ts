/**
 * Nanoseconds per operation of the codecs: median and best of several rounds.
 *
 *   node --import tsx bench/wire.ts [--json]
 */
import { encodeUtf8 } from '../src/base/utf8.ts';
import {
  makePrepare,
  type Prepare,
  readPrepare,
  writePrepare,
} from '../src/wire/generated/internal.ts';
import {
  makeUpdateRequest,
  readReadResponse,
  readUpdateRequest,
  writeReadResponse,
  writeUpdateRequest,
} from '../src/wire/generated/rrdb.ts';
import {
  beginInternalFrame,
  enterInternalFrame,
  finishInternalFrame,
  internalFrameSize,
} from '../src/wire/internal-frame.ts';
import { Reader } from '../src/wire/reader.ts';
import { RpcCode } from '../src/wire/rpc-codes.ts';
import { InternalMessage } from '../src/wire/schema/internal.ts';
import {
  beginArgument,
  beginReply,
  beginRequest,
  FRAME_BYTES_MAX,
  finishReply,
  finishRequest,
  parseReply,
  parseRequest,
  ReplyHeader,
  RequestHeader,
  replyFrameSize,
  requestFrameSize,
} from '../src/wire/thrift-frame.ts';
import { Writer } from '../src/wire/writer.ts';

const ROUNDS = 15;
const OPERATIONS = 200_000;
/** Frames lie side by side, as in a piece of input of a busy connection. */
const FRAMES = 256;

interface Result {
  readonly name: string;
  readonly nsMedian: number;
  readonly nsBest: number;
}

const key = encodeUtf8('\u0000\u0010user-0123456789a\u0000sort-0001');
const value = new Uint8Array(100).fill(7);
const writer = new Writer();
const reader = new Reader();
const requestHeader = new RequestHeader();
const replyHeader = new ReplyHeader();
let sink = 0;

function measure(name: string, operation: () => void): Result {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let index = 0; index < OPERATIONS; index++) operation();
    times.push(Number(process.hrtime.bigint() - start) / OPERATIONS);
  }
  times.sort((a, b) => a - b);
  const round = (ns: number): number => Math.round(ns * 10) / 10;
  return { name, nsMedian: round(times[ROUNDS >> 1]!), nsBest: round(times[0]!) };
}

/** Reads the frames of `stream` one after the other, again and again. */
function readingOf(stream: Uint8Array, readOne: () => number): () => void {
  let at = 0;
  return () => {
    reader.reset(stream, at, stream.length);
    at += readOne();
    if (at === stream.length) at = 0;
  };
}

function repeated(write: () => void): Uint8Array {
  for (let index = 0; index < FRAMES; index++) write();
  return writer.take();
}

/** Output is dropped now and then, as a flush would do it. */
function writingOf(write: () => void): () => void {
  return () => {
    write();
    if (writer.length > 48 * 1024) writer.rewind(0);
  };
}

function writeGet(): void {
  requestHeader.rpc = RpcCode.get;
  requestHeader.version = 1;
  requestHeader.seqid += 1;
  const mark = beginRequest(writer, requestHeader);
  writer.writeBlob(key);
  finishRequest(writer, mark, 1);
}

const put = { ...makeUpdateRequest(), key, value };

function writePut(): void {
  requestHeader.rpc = RpcCode.put;
  requestHeader.version = 1;
  const mark = beginRequest(writer, requestHeader);
  writeUpdateRequest(writer, put);
  finishRequest(writer, mark, 1);
}

function readRequestHead(): number {
  const size = requestFrameSize(reader, FRAME_BYTES_MAX);
  parseRequest(reader, size, requestHeader);
  beginArgument(reader);
  return size;
}

function readGet(): number {
  const size = readRequestHead();
  sink += reader.readBlob().length + requestHeader.seqid;
  return size;
}

function readPut(): number {
  const size = readRequestHead();
  sink += readUpdateRequest(reader).value.length;
  return size;
}

const found = { error: 0, value, appId: 2, partitionIndex: 4, server: '127.0.0.1:34801' };

function writeFound(): void {
  const mark = beginReply(writer, 0, RpcCode.get, 7);
  writeReadResponse(writer, found);
  finishReply(writer, mark);
}

function readFound(): number {
  const size = replyFrameSize(reader, FRAME_BYTES_MAX);
  parseReply(reader, size, replyHeader);
  sink += readReadResponse(reader).value.length;
  return size;
}

const prepare: Prepare = {
  ...makePrepare(),
  appId: 2,
  ballot: 3,
  decree: 5_000_000_000,
  timestampUs: 1_764_000_000_000_000,
  body: new Uint8Array(250),
};

function writeOnePrepare(): void {
  const mark = beginInternalFrame(writer, InternalMessage.prepare);
  writePrepare(writer, prepare);
  finishInternalFrame(writer, mark);
}

function readOnePrepare(): number {
  const size = internalFrameSize(reader, FRAME_BYTES_MAX);
  enterInternalFrame(reader, size);
  sink += readPrepare(reader).decree;
  return size;
}

const results: Result[] = [
  measure('decode GET request', readingOf(repeated(writeGet), readGet)),
  measure('decode PUT request', readingOf(repeated(writePut), readPut)),
  measure('decode GET reply', readingOf(repeated(writeFound), readFound)),
  measure('decode PREPARE', readingOf(repeated(writeOnePrepare), readOnePrepare)),
  measure('encode GET request', writingOf(writeGet)),
  measure('encode PUT request', writingOf(writePut)),
  measure('encode GET reply', writingOf(writeFound)),
  measure('encode PREPARE', writingOf(writeOnePrepare)),
];

if (process.argv.includes('--json')) {
  process.stdout.write(`${JSON.stringify({ bench: 'wire', results, sink: sink > 0 })}\n`);
} else {
  for (const { name, nsMedian, nsBest } of results) {
    process.stdout.write(`${name.padEnd(22)} ${nsMedian} ns (best ${nsBest})\n`);
  }
}
