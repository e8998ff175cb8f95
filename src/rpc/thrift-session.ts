/**
 * Client connections on the server's side, in the THFT dialect or another one with the same
 * procedures (`RequestDialect`).
 *
 * Each request is handed in place to the `RequestHandler`, which answers now or at any later time,
 * in any order: it keeps the session, the procedure and the seqid. Replies of one turn leave in one
 * write. Every request ends in exactly one of `finishReply`, `replyError` or `withholdReply`.
 *
 * Bounds. A session with `outstandingMax` unanswered requests, or more than `outputBytesMax` bytes
 * that its client has not taken, stops reading; what is already in the current piece of input (64
 * KiB or so) is still handed out. It reads on when half of the requests are answered and the output
 * is gone. A client that never reads is cut off at `outputBytesFatal`.
 *
 * Anything malformed closes the connection: nothing that follows could be trusted.
 */
import { assert, assertAtLeast } from '../base/assert.ts';
import { ErrorCode } from '../base/error-names.ts';
import type { HostPort } from '../base/host-port.ts';
import type { Timers } from '../env/clock.ts';
import type { Logger } from '../env/logger.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../env/transport.ts';
import { Reader } from '../wire/reader.ts';
import { type RequestDialect, THRIFT_DIALECT } from '../wire/request-dialect.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { FRAME_BYTES_MAX, RequestHeader } from '../wire/thrift-frame.ts';
import { WireError } from '../wire/types.ts';
import { Writer } from '../wire/writer.ts';
import { FrameBuffer, type FrameParser } from './frame-buffer.ts';
import type { ConnectionProtocol } from './server.ts';
import type { RpcStatistics } from './statistics.ts';

export interface RequestHandler {
  /**
   * The reader stands on the argument struct (`beginArgument`, then the value). Header, reader and
   * views into it are valid during the call only. Never called with `RpcCode.unknown`. A
   * `WireError` thrown here closes the connection.
   */
  onRequest(session: ThriftSession, header: RequestHeader, reader: Reader): void;
  /** The connection is gone; replies to it are dropped. */
  onSessionClosed(session: ThriftSession): void;
}

export interface ThriftOptions {
  readonly frameBytesMax: number;
  readonly outstandingMax: number;
  /** Above the transport's high-water mark, else the end of a pause would go unnoticed. */
  readonly outputBytesMax: number;
  readonly outputBytesFatal: number;
}

export const DEFAULT_THRIFT_OPTIONS: ThriftOptions = {
  frameBytesMax: FRAME_BYTES_MAX,
  outstandingMax: 8192,
  outputBytesMax: 4 * 1024 * 1024,
  outputBytesFatal: 512 * 1024 * 1024,
};

export class ThriftProtocol implements ConnectionProtocol {
  readonly handler: RequestHandler;
  readonly options: ThriftOptions;
  readonly statistics: RpcStatistics;
  readonly logger: Logger;
  readonly reader: Reader = new Reader();
  readonly header: RequestHeader = new RequestHeader();
  /** The dialect of a new session. */
  readonly dialectOf: () => RequestDialect;
  readonly #timers: Timers;
  /** Sessions with output of this turn. */
  readonly #dirty: ThriftSession[] = [];
  /** Writers that no session holds: as many as sessions were ever dirty in one turn. */
  readonly #writers: Writer[] = [];

  constructor(
    environment: { readonly timers: Timers; readonly logger: Logger },
    options: ThriftOptions,
    statistics: RpcStatistics,
    handler: RequestHandler,
    dialectOf: () => RequestDialect = () => THRIFT_DIALECT,
  ) {
    assert(options.outstandingMax >= 1, 'a session may have at least one request');
    assertAtLeast(options.outputBytesFatal, options.outputBytesMax, 'output limits');
    this.handler = handler;
    this.options = options;
    this.statistics = statistics;
    this.logger = environment.logger;
    this.#timers = environment.timers;
    this.dialectOf = dialectOf;
  }

  open(connection: Connection): ConnectionHandler {
    return new ThriftSession(this, connection);
  }

