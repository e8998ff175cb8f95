/**
 * A TCP proxy in front of one server: its port is the server's advertised address, so everybody who
 * talks to the server goes through it, and each direction of each pair can be held or slowed.
 *
 *  - It listens exactly while the server's process lives. Servers take a refused connection for the
 *    death of a process, and here it is one.
 *  - Bytes keep their order; a held direction is not read, so the sender feels it as back pressure.
 *  - Memory: at most one chunk and the socket's own buffers per direction.
 */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import type { Link, Links } from './links.ts';

/** Who opened the connection from `callerPort` to `proxyPort`; null if that cannot be told. */
export type FindCaller = (callerPort: number, proxyPort: number) => string | null;

const HOST = '127.0.0.1';

export class ServerProxy {
  readonly name: string;
  readonly port: number;
  readonly #targetPort: number;
  readonly #links: Links;
  readonly #findCaller: FindCaller;
  readonly #sockets: Set<Socket> = new Set();
  #server: Server | null = null;
  connections: number = 0;

  constructor(
    name: string,
    port: number,
    targetPort: number,
    links: Links,
    findCaller: FindCaller,
  ) {
    this.name = name;
    this.port = port;
    this.#targetPort = targetPort;
    this.#links = links;
    this.#findCaller = findCaller;
  }

  async open(): Promise<void> {
    if (this.#server !== null) return;
    const server = createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, HOST, resolve);
    });
  }

  /** The process has ended: nobody listens, and what was connected ends by itself. */
  close(): void {
    this.#server?.close();
    this.#server = null;
  }

  /** Resets all connections, as a middlebox that forgets does. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #accept(socket: Socket): void {
    this.#keep(socket);
    const caller = this.#findCaller(socket.remotePort ?? 0, this.port);
    if (caller === null) {
      socket.destroy();
      return;
    }
    this.connections += 1;
    const towards = this.#links.between(caller, this.name);
    const back = this.#links.between(this.name, caller);
    towards.pass(() => {
      if (socket.destroyed) return;
      const upstream = dial({ host: HOST, port: this.#targetPort, noDelay: true });
      socket.setNoDelay(true);
      this.#keep(upstream);
      pump(socket, upstream, towards);
      pump(upstream, socket, back);
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    // The end of a connection is passed on by its close.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** Carries bytes, and then the end, from `source` to `sink`. */
function pump(source: Socket, sink: Socket, link: Link): void {
  const forward = (chunk: Buffer): void => {
    if (sink.destroyed) return;
    if (sink.write(chunk)) source.resume();
    else sink.once('drain', () => source.resume());
  };
  source.on('data', (chunk: Buffer) => {
    source.pause();
    link.pass(() => forward(chunk));
  });
  source.once('close', () => link.pass(() => sink.destroySoon()));
  source.resume();
}
