/**
 * One replica on this server: its folder, engine and protocol core, and the wiring between them.
 *
 * The core decides, this class does: each effect of the core ends here, and each completion goes
 * back as an event. While a learned checkpoint is being swapped in, the replica is deaf: peers
 * repeat what they had to say.
 */
import { assert } from '../base/assert.ts';
import { ErrorCode } from '../base/error-names.ts';
import type { ReplicaEffects } from '../consensus/effects.ts';
import type { Lease } from '../consensus/lease.ts';
import type { Mutation } from '../consensus/mutation.ts';
import { ReplicaCore } from '../consensus/replica-core.ts';
import type { Engine, EngineStatus } from '../env/engine.ts';
import type { ReplicaEnvironment } from '../env/environment.ts';
import {
  type AppInfo,
  initialConfiguration,
  type PartitionConfiguration,
  ReplicaStatus,
} from '../model/configuration.ts';
import { type Ballot, type Decree, type Gpid, gpidText, type NodeId } from '../model/identity.ts';
import type { ThriftSession } from '../rpc/thrift-session.ts';
import { LatestValues, type ValueSource } from '../storage/latest-value.ts';
import type { LogOwner, MutationLog } from '../storage/log/mutation-log.ts';
import { WriteService } from '../storage/write-service.ts';
import type {
  ConfigurationUpdate,
  FileChunk,
  FileRequest,
  LearnCheckpoint,
  ReplicaState as ReplicaReportState,
} from '../wire/generated/internal.ts';
import type { InternalMessageMap } from '../wire/internal-frame.ts';
import type { Reader } from '../wire/reader.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import type { RequestHeader } from '../wire/thrift-frame.ts';
import { readForLearner } from './bandwidth.ts';
import { CheckpointSource } from './checkpoint-source.ts';
import { ClientRequests } from './client-requests.ts';
import { ConfigurationKeeper, type ConfigurationOwner } from './configuration-keeper.ts';
import { Freshness } from './freshness.ts';
import { LearnFetches } from './learn-fetches.ts';
import { LOG_HOLDER, learnerHolder } from './log-holders.ts';
import { ReplicaActivity } from './replica-activity.ts';
import {
  type EngineOwner,
  isDamage,
  type OpenedEngine,
  openEngine,
  ReplicaEngine,
} from './replica-engine.ts';
import { COPY_REMOVED, type ReplicaFolder, type StoredReplica } from './replica-folder.ts';
import type { ReplicaHost, ReplicaInspection } from './replica-host.ts';
import { inspectionOf, reportOf } from './replica-report.ts';
import type { RequestHost } from './request-host.ts';
import { engineMaking, SettingsKeeper } from './settings-keeper.ts';

const CLUSTER_ID = 1;
const BROUGHT_BACK = 'its folder was brought back after it had been removed';

