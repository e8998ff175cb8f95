/**
 * What a server session must know of the dialect that its client speaks. Procedures, arguments and
 * results are the same in all of them; frames and headers differ.
 */
import { assert } from '../base/assert.ts';
import type { ErrorCode } from '../base/error-names.ts';
import type { HostPort } from '../base/host-port.ts';
import type { Reader } from './reader.ts';
import type { RpcCode } from './rpc-codes.ts';
import {
  beginReply,
  finishReply,
  parseRequest,
  type RequestHeader,
  requestFrameSize,
  writeErrorReply,
  writeUnknownRpcReply,
} from './thrift-frame.ts';
import type { Writer } from './writer.ts';

export interface RequestDialect {
  /** Its clients find servers by host and port; the others do so by IPv4 address. */
  readonly needsHostPorts: boolean;
  /** Size of the frame at the reader, 0 while unknown; does not move it. Throws `WireError`. */
  frameSize(reader: Reader, frameBytesMax: number): number;
  /**
   * Reads the frame into `header`; the reader then stands on the argument struct. Throws
   * `WireError`.
   */
  parse(reader: Reader, size: number, header: RequestHeader): void;
  /**
   * Begins the reply to the request with this seqid up to the result value. Returns a mark for
   * `finishReply`.
   */
  beginReply(writer: Writer, error: ErrorCode, rpc: RpcCode, seqid: number): number;
  finishReply(writer: Writer, mark: number): void;
  /** A whole reply without a result. */
  writeErrorReply(writer: Writer, error: ErrorCode, rpc: RpcCode, seqid: number): void;
  /**
   * A whole reply that sends the client to `leader` instead of answering. False, and nothing is written, when the
   * request did not say that its client can be sent elsewhere.
   */
  writeForwardReply(writer: Writer, rpc: RpcCode, seqid: number, leader: HostPort): boolean;
  /**
   * The request with this seqid as a frame of its own for another server, under `id` (32 bits); `body` is what follows
   * its header. Null when its sender does not want that. The request is still to be answered.
   */
  relayFrame(seqid: number, body: Uint8Array, id: number): Uint8Array | null;
  /** A whole reply: what the other server has answered to the frame. */
  writeRelayedReply(writer: Writer, reply: Uint8Array, seqid: number): void;
  /** ERR_HANDLER_NOT_FOUND to the request that was just parsed. */
  writeUnknownReply(writer: Writer, reader: Reader, header: RequestHeader): void;
  /** The request with this seqid gets no reply. */
  forget(seqid: number): void;
}

/** THFT has no state: all that a reply needs is the procedure and the seqid. */
export const THRIFT_DIALECT: RequestDialect = {
  needsHostPorts: false,
  frameSize: requestFrameSize,
  parse: parseRequest,
  beginReply,
  finishReply,
  writeErrorReply,
  writeForwardReply: () => false,
  relayFrame: () => null,
  writeRelayedReply(): void {
    assert(false, 'nothing was passed on');
  },
  writeUnknownReply(writer: Writer, reader: Reader, header: RequestHeader): void {
    const { nameStart, nameEnd, seqid } = header;
    writeUnknownRpcReply(writer, reader.bytes, nameStart, nameEnd, seqid);
  },
  forget(): void {},
};
