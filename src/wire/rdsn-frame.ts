/**
 * Frames of the RDSN dialect: the C++ client, its shell and its tools (wire.md §1.9).
 *
 *   frame  header (192, little-endian) · body: one field (any id) with the argument or result, STOP
 *
 *     0 'RDSN'         4 version 0       8 length 192      12 CRC of the header
 *    16 body length   20 CRC of the body                   24 id (8)
 *    32 trace id (8)  40 name (48)      88 code (8)        96 app id, partition index
 *   104 context (8)  112 sender (8)    120 timeout ms     124 thread hash
 *   128 partition hash (8)             136 error name (48) 184 error code (8)
 *
 * A reply repeats the request's header but for name (+ `_ACK`), lengths, sender, error, and the
 * request bit. Sequence ids have 64 bits, so requests under way are known by a ticket of 32 bits
 * (`RequestHeader.seqid`), under which their header is kept. Checksums are checked where the sender
 * made them, and not made.
 *
 * A request may say that it can be sent on. Clients, which have no port of their own, are told where to. Programs that
 * listen wait for the answer itself: their requests are passed on under another id, marked as sent on, and the answer
 * is given its former id again (rpc/rdsn-relay.ts). Nothing is sent on twice.
 */
import { assert } from '../base/assert.ts';
import { copyInto } from '../base/bytes.ts';
import { crc32c } from '../base/crc32c.ts';
import { ErrorCode, errorName } from '../base/error-names.ts';
import type { HostPort } from '../base/host-port.ts';
import { encodeUtf8 } from '../base/utf8.ts';
import type { Reader } from './reader.ts';
import type { RequestDialect } from './request-dialect.ts';
import { findRpc, RPCS, RpcCode, unknownReplyName } from './rpc-codes.ts';
import type { RequestHeader } from './thrift-frame.ts';
import { parseIpv4, WireError, WireType } from './types.ts';
import type { Writer } from './writer.ts';

export const RDSN_HEADER_BYTES = 192;

const At = {
  version: 4,
  headerLength: 8,
  headerChecksum: 12,
  bodyLength: 16,
  bodyChecksum: 20,
  id: 24,
  idHigh: 28,
  name: 40,
  code: 88,
  appId: 96,
  partitionIndex: 100,
  context: 104,
  sender: 112,
  timeoutMs: 120,
  partitionHashLow: 128,
  partitionHashHigh: 132,
  errorName: 136,
  errorCode: 184,
} as const;

const NAME_BYTES = 48;
const MAGIC = 0x5244534e;
/** In the first word of the context, as little-endian bits. */
const CONTEXT_IS_REQUEST = 1;
const CONTEXT_IS_FORWARDED = 1 << 1;
const CONTEXT_CAN_BE_FORWARDED = 1 << 10;
const CONTEXT_IS_BACKUP = 1 << 11;
/** In the sender's address, which is little-endian. */
const SENDER_PORT = 2;
/** Senders without a port of their own are clients; servers would wait for an answer to theirs. */
const CLIENT_PORT_MAX = 1_023;
const TICKET_MASK = 0x7fffffff;

/** Of a request or of a reply; 0 while unknown. Does not move the reader. Throws `WireError`. */
export function rdsnFrameSize(reader: Reader, frameBytesMax: number): number {
  if (reader.remaining < 4) return 0;
  const { view, position } = reader;
  if (view.getUint32(position) !== MAGIC) throw badFrame('a frame does not start with RDSN');
  if (reader.remaining < At.bodyLength + 4) return 0;
  if (view.getUint32(position + At.version, true) !== 0) {
    throw badFrame('the header version of a frame is not 0');
  }
  if (view.getUint32(position + At.headerLength, true) !== RDSN_HEADER_BYTES) {
    throw badFrame('an RDSN header has 192 bytes');
  }
  const size = RDSN_HEADER_BYTES + view.getUint32(position + At.bodyLength, true);
  if (size > frameBytesMax) throw new WireError('tooLarge', 'a frame is above the size limit');
  return size;
}

/** The id of the request that the reply at the reader answers, if it was one of `relayFrame`; does not move it. */
export function relayedId(reader: Reader): number {
  const { view, position } = reader;
  if ((view.getUint32(position + At.context, true) & CONTEXT_IS_REQUEST) !== 0) {
    throw badFrame('a frame is no reply');
  }
  return view.getUint32(position + At.id, true);
}

