/**
 * All replicas of one server: opens them with the log, routes events to them, makes and removes
 * them.
 *
 * Invariants:
 *  1. A gpid is opened, made or removed by one job at a time; what arrives for it meanwhile is
 *     dropped, since senders repeat.
 *  2. An empty replica is made only for a first configuration (ballot 1) or for a learner;
 *     otherwise a replica that is not here is missing, and is never replaced by an empty one.
 *  3. A copy that has followed an invitation is not replaced under the same one (invitations.ts).
 */
import { inParallel } from '../base/in-parallel.ts';
import { reached } from '../base/marks.ts';
import { DEFAULT_CORE_OPTIONS, type ReplicaCoreOptions } from '../consensus/effects.ts';
import type { Lease } from '../consensus/lease.ts';
import type { ReplicaEnvironment } from '../env/environment.ts';
import { type AppInfo, isMember, ReplicaStatus } from '../model/configuration.ts';
import {
  configurationFromWire,
  configurationToWire,
  gpidFromWire,
  tableFromWire,
} from '../model/configuration-wire.ts';
import {
  DECREE_NONE,
  type Gpid,
  gpidKey,
  gpidText,
  type NodeId,
  PARTITION_INDEX_MAX,
} from '../model/identity.ts';
import type { MessageBus } from '../rpc/message-bus.ts';
import type { MutationLog } from '../storage/log/mutation-log.ts';
import {
  type CommitAnswer,
  type CommitQuery,
  type ConfigurationPush,
  type ConfigurationQuery,
  type FileChunk,
  type FileRequest,
  type GroupCheck,
  type GroupCheckAck,
  type LearnCheckpoint,
  type LearnMutations,
  type LearnRequest,
  makeReplicaState,
  type Prepare,
  type PrepareAck,
  type ReplicaForget,
  type ReplicaState as ReplicaReportState,
} from '../wire/generated/internal.ts';
import type { InternalMessageMap } from '../wire/internal-frame.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { Bandwidth } from './bandwidth.ts';
import { Invitations } from './invitations.ts';
import { LOG_HOLDER } from './log-holders.ts';
import { type LogCondition, LogKeeper } from './log-keeper.ts';
import type { ReplicaOptions } from './options.ts';
import { Replica } from './replica.ts';
import { IDS_PER_LIFE, listReplicaFolders, ReplicaFolder } from './replica-folder.ts';
import type { ReplicaHost } from './replica-host.ts';
import { ServerLoad } from './server-load.ts';

export interface StoreIdentity {
  readonly self: NodeId;
  readonly dataPath: string;
  readonly incarnation: number;
  /** A cut of power since the last life may have taken the end of a log that was not closed. */
  readonly isTailAtRisk: boolean;
  readonly lease: Lease;
  readonly bus: MessageBus;
  leader(): NodeId | null;
  reportSoon(): void;
}

export interface ReplicaFailure {
  readonly gpid: Gpid;
  readonly reason: string;
}

interface TurnEnder {
  endTurn(nowMs: number): void;
}

/** Engines opened or closed at a time. */
const JOBS_MAX = 8;
/** No flush begins later than this after the begin of closing; an orderly end has 5 s in all. */
const CLOSING_FLUSH_MS = 2_000;

export class ReplicaStore implements ReplicaHost {
  readonly environment: ReplicaEnvironment;
  readonly options: ReplicaOptions;
  readonly coreOptions: ReplicaCoreOptions;
  readonly self: NodeId;
  readonly lease: Lease;
  private readonly identity: StoreIdentity;
  readonly learnBandwidth: Bandwidth;
  readonly load: ServerLoad;
  private readonly keeper: LogKeeper;
  private readonly invitations = new Invitations();
  private readonly openReplicas = new Map<number, Replica>();
  /** Gpids with a job under way. */
  private readonly busy = new Map<number, Promise<void>>();
  /** Replicas whose folder is there and could not be opened, with the reason. */
  private readonly broken = new Map<number, ReplicaFailure>();
  private readonly turnReplicas = new Set<TurnEnder>();
  private learnIds = 0;
  private copies = 0;
  private closed = false;

  constructor(environment: ReplicaEnvironment, options: ReplicaOptions, identity: StoreIdentity) {
    this.environment = environment;
    this.options = options;
    this.identity = identity;
    this.self = identity.self;
    this.lease = identity.lease;
    const { clock, timers } = environment;
    this.learnBandwidth = new Bandwidth(clock, timers, options.learnBytesPerSecondMax);
    this.load = new ServerLoad(environment, options);
    this.keeper = new LogKeeper(environment, options, identity.dataPath, this, () => this.stamp());
    this.coreOptions = {
      ...DEFAULT_CORE_OPTIONS,
      incarnation: identity.incarnation,
      inFlightMax: options.inFlightMax,
      prepareTimeoutMs: options.prepareTimeoutMs,
      memberSilenceMs: options.memberSilenceMs,
      minReplicaCount: options.minReplicaCount,
      slowFactor: options.slowFactor,
      slowMinimumMs: options.slowMinimumMs,
      slowAfterMs: options.slowAfterMs,
      slowPauseMs: options.slowPauseMs,
      tailBytesMax: options.tailBytesMax,
      // All of it waits for the log of the learner at once.
      learnBatchBytesMax: Math.min(
        DEFAULT_CORE_OPTIONS.learnBatchBytesMax,
        options.logCongestedBytes,
      ),
    };
  }

