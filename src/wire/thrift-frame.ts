/**
 * THFT frames: requests of clients and replies of servers. Both directions of both: servers parse
 * requests and write replies, clients write requests and parse replies.
 *
 *   request v0   "THFT" u32 0 · u32 48 · u32 crc · u32 bodyLength · u32 crc · i32 appId
 *                · i32 partitionIndex · i32 timeoutMs · i32 threadHash · u64 partitionHash · body
 *   request v1   "THFT" u32 1 · u32 metaLength · u32 bodyLength · meta struct {1 appId
 *                2 partitionIndex 3 timeoutMs 4 partitionHash 5 isBackupRequest
 *                (100 wantsStaleness: our own client, backup requests)} · body
 *   body         message begin · argument struct: one field, any id · STOP
 *   begin        i32 0x80010000 | type · string name · i32 seqid
 *                (or string name · i8 type · i32 seqid)
 *   reply        i32 length, itself included · string error · begin, type 2, name + "_ACK"
 *                · result struct: field 0 (field 100: the staleness, for who wants it) · STOP
 *
 * A reply that carries an error normally ends after the message begin. Checksums are neither
 * written nor checked: every client sends 0. Replies may come in any order; the seqid is echoed
 * whatever it is.
 *
 * Two steps: `…FrameSize` tells how many bytes the frame at the reader takes (0 = not known yet),
 * `parse…` reads a frame that is there as a whole. Both throw `WireError` on what is no frame: the
 * connection cannot be used any more.
 */
import { concatBytes } from '../base/bytes.ts';
import { ErrorCode, errorCodeOf, errorName } from '../base/error-names.ts';
import type { Reader } from './reader.ts';
import { findRpc, RPCS, RpcCode, unknownReplyName } from './rpc-codes.ts';
import { WireError, WireType } from './types.ts';
import { Writer } from './writer.ts';

/** Far above the write limit (1 MiB by default, checked elsewhere), far below what hurts. */
export const FRAME_BYTES_MAX: number = 64 * 1024 * 1024;

const MAGIC = 0x54484654;
const V0_HEADER_BYTES = 48;
const V1_HEADER_BYTES = 16;
const STRICT_MASK = 0xffff0000;
const STRICT_VERSION = 0x80010000;
const ACK_BYTES = 4;

const MessageType = { call: 1, reply: 2, exception: 3, oneway: 4 } as const;

interface MessageBegin {
  messageType: number;
  /** Where the name lies in the reader's bytes. */
  nameStart: number;
  nameEnd: number;
  seqid: number;
}

/**
 * Filled by `parseRequest`, read by `beginRequest`. One object is reused: copy out what is kept.
 */
export class RequestHeader implements MessageBegin {
  /** 0 or 1. */
  version = 1;
  appId = 0;
  partitionIndex = 0;
  /** 0 = unknown; not to be relied upon, several clients send nonsense. */
  timeoutMs = 0;
  /** The 64-bit hash of the hash key, as unsigned halves. */
  partitionHashHigh = 0;
  partitionHashLow = 0;
  isBackupRequest = false;
  /** Of a backup request of version 1: the answer may carry `ReadStaleness`. */
  wantsStaleness = false;
  messageType: number = MessageType.call;
  rpc: RpcCode = RpcCode.unknown;
  seqid = 0;
  nameStart = 0;
  nameEnd = 0;
  /** Bytes of the whole frame. */
  frameBytes = 0;
}

/** Filled by `parseReply`. */
export class ReplyHeader implements MessageBegin {
  error: ErrorCode = ErrorCode.ok;
  messageType: number = MessageType.reply;
  /** Of the request that is answered. */
  rpc: RpcCode = RpcCode.unknown;
  seqid = 0;
  nameStart = 0;
  nameEnd = 0;
  /** The reader stands on the value of the result. */
  hasResult = false;
}

// ---- server: requests ----

/**
 * Bytes of the request frame at the reader, 0 while its header is incomplete. Does not move the
 * reader.
 */
