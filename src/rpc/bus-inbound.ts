/**
 * A connection that a peer has opened to us: it says Hello, we answer with ours, and from then on messages only come
 * in. What is malformed closes it; the peer will connect again.
 */
import type { CloseReason, Connection, ConnectionHandler } from '../env/transport.ts';
import type { NodeId } from '../model/identity.ts';
import type { Hello } from '../wire/generated/internal.ts';
import { isInternalMessage, readInternalMessage } from '../wire/internal-frame.ts';
import type { Reader } from '../wire/reader.ts';
import type { InternalMessage } from '../wire/schema/internal.ts';
import { WireError } from '../wire/types.ts';
import { Writer } from '../wire/writer.ts';
import type { BusContext, InboundPeer, MessageHandlers } from './bus-context.ts';
import {
  InternalStreamParser,
  type InternalStreamSink,
  refusalOf,
  writeGreeting,
} from './bus-handshake.ts';
import { FrameBuffer } from './frame-buffer.ts';

const GREETING_BYTES = 256;

export class BusInbound implements ConnectionHandler, InternalStreamSink, InboundPeer {
  readonly #bus: BusContext;
  readonly #connection: Connection;
  readonly #frames: FrameBuffer;
  /** Known once the Hello is there. */
  #from: NodeId | null = null;
  #incarnation: number = 0;
  #closed = false;

  constructor(bus: BusContext, connection: Connection) {
    this.#bus = bus;
    this.#connection = connection;
    const parser = new InternalStreamParser(bus.options.frameBytesMax, this);
    this.#frames = new FrameBuffer(bus.reader, parser);
  }

  get from(): NodeId | null {
    return this.#from;
  }

  get incarnation(): number {
    return this.#incarnation;
  }

  close(): void {
    this.#closed = true;
    this.#connection.destroy();
  }

  onOpen(_connection: Connection): void {}

  onData(_connection: Connection, bytes: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#frames.push(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#bus.statistics.framesMalformed += 1;
      const { code, message } = error;
      const node = this.#from ?? undefined;
      const fields = { remote: this.#connection.remote, node, code, message };
      this.#bus.environment.logger.warn('bus.message.malformed', fields);
      this.close();
    }
  }

  onHello(hello: Hello): boolean {
    const { environment, hello: own } = this.#bus;
    const refusal = refusalOf(own, hello);
    // The answer goes out in both cases: the other side can then say for itself what is wrong.
    const writer = new Writer(GREETING_BYTES);
    writeGreeting(writer, own);
    this.#connection.write(writer.take());
    if (refusal !== null) {
      environment.logger.warn('bus.peer.refused', {
        remote: this.#connection.remote,
        node: hello.nodeId,
        cluster: hello.clusterName,
        protocolVersion: hello.protocolVersion,
        reason: refusal,
      });
      this.#closed = true;
      this.#connection.close();
      return false;
    }
    this.#from = hello.nodeId as NodeId;
    this.#incarnation = hello.incarnation;
    this.#bus.inboundGreeted(this, this.#from);
    environment.logger.debug('bus.peer.accepted', { node: hello.nodeId });
    return true;
  }

  onInternalFrame(type: number, reader: Reader): boolean {
    const { statistics, events } = this.#bus;
    statistics.messagesReceived += 1;
    if (!isInternalMessage(type) || !this.#dispatch(type, events.messages, reader)) {
      statistics.messagesIgnored += 1;
    }
    return !this.#closed;
  }

  onDrain(_connection: Connection): void {}

  onClose(_connection: Connection, _reason: CloseReason): void {
    this.#closed = true;
    this.#bus.inboundClosed(this);
  }

  #dispatch<T extends InternalMessage>(
    type: T,
    handlers: MessageHandlers,
    reader: Reader,
  ): boolean {
    const handle: MessageHandlers[T] = handlers[type];
    if (handle === undefined || this.#from === null) return false;
    handle(this.#from, readInternalMessage(reader, type));
    return true;
  }
}
