/** The version of this package, as its package.json says. */
import { readFileSync } from 'node:fs';
import { UserError } from '../base/user-error.ts';

/** The compiled file lies two folders deeper than the source. */
export function packageVersion(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), 'utf8');
      return (JSON.parse(text) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  throw new UserError('package.json is missing.', 'Clone the repository again.');
}