  // ---- life ----

  /** Opens every replica that is on disk and replays the log into them. */
  async open(): Promise<void> {
    const { disk, logger } = this.environment;
    const gpids = await listReplicaFolders(disk, this.identity.dataPath);
    await inParallel(gpids, JOBS_MAX, (gpid) => this.openReplica(gpid));
    const report = await this.keeper.open();
    if (this.identity.isTailAtRisk && !report.closedCleanly) {
      reached('replica.tail.unproven');
      await inParallel(this.replicas(), JOBS_MAX, (replica) => replica.distrustTail());
    }
    for (const gpid of this.log.partitions()) {
      const key = gpidKey(gpid);
      if (this.openReplicas.has(key) || this.broken.has(key)) continue;
      this.dropLog(gpid);
    }
    this.keeper.forgiveDamage();
    const { recordCount, blockCount, tornBytes, closedCleanly } = report;
    const counts = { replicas: this.openReplicas.size, broken: this.broken.size };
    logger.info('replica.log.replayed', {
      ...counts,
      recordCount,
      blockCount,
      tornBytes,
      closedCleanly,
    });
  }

  /**
   * Flushes what there is time for, so that the next start finds little in the log to replay, and
   * closes everything.
   */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled(this.busy.values());
    const untilMs = this.now() + CLOSING_FLUSH_MS;
    await inParallel(this.replicas(), JOBS_MAX, (replica) =>
      replica.close({ flush: this.now() < untilMs }),
    );
    await this.keeper.close();
  }

  replicas(): readonly Replica[] {
    return [...this.openReplicas.values()];
  }

  find(appId: number, partitionIndex: number): Replica | null {
    if (partitionIndex < 0 || partitionIndex > PARTITION_INDEX_MAX) return null;
    return this.openReplicas.get(appId * (PARTITION_INDEX_MAX + 1) + partitionIndex) ?? null;
  }

  report(): ReplicaReportState[] {
    const states = this.replicas().map((replica) => replica.report());
    for (const { gpid, reason } of this.broken.values()) states.push(brokenState(gpid, reason));
    return states;
  }

  onTick(nowMs: number): void {
    for (const replica of this.openReplicas.values()) {
      replica.onTick(nowMs);
      replica.freshness.onTick(nowMs);
    }
    this.keeper.onTick(nowMs);
  }

  get log(): MutationLog {
    return this.keeper.current;
  }

  get logCondition(): LogCondition {
    return this.keeper.condition;
  }

  /** Copies that are here and cannot be used. */
  failures(): ReplicaFailure[] {
    const failed: ReplicaFailure[] = [...this.broken.values()];
    for (const { gpid, core } of this.replicas()) {
      if (core.status === ReplicaStatus.error) failed.push({ gpid, reason: core.state.failure });
    }
    return failed;
  }

  /** What is being made or removed counts. */
  get hasCopies(): boolean {
    return this.openReplicas.size + this.broken.size + this.busy.size > 0;
  }

  // ---- ReplicaHost ----

  send<T extends InternalMessage>(to: NodeId, type: T, message: InternalMessageMap[T]): void {
    this.identity.bus.send(to, type, message);
  }

  sendToLeader<T extends InternalMessage>(type: T, message: InternalMessageMap[T]): void {
    const leader = this.identity.leader();
    if (leader !== null) this.identity.bus.send(leader, type, message);
  }

  nextLearnId(): number {
    this.learnIds += 1;
    return this.identity.incarnation * IDS_PER_LIFE + this.learnIds;
  }

  nextCopy(): number {
    this.copies += 1;
    return this.identity.incarnation * IDS_PER_LIFE + this.copies;
  }

  endTurnSoon(replica: TurnEnder): void {
    if (this.turnReplicas.size === 0) this.environment.timers.defer(this.endTurn);
    this.turnReplicas.add(replica);
  }

  reportSoon(): void {
    this.identity.reportSoon();
  }

  // ---- messages ----

  onConfigurationPush(message: ConfigurationPush): void {
    // Meant for a former life of this server: what it was trusted with then is void.
    if (message.incarnation !== this.identity.incarnation) {
      reached('replica.push.formerLife');
      return;
    }
    const config = configurationFromWire(message.configuration);
    const table = tableFromWire(message.table);
    const replica = this.reach(config.gpid);
    if (replica !== null) {
      replica.core.onConfigurationPush(table, config, this.now());
      if (message.shouldYield) replica.core.onYieldAsked(config.ballot, this.now());
      replica.requests.handover.ask(config.ballot, message.successor, this.now());
      return;
    }
    if (config.ballot !== 1 || !isMember(config, this.self) || !this.isFree(config.gpid)) return;
    const { answeredUntilMs } = this.lease;
    this.make(config.gpid, table, true, (made) => {
      // On a disk that hung, another one may lead by now: what holds is said again, for the copy will be reported.
      if (this.now() < answeredUntilMs) made.core.onConfigurationPush(table, config, this.now());
    });
  }

  /** A meta server that is behind asks what it has forgotten. */
  onConfigurationQuery(from: NodeId, message: ConfigurationQuery): void {
    const replica = this.reach(gpidFromWire(message.gpid));
    if (replica === null) return;
    this.identity.bus.send(from, InternalMessage.configurationTold, {
      configuration: configurationToWire(replica.core.state.config),
      incarnation: this.identity.incarnation,
    });
  }

  onGroupCheck(from: NodeId, message: GroupCheck): void {
    const gpid = gpidFromWire(message.configuration.gpid);
    const { ballot } = message.configuration;
    const { learnId } = message;
    const invited = message.configuration.learner === this.self && learnId > 0;
    const isNew = invited && this.invitations.isNew(gpid, ballot, learnId);
    if (isNew && this.hasFailed(gpid, ballot)) {
      // The primary has all that is committed and offers it: the damaged copy goes to the trash, a
      // new one is learned.
      reached('replica.failed.relearned');
      this.run(gpidKey(gpid), () => this.removeReplica(gpid));
      return;
    }
    const replica = this.reach(gpid);
    if (replica !== null) {
      // A learner that cannot write would join by having nothing to write, and hold up the next one.
      if (invited && this.log.isFull && replica.core.learnId !== learnId) {
        reached('replica.learn.noRoom');
        return;
      }
      const isUsable = replica.core.status !== ReplicaStatus.error;
      if (invited && isUsable) this.invitations.onFollowed(gpid, ballot, learnId);
      replica.core.onGroupCheck(from, message, this.now());
      return;
    }
    if (invited && !isNew) reached('replica.learn.sameInvitation');
    if (!isNew || !this.isFree(gpid)) return;
    this.make(gpid, tableFromWire(message.table), false, (made) => {
      this.invitations.onFollowed(gpid, ballot, learnId);
      made.core.onGroupCheck(from, message, this.now());
    });
  }

  onPrepare(from: NodeId, message: Prepare): void {
    const replica = this.find(message.appId, message.partitionIndex);
    if (replica !== null && !replica.isDeaf) replica.core.onPrepare(from, message, this.now());
  }

  onCommitQuery(from: NodeId, message: CommitQuery): void {
    this.reach(gpidFromWire(message.gpid))?.freshness.onQuery(from, message, this.now());
  }

  onCommitAnswer(message: CommitAnswer): void {
    this.reach(gpidFromWire(message.gpid))?.freshness.onAnswer(message);
  }

  onPrepareAck(from: NodeId, message: PrepareAck): void {
    const replica = this.find(message.appId, message.partitionIndex);
    if (replica !== null && !replica.isDeaf) replica.core.onPrepareAck(from, message, this.now());
  }

  onGroupCheckAck(from: NodeId, message: GroupCheckAck): void {
    this.reach(gpidFromWire(message.gpid))?.core.onGroupCheckAck(from, message, this.now());
  }

  onLearnRequest(from: NodeId, message: LearnRequest): void {
    this.reach(gpidFromWire(message.gpid))?.core.onLearnRequest(from, message, this.now());
  }

  onLearnMutations(from: NodeId, message: LearnMutations): void {
    this.reach(gpidFromWire(message.gpid))?.core.onLearnMutations(from, message, this.now());
  }

  onLearnCheckpoint(from: NodeId, message: LearnCheckpoint): void {
    this.reach(gpidFromWire(message.gpid))?.core.onLearnCheckpoint(from, message);
  }

  onFileRequest(from: NodeId, message: FileRequest): void {
    this.reach(gpidFromWire(message.gpid))?.onFileRequest(from, message);
  }

  onFileChunk(message: FileChunk): void {
    this.reach(gpidFromWire(message.gpid))?.onFileChunk(message);
  }

  /** The meta server knows a newer state of the partition in which this node has no part. */
  onForget(message: ReplicaForget): void {
    const gpid = gpidFromWire(message.gpid);
    const key = gpidKey(gpid);
    const replica = this.openReplicas.get(key);
    if (this.busy.has(key) || this.closed) return;
    if (replica === undefined && !this.broken.has(key)) return;
    if (replica !== undefined && replica.core.state.config.ballot > message.ballot) return;
    this.run(key, () => this.removeReplica(gpid));
  }

  // ---- helpers ----

  private readonly endTurn = (): void => {
    const replicas = [...this.turnReplicas];
    this.turnReplicas.clear();
    const now = this.now();
    for (const replica of replicas) replica.endTurn(now);
  };

  private reach(gpid: Gpid): Replica | null {
    const replica = this.openReplicas.get(gpidKey(gpid));
    return replica === undefined || replica.isDeaf ? null : replica;
  }

  /** A copy is here that cannot be used, and its last ballot is not above `ballot`. */
  private hasFailed(gpid: Gpid, ballot: number): boolean {
    const key = gpidKey(gpid);
    if (this.busy.has(key) || this.closed) return false;
    if (this.broken.has(key)) return true;
    const replica = this.openReplicas.get(key);
    if (replica === undefined || replica.core.status !== ReplicaStatus.error) return false;
    return replica.core.state.config.ballot <= ballot;
  }

  /** Nothing of this gpid is here, nobody is at it, and there is a log for it. */
  private isFree(gpid: Gpid): boolean {
    const key = gpidKey(gpid);
    const isKnown = this.openReplicas.has(key) || this.busy.has(key) || this.broken.has(key);
    return !isKnown && !this.closed && this.logCondition === 'ok';
  }

  private run(key: number, job: () => Promise<void>): void {
    const done = job().finally(() => this.busy.delete(key));
    this.busy.set(key, done);
  }

  /**
   * What the log holds of a replica that is not here any more is void, and so is the replica: were
   * its folder brought back, it would lack that.
   */
  private dropLog(gpid: Gpid): void {
    this.log.release(gpid, LOG_HOLDER);
    this.log.appendReset(gpid, DECREE_NONE, true, this.nextCopy());
  }

  private async openReplica(gpid: Gpid): Promise<void> {
    const folder = new ReplicaFolder(this.environment.disk, this.identity.dataPath, gpid);
    try {
      this.openReplicas.set(gpidKey(gpid), await Replica.open(this, folder));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      reached('replica.broken');
      this.broken.set(gpidKey(gpid), { gpid, reason });
      this.environment.logger.warn('replica.broken', { gpid: gpidText(gpid), reason });
    }
  }

  private make(gpid: Gpid, table: AppInfo, isNew: boolean, then: (made: Replica) => void): void {
    const key = gpidKey(gpid);
    this.run(key, async () => {
      const folder = new ReplicaFolder(this.environment.disk, this.identity.dataPath, gpid);
      try {
        // What an attempt left that could not be finished, on a full disk for one, is no replica.
        if (await folder.exists()) await folder.trash(this.stamp(), 'tmp');
        // What the log lost before says nothing of a copy that begins now.
        this.dropLog(gpid);
        const replica = await Replica.create(this, folder, table, isNew);
        if (this.closed) {
          await replica.close({ flush: false });
          return;
        }
        this.openReplicas.set(key, replica);
        then(replica);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.environment.logger.warn('replica.create.failed', { gpid: gpidText(gpid), reason });
      }
    });
  }

  private async removeReplica(gpid: Gpid): Promise<void> {
    const key = gpidKey(gpid);
    const replica = this.openReplicas.get(key);
    const folder = new ReplicaFolder(this.environment.disk, this.identity.dataPath, gpid);
    try {
      const isWhole = replica !== undefined && replica.core.status !== ReplicaStatus.error;
      await replica?.close({ flush: false });
      this.openReplicas.delete(key);
      await folder.trash(this.stamp(), isWhole ? 'gar' : 'err');
      reached('replica.trashed');
      this.broken.delete(key);
      this.keeper.onRemoved(gpid, () => this.dropLog(gpid));
      this.environment.logger.info('replica.removed', { gpid: gpidText(gpid) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      // Its files are here, closed: neither is it there, nor may another take its place.
      reached('replica.trash.failed');
      this.openReplicas.delete(key);
      this.broken.set(key, { gpid, reason });
      this.environment.logger.warn('replica.remove.failed', { gpid: gpidText(gpid), reason });
      // It is told of a failed attempt with the next report: at once, it would be asked for another one at once.
      if (replica === undefined) return;
    }
    this.reportSoon();
  }

  private stamp(): string {
    return `${this.identity.incarnation}-${Math.floor(this.environment.clock.wallMs())}`;
  }

  private now(): number {
    return this.environment.clock.monotonicMs();
  }
}

function brokenState(gpid: Gpid, reason: string): ReplicaReportState {
  return { ...makeReplicaState(), gpid, status: ReplicaStatus.error, failure: reason };
}
