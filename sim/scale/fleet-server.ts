/**
 * A replica server as the meta server sees it: it beats, reports, obeys configurations, teaches learners in a time that
 * is drawn, and asks for their admission. No engine, no log, no clients: decrees grow while a replica is in use.
 */

import { AppStatus, ReplicaStatus } from '../../src/model/configuration.ts';
import type { HostPort, NodeId } from '../../src/model/identity.ts';
import { gpidKey, gpidOf, hostPortText, toNodeId } from '../../src/model/identity.ts';
import type {
  BeaconAck,
  ConfigurationPush,
  ReplicaForget,
  ReplicaState,
} from '../../src/wire/generated/internal.ts';
import type { InternalMessageMap } from '../../src/wire/internal-frame.ts';
import { ConfigurationChange, InternalMessage } from '../../src/wire/schema/internal.ts';

const RACKS = 20;
const BEACON_MS = 1_000;
const REPORT_MS = 1_000;
/** Changes of that long go into one report. */
const REPORT_SOON_MS = 2;
const DECREE_MS = 100;
const COPY_MS_MIN = 1_500;
const COPY_MS_SPREAD = 3_000;
/** Of who has a copy that lacks little. */
const REJOIN_MS_MIN = 50;
const REJOIN_MS_SPREAD = 200;
const COPY_BYTES = 1 << 30;
const REQUEST_REPEAT_MS = 1_000;

export interface ModelReplica {
  readonly key: number;
  readonly gpid: ReplicaState['gpid'];
  ballot: number;
  status: ReplicaStatus;
  learnId: number;
  /** While it learns: when it began and when it will be done. */
  fromMs: number;
  untilMs: number;
  /** Of a replica that is not in use. */
  decree: number;
}

/** A learner that a primary has been told of. */
interface Lesson {
  readonly learner: NodeId;
  readonly ballot: number;
  /** Its life. */
  incarnation: number;
}

export interface FleetContext {
  nowMs(): number;
  after(delayMs: number, callback: () => void): void;
  /** Uniform in 0 … bound − 1. */
  draw(bound: number): number;
  send<T extends InternalMessage>(from: FleetServer, type: T, message: InternalMessageMap[T]): void;
  peer(id: NodeId): FleetServer | undefined;
}

export class FleetServer {
  readonly id: NodeId;
  readonly address: HostPort;
  readonly replicas: Map<number, ModelReplica> = new Map();
  incarnation = 0;
  isRunning = false;
  /** Its machine does not answer either. */
  isUnreachable = false;
  readonly #fleet: FleetContext;
  readonly #rack: string;
  readonly #lessons = new Map<number, Lesson>();
  #sequence = 0;
  #reportSequence = 0;
  #knowsLeader = false;
  #leaseUntilMs = 0;
  #reportsSoon = false;

  constructor(fleet: FleetContext, index: number) {
    this.#fleet = fleet;
    this.address = { host: `10.0.${index >> 8}.${index & 255}`, port: 34801 };
    this.id = toNodeId(hostPortText(this.address));
    this.#rack = `rack${index % RACKS}`;
  }

  /** Another life, with what the disk holds. */
  start(): void {
    this.isRunning = true;
    this.isUnreachable = false;
    this.incarnation += 1;
    this.#sequence = 0;
    this.#reportSequence = 0;
    this.#knowsLeader = false;
    this.#leaseUntilMs = 0;
    this.#reportsSoon = false;
    this.#repeat(this.#fleet.draw(BEACON_MS), BEACON_MS, () => this.#beat());
    this.#repeat(this.#fleet.draw(REPORT_MS), REPORT_MS, () => this.#report());
  }

  /** As by SIGKILL; with `isUnreachable` the machine is gone too. */
  kill(isUnreachable = false): void {
    for (const replica of this.replicas.values()) this.#rest(replica);
    this.isRunning = false;
    this.isUnreachable = isUnreachable;
    this.#lessons.clear();
  }

