/** Requests that are passed on to another server: bounded in number and time, and nobody waits for who is gone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import test from 'node:test';
import { nodeEnvironment, silent } from '../bin/client.ts';
import type { HostPort } from '../model/identity.ts';
import { RDSN_HEADER_BYTES } from '../wire/rdsn-frame.ts';
import { speakToClients } from './client-dialects.ts';
import { DEFAULT_RELAY_OPTIONS, RdsnRelay, type RelayOptions } from './rdsn-relay.ts';
import { DEFAULT_RPC_SERVER_OPTIONS, RpcServer } from './server.ts';
import { RpcStatistics } from './statistics.ts';

/** A server that remembers what it is asked, and answers when told to. */
class Target implements AsyncDisposable {
  readonly requests: Buffer[] = [];
  readonly #server: Server;
  #socket: Socket | null = null;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#socket = socket;
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        for (let at = 0; at < bytes.length; at += RDSN_HEADER_BYTES) {
          this.requests.push(bytes.subarray(at, at + RDSN_HEADER_BYTES));
        }
        server.emit('asked');
      });
    });
  }

  static async open(): Promise<Target> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Target(server);
  }

  get address(): HostPort {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  async asked(count: number): Promise<void> {
    while (this.requests.length < count) await once(this.#server, 'asked');
  }

  answer(index: number): void {
    const reply = Buffer.from(this.requests[index]!);
    reply[104] = reply[104]! & ~1;
    this.#socket!.write(reply);
  }

  write(bytes: Uint8Array): void {
    this.#socket!.write(bytes);
  }

  disconnect(): void {
    this.#socket!.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket?.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Passes all that it is asked on to `target`. */
class Gate implements AsyncDisposable {
  target: HostPort;
  readonly #rpc: RpcServer;
  readonly #relay: RdsnRelay;
  readonly #socket: Socket;
  #input = Buffer.alloc(0);

  private constructor(target: HostPort, rpc: RpcServer, relay: RdsnRelay, socket: Socket) {
    this.target = target;
    this.#rpc = rpc;
    this.#relay = relay;
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#input = Buffer.concat([this.#input, bytes]);
    });
  }

  static async open(target: HostPort, options: Partial<RelayOptions> = {}): Promise<Gate> {
    const environment = nodeEnvironment(silent);
    const statistics = new RpcStatistics();
    const rpc = new RpcServer(environment, DEFAULT_RPC_SERVER_OPTIONS, statistics);
    const address = await rpc.listen({ host: '127.0.0.1', port: 0 });
    const relay = new RdsnRelay(environment, { ...DEFAULT_RELAY_OPTIONS, ...options });
    const socket = connect(address.port, address.host);
    const gate = new Gate(target, rpc, relay, socket);
    const handler = {
      onRequest: (...[session, header, reader]: Parameters<typeof gate.pass>) =>
        gate.pass(session, header, reader),
      onSessionClosed: () => undefined,
    };
    speakToClients(rpc, environment, statistics, handler, address);
    await once(socket, 'connect');
    return gate;
  }

  pass(
    session: Parameters<RdsnRelay['pass']>[0],
    header: Parameters<RdsnRelay['pass']>[1],
    reader: Parameters<RdsnRelay['pass']>[2],
  ): void {
    assert.ok(this.#relay.pass(session, header, reader, this.target));
  }

  /** As a program that listens: a request that can be sent on. */
  ask(id: number): void {
    const request = Buffer.alloc(RDSN_HEADER_BYTES);
    request.write('RDSN', 0, 'latin1');
    request.writeUInt32LE(RDSN_HEADER_BYTES, 8);
    request.writeUInt32LE(id, 24);
    request.write('RPC_CM_CLUSTER_INFO', 40, 'latin1');
    request.writeUInt32LE(0x441, 104);
    request.write('0100eb180100007f', 112, 'hex');
    this.#socket.write(request);
  }

  /** Ids of the answers, once there are so many. */
  async answered(count: number): Promise<number[]> {
    while (this.#input.length < count * RDSN_HEADER_BYTES) await once(this.#socket, 'data');
    const at = Array.from(
      { length: this.#input.length / RDSN_HEADER_BYTES },
      (_, index) => index * RDSN_HEADER_BYTES,
    );
    return at.map((start) => this.#input.readUInt32LE(start + 24));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    this.#relay.close();
    await this.#rpc.close();
  }
}

test('answers find their requests, whatever their order and their ids', async () => {
  await using target = await Target.open();
  await using gate = await Gate.open(target.address);
  for (const id of [7, 9, 7]) gate.ask(id);
  await target.asked(3);
  for (const index of [2, 0, 1]) target.answer(index);
  assert.deepEqual(await gate.answered(3), [7, 7, 9]);
});

test('an answer that nobody waits for is dropped, and one request too many has none', async () => {
  await using target = await Target.open();
  await using gate = await Gate.open(target.address, { pendingMax: 2 });
  for (const id of [1, 2, 3]) gate.ask(id);
  await target.asked(2);
  target.answer(0);
  target.answer(0);
  assert.deepEqual(await gate.answered(1), [1]);
  gate.ask(4);
  await target.asked(3);
  target.answer(2);
  assert.deepEqual(await gate.answered(2), [1, 4]);
  assert.equal(target.requests.length, 3, 'the third one was never passed on');
});

test('who is gone, or answers what cannot be read, is asked anew over another connection', async () => {
  await using target = await Target.open();
  await using gate = await Gate.open(target.address);
  gate.ask(1);
  await target.asked(1);
  target.disconnect();
  gate.ask(2);
  // Whether that is noticed before or after the second request: the third one gets through.
  for (let asked = 3; target.requests.length < 2; asked++) {
    gate.ask(asked);
    await new Promise((resolve) => setImmediate(resolve));
  }
  target.answer(target.requests.length - 1);
  const [first] = await gate.answered(1);
  assert.ok(first !== undefined && first > 1);
  target.write(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const before = target.requests.length;
  while (target.requests.length < before + 2) {
    gate.ask(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  target.answer(target.requests.length - 1);
  assert.equal((await gate.answered(2)).at(-1), 1_000);
});

test('when another one leads, it is asked', async () => {
  await using former = await Target.open();
  await using next = await Target.open();
  await using gate = await Gate.open(former.address);
  gate.ask(1);
  await former.asked(1);
  gate.target = next.address;
  gate.ask(2);
  await next.asked(1);
  next.answer(0);
  assert.deepEqual(await gate.answered(1), [2]);
});

test('who does not answer in time is not waited for any longer', async () => {
  await using target = await Target.open();
  await using gate = await Gate.open(target.address, { pendingMax: 1, patienceMs: 20 });
  gate.ask(1);
  await target.asked(1);
  // Until there is room again.
  while (target.requests.length < 2) {
    gate.ask(2);
    await new Promise((resolve) => setImmediate(resolve));
  }
  target.answer(0);
  target.answer(1);
  assert.deepEqual(await gate.answered(1), [2]);
});
