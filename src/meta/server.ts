/**
 * The meta server: the brain (cluster/), its state store, and the two dialects in which it is spoken to, wired
 * together.
 *
 *   const meta = await MetaServer.open(environment, defaultOptions(META_OPTIONS, { listen, dataPath }));
 *
 * It lives until `close`. What goes wrong later than `open` does not end it: the state store waits out its trouble,
 * and what was known keeps being served. Today it is the only meta server of its cluster and therefore the leader.
 */
import { assert, assertAtMost } from '../base/assert.ts';
import { type ChangeBatch, ClusterBrain, type Now } from '../cluster/brain.ts';
import { decodeRecord, type StateRecord } from '../cluster/records.ts';
import type { TimerHandle } from '../env/clock.ts';
import type { MetaEnvironment } from '../env/environment.ts';
import type { StateStore } from '../env/state-store.ts';
import { type HostPort, hostPortText, type NodeId, toNodeId } from '../model/identity.ts';
import { speakToClients } from '../rpc/client-dialects.ts';
import {
  DEFAULT_MESSAGE_BUS_OPTIONS,
  MessageBus,
  type MessageHandlers,
} from '../rpc/message-bus.ts';
import {
  type ConnectionProtocol,
  DEFAULT_RPC_SERVER_OPTIONS,
  ProtocolMagic,
  RpcServer,
} from '../rpc/server.ts';
import { RpcStatistics } from '../rpc/statistics.ts';
import type { Beacon } from '../wire/generated/internal.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { CommandQueue } from './command-queue.ts';
import { Committer } from './committer.ts';
import { DEFAULT_JOURNAL_LIMITS, JournalStore } from './journal-store.ts';
import { LifeWatch } from './life-watch.ts';
import { MetaService } from './meta-service.ts';
import type { MetaOptions } from './options.ts';

export class MetaServer {
  /** Where it is reached, with the real port. */
  readonly address: HostPort;
  readonly statistics: RpcStatistics;
  readonly brain: ClusterBrain;
  readonly service: MetaService;
  readonly #environment: MetaEnvironment;
  readonly #store: StateStore;
  readonly #rpc: RpcServer;
  readonly #bus: MessageBus;
  readonly #committer: Committer;
  readonly #commands: CommandQueue;
  /** Null when crashes are left to the grace. */
  readonly #lifeWatch: LifeWatch | null;
  readonly #ticks: TimerHandle;
  #closed = false;

