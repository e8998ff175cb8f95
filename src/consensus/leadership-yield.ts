/**
 * A primary that cannot write its log any more gives its leadership up, as long as enough others can go on without
 * it. One that was asked to hands it over to another member, and follows that one.
 *
 *  1. It stops first and asks then: nothing is answered under a ballot that somebody may be about to replace.
 *  2. It never leads under that ballot again, whatever it is pushed: a copy of the request may still be on its way.
 *     So the meta server answers with a new ballot in any case: another primary's, or, when there is none to be had,
 *     one under which this replica leads on.
 *  3. The request is repeated until that ballot comes.
 */
import type { Ballot, NodeId } from '../model/identity.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import type { ReplicaState } from './replica-state.ts';

export class LeadershipYield {
  readonly ballot: Ballot;
  private readonly state: ReplicaState;
  private readonly reason: string;
  /** Null: whoever can. */
  private readonly successor: NodeId | null;
  private sentAtMs = Number.NEGATIVE_INFINITY;

  constructor(state: ReplicaState, reason: string, successor: NodeId | null) {
    this.state = state;
    this.successor = successor;
    this.ballot = state.config.ballot;
    this.reason = reason;
  }

  onTick(nowMs: number): void {
    const { gpid, list, effects, options, self, config } = this.state;
    if (config.ballot !== this.ballot || nowMs - this.sentAtMs < options.requestRetryMs) return;
    this.sentAtMs = nowMs;
    effects.sendConfigurationUpdate({
      gpid,
      ballot: this.ballot,
      change:
        this.successor === null ? ConfigurationChange.yieldPrimary : ConfigurationChange.handOver,
      node: this.successor ?? self,
      lastCommittedDecree: list.lastCommitted,
      learnId: 0,
      reason: this.reason,
      incarnation: 0,
    });
  }
}