export function requestFrameSize(reader: Reader, frameBytesMax: number): number {
  const { view, position } = reader;
  const available = reader.remaining;
  if (available < 4) return 0;
  if (view.getUint32(position) !== MAGIC) throw badFrame('a frame does not start with THFT');
  if (available < V1_HEADER_BYTES) return 0;
  const version = view.getUint32(position + 4);
  let size: number;
  if (version === 1) {
    size = V1_HEADER_BYTES + view.getUint32(position + 8) + view.getUint32(position + 12);
  } else if (version === 0) {
    if (view.getUint32(position + 8) !== V0_HEADER_BYTES) {
      throw badFrame('a version 0 header has 48 bytes');
    }
    if (available < 20) return 0;
    size = V0_HEADER_BYTES + view.getUint32(position + 16);
  } else {
    throw badFrame('the header version of a frame is neither 0 nor 1');
  }
  if (size > frameBytesMax) throw new WireError('tooLarge', 'a frame is above the size limit');
  return size;
}

/**
 * Reads the frame of `size` bytes at the reader into `header`. Afterwards the reader ends with the
 * frame and stands on the argument struct: `beginArgument`, then the value.
 */
export function parseRequest(reader: Reader, size: number, header: RequestHeader): void {
  const start = reader.position;
  reader.end = start + size;
  const version = reader.view.getUint32(start + 4);
  header.version = version;
  header.frameBytes = size;
  if (version === 0) parseHeaderV0(reader, header);
  else parseHeaderV1(reader, header);
  readMessageBegin(reader, header);
  const { messageType } = header;
  if (messageType !== MessageType.call && messageType !== MessageType.oneway) {
    throw badFrame('a request is neither a call nor one-way');
  }
  header.rpc = findRpc(reader.bytes, header.nameStart, header.nameEnd);
}

function parseHeaderV0(reader: Reader, header: RequestHeader): void {
  const at = reader.take(V0_HEADER_BYTES);
  const view = reader.view;
  header.appId = view.getInt32(at + 24);
  header.partitionIndex = view.getInt32(at + 28);
  header.timeoutMs = view.getInt32(at + 32);
  header.partitionHashHigh = view.getUint32(at + 40);
  header.partitionHashLow = view.getUint32(at + 44);
  header.isBackupRequest = false;
  header.wantsStaleness = false;
}

function parseHeaderV1(reader: Reader, header: RequestHeader): void {
  const at = reader.take(V1_HEADER_BYTES);
  const bodyStart = at + V1_HEADER_BYTES + reader.view.getUint32(at + 8);
  const frameEnd = reader.end;
  header.appId = 0;
  header.partitionIndex = 0;
  header.timeoutMs = 0;
  header.partitionHashHigh = 0;
  header.partitionHashLow = 0;
  header.isBackupRequest = false;
  header.wantsStaleness = false;
  reader.end = bodyStart;
  for (let tag = reader.readFieldTag(); tag !== 0; tag = reader.readFieldTag()) {
    switch (tag) {
      case 0x0108:
        header.appId = reader.readI32();
        break;
      case 0x0208:
        header.partitionIndex = reader.readI32();
        break;
      case 0x0308:
        header.timeoutMs = reader.readI32();
        break;
      case 0x040a:
        header.partitionHashHigh = reader.readU32();
        header.partitionHashLow = reader.readU32();
        break;
      case 0x0502:
        header.isBackupRequest = reader.readBool();
        break;
      case TAG_WANTS_STALENESS:
        header.wantsStaleness = reader.readBool();
        break;
      default:
        reader.skipField(tag);
    }
  }
  reader.position = bodyStart;
  reader.end = frameEnd;
}

function readMessageBegin(reader: Reader, into: MessageBegin): void {
  const word = reader.readI32();
  const isStrict = word < 0;
  if (isStrict && (word & STRICT_MASK) !== (STRICT_VERSION | 0)) {
    throw badFrame('a message begins with an unknown version');
  }
  const length = isStrict ? reader.readI32() : word;
  if (length < 0) throw new WireError('badLength', 'the length of a name is negative');
  const nameStart = reader.take(length);
  into.nameStart = nameStart;
  into.nameEnd = nameStart + length;
  into.messageType = isStrict ? word & 0xff : reader.readU8();
  into.seqid = reader.readI32();
}

