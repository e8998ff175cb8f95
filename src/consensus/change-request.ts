/**
 * What a primary asks of the meta server under its ballot: to remove a secondary, or to add the learner.
 *
 * One request is under way at a time. It is repeated until a new ballot arrives, which ends the role and this object
 * with it. A removal takes the place of a promotion, and of nothing else: the meta server then makes a new ballot,
 * under which every copy of the older request is void.
 */
import { reached } from '../base/marks.ts';
import type { Ballot, NodeId } from '../model/identity.ts';
import { ConfigurationChange } from '../wire/schema/internal.ts';
import type { Peer } from './peer.ts';
import type { ReplicaState } from './replica-state.ts';

interface PendingChange {
  readonly change: ConfigurationChange;
  readonly node: NodeId;
  readonly learnId: number;
  readonly incarnation: number;
  readonly reason: string;
  sentAtMs: number;
}

export class ChangeRequest {
  private readonly state: ReplicaState;
  private readonly ballot: Ballot;
  private pending: PendingChange | null = null;

  constructor(state: ReplicaState) {
    this.state = state;
    this.ballot = state.config.ballot;
  }

  /** Whom the request is about that is under way. */
  get node(): NodeId | null {
    return this.pending?.node ?? null;
  }

  askToRemove(peer: Peer, reason: string, nowMs: number): void {
    this.ask(ConfigurationChange.removeSecondary, peer, 0, reason, nowMs);
  }

  /** For what it has acknowledged in its present life. */
  askToAdd(peer: Peer, nowMs: number): void {
    this.ask(ConfigurationChange.addSecondary, peer, peer.incarnation, 'caught up', nowMs);
  }

  onTick(nowMs: number): void {
    const { pending } = this;
    if (pending === null || nowMs - pending.sentAtMs < this.state.options.requestRetryMs) return;
    reached('consensus.primary.updateRepeated');
    this.send(pending, nowMs);
  }

  private ask(
    change: ConfigurationChange,
    { node, learnId }: Peer,
    incarnation: number,
    reason: string,
    nowMs: number,
  ): void {
    const isRemoval = change === ConfigurationChange.removeSecondary;
    if (this.pending !== null && (this.pending.change === change || !isRemoval)) return;
    this.pending = { change, node, learnId, incarnation, reason, sentAtMs: nowMs };
    this.send(this.pending, nowMs);
  }

  private send(pending: PendingChange, nowMs: number): void {
    pending.sentAtMs = nowMs;
    const { gpid, list, effects } = this.state;
    effects.sendConfigurationUpdate({
      gpid,
      ballot: this.ballot,
      change: pending.change,
      node: pending.node,
      lastCommittedDecree: list.lastCommitted,
      learnId: pending.learnId,
      reason: pending.reason,
      incarnation: pending.incarnation,
    });
  }
}