  private constructor(
    environment: MetaEnvironment,
    options: MetaOptions,
    store: StateStore,
    listening: Listening,
  ) {
    this.#environment = environment;
    this.#store = store;
    this.#rpc = listening.rpc;
    this.statistics = listening.statistics;
    this.address = options.advertised ?? listening.address;
    this.#bus = new MessageBus(
      environment,
      {
        ...DEFAULT_MESSAGE_BUS_OPTIONS,
        clusterName: options.clusterName,
        nodeId: toNodeId(hostPortText(this.address)),
        incarnation: store.epoch,
      },
      this.statistics,
      {
        messages: this.#messageHandlers(),
        onPeerConnected() {},
        onPeerLost() {},
        onInboundLost: (node, incarnation) => this.#lifeWatch?.onConnectionLost(node, incarnation),
      },
    );
    this.#committer = new Committer(store, {
      onCommitted: (batch) => this.#onCommitted(batch),
      onDeposed: () => environment.logger.error('meta.deposed', { epoch: store.epoch }),
    });
    this.brain = this.#makeBrain(options);
    this.#lifeWatch = options.fastFailover ? this.#makeLifeWatch(options) : null;
    this.#commands = new CommandQueue(this.brain, () => this.#now());
    this.service = new MetaService({
      brain: this.brain,
      commands: this.#commands,
      settings: options,
      now: () => this.#now(),
      facts: {
        clusterName: options.clusterName,
        metaServers: [this.address],
        leader: this.address,
      },
    });
    speakToClients(this.#rpc, environment, this.statistics, this.service, this.address);
    this.#rpc.speak(ProtocolMagic.internal, this.#bus);
    const { timers } = environment;
    this.#ticks = timers.every(options.tickIntervalMs, () => this.brain.onTick(this.#now()));
  }

  /** Rejects with `StateStoreError` or `ListenError`; then nothing is left behind. */
  static async open(environment: MetaEnvironment, options: MetaOptions): Promise<MetaServer> {
    assertAtMost(10 * options.tickIntervalMs, options.graceMs, 'ticks are shorter than the grace');
    const store = await JournalStore.open(environment, {
      ...DEFAULT_JOURNAL_LIMITS,
      path: options.dataPath,
      clusterName: options.clusterName,
    });
    let listening: Listening | null = null;
    try {
      listening = await startListening(environment, options);
      const server = new MetaServer(environment, options, store, listening);
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

  /** One more dialect on its port: see `RpcServer.speak`. */
  speak(magic: number, protocol: ConnectionProtocol): void {
    this.#rpc.speak(magic, protocol);
  }

  /** Why changes are not acknowledged at the moment, or null. */
  get storeTrouble(): string | null {
    return this.#store.trouble;
  }

  /** The same for ever, for all servers of the cluster. */
  get clusterId(): string {
    return this.#store.clusterId;
  }

  /** Stops answering, then releases the data folder. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#environment.timers.cancel(this.#ticks);
    this.#lifeWatch?.close();
    this.#committer.close();
    this.#bus.close();
    await this.#rpc.close();
    await this.#store.close();
    this.#environment.logger.info('meta.stopped', { address: hostPortText(this.address) });
  }

  #makeBrain(options: MetaOptions): ClusterBrain {
    const bus = this.#bus;
    const brain = new ClusterBrain(
      {
        settings: options,
        logger: this.#environment.logger,
        self: this.address,
        epoch: this.#store.epoch,
        effects: {
          persist: (batch) => this.#committer.submit(batch),
          sendBeaconAck: (to, message) => bus.send(to, InternalMessage.beaconAck, message),
          sendPush: (to, message) => bus.send(to, InternalMessage.configurationPush, message),
          sendForget: (to, message) => bus.send(to, InternalMessage.replicaForget, message),
          sendQuery: (to, message) => bus.send(to, InternalMessage.configurationQuery, message),
        },
      },
      this.#now(),
    );
    const records: StateRecord[] = [];
    for (const entry of this.#store.entries()) {
      const record = decodeRecord(entry);
      if (record !== null) records.push(record);
    }
    brain.load(records, this.#now());
    return brain;
  }

  #makeLifeWatch(options: MetaOptions): LifeWatch {
    const { nodes } = this.brain.state;
    return new LifeWatch(this.#environment, options.probeIntervalMs, {
      addressOf: (id, incarnation) => {
        const node = nodes.get(id);
        return node?.usable === true && node.incarnation === incarnation ? node.address : null;
      },
      witnessesOf: (id) =>
        nodes
          .usableNodes()
          .map((node) => node.id)
          .filter((one) => one !== id),
      ask: (witness, request) => this.#bus.send(witness, InternalMessage.witnessRequest, request),
      ended: (id, incarnation) => this.brain.onLifeEnded(id, incarnation, this.#now()),
    });
  }

  #messageHandlers(): MessageHandlers {
    return {
      [InternalMessage.beacon]: (from, message) => this.#onBeacon(from, message),
      [InternalMessage.replicaReport]: (from, message) => {
        if (message.nodeId === from) this.brain.onReport(message, this.#now());
      },
      [InternalMessage.configurationUpdate]: (from, message) => {
        this.brain.onConfigurationUpdate(from, message, this.#now());
      },
      [InternalMessage.configurationTold]: (from, message) => {
        this.brain.onConfigurationTold(from, message, this.#now());
      },
      [InternalMessage.witnessAnswer]: (from, message) => {
        this.#lifeWatch?.onWitnessAnswer(from, message);
      },
    };
  }

  #onBeacon(from: NodeId, message: Beacon): void {
    if (message.nodeId !== from || message.incarnation < 1) return;
    const { address } = message;
    if (address === null) return;
    this.#lifeWatch?.onHeard(from);
    this.brain.onBeacon({ ...message, node: from, address }, this.#now());
  }

  #onCommitted(batch: ChangeBatch): void {
    assert(!this.#closed, 'a closed server hears nothing of its store');
    this.brain.onPersisted(batch, this.#now());
    this.#commands.onProgress();
  }

  #now(): Now {
    const { clock } = this.#environment;
    return {
      monotonicMs: clock.monotonicMs(),
      wallSeconds: Math.floor(clock.wallMs() / 1_000),
    };
  }
}

interface Listening {
  readonly address: HostPort;
  readonly rpc: RpcServer;
  readonly statistics: RpcStatistics;
}

async function startListening(
  environment: MetaEnvironment,
  options: MetaOptions,
): Promise<Listening> {
  const statistics = new RpcStatistics();
  const { connectionsPerAddressMax } = options;
  const rpcOptions = { ...DEFAULT_RPC_SERVER_OPTIONS, connectionsPerAddressMax };
  const rpc = new RpcServer(environment, rpcOptions, statistics);
  const address = await rpc.listen(options.listen);
  return { address, rpc, statistics };
}
