/**
 * A ZooKeeper of one server as a child process on the loopback, for tests and for trying things out: that of Debian's
 * package `zookeeper`, which root can have installed (nothing is started by that), and a Java.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { assert } from '../../base/assert.ts';
import type { HostPort } from '../../model/identity.ts';
import { NO_SESSION, ZooKeeperConnection } from './connection.ts';

const HOST = '127.0.0.1';
const JAR = '/usr/share/java/zookeeper.jar';
const MAIN = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
const INSTALL_LIMIT_MS = 300_000;
const START_LIMIT_MS = 60_000;
const POLL_MS = 50;
const ANSWER_LIMIT_MS = 1_000;
const HEAP = '-Xmx128m';

/** Whether it can be started, after what can be done about it. */
export function haveZooKeeper(): boolean {
  if (isThere()) return true;
  const install = ['install', '-y', '--no-install-recommends', 'zookeeper'];
  // Images of containers come without the lists.
  if (process.getuid?.() !== 0) return false;
  if (!runs('apt-get', install) && !(runs('apt-get', ['update']) && runs('apt-get', install))) {
    return false;
  }
  return isThere();
}

function isThere(): boolean {
  return existsSync(JAR) && runs('java', ['-version']);
}

function runs(program: string, args: readonly string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(program, args, { env, stdio: 'ignore', timeout: INSTALL_LIMIT_MS }).status === 0;
}

/**
 * What starts a server at `address` that keeps its data below `folder`. Ticks of half a second: sessions may be as
 * short as one second and as long as ten.
 */
export function zooKeeperCommand(
  folder: string,
  address: HostPort,
): { readonly program: string; readonly args: readonly string[] } {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'zoo.cfg');
  const lines = [
    'tickTime=500',
    `dataDir=${join(folder, 'zookeeper')}`,
    `clientPortAddress=${address.host}`,
    `clientPort=${address.port}`,
    'admin.enableServer=false',
    'autopurge.purgeInterval=1',
    '',
  ];
  writeFileSync(config, lines.join('\n'));
  return { program: 'java', args: [HEAP, '-cp', JAR, MAIN, config] };
}

export async function zooKeeperServes(address: HostPort): Promise<boolean> {
  const timeouts = { requestMs: ANSWER_LIMIT_MS, sessionMs: ANSWER_LIMIT_MS };
  try {
    (await ZooKeeperConnection.open(address, NO_SESSION, timeouts)).close();
    return true;
  } catch {
    return false;
  }
}

export class ZooKeeperServer {
  readonly address: HostPort;
  readonly #folder: string;
  #process: ChildProcess | null = null;

  private constructor(folder: string, address: HostPort) {
    this.#folder = folder;
    this.address = address;
  }

  /** Resolves when it serves. */
  static async start(folder: string): Promise<ZooKeeperServer> {
    const server = new ZooKeeperServer(folder, { host: HOST, port: await freePort() });
    await server.startAgain();
    return server;
  }

  /** After `kill`: with the same data, at the same address. */
  async startAgain(): Promise<void> {
    assert(this.#process === null, 'it does not run');
    const { program, args } = zooKeeperCommand(this.#folder, this.address);
    const child = spawn(program, args, { stdio: 'ignore' });
    this.#process = child;
    const endMs = performance.now() + START_LIMIT_MS;
    while (!(await zooKeeperServes(this.address))) {
      if (child.exitCode !== null) throw new Error(`ZooKeeper ended with ${child.exitCode}`);
      if (performance.now() > endMs) throw new Error('ZooKeeper does not serve');
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** At once, as a crash. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    this.#process = null;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Connections stay, and nothing is answered, until `resume`. */
  pause(): void {
    this.#process?.kill('SIGSTOP');
  }

  resume(): void {
    this.#process?.kill('SIGCONT');
  }
}

/** Free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a listening server has an address');
  server.close();
  await once(server, 'close');
  return address.port;
}
