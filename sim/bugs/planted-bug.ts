/**
 * A planted bug: a classic fault of this kind of system as a small change of the sources, made in a
 * copy of them before the simulator runs. Production code knows nothing of it.
 *
 * What is to be found must be there exactly once, white space aside, in the TypeScript and in the
 * JavaScript made of it: so it holds no types. A refactoring that moves the code disarms no bug
 * silently, because a test looks for all of them.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../src/base/user-error.ts';
import type { FaultName } from '../nemesis/faults.ts';

export interface SourceEdit {
  /** Below the root of the project: a file `….ts`, or a folder in which one file fits. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

export interface PlantedBug {
  readonly name: string;
  /** What the changed code does. */
  readonly what: string;
  /** What a user would suffer. */
  readonly consequence: string;
  readonly edits: readonly SourceEdit[];
  /** Faults in whose company it does harm. Left out: it needs no certain ones. */
  readonly about?: readonly FaultName[];
}

export class PlantingError extends UserError {
  override readonly name: string = 'PlantingError';
}

/**
 * Changes the program whose `src` and `sim` lie in `root`; answers with the paths of the files that
 * are other now. Throws `PlantingError` unless each edit fits exactly once.
 */
export function applyBug(root: string, bug: PlantedBug, extension: string): string[] {
  const changed = new Set<string>();
  for (const edit of bug.edits) {
    const path = findPlace(root, edit, bug.name, extension);
    writeFileSync(path, applyEdit(readFileSync(path, 'utf8'), edit, bug.name));
    changed.add(path);
  }
  return [...changed];
}

/** The text with the edit made. Throws `PlantingError` unless it fits exactly once. */
export function applyEdit(text: string, edit: SourceEdit, bugName: string): string {
  const places = [...text.matchAll(patternOf(edit.find))];
  const place = places[0];
  if (place === undefined || places.length > 1) throw misfit(edit, bugName, places.length);
  const end = place.index + place[0].length;
  return text.slice(0, place.index) + edit.replace + text.slice(end);
}

function findPlace(root: string, edit: SourceEdit, bugName: string, extension: string): string {
  if (edit.file.endsWith('.ts')) return join(root, edit.file.replace(/\.ts$/, extension));
  const pattern = patternOf(edit.find);
  const fitting = readdirSync(join(root, edit.file))
    .filter((name) => name.endsWith(extension) && !name.includes('.test.'))
    .map((name) => join(root, edit.file, name))
    .filter((path) => readFileSync(path, 'utf8').search(pattern) >= 0);
  const path = fitting[0];
  if (path === undefined || fitting.length > 1) throw misfit(edit, bugName, fitting.length);
  return path;
}

function misfit(edit: SourceEdit, bugName: string, count: number): PlantingError {
  return new PlantingError(
    `The bug '${bugName}' fits ${count} times into ${edit.file}, not once: ${edit.find}`,
    'Adapt its edits in sim/bugs/ to the present sources.',
  );
}

/** White space in what is to be found stands for any amount of it, also for none. */
function patternOf(find: string): RegExp {
  const words = find.trim().split(/\s+/);
  return new RegExp(words.map((word) => word.replace(/[^\w]/g, '\\$&')).join('\\s*'), 'g');
}
