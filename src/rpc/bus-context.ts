/**
 * What the parts of the message bus share: its options, what its owner hears, and the side of the bus that its
 * connections see.
 */
import type { ClientEnvironment } from '../env/environment.ts';
import { type HostPort, type NodeId, parseHostPort } from '../model/identity.ts';
import type { Hello } from '../wire/generated/internal.ts';
import type { InternalMessageMap } from '../wire/internal-frame.ts';
import type { Reader } from '../wire/reader.ts';
import type { InternalMessage } from '../wire/schema/internal.ts';
import { FRAME_BYTES_MAX } from '../wire/thrift-frame.ts';
import type { RpcStatistics } from './statistics.ts';

/** What the owner wants to hear; a type that is not in the table is counted and dropped. */
export type MessageHandlers = {
  /** Blobs of `message` are views that are valid during the call only. */
  readonly [T in InternalMessage]?: (from: NodeId, message: InternalMessageMap[T]) => void;
};

export interface MessageBusEvents {
  readonly messages: MessageHandlers;
  /** The peer answered our Hello: what is sent from now on has a good chance to arrive. */
  onPeerConnected(node: NodeId): void;
  /** The connection that we had with the peer is gone, and what was under way on it may be lost. */
  onPeerLost(node: NodeId): void;
  /**
   * The last connection that this life of the peer had opened to us has ended, whoever ended it. By
   * itself it says nothing about the peer.
   */
  onInboundLost?(node: NodeId, incarnation: number): void;
}

export interface MessageBusOptions {
  readonly clusterName: string;
  readonly nodeId: NodeId;
  readonly incarnation: number;
  readonly frameBytesMax: number;
  /** Bytes that wait for one peer before prepares, file pieces and learn batches are dropped. */
  readonly bulkBytesMax: number;
  /** On top of it for all other messages, so that bulk never crowds them out. */
  readonly controlBytesMax: number;
  readonly reconnectDelayMsMin: number;
  readonly reconnectDelayMsMax: number;
  /** A connection whose full queue has not moved for so long is given up. */
  readonly stallMs: number;
}

export const DEFAULT_MESSAGE_BUS_OPTIONS: Omit<
  MessageBusOptions,
  'clusterName' | 'nodeId' | 'incarnation'
> = {
  frameBytesMax: FRAME_BYTES_MAX,
  bulkBytesMax: 32 * 1024 * 1024,
  controlBytesMax: 4 * 1024 * 1024,
  reconnectDelayMsMin: 20,
  reconnectDelayMsMax: 1_000,
  stallMs: 10_000,
};

/** Where a node listens, null when its id is no address. */
export function addressOf(node: NodeId): HostPort | null {
  return parseHostPort(node);
}

/** An incoming connection, to the others. */
export interface InboundPeer {
  /** Null before its Hello. */
  readonly from: NodeId | null;
  /** The peer's life; 0 before its Hello. */
  readonly incarnation: number;
  close(): void;
}

/** An outgoing connection, to the bus. */
export interface Flushable {
  flush(): void;
}

export interface BusContext {
  readonly environment: ClientEnvironment;
  readonly options: MessageBusOptions;
  readonly statistics: RpcStatistics;
  readonly events: MessageBusEvents;
  /** Shared by all connections: used during one `onData` at a time. */
  readonly reader: Reader;
  readonly hello: Hello;
  /** The peer has output: `flush` is called when the turn ends. Once per turn. */
  flushSoon(peer: Flushable): void;
  inboundGreeted(inbound: InboundPeer, from: NodeId): void;
  inboundClosed(inbound: InboundPeer): void;
}
