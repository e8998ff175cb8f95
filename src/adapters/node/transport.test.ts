import assert from 'node:assert/strict';
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import test from 'node:test';
import type { CloseReason, Connection, ConnectionHandler } from '../../env/transport.ts';
import { ListenError } from '../../env/transport.ts';
import { NodeTransport } from './transport.ts';

/** Records what happened and lets a test wait for it. */
class Recorder implements ConnectionHandler {
  readonly events: string[] = [];
  received = 0;
  /** Of all bytes. */
  sum = 0;
  #waiting: { done: () => boolean; resolve: () => void }[] = [];

  onOpen(): void {
    this.#add('open');
  }
  onData(_connection: Connection, bytes: Uint8Array): void {
    this.received += bytes.length;
    for (const byte of bytes) this.sum += byte;
    this.#add('data');
  }
  onDrain(): void {
    this.#add('drain');
  }
  onClose(_connection: Connection, reason: CloseReason): void {
    this.#add(`close ${reason}`);
  }
  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ done, resolve });
    });
  }
  has(event: string): Promise<void> {
    return this.until(() => this.events.includes(event));
  }
  #add(event: string): void {
    if (event !== 'data' || this.events.at(-1) !== 'data') this.events.push(event);
    for (const waiter of this.#waiting) if (waiter.done()) waiter.resolve();
    this.#waiting = this.#waiting.filter((waiter) => !waiter.done());
  }
}

interface Pair {
  readonly client: Connection;
  readonly clientEvents: Recorder;
  readonly server: Connection;
  readonly serverEvents: Recorder;
  readonly stop: () => Promise<void>;
}

async function connectPair(): Promise<Pair> {
  const transport = new NodeTransport({ highWaterMarkBytes: 64 * 1024 });
  const serverEvents = new Recorder();
  let server: Connection | null = null;
  const listener = await transport.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
    server = connection;
    return serverEvents;
  });
  const clientEvents = new Recorder();
  const client = transport.connect(listener.address, clientEvents);
  await Promise.all([clientEvents.has('open'), serverEvents.has('open')]);
  assert.ok(server !== null);
  return { client, clientEvents, server, serverEvents, stop: () => listener.close() };
}

test('bytes written before the connection stands arrive; close sends all and both sides hear of it', async () => {
  const transport = new NodeTransport();
  const serverEvents = new Recorder();
  const listener = await transport.listen({ host: '127.0.0.1', port: 0 }, () => serverEvents);
  const clientEvents = new Recorder();
  const client = transport.connect(listener.address, clientEvents);
  client.write(new Uint8Array(3));
  client.write(new Uint8Array(1_000_000));
  client.close();
  client.write(new Uint8Array(5));
  assert.deepEqual(clientEvents.events, []);
  await Promise.all([clientEvents.has('close local'), serverEvents.has('close remote')]);
  assert.equal(serverEvents.received, 1_000_003);
  assert.deepEqual(serverEvents.events, ['open', 'data', 'close remote']);
  await listener.close();
});

test('a receiver that pauses holds the sender up; the sender hears when it drains', async () => {
  const pair = await connectPair();
  pair.server.pause();
  const bytes = 32 * 1024 * 1024;
  pair.client.write(new Uint8Array(bytes));
  assert.ok(pair.client.bufferedBytes > 0);
  pair.server.resume();
  await pair.clientEvents.has('drain');
  assert.equal(pair.client.bufferedBytes, 0);
  await pair.serverEvents.until(() => pair.serverEvents.received === bytes);
  pair.client.destroy();
  await Promise.all([pair.clientEvents.has('close local'), pair.stop()]);
});

test('bytes that have left may be written over; those that have not are told from them', async () => {
  const { client, server, serverEvents, stop } = await connectPair();
  const bytes = new Uint8Array(8 * 1024);
  let sum = 0;
  let left = true;
  server.pause();
  // Until the system has no more room.
  for (let round = 1; left; round++) {
    bytes.fill(round & 0xff);
    sum += bytes.length * (round & 0xff);
    left = client.write(bytes);
    if (left) bytes.fill(0);
  }
  assert.ok(client.bufferedBytes > 0);
  server.resume();
  client.close();
  await serverEvents.has('close remote');
  assert.equal(serverEvents.sum, sum);
  await stop();
});

test('a reset by the peer is told from its orderly close', async () => {
  const events = new Recorder();
  const transport = new NodeTransport();
  const listener = await transport.listen({ host: '127.0.0.1', port: 0 }, () => events);
  const socket = connectSocket(listener.address.port, '127.0.0.1');
  await events.has('open');
  socket.resetAndDestroy();
  await events.has('close reset');
  assert.deepEqual(events.events, ['open', 'close reset']);
  await listener.close();
});

test('a port where nobody listens refuses, an unknown name is unreachable', async () => {
  const transport = new NodeTransport();
  const probe = await transport.listen({ host: '127.0.0.1', port: 0 }, () => new Recorder());
  await probe.close();
  const refused = new Recorder();
  transport.connect(probe.address, refused);
  await refused.has('close refused');
  const unreachable = new Recorder();
  transport.connect({ host: 'no-such-host.invalid', port: 1 }, unreachable);
  await unreachable.has('close unreachable');
});

test('a port in use and a foreign address are told apart', async () => {
  const transport = new NodeTransport();
  const listener = await transport.listen({ host: '127.0.0.1', port: 0 }, () => new Recorder());
  await assert.rejects(
    transport.listen(listener.address, () => new Recorder()),
    (error) => error instanceof ListenError && error.code === 'inUse',
  );
  await assert.rejects(
    transport.listen({ host: '192.0.2.1', port: 0 }, () => new Recorder()),
    (error) => error instanceof ListenError && error.code === 'badAddress',
  );
  await listener.close();
});

test('a peer that never closes its side is cut off after the linger time', async () => {
  const accepted: Socket[] = [];
  const deaf = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    accepted.push(socket);
  });
  await new Promise<void>((resolve) => {
    deaf.listen(0, '127.0.0.1', resolve);
  });
  const address = deaf.address();
  assert.ok(address !== null && typeof address === 'object');
  const events = new Recorder();
  const transport = new NodeTransport({ lingerMs: 20 });
  const connection = transport.connect({ host: '127.0.0.1', port: address.port }, events);
  await events.has('open');
  connection.close();
  await events.has('close local');
  for (const socket of accepted) socket.destroy();
  deaf.close();
});