export class RdsnDialect implements RequestDialect {
  readonly needsHostPorts: boolean = true;
  /** This server, as replies name it: little-endian rpc_address. */
  readonly #sender: Uint8Array;
  /** Headers of the requests under way. */
  readonly #saved = new Map<number, Uint8Array>();
  #lastTicket = 0;
  /** Of the reply being written. */
  #ticket = 0;

  constructor(self: HostPort) {
    this.#sender = senderBytes(self);
  }

  frameSize(reader: Reader, frameBytesMax: number): number {
    return rdsnFrameSize(reader, frameBytesMax);
  }

  parse(reader: Reader, size: number, header: RequestHeader): void {
    const at = reader.take(RDSN_HEADER_BYTES);
    reader.end = at + size;
    const { bytes, view } = reader;
    checkSums(bytes, view, at, size);
    const context = view.getUint32(at + At.context, true);
    if ((context & CONTEXT_IS_REQUEST) === 0) throw badFrame('a frame is no request');
    header.frameBytes = size;
    header.appId = view.getInt32(at + At.appId, true);
    header.partitionIndex = view.getInt32(at + At.partitionIndex, true);
    header.timeoutMs = view.getInt32(at + At.timeoutMs, true);
    header.partitionHashHigh = view.getUint32(at + At.partitionHashHigh, true);
    header.partitionHashLow = view.getUint32(at + At.partitionHashLow, true);
    header.isBackupRequest = (context & CONTEXT_IS_BACKUP) !== 0;
    header.wantsStaleness = false;
    header.nameStart = at + At.name;
    header.nameEnd = header.nameStart + nameLength(bytes, header.nameStart);
    header.rpc = findRpc(bytes, header.nameStart, header.nameEnd);
    header.seqid = this.#save(bytes.slice(at, at + RDSN_HEADER_BYTES));
  }

  beginReply(writer: Writer, error: ErrorCode, rpc: RpcCode, seqid: number): number {
    const mark = this.#writeHead(writer, error, seqid, ACK_NAMES[rpc]!);
    writer.writeFieldTag(rpc === RpcCode.cliCall ? WireType.string : WireType.struct);
    return mark;
  }

  finishReply(writer: Writer, mark: number): void {
    writer.writeStop();
    const bodyBytes = writer.length - mark - RDSN_HEADER_BYTES;
    writer.patchI32(mark + At.bodyLength, byteSwapped(bodyBytes));
    this.#saved.delete(this.#ticket);
  }

  writeErrorReply(writer: Writer, error: ErrorCode, rpc: RpcCode, seqid: number): void {
    this.#writeHead(writer, error, seqid, ACK_NAMES[rpc]!);
    this.#saved.delete(seqid);
  }

  writeForwardReply(writer: Writer, rpc: RpcCode, seqid: number, leader: HostPort): boolean {
    const view = this.#viewOf(seqid);
    if (!canBeForwarded(view) || !isFromClient(view) || parseIpv4(leader.host) < 0) return false;
    const mark = this.beginReply(writer, ErrorCode.forwardToOthers, rpc, seqid);
    writer.writeRpcAddress(leader);
    this.finishReply(writer, mark);
    return true;
  }

  relayFrame(seqid: number, body: Uint8Array, id: number): Uint8Array | null {
    const saved = this.#viewOf(seqid);
    if (!canBeForwarded(saved) || isFromClient(saved)) return null;
    const frame = new Uint8Array(RDSN_HEADER_BYTES + body.length);
    copyInto(this.#saved.get(seqid)!, 0, RDSN_HEADER_BYTES, frame, 0);
    copyInto(body, 0, body.length, frame, RDSN_HEADER_BYTES);
    const view = new DataView(frame.buffer);
    view.setUint32(At.headerChecksum, 0, true);
    view.setUint32(At.id, id, true);
    view.setUint32(At.idHigh, 0, true);
    const context = view.getUint32(At.context, true);
    view.setUint32(At.context, context | CONTEXT_IS_FORWARDED, true);
    return frame;
  }

  writeRelayedReply(writer: Writer, reply: Uint8Array, seqid: number): void {
    const header = this.#saved.get(seqid);
    assert(header !== undefined, 'a request is answered once');
    writer.writeBytes(reply.subarray(0, At.id));
    writer.writeBytes(header.subarray(At.id, At.idHigh + 4));
    writer.writeBytes(reply.subarray(At.idHigh + 4));
    this.#saved.delete(seqid);
  }

  writeUnknownReply(writer: Writer, reader: Reader, header: RequestHeader): void {
    const name = unknownReplyName(reader.bytes, header.nameStart, header.nameEnd);
    this.#writeHead(writer, ErrorCode.handlerNotFound, header.seqid, name);
    this.#saved.delete(header.seqid);
  }

  forget(seqid: number): void {
    this.#saved.delete(seqid);
  }

  /** Of the header of a request under way. */
  #viewOf(seqid: number): DataView {
    const header = this.#saved.get(seqid);
    assert(header !== undefined, 'a request is answered once');
    return new DataView(header.buffer, header.byteOffset, header.length);
  }

