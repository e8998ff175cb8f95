/**
 * What comes in on an open port: scanners, browsers, broken clients. It is turned away, costs
 * little memory, and disturbs nobody: the load that runs meanwhile sees no error, and the servers
 * write no error either.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { SeededRandom } from '../../src/base/prng.ts';
import { Ledger } from '../support/ledger.ts';
import { TestOnebox } from '../support/onebox.ts';
import { until } from '../support/until.ts';

const SEED = 20_261_124;
const CLOSE_LIMIT_MS = 10_000;
const SCANS = 200;
const GROWTH_BYTES_MAX = 150 * 1024 * 1024;
const LOADED = 500;

/** Sends the bytes; resolves when the server has closed the connection. */
async function sendUntilClosed(port: number, bytes: Uint8Array, what: string): Promise<void> {
  const socket = await opened(port);
  let isClosed = false;
  socket.once('close', () => {
    isClosed = true;
  });
  socket.write(bytes);
  socket.resume();
  await until(`the server closes on ${what}`, CLOSE_LIMIT_MS, () => isClosed);
}

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  // Resets are expected from here on.
  socket.on('error', () => undefined);
  return socket;
}

/** Header of a THFT frame of version 0 that promises a body of that length. */
function header(bodyBytes: number): Buffer {
  const bytes = Buffer.alloc(48);
  bytes.write('THFT');
  bytes.writeUInt32BE(0, 4);
  bytes.writeUInt32BE(48, 8);
  bytes.writeUInt32BE(bodyBytes, 16);
  return bytes;
}

function residentBytes(pid: number): number {
  const pages = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1];
  return Number(pages) * 4096;
}

/** Requests that end the original's processes; absent where the recordings are. */
function recordedFrames(): Buffer[] {
  const folder = process.env['PEGASUS_CONFORMANCE'];
  const path = folder ?? new URL('../../../shared/conformance', import.meta.url).pathname;
  const file = `${path}/frames/golden_frames.jsonl`;
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) =>
    Buffer.from((JSON.parse(line) as { request_hex: string }).request_hex, 'hex'),
  );
}

test('garbage, scans, huge promises and slow senders on every port, under load', async (t) => {
  await using onebox = await TestOnebox.start();
  await using client = await onebox.connect();
  const { nodes } = await onebox.status();
  const ports = nodes.map(({ address }) => Number(address.split(':')[1]));
  const residentBefore = nodes.map(({ pid }) => residentBytes(pid));
  const ledger = new Ledger(client);
  ledger.begin();

  const random = new SeededRandom(SEED);
  const slow: Socket[] = [];
  for (const port of ports) {
    const half = await opened(port);
    half.write(header(64).subarray(0, 20));
    const waiting = await opened(port);
    waiting.write(Buffer.concat([header(64), Buffer.alloc(30)]));
    slow.push(half, waiting);
  }
  for (const port of ports) {
    for (let index = 0; index < SCANS; index++) (await opened(port)).destroy();
    const http = Buffer.from('GET /cgi-bin/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await sendUntilClosed(port, http, 'an HTTP request');
    await sendUntilClosed(port, Buffer.from('GET \0\xff\r\n\r\n', 'latin1'), 'what is no HTTP');
    const hello = Buffer.from('16030100c8010000c40303'.padEnd(400, '7'), 'hex');
    await sendUntilClosed(port, hello, 'a TLS hello');
    await sendUntilClosed(port, header(0x7fffffff), 'a promise of 2 GiB');
    for (let index = 0; index < 20; index++) {
      const bytes = new Uint8Array(1 + random.below(4_096));
      for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
      // Less than a magic number could still become something.
      if (bytes.length >= 4) await sendUntilClosed(port, bytes, 'random bytes');
    }
  }
  const { acknowledged } = ledger;
  await until(
    'the load goes on',
    CLOSE_LIMIT_MS,
    () => ledger.acknowledged > acknowledged + LOADED,
  );
  await ledger.end();
  for (const socket of slow) socket.destroy();

  assert.deepEqual(ledger.failures, []);
  assert.deepEqual((await ledger.verify(client)).problems, []);
  const after = await onebox.status();
  assert.deepEqual(after.nodes, nodes, 'the same processes');
  assert.equal(after.healthy, true);
  for (const [index, { pid, name }] of nodes.entries()) {
    const growth = residentBytes(pid) - residentBefore[index]!;
    t.diagnostic(`${name} grew by ${Math.round(growth / 1024 / 1024)} MiB`);
    assert(growth < GROWTH_BYTES_MAX, `${name} grew by ${growth} bytes`);
  }
  assert.deepEqual(onebox.complaints(), []);
});

test('recorded requests cut short, doubled and with one byte changed, to every server', async (t) => {
  const frames = recordedFrames();
  if (frames.length === 0) {
    t.skip('no recordings at hand');
    return;
  }
  await using onebox = await TestOnebox.start();
  const { nodes } = await onebox.status();
  const random = new SeededRandom(SEED);
  for (const { address } of nodes) {
    const port = Number(address.split(':')[1]);
    for (const frame of frames) {
      const changed = Buffer.from(frame);
      changed[random.below(changed.length)] = random.below(256);
      const socket = await opened(port);
      socket.resume();
      socket.write(frame);
      socket.write(changed);
      socket.end(frame.subarray(0, random.below(frame.length)));
    }
  }
  const after = await onebox.status();
  assert.deepEqual(after.nodes, nodes, 'the same processes');
  await onebox.shellOutput('set', 'still', 'here', 'yes');
  assert.equal(await onebox.shellOutput('get', 'still', 'here'), '"yes"\n');
  assert.deepEqual(onebox.complaints(), []);
});