  /** A writer for the output of `session` in this turn; it is flushed when the turn ends. */
  lendWriter(session: ThriftSession): Writer {
    if (this.#dirty.length === 0) this.#timers.defer(() => this.#flush());
    this.#dirty.push(session);
    return this.#writers.pop() ?? new Writer();
  }

  #flush(): void {
    const sessions = this.#dirty.splice(0);
    for (const session of sessions) this.#writers.push(session.flush());
  }
}

export class ThriftSession implements ConnectionHandler, FrameParser {
  readonly remote: string;
  readonly #protocol: ThriftProtocol;
  readonly #connection: Connection;
  readonly #dialect: RequestDialect;
  readonly #frames: FrameBuffer;
  #writer: Writer | null = null;
  /** Where the reply that is being written begins; -1 between replies. */
  #mark = -1;
  #outstanding = 0;
  #paused = false;
  #closed = false;

  constructor(protocol: ThriftProtocol, connection: Connection) {
    this.remote = connection.remote;
    this.#protocol = protocol;
    this.#connection = connection;
    this.#dialect = protocol.dialectOf();
    this.#frames = new FrameBuffer(protocol.reader, this);
    protocol.statistics.sessionsOpen += 1;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** See `RequestDialect`. */
  get needsHostPorts(): boolean {
    return this.#dialect.needsHostPorts;
  }

  /** Requests that are not answered yet. */
  get outstanding(): number {
    return this.#outstanding;
  }

  // ---- answers ----

  /**
   * Begins the reply to one request: write the result struct into the writer, then `finishReply`.
   * Nothing else may be done with the session in between. Fine on a closed session; the bytes go
   * nowhere.
   */
  beginReply(rpc: RpcCode, seqid: number, error: ErrorCode = ErrorCode.ok): Writer {
    assert(this.#mark === -1, 'replies are written one after the other');
    const writer = this.#output();
    this.#mark = this.#dialect.beginReply(writer, error, rpc, seqid);
    return writer;
  }

  finishReply(): void {
    const writer = this.#writer;
    assert(writer !== null, 'a reply was begun');
    assert(this.#mark >= 0, 'a reply was begun');
    this.#dialect.finishReply(writer, this.#mark);
    this.#mark = -1;
    this.#answered();
  }

  /** Takes back what `beginReply` and the caller wrote; the request is still to be answered. */
  abandonReply(): void {
    const writer = this.#writer;
    assert(writer !== null, 'a reply was begun');
    assert(this.#mark >= 0, 'a reply was begun');
    writer.rewind(this.#mark);
    this.#mark = -1;
  }

  /** The request was not executed: the reply is an error name and nothing else. */
  replyError(rpc: RpcCode, seqid: number, error: ErrorCode): void {
    assert(this.#mark === -1, 'replies are written one after the other');
    this.#dialect.writeErrorReply(this.#output(), error, rpc, seqid);
    this.#answered();
  }

  /** Sends the client to `leader`; false, and the request is still to be answered, if its frame does not allow it. */
  replyForward(rpc: RpcCode, seqid: number, leader: HostPort): boolean {
    assert(this.#mark === -1, 'replies are written one after the other');
    if (!this.#dialect.writeForwardReply(this.#output(), rpc, seqid, leader)) return false;
    this.#answered();
    return true;
  }

  /** See `RequestDialect`; the reader stands after the header of the request that was just parsed. */
  relayFrame(seqid: number, reader: Reader, id: number): Uint8Array | null {
    const body = reader.bytes.subarray(reader.position, reader.end);
    return this.#dialect.relayFrame(seqid, body, id);
  }

  /** With what another server has answered to the frame of `relayFrame`. */
  replyRelayed(seqid: number, reply: Uint8Array): void {
    assert(this.#mark === -1, 'replies are written one after the other');
    this.#dialect.writeRelayedReply(this.#output(), reply, seqid);
    this.#answered();
  }

  /** The request gets no reply, on purpose (clear_scanner, denied clients). */
  withholdReply(seqid: number): void {
    this.#dialect.forget(seqid);
    this.#settle();
  }

  /** Closes after all finished replies were sent. */
  close(): void {
    this.#send();
    this.#connection.close();
  }

  // ---- input ----

  onOpen(_connection: Connection): void {}

  onData(_connection: Connection, bytes: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#frames.push(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#onMalformed(error);
    }
  }

  frameSize(reader: Reader): number {
    return this.#dialect.frameSize(reader, this.#protocol.options.frameBytesMax);
  }

  onFrame(reader: Reader, size: number): boolean {
    const { header, statistics } = this.#protocol;
    this.#dialect.parse(reader, size, header);
    statistics.requests += 1;
    this.#outstanding += 1;
    if (header.rpc === RpcCode.unknown) {
      statistics.requestsUnknown += 1;
      this.#dialect.writeUnknownReply(this.#output(), reader, header);
      this.#answered();
    } else {
      this.#protocol.handler.onRequest(this, header, reader);
    }
    this.#pauseIfFull();
    return !this.#closed;
  }

  onDrain(_connection: Connection): void {
    this.#resumeIfFree();
  }

  onClose(_connection: Connection, reason: CloseReason): void {
    if (this.#closed) return;
    this.#end();
    this.#protocol.logger.debug('rpc.session.closed', { remote: this.remote, reason });
  }

  // ---- output ----

  /** Called by the protocol when the turn ends. Gives the writer back. */
  flush(): Writer {
    const writer = this.#writer;
    assert(writer !== null, 'only sessions with output are flushed');
    assert(this.#mark === -1, 'a reply is finished in the turn in which it was begun');
    this.#send();
    this.#writer = null;
    if (this.#closed) return writer;
    if (this.#connection.bufferedBytes > this.#protocol.options.outputBytesFatal) this.#overrun();
    else this.#pauseIfFull();
    return writer;
  }

  #send(): void {
    const writer = this.#writer;
    if (writer === null || writer.length === 0) return;
    if (this.#closed || this.#connection.write(writer.output())) writer.recycle();
    else writer.take();
  }

  #output(): Writer {
    this.#writer ??= this.#protocol.lendWriter(this);
    return this.#writer;
  }

  #answered(): void {
    this.#protocol.statistics.replies += 1;
    this.#settle();
  }

  #settle(): void {
    assert(this.#outstanding > 0, 'a request is answered once');
    this.#outstanding -= 1;
    if (this.#paused) this.#resumeIfFree();
  }

  #pauseIfFull(): void {
    if (this.#paused || this.#closed) return;
    const { options, statistics } = this.#protocol;
    if (this.#outstanding < options.outstandingMax && this.#outputBytes <= options.outputBytesMax) {
      return;
    }
    this.#paused = true;
    statistics.sessionsPaused += 1;
    this.#connection.pause();
  }

  #resumeIfFree(): void {
    if (!this.#paused || this.#closed) return;
    const { options } = this.#protocol;
    if (2 * this.#outstanding > options.outstandingMax) return;
    if (2 * this.#outputBytes > options.outputBytesMax) return;
    this.#paused = false;
    this.#connection.resume();
  }

  get #outputBytes(): number {
    const writer = this.#writer;
    return this.#connection.bufferedBytes + (writer === null ? 0 : writer.length);
  }

  #onMalformed(error: WireError): void {
    const { logger, statistics } = this.#protocol;
    statistics.framesMalformed += 1;
    const { code, message } = error;
    logger.warn('rpc.request.malformed', { remote: this.remote, code, message });
    this.#connection.destroy();
    this.#end();
  }

  #overrun(): void {
    const { logger, statistics } = this.#protocol;
    statistics.sessionsOverrun += 1;
    const { bufferedBytes } = this.#connection;
    logger.warn('rpc.session.overrun', { remote: this.remote, bufferedBytes });
    this.#connection.destroy();
    this.#end();
  }

  #end(): void {
    this.#closed = true;
    this.#mark = -1;
    this.#protocol.statistics.sessionsOpen -= 1;
    this.#protocol.handler.onSessionClosed(this);
  }
}
