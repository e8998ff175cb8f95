/**
 * The replica server: one data folder, one port, one shared log, many replicas.
 *
 *   const server = await ReplicaServer.open(environment, options);
 *   server.address;       // with the real port
 *   await server.close(); // drains: leaves the cluster, flushes, closes
 *
 * Starting: lock the folder, take a new incarnation, open all replicas, replay the log into them,
 * listen, send beacons. A replica that cannot be opened is reported as failed and keeps its files;
 * it never keeps the others from serving.
 */

import { assert } from '../base/assert.ts';
import { EMPTY_BYTES } from '../base/bytes.ts';
import { ErrorCode } from '../base/error-names.ts';
import { type HostPort, hostPortText } from '../base/host-port.ts';
import { Lease } from '../consensus/lease.ts';
import type { TimerHandle } from '../env/clock.ts';
import type { ReplicaEnvironment } from '../env/environment.ts';
import type { Random } from '../env/random.ts';
import { type NodeId, toNodeId } from '../model/identity.ts';
import { speakToClients } from '../rpc/client-dialects.ts';
import { DEFAULT_MESSAGE_BUS_OPTIONS, MessageBus } from '../rpc/message-bus.ts';
import {
  type ConnectionProtocol,
  DEFAULT_RPC_SERVER_OPTIONS,
  ProtocolMagic,
  RpcServer,
} from '../rpc/server.ts';
import { RpcStatistics } from '../rpc/statistics.ts';
import type { RequestHandler, ThriftSession } from '../rpc/thrift-session.ts';
import type { InventoryRequest } from '../wire/generated/internal.ts';
import { writeNegotiationResponse } from '../wire/generated/meta.ts';
import type { Reader } from '../wire/reader.ts';
import { RpcCode } from '../wire/rpc-codes.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { NegotiationStatus } from '../wire/schema/meta.ts';
import type { RequestHeader } from '../wire/thrift-frame.ts';
import { BeaconSender, type DiskSpace } from './beacon-sender.ts';
import { answerDiskRequest, type DiskHost, type DiskReplica } from './disk-requests.ts';
import { inventoryOf } from './inventory.ts';
import type { LogCondition } from './log-keeper.ts';
import { asUserError, type NodeFolder, openNodeFolder } from './node-folder.ts';
import type { ReplicaOptions } from './options.ts';
import { replicaCommands } from './remote-commands.ts';
import type { ReplicaInspection } from './replica-host.ts';
import { type ReplicaFailure, ReplicaStore } from './replica-store.ts';
import { TrashKeeper } from './trash.ts';
import { Witness } from './witness.ts';

const TRASH_INTERVAL_MS = 60_000;

export class ReplicaServer implements RequestHandler {
  /** What others connect to. */
  readonly address: HostPort;
  readonly nodeId: NodeId;
  readonly incarnation: number;
  readonly statistics: RpcStatistics;
  private readonly environment: ReplicaEnvironment;
  private readonly options: ReplicaOptions;
  private readonly folder: NodeFolder;
  private readonly rpc: RpcServer;
  private readonly bus: MessageBus;
  private readonly lease: Lease;
  private readonly beacons: BeaconSender;
  private readonly store: ReplicaStore;
  private readonly witness: Witness;
  private readonly trash: TrashKeeper;
  private timers: TimerHandle[] = [];
  private closing: Promise<void> | null = null;
  private reportSequence = 0;
  private reportPending = false;
  private measuring = false;
  private isOutlived = false;
  private readonly onOutlived: () => void;