/** Moves from an argument or result struct to the value of its field. False when there is none. */
export function beginArgument(reader: Reader): boolean {
  return reader.readFieldTag() !== 0;
}

// ---- server: replies ----

const RESULT_STRUCT = WireType.struct;
const RESULT_STRING = WireType.string;

/** Error name as a string, by code. */
const ERROR_HEADS: readonly Uint8Array[] = Object.values(ErrorCode).map((code) =>
  encode((writer) => writer.writeString(errorName(code))),
);

/** Message begin up to the seqid, by procedure. */
const REPLY_BEGINS: readonly Uint8Array[] = RPCS.map((rpc) =>
  encode((writer) => {
    writer.writeI32(STRICT_VERSION | MessageType.reply);
    writer.writeString(`${rpc.name}_ACK`);
  }),
);

/** Both, for the error ERR_OK. */
const OK_HEADS: readonly Uint8Array[] = REPLY_BEGINS.map((begin) =>
  concatBytes([ERROR_HEADS[ErrorCode.ok]!, begin]),
);

/**
 * Begins a reply; the caller writes the result value, then `finishReply` with what this returned.
 */
export function beginReply(writer: Writer, error: ErrorCode, rpc: RpcCode, seqid: number): number {
  const mark = writeReplyHead(writer, error, rpc, seqid);
  writer.writeFieldTag(rpc === RpcCode.cliCall ? RESULT_STRING : RESULT_STRUCT);
  return mark;
}

export function finishReply(writer: Writer, mark: number): void {
  writer.writeStop();
  writer.patchI32(mark, writer.length - mark);
}

/**
 * Milliseconds by which the answer to a backup request may lag behind what is committed
 * (`ReadStaleness` of wire/schema/rrdb.ts). Readers of the IDL pass over fields that they do not know.
 */
const TAG_STALENESS = 0x6408;
const STALENESS_MS_MAX = 0x7fffffff;

/** Between the result value and `finishReply`. */
export function writeStaleness(writer: Writer, milliseconds: number): void {
  writer.writeFieldI32(TAG_STALENESS, Math.min(Math.ceil(milliseconds), STALENESS_MS_MAX));
}

/** A whole reply without a result: what a request gets that was not executed. */
export function writeErrorReply(
  writer: Writer,
  error: ErrorCode,
  rpc: RpcCode,
  seqid: number,
): void {
  const mark = writeReplyHead(writer, error, rpc, seqid);
  writer.patchI32(mark, writer.length - mark);
}

/** ERR_HANDLER_NOT_FOUND, under the name that stands in `bytes[nameStart … nameEnd)`. */
export function writeUnknownRpcReply(
  writer: Writer,
  bytes: Uint8Array,
  nameStart: number,
  nameEnd: number,
  seqid: number,
): void {
  const mark = writer.length;
  writer.writeI32(0);
  writer.writeBytes(ERROR_HEADS[ErrorCode.handlerNotFound]!);
  writer.writeI32(STRICT_VERSION | MessageType.reply);
  writer.writeBlob(unknownReplyName(bytes, nameStart, nameEnd));
  writer.writeI32(seqid);
  writer.patchI32(mark, writer.length - mark);
}

function writeReplyHead(writer: Writer, error: ErrorCode, rpc: RpcCode, seqid: number): number {
  const mark = writer.length;
  writer.writeI32(0);
  if (error === ErrorCode.ok) {
    writer.writeBytes(OK_HEADS[rpc]!);
  } else {
    writer.writeBytes(ERROR_HEADS[error]!);
    writer.writeBytes(REPLY_BEGINS[rpc]!);
  }
  writer.writeI32(seqid);
  return mark;
}

// ---- client: requests ----

/** Message begin up to the seqid, by procedure. */
const REQUEST_BEGINS: readonly Uint8Array[] = RPCS.map((rpc) =>
  encode((writer) => {
    writer.writeI32(STRICT_VERSION | MessageType.call);
    writer.writeString(rpc.name);
  }),
);

/** All five meta fields of the original and STOP. */
const V1_META_BYTES = 37;
/** The original's servers pass over it. */
const TAG_WANTS_STALENESS = 0x6402;
const WANTS_STALENESS_BYTES = 4;

