/**
 * The write floor (`mutation_2pc_min_replica_count`): the fewest members with which a partition takes writes.
 *
 * It holds twice: a write is refused while there are fewer members, and what was taken up while there were enough is
 * committed, and so answered, only when there are enough (again). Else a write could be acknowledged with a single
 * copy, and the loss of that copy would undo it. What a primary has inherited is committed all the same: its
 * predecessor may have answered it, and nobody is answered for it now.
 */
import { assertAtLeast } from '../base/assert.ts';

/** `minReplicaCount` 0 = as the original: one of up to two wanted replicas, else a majority. */
export function writeFloor(minReplicaCount: number, maxReplicaCount: number): number {
  assertAtLeast(minReplicaCount, 0, 'the write floor');
  if (minReplicaCount > 0) return Math.min(minReplicaCount, maxReplicaCount);
  return maxReplicaCount <= 2 ? 1 : Math.floor(maxReplicaCount / 2) + 1;
}
