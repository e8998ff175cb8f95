/**
 * A cluster of real processes to measure: made and driven through `./pegasus onebox`, in a
 * temporary folder on free ports.
 *
 *   await using onebox = await BenchOnebox.prepare();
 *   await onebox.start('os');
 *
 * At the end of the block the servers are gone and so is the folder; also when the benchmark is
 * told to end. What the processes cost is read from /proc, so the figures exist on Linux only.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Durability = 'os' | 'fsync';

export interface ServerProcess {
  readonly name: string;
  readonly address: string;
  readonly pid: number;
}

interface Report {
  readonly nodes: readonly ServerProcess[];
}

const LAUNCHER = fileURLToPath(new URL('../pegasus', import.meta.url));
const PORT_LOWEST = 12_000;
const PORT_HIGHEST = 31_000;
/** Of replica servers above the port base. */
const REPLICA_PORT_OFFSET = 200;
/** Of /proc: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_US = 10_000;

export class BenchOnebox implements AsyncDisposable {
  readonly dir: string;
  readonly meta: string;
  readonly #parent: string;
  readonly #portBase: number;
  readonly #onSignal = (): void => {
    spawnSync(LAUNCHER, ['onebox', 'clear', '--dir', this.dir]);
    rmSync(this.#parent, { recursive: true, force: true });
    process.exit(1);
  };
  #servers: readonly ServerProcess[] = [];

  private constructor(parent: string, portBase: number) {
    this.#parent = parent;
    this.dir = join(parent, 'cluster');
    this.#portBase = portBase;
    this.meta = `127.0.0.1:${portBase + 1}`;
    process.once('SIGINT', this.#onSignal).once('SIGTERM', this.#onSignal);
  }

  /** Folder and ports only; nothing runs yet. */
  static async prepare(folder: string = tmpdir()): Promise<BenchOnebox> {
    const portBase = await freePortBase();
    return new BenchOnebox(mkdtempSync(join(folder, 'pegasus-bench-')), portBase);
  }

  /** Starts what does not run; resolves when every partition is healthy. */
  async start(durability: Durability): Promise<void> {
    const settings = ['--port-base', `${this.#portBase}`, '--durability', durability];
    this.#servers = (await this.#onebox<Report>('start', ...settings)).nodes;
  }

  /** In order, as a user would. */
  async stop(): Promise<void> {
    await this.#onebox('stop');
  }

  /** All servers at once, without a warning. */
  async killAll(): Promise<void> {
    for (const { pid } of this.#servers) process.kill(pid, 'SIGKILL');
    while (this.#servers.some(({ pid }) => isRunning(pid))) await pause(5);
  }

  async clear(): Promise<void> {
    await this.#onebox('clear');
  }

  get servers(): readonly ServerProcess[] {
    return this.#servers;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.clear();
    rmSync(this.#parent, { recursive: true });
    process.off('SIGINT', this.#onSignal).off('SIGTERM', this.#onSignal);
  }

  async #onebox<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await output(['onebox', ...args, '--dir', this.dir, '--json'])) as T;
  }
}

/** Standard output of `./pegasus …`, which has to succeed. */
function output(args: readonly string[]): Promise<string> {
  const child = spawn(LAUNCHER, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`./pegasus ${args.join(' ')} ended with ${code}: ${text}`));
    });
  });
}

/** CPU time of a process so far, user and system, all threads. */
export function cpuUs(pid: number): number {
  const fields = statFields(pid);
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return line === null ? 0 : Number(line[1]) * 1024;
}

/** From the third field on; the second is the program's name and may hold anything. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

export function isRunning(pid: number): boolean {
  try {
    return statFields(pid)[0] !== 'Z';
  } catch {
    return false;
  }
}

export function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs);
  });
}

async function freePortBase(): Promise<number> {
  for (;;) {
    const base = PORT_LOWEST + Math.floor(Math.random() * (PORT_HIGHEST - PORT_LOWEST));
    const offsets = [1, REPLICA_PORT_OFFSET + 1, REPLICA_PORT_OFFSET + 2, REPLICA_PORT_OFFSET + 3];
    const free = await Promise.all(offsets.map((offset) => isPortFree(base + offset)));
    if (free.every(Boolean)) return base;
  }
}

function isPortFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
