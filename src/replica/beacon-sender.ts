/**
 * Worker side of the failure detector: sends beacons to the meta servers, keeps the lease, and
 * knows who leads.
 *
 * Where there are several meta servers, one that was followed may not know it yet. So acknowledgements, and what else
 * comes from a leader, count only under the highest epoch that was heard of (`isCurrent`); as a lease is over at
 * the latest one lease after its last acknowledgement, an epoch that was silent for so long is forgotten. A meta server
 * that is alone has no successor: its epoch may go back with its disk (cluster/adoption.ts).
 *
 * What a meta server says to do is heeded while it answers (`heeds`). In the sockets of a process that was paused, or
 * behind a cut, pushes may have waited since before this server was counted out, or since before its meta server came
 * back with an older journal. Messages of a connection keep their order, and a new connection ends the one before: so
 * what arrives after the answer to a new beacon was sent after it was taken up, and what is dropped until then is
 * repeated from state.
 *
 * A machine that lost power ends no connection, and TCP asks it ever more rarely: what is sent to a meta server that is
 * back may wait as long as it was away, and it counts out whom it does not hear. So after a lease without an answer the
 * next beacons go over new connections.
 *
 * It also watches the clock itself. The monotonic clock goes on through a suspend, pause or late
 * event loop, so a lease runs out by it. A virtual machine that was frozen and goes on has a clock
 * that stood still; what shows is that its wall clock is put right some time later. So a step of the
 * wall clock into the future costs the lease, which costs one round trip to the meta server.
 */

import type { HostPort } from '../base/host-port.ts';
import { reached } from '../base/marks.ts';
import { LEASE_MARGIN_MS, type Lease } from '../consensus/lease.ts';
import type { Clock } from '../env/clock.ts';
import type { Logger } from '../env/logger.ts';
import type { NodeId } from '../model/identity.ts';
import type { Beacon, BeaconAck } from '../wire/generated/internal.ts';

export interface BeaconTarget {
  sendBeacon(to: NodeId, beacon: Beacon): void;
  /** Has not answered for a lease: a connection to it is not to be used any more. */
  onSilent(meta: NodeId): void;
  /** Another meta server leads, or it answers again: it grants a lease once it knows what this server holds. */
  onLeaderChanged(): void;
  /** Another life of this server has had the incarnation, or a later one up to `incarnation`. */
  onOutlived(incarnation: number): void;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** What may fail together with this server; null = not told. */
export interface ServerLabels {
  readonly zone: string | null;
  readonly rack: string | null;
  readonly host: string | null;
}

export class BeaconSender {
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly lease: Lease;
  private readonly target: BeaconTarget;
  private readonly self: NodeId;
  private readonly address: HostPort;
  private readonly incarnation: number;
  private readonly lifeId: number;
  private readonly metas: readonly NodeId[];
  private readonly leaseMs: number;
  private readonly labels: ServerLabels;
  private leaderNode: NodeId | null = null;
  private epoch = 0;
  private epochHeardMs = Number.NEGATIVE_INFINITY;
  private space: DiskSpace = { freeBytes: 0, totalBytes: 0 };
  private hadLease = false;
  /** Or nothing was heard yet. Otherwise this server is not on a white list. */
  private wasAllowed = true;
  private connectionsSinceMs: number;
  /** Of the wall clock ahead of the monotonic one. */
  private wallOffsetMs: number;

  constructor(
    environment: { readonly clock: Clock; readonly logger: Logger },
    identity: {
      readonly self: NodeId;
      readonly address: HostPort;
      readonly incarnation: number;
      readonly lifeId: number;
      readonly metas: readonly NodeId[];
      /** The longest that is taken. */
      readonly leaseMs: number;
      readonly labels: ServerLabels;
    },
    lease: Lease,
    target: BeaconTarget,
  ) {
    this.clock = environment.clock;
    this.logger = environment.logger;
    this.self = identity.self;
    this.address = identity.address;
    this.incarnation = identity.incarnation;
    this.lifeId = identity.lifeId;
    this.metas = identity.metas;
    this.leaseMs = identity.leaseMs;
    this.labels = identity.labels;
    this.lease = lease;
    this.target = target;
    this.wallOffsetMs = this.clock.wallMs() - this.clock.monotonicMs();
    this.connectionsSinceMs = this.clock.monotonicMs();
  }

