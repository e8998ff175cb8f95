/**
 * One connection to one server of a ZooKeeper, with a session on it: requests in order, answers in order, nothing
 * repeated. Whatever goes wrong ends the connection, and every request that is not answered with it; the session lives
 * on at the server until its time-out, and can be taken up by another connection.
 *
 * The protocol (jute): frames of a length and a body; numbers big-endian, strings and buffers with their length
 * before them. Watches and authentication are not spoken.
 */
import { connect, type Socket } from 'node:net';
import { assert } from '../../base/assert.ts';
import { CoordinationError } from '../../env/coordination.ts';
import { type HostPort, hostPortText } from '../../model/identity.ts';
import { Reader } from '../../wire/reader.ts';
import { WireError } from '../../wire/types.ts';
import { Writer } from '../../wire/writer.ts';

export const Operation = {
  create: 1,
  delete: 2,
  getData: 4,
  setData: 5,
  getChildren: 8,
  sync: 9,
  check: 13,
  multi: 14,
  closeSession: -11,
} as const;
export type Operation = (typeof Operation)[keyof typeof Operation];

/** What a server says instead of a result; those that are acted upon. */
export const ServerError = {
  runtimeInconsistency: -2,
  noNode: -101,
  badVersion: -103,
  nodeExists: -110,
} as const;

/** The request was understood and not done. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly code: number;
  constructor(code: number) {
    super(`error ${code}`);
    this.code = code;
  }
}

export interface Session {
  /** 0 = none yet. */
  readonly id: bigint;
  readonly password: Uint8Array;
  /** Of the session, as the server has granted it. */
  readonly timeoutMs: number;
}

export const NO_SESSION: Session = { id: 0n, password: new Uint8Array(16), timeoutMs: 0 };

interface Waiting {
  readonly xid: number;
  readonly resolve: (reader: Reader) => void;
  readonly reject: (error: Error) => void;
  readonly limit: NodeJS.Timeout;
}

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const LENGTH_BYTES = 4;
/** Of events that nobody asked for, and of pings: never ours. */
const FIRST_XID = 1;

export class ZooKeeperConnection {
  readonly #server: HostPort;
  readonly #requestTimeoutMs: number;
  readonly #socket: Socket;
  #session: Session = NO_SESSION;
  #input: Buffer[] = [];
  #inputBytes = 0;
  #xid = FIRST_XID;
  #waiting: Waiting[] = [];
  /** The answer to the greeting, which has a form of its own. */
  #greeted: Waiting | null = null;
  #failure: Error | null = null;

  private constructor(server: HostPort, requestTimeoutMs: number) {
    this.#server = server;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#socket = connect({ host: server.host, port: server.port, noDelay: true });
    this.#socket.on('data', (bytes) => this.#onData(bytes));
    this.#socket.on('error', (error) => this.#fail(error.message));
    this.#socket.on('close', () => this.#fail('the connection has ended'));
  }

  /**
   * Takes `session` up, or begins another one when it is over at the server. Rejects with `CoordinationError`.
   */
  static async open(
    server: HostPort,
    session: Session,
    timeouts: { readonly requestMs: number; readonly sessionMs: number },
  ): Promise<ZooKeeperConnection> {
    const connection = new ZooKeeperConnection(server, timeouts.requestMs);
    try {
      connection.#session = await connection.#greet(session, timeouts.sessionMs);
      return connection;
    } catch (error) {
      connection.close();
      if (!(error instanceof SessionExpired)) throw error;
      return await ZooKeeperConnection.open(server, NO_SESSION, timeouts);
    }
  }

  get session(): Session {
    return this.#session;
  }

  get isOpen(): boolean {
    return this.#failure === null;
  }

  /**
   * Resolves with what follows the header of the answer. Rejects with `RequestRefused`, or with `CoordinationError`
   * when there is no answer.
   */
  async request(operation: Operation, write: (writer: Writer) => void): Promise<Reader> {
    const xid = this.#xid++;
    const writer = new Writer();
    writer.writeI32(0);
    writer.writeI32(xid);
    writer.writeI32(operation);
    write(writer);
    const reader = await this.#send(writer, xid);
    reader.readI64Big();
    const code = reader.readI32();
    if (code !== 0) throw new RequestRefused(code);
    return reader;
  }

  /** At once; what waits is rejected. Idempotent. */
  close(): void {
    this.#fail('it was closed');
  }

