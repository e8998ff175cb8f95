/** Runs the launcher and other programs as a user does, and says how they ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));
export const LAUNCHER: string = fileURLToPath(new URL('../../pegasus', import.meta.url));

export interface Ended {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

export interface CommandOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** The command is killed after it, and that is an error. */
  readonly limitMs?: number;
  /** Of the user that runs it; only root may choose. */
  readonly uid?: number;
}

/** A program that runs; its output is kept. */
export class Command {
  readonly line: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';

  constructor(program: string, args: readonly string[], options: CommandOptions = {}) {
    this.line = [program, ...args].join(' ').slice(0, 300);
    const beganMs = performance.now();
    this.child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.uid === undefined ? {} : { uid: options.uid }),
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (exitCode, signal) => {
        const tookMs = performance.now() - beganMs;
        resolve({ exitCode, signal, stdout: this.#stdout, stderr: this.#stderr, tookMs });
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }
}

/** For what hangs: nothing is judged by how long it took on a busy machine. */
const LIMIT_MS = 300_000;

/** Runs a program to its end. */
export async function run(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Ended> {
  const limitMs = options.limitMs ?? LIMIT_MS;
  const command = new Command(program, args, options);
  const timer = setTimeout(() => command.child.kill('SIGKILL'), limitMs);
  const ended = await command.ended;
  clearTimeout(timer);
  if (ended.signal === 'SIGKILL' && ended.tookMs >= limitMs) {
    throw new Error(`${command.line} did not end within ${limitMs} ms:\n${ended.stderr}`);
  }
  return ended;
}

const BUILD_LIMIT_MS = 600_000;

/**
 * Lets the launcher set up what is missing or older than its sources, so that no test waits for a
 * compiler unawares.
 */
export async function setUp(): Promise<void> {
  const { exitCode, stderr } = await run(LAUNCHER, ['meta', '--help'], { limitMs: BUILD_LIMIT_MS });
  if (exitCode !== 0) throw new Error(`the launcher cannot set up: ${stderr}`);
}

/** `./pegasus …` to its end, however it ends. */
export async function pegasus(args: readonly string[], options?: CommandOptions): Promise<Ended> {
  return await run(LAUNCHER, args, options);
}

/** `./pegasus …` that has to succeed; answers with its standard output. */
export async function pegasusOutput(args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await pegasus(args);
  if (exitCode === 0) return stdout;
  const line = `./pegasus ${args.join(' ')}`;
  throw new Error(`${line} ended with ${exitCode}:\n${stdout}${stderr}`);
}

/** `./pegasus … --json` that has to succeed; its standard output is one document. */
export async function pegasusJson<T>(args: readonly string[]): Promise<T> {
  return JSON.parse(await pegasusOutput(args)) as T;
}

/**
 * Ends the servers of a onebox, and removes its folder unless `keep`. Not by the launcher: no
 * edited source may keep a test from cleaning up.
 */
export function endOneboxCommand(
  dir: string,
  keep: boolean,
): readonly [program: string, args: readonly string[]] {
  const program = fileURLToPath(new URL('../../dist/src/bin/onebox.js', import.meta.url));
  return [process.execPath, [program, keep ? 'stop' : 'clear', '--dir', dir]];
}