  /** The meta server that last answered as leader. */
  get leader(): NodeId | null {
    return this.leaderNode;
  }

  get diskSpace(): DiskSpace {
    return this.space;
  }

  setSpace(space: DiskSpace): void {
    this.space = space;
  }

  /** `leaving`: the last one; no lease will follow from it. */
  send(leaving: boolean): void {
    this.checkClocks();
    const now = this.clock.monotonicMs();
    this.leaveSilent(now);
    const sequence = this.lease.onBeaconSent(now);
    const beacon: Beacon = {
      nodeId: this.self,
      incarnation: this.incarnation,
      lifeId: this.lifeId,
      sequence,
      address: this.address,
      freeBytes: this.space.freeBytes,
      totalBytes: this.space.totalBytes,
      leaving,
      holdsLease: this.lease.isValid(now),
      zone: this.labels.zone ?? undefined,
      rack: this.labels.rack ?? undefined,
      host: this.labels.host ?? undefined,
    };
    for (const meta of this.metas) this.target.sendBeacon(meta, beacon);
    this.logLeaseChange(now);
  }

  onBeaconAck(from: NodeId, ack: BeaconAck): void {
    if (ack.lifeId !== this.lifeId || !ack.isLeader || !this.isCurrent(ack.metaEpoch)) return;
    if (ack.outlived) {
      this.target.onOutlived(ack.incarnation);
      return;
    }
    if (ack.incarnation !== this.incarnation) return;
    this.checkClocks();
    if (!ack.allowed && this.wasAllowed) this.logger.warn('replica.server.refused', { meta: from });
    this.wasAllowed = ack.allowed;
    const isNew = this.leaderNode !== from || this.isLaterTerm(ack.metaEpoch);
    this.leaderNode = from;
    this.epoch = ack.metaEpoch;
    this.epochHeardMs = this.clock.monotonicMs();
    const wasAnswering = this.isAnswering();
    this.lease.onBeaconAcked(ack.sequence, ack.allowed, ack.leaseMs);
    if (isNew || (!wasAnswering && this.isAnswering())) this.target.onLeaderChanged();
    this.logLeaseChange(this.clock.monotonicMs());
  }

  /** Whether to do what a leader of this epoch says. */
  heeds(epoch: number): boolean {
    this.checkClocks();
    if (this.isAnswering()) return this.isCurrent(epoch);
    reached('replica.push.late');
    return false;
  }

  private isAnswering(): boolean {
    return this.clock.monotonicMs() < this.lease.answeredUntilMs;
  }

  private leaveSilent(now: number): void {
    if (this.isAnswering() || now - this.connectionsSinceMs < this.leaseMs) return;
    this.connectionsSinceMs = now;
    reached('replica.meta.silent');
    for (const meta of this.metas) this.target.onSilent(meta);
  }

  /** Whether what a leader of this epoch says still counts. */
  isCurrent(epoch: number): boolean {
    if (this.metas.length < 2 || epoch >= this.epoch) return true;
    const isForgotten = this.clock.monotonicMs() - this.epochHeardMs > this.leaseMs;
    return isForgotten;
  }

  /** The same meta server leads again, and knows nothing of what it was told before. */
  private isLaterTerm(epoch: number): boolean {
    return this.metas.length > 1 && epoch > this.epoch;
  }

  private checkClocks(): void {
    const offsetMs = this.clock.wallMs() - this.clock.monotonicMs();
    const stepMs = offsetMs - this.wallOffsetMs;
    this.wallOffsetMs = offsetMs;
    if (stepMs < LEASE_MARGIN_MS) return;
    reached('replica.lease.forfeited');
    this.logger.warn('replica.clock.stepped', { stepMs: Math.round(stepMs) });
    this.lease.forfeit();
  }

  private logLeaseChange(now: number): void {
    const has = this.lease.isValid(now);
    if (has === this.hadLease) return;
    this.hadLease = has;
    if (has) this.logger.info('replica.lease.gained', { meta: this.leaderNode });
    else this.logger.warn('replica.lease.lost', { overdueMs: -this.lease.remainingMs(now) });
  }
}