  #save(header: Uint8Array): number {
    do this.#lastTicket = (this.#lastTicket + 1) & TICKET_MASK;
    while (this.#saved.has(this.#lastTicket));
    this.#saved.set(this.#lastTicket, header);
    return this.#lastTicket;
  }

  /** The saved header is used as it stands and stays saved, since a reply may be taken back. */
  #writeHead(writer: Writer, error: ErrorCode, ticket: number, name: Uint8Array): number {
    const header = this.#saved.get(ticket);
    assert(header !== undefined, 'a request is answered once');
    this.#ticket = ticket;
    header.fill(0, At.headerChecksum, At.bodyChecksum + 4);
    writeName(header, At.name, name);
    header.fill(0, At.code, At.code + 8);
    header[At.context] = header[At.context]! & ~CONTEXT_IS_REQUEST;
    copyInto(this.#sender, 0, this.#sender.length, header, At.sender);
    writeName(header, At.errorName, ERROR_NAMES[error]!);
    header.fill(0, At.errorCode, At.errorCode + 8);
    const mark = writer.length;
    writer.writeBytes(header);
    return mark;
  }
}

const ERROR_NAMES: readonly Uint8Array[] = Object.values(ErrorCode).map((code) =>
  encodeUtf8(errorName(code)),
);

/** `<name>_ACK` by procedure. */
const ACK_NAMES: readonly Uint8Array[] = RPCS.map((rpc) => encodeUtf8(`${rpc.name}_ACK`));

function canBeForwarded(header: DataView): boolean {
  const context = header.getUint32(At.context, true);
  return (context & CONTEXT_CAN_BE_FORWARDED) !== 0 && (context & CONTEXT_IS_FORWARDED) === 0;
}

function isFromClient(header: DataView): boolean {
  return header.getUint16(At.sender + SENDER_PORT, true) <= CLIENT_PORT_MAX;
}

function writeName(header: Uint8Array, at: number, name: Uint8Array): void {
  header.fill(0, at, at + NAME_BYTES);
  copyInto(name, 0, Math.min(name.length, NAME_BYTES - 1), header, at);
}

/** Up to the NUL; the field need not have one. */
function nameLength(bytes: Uint8Array, start: number): number {
  let length = 0;
  while (length < NAME_BYTES && bytes[start + length] !== 0) length += 1;
  return length;
}

function checkSums(bytes: Uint8Array, view: DataView, at: number, size: number): void {
  const headerChecksum = view.getUint32(at + At.headerChecksum, true);
  if (headerChecksum !== 0) {
    const header = bytes.slice(at, at + RDSN_HEADER_BYTES);
    header.fill(0, At.headerChecksum, At.headerChecksum + 4);
    if (crc32c(header, 0, header.length) !== headerChecksum) {
      throw badFrame('the checksum of a header is wrong');
    }
  }
  const bodyChecksum = view.getUint32(at + At.bodyChecksum, true);
  if (bodyChecksum === 0) return;
  if (crc32c(bytes, at + RDSN_HEADER_BYTES, at + size) !== bodyChecksum) {
    throw badFrame('the checksum of a body is wrong');
  }
}

/** u16 type 1, u16 port, u32 IPv4, all little-endian; zeros when the host is no IPv4 address. */
function senderBytes(self: HostPort): Uint8Array {
  const bytes = new Uint8Array(8);
  const address = parseIpv4(self.host);
  if (address < 0) return bytes;
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 1, true);
  view.setUint16(2, self.port, true);
  view.setUint32(4, address, true);
  return bytes;
}

function byteSwapped(value: number): number {
  const high = ((value & 0xff) << 24) | ((value & 0xff00) << 8);
  return high | ((value >>> 8) & 0xff00) | (value >>> 24);
}

function badFrame(message: string): WireError {
  return new WireError('badFrame', message);
}