export class Replica
  implements ReplicaEffects, EngineOwner, LogOwner, ConfigurationOwner, RequestHost, ValueSource
{
  readonly gpid: Gpid;
  readonly core: ReplicaCore;
  readonly folder: ReplicaFolder;
  readonly copy: number;
  readonly freshness: Freshness;
  private readonly activity = new ReplicaActivity();
  private readonly host: ReplicaHost;
  private readonly source: CheckpointSource;
  private readonly writes: WriteService;
  readonly requests: ClientRequests;
  private readonly storage: ReplicaEngine;
  private readonly settings: SettingsKeeper;
  private readonly fetches: LearnFetches;
  /** A fetched checkpoint is being swapped in, or the replica is closing. */
  private deaf = false;
  private lastBallot = 0;
  private readonly configuration: ConfigurationKeeper;

  private constructor(
    host: ReplicaHost,
    folder: ReplicaFolder,
    stored: StoredReplica,
    isNew: boolean,
    opened: OpenedEngine,
  ) {
    this.host = host;
    this.folder = folder;
    this.gpid = folder.gpid;
    this.copy = stored.copy;
    this.source = new CheckpointSource(host.environment.disk, folder);
    this.fetches = this.makeFetches();
    this.configuration = new ConfigurationKeeper(folder, this);
    this.core = new ReplicaCore(
      this.gpid,
      host.self,
      stored.table,
      isNew,
      host.coreOptions,
      this,
      () => host.nextLearnId(),
    );
    const { table } = stored;
    const { decree, digest } = opened.applied;
    this.core.onOpened(stored.config, decree, digest);
    this.core.state.tailUnproven = stored.tailUnproven;
    const { appId, partitionIndex } = this.gpid;
    const context = { appId, partitionIndex, server: host.self };
    const { environment, load, options } = host;
    const { counters, meter } = this.activity;
    this.settings = new SettingsKeeper(environment.logger, this.gpid, table);
    const { current } = this.settings;
    this.writes = new WriteService(context, current, CLUSTER_ID, new LatestValues(this));
    const readParts = { meter, pool: load.reads };
    this.storage = new ReplicaEngine(
      environment,
      folder,
      context,
      this,
      this.settings,
      readParts,
      load.compactions,
      opened,
    );
    this.freshness = new Freshness(this.core, host.lease, host.nextLearnId(), this);
    const { gpid, storage: source, writes } = this;
    const parts = { environment, gpid, source, writes, meter, counters, load, options };
    this.requests = new ClientRequests(this, parts);
    host.log.hold(this.gpid, LOG_HOLDER, decree);
  }

  /**
   * Opens what is on disk; rejects when the engine or the folder is damaged. The log is replayed
   * afterwards.
   */
  static async open(host: ReplicaHost, folder: ReplicaFolder): Promise<Replica> {
    await folder.recover();
    const stored = await folder.read();
    if (stored === null) throw new Error('replica.json is missing or damaged');
    if (stored.copy === COPY_REMOVED) throw new Error(BROUGHT_BACK);
    return new Replica(host, folder, stored, false, await openEngine(host.environment, folder));
  }

  /** Makes an empty replica: `isNew` for the first configuration of a table, else a learner's. */
  static async create(
    host: ReplicaHost,
    folder: ReplicaFolder,
    table: AppInfo,
    isNew: boolean,
  ): Promise<Replica> {
    const config = initialConfiguration(folder.gpid, table.maxReplicaCount);
    const stored = { config, table, tailUnproven: false, copy: host.nextCopy() };
    await folder.create(stored);
    const opened = await openEngine(host.environment, folder, engineMaking(table));
    return new Replica(host, folder, stored, isNew, opened);
  }

  // ---- events from the server ----

  /** Messages of peers and the meta server are for `core`, unless the replica is deaf. */
  get isDeaf(): boolean {
    return this.deaf;
  }

  onRequest(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    if (this.deaf) session.replyError(header.rpc, header.seqid, ErrorCode.invalidState);
    else this.requests.onRequest(session, header, reader);
  }

  onReplay(mutation: Mutation): void {
    this.core.onReplay(mutation);
  }

  /** Resolves when everything that was replayed is in the engine. */
  settled(): Promise<void> {
    return this.storage.idle();
  }

  /** Durable when it resolves. Before any role. */
  async distrustTail(): Promise<void> {
    const { state } = this.core;
    if (state.status === ReplicaStatus.error) return;
    assert(state.status === ReplicaStatus.inactive, 'a tail is doubted at a start');
    state.tailUnproven = true;
    await this.folder.write(this.stored(state.config, state.table));
  }

  /**
   * The folder was brought back after it had been removed: it lacks what the log had for it. The log
   * forgets that in time, so the folder says it.
   */
  async disown(): Promise<void> {
    const { config, table, tailUnproven } = this.core.state;
    this.core.fail(BROUGHT_BACK);
    await this.folder.write({ config, table, tailUnproven, copy: COPY_REMOVED });
  }

  onTick(nowMs: number): void {
    if (this.deaf) return;
    this.configuration.onTick(nowMs);
    this.core.onTick(nowMs);
    this.fetches.onTick(nowMs);
    this.requests.endTurn(nowMs);
    this.storage.reads.expireScans();
    this.storage.onTick(nowMs, this.host.options.flushIntervalMs);
  }

  endTurn(nowMs: number): void {
    this.requests.endTurn(nowMs);
    this.core.flushAcks();
  }

  onFileRequest(from: NodeId, request: FileRequest): void {
    void this.source.read(request).then((chunk) => {
      if (!this.deaf) this.host.send(from, InternalMessage.fileChunk, chunk);
    });
  }

  onFileChunk(chunk: FileChunk): void {
    this.fetches.onFileChunk(chunk);
  }

  /** Makes what is applied durable, so that its log can go. Never rejects. */
  flush(): Promise<void> {
    return this.storage.flush();
  }

  /** Ends all work; the folder stays as it is. Idempotent. */
  async close(options: { readonly flush: boolean }): Promise<void> {
    this.deaf = true;
    this.requests.close();
    await this.fetches.close();
    await this.configuration.close();
    await this.source.close();
    await this.storage.close(options);
  }

  inspect(): ReplicaInspection {
    return inspectionOf(this.core, this.storage, this.activity, this.now());
  }

  report(): ReplicaReportState {
    return reportOf(this.core, this.storage, this.fetches.fetchedBytes, this.activity);
  }

  // ---- ValueSource ----

  get engine(): Engine | null {
    return this.storage.current;
  }

  *unapplied(): Iterable<Uint8Array> {
    const { list } = this.core.state;
    for (let decree = list.lastPrepared; decree > list.lastCommitted; decree--) {
      yield list.get(decree)!.body;
    }
    yield* this.storage.unapplied();
  }

  // ---- RequestHost ----

  get clock(): ReplicaEnvironment['clock'] {
    return this.host.environment.clock;
  }

  get log(): MutationLog {
    return this.host.log;
  }

  get lease(): Lease {
    return this.host.lease;
  }

  appliedDecree(): number {
    return this.storage.appliedDecree;
  }

  completeAsOfMs(nowMs: number): number {
    return this.freshness.completeAsOfMs(nowMs);
  }

  endTurnSoon(): void {
    this.host.endTurnSoon(this);
  }

  onEngineFailed(): void {
    this.failSoon('the engine cannot be read');
  }

  // ---- EngineOwner, LogOwner, ConfigurationOwner ----

  onApplied(mutation: Mutation): void {
    this.requests.pipeline.onApplied(mutation);
    this.requests.onApplied();
  }

  onDurable(decree: Decree): void {
    this.host.log.hold(this.gpid, LOG_HOLDER, decree);
  }

  onFlushFailed(reason: string): void {
    this.core.fail(`the engine cannot flush: ${reason}`);
  }

  onApplyFailed(status: EngineStatus): void {
    this.failSoon(`the engine refused a mutation (status ${status})`);
  }

  onLogAppended(mutation: Mutation): void {
    if (this.deaf) return;
    this.core.onLogAppended(mutation, this.now());
  }

  onPersisted(ballot: Ballot): void {
    this.core.onConfigurationPersisted(ballot, this.now());
    // Writes may wait for that.
    this.endTurnSoon();
  }

  onPersistFailed(reason: string): void {
    this.core.fail(reason);
  }

  onLogFailed(error: Error): void {
    this.core.fail(`the log failed: ${error.message}`);
  }

  // ---- effects: messages ----

  send<T extends InternalMessage>(to: NodeId, type: T, message: InternalMessageMap[T]): void {
    this.host.send(to, type, message);
  }

  sendConfigurationUpdate(message: ConfigurationUpdate): void {
    this.host.sendToLeader(InternalMessage.configurationUpdate, message);
  }

  // ---- effects: log, engine, learning ----

  appendLog(mutation: Mutation): void {
    const durable = this.host.options.durability === 'fsync';
    if (!this.host.log.append(mutation, this, durable)) {
      this.failSoon('the log takes no more: the disk does not keep up');
    }
  }

  commit(mutation: Mutation): void {
    this.storage.apply(mutation);
  }

  flushAcksSoon(): void {
    this.endTurnSoon();
  }

  readLog(learnId: number, fromDecree: Decree): void {
    readForLearner(this.host, this.gpid, fromDecree).then(
      (mutations) => this.core.onLogRead(learnId, mutations),
      (error: unknown) => {
        this.logWarning('replica.log.unreadable', error);
        this.core.onLogRead(learnId, null);
      },
    );
  }

  makeCheckpoint(learnId: number): void {
    const engine = this.storage.current;
    if (engine === null || this.source.isMaking(learnId)) return;
    const decree = this.storage.appliedDecree;
    this.source.make(engine, learnId).then(
      (made) => {
        if (made === null || this.deaf) return;
        this.core.onCheckpointMade(learnId, made.id, decree, made.files);
      },
      (error: unknown) => {
        this.logWarning('replica.checkpoint.failed', error);
        // Nobody can learn from it, and reads would meet the damage too.
        if (isDamage(error)) this.core.fail(`the engine is damaged: ${messageOf(error)}`);
      },
    );
  }

  releaseLearner(learnId: number): void {
    this.host.log.release(this.gpid, learnerHolder(learnId));
    this.source
      .release(learnId)
      .catch((error: unknown) => this.logWarning('replica.checkpoint.remove.failed', error));
  }

  holdLog(learnId: number, fromDecree: Decree): void {
    this.host.log.hold(this.gpid, learnerHolder(learnId), (fromDecree - 1) as Decree);
  }

  fetchCheckpoint(from: NodeId, message: LearnCheckpoint): void {
    this.fetches.begin(from, message);
  }

  abandonFetches(exceptLearnId: number): void {
    this.fetches.abandon(exceptLearnId);
  }

  // ---- effects: role ----

  roleChanged(
    status: ReplicaStatus,
    config: PartitionConfiguration,
    table: AppInfo,
    previous: ReplicaStatus,
  ): void {
    this.applySettings(status, table);
    if (previous === ReplicaStatus.primary && status !== ReplicaStatus.primary) {
      this.requests.onRoleEnded();
    }
    const { ballot } = config;
    // A repeated push changes nothing: a report of it would be answered with the next push.
    if (status !== previous || ballot !== this.lastBallot) this.host.reportSoon();
    this.lastBallot = ballot;
    if (status === previous) return;
    const fields = { gpid: gpidText(this.gpid), ballot, status, previous };
    this.host.environment.logger.info('replica.role', fields);
  }

  persistConfiguration(config: PartitionConfiguration, table: AppInfo): void {
    this.configuration.persist(this.stored(config, table));
  }

  mutationsDropped(afterDecree: Decree): void {
    this.requests.pipeline.onDropped(afterDecree);
  }

  failed(reason: string): void {
    this.storage.stop();
    this.requests.onRoleEnded();
    this.host.environment.logger.warn('replica.failed', { gpid: gpidText(this.gpid), reason });
    this.host.reportSoon();
  }

  // ---- helpers ----

  private stored(config: PartitionConfiguration, table: AppInfo): StoredReplica {
    return { config, table, tailUnproven: this.core.state.tailUnproven, copy: this.copy };
  }

  /** For trouble found inside an effect: the core is in the middle of an event. */
  private failSoon(reason: string): void {
    this.host.environment.timers.defer(() => {
      if (!this.deaf) this.core.fail(reason);
    });
  }

  private makeFetches(): LearnFetches {
    const { gpid, folder } = this;
    const { environment, learnBandwidth: bandwidth, options } = this.host;
    const { learnPieceBytesMax: pieceBytesMax } = options;
    const parts = { environment, gpid, path: folder.learnPath, bandwidth, pieceBytesMax };
    return new LearnFetches(parts, {
      request: (from, request) => this.host.send(from, InternalMessage.fileRequest, request),
      swapEngine: () => {
        this.deaf = true;
        return this.storage.replace();
      },
      onSwapped: (learnId, { decree, digest }) => {
        this.deaf = false;
        this.core.onCheckpointInstalled(learnId, decree, digest, this.now());
      },
      onSwapFailed: (error) => {
        // The files stay for whoever looks.
        this.deaf = false;
        this.core.fail(`a fetched checkpoint could not be opened: ${messageOf(error)}`);
      },
      onFetchFailed: (learnId) => this.core.onCheckpointFailed(learnId, this.now()),
    });
  }

  private applySettings(status: ReplicaStatus, table: AppInfo): void {
    if (this.settings.update(table)) {
      const { current } = this.settings;
      this.writes.applySettings(current);
      this.requests.applySettings(current);
    }
    const hasRole = status !== ReplicaStatus.inactive && status !== ReplicaStatus.error;
    this.storage.applySettings(hasRole);
  }

  private logWarning(event: string, error: unknown): void {
    const fields = { gpid: gpidText(this.gpid), error: messageOf(error) };
    this.host.environment.logger.warn(event, fields);
  }

  private now(): number {
    return this.host.environment.clock.monotonicMs();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
