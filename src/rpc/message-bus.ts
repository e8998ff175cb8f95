/**
 * One-way messages between the servers of a cluster.
 *
 * Each server sends over connections that it opened itself, one per peer, opened when there is something to send;
 * what it receives comes in over connections that its peers opened. Both sides of a connection begin with a Hello,
 * and refuse a peer of another cluster or protocol version. Messages to one peer arrive in the order in which they
 * were sent, or not at all: the queue is bounded and the connection may break, and nobody is told
 * (`wire/schema/internal.ts`). The messages of one turn leave in one write.
 *
 * A node is called by its id, which today is its address; only `addressOf` knows that.
 */
import { assert, assertAtLeast } from '../base/assert.ts';
import type { ClientEnvironment } from '../env/environment.ts';
import type { Connection, ConnectionHandler } from '../env/transport.ts';
import type { NodeId } from '../model/identity.ts';
import type { Hello } from '../wire/generated/internal.ts';
import { INTERNAL_PROTOCOL_VERSION, type InternalMessageMap } from '../wire/internal-frame.ts';
import { Reader } from '../wire/reader.ts';
import type { InternalMessage } from '../wire/schema/internal.ts';
import type {
  BusContext,
  Flushable,
  InboundPeer,
  MessageBusEvents,
  MessageBusOptions,
} from './bus-context.ts';
import { BusInbound } from './bus-inbound.ts';
import { BusPeer } from './bus-peer.ts';
import type { ConnectionProtocol } from './server.ts';
import type { RpcStatistics } from './statistics.ts';

export {
  DEFAULT_MESSAGE_BUS_OPTIONS,
  type MessageBusEvents,
  type MessageBusOptions,
  type MessageHandlers,
} from './bus-context.ts';

export class MessageBus implements ConnectionProtocol, BusContext {
  readonly environment: ClientEnvironment;
  readonly options: MessageBusOptions;
  readonly statistics: RpcStatistics;
  readonly events: MessageBusEvents;
  readonly reader: Reader = new Reader();
  readonly hello: Hello;
  readonly #peers = new Map<NodeId, BusPeer>();
  readonly #inbound = new Set<InboundPeer>();
  readonly #dirty: Flushable[] = [];
  #closed = false;

  constructor(
    environment: ClientEnvironment,
    options: MessageBusOptions,
    statistics: RpcStatistics,
    events: MessageBusEvents,
  ) {
    assertAtLeast(options.bulkBytesMax, 1, 'bulk queue');
    assertAtLeast(options.controlBytesMax, 1, 'control allowance');
    assertAtLeast(options.reconnectDelayMsMax, options.reconnectDelayMsMin, 'reconnect delays');
    this.environment = environment;
    this.options = options;
    this.statistics = statistics;
    this.events = events;
    this.hello = {
      protocolVersion: INTERNAL_PROTOCOL_VERSION,
      clusterName: options.clusterName,
      nodeId: options.nodeId,
      incarnation: options.incarnation,
    };
  }

  /**
   * Writes the message straight into the peer's output; blobs are copied by that, and nothing of `message` is kept.
   * False when it was dropped for lack of room, which is no error: it will be sent again from state.
   */
  send<T extends InternalMessage>(to: NodeId, type: T, message: InternalMessageMap[T]): boolean {
    if (this.#closed) return false;
    let peer = this.#peers.get(to);
    if (peer === undefined) {
      peer = new BusPeer(this, to);
      this.#peers.set(to, peer);
    }
    return peer.send(type, message);
  }

  /** The handshake with the peer is done and the connection stands. */
  isConnected(node: NodeId): boolean {
    return this.#peers.get(node)?.isConnected ?? false;
  }

  /** A connection stands that this life of the peer has opened, or one that we have opened to it. */
  isInTouchWith(node: NodeId, incarnation: number): boolean {
    return this.isConnected(node) || this.#hears(node, incarnation);
  }

  /** Bytes that wait for the peer: what a sender of bulk paces itself by. */
  queuedBytes(node: NodeId): number {
    return this.#peers.get(node)?.queuedBytes ?? 0;
  }

  /** Drops connection and queue of a node that left the cluster. It may come back. */
  renew(node: NodeId): void {
    this.#peers.get(node)?.renew();
  }

  forget(node: NodeId): void {
    const peer = this.#peers.get(node);
    if (peer === undefined) return;
    this.#peers.delete(node);
    peer.close();
  }

  /** Sends what this turn has written, then closes everything. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
    for (const inbound of this.#inbound) inbound.close();
  }

  // ---- for the connections ----

  /** An accepted connection that begins with `PGI1`. */
  open(connection: Connection): ConnectionHandler {
    const inbound = new BusInbound(this, connection);
    if (this.#closed) inbound.close();
    else this.#inbound.add(inbound);
    return inbound;
  }

  /** A peer that connects again has lost its former connection, even if we have not heard of that. */
  inboundGreeted(inbound: InboundPeer, from: NodeId): void {
    for (const other of this.#inbound) {
      if (other !== inbound && other.from === from) other.close();
    }
  }

  inboundClosed(inbound: InboundPeer): void {
    this.#inbound.delete(inbound);
    const { from, incarnation } = inbound;
    if (this.#closed || from === null || this.#hears(from, incarnation)) return;
    this.events.onInboundLost?.(from, incarnation);
  }

  #hears(node: NodeId, incarnation: number): boolean {
    for (const inbound of this.#inbound) {
      if (inbound.from === node && inbound.incarnation === incarnation) return true;
    }
    return false;
  }

  flushSoon(peer: Flushable): void {
    assert(!this.#dirty.includes(peer), 'a peer is marked once per turn');
    if (this.#dirty.length === 0) this.environment.timers.defer(() => this.#flush());
    this.#dirty.push(peer);
  }

  #flush(): void {
    for (const peer of this.#dirty.splice(0)) peer.flush();
  }
}
