/** Servers on one loopback address, each behind a proxy (proxy.ts) that is its address. */
import { createServer } from 'node:net';
import { assert } from '../src/base/assert.ts';
import { callerOf } from './callers.ts';
import { Links } from './links.ts';
import type { ChaosNetwork, ServerAddress } from './network.ts';
import { ServerProxy } from './proxy.ts';

const HOST = '127.0.0.1';
/** Below those that the system gives to outgoing connections, which would take them at a restart. */
const PORT_LOWEST = 12_000;
const PORT_HIGHEST = 31_000;

interface Placed {
  readonly port: number;
  readonly proxy: ServerProxy;
}

export class ProxyNetwork implements ChaosNetwork {
  readonly kind = 'proxy';
  readonly skipped: Readonly<Record<string, string>> = {};
  readonly #links: Links = new Links();
  readonly #placed: Map<string, Placed> = new Map();
  readonly #pids: Map<string, number> = new Map();

  private constructor(servers: readonly string[], ports: readonly number[]) {
    const findCaller = (from: number, to: number): string | null => callerOf(from, to, this.#pids);
    servers.forEach((name, index) => {
      const port = ports[2 * index]!;
      const proxy = new ServerProxy(name, ports[2 * index + 1]!, port, this.#links, findCaller);
      this.#placed.set(name, { port, proxy });
    });
  }

  static async create(servers: readonly string[]): Promise<ProxyNetwork> {
    return new ProxyNetwork(servers, await freePorts(2 * servers.length));
  }

  addressOf(server: string): ServerAddress {
    const { port, proxy } = this.#of(server);
    return { listen: `${HOST}:${port}`, advertised: `${HOST}:${proxy.port}` };
  }

  launcherOf(): readonly string[] {
    return [];
  }

  async open(server: string): Promise<void> {
    await this.#of(server).proxy.open();
  }

  onStarted(server: string, pid: number): void {
    this.#pids.set(server, pid);
  }

  onEnded(server: string): void {
    this.#of(server).proxy.close();
    this.#pids.delete(server);
  }

  cut(from: string, to: string): void {
    this.#links.between(from, to).cut();
  }

  delay(from: string, to: string, delayMs: number): void {
    this.#links.between(from, to).delayMs = delayMs;
  }

  reset(server: string): void {
    this.#of(server).proxy.reset();
  }

  healAll(): void {
    this.#links.healAll();
  }

  close(): void {
    for (const { proxy } of this.#placed.values()) {
      proxy.close();
      proxy.reset();
    }
  }

  #of(server: string): Placed {
    const placed = this.#placed.get(server);
    assert(placed !== undefined, 'a server of this network');
    return placed;
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  for (let attempt = 0; ports.size < count && attempt < 100 * count; attempt++) {
    const port = PORT_LOWEST + Math.floor(Math.random() * (PORT_HIGHEST - PORT_LOWEST));
    if (await isFree(port)) ports.add(port);
  }
  assert(ports.size === count, 'there are free ports');
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}
