/**
 * The cluster under test: one meta server and some replica servers, each a process of its own in a
 * folder of its own, behind a proxy that is its address.
 *
 * Only processes that were started here are ever signalled, by the handle of the child. A process
 * that ends without having been told to is reported; so is a start that fails.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { assert } from '../src/base/assert.ts';
import { callerOf } from './callers.ts';
import { type DiskTrouble, FaultControl } from './fault-library.ts';
import { Links } from './links.ts';
import { ServerProxy } from './proxy.ts';

export interface ClusterOptions {
  readonly folder: string;
  /** Holds `meta.js` and `replica.js`. */
  readonly programs: string;
  readonly replicas: number;
  /** Preloaded into the servers; null: their disks and clocks stay well. */
  readonly library: string | null;
  readonly onTrouble: (kind: 'crash' | 'start-failed', detail: string) => void;
}

const START_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 60_000;
/** So long after its disk is well again a server may still end because of what it saw. */
const REACTION_LIMIT_MS = 60_000;
const POLL_MS = 20;
const LOG_TAIL_LINES = 12;

export class ServerNode {
  readonly kind: 'meta' | 'replica';
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly proxy: ServerProxy;
  child: ChildProcess | null = null;
  isPaused: boolean = false;
  /** It was told to end. */
  isEnding: boolean = false;
  /** Null without the library. */
  control: FaultControl | null = null;
  /** Its disk fails or did until now: it may end, in doubt about what is on it. */
  mayEndUntilMs: number = 0;

  constructor(
    kind: 'meta' | 'replica',
    name: string,
    folder: string,
    port: number,
    proxy: ServerProxy,
  ) {
    this.kind = kind;
    this.name = name;
    this.folder = folder;
    this.port = port;
    this.proxy = proxy;
  }

  /** What others know it by. */
  get address(): string {
    return `127.0.0.1:${this.proxy.port}`;
  }

  get readyPath(): string {
    return join(this.folder, 'ready');
  }

  get logPath(): string {
    return join(this.folder, 'server.log');
  }
}

export class ChaosCluster {
  readonly links: Links = new Links();
  readonly nodes: readonly ServerNode[];
  readonly meta: ServerNode;
  readonly replicas: readonly ServerNode[];
  readonly #options: ClusterOptions;
  readonly #pids: Map<string, number> = new Map();

  private constructor(options: ClusterOptions, ports: readonly number[]) {
    this.#options = options;
    const findCaller = (from: number, to: number): string | null => callerOf(from, to, this.#pids);
    this.nodes = Array.from({ length: options.replicas + 1 }, (_, index) => {
      const kind = index === 0 ? 'meta' : 'replica';
      const name = index === 0 ? 'meta1' : `replica${index}`;
      const port = ports[2 * index]!;
      const proxy = new ServerProxy(name, ports[2 * index + 1]!, port, this.links, findCaller);
      return new ServerNode(kind, name, join(options.folder, name), port, proxy);
    });
    this.meta = this.nodes[0]!;
    this.replicas = this.nodes.slice(1);
  }

  static async start(options: ClusterOptions): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(options, await freePorts(2 * (options.replicas + 1)));
    await Promise.all(cluster.nodes.map((node) => cluster.startNode(node)));
    return cluster;
  }

