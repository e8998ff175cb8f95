import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { nodeEnvironment, silent } from '../bin/client.ts';
import { DEFAULT_RPC_SERVER_OPTIONS, ProtocolMagic, RpcServer } from '../rpc/server.ts';
import { RpcStatistics } from '../rpc/statistics.ts';
import { HttpProtocol } from './protocol.ts';
import type { HttpHandler } from './routes.ts';

/** A server on a free port that answers HTTP beside its other dialects. */
async function serve(t: TestContext, handler: HttpHandler): Promise<number> {
  const environment = nodeEnvironment(silent);
  const server = new RpcServer(environment, DEFAULT_RPC_SERVER_OPTIONS, new RpcStatistics());
  const protocol = new HttpProtocol(handler);
  server.speak(ProtocolMagic.httpGet, protocol);
  server.speak(ProtocolMagic.httpPost, protocol);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  return port;
}

/** All that the server sends until it closes. */
function exchange(port: number, pieces: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(received));
    const next = (rest: readonly string[]): void => {
      if (rest.length > 0) socket.write(rest[0]!, () => setImmediate(next, rest.slice(1)));
    };
    next(pieces);
  });
}

const echo: HttpHandler = ({ method, path, query, body }) => ({
  status: 200,
  body: JSON.stringify([method, path, query, body]),
});

test('a request reaches the handler decoded, however it was cut into pieces', async (t) => {
  const port = await serve(t, echo);
  const text =
    'POST /a%20b?name=x%2Cy&detail HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello';
  for (const pieces of [[text], [...text]]) {
    const answer = await exchange(port, pieces);
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\ncontent-type: text\/plain\r\n/);
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as unknown;
    const query = [
      ['name', 'x,y'],
      ['detail', ''],
    ];
    assert.deepEqual(body, ['POST', '/a%20b', query, 'hello']);
  }
});

test('one connection serves many requests, and a large answer arrives whole', async (t) => {
  const size = 8 << 20;
  const port = await serve(t, () => ({ status: 200, body: 'x'.repeat(size) }));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let round = 0; round < 3; round++) {
    const length = await new Promise<number>((resolve, reject) => {
      const sent = request({ agent, port, host: '127.0.0.1', path: '/' }, (response) => {
        let bytes = 0;
        response.on('data', (piece: Buffer) => {
          bytes += piece.length;
        });
        response.on('end', () => resolve(bytes));
      });
      sent.on('error', reject);
      sent.end();
      if (round > 0) sent.on('socket', () => assert.equal(sent.reusedSocket, true));
    });
    assert.equal(length, size);
  }
});

test('a body or a head above its limit is refused, and the connection ends', async (t) => {
  const port = await serve(t, echo);
  const body = 'x'.repeat(70_000);
  const tooLong = await exchange(port, [
    `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  ]);
  assert.match(tooLong, /^HTTP\/1\.1 400 (.|\s)*a body has at most 65536 bytes/);
  const head = await exchange(port, [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\n`]);
  assert.match(head, /^HTTP\/1\.1 431 /);
});

test('what only begins like a request gets an error and no more', async (t) => {
  const port = await serve(t, echo);
  assert.match(await exchange(port, ['GET \0\x01\x02\r\n\r\n']), /^HTTP\/1\.1 400 /);
});

test('a client that goes in the middle of a request harms nobody', async (t) => {
  const port = await serve(t, echo);
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf', () => {
        socket.destroy();
        resolve();
      });
    });
  });
  const answer = await exchange(port, ['GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n']);
  assert.match(answer, /^HTTP\/1\.1 200 OK/);
});