/**
 * Begins a request with the version, target, procedure and seqid in `header`; the caller writes the
 * argument value, then `finishRequest` with what this returned.
 */
export function beginRequest(writer: Writer, header: RequestHeader): number {
  const mark = writer.length;
  writer.writeI32(MAGIC);
  writer.writeI32(header.version);
  if (header.version === 0) writeHeaderV0(writer, header);
  else writeHeaderV1(writer, header);
  writer.writeBytes(REQUEST_BEGINS[header.rpc]!);
  writer.writeI32(header.seqid);
  writer.writeFieldTag(
    0x0100 | (header.rpc === RpcCode.clearScanner ? WireType.i64 : WireType.struct),
  );
  return mark;
}

/** `wantsStaleness` as in the header that the request was begun with. */
export function finishRequest(
  writer: Writer,
  mark: number,
  version: number,
  wantsStaleness: boolean = false,
): void {
  writer.writeStop();
  const length = writer.length - mark;
  if (version === 0) writer.patchI32(mark + 16, length - V0_HEADER_BYTES);
  else writer.patchI32(mark + 12, length - V1_HEADER_BYTES - metaBytes(wantsStaleness));
}

function metaBytes(wantsStaleness: boolean): number {
  return wantsStaleness ? V1_META_BYTES + WANTS_STALENESS_BYTES : V1_META_BYTES;
}

function writeHeaderV0(writer: Writer, header: RequestHeader): void {
  writer.writeI32(V0_HEADER_BYTES);
  writer.writeI32(0);
  writer.writeI32(0);
  writer.writeI32(0);
  writer.writeI32(header.appId);
  writer.writeI32(header.partitionIndex);
  writer.writeI32(header.timeoutMs);
  writer.writeI32(Math.imul(header.appId, 7919) + header.partitionIndex);
  writer.writeI32(header.partitionHashHigh);
  writer.writeI32(header.partitionHashLow);
}

function writeHeaderV1(writer: Writer, header: RequestHeader): void {
  writer.writeI32(metaBytes(header.wantsStaleness));
  writer.writeI32(0);
  writer.writeFieldI32(0x0108, header.appId);
  writer.writeFieldI32(0x0208, header.partitionIndex);
  writer.writeFieldI32(0x0308, header.timeoutMs);
  writer.writeFieldTag(0x040a);
  writer.writeI32(header.partitionHashHigh);
  writer.writeI32(header.partitionHashLow);
  writer.writeFieldTag(0x0502);
  writer.writeBool(header.isBackupRequest);
  if (header.wantsStaleness) {
    writer.writeFieldTag(TAG_WANTS_STALENESS);
    writer.writeBool(true);
  }
  writer.writeStop();
}

// ---- client: replies ----

/** Error, message begin: no reply is shorter. */
const REPLY_BYTES_MIN = 4 + 4 + 12;

/**
 * Bytes of the reply frame at the reader, 0 while its length is incomplete. Does not move the
 * reader.
 */
export function replyFrameSize(reader: Reader, frameBytesMax: number): number {
  if (reader.remaining < 4) return 0;
  const size = reader.view.getUint32(reader.position);
  if (size < REPLY_BYTES_MIN) throw badFrame('a reply frame is too short');
  if (size > frameBytesMax) throw new WireError('tooLarge', 'a frame is above the size limit');
  return size;
}

/**
 * Reads the frame of `size` bytes at the reader into `header`. Afterwards the reader ends with the
 * frame and, if `hasResult`, stands on the value of the result.
 */
export function parseReply(reader: Reader, size: number, header: ReplyHeader): void {
  const start = reader.take(4);
  reader.end = start + size;
  header.error = errorCodeOf(reader.readString());
  readMessageBegin(reader, header);
  if (header.messageType !== MessageType.reply) throw badFrame('a reply has another message type');
  header.rpc = findRpc(reader.bytes, header.nameStart, header.nameEnd - ACK_BYTES);
  header.hasResult = reader.remaining > 0 && beginArgument(reader);
}

function encode(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(128);
  write(writer);
  return writer.take();
}

function badFrame(message: string): WireError {
  return new WireError('badFrame', message);
}
