/** All planted bugs. */
import { UserError } from '../../src/base/user-error.ts';
import { CONFIGURATION_BUGS } from './configuration.ts';
import { LEARNING_BUGS } from './learning.ts';
import { LEASE_BUGS } from './leases.ts';
import { OPERATION_BUGS } from './operations.ts';
import type { PlantedBug } from './planted-bug.ts';
import { REPLICATION_BUGS } from './replication.ts';
import { STORAGE_BUGS } from './storage.ts';

export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...REPLICATION_BUGS,
  ...LEARNING_BUGS,
  ...LEASE_BUGS,
  ...STORAGE_BUGS,
  ...CONFIGURATION_BUGS,
  ...OPERATION_BUGS,
];

/** `all`, or names separated by commas. Throws `UserError` for a name that there is not. */
export function bugsNamed(names: string): readonly PlantedBug[] {
  if (names === 'all') return PLANTED_BUGS;
  return names.split(',').map((name) => {
    const bug = PLANTED_BUGS.find((one) => one.name === name);
    if (bug !== undefined) return bug;
    throw new UserError(`There is no planted bug '${name}'.`, 'See: ./pegasus sim --bug list');
  });
}
