/**
 * As of when a replica holds everything that was committed: what its answers to backup requests are worth.
 *
 * A secondary learns its primary's commit point from each prepare and group check. It is complete as of the arrival of
 * such a message once all up to that point is in its engine. Of what it was told while it was behind, it remembers the
 * first point that it has not reached; so under load it always knows a moment at most two messages old.
 *
 * Not known, as far as answers go: before the first message of the primary of the own configuration, and without a
 * lease, when another primary may commit without this replica hearing of it. The time that the message was under way
 * is not in the bound; nothing here could measure it.
 */
import type { Lease } from '../consensus/lease.ts';
import { type PartitionConfiguration, ReplicaStatus } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';

/** What it has to know of the replica's role: a `ReplicaCore`. */
export interface RoleView {
  readonly status: ReplicaStatus;
  readonly leading: { readonly readableFrom: number } | null;
  readonly state: { readonly config: PartitionConfiguration };
}

export class Freshness {
  private readonly role: RoleView;
  private readonly lease: Lease;
  private readonly appliedDecree: () => number;
  private completeMs = -Infinity;
  /** Told at `toldMs` and not reached yet; 0 = none. */
  private toldDecree = 0;
  private toldMs = 0;

  constructor(role: RoleView, lease: Lease, appliedDecree: () => number) {
    this.role = role;
    this.lease = lease;
    this.appliedDecree = appliedDecree;
  }

  /** A prepare or group check was handled. */
  onHeard(from: NodeId, ballot: number, committedDecree: number, nowMs: number): void {
    const { status, state } = this.role;
    if (status !== ReplicaStatus.secondary) return;
    if (ballot !== state.config.ballot || from !== state.config.primary) return;
    this.settle();
    if (this.toldDecree > 0) return;
    this.toldDecree = committedDecree;
    this.toldMs = nowMs;
    this.settle();
  }

  /** −∞: not known. */
  completeAsOfMs(nowMs: number): number {
    if (!this.lease.isValid(nowMs)) return -Infinity;
    const { leading, status } = this.role;
    if (leading !== null) return this.appliedDecree() >= leading.readableFrom ? nowMs : -Infinity;
    if (status !== ReplicaStatus.secondary) return -Infinity;
    this.settle();
    return this.completeMs;
  }

  private settle(): void {
    if (this.toldDecree === 0 && this.toldMs === 0) return;
    if (this.appliedDecree() < this.toldDecree) return;
    this.completeMs = this.toldMs;
    this.toldDecree = 0;
    this.toldMs = 0;
  }
}
