/** What every report of a benchmark begins with, and the arithmetic that they share. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';

export interface Machine {
  readonly date: string;
  /** Of the sources; `+` when something is not committed. */
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** Runnable processes in the minute before: above zero, others were at work, and the figures are worse for it. */
  readonly loadBefore: number;
}

export function machine(): Machine {
  const all = cpus();
  return {
    date: new Date().toISOString(),
    commit: commit(),
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGiB: rounded(totalmem() / 2 ** 30, 1),
    kernel: release(),
    node: process.version,
    loadBefore: rounded(loadavg()[0]!, 1),
  };
}

function commit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim();
  try {
    const changes = git('status', '--porcelain', '--untracked-files=no');
    return `${git('rev-parse', '--short', 'HEAD')}${changes === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** Progress, for whoever waits; the report itself goes to standard output. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function mebibytes(bytes: number): number {
  return rounded(bytes / 2 ** 20, 1);
}