  /** Resolves when it serves, or has failed to, which is reported. */
  async startNode(node: ServerNode): Promise<void> {
    assert(node.child === null, 'one process per server');
    this.#writeConfig(node);
    rmSync(node.readyPath, { force: true });
    await node.proxy.open();
    const log = openSync(node.logPath, 'a');
    const child = spawn(
      process.execPath,
      [
        join(this.#options.programs, `${node.kind}.js`),
        '--config',
        join(node.folder, 'config.toml'),
      ],
      // Of its own group, so that an interrupt from the keyboard reaches only us.
      {
        detached: true,
        stdio: ['ignore', log, log],
        cwd: node.folder,
        env: this.#environmentOf(node),
      },
    );
    closeSync(log);
    node.child = child;
    node.isEnding = false;
    node.isPaused = false;
    if (child.pid !== undefined) this.#pids.set(node.name, child.pid);
    child.once('error', (error) => this.#options.onTrouble('start-failed', error.message));
    child.once('exit', (code, signal) => this.#onExit(node, code, signal));
    await this.#untilServing(node, child);
  }

  kill(node: ServerNode): Promise<void> {
    return this.#end(node, 'SIGKILL');
  }

  /** In order; one that does not end within the limit is reported and killed. */
  async terminate(node: ServerNode): Promise<void> {
    const late = setTimeout(() => {
      const detail = `${node.name} did not end within ${STOP_LIMIT_MS / 1000} s of SIGTERM`;
      this.#options.onTrouble('crash', detail);
      node.child?.kill('SIGKILL');
    }, STOP_LIMIT_MS);
    await this.#end(node, 'SIGTERM');
    clearTimeout(late);
  }

  pause(node: ServerNode): void {
    node.isPaused = node.child?.kill('SIGSTOP') === true;
  }

  resume(node: ServerNode): void {
    node.child?.kill('SIGCONT');
    node.isPaused = false;
  }

  /** Makes its disk or clock bad; `heal` makes them well. */
  trouble(node: ServerNode, trouble: DiskTrouble): void {
    const mayEnd = trouble.syncError !== undefined || trouble.writeError !== undefined;
    if (mayEnd) node.mayEndUntilMs = Number.POSITIVE_INFINITY;
    node.control?.set(trouble);
  }

  /** How many calls the library slowed or failed. */
  get diskHits(): number {
    return this.nodes.reduce((sum, { control }) => sum + (control?.hits ?? 0), 0);
  }

  /** Everything that was done to it is undone; what does not run is started. */
  async heal(): Promise<void> {
    this.links.healAll();
    for (const node of this.nodes) {
      if (node.isPaused) this.resume(node);
      node.control?.set({});
      node.mayEndUntilMs = Math.min(node.mayEndUntilMs, performance.now() + REACTION_LIMIT_MS);
    }
    await this.startEnded();
  }

  /** A server whose disk failed may end long after. */
  async startEnded(): Promise<void> {
    const stopped = this.nodes.filter((node) => node.child === null);
    await Promise.all(stopped.map((node) => this.startNode(node)));
  }

  /** At once and without a wait: also for the end of this process. */
  killAll(): void {
    for (const node of this.nodes) {
      node.isEnding = true;
      node.child?.kill('SIGKILL');
      node.proxy.close();
      node.proxy.reset();
    }
  }

  async #end(node: ServerNode, signal: NodeJS.Signals): Promise<void> {
    const { child } = node;
    if (child === null) return;
    node.isEnding = true;
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
    });
    child.kill(signal);
    await ended;
  }

  #onExit(node: ServerNode, code: number | null, signal: string | null): void {
    node.child = null;
    node.proxy.close();
    this.#pids.delete(node.name);
    if (node.isEnding || performance.now() < node.mayEndUntilMs) return;
    const detail = `${node.name} ended (${signal ?? `exit code ${code}`}): ${logTail(node)}`;
    this.#options.onTrouble('crash', detail);
  }

  async #untilServing(node: ServerNode, child: ChildProcess): Promise<void> {
    const untilMs = performance.now() + START_LIMIT_MS;
    while (node.child === child && !existsSync(node.readyPath) && !node.isEnding) {
      if (performance.now() > untilMs && !node.isPaused) {
        this.#options.onTrouble('start-failed', `${node.name} does not serve: ${logTail(node)}`);
        return;
      }
      await pauseMs(POLL_MS);
    }
  }

  #environmentOf(node: ServerNode): NodeJS.ProcessEnv {
    const { library } = this.#options;
    if (library === null) return process.env;
    node.control ??= new FaultControl(library, join(node.folder, 'faults'));
    return { ...process.env, ...node.control.environment(join(node.folder, 'data')) };
  }

  #writeConfig(node: ServerNode): void {
    mkdirSync(node.folder, { recursive: true });
    const text = (value: string): string => JSON.stringify(value);
    const lines = [
      '[cluster]',
      'name = "chaos"',
      ...(node.kind === 'meta' ? [] : [`meta_servers = [${text(this.meta.address)}]`]),
      `[${node.kind}]`,
      `listen = ${text(`127.0.0.1:${node.port}`)}`,
      `advertised = ${text(node.address)}`,
      `data_dir = ${text(join(node.folder, 'data'))}`,
      ...(node.kind === 'meta' ? [] : ['durability = "fsync"']),
      '[process]',
      `ready_file = ${text(node.readyPath)}`,
    ];
    writeFileSync(join(node.folder, 'config.toml'), `${lines.join('\n')}\n`);
  }
}

export function pauseMs(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs);
  });
}

function logTail(node: ServerNode): string {
  const text = existsSync(node.logPath) ? readFileSync(node.logPath, 'utf8') : '';
  return text.trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
}

/** Below those that the system gives to outgoing connections, which would take them at a restart. */
const PORT_LOWEST = 12_000;
const PORT_HIGHEST = 31_000;

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
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