  async #greet(session: Session, sessionMs: number): Promise<Session> {
    const writer = new Writer();
    writer.writeI32(0);
    writer.writeI32(0);
    writer.writeI64(0);
    writer.writeI32(sessionMs);
    writer.writeI64Big(session.id);
    writer.writeBlob(session.password);
    writer.writeBool(false);
    const reader = await new Promise<Reader>((resolve, reject) => {
      this.#greeted = this.#expect(0, resolve, reject);
      this.#write(writer);
    });
    reader.readI32();
    const timeoutMs = reader.readI32();
    const id = reader.readI64Big();
    if (id === 0n) throw new SessionExpired('its session is over');
    // Longer is as good; with a shorter one the lead would be lost before its holder thinks so.
    if (timeoutMs < sessionMs) {
      throw this.#error(
        `grants sessions of ${timeoutMs} ms at most; ${sessionMs} ms are needed (maxSessionTimeout)`,
      );
    }
    return { id, password: Uint8Array.from(reader.readBlob()), timeoutMs };
  }

  #send(writer: Writer, xid: number): Promise<Reader> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) {
        reject(this.#failure);
        return;
      }
      this.#waiting.push(this.#expect(xid, resolve, reject));
      this.#write(writer);
    });
  }

  #expect(xid: number, resolve: Waiting['resolve'], reject: Waiting['reject']): Waiting {
    // Answers come in order: who waits too long for one would wait longer for the next.
    const limit = setTimeout(
      () => this.#fail(`nothing within ${this.#requestTimeoutMs} ms`),
      this.#requestTimeoutMs,
    );
    return { xid, resolve, reject, limit };
  }

  #write(writer: Writer): void {
    writer.patchI32(0, writer.length - LENGTH_BYTES);
    this.#socket.write(writer.take());
  }

  #onData(bytes: Buffer): void {
    this.#input.push(bytes);
    this.#inputBytes += bytes.length;
    while (this.#failure === null && this.#inputBytes >= LENGTH_BYTES) {
      if (this.#input[0]!.length < LENGTH_BYTES) this.#input = [Buffer.concat(this.#input)];
      const size = LENGTH_BYTES + this.#input[0]!.readInt32BE(0);
      if (size < LENGTH_BYTES || size > ANSWER_BYTES_MAX) {
        this.#fail('it answers something that cannot be read');
        return;
      }
      if (this.#inputBytes < size) return;
      const all = this.#input.length === 1 ? this.#input[0]! : Buffer.concat(this.#input);
      this.#input = all.length > size ? [all.subarray(size)] : [];
      this.#inputBytes -= size;
      this.#onFrame(all.subarray(LENGTH_BYTES, size));
    }
  }

  #onFrame(frame: Buffer): void {
    const reader = new Reader();
    // Slices of a Buffer would be views of it.
    reader.reset(new Uint8Array(frame.buffer, frame.byteOffset, frame.length), 0, frame.length);
    const greeted = this.#greeted;
    if (greeted !== null) {
      this.#greeted = null;
      settle(greeted, reader);
      return;
    }
    const waiting = this.#waiting.shift();
    if (waiting === undefined || frame.length < 16 || reader.readI32() !== waiting.xid) {
      if (waiting !== undefined) this.#waiting.unshift(waiting);
      this.#fail('it answers what was not asked');
      return;
    }
    settle(waiting, reader);
  }

  #fail(reason: string): void {
    if (this.#failure !== null) return;
    this.#failure = this.#error(reason);
    this.#socket.destroy();
    const waiting = this.#greeted === null ? this.#waiting : [this.#greeted, ...this.#waiting];
    this.#greeted = null;
    this.#waiting = [];
    for (const { limit, reject } of waiting) {
      clearTimeout(limit);
      reject(this.#failure);
    }
    assert(!this.isOpen, 'what has failed is closed');
  }

  #error(reason: string): CoordinationError {
    return new CoordinationError(`ZooKeeper at ${hostPortText(this.#server)}: ${reason}`);
  }
}

class SessionExpired extends Error {
  override readonly name = 'SessionExpired';
}

function settle({ limit, resolve }: Waiting, reader: Reader): void {
  clearTimeout(limit);
  resolve(reader);
}

/** What an answer cannot be read as is an answer of something else. */
export function asCoordinationError(error: unknown): unknown {
  if (error instanceof WireError) {
    return new CoordinationError('ZooKeeper answers something that cannot be read');
  }
  if (error instanceof RequestRefused) {
    return new CoordinationError(`ZooKeeper refuses a request: ${error.message}`);
  }
  return error;
}
