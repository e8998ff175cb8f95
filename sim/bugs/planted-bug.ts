/**
 * A planted bug: a classic fault of this kind of system as a small change of the sources, made in a
 * copy of them before the simulator runs. Production code knows nothing of it.
 *
 * What is to be found must be there exactly once, white space aside, in the TypeScript and in the
 * JavaScript made of it: so it holds no types. A refactoring that moves the code disarms no bug
 * silently, because a test looks for all of them.
 */
import { UserError } from '../../src/base/user-error.ts';

export interface SourceEdit {
  /** Below the root of the project, with the extension `.ts`. */
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
}

export class PlantingError extends UserError {
  override readonly name: string = 'PlantingError';
}

/** The text with the edit made. Throws `PlantingError` unless it fits exactly once. */
export function applyEdit(text: string, edit: SourceEdit, bugName: string): string {
  const places = [...text.matchAll(patternOf(edit.find))];
  const place = places[0];
  if (place === undefined || places.length > 1) {
    throw new PlantingError(
      `The bug '${bugName}' fits ${places.length} times into ${edit.file}, not once: ${edit.find}`,
      'Adapt its edits in sim/bugs/ to the present sources.',
    );
  }
  const end = place.index + place[0].length;
  return text.slice(0, place.index) + edit.replace + text.slice(end);
}

/** White space in what is to be found stands for any amount of it, also for none. */
function patternOf(find: string): RegExp {
  const words = find.trim().split(/\s+/);
  return new RegExp(words.map((word) => word.replace(/[^\w]/g, '\\$&')).join('\\s*'), 'g');
}
