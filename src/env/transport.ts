/**
 * Ordered byte streams between addresses (TCP in production).
 *
 * Callbacks never fire inside a call to `connect`, `write` or `close`; they come in later turns or
 * later in the same turn. After `onClose` no other callback of that connection fires.
 */
import type { HostPort } from '../model/identity.ts';

export type CloseReason = 'local' | 'remote' | 'reset' | 'refused' | 'unreachable' | 'timeout';

export interface ConnectionHandler {
  /** The connection is established. Fires first; for accepted connections as well. */
  onOpen(connection: Connection): void;
  /** `bytes` is valid during the call only: parse or copy. At least one byte. */
  onData(connection: Connection, bytes: Uint8Array): void;
  /**
   * All that was written has left `bufferedBytes`; fires only after it had exceeded the high-water
   * mark.
   */
  onDrain(connection: Connection): void;
  onClose(connection: Connection, reason: CloseReason): void;
}

export interface Connection {
  /** The other side as `host:port`, for logs. */
  readonly remote: string;
  /** Bytes written and not yet taken by the operating system. */
  readonly bufferedBytes: number;
  /**
   * True: all of `bytes` has left, and they are the caller's again. False: they are taken over, and the caller must
   * not change them any more. Ignored after close.
   */
  write(bytes: Uint8Array): boolean;
  /** Stop and resume `onData` (back-pressure towards the sender). */
  pause(): void;
  resume(): void;
  /** Sends what is buffered, then closes. Idempotent. */
  close(): void;
  /** Closes at once and drops what is buffered. Idempotent. */
  destroy(): void;
}

export interface Listener {
  /** With the real port when port 0 was asked for. */
  readonly address: HostPort;
  /** Stops accepting; connections that exist stay. */
  close(): Promise<void>;
}

export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: 'inUse' | 'permission' | 'badAddress';
  readonly address: HostPort;
  constructor(code: ListenError['code'], address: HostPort, message: string) {
    super(message);
    this.code = code;
    this.address = address;
  }
}

export interface Transport {
  /** Rejects with `ListenError`. */
  listen(
    address: HostPort,
    accept: (connection: Connection) => ConnectionHandler,
  ): Promise<Listener>;
  /**
   * Returns at once; failure arrives as `onClose`. What is written before `onOpen` is sent after
   * it.
   */
  connect(address: HostPort, handler: ConnectionHandler): Connection;
}
