/**
 * An etcd of one member or several as child processes on the loopback, for tests and for trying things out: whatever
 * `etcd` is on the path, or that of Debian's package `etcd-server`.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { assert } from '../../base/assert.ts';
import type { HostPort } from '../../model/identity.ts';

const HOST = '127.0.0.1';
/** Of 3.4 and of later ones. */
const READY = /serving client traffic insecurely/;
const OUTPUT_LINES_KEPT = 20;
const PACKAGE = 'etcd-server';
const INSTALL_LIMIT_MS = 120_000;
const START_LIMIT_MS = 60_000;

/**
 * The program: the one on the path, or else that of Debian's package, unpacked into `cacheFolder` (nothing is
 * installed and no service started, so nobody has to be root). Null where it cannot be had.
 */
export function findEtcd(cacheFolder: string): string | null {
  if (runs('etcd', ['--version'])) return 'etcd';
  const program = join(cacheFolder, 'usr/bin/etcd');
  if (runs(program, ['--version'])) return program;
  mkdirSync(cacheFolder, { recursive: true });
  const download = (): boolean => runs('apt-get', ['download', PACKAGE], cacheFolder);
  // Images of containers come without the lists, which only root may fetch.
  if (!download() && !(runs('apt-get', ['update']) && download())) return null;
  for (const name of readdirSync(cacheFolder)) {
    if (name.endsWith('.deb')) runs('dpkg-deb', ['-x', name, '.'], cacheFolder);
  }
  return runs(program, ['--version']) ? program : null;
}

function runs(program: string, args: readonly string[], cwd?: string): boolean {
  return spawnSync(program, args, { cwd, stdio: 'ignore', timeout: INSTALL_LIMIT_MS }).status === 0;
}

interface Member {
  readonly name: string;
  readonly clientPort: number;
  readonly peerUrl: string;
}

export class EtcdServer {
  readonly address: HostPort;
  readonly #program: string;
  readonly #folder: string;
  readonly #member: Member;
  /** Names and peers of all. */
  readonly #cluster: string;
  #process: ChildProcess | null = null;

  private constructor(program: string, folder: string, member: Member, all: readonly Member[]) {
    this.#program = program;
    this.#folder = folder;
    this.#member = member;
    this.#cluster = all.map((one) => `${one.name}=${one.peerUrl}`).join(',');
    this.address = { host: HOST, port: member.clientPort };
  }

  /** A cluster that keeps its data below `folder`. Resolves when all of them serve. */
  static async start(program: string, folder: string, count: number): Promise<EtcdServer[]> {
    const ports = await freePorts(2 * count);
    const members = Array.from({ length: count }, (_, index) => ({
      name: `etcd${index}`,
      clientPort: ports[2 * index]!,
      peerUrl: `http://${HOST}:${ports[2 * index + 1]}`,
    }));
    const servers = members.map(
      (member) => new EtcdServer(program, join(folder, member.name), member, members),
    );
    await Promise.all(servers.map((server) => server.startAgain()));
    return servers;
  }

  /** After `kill`: with the same data, at the same address. Resolves when it serves, which takes a majority. */
  async startAgain(): Promise<void> {
    assert(this.#process === null, 'it does not run');
    const { name, clientPort, peerUrl } = this.#member;
    const url = `http://${HOST}:${clientPort}`;
    const child = spawn(
      this.#program,
      [
        ['--name', name],
        ['--data-dir', this.#folder],
        ['--listen-client-urls', url],
        ['--advertise-client-urls', url],
        ['--listen-peer-urls', peerUrl],
        ['--initial-advertise-peer-urls', peerUrl],
        ['--initial-cluster', this.#cluster],
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
    const fail = (what: string): void => reject(new Error(`${what}\n${lines.join('\n')}`));
    const limit = setTimeout(() => fail('etcd does not serve'), START_LIMIT_MS).unref();
    child.once('error', reject);
    child.once('exit', () => {
      clearTimeout(limit);
      fail('etcd ended');
    });
  });
}

/** Free a moment ago; etcd cannot tell which one it took by itself. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, HOST));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    assert(typeof address === 'object' && address !== null, 'a listening server has an address');
    return address.port;
  });
  for (const server of servers) server.close();
  await Promise.all(servers.map((server) => once(server, 'close')));
  return ports;
}