  onAck({ leaseMs }: BeaconAck): void {
    if (leaseMs > 0) this.#leaseUntilMs = this.#fleet.nowMs() + leaseMs;
    if (this.#knowsLeader) return;
    this.#knowsLeader = true;
    this.reportSoon();
  }

  onPush(push: ConfigurationPush): void {
    const { configuration, table } = push;
    if (push.incarnation !== this.incarnation) return;
    const { gpid, ballot, learner } = configuration;
    const key = gpidKey(gpid as never);
    const role = this.#roleIn(configuration, table.status);
    const replica = this.replicas.get(key);
    if (replica === undefined) {
      if (role !== ReplicaStatus.inactive && ballot === 1) this.#make(key, gpid, 1, role);
      return;
    }
    if (ballot < replica.ballot) return;
    this.#turn(replica, ballot, role);
    if (role === ReplicaStatus.primary && learner !== '') this.#teach(replica, learner as NodeId);
    else this.#lessons.delete(key);
  }

  onForget(forget: ReplicaForget): void {
    const key = gpidKey(forget.gpid as never);
    const replica = this.replicas.get(key);
    if (replica === undefined || replica.ballot > forget.ballot) return;
    this.replicas.delete(key);
    this.reportSoon();
  }

  /** A primary begins to teach it. */
  onInvited(gpid: ReplicaState['gpid'], ballot: number, copyMs: number): void {
    const key = gpidKey(gpid as never);
    let replica = this.replicas.get(key);
    if (replica !== undefined && replica.ballot > ballot) return;
    if (replica?.status === ReplicaStatus.secondary && replica.ballot === ballot) return;
    replica ??= this.#make(key, gpid, ballot, ReplicaStatus.potentialSecondary);
    replica.learnId += 1;
    replica.fromMs = this.#fleet.nowMs();
    replica.untilMs = replica.fromMs + copyMs;
    this.#turn(replica, ballot, ReplicaStatus.potentialSecondary);
  }

  reportSoon(): void {
    if (this.#reportsSoon || !this.isRunning) return;
    this.#reportsSoon = true;
    this.#after(REPORT_SOON_MS, () => {
      this.#reportsSoon = false;
      this.#report();
    });
  }

