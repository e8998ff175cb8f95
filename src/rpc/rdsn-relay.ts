/**
 * Passes requests of the RDSN dialect on to another server and its answers back, for programs that listen and ask a
 * meta server that does not lead (the C++ redis proxy). The original lets the leader connect to the port that the
 * header names; here answers come back over the connection that the request came by, which such programs take as well,
 * so nobody connects to addresses that strangers have written.
 *
 *  1. One connection, to the one who leads. When another one does, the former is given up.
 *  2. At most `pendingMax` requests are under way; one more gets no answer.
 *  3. What is not answered within `patienceMs`, or is under way when the connection ends, gets no answer: its sender
 *     waits for its time-out, and asks another meta server then. That is what the original does.
 */
import type { TimerHandle } from '../env/clock.ts';
import type { ClientEnvironment } from '../env/environment.ts';
import type { Connection, ConnectionHandler } from '../env/transport.ts';
import { type HostPort, hostPortText } from '../model/identity.ts';
import { rdsnFrameSize, relayedId } from '../wire/rdsn-frame.ts';
import { Reader } from '../wire/reader.ts';
import type { RequestHeader } from '../wire/thrift-frame.ts';
import { WireError } from '../wire/types.ts';
import { FrameBuffer, type FrameParser } from './frame-buffer.ts';
import type { ThriftSession } from './thrift-session.ts';

export interface RelayOptions {
  readonly pendingMax: number;
  readonly patienceMs: number;
  readonly frameBytesMax: number;
}

/** Answers of meta servers: a table of 16,384 partitions has 5 MiB. */
export const DEFAULT_RELAY_OPTIONS: RelayOptions = {
  pendingMax: 256,
  patienceMs: 10_000,
  frameBytesMax: 64 * 1024 * 1024,
};

interface Pending {
  readonly session: ThriftSession;
  readonly seqid: number;
  readonly limit: TimerHandle;
}

const ID_MASK = 0x7fffffff;

export class RdsnRelay implements ConnectionHandler, FrameParser {
  readonly #environment: ClientEnvironment;
  readonly #options: RelayOptions;
  readonly #reader = new Reader();
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #target = '';
  #connection: Connection | null = null;
  #frames: FrameBuffer = new FrameBuffer(this.#reader, this);

  constructor(environment: ClientEnvironment, options: RelayOptions = DEFAULT_RELAY_OPTIONS) {
    this.#environment = environment;
    this.#options = options;
  }

  /** False: the sender does not want that, and the request is still to be answered. */
  pass(session: ThriftSession, header: RequestHeader, reader: Reader, leader: HostPort): boolean {
    const { seqid } = header;
    const id = this.#nextId();
    const frame = session.relayFrame(seqid, reader, id);
    if (frame === null) return false;
    if (this.#pending.size >= this.#options.pendingMax) {
      session.withholdReply(seqid);
      return true;
    }
    const connection = this.#connectionTo(leader);
    const limit = this.#environment.timers.after(this.#options.patienceMs, () => {
      this.#pending.delete(id);
      session.withholdReply(seqid);
    });
    this.#pending.set(id, { session, seqid, limit });
    connection.write(frame);
    return true;
  }

  /** Idempotent. */
  close(): void {
    this.#leave();
  }

  onOpen(_connection: Connection): void {}

  onData(connection: Connection, bytes: Uint8Array): void {
    if (connection !== this.#connection) return;
    try {
      this.#frames.push(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      const { code, message } = error;
      const server = this.#target;
      this.#environment.logger.warn('rpc.relay.malformed', { server, code, message });
      this.#leave();
    }
  }

  frameSize(reader: Reader): number {
    return rdsnFrameSize(reader, this.#options.frameBytesMax);
  }

  onFrame(reader: Reader, size: number): boolean {
    const id = relayedId(reader);
    const pending = this.#pending.get(id);
    if (pending === undefined) return true;
    this.#forget(id, pending);
    const start = reader.position;
    pending.session.replyRelayed(pending.seqid, reader.bytes.subarray(start, start + size));
    return true;
  }

  onDrain(_connection: Connection): void {}

  onClose(connection: Connection): void {
    if (connection === this.#connection) this.#leave();
  }

  #connectionTo(leader: HostPort): Connection {
    const target = hostPortText(leader);
    if (target !== this.#target) this.#leave();
    this.#target = target;
    this.#connection ??= this.#environment.transport.connect(leader, this);
    return this.#connection;
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId + 1) & ID_MASK;
    while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }

  #forget(id: number, { limit }: Pending): void {
    this.#pending.delete(id);
    this.#environment.timers.cancel(limit);
  }

  /** Rule 3. */
  #leave(): void {
    this.#connection?.destroy();
    this.#connection = null;
    this.#frames = new FrameBuffer(this.#reader, this);
    for (const [id, pending] of this.#pending) {
      this.#forget(id, pending);
      pending.session.withholdReply(pending.seqid);
    }
  }
}