  private constructor(
    environment: ReplicaEnvironment,
    options: ReplicaOptions,
    address: HostPort,
    folder: NodeFolder,
    rpc: RpcServer,
    statistics: RpcStatistics,
    onOutlived: () => void,
  ) {
    this.onOutlived = onOutlived;
    this.environment = environment;
    this.options = options;
    this.address = address;
    this.nodeId = toNodeId(hostPortText(address));
    this.incarnation = folder.incarnation;
    this.folder = folder;
    this.rpc = rpc;
    this.statistics = statistics;
    this.lease = new Lease(options.leaseMs);
    this.bus = this.makeBus();
    this.witness = new Witness(environment, this.bus);
    this.trash = new TrashKeeper(environment, folder.path, options);
    this.beacons = this.makeBeacons();
    this.store = new ReplicaStore(environment, options, {
      self: this.nodeId,
      dataPath: folder.path,
      incarnation: folder.incarnation,
      isTailAtRisk: folder.isTailAtRisk,
      lease: this.lease,
      bus: this.bus,
      leader: () => this.beacons.leader,
      reportSoon: () => this.reportSoon(),
    });
  }

  /**
   * Rejects with `UserError` or `ListenError` when the folder or the port cannot be had. After
   * `onOutlived` this life is of no use: close it and open another one (server-lives.ts).
   */
  static async open(
    environment: ReplicaEnvironment,
    options: ReplicaOptions,
    onOutlived: () => void = () => {},
  ): Promise<ReplicaServer> {
    const statistics = new RpcStatistics();
    const { connectionsPerAddressMax } = options;
    const rpcOptions = { ...DEFAULT_RPC_SERVER_OPTIONS, connectionsPerAddressMax };
    const rpc = new RpcServer(environment, rpcOptions, statistics);
    const listening = await rpc.listen(options.listen);
    try {
      const address = options.advertised ?? listening;
      const nodeId = toNodeId(hostPortText(address));
      const { disk } = environment;
      const folder = await openNodeFolder(disk, options.dataPath, options.clusterName, nodeId, {
        bootId: environment.bootId ?? '',
        durability: options.durability,
      });
      const server = new ReplicaServer(
        environment,
        options,
        address,
        folder,
        rpc,
        statistics,
        onOutlived,
      );
      await server.startOrLeave();
      rpc.speak(ProtocolMagic.internal, server.bus);
      speakToClients(rpc, environment, statistics, server, address, replicaCommands(server));
      return server;
    } catch (error) {
      await rpc.close();
      throw error;
    }
  }

  /**
   * Leaves the cluster and makes everything durable. The lease is given up first, so nothing is
   * answered after the meta server may have chosen other primaries. Idempotent.
   */
  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  /** One more dialect on its port: see `RpcServer.speak`. */
  speak(magic: number, protocol: ConnectionProtocol): void {
    this.rpc.speak(magic, protocol);
  }

  /** For what is learned from now on. */
  setLearnRate(bytesPerSecondMax: number): void {
    this.store.learnBandwidth.setRate(bytesPerSecondMax);
  }

  /** Bytes a second. */
  get learnRate(): number {
    return this.store.learnBandwidth.rate;
  }

  /** Every replica, for the simulator's checkers and for tests. */
  inspect(): readonly ReplicaInspection[] {
    return this.store.replicas().map((replica) => replica.inspect());
  }

  /** Of the disk that the data folder is on, as last measured. */
  get diskSpace(): DiskSpace {
    return this.beacons.diskSpace;
  }

  /** Anything but `ok` keeps this server from taking writes; see log-keeper.ts. */
  get logCondition(): LogCondition {
    return this.store.logCondition;
  }

  /** Copies that are here and cannot be used: they wait for a primary that offers better ones. */
  failures(): readonly ReplicaFailure[] {
    return this.store.failures();
  }

  get hasLease(): boolean {
    return this.lease.isValid(this.environment.clock.monotonicMs());
  }

  // ---- RequestHandler ----

  onRequest(session: ThriftSession, header: RequestHeader, reader: Reader): void {
    if (header.rpc === RpcCode.negotiation) {
      // Authentication is off: every client is told so, whatever it proposed.
      const writer = session.beginReply(header.rpc, header.seqid);
      writeNegotiationResponse(writer, { status: NegotiationStatus.authDisable, msg: EMPTY_BYTES });
      session.finishReply();
      return;
    }
    if (header.appId <= 0) {
      if (answerDiskRequest(this.disk, session, header, reader)) return;
      session.replyError(header.rpc, header.seqid, ErrorCode.handlerNotFound);
      return;
    }
    const replica = this.store.find(header.appId, header.partitionIndex);
    if (replica === null) {
      session.replyError(header.rpc, header.seqid, ErrorCode.objectNotFound);
      return;
    }
    replica.onRequest(session, header, reader);
  }

