/**
 * A service that meta servers share as a child process on the loopback, for tests and for trying things out. What it
 * is started with, and how one sees that it serves, is the service's own (etcd/server-process.ts,
 * zookeeper/server-process.ts).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { assert } from '../base/assert.ts';
import type { HostPort } from '../model/identity.ts';

export const LOOPBACK = '127.0.0.1';
const START_LIMIT_MS = 60_000;
const INSTALL_LIMIT_MS = 300_000;
const POLL_MS = 50;
const OUTPUT_LINES_KEPT = 20;

export interface ServiceCommand {
  readonly program: string;
  readonly args: readonly string[];
}

export interface ServiceTraits {
  readonly name: string;
  readonly address: HostPort;
  readonly command: () => ServiceCommand;
  readonly serves: () => Promise<boolean>;
}

export class ServiceProcess {
  readonly address: HostPort;
  readonly #traits: ServiceTraits;
  #process: ChildProcess | null = null;

  constructor(traits: ServiceTraits) {
    this.address = traits.address;
    this.#traits = traits;
  }

  /** At first, or after `kill`: with the same data, at the same address. Resolves when it serves. */
  async start(): Promise<void> {
    assert(this.#process === null, 'it does not run');
    const { program, args } = this.#traits.command();
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process = child;
    const lines: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      if (lines.length > OUTPUT_LINES_KEPT) lines.shift();
    });
    let failure: string | null = null;
    child.once('error', (error) => {
      failure = error.message;
    });
    child.once('exit', (code, signal) => {
      failure = `ended with ${signal ?? code}`;
    });
    const endMs = performance.now() + START_LIMIT_MS;
    while (!(await this.#traits.serves())) {
      if (performance.now() > endMs) failure = 'does not serve';
      if (failure !== null) throw new Error(`${this.#traits.name} ${failure}\n${lines.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** At once, as a crash. Idempotent. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    this.#process = null;
    if (child.exitCode !== null || child.signalCode !== null) return;
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

/** Free a moment ago; a service cannot tell which one it took by itself. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, LOOPBACK));
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

/** Whether the program is there and ends well; long enough for the installation of a package. */
export function runs(program: string, args: readonly string[], cwd?: string): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { cwd, env, stdio: 'ignore', timeout: INSTALL_LIMIT_MS } as const;
  return spawnSync(program, args, options).status === 0;
}

/** `apt-get` with these words; images of containers come without the lists, which only root may fetch. */
export function apt(args: readonly string[], cwd?: string): boolean {
  const works = (): boolean => runs('apt-get', args, cwd);
  return works() || (runs('apt-get', ['update']) && works());
}
