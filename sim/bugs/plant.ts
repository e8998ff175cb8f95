/**
 * Makes a copy of the program with a planted bug in it. The copy lies below `.cache` of the project,
 * so that packages are found from there. It is of whatever runs now: `dist`, or the sources.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { applyBug, type PlantedBug } from './planted-bug.ts';

const HERE = fileURLToPath(import.meta.url);
const EXTENSION = extname(HERE);
/** The folder that holds `src` and `sim`, as they run now. */
const PROGRAM_ROOT = join(dirname(HERE), '..', '..');
const SIMULATOR = 'src/bin/sim';

export interface PlantedProgram {
  /** To be forked with `--worker`. */
  readonly workerPath: string;
  remove(): void;
}

/** Throws `PlantingError` when an edit does not fit. */
export function plantBug(bug: PlantedBug): PlantedProgram {
  const cache = join(projectRoot(), '.cache');
  mkdirSync(cache, { recursive: true });
  const root = mkdtempSync(join(cache, `bug-${bug.name}-`));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  try {
    for (const folder of ['src', 'sim']) {
      cpSync(join(PROGRAM_ROOT, folder), join(root, folder), { recursive: true, filter: isNeeded });
    }
    applyBug(root, bug, EXTENSION);
  } catch (error) {
    remove();
    throw error;
  }
  return { workerPath: join(root, SIMULATOR + EXTENSION), remove };
}

/** The folder above with `package.json`. */
function projectRoot(): string {
  let folder = PROGRAM_ROOT;
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (relative(above, folder) === '') throw new Error('no package.json above the simulator');
    folder = above;
  }
  return folder;
}

function isNeeded(path: string): boolean {
  return !path.endsWith('.d.ts') && !path.endsWith('.map') && !/\.test\.[jt]s$/.test(path);
}
