/**
 * Finds the member that holds all others up: every write waits for every member, so one gray disk sets the pace of
 * each partition on it.
 *
 * A member is slow whose lag is above `slowFactor` times the (upper) median of the others', and above a minimum, for
 * `slowAfterMs` without a break. The primary counts among the others with the time of its own log, and can be the
 * slow one itself. So of three members one is slow only compared with both others.
 *
 * It is named at most once per pause, which doubles with each time: a slow server costs a bounded number of ballots.
 * This outlives ballots and roles. What is done about it, and whether the write floor allows it, is up to the core.
 */
import { assertAtLeast } from '../base/assert.ts';
import type { NodeId } from '../model/identity.ts';

export interface SlownessOptions {
  /** 0 = nobody is ever slow. */
  readonly slowFactor: number;
  readonly slowMinimumMs: number;
  readonly slowAfterMs: number;
  /** Between two that are named; doubles up to `PAUSE_GROWTH_MAX` times this. */
  readonly slowPauseMs: number;
}

export interface MemberLag {
  readonly node: NodeId;
  /** NaN = not known. */
  readonly lagMs: number;
}

const PAUSE_GROWTH_MAX = 16;
/** After so many pauses in peace the next one is short again. */
const PEACEFUL_PAUSES = 4;

export class SlowMembers {
  private readonly options: SlownessOptions;
  private readonly slowSince = new Map<NodeId, number>();
  private growth = 1;
  private namedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: SlownessOptions) {
    this.options = options;
    assertAtLeast(options.slowFactor, 0, 'the factor of slowness');
  }

  /** Of all members, at every tick. Returns the slow one, if somebody is and it is time to say so. */
  find(members: readonly MemberLag[], nowMs: number): NodeId | null {
    const { slowFactor, slowAfterMs } = this.options;
    if (slowFactor === 0) return null;
    let slowest: MemberLag | null = null;
    for (const member of members) {
      if (!this.isSlow(member, members)) {
        this.slowSince.delete(member.node);
        continue;
      }
      const sinceMs = this.slowSince.get(member.node) ?? nowMs;
      this.slowSince.set(member.node, sinceMs);
      if (nowMs - sinceMs < slowAfterMs) continue;
      if (slowest === null || member.lagMs > slowest.lagMs) slowest = member;
    }
    if (slowest === null || nowMs - this.namedAtMs < this.pauseMs) return null;
    return slowest.node;
  }

  /** Something was done about it. */
  onNamed(node: NodeId, nowMs: number): void {
    const isPeaceful = nowMs - this.namedAtMs >= PEACEFUL_PAUSES * this.pauseMs;
    this.growth = isPeaceful ? 1 : Math.min(2 * this.growth, PAUSE_GROWTH_MAX);
    this.namedAtMs = nowMs;
    this.slowSince.delete(node);
  }

  /** Who was slow is not watched while this replica does not lead. */
  onRoleEnded(): void {
    this.slowSince.clear();
  }

  private get pauseMs(): number {
    return this.growth * this.options.slowPauseMs;
  }

  private isSlow(member: MemberLag, members: readonly MemberLag[]): boolean {
    const { slowFactor, slowMinimumMs } = this.options;
    if (!(member.lagMs > slowMinimumMs)) return false;
    const others: number[] = [];
    for (const { node, lagMs } of members) {
      if (node !== member.node && !Number.isNaN(lagMs)) others.push(lagMs);
    }
    if (others.length === 0) return false;
    others.sort((a, b) => a - b);
    return member.lagMs > slowFactor * others[Math.floor(others.length / 2)]!;
  }
}
