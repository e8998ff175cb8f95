/**
 * Whose history is wrong? Digests are chained, so one that differs at a committed decree means two histories, by rot,
 * by a bug, or by a disk that lied. It must not happen; if it does, nothing may be spread or thrown away on one
 * replica's word.
 *
 * A follower that finds it stops following, keeps its files and goes on telling its primary (`DIVERGED` in its
 * `GroupCheckAck`); it fails only when it is removed for it. The primary decides:
 *
 *  1. Against two or more secondaries, and no secondary that agrees with it, the primary is the odd one: it fails
 *     itself, and one of them, none of which has failed, leads.
 *  2. When all others agree with it, or there is no other, the one that differs is removed. (One against one: the
 *     primary's is the history that clients have seen.) It fails, and its copy goes to the trash before it learns.
 *  3. Others are asked at once, and waited for as long as for an acknowledgement: who stays silent is removed for that.
 *     So nobody is removed as the odd one before it is known who agrees with whom.
 */
import type { NodeId } from '../model/identity.ts';
import type { GroupCheckAck } from '../wire/generated/internal.ts';
import { DIGEST_NONE } from './mutation.ts';
import type { PrepareList } from './prepare-list.ts';

/** How the failure in a `GroupCheckAck` begins that tells of another history, not of a broken replica. */
export const DIVERGED = 'diverged';

/**
 * `other`: it says so, or its digest at what it has committed shows it. `unknown`: it has failed otherwise, the digest
 * is not in memory any more, or none was sent (by an older version).
 */
export function comparedHistory(
  message: GroupCheckAck,
  list: PrepareList,
): 'same' | 'other' | 'unknown' {
  if (message.failure.startsWith(DIVERGED)) return 'other';
  const own = list.digestAt(message.lastCommittedDecree);
  if (message.failure !== '' || message.digest === DIGEST_NONE || own === null) return 'unknown';
  return own === message.digest ? 'same' : 'other';
}

/** `wait` for others; `primary` is the odd one; else the node to be removed. */
export type DivergenceVerdict =
  | { readonly kind: 'none' | 'wait' | 'primary' }
  | { readonly kind: 'remove'; readonly node: NodeId };

const NONE: DivergenceVerdict = { kind: 'none' };
const WAIT: DivergenceVerdict = { kind: 'wait' };
const PRIMARY: DivergenceVerdict = { kind: 'primary' };

/** What a primary has heard under its ballot. */
export class DivergenceCourt {
  private readonly patienceMs: number;
  private readonly diverged = new Set<NodeId>();
  /** When each was last seen to have the same history. */
  private readonly agreedAtMs = new Map<NodeId, number>();
  private sinceMs = Number.NaN;

  constructor(patienceMs: number) {
    this.patienceMs = patienceMs;
  }

  /** Returns whether this is the first to differ: the others should be asked. */
  onDiverged(node: NodeId, nowMs: number): boolean {
    this.diverged.add(node);
    this.agreedAtMs.delete(node);
    if (!Number.isNaN(this.sinceMs)) return false;
    this.sinceMs = nowMs;
    return true;
  }

  onAgreed(node: NodeId, nowMs: number): void {
    if (!this.diverged.has(node)) this.agreedAtMs.set(node, nowMs);
  }

  verdict(secondaries: readonly NodeId[], nowMs: number): DivergenceVerdict {
    const odd = secondaries.filter((node) => this.diverged.has(node));
    const first = odd[0];
    if (first === undefined) return NONE;
    if (odd.length >= 2 && odd.length === secondaries.length) return PRIMARY;
    const hasAllSpoken = secondaries.every(
      (node) => this.diverged.has(node) || (this.agreedAtMs.get(node) ?? -1) >= this.sinceMs,
    );
    if (!hasAllSpoken && nowMs - this.sinceMs < this.patienceMs) return WAIT;
    return { kind: 'remove', node: first };
  }
}
