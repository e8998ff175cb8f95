/**
 * What the C++ client does on the wire (wire.md §1.9), byte by byte and without the dialect of
 * `src/wire`, so that both cannot be wrong in the same way: 192 bytes of header, little-endian, and
 * a body of one field. A connection carries any number of requests at a time; replies are found by
 * their id.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { crc32c } from '../../src/base/crc32c.ts';
import type { HostPort } from '../../src/base/host-port.ts';
import { Reader } from '../../src/wire/reader.ts';
import { beginArgument } from '../../src/wire/thrift-frame.ts';
import { Writer } from '../../src/wire/writer.ts';

const HEADER_BYTES = 192;
const NAME_BYTES = 48;
/** Request, thrift binary, forwarding understood. */
const REQUEST_CONTEXT = 0x441;
/** 127.0.0.1:1, little-endian: a port of a pure client. */
const PURE_CLIENT = '010001000100007f';
const STRUCT_FIELD_0 = 0x0c;

export interface CppRequest {
  readonly name: string;
  readonly appId?: number;
  readonly partitionIndex?: number;
  readonly partitionHash?: bigint;
  /** Both checksums are sent. */
  readonly checksums?: boolean;
  /** Writes the value of the argument. */
  readonly argument: (writer: Writer) => void;
  /** Of the argument's field: a struct unless it is said. */
  readonly fieldType?: number;
}

export interface CppReply {
  /** All 192 bytes. */
  readonly header: Buffer;
  readonly request: Buffer;
  readonly name: string;
  readonly error: string;
  /** Stands on the result; null when there is none. */
  readonly result: Reader | null;
}

interface Waiting {
  readonly request: Buffer;
  readonly resolve: (reply: CppReply) => void;
  readonly reject: (error: Error) => void;
}

export class CppClient implements Disposable {
  readonly #socket: Socket;
  readonly #waiting = new Map<bigint, Waiting>();
  #received: Buffer = Buffer.alloc(0);
  /** Ids of the original begin with 1; these show that all 64 bits come back. */
  #lastId = 0x1_0000_0000n;
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#onData(bytes));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const { reject } of this.#waiting.values()) reject(new Error('connection closed'));
        resolve();
      });
    });
  }

  static async connect({ host, port }: HostPort): Promise<CppClient> {
    const socket = connect(port, host);
    await once(socket, 'connect');
    return new CppClient(socket);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  call(request: CppRequest): Promise<CppReply> {
    const id = ++this.#lastId;
    const frame = frameOf(id, request);
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { request: frame, resolve, reject });
      this.#socket.write(frame);
    });
  }

  /** No reply is awaited; one that comes nevertheless fails the test. */
  send(request: CppRequest): void {
    this.#socket.write(frameOf(++this.#lastId, request));
  }

  /** Bytes as they are. */
  sendRaw(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  #onData(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const all = this.#received;
      if (all.length < HEADER_BYTES) return;
      const size = HEADER_BYTES + all.readUInt32LE(16);
      if (all.length < size) return;
      this.#received = all.subarray(size);
      this.#onReply(all.subarray(0, size));
    }
  }

  #onReply(frame: Buffer): void {
    const id = frame.readBigUInt64LE(24);
    const waiting = this.#waiting.get(id);
    assert(waiting !== undefined, `a reply that nobody waits for: ${id}`);
    this.#waiting.delete(id);
    let result: Reader | null = null;
    if (frame.length > HEADER_BYTES) {
      result = new Reader();
      result.reset(frame, HEADER_BYTES, frame.length);
      assert(beginArgument(result), 'a body begins with a field');
    }
    const header = frame.subarray(0, HEADER_BYTES);
    const [name, error] = [textAt(header, 40), textAt(header, 136)];
    waiting.resolve({ header, request: waiting.request, name, error, result });
  }
}

/** The bytes of a request. */
export function frameOf(id: bigint, request: CppRequest): Buffer {
  const { appId = 0, partitionIndex = 0, partitionHash = 0n, checksums = false } = request;
  const writer = new Writer();
  writer.writeFieldTag(request.fieldType ?? STRUCT_FIELD_0);
  request.argument(writer);
  writer.writeStop();
  const body = writer.take();
  const frame = Buffer.alloc(HEADER_BYTES + body.length);
  frame.write('RDSN', 0);
  frame.writeUInt32LE(HEADER_BYTES, 8);
  frame.writeUInt32LE(body.length, 16);
  frame.writeBigUInt64LE(id, 24);
  frame.writeBigUInt64LE(0x1122_3344_5566_7788n, 32);
  frame.write(request.name, 40);
  frame.writeInt32LE(appId, 96);
  frame.writeInt32LE(partitionIndex, 100);
  frame.writeUInt32LE(REQUEST_CONTEXT, 104);
  frame.write(PURE_CLIENT, 112, 'hex');
  frame.writeInt32LE(5_000, 120);
  frame.writeInt32LE(appId * 7_919 + partitionIndex, 124);
  frame.writeBigUInt64LE(partitionHash, 128);
  frame.set(body, HEADER_BYTES);
  if (checksums) {
    frame.writeUInt32LE(crc32c(frame, HEADER_BYTES, frame.length), 20);
    frame.writeUInt32LE(crc32c(frame, 0, HEADER_BYTES), 12);
  }
  return frame;
}

function textAt(header: Buffer, at: number): string {
  const text = header.toString('latin1', at, at + NAME_BYTES);
  return text.slice(0, text.indexOf('\0'));
}
