/** Names under which a replica keeps parts of the shared log. */
import { assert } from '../base/assert.ts';

/** Above its durable decree. */
export const LOG_HOLDER = 'durable';

/** What a learner still has to get. */
export function learnerHolder(learnId: number): string {
  assert(learnId > 0, 'learn ids are positive');
  return `learner.${learnId}`;
}
