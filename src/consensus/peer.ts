/** What a primary knows of one node that it sends prepares to. */
import type { NodeId } from '../model/identity.ts';
import { LagMeter } from './lag-meter.ts';

export class Peer {
  readonly node: NodeId;
  /** 0 for a secondary; the learn id of an attached learner. */
  readonly learnId: number;
  /** The life in which a learner was attached; 0 for a secondary. */
  readonly incarnation: number;
  /**
   * Its acks are required for commits: always for secondaries, for learners once they have caught
   * up.
   */
  counts: boolean;
  /** In its log under the current ballot up to here. */
  acked: number;
  /** Sent under the current ballot up to here; ≥ acked. */
  sent: number;
  /** When the oldest unacknowledged prepare began to wait; NaN when none does. */
  waitingSinceMs: number;
  /** When prepares were last sent (again) or acknowledged. */
  lastProgressMs: number;
  /** It lacks something that was sent; it is sent again at the next tick, if not at once. */
  wantsResend: boolean;
  /** When it last said anything under this ballot. */
  lastHeardMs: number;
  /** When it was last sent the configuration because it lacked it. */
  toldAtMs: number;
  readonly lag: LagMeter = new LagMeter();

  constructor(node: NodeId, learnId: number, incarnation: number, from: number, nowMs: number) {
    this.node = node;
    this.learnId = learnId;
    this.incarnation = incarnation;
    this.counts = learnId === 0;
    this.acked = from;
    this.sent = from;
    this.waitingSinceMs = Number.NaN;
    this.lastProgressMs = nowMs;
    this.wantsResend = false;
    this.lastHeardMs = nowMs;
    this.toldAtMs = Number.NEGATIVE_INFINITY;
  }

  get isLearner(): boolean {
    return this.learnId !== 0;
  }
}
