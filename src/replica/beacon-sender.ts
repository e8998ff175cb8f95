/**
 * Worker side of the failure detector: sends beacons to the meta servers, keeps the lease, and
 * knows who leads.
 */

import type { HostPort } from '../base/host-port.ts';
import type { Lease } from '../consensus/lease.ts';
import type { Clock } from '../env/clock.ts';
import type { Logger } from '../env/logger.ts';
import type { NodeId } from '../model/identity.ts';
import type { Beacon, BeaconAck } from '../wire/generated/internal.ts';

export interface BeaconTarget {
  sendBeacon(to: NodeId, beacon: Beacon): void;
  /** Another meta server leads: it grants a lease once it knows what this server holds. */
  onLeaderChanged(): void;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export class BeaconSender {
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly lease: Lease;
  private readonly target: BeaconTarget;
  private readonly self: NodeId;
  private readonly address: HostPort;
  private readonly incarnation: number;
  private readonly metas: readonly NodeId[];
  private leaderNode: NodeId | null = null;
  private space: DiskSpace = { freeBytes: 0, totalBytes: 0 };
  private hadLease = false;

  constructor(
    environment: { readonly clock: Clock; readonly logger: Logger },
    identity: {
      readonly self: NodeId;
      readonly address: HostPort;
      readonly incarnation: number;
      readonly metas: readonly NodeId[];
    },
    lease: Lease,
    target: BeaconTarget,
  ) {
    this.clock = environment.clock;
    this.logger = environment.logger;
    this.self = identity.self;
    this.address = identity.address;
    this.incarnation = identity.incarnation;
    this.metas = identity.metas;
    this.lease = lease;
    this.target = target;
  }

  /** The meta server that last answered as leader. */
  get leader(): NodeId | null {
    return this.leaderNode;
  }

  setSpace(space: DiskSpace): void {
    this.space = space;
  }

  /** `leaving`: the last one; no lease will follow from it. */
  send(leaving: boolean): void {
    const now = this.clock.monotonicMs();
    const sequence = this.lease.onBeaconSent(now);
    const beacon: Beacon = {
      nodeId: this.self,
      incarnation: this.incarnation,
      sequence,
      address: this.address,
      freeBytes: this.space.freeBytes,
      totalBytes: this.space.totalBytes,
      leaving,
    };
    for (const meta of this.metas) this.target.sendBeacon(meta, beacon);
    this.logLeaseChange(now);
  }

  onBeaconAck(from: NodeId, ack: BeaconAck): void {
    if (ack.incarnation !== this.incarnation || !ack.isLeader) return;
    if (!ack.allowed) this.logger.warn('replica.lease.refused', { meta: from });
    const isNew = this.leaderNode !== from;
    this.leaderNode = from;
    if (isNew) this.target.onLeaderChanged();
    this.lease.onBeaconAcked(ack.sequence, ack.allowed, ack.leaseMs);
    this.logLeaseChange(this.clock.monotonicMs());
  }

  private logLeaseChange(now: number): void {
    const has = this.lease.isValid(now);
    if (has === this.hadLease) return;
    this.hadLease = has;
    if (has) this.logger.info('replica.lease.gained', { meta: this.leaderNode });
    else this.logger.warn('replica.lease.lost', { overdueMs: -this.lease.remainingMs(now) });
  }
}
