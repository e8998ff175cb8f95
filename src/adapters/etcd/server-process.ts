/**
 * An etcd of one member as a child process on the loopback, for tests and for trying things out: Debian's package
 * `etcd-server`, or whatever `etcd` is on the path.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { assert } from '../../base/assert.ts';
import type { HostPort } from '../../model/identity.ts';

const HOST = '127.0.0.1';
/** Of 3.4 and of later ones. */
const READY = /serving client traffic insecurely/;
const OUTPUT_LINES_KEPT = 20;

/** Null, or why there is none: for the name of a skipped test. */
export function etcdMissing(): string | null {
  const { status } = spawnSync('etcd', ['--version']);
  return status === 0 ? null : 'no etcd on this machine (Debian: apt-get install etcd-server)';
}

export class EtcdServer {
  readonly address: HostPort;
  readonly #folder: string;
  #process: ChildProcess | null = null;

  private constructor(folder: string, address: HostPort) {
    this.#folder = folder;
    this.address = address;
  }

  /** Keeps its data in `folder`. Resolves when it serves. */
  static async start(folder: string): Promise<EtcdServer> {
    const server = new EtcdServer(folder, { host: HOST, port: await freePort() });
    await server.startAgain();
    return server;
  }

  /** After `kill`: with the same data, at the same address. */
  async startAgain(): Promise<void> {
    assert(this.#process === null, 'it does not run');
    const url = `http://${HOST}:${this.address.port}`;
    // Its only member; nobody connects there.
    const peer = `http://${HOST}:0`;
    const child = spawn(
      'etcd',
      [
        ['--name', 'only'],
        ['--data-dir', this.#folder],
        ['--listen-client-urls', url],
        ['--advertise-client-urls', url],
        ['--listen-peer-urls', peer],
        ['--initial-advertise-peer-urls', peer],
        ['--initial-cluster', `only=${peer}`],
        ['--logger', 'zap'],
        ['--log-outputs', 'stderr'],
      ].flat(),
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process = child;
    await untilReady(child);
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

function untilReady(child: ChildProcess): Promise<void> {
  assert(child.stderr !== null, 'its log is read');
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stderr! }).on('line', (line) => {
      lines.push(line);
      if (lines.length > OUTPUT_LINES_KEPT) lines.shift();
      if (READY.test(line)) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`etcd ended:\n${lines.join('\n')}`)));
  });
}

/** Free a moment ago; etcd cannot tell which one it took by itself. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a listening server has an address');
  server.close();
  await once(server, 'close');
  return address.port;
}