  onSessionClosed(_session: ThriftSession): void {}

  private get disk(): DiskHost {
    const replicas = (): DiskReplica[] =>
      this.store.replicas().map(({ gpid, core: { state } }) => {
        return { gpid, appName: state.table.appName, status: state.status };
      });
    return { dataPath: this.folder.path, space: this.diskSpace, replicas };
  }

  // ---- life ----

  /** A disk that refuses what a start has to write is the operator's, in words. */
  private async startOrLeave(): Promise<void> {
    try {
      await this.start();
    } catch (error) {
      this.witness.close();
      this.bus.close();
      throw asUserError(error, this.folder.path);
    }
  }

  private async start(): Promise<void> {
    // Replaying the log may take a while; that the former life is over can be acted on meanwhile.
    this.beacons.send(false);
    await this.store.open();
    await this.folder.settleTails();
    await this.measureSpace();
    const { timers } = this.environment;
    const { beaconIntervalMs, reportIntervalMs, tickIntervalMs } = this.options;
    this.timers = [
      timers.every(beaconIntervalMs, () => this.beacons.send(false)),
      timers.every(reportIntervalMs, () => this.onReportInterval()),
      timers.every(TRASH_INTERVAL_MS, () => this.trash.look(this.environment.clock.wallMs())),
      timers.every(tickIntervalMs, () => this.store.onTick(this.environment.clock.monotonicMs())),
    ];
    this.beacons.send(false);
    const { nodeId, incarnation } = this;
    this.environment.logger.info('replica.server.started', { nodeId, incarnation });
  }

  private async closeOnce(): Promise<void> {
    const { timers, logger } = this.environment;
    for (const timer of this.timers) timers.cancel(timer);
    this.timers = [];
    this.lease.surrender();
    this.beacons.send(true);
    await this.store.close();
    await this.trash.close();
    this.witness.close();
    this.bus.close();
    // The meta server takes a refused connection for proof that this life holds no lease any more.
    assert(!this.hasLease, 'a server that holds a lease listens');
    await this.rpc.close();
    await this.folder.lock.release();
    logger.info('replica.server.stopped', { nodeId: this.nodeId });
  }

  /** The data folder came back from an old copy: other lives have had this incarnation, or later ones. */
  private async leaveLife(known: number): Promise<void> {
    if (this.isOutlived || this.closing !== null) return;
    this.isOutlived = true;
    const { logger } = this.environment;
    const { nodeId, incarnation } = this;
    logger.warn('replica.server.outlived', { nodeId, incarnation, known });
    try {
      await this.folder.outlivedBy(known);
    } catch (error) {
      // With the next beacon it is told again.
      this.isOutlived = false;
      const text = error instanceof Error ? error.message : String(error);
      logger.warn('replica.server.outlived_unsaved', { error: text });
      return;
    }
    this.onOutlived();
  }

  // ---- talking to the meta server ----

  private onReportInterval(): void {
    this.report();
    void this.measureSpace();
  }

  private reportSoon(): void {
    if (this.reportPending || this.closing !== null) return;
    this.reportPending = true;
    this.environment.timers.defer(() => {
      this.reportPending = false;
      if (this.closing === null) this.report();
    });
  }

  private report(): void {
    const { leader } = this.beacons;
    if (leader === null) return;
    this.reportSequence += 1;
    this.bus.send(leader, InternalMessage.replicaReport, {
      nodeId: this.nodeId,
      incarnation: this.incarnation,
      replicas: this.store.report(),
      sequence: this.reportSequence,
    });
  }

