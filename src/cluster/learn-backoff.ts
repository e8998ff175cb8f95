/**
 * Which nodes a partition does not ask to learn for a while, because it went wrong with them lately.
 *
 * Two servers that cannot reach each other, though both reach the meta server, would make ballots climb for ever: the
 * primary has the other one removed, the meta server asks it to learn again, it is removed again. So each removal in
 * a row makes the wait four times as long, up to `learnRetryDelayMs`; one that was removed for being slow begins with
 * a longer wait, and one that failed to learn waits for the longest time at once. A member that has stayed for that
 * long is forgiven, and so is who was not heard of for three times as long. Hence a pair that fails for ever costs at
 * most two ballots per `learnRetryDelayMs`, once the first quarter of a minute is over, and after the trouble has
 * ended a node is asked again within `learnRetryDelayMs`.
 *
 * A partition that cannot take writes without its lost members has no time for that: it waits no longer than
 * `urgentReplacementDelayMs` for anybody.
 */
import { assert } from '../base/assert.ts';
import type { NodeId } from '../model/identity.ts';
import type { ClusterSettings } from './settings.ts';

const GROWTH = 4;
/** From here on the wait is the longest anyway. */
const COUNT_MAX = 16;
const SLOW_COUNT = 3;
/** A node is troubled when one new attempt has failed as well: others are preferred to it. */
const TROUBLED_COUNT = 2;
const FORGOTTEN_AFTER = 3;

interface Trouble {
  /** In a row. */
  readonly count: number;
  readonly atMs: number;
  readonly untilMs: number;
  /** When it became a member since; infinite while it is none. */
  joinedAtMs: number;
}

export class LearnBackoff {
  readonly #troubles = new Map<NodeId, Trouble>();

  /** Its primary has asked for its removal, as a member or as a learner. Returns how often in a row. */
  onRemoved(settings: ClusterSettings, node: NodeId, isSlow: boolean, nowMs: number): number {
    const { beaconIntervalMs, learnRetryDelayMs } = settings;
    const before = this.#countOf(settings, node, nowMs);
    const count = Math.min(Math.max(before + 1, isSlow ? SLOW_COUNT : 1), COUNT_MAX);
    const delayMs = Math.min(beaconIntervalMs * GROWTH ** (count - 1), learnRetryDelayMs);
    this.#note(node, count, nowMs, delayMs);
    return count;
  }

  /** It has failed to learn. */
  onGivenUp(settings: ClusterSettings, node: NodeId, nowMs: number): void {
    const count = Math.min(this.#countOf(settings, node, nowMs) + 1, COUNT_MAX);
    this.#note(node, count, nowMs, settings.learnRetryDelayMs);
  }

  onJoined(node: NodeId, nowMs: number): void {
    const trouble = this.#troubles.get(node);
    if (trouble !== undefined) trouble.joinedAtMs = nowMs;
  }

  /** `isUrgent`: the partition cannot take writes as it is. */
  isAvoided(settings: ClusterSettings, node: NodeId, isUrgent: boolean, nowMs: number): boolean {
    const trouble = this.#troubles.get(node);
    if (trouble === undefined || nowMs >= trouble.untilMs) return false;
    return !isUrgent || nowMs - trouble.atMs < settings.urgentReplacementDelayMs;
  }

  /** Its primary has had it removed, and it has not come back since. */
  wasRemoved(node: NodeId): boolean {
    return this.#troubles.get(node)?.joinedAtMs === Number.POSITIVE_INFINITY;
  }

  /** It went wrong with this node more than once lately. */
  isTroubled(settings: ClusterSettings, node: NodeId, nowMs: number): boolean {
    return this.#countOf(settings, node, nowMs) >= TROUBLED_COUNT;
  }

  #countOf(settings: ClusterSettings, node: NodeId, nowMs: number): number {
    const trouble = this.#troubles.get(node);
    if (trouble === undefined) return 0;
    const { learnRetryDelayMs } = settings;
    const hasStayed = nowMs - trouble.joinedAtMs >= learnRetryDelayMs;
    const isOld = nowMs - trouble.atMs >= FORGOTTEN_AFTER * learnRetryDelayMs;
    return hasStayed || isOld ? 0 : trouble.count;
  }

  #note(node: NodeId, count: number, nowMs: number, delayMs: number): void {
    assert(count >= 1, 'trouble is counted');
    const untilMs = nowMs + delayMs;
    this.#troubles.set(node, { count, atMs: nowMs, untilMs, joinedAtMs: Number.POSITIVE_INFINITY });
  }
}
