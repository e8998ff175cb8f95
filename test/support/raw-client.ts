/**
 * A connection to one server that sends exactly the requests it is told to, to whatever replica, and shows the answers
 * as they come: for tests of what the real client would hide by retrying or by choosing another server.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ErrorCode, errorName } from '../../src/base/error-names.ts';
import { parseHostPort } from '../../src/base/host-port.ts';
import { Reader } from '../../src/wire/reader.ts';
import type { RpcCode } from '../../src/wire/rpc-codes.ts';
import {
  beginRequest,
  finishRequest,
  parseReply,
  ReplyHeader,
  RequestHeader,
  replyFrameSize,
} from '../../src/wire/thrift-frame.ts';
import { Writer } from '../../src/wire/writer.ts';

export interface RawAnswer {
  readonly error: string;
  /** Stands on the value of the result, if the error is ERR_OK. */
  readonly reader: Reader;
  readonly tookMs: number;
}

const FRAME_BYTES_MAX = 64 * 1024 * 1024;

export class RawClient {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (error: ErrorCode, reader: Reader) => void>();
  #input = Buffer.alloc(0);
  #seqid = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#onData(bytes));
  }

  static async open(address: string): Promise<RawClient> {
    const { host, port } = parseHostPort(address)!;
    const socket = connect(port, host);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Requests that were not answered yet. */
  get unanswered(): number {
    return this.#waiting.size;
  }

  /** Resolves with the answer; never, when there is none. */
  call(
    rpc: RpcCode,
    header: Partial<RequestHeader>,
    writeArgument: (writer: Writer) => void,
  ): Promise<RawAnswer> {
    this.#seqid += 1;
    const seqid = this.#seqid;
    const full = Object.assign(new RequestHeader(), header, { rpc, seqid });
    const writer = new Writer();
    const mark = beginRequest(writer, full);
    writeArgument(writer);
    finishRequest(writer, mark, full.version, full.wantsStaleness);
    const sentMs = performance.now();
    return new Promise((resolve) => {
      this.#waiting.set(seqid, (error, reader) => {
        resolve({ error: errorName(error), reader, tookMs: performance.now() - sentMs });
      });
      this.#socket.write(writer.take());
    });
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #onData(bytes: Buffer): void {
    this.#input = Buffer.concat([this.#input, bytes]);
    for (;;) {
      const reader = new Reader();
      reader.reset(this.#input, 0, this.#input.length);
      const size = replyFrameSize(reader, FRAME_BYTES_MAX);
      if (size === 0 || size > this.#input.length) return;
      const frame = new Uint8Array(this.#input.subarray(0, size));
      this.#input = this.#input.subarray(size);
      reader.reset(frame, 0, size);
      const header = new ReplyHeader();
      parseReply(reader, size, header);
      const resolve = this.#waiting.get(header.seqid);
      this.#waiting.delete(header.seqid);
      resolve?.(header.error, reader);
    }
  }
}
