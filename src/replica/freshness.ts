/**
 * As of when a replica holds everything that was acknowledged: what its answers to backup requests are worth.
 *
 * A secondary asks its primary how far it is, with a stamp of its own clock that the answer brings back. All that was
 * acknowledged up to the stamp is among what the primary has committed when it answers, so once that is in the own
 * engine, the replica is complete as of the stamp: however long messages were under way, and without any other clock. A
 * primary answers only while it holds a lease and has committed what it took over: while it may answer reads.
 *
 * It is asked while somebody wants to know: with a request, at most every few milliseconds, and with each tick for a
 * while after the last one. Else it is asked every few seconds, for the day when it does not answer. Of what is not in
 * the engine yet, the first point is remembered, so that under load, always a little behind, a replica still comes
 * along.
 */
import type { Lease } from '../consensus/lease.ts';
import { type PartitionConfiguration, ReplicaStatus } from '../model/configuration.ts';
import type { NodeId } from '../model/identity.ts';
import type { CommitAnswer, CommitQuery } from '../wire/generated/internal.ts';
import type { InternalMessageMap } from '../wire/internal-frame.ts';
import { InternalMessage } from '../wire/schema/internal.ts';

/** What it has to know of the replica's role: a `ReplicaCore`. */
export interface RoleView {
  readonly status: ReplicaStatus;
  readonly leading: { readonly readableFrom: number } | null;
  readonly state: {
    readonly config: PartitionConfiguration;
    readonly list: { readonly lastCommitted: number };
  };
}

export interface FreshnessHost {
  appliedDecree(): number;
  send<T extends InternalMessage>(to: NodeId, type: T, message: InternalMessageMap[T]): void;
}

const ASK_EVERY_MS = 10;
/** So long after the last request the primary is asked with every tick. */
const WANTED_MS = 10_000;
const ASK_UNWANTED_EVERY_MS = 5_000;

export class Freshness {
  private readonly role: RoleView;
  private readonly lease: Lease;
  /** Of this replica in this life: stamps of another one are of another clock. */
  private readonly token: number;
  private readonly host: FreshnessHost;
  private completeMs = -Infinity;
  /** Committed at `toldMs` and not reached yet; 0 = none. */
  private toldDecree = 0;
  private toldMs = 0;
  private askedMs = -Infinity;
  private wantedMs = -Infinity;

  constructor(role: RoleView, lease: Lease, token: number, host: FreshnessHost) {
    this.role = role;
    this.lease = lease;
    this.token = token;
    this.host = host;
  }

  /** −∞: not known. */
  completeAsOfMs(nowMs: number): number {
    const { leading, status } = this.role;
    if (leading !== null) {
      const isReadable = this.host.appliedDecree() >= leading.readableFrom;
      return isReadable && this.lease.isValid(nowMs) ? nowMs : -Infinity;
    }
    if (status !== ReplicaStatus.secondary) return -Infinity;
    this.wantedMs = nowMs;
    if (nowMs - this.askedMs >= ASK_EVERY_MS) this.ask(nowMs);
    this.settle();
    return this.completeMs;
  }

  onTick(nowMs: number): void {
    const isWanted = nowMs - this.wantedMs <= WANTED_MS;
    if (isWanted || nowMs - this.askedMs >= ASK_UNWANTED_EVERY_MS) this.ask(nowMs);
  }

  /** A member wants to know how far this primary is. */
  onQuery(from: NodeId, { gpid, token, stampMs }: CommitQuery, nowMs: number): void {
    const { leading, state } = this.role;
    const { lastCommitted } = state.list;
    if (leading === null || lastCommitted < leading.readableFrom) return;
    if (!this.lease.isValid(nowMs)) return;
    const answer = { gpid, token, stampMs, committedDecree: lastCommitted };
    this.host.send(from, InternalMessage.commitAnswer, answer);
  }

  onAnswer({ token, stampMs, committedDecree }: CommitAnswer): void {
    if (token !== this.token) return;
    this.settle();
    if (this.toldDecree > 0 || stampMs <= this.completeMs) return;
    this.toldDecree = committedDecree;
    this.toldMs = stampMs;
    this.settle();
  }

  private ask(nowMs: number): void {
    const { status, state } = this.role;
    const { gpid, primary } = state.config;
    if (status !== ReplicaStatus.secondary || primary === null) return;
    this.askedMs = nowMs;
    // Rounded towards the past.
    const query = { gpid, token: this.token, stampMs: Math.floor(nowMs) };
    this.host.send(primary, InternalMessage.commitQuery, query);
  }

  private settle(): void {
    if (this.toldMs === 0 || this.host.appliedDecree() < this.toldDecree) return;
    this.completeMs = this.toldMs;
    this.toldDecree = 0;
    this.toldMs = 0;
  }
}
