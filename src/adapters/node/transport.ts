/**
 * TCP.
 *
 * Segments leave at once (TCP_NODELAY): callers group their writes per turn. A peer that vanished without a word is
 * found by keep-alive at the latest; protocols above have deadlines of their own. While a connection is paused its
 * end is not noticed: it lies behind the bytes that were not read.
 */
import { createConnection, createServer, type Socket } from 'node:net';
import { assert, assertAtLeast, assertAtMost } from '../../base/assert.ts';
import type {
  CloseReason,
  Connection,
  ConnectionHandler,
  Listener,
  Transport,
} from '../../env/transport.ts';
import { ListenError } from '../../env/transport.ts';
import { type HostPort, hostPortText } from '../../model/identity.ts';

export interface NodeTransportOptions {
  /** Above this many buffered bytes `onDrain` is owed. */
  readonly highWaterMarkBytes: number;
  /** An attempt to connect that got no answer ends as `timeout`; the system's own limit is minutes. */
  readonly connectTimeoutMs: number;
  /** Silence after which the system begins to probe. */
  readonly keepAliveMs: number;
  /** A closing connection whose peer neither reads nor closes is cut off after so much silence. */
  readonly lingerMs: number;
  /** Connections that the system accepts ahead of us. */
  readonly backlog: number;
}

const DEFAULTS: NodeTransportOptions = {
  highWaterMarkBytes: 256 * 1024,
  connectTimeoutMs: 5_000,
  keepAliveMs: 10_000,
  lingerMs: 2_000,
  backlog: 1024,
};

const REASON_OF_ERROR: ReadonlyMap<string, CloseReason> = new Map<string, CloseReason>([
  ['ECONNRESET', 'reset'],
  ['EPIPE', 'reset'],
  ['ECONNABORTED', 'reset'],
  ['ECONNREFUSED', 'refused'],
  ['ETIMEDOUT', 'timeout'],
]);

export class NodeTransport implements Transport {
  readonly #options: NodeTransportOptions;

  constructor(options: Partial<NodeTransportOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
    assertAtLeast(this.#options.highWaterMarkBytes, 1, 'high-water mark');
    assertAtLeast(this.#options.connectTimeoutMs, 1, 'connect timeout');
  }

  listen(
    address: HostPort,
    accept: (connection: Connection) => ConnectionHandler,
  ): Promise<Listener> {
    const options = this.#options;
    const server = createServer({
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: options.keepAliveMs,
      highWaterMark: options.highWaterMarkBytes,
    });
    server.on('connection', (socket) => {
      const remote = `${socket.remoteAddress}:${socket.remotePort}`;
      const connection = new NodeConnection(socket, remote, options);
      connection.start(accept(connection));
      connection.open();
    });
    return new Promise((resolve, reject) => {
      // Also fires when a connection cannot be accepted for want of descriptors: then the promise is settled, the
      // system has turned that connection away, and the server goes on.
      server.on('error', (error: NodeJS.ErrnoException) => reject(listenError(address, error)));
      server.listen({ host: address.host, port: address.port, backlog: options.backlog }, () => {
        const bound = server.address();
        assert(bound !== null && typeof bound === 'object', 'a TCP server has an address');
        resolve({
          address: { host: address.host, port: bound.port },
          // The port is free at once; the server's own callback would wait for all its connections.
          close: () => {
            server.close();
            return Promise.resolve();
          },
        });
      });
    });
  }

  connect(address: HostPort, handler: ConnectionHandler): Connection {
    assertAtLeast(address.port, 1, 'port');
    assertAtMost(address.port, 65_535, 'port');
    const options = this.#options;
    const socketOptions = {
      host: address.host,
      port: address.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: options.keepAliveMs,
      // Passed on to the stream; missing in the type declarations.
      writableHighWaterMark: options.highWaterMarkBytes,
    };
    const socket = createConnection(socketOptions);
    const connection = new NodeConnection(socket, hostPortText(address), options);
    connection.start(handler);
    connection.awaitConnect();
    return connection;
  }
}

class NodeConnection implements Connection {
  readonly remote: string;
  readonly #socket: Socket;
  readonly #options: NodeTransportOptions;
  #handler: ConnectionHandler | null = null;
  /** Why it will be closed; the first cause counts. */
  #reason: CloseReason | null = null;

  constructor(socket: Socket, remote: string, options: NodeTransportOptions) {
    this.#socket = socket;
    this.remote = remote;
    this.#options = options;
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Once, in the turn in which the socket came to be: nothing has been read yet. */
  start(handler: ConnectionHandler): void {
    assert(this.#handler === null, 'a connection starts once');
    this.#handler = handler;
    const socket = this.#socket;
    socket.on('data', (bytes: Uint8Array) => {
      if (this.#reason === null) handler.onData(this, bytes);
    });
    socket.on('drain', () => {
      if (this.#reason === null) handler.onDrain(this);
    });
    socket.on('end', () => {
      this.#reason ??= 'remote';
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#reason ??= REASON_OF_ERROR.get(error.code ?? '') ?? 'unreachable';
    });
    socket.on('timeout', () => {
      this.#reason ??= 'timeout';
      socket.destroy();
    });
    socket.on('close', () => {
      handler.onClose(this, this.#reason ?? 'remote');
    });
  }

  awaitConnect(): void {
    const socket = this.#socket;
    socket.setTimeout(this.#options.connectTimeoutMs);
    socket.once('connect', () => {
      if (this.#reason === null) socket.setTimeout(0);
      this.open();
    });
  }

  open(): void {
    assert(this.#handler !== null, 'an open connection has a handler');
    if (this.#reason === null) this.#handler.onOpen(this);
  }

  /** What the system has room for it copies in the call; nothing buffered means that nobody refers to the bytes. */
  write(bytes: Uint8Array): boolean {
    if (this.#reason !== null) return true;
    this.#socket.write(bytes);
    return this.#socket.writableLength === 0;
  }

  pause(): void {
    if (this.#reason === null) this.#socket.pause();
  }

  resume(): void {
    if (this.#reason === null) this.#socket.resume();
  }

  close(): void {
    if (this.#reason !== null) return;
    this.#reason = 'local';
    const socket = this.#socket;
    // Input is read and dropped until the peer has closed too: closing with unread input would reset the connection
    // and take away what the peer has not read yet.
    socket.resume();
    socket.end();
    socket.setTimeout(this.#options.lingerMs);
    // A process that has sent everything need not live on to hear the peer close.
    socket.once('finish', () => socket.unref());
  }

  destroy(): void {
    this.#reason ??= 'local';
    this.#socket.destroy();
  }
}

function listenError(address: HostPort, error: NodeJS.ErrnoException): ListenError {
  const where = hostPortText(address);
  if (error.code === 'EADDRINUSE') {
    return new ListenError('inUse', address, `${where} is in use by another process`);
  }
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    return new ListenError('permission', address, `no permission to listen on ${where}`);
  }
  return new ListenError('badAddress', address, `cannot listen on ${where}: ${error.message}`);
}
