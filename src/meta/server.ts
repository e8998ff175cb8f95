/**
 * The meta server: a port with the two dialects in which it is spoken to, and the term (term.ts) that answers them
 * while it leads.
 *
 *   const meta = await MetaServer.open(environment, defaultOptions(META_OPTIONS, { listen, dataPath }));
 *
 * With the embedded journal it is the only meta server of its cluster: it leads from its start to its end, and `open`
 * fails when the journal cannot be had. With a service that several share (`MetaServer.join`) it stands for election,
 * and forwards while it does not lead (forwarder.ts).
 *
 * It lives until `close`. What goes wrong later than `open` does not end it: the state store waits out its trouble,
 * and what was known keeps being served.
 */
import { assert, assertAtMost } from '../base/assert.ts';
import type { ClusterBrain } from '../cluster/brain.ts';
import type { CoordinationService } from '../env/coordination.ts';
import type { MetaEnvironment } from '../env/environment.ts';
import type { StateStore } from '../env/state-store.ts';
import { type HostPort, hostPortText, type NodeId, toNodeId } from '../model/identity.ts';
import { speakToClients } from '../rpc/client-dialects.ts';
import {
  DEFAULT_MESSAGE_BUS_OPTIONS,
  MessageBus,
  type MessageHandlers,
} from '../rpc/message-bus.ts';
import { RdsnRelay } from '../rpc/rdsn-relay.ts';
import {
  type ConnectionProtocol,
  DEFAULT_RPC_SERVER_OPTIONS,
  ProtocolMagic,
  RpcServer,
} from '../rpc/server.ts';
import { RpcStatistics } from '../rpc/statistics.ts';
import type { RequestHandler } from '../rpc/thrift-session.ts';
import type { Beacon } from '../wire/generated/internal.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { dumpCommand } from './dump-command.ts';
import { Forwarder } from './forwarder.ts';
import { DEFAULT_JOURNAL_LIMITS, JournalStore } from './journal-store.ts';
import { LastBeacons } from './last-beacons.ts';
import { Leadership, type LeadershipState, type Term } from './leadership.ts';
import type { MetaService } from './meta-service.ts';
import type { MetaOptions } from './options.ts';
import { metaCommands } from './remote-commands.ts';
import { MetaTerm } from './term.ts';

