/**
 * The server processes of a onebox: separate, detached, and known again by process id *and* start
 * time, so that only what onebox started is ever signalled.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processStart } from '../../adapters/node/process-start.ts';
import { UserError } from '../../base/user-error.ts';
import {
  configPath,
  isStore,
  logPath,
  type Onebox,
  type OneboxNode,
  readyPath,
  writeConfig,
} from './cluster.ts';
import { storeCommand, storeServes } from './store.ts';

export type NodeState = 'running' | 'paused' | 'stopped';

interface ProcessRecord {
  readonly pid: number;
  /** Opaque. */
  readonly started: string;
}

export interface StartedNode {
  readonly node: OneboxNode;
  readonly pid: number;
  /** Rejects with the end of the log when the process ends; never resolves. */
  readonly died: Promise<never>;
}

/** A longer log is set aside at the start of the server. */
const LOG_BYTES_MAX = 16 * 1024 * 1024;
const LOG_TAIL_LINES = 20;
const POLL_MS = 20;

/** Starts the server; the caller has seen that it does not run. */
export function startNode(onebox: Onebox, node: OneboxNode): StartedNode {
  writeConfig(onebox, node);
  rmSync(readyPath(node), { force: true });
  const log = logPath(node);
  if (existsSync(log) && statSync(log).size > LOG_BYTES_MAX) renameSync(log, `${log}.old`);
  const { program, args } = isStore(node.kind) ? storeCommand(node) : ownCommand(node);
  const descriptor = openSync(log, 'a');
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', descriptor, descriptor],
    cwd: node.folder,
  });
  closeSync(descriptor);
  const died = new Promise<never>((_, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(new UserError(diedText(node, code, signal), logTail(node)));
    });
  });
  // It counts only while somebody waits for the server.
  died.catch(() => undefined);
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new UserError(`${node.name} could not be started.`, logTail(node));
  const record: ProcessRecord = { pid, started: processStart(pid) };
  writeFileSync(recordPath(node), `${JSON.stringify(record)}\n`);
  return { node, pid, died };
}

function ownCommand(node: OneboxNode): {
  readonly program: string;
  readonly args: readonly string[];
} {
  const program = fileURLToPath(new URL(`../${node.kind}.js`, import.meta.url));
  const args = ['--enable-source-maps', program, '--config', configPath(node)];
  return { program: process.execPath, args };
}

/** Resolves when the server serves; rejects when it ends or does not within the limit. */
export async function untilServing({ node, died }: StartedNode, limitMs: number): Promise<void> {
  let ended = false;
  const ends = died.finally(() => {
    ended = true;
  });
  const serves = async (): Promise<void> => {
    const untilMs = performance.now() + limitMs;
    while (!(await isReady(node)) && !ended) {
      if (performance.now() > untilMs) {
        const message = `${node.name} does not serve after ${limitMs / 1_000} s.`;
        throw new UserError(message, logTail(node));
      }
      await pauseMs(POLL_MS);
    }
  };
  await Promise.race([ends, serves().then(() => (ended ? ends : undefined))]);
}

async function isReady(node: OneboxNode): Promise<boolean> {
  return isStore(node.kind) ? await storeServes(node) : existsSync(readyPath(node));
}

/** Process id and state; pid 0 when it does not run. */
export function nodeState(node: OneboxNode): { readonly pid: number; readonly state: NodeState } {
  const record = readRecord(node);
  if (record === null || !isAlive(record)) return { pid: 0, state: 'stopped' };
  return { pid: record.pid, state: isStopped(record.pid) ? 'paused' : 'running' };
}

/** Sends a signal; false if the process does not run. */
export function signalNode(node: OneboxNode, signal: NodeJS.Signals): boolean {
  const { pid } = nodeState(node);
  if (pid === 0) return false;
  process.kill(pid, signal);
  return true;
}

/**
 * Ends the server and waits until its process is gone: asked first, and after `limitMs` made to.
 * Answers how it went.
 */
export async function endNode(
  node: OneboxNode,
  limitMs: number,
): Promise<'ended' | 'killed' | 'not running'> {
  if (!signalNode(node, 'SIGTERM')) return 'not running';
  signalNode(node, 'SIGCONT');
  if (await isGone(node, limitMs)) return 'ended';
  await killNode(node);
  return 'killed';
}

export async function killNode(node: OneboxNode): Promise<boolean> {
  if (!signalNode(node, 'SIGKILL')) return false;
  await isGone(node, Number.POSITIVE_INFINITY);
  return true;
}

async function isGone(node: OneboxNode, limitMs: number): Promise<boolean> {
  const untilMs = performance.now() + limitMs;
  while (nodeState(node).state !== 'stopped') {
    if (performance.now() > untilMs) return false;
    await pauseMs(POLL_MS);
  }
  rmSync(recordPath(node), { force: true });
  return true;
}

/** Stays pending once the signal is aborted. */
export async function untilOneIsGone(
  nodes: readonly OneboxNode[],
  signal: AbortSignal,
): Promise<void> {
  while (nodes.every((node) => nodeState(node).state !== 'stopped')) {
    await pauseMs(POLL_MS);
    if (signal.aborted) return await new Promise(() => undefined);
  }
}

/** Other processes tell nobody but their parent that they have ended. */
export function pauseMs(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs);
  });
}

export function logTail(node: OneboxNode): string {
  const path = logPath(node);
  const text = existsSync(path) ? readFileSync(path, 'utf8').trimEnd() : '';
  const lines = text.split('\n').slice(-LOG_TAIL_LINES);
  return [`The end of ${path}:`, ...lines.map((line) => `    ${line}`)].join('\n');
}

function diedText(node: OneboxNode, code: number | null, signal: string | null): string {
  return `${node.name} ended at start (${signal ?? `exit code ${code}`}).`;
}

function recordPath(node: OneboxNode): string {
  return join(node.folder, 'process.json');
}

function readRecord(node: OneboxNode): ProcessRecord | null {
  const path = recordPath(node);
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ProcessRecord;
  } catch {
    // Cut off in the middle of being written, so nobody was told of that process.
    return null;
  }
}

function isAlive(record: ProcessRecord): boolean {
  const started = processStart(record.pid);
  return started !== '' && started === record.started;
}

function isStopped(pid: number): boolean {
  return processState(pid) === 'T';
}

/** The letter of /proc/<pid>/stat; empty if there is no such process. */
function processState(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.charAt(stat.lastIndexOf(')') + 2);
  } catch {
    return '';
  }
}
