import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { NamespaceNetwork } from './namespaces.ts';

const NAMES = ['near', 'far'];
/** By then, what was not cut has arrived many times over. */
const ROUND_TRIPS = 100;
const ECHO = `
  const [host, port] = process.argv[1].split(':');
  require('node:net').createServer((socket) => socket.pipe(socket)).listen(port, host, () => console.log('up'));
`;

const made = NamespaceNetwork.create(NAMES);
const isMade = made instanceof NamespaceNetwork;
const skip = isMade ? false : `no network namespaces here: ${made.reason}`;

async function echoAt(network: NamespaceNetwork, name: string): Promise<ChildProcess> {
  const { listen } = network.addressOf(name);
  const [command, ...rest] = [...network.launcherOf(name), process.execPath, '-e', ECHO, listen];
  const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout!, 'data');
  return child;
}

async function dial(network: NamespaceNetwork, name: string): Promise<Socket> {
  const [host, port] = network.addressOf(name).advertised.split(':') as [string, string];
  const socket = connect({ host, port: Number(port), noDelay: true });
  await once(socket, 'connect');
  return socket;
}

async function echoed(socket: Socket, word: string): Promise<string> {
  socket.write(word);
  const [bytes] = await once(socket, 'data');
  return String(bytes);
}

test('a cut between namespaces is one way and silent, heals, and only the dead refuse', {
  skip,
}, async (t) => {
  assert(isMade);
  t.after(() => made.close());
  await assert.rejects(dial(made, 'near'), { code: 'ECONNREFUSED' });
  const servers = await Promise.all(NAMES.map((name) => echoAt(made, name)));
  t.after(() => {
    for (const server of servers) server.kill('SIGKILL');
  });
  const near = await dial(made, 'near');
  const far = await dial(made, 'far');
  t.after(() => {
    near.destroy();
    far.destroy();
  });
  assert.equal(await echoed(near, 'before'), 'before');
  made.cut('near', 'client');
  let isHeard = false;
  const answer = echoed(near, 'during').then((word) => {
    isHeard = true;
    return word;
  });
  for (let trip = 0; trip < ROUND_TRIPS; trip++) assert.equal(await echoed(far, 'x'), 'x');
  assert.equal(isHeard, false);
  made.healAll();
  assert.equal(await answer, 'during');
  servers[0]!.kill('SIGKILL');
  await once(servers[0]!, 'exit');
  await assert.rejects(dial(made, 'near'), { code: 'ECONNREFUSED' });
});
