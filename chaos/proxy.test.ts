import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import { callerOf } from './callers.ts';
import { Links } from './links.ts';
import { ServerProxy } from './proxy.ts';

const HOST = '127.0.0.1';

/** A server that gives everything back. */
async function echo(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = await echo();
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

async function answer(socket: Socket): Promise<string> {
  const [bytes] = await once(socket, 'data');
  return String(bytes);
}

/** Whether it is reset or closed. */
function end(socket: Socket): Promise<void> {
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}

async function refusal(port: number): Promise<string> {
  const [error] = await once(connect(port, HOST), 'error');
  return error.code;
}

test('a proxy knows a caller by its process, holds what a cut link carries, and refuses only for the dead', async (t) => {
  const server = await echo();
  const links = new Links();
  const findCaller = (from: number, to: number): string | null => callerOf(from, to, new Map());
  const port = await freePort();
  const proxy = new ServerProxy('replica1', port, portOf(server), links, findCaller);
  assert.equal(await refusal(port), 'ECONNREFUSED');
  await proxy.open();
  t.after(() => {
    proxy.close();
    proxy.reset();
    server.close();
  });

  const socket = connect(port, HOST);
  socket.write('one');
  assert.equal(await answer(socket), 'one');

  // The way back is cut: the server hears it, the caller does not hear the answer.
  links.between('replica1', 'client').cut();
  const heard: string[] = [];
  socket.on('data', (bytes) => heard.push(String(bytes)));
  socket.write('two');
  // Another caller's link is not cut by that.
  assert(!links.between('replica1', 'meta1').isCut);
  const late = connect(port, HOST);
  await once(late, 'connect');
  assert.deepEqual(heard, []);
  links.healAll();
  while (heard.join('') !== 'two') await once(socket, 'data');

  proxy.close();
  assert.equal(await refusal(port), 'ECONNREFUSED');
  const ended = [socket, late].map(end);
  proxy.reset();
  await Promise.all(ended);
});
