/**
 * The cluster under test: one meta server and some replica servers, each a process of its own in a
 * folder of its own, on a network that can be cut; with a file system of its own where that is allowed.
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
import { join } from 'node:path';
import { assert } from '../src/base/assert.ts';
import { type DiskTrouble, FaultControl } from './fault-library.ts';
import { LoopDisk } from './loop-disk.ts';
import { type ChaosNetwork, cutBoth, type ServerAddress } from './network.ts';

export interface ClusterOptions {
  readonly folder: string;
  /** Holds `meta.js` and `replica.js`. */
  readonly programs: string;
  readonly replicas: number;
  readonly network: ChaosNetwork;
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
  readonly address: ServerAddress;
  child: ChildProcess | null = null;
  isPaused: boolean = false;
  /** It was told to end. */
  isEnding: boolean = false;
  /** Null without the library. */
  control: FaultControl | null = null;
  /** Null: it shares a file system with everybody. */
  disk: LoopDisk | null = null;
  /** Its disk fails or did until now: it may end, in doubt about what is on it. */
  mayEndUntilMs: number = 0;

  constructor(kind: 'meta' | 'replica', name: string, folder: string, address: ServerAddress) {
    this.kind = kind;
    this.name = name;
    this.folder = folder;
    this.address = address;
  }

  get dataFolder(): string {
    return join(this.diskFolder, 'data');
  }

  /** Where its file system is mounted, if it has one. */
  get diskFolder(): string {
    return join(this.folder, 'disk');
  }

  get readyPath(): string {
    return join(this.folder, 'ready');
  }

  get logPath(): string {
    return join(this.folder, 'server.log');
  }
}

export class ChaosCluster {
  readonly nodes: readonly ServerNode[];
  readonly meta: ServerNode;
  readonly replicas: readonly ServerNode[];
  readonly network: ChaosNetwork;
  /** Why full disks are not real; empty when they are. */
  readonly noDisks: string;
  /** When the meta server was last started or resumed. */
  metaAwakeSinceMs: number = 0;
  readonly #options: ClusterOptions;

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.network = options.network;
    this.nodes = serverNames(options.replicas).map((name, index) => {
      const kind = index === 0 ? 'meta' : 'replica';
      const address = options.network.addressOf(name);
      return new ServerNode(kind, name, join(options.folder, name), address);
    });
    this.meta = this.nodes[0]!;
    this.replicas = this.nodes.slice(1);
    this.noDisks = this.#mountDisks();
  }

  static async start(options: ClusterOptions): Promise<ChaosCluster> {
    const cluster = new ChaosCluster(options);
    await Promise.all(cluster.nodes.map((node) => cluster.startNode(node)));
    return cluster;
  }

  /** Resolves when it serves, or has failed to, which is reported. */
  async startNode(node: ServerNode): Promise<void> {
    assert(node.child === null, 'one process per server');
    if (node === this.meta) this.metaAwakeSinceMs = performance.now();
    this.#writeConfig(node);
    rmSync(node.readyPath, { force: true });
    await this.network.open(node.name);
    const log = openSync(node.logPath, 'a');
    const program = join(this.#options.programs, `${node.kind}.js`);
    const [command, ...rest] = [
      ...this.network.launcherOf(node.name),
      process.execPath,
      program,
      '--config',
      join(node.folder, 'config.toml'),
    ];
    const child = spawn(command!, rest, {
      // Of its own group, so that an interrupt from the keyboard reaches only us.
      detached: true,
      stdio: ['ignore', log, log],
      cwd: node.folder,
      env: this.#environmentOf(node),
    });
    closeSync(log);
    node.child = child;
    node.isEnding = false;
    node.isPaused = false;
    if (child.pid !== undefined) this.network.onStarted(node.name, child.pid);
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
    if (node === this.meta) this.metaAwakeSinceMs = performance.now();
    node.child?.kill('SIGCONT');
    node.isPaused = false;
  }

  /** Makes its disk or clock bad; `heal` makes them well. */
  trouble(node: ServerNode, trouble: DiskTrouble): void {
    const mayEnd = trouble.syncError !== undefined || trouble.writeError !== undefined;
    if (mayEnd) node.mayEndUntilMs = Number.POSITIVE_INFINITY;
    node.control?.set(trouble);
  }

  /** `heal` gives it room again. */
  fillDisk(node: ServerNode): void {
    if (node.disk === null) {
      this.trouble(node, { writeError: 'ENOSPC', syncError: 'ENOSPC' });
      return;
    }
    node.mayEndUntilMs = Number.POSITIVE_INFINITY;
    node.disk.fill();
  }

  cutBoth(one: string, other: string): void {
    cutBoth(this.network, one, other);
  }

  /** How many calls the library slowed or failed. */
  get diskHits(): number {
    return this.nodes.reduce((sum, { control }) => sum + (control?.hits ?? 0), 0);
  }

  /** Everything that was done to it is undone; what does not run is started. */
  async heal(): Promise<void> {
    this.network.healAll();
    for (const node of this.nodes) {
      if (node.isPaused) this.resume(node);
      node.control?.set({});
      node.disk?.clear();
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
      node.disk?.unmount();
    }
    this.network.close();
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
    this.network.onEnded(node.name);
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

  #mountDisks(): string {
    for (const node of this.replicas) {
      mkdirSync(node.folder, { recursive: true });
      const disk = LoopDisk.mount(join(node.folder, 'disk.image'), node.diskFolder);
      if (!(disk instanceof LoopDisk)) return disk.reason;
      node.disk = disk;
    }
    return '';
  }

  #environmentOf(node: ServerNode): NodeJS.ProcessEnv {
    const { library } = this.#options;
    if (library === null) return process.env;
    node.control ??= new FaultControl(library, join(node.folder, 'faults'));
    return { ...process.env, ...node.control.environment(node.dataFolder) };
  }

  #writeConfig(node: ServerNode): void {
    mkdirSync(node.folder, { recursive: true });
    const text = (value: string): string => JSON.stringify(value);
    const lines = [
      '[cluster]',
      'name = "chaos"',
      ...(node.kind === 'meta' ? [] : [`meta_servers = [${text(this.meta.address.advertised)}]`]),
      `[${node.kind}]`,
      `listen = ${text(node.address.listen)}`,
      `advertised = ${text(node.address.advertised)}`,
      `data_dir = ${text(node.dataFolder)}`,
      node.kind === 'meta' ? 'max_succssive_unstable_restart = 0' : 'durability = "fsync"',
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

export function serverNames(replicas: number): string[] {
  return Array.from({ length: replicas + 1 }, (_, index) => {
    return index === 0 ? 'meta1' : `replica${index}`;
  });
}
