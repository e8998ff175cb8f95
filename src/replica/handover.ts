/**
 * A primary that is asked to hand its lead over to one of its secondaries (cluster/moves.ts): nobody is to notice more
 * than a moment in which writes wait.
 *
 *  1. New writes gather and are not proposed; those under way are committed, applied and answered.
 *  2. When nothing is under way any more the primary stops and asks that the other one leads. What has gathered was
 *     certainly not executed, and its clients try again there.
 *  3. If that takes too long, because a secondary is slow, it leads on as if nobody had asked. Whoever asks does so
 *     again.
 *
 * Reads are answered until it stops.
 */
import { reached } from '../base/marks.ts';
import type { ReplicaCore } from '../consensus/replica-core.ts';
import type { NodeId } from '../model/identity.ts';

/** Writes wait for so long at most. */
const PATIENCE_MS = 500;

interface Asked {
  readonly ballot: number;
  readonly successor: NodeId;
  readonly untilMs: number;
}

export class Handover {
  private readonly core: Pick<ReplicaCore, 'leading' | 'pauseFor' | 'handOver' | 'state'>;
  /** Whether writes of clients are under way: committed or not, they are not answered yet. */
  private readonly hasWritesUnderWay: () => boolean;
  private asked: Asked | null = null;

  constructor(core: Handover['core'], hasWritesUnderWay: () => boolean) {
    this.core = core;
    this.hasWritesUnderWay = hasWritesUnderWay;
  }

  /** `settle` is to be called whenever something has moved on. */
  get isUnderWay(): boolean {
    return this.asked !== null;
  }

  /** `successor` as it came; undefined: nobody has asked. */
  ask(ballot: number, successor: string | undefined, nowMs: number): void {
    if (successor === undefined) return;
    const node = successor as NodeId;
    if (this.asked !== null || !this.core.pauseFor(ballot, node)) return;
    this.asked = { ballot, successor: node, untilMs: nowMs + PATIENCE_MS };
    this.settle(nowMs);
  }

  settle(nowMs: number): void {
    const { asked, core } = this;
    if (asked === null) return;
    const { leading } = core;
    if (leading === null || leading.ballot !== asked.ballot) {
      // Decided otherwise meanwhile.
      this.asked = null;
    } else if (core.state.list.uncommittedCount === 0 && !this.hasWritesUnderWay()) {
      this.asked = null;
      core.handOver(asked.successor, nowMs);
    } else if (nowMs > asked.untilMs) {
      reached('replica.handover.givenUp');
      this.asked = null;
      leading.isPausing = false;
    }
  }
}
