/**
 * V18: when all is healed, every server is of full use again, also one that nobody needs at the moment: it runs, holds
 * a lease, its log takes writes, and none of its copies is in the way of a new one. A cluster is healthy without such
 * a server until the next one dies.
 *
 * Excused is what only a start of the server mends: a log that has failed while it holds something of a table that was
 * dropped and may be recalled. Whose last good copy that is nobody can tell (replica/log-keeper.ts).
 */
import type { LogCondition } from '../../src/replica/log-keeper.ts';

export interface ServerCondition {
  readonly hasLease: boolean;
  readonly log: LogCondition;
  /** Partitions whose copy cannot be used, with the reason. */
  readonly failures: readonly { readonly partition: string; readonly reason: string }[];
}

/** What keeps the server from being of use. Null for a server that does not run. */
export function lameness(
  condition: ServerCondition | null,
  isServed: (partition: string) => boolean,
): string[] {
  if (condition === null) return ['it does not run'];
  const { hasLease, log, failures } = condition;
  const found: string[] = [];
  if (!hasLease) found.push('it has no lease');
  for (const { partition, reason } of failures) {
    if (isServed(partition)) found.push(`its copy of ${partition} has failed: ${reason}`);
  }
  const isHeld = failures.some(({ partition }) => !isServed(partition));
  if (log !== 'ok' && !(log === 'failed' && isHeld)) found.push(`its log is ${log}`);
  return found;
}