export class MetaServer {
  /** Where it is reached, with the real port. */
  readonly address: HostPort;
  /** All of the cluster. */
  readonly metaServers: readonly HostPort[];
  readonly statistics: RpcStatistics;
  readonly #environment: MetaEnvironment;
  readonly #options: MetaOptions;
  readonly #rpc: RpcServer;
  readonly #bus: MessageBus;
  readonly #relay: RdsnRelay;
  readonly #beacons: LastBeacons;
  /** Both null with the embedded journal. */
  readonly #service: CoordinationService | null;
  readonly #leadership: Leadership | null;
  /** Of the present term. */
  #store: StateStore | null = null;
  #term: MetaTerm | null = null;
  /** Stores of former terms that are being closed. */
  #closing: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(
    environment: MetaEnvironment,
    options: MetaOptions,
    listening: Listening,
    incarnation: number,
    service: CoordinationService | null,
  ) {
    this.#environment = environment;
    this.#options = options;
    this.#rpc = listening.rpc;
    this.statistics = listening.statistics;
    this.address = options.advertised ?? listening.address;
    this.metaServers = (service === null ? null : options.metaServers) ?? [this.address];
    this.#beacons = new LastBeacons(environment.clock, options.graceMs);
    this.#bus = new MessageBus(
      environment,
      {
        ...DEFAULT_MESSAGE_BUS_OPTIONS,
        clusterName: options.clusterName,
        nodeId: toNodeId(hostPortText(this.address)),
        incarnation,
      },
      this.statistics,
      {
        messages: this.#messageHandlers(),
        onPeerConnected() {},
        onPeerLost() {},
        onInboundLost: (node, life) => this.#term?.onInboundLost(node, life),
      },
    );
    this.#relay = new RdsnRelay(environment);
    this.#service = service;
    this.#leadership = service === null ? null : this.#makeLeadership(service);
  }

  /** With the embedded journal. Rejects with `StateStoreError` or `ListenError`; then nothing is left behind. */
  static async open(environment: MetaEnvironment, options: MetaOptions): Promise<MetaServer> {
    assertAtMost(10 * options.tickIntervalMs, options.graceMs, 'ticks are shorter than the grace');
    const store = await JournalStore.open(environment, {
      ...DEFAULT_JOURNAL_LIMITS,
      path: options.dataPath,
      clusterName: options.clusterName,
    });
    let listening: Listening | null = null;
    try {
      listening = await startListening(environment, options.listen);
      const server = new MetaServer(environment, options, listening, store.epoch, null);
      server.#beginTerm({ store, isSuccession: false });
      server.#speak();
      environment.logger.info('meta.started', {
        address: hostPortText(server.address),
        cluster: options.clusterName,
        clusterId: store.clusterId,
        epoch: store.epoch,
      });
      return server;
    } catch (error) {
      await listening?.rpc.close();
      await store.close();
      throw error;
    }
  }

  /**
   * One of several, which share `service`; whether that can be reached shows later. `options.metaServers` names this
   * one too (META_OPTION_RELATIONS). The service is closed with the server. Rejects with `ListenError`.
   */
  static async join(
    environment: MetaEnvironment,
    options: MetaOptions,
    service: CoordinationService,
  ): Promise<MetaServer> {
    assertAtMost(10 * options.tickIntervalMs, options.graceMs, 'ticks are shorter than the grace');
    const listening = await startListening(environment, options.listen);
    // Nobody compares the lives of a meta server: what it does is told by the epoch.
    const incarnation = 1 + environment.random.u32();
    const server = new MetaServer(environment, options, listening, incarnation, service);
    server.#speak();
    environment.logger.info('meta.started', {
      address: hostPortText(server.address),
      cluster: options.clusterName,
    });
    return server;
  }

  /** One more dialect on its port: see `RpcServer.speak`. */
  speak(magic: number, protocol: ConnectionProtocol): void {
    this.#rpc.speak(magic, protocol);
  }

  /** Null while it does not lead. */
  get term(): MetaTerm | null {
    return this.#term;
  }

  /** Of a server that leads. */
  get brain(): ClusterBrain {
    assert(this.#term !== null, 'who leads has a brain');
    return this.#term.brain;
  }

  /** Of a server that leads. */
  get service(): MetaService {
    assert(this.#term !== null, 'who leads answers');
    return this.#term.service;
  }

  get state(): LeadershipState {
    return this.#leadership?.state ?? 'leading';
  }

  /** Who leads; null while it is not known. */
  get leader(): HostPort | null {
    return this.#leadership === null ? this.address : this.#leadership.leader;
  }

  /** The lead is sure at this moment: replica servers are granted leases. */
  get isSure(): boolean {
    return this.#leadership === null || this.#leadership.isSure();
  }

  /** Why changes are not acknowledged at the moment, or null. */
  get storeTrouble(): string | null {
    return this.#store?.trouble ?? this.#leadership?.trouble ?? null;
  }

  /** The same for ever, for all servers of the cluster. Of a server that leads. */
  get clusterId(): string {
    assert(this.#store !== null, 'who leads knows its cluster');
    return this.#store.clusterId;
  }

  /** Stops answering, then releases the data folder or the lead. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const resigned = this.#leadership?.close();
    this.#term?.end();
    this.#bus.close();
    this.#relay.close();
    await this.#rpc.close();
    await this.#store?.close();
    await resigned;
    await this.#closing;
    await this.#service?.close();
    this.#environment.logger.info('meta.stopped', { address: hostPortText(this.address) });
  }

  #speak(): void {
    const { address, statistics } = this;
    const forwarder = new Forwarder(this, this.#relay, this.#options);
    const handler: RequestHandler = {
      onRequest: (session, header, reader) => {
        const isLeading = this.#term !== null && this.isSure;
        const one = isLeading ? this.service : forwarder;
        one.onRequest(session, header, reader);
      },
      onSessionClosed() {},
    };
    const commands = new Map([...metaCommands(this), ...dumpCommand(this)]);
    speakToClients(this.#rpc, this.#environment, statistics, handler, address, commands);
    this.#rpc.speak(ProtocolMagic.internal, this.#bus);
  }

  #makeLeadership(service: CoordinationService): Leadership {
    const { clusterName } = this.#options;
    const { metaServers, address: self } = this;
    return new Leadership(
      { ...this.#environment, service },
      { clusterName, self, metaServers },
      {
        onTermBegun: (term) => this.#beginTerm(term),
        onTermEnded: () => this.#endTerm(),
        sendPromiseRequest: (to, request) => {
          this.#bus.send(to, InternalMessage.leadPromiseRequest, request);
        },
        sendPromise: (to, promise) => this.#bus.send(to, InternalMessage.leadPromise, promise),
      },
    );
  }

  #beginTerm({ store, isSuccession }: Pick<Term, 'isSuccession'> & { store: StateStore }): void {
    assert(this.#term === null, 'one term at a time');
    this.#store = store;
    const term = new MetaTerm({
      environment: this.#environment,
      options: this.#options,
      store,
      bus: this.#bus,
      self: this.address,
      metaServers: this.metaServers,
      isSuccession,
      isSure: () => this.isSure,
      onDeposed: () => this.#leadership?.endTerm('another term has begun'),
    });
    this.#term = term;
    if (this.#leadership === null) return;
    for (const [from, beacon] of this.#beacons.take()) term.onBeacon(from, beacon);
    term.suspectAbsent();
  }

  #endTerm(): void {
    const store = this.#store;
    const term = this.#term;
    assert(term !== null && store !== null, 'a term that ends was begun');
    this.#term = null;
    this.#store = null;
    term.end();
    term.dismissCommands();
    this.#closing = Promise.all([this.#closing, store.close()]);
  }

  #messageHandlers(): MessageHandlers {
    return {
      [InternalMessage.beacon]: (from, message) => this.#onBeacon(from, message),
      [InternalMessage.replicaReport]: (from, message) => this.#term?.onReport(from, message),
      [InternalMessage.configurationUpdate]: (from, message) =>
        this.#term?.onConfigurationUpdate(from, message),
      [InternalMessage.configurationTold]: (from, message) =>
        this.#term?.onConfigurationTold(from, message),
      [InternalMessage.witnessAnswer]: (from, message) =>
        this.#term?.onWitnessAnswer(from, message),
      [InternalMessage.inventoryAnswer]: (from, message) =>
        this.#term?.onInventoryAnswer(from, message),
      [InternalMessage.leadPromiseRequest]: (from, message) =>
        this.#leadership?.onPromiseRequest(from, message),
      [InternalMessage.leadPromise]: (from, message) => this.#leadership?.onPromise(from, message),
    };
  }

  #onBeacon(from: NodeId, message: Beacon): void {
    if (this.#term === null) this.#beacons.note(from, message);
    else this.#term.onBeacon(from, message);
  }
}

interface Listening {
  readonly address: HostPort;
  readonly rpc: RpcServer;
  readonly statistics: RpcStatistics;
}

async function startListening(environment: MetaEnvironment, listen: HostPort): Promise<Listening> {
  const statistics = new RpcStatistics();
  const rpc = new RpcServer(environment, DEFAULT_RPC_SERVER_OPTIONS, statistics);
  const address = await rpc.listen(listen);
  return { address, rpc, statistics };
}
