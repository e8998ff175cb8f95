/**
 * A cluster of real processes for one test, made and driven through `./pegasus onebox`, in a
 * temporary folder on free ports.
 *
 *   await using onebox = await TestOnebox.start();
 *
 * At the end of the block the servers are gone and so is the folder; the same happens when the test
 * process is told to end. With PEGASUS_E2E_KEEP=1 the folders stay, logs and all.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect } from '../../src/bin/client.ts';
import {
  type Ended,
  endOneboxCommand,
  pegasus,
  pegasusJson,
  pegasusOutput,
  run,
  setUp,
} from './command.ts';
import { freePortBase } from './ports.ts';
import { until } from './until.ts';

export interface NodeReport {
  readonly name: string;
  readonly address: string;
  readonly state: 'running' | 'paused' | 'stopped';
  readonly pid: number;
}

export interface Report {
  readonly dir: string;
  readonly healthy: boolean;
  readonly metas: readonly string[];
  readonly leader: string | null;
  readonly nodes: readonly NodeReport[];
  readonly tables:
    | readonly { name: string; id: number; partitions: number; healthy: number }[]
    | null;
}

export interface OneboxOptions {
  readonly durability?: 'fsync' | 'os';
  /** Default 1. */
  readonly metas?: number;
  /** What more than one share. Default etcd. */
  readonly metaStore?: 'etcd' | 'zookeeper';
}

export type Fault = 'kill' | 'stop-node' | 'start-node' | 'pause' | 'resume';

/**
 * With room for the grace of a dead server, the delay before its copies are made anew, and a slow
 * machine.
 */
const HEALTHY_LIMIT_MS = 240_000;
const LOG_TAIL_LINES = 12;
const KEEP = process.env['PEGASUS_E2E_KEEP'] === '1';

export class TestOnebox implements AsyncDisposable {
  readonly dir: string;
  readonly portBase: number;
  /** All meta servers, as clients want them. */
  readonly meta: string;
  readonly #options: OneboxOptions;

  private constructor(dir: string, portBase: number, options: OneboxOptions) {
    this.dir = dir;
    this.portBase = portBase;
    const { metas = 1 } = options;
    const addresses = Array.from({ length: metas }, (_, at) => `127.0.0.1:${portBase + 1 + at}`);
    this.meta = addresses.join();
    this.#options = options;
  }

  /** A new one that is healthy. */
  static async start(options: OneboxOptions = {}): Promise<TestOnebox> {
    const onebox = await TestOnebox.prepare(options);
    try {
      await onebox.start();
      return onebox;
    } catch (error) {
      await onebox[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Folder and ports only; nothing runs yet. */
  static async prepare(options: OneboxOptions = {}): Promise<TestOnebox> {
    await setUp();
    const dir = join(mkdtempSync(join(tmpdir(), 'pegasus-e2e-')), 'cluster');
    const onebox = new TestOnebox(dir, await freePortBase(), options);
    clearAtExit(onebox.dir);
    return onebox;
  }

  /** Starts what does not run, and waits until all is healthy. */
  async start(): Promise<Report> {
    const { durability = 'fsync', metas = 1, metaStore = 'etcd' } = this.#options;
    const settings = ['--port-base', `${this.portBase}`, '--durability', durability];
    if (metas > 1) settings.push('--metas', `${metas}`, '--meta-store', metaStore);
    return await this.json('start', ...settings);
  }

  /** `./pegasus onebox … --dir … --json` */
  async json<T = Report>(...args: readonly string[]): Promise<T> {
    return await pegasusJson(['onebox', ...args, '--dir', this.dir, '--json']);
  }

  async status(): Promise<Report> {
    const { stdout } = await pegasus(['onebox', 'status', '--dir', this.dir, '--json']);
    return JSON.parse(stdout) as Report;
  }

  /** Does one thing to one server. */
  async act(
    fault: Fault,
    kind: 'meta' | 'replica' | 'etcd' | 'zookeeper',
    index: number,
  ): Promise<NodeReport> {
    return await this.json<NodeReport>(fault, kind, `${index}`);
  }

  /** One shell command on `temp`, however it ends. */
  async shell(...command: readonly string[]): Promise<Ended> {
    return await pegasus(['shell', '--meta', this.meta, '-t', 'temp', ...command]);
  }

  /** The document that a shell command on `temp` prints; it has to succeed. */
  async shellJson<T>(...command: readonly string[]): Promise<T> {
    return await pegasusJson(['shell', '--meta', this.meta, '-t', 'temp', '--json', ...command]);
  }

  async shellOutput(...command: readonly string[]): Promise<string> {
    return await pegasusOutput(['shell', '--meta', this.meta, '-t', 'temp', ...command]);
  }

  /** A client in this process. */
  async connect(): Promise<Client> {
    return await connect({ metas: this.meta });
  }

  /** Every partition has three members, unaided; answers how long it took. */
  async untilHealthy(limitMs: number = HEALTHY_LIMIT_MS): Promise<number> {
    const beganMs = performance.now();
    await using client = await this.connect();
    const isHealthy = async (): Promise<boolean> => {
      const nodes = await client.admin.listNodes();
      for (const { name } of await client.admin.listTables()) {
        const { partitions, replicaCount } = await client.admin.tableConfig(name);
        const isWhole = partitions.every(
          ({ primary, secondaries }) => primary !== null && secondaries.length + 1 === replicaCount,
        );
        if (!isWhole) return false;
      }
      return nodes.every(({ alive }) => alive);
    };
    try {
      await until('all partitions healthy', limitMs, isHealthy);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${await this.describe()}`, { cause: error });
    }
    return performance.now() - beganMs;
  }

  /** What a reader of a failed test wants to see. */
  async describe(): Promise<string> {
    const report = await this.status();
    const logs = report.nodes.map(({ name }) => {
      const lines = this.log(name).trimEnd().split('\n').slice(-LOG_TAIL_LINES);
      return [`--- ${name}`, ...lines].join('\n');
    });
    return [JSON.stringify(report), ...logs].join('\n');
  }

  log(name: string): string {
    const path = join(this.dir, name, 'log', `${name}.log`);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** Lines of all logs that tell of a bug: errors, and exceptions that nobody caught. */
  complaints(): string[] {
    const { metas = 1 } = this.#options;
    const names = Array.from({ length: metas }, (_, index) => `meta${index + 1}`);
    names.push('replica1', 'replica2', 'replica3');
    return names.flatMap((name) =>
      this.log(name)
        .split('\n')
        .filter((line) => line !== '' && !/^\{"level":"?(?:debug|info|warn)"?,/.test(line))
        .map((line) => `${name}: ${line}`),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (existsSync(this.dir)) {
      const { exitCode, stderr } = await run(...endOneboxCommand(this.dir, KEEP));
      if (exitCode !== 0) throw new Error(`the onebox could not be ended: ${stderr}`);
    }
    running.delete(this.dir);
    if (!KEEP) rmSync(join(this.dir, '..'), { recursive: true });
  }
}

/** Folders of clusters that may run. */
const running: Set<string> = new Set();

function clearAtExit(dir: string): void {
  if (running.size === 0 && process.listenerCount('SIGTERM') === 0) {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(1));
    process.on('exit', () => {
      for (const left of running) {
        spawnSync(...endOneboxCommand(left, KEEP));
        if (!KEEP) rmSync(join(left, '..'), { recursive: true, force: true });
      }
    });
  }
  running.add(dir);
}
