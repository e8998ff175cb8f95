/**
 * A Python with packages of PyPI, in a virtual environment under `.cache/interop` that is made once
 * per list of requirements.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Ended, ROOT, run } from '../support/command.ts';

const INSTALL_LIMIT_MS = 600_000;
const WORDS_SHOWN = 300;

/** The path of the interpreter, or what is missing. */
export async function pythonWith(
  requirements: string,
): Promise<string | { readonly missing: string }> {
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex');
  const folder = join(ROOT, '.cache', 'interop', `python-${digest.slice(0, 16)}`);
  const python = join(folder, 'bin', 'python');
  const stamp = join(folder, 'installed');
  if (existsSync(stamp)) return python;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const steps: readonly (readonly [program: string, args: readonly string[]])[] = [
    ['python3', ['-m', 'venv', folder]],
    [python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]],
  ];
  for (const [program, args] of steps) {
    const ended = await tryRun(program, args);
    if (ended?.exitCode === 0) continue;
    const words = ended === null ? 'it is not there' : ended.stderr.trim().slice(-WORDS_SHOWN);
    return { missing: `${program} ${args.join(' ')}: ${words}` };
  }
  writeFileSync(stamp, '');
  return python;
}

/** Null when there is no such program. */
async function tryRun(program: string, args: readonly string[]): Promise<Ended | null> {
  try {
    return await run(program, args, { limitMs: INSTALL_LIMIT_MS });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
