/**
 * HTTP on connections that something else has accepted: Node's own server, which is given streams
 * instead of sockets. So requests are parsed, limited and kept alive by what all the world uses.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Duplex } from 'node:stream';
import { hostPortText } from '../base/host-port.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../env/transport.ts';
import type { ConnectionProtocol } from '../rpc/server.ts';
import type { HttpHandler, HttpMethod, HttpReply, HttpRequest } from './routes.ts';

const HEAD_BYTES_MAX = 16 * 1024;
const BODY_BYTES_MAX = 64 * 1024;
/** Output that a client has not taken, above which the answer waits. */
const BUFFERED_BYTES_MAX = 256 * 1024;
/** A connection ends when nothing moved on it for so long, in the middle of a request as well. */
const IDLE_MS = 15_000;

export class HttpProtocol implements ConnectionProtocol {
  readonly #handler: HttpHandler;
  readonly #server: Server;

  constructor(handler: HttpHandler) {
    this.#handler = handler;
    this.#server = createServer({ maxHeaderSize: HEAD_BYTES_MAX }, (request, response) => {
      void respond(request, response, this.#handler);
    });
  }

  open(connection: Connection): ConnectionHandler {
    const stream = new ConnectionStream(connection);
    this.#server.emit('connection', stream);
    return stream;
  }
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  handler: HttpHandler,
): Promise<void> {
  let reply: HttpReply;
  try {
    const parsed = await parse(request);
    reply = typeof parsed === 'string' ? badRequest(parsed) : await handler(parsed);
  } catch {
    // The client has gone in the middle of its request.
    request.destroy();
    return;
  }
  const { elsewhere } = reply;
  response.writeHead(reply.status, {
    'content-type': 'text/plain',
    'content-length': Buffer.byteLength(reply.body),
    ...(elsewhere && { location: `http://${hostPortText(elsewhere)}${request.url}` }),
  });
  response.end(reply.body);
}

function badRequest(body: string): HttpReply {
  return { status: 400, body: `${body}\n` };
}

/** A text says what is wrong with it. Rejects when the connection breaks off. */
async function parse(request: IncomingMessage): Promise<HttpRequest | string> {
  const method = request.method as HttpMethod;
  if (method !== 'GET' && method !== 'POST') return 'only GET and POST are answered';
  if (!URL.canParse(request.url ?? '', 'http://server')) return 'the path cannot be read';
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://server');
  const pieces: Buffer[] = [];
  let bodyBytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bodyBytes += piece.length;
    if (bodyBytes > BODY_BYTES_MAX) return `a body has at most ${BODY_BYTES_MAX} bytes`;
    pieces.push(piece);
  }
  const body = Buffer.concat(pieces).toString('utf8');
  return { method, path: pathname, query: [...searchParams], body };
}

/** A connection as the stream that Node's server wants, and its events. */
class ConnectionStream extends Duplex implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #idle: NodeJS.Timeout;
  /** Called when what was written has left. */
  #written: ((error?: Error | null) => void) | null = null;

  constructor(connection: Connection) {
    super();
    this.#connection = connection;
    this.#idle = setTimeout(() => this.destroy(), IDLE_MS);
  }

  onOpen(_connection: Connection): void {}

  onData(connection: Connection, bytes: Uint8Array): void {
    this.#idle.refresh();
    if (!this.push(Buffer.from(bytes))) connection.pause();
  }

  onDrain(_connection: Connection): void {
    this.#idle.refresh();
    this.#finishWrite();
  }

  onClose(_connection: Connection, _reason: CloseReason): void {
    this.destroy();
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#connection.write(chunk);
    this.#written = done;
    if (this.#connection.bufferedBytes <= BUFFERED_BYTES_MAX) this.#finishWrite();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.close();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idle);
    this.#connection.destroy();
    this.#finishWrite();
    done(error);
  }

  #finishWrite(): void {
    const done = this.#written;
    this.#written = null;
    done?.();
  }
}