  #roleIn(configuration: ConfigurationPush['configuration'], status: number): ReplicaStatus {
    if (status !== AppStatus.available) return ReplicaStatus.inactive;
    if (configuration.primary === this.id) return ReplicaStatus.primary;
    if (configuration.secondaries.includes(this.id)) return ReplicaStatus.secondary;
    const replica = this.replicas.get(gpidKey(configuration.gpid as never));
    const stillLearns =
      configuration.learner === this.id && replica?.status === ReplicaStatus.potentialSecondary;
    return stillLearns ? ReplicaStatus.potentialSecondary : ReplicaStatus.inactive;
  }

  #make(
    key: number,
    gpid: ReplicaState['gpid'],
    ballot: number,
    status: ReplicaStatus,
  ): ModelReplica {
    const { appId, partitionIndex } = gpid;
    const own = gpidOf(appId, partitionIndex);
    const replica: ModelReplica = {
      key,
      gpid: own,
      ballot,
      status,
      learnId: 0,
      fromMs: 0,
      untilMs: 0,
      decree: 0,
    };
    this.replicas.set(key, replica);
    this.reportSoon();
    return replica;
  }

  #turn(replica: ModelReplica, ballot: number, status: ReplicaStatus): void {
    if (replica.ballot === ballot && replica.status === status) return;
    if (status === ReplicaStatus.inactive) this.#rest(replica);
    replica.ballot = ballot;
    replica.status = status;
    this.reportSoon();
  }

  #rest(replica: ModelReplica): void {
    replica.decree = this.#decreeOf(replica);
    replica.status = ReplicaStatus.inactive;
  }

  #decreeOf(replica: ModelReplica): number {
    const isInUse =
      replica.status === ReplicaStatus.primary || replica.status === ReplicaStatus.secondary;
    if (isInUse) return Math.floor(this.#fleet.nowMs() / DECREE_MS);
    return replica.decree;
  }

  #teach(replica: ModelReplica, learner: NodeId): void {
    const { key, ballot, gpid } = replica;
    const peer = this.#fleet.peer(learner);
    if (peer === undefined || !peer.isRunning) return;
    const former = this.#lessons.get(key);
    if (former?.learner === learner && former.ballot === ballot) return;
    const { incarnation } = peer;
    const lesson: Lesson = { learner, ballot, incarnation };
    this.#lessons.set(key, lesson);
    const copyMs = peer.replicas.has(key)
      ? REJOIN_MS_MIN + this.#fleet.draw(REJOIN_MS_SPREAD)
      : COPY_MS_MIN + this.#fleet.draw(COPY_MS_SPREAD);
    this.#after(1, () => {
      if (peer.isRunning && peer.incarnation === incarnation) peer.onInvited(gpid, ballot, copyMs);
    });
    this.#after(copyMs + 2, () => this.#askFor(replica, lesson));
  }

  /** Again and again, until a newer ballot or another wish. */
  #askFor(replica: ModelReplica, lesson: Lesson): void {
    const { key, gpid, ballot } = replica;
    if (this.#lessons.get(key) !== lesson || ballot !== lesson.ballot) return;
    this.#fleet.send(this, InternalMessage.configurationUpdate, {
      gpid,
      ballot,
      change: ConfigurationChange.addSecondary,
      node: lesson.learner,
      lastCommittedDecree: this.#decreeOf(replica),
      learnId: 1,
      reason: '',
      incarnation: lesson.incarnation,
    });
    this.#after(REQUEST_REPEAT_MS, () => this.#askFor(replica, lesson));
  }

  #beat(): void {
    this.#sequence += 1;
    this.#fleet.send(this, InternalMessage.beacon, {
      nodeId: this.id,
      incarnation: this.incarnation,
      sequence: this.#sequence,
      address: this.address,
      freeBytes: 1e12,
      totalBytes: 2e12,
      leaving: false,
      lifeId: this.incarnation,
      zone: '',
      rack: this.#rack,
      host: this.address.host,
      holdsLease: this.#fleet.nowMs() < this.#leaseUntilMs,
    });
  }

  #report(): void {
    if (!this.#knowsLeader) return;
    this.#reportSequence += 1;
    const states: ReplicaState[] = [];
    for (const replica of this.replicas.values()) states.push(this.#stateOf(replica));
    this.#fleet.send(this, InternalMessage.replicaReport, {
      nodeId: this.id,
      incarnation: this.incarnation,
      replicas: states,
      sequence: this.#reportSequence,
    });
  }

  #stateOf(replica: ModelReplica): ReplicaState {
    const decree = this.#decreeOf(replica);
    const learns = replica.status === ReplicaStatus.potentialSecondary;
    const spentMs = Math.min(this.#fleet.nowMs(), replica.untilMs) - replica.fromMs;
    const share = learns ? spentMs / (replica.untilMs - replica.fromMs) : 1;
    return {
      gpid: replica.gpid,
      ballot: replica.ballot,
      status: replica.status,
      lastCommittedDecree: decree,
      lastPreparedDecree: decree,
      appliedDecree: decree,
      durableDecree: decree,
      learnId: replica.learnId,
      dataBytes: Math.floor(COPY_BYTES * share),
      failure: '',
      tailUnproven: false,
      headBallot: replica.ballot,
      headDigest: decree,
      compactedSeconds: 0,
      capacityUnits: 0,
      fetchedBytes: learns ? Math.floor(COPY_BYTES * share) : 0,
    };
  }

  /** In this life. */
  #after(delayMs: number, callback: () => void): void {
    const { incarnation } = this;
    this.#fleet.after(delayMs, () => {
      if (this.isRunning && this.incarnation === incarnation) callback();
    });
  }

  #repeat(firstMs: number, intervalMs: number, callback: () => void): void {
    this.#after(firstMs, () => {
      callback();
      this.#repeat(intervalMs, intervalMs, callback);
    });
  }
}