  /** A meta server has lost its store, and makes it anew from what all servers hold. */
  private tellInventory(from: NodeId, { attempt }: InventoryRequest): void {
    const held = inventoryOf(this.store.replicas(), this.store.report());
    const { incarnation } = this;
    this.bus.send(from, InternalMessage.inventoryAnswer, { incarnation, attempt, ...held });
  }

  /** A disk that hangs is asked once, not once a second. */
  private async measureSpace(): Promise<void> {
    if (this.measuring) return;
    this.measuring = true;
    try {
      this.beacons.setSpace(await this.environment.disk.space(this.folder.path));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.environment.logger.warn('replica.space.unknown', { error: text });
    }
    this.measuring = false;
  }

  private makeBus(): MessageBus {
    const events = {
      messages: {
        [InternalMessage.beaconAck]: (from, message) => this.beacons.onBeaconAck(from, message),
        [InternalMessage.configurationPush]: (_from, message) => {
          // Before this life was acknowledged, it may be meant for another one with the same number.
          if (this.beacons.heeds(message.metaEpoch)) this.store.onConfigurationPush(message);
        },
        [InternalMessage.replicaForget]: (_from, message) => {
          if (this.beacons.heeds(message.metaEpoch)) this.store.onForget(message);
        },
        [InternalMessage.prepare]: (from, message) => this.store.onPrepare(from, message),
        [InternalMessage.prepareAck]: (from, message) => this.store.onPrepareAck(from, message),
        [InternalMessage.groupCheck]: (from, message) => this.store.onGroupCheck(from, message),
        [InternalMessage.groupCheckAck]: (from, message) =>
          this.store.onGroupCheckAck(from, message),
        [InternalMessage.learnRequest]: (from, message) => this.store.onLearnRequest(from, message),
        [InternalMessage.learnMutations]: (from, message) =>
          this.store.onLearnMutations(from, message),
        [InternalMessage.learnCheckpoint]: (from, message) =>
          this.store.onLearnCheckpoint(from, message),
        [InternalMessage.fileRequest]: (from, message) => this.store.onFileRequest(from, message),
        [InternalMessage.fileChunk]: (_from, message) => this.store.onFileChunk(message),
        [InternalMessage.configurationQuery]: (from, message) =>
          this.store.onConfigurationQuery(from, message),
        [InternalMessage.commitQuery]: (from, message) => this.store.onCommitQuery(from, message),
        [InternalMessage.commitAnswer]: (_from, message) => this.store.onCommitAnswer(message),
        [InternalMessage.inventoryRequest]: (from, message) => this.tellInventory(from, message),
        [InternalMessage.witnessRequest]: (from, message) =>
          this.witness.onWitnessRequest(from, message),
      },
      onPeerConnected: () => {},
      onPeerLost: () => {},
    } satisfies ConstructorParameters<typeof MessageBus>[3];
    const identity = {
      clusterName: this.options.clusterName,
      nodeId: this.nodeId,
      incarnation: this.incarnation,
    };
    const busOptions = { ...DEFAULT_MESSAGE_BUS_OPTIONS, ...identity };
    return new MessageBus(this.environment, busOptions, this.statistics, events);
  }

  private makeBeacons(): BeaconSender {
    const metas = this.options.metaServers.map((address) => toNodeId(hostPortText(address)));
    const identity = {
      self: this.nodeId,
      address: this.address,
      incarnation: this.incarnation,
      lifeId: drawLifeId(this.environment.random),
      metas,
      leaseMs: this.options.leaseMs,
      labels: this.options,
    };
    return new BeaconSender(this.environment, identity, this.lease, {
      sendBeacon: (to, beacon) => {
        this.bus.send(to, InternalMessage.beacon, beacon);
      },
      onSilent: (meta) => this.bus.renew(meta),
      onLeaderChanged: () => this.reportSoon(),
      onOutlived: (incarnation) => void this.leaveLife(incarnation),
    });
  }
}

/** Two lives with the same incarnation draw different ones. Never 0. */
function drawLifeId(random: Random): number {
  return 1 + random.u32() * 0x10000 + random.below(0x10000);
}
