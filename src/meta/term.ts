/**
 * One term of a leader: the brain (cluster/) over the state that the store held when the term began, what it hears
 * and says, and what is asked of it. It ends with `end`, after which nothing of it is said any more.
 *
 * The only meta server of its cluster has one term from its start to its end. Of several, each has one while it leads
 * (leadership.ts).
 */
import { assert } from '../base/assert.ts';
import { ErrorCode } from '../base/error-names.ts';
import { type ChangeBatch, ClusterBrain, type Now } from '../cluster/brain.ts';
import { decodeRecord, type StateRecord } from '../cluster/records.ts';
import type { TimerHandle } from '../env/clock.ts';
import type { MetaEnvironment } from '../env/environment.ts';
import type { StateStore } from '../env/state-store.ts';
import type { HostPort, NodeId } from '../model/identity.ts';
import type { MessageBus } from '../rpc/message-bus.ts';
import type {
  Beacon,
  ConfigurationTold,
  ConfigurationUpdate,
  InventoryAnswer,
  ReplicaReport,
  WitnessAnswer,
} from '../wire/generated/internal.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { CommandQueue } from './command-queue.ts';
import { Committer } from './committer.ts';
import { DumpKeeper } from './dump-keeper.ts';
import { LifeWatch } from './life-watch.ts';
import { MetaService } from './meta-service.ts';
import type { MetaOptions } from './options.ts';
import { RecoveryRun } from './recovery-run.ts';

export interface TermParts {
  readonly environment: MetaEnvironment;
  readonly options: MetaOptions;
  readonly store: StateStore;
  readonly bus: Pick<MessageBus, 'send' | 'isInTouchWith'>;
  readonly self: HostPort;
  readonly metaServers: readonly HostPort[];
  /** See `Term` of leadership.ts. */
  readonly isSuccession: boolean;
  /** Whether the lead is sure: beacons are acknowledged. */
  readonly isSure: () => boolean;
  readonly onDeposed: () => void;
}

export class MetaTerm {
  readonly brain: ClusterBrain;
  readonly service: MetaService;
  readonly #parts: TermParts;
  readonly #committer: Committer;
  readonly #commands: CommandQueue;
  readonly #recovery: RecoveryRun;
  readonly dumps: DumpKeeper;
  /** Null when crashes are left to the grace. */
  readonly #lifeWatch: LifeWatch | null;
  readonly #ticks: TimerHandle;
  #ended = false;

  constructor(parts: TermParts) {
    const { options, store, self, metaServers } = parts;
    this.#parts = parts;
    this.#committer = new Committer(store, {
      onCommitted: (batch) => this.#onCommitted(batch),
      onDeposed: () => {
        parts.environment.logger.warn('meta.deposed', { epoch: store.epoch });
        parts.onDeposed();
      },
    });
    this.brain = this.#makeBrain();
    this.#lifeWatch = options.fastFailover ? this.#makeLifeWatch() : null;
    this.#commands = new CommandQueue(this.brain, () => this.#now());
    this.#recovery = this.#makeRecovery();
    this.dumps = new DumpKeeper({ ...parts.environment, store }, options);
    this.service = new MetaService({
      brain: this.brain,
      commands: this.#commands,
      recovery: this.#recovery,
      logger: parts.environment.logger,
      settings: options,
      now: () => this.#now(),
      facts: { clusterName: options.clusterName, metaServers, leader: self },
    });
    const { timers } = parts.environment;
    this.#ticks = timers.every(options.tickIntervalMs, () => this.brain.onTick(this.#now()));
  }

  /** Nothing is said or written any more; the store is still to be closed. Idempotent. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#parts.environment.timers.cancel(this.#ticks);
    this.#lifeWatch?.close();
    void this.dumps.close();
    this.#committer.close();
  }

  /** Whoever waits for a command hears that it will not be carried out here, or that nobody knows. */
  dismissCommands(): void {
    assert(this.#ended, 'commands of a term are carried out as long as it lasts');
    this.#recovery.close();
    this.#commands.close(ErrorCode.forwardToOthers, ErrorCode.timeout);
  }

  /**
   * Servers that are known and have no connection to this process may have crashed before it led: who looks finds out.
   */
  suspectAbsent(): void {
    const { bus } = this.#parts;
    for (const node of this.brain.state.nodes.all()) {
      if (bus.isInTouchWith(node.id, node.incarnation)) continue;
      this.#lifeWatch?.onConnectionLost(node.id, node.incarnation);
    }
  }

  onInboundLost(node: NodeId, incarnation: number): void {
    this.#lifeWatch?.onConnectionLost(node, incarnation);
  }

  onBeacon(from: NodeId, message: Beacon): void {
    if (message.nodeId !== from || message.incarnation < 1) return;
    const { address } = message;
    if (address === null) return;
    this.#lifeWatch?.onHeard(from);
    this.brain.onBeacon({ ...message, node: from, address }, this.#now());
  }

  onReport(from: NodeId, message: ReplicaReport): void {
    if (message.nodeId === from) this.brain.onReport(message, this.#now());
  }

  onConfigurationUpdate(from: NodeId, message: ConfigurationUpdate): void {
    this.brain.onConfigurationUpdate(from, message, this.#now());
  }

  onConfigurationTold(from: NodeId, message: ConfigurationTold): void {
    this.brain.onConfigurationTold(from, message, this.#now());
  }

  onInventoryAnswer(from: NodeId, message: InventoryAnswer): void {
    this.#recovery.onAnswer(from, message);
  }

  onWitnessAnswer(from: NodeId, message: WitnessAnswer): void {
    this.#lifeWatch?.onWitnessAnswer(from, message);
  }

  #makeBrain(): ClusterBrain {
    const { bus, options, environment, self, store, isSure, isSuccession } = this.#parts;
    const brain = new ClusterBrain(
      {
        settings: options,
        logger: environment.logger,
        self,
        epoch: store.epoch,
        effects: {
          persist: (batch) => this.#committer.submit(batch),
          sendBeaconAck: (to, message) => {
            if (isSure()) bus.send(to, InternalMessage.beaconAck, message);
          },
          sendPush: (to, message) => bus.send(to, InternalMessage.configurationPush, message),
          sendForget: (to, message) => bus.send(to, InternalMessage.replicaForget, message),
          sendQuery: (to, message) => bus.send(to, InternalMessage.configurationQuery, message),
        },
      },
      this.#now(),
    );
    const records: StateRecord[] = [];
    for (const entry of store.entries()) {
      const record = decodeRecord(entry);
      if (record !== null) records.push(record);
    }
    brain.load(records, this.#now(), !isSuccession);
    return brain;
  }

  #makeRecovery(): RecoveryRun {
    const { environment, options, store, bus } = this.#parts;
    return new RecoveryRun({
      ...environment,
      brain: this.brain,
      commands: this.#commands,
      epoch: store.epoch,
      // Beacons of two graces: one for servers to show up, one for what they hold.
      waitMs: 2 * options.graceMs,
      ask: (node, request) => bus.send(node, InternalMessage.inventoryRequest, request),
    });
  }

  #makeLifeWatch(): LifeWatch {
    const { environment, options, bus } = this.#parts;
    const { nodes } = this.brain.state;
    return new LifeWatch(environment, options.probeIntervalMs, {
      addressOf: (id, incarnation) => {
        const node = nodes.get(id);
        return node?.usable === true && node.incarnation === incarnation ? node.address : null;
      },
      witnessesOf: (id) =>
        nodes
          .usableNodes()
          .map((node) => node.id)
          .filter((one) => one !== id),
      ask: (witness, request) => bus.send(witness, InternalMessage.witnessRequest, request),
      ended: (id, incarnation) => this.brain.onLifeEnded(id, incarnation, this.#now()),
    });
  }

  #onCommitted(batch: ChangeBatch): void {
    assert(!this.#ended, 'a term that is over hears nothing of its store');
    this.brain.onPersisted(batch, this.#now());
    this.#commands.onProgress();
  }

  #now(): Now {
    const { clock } = this.#parts.environment;
    return {
      monotonicMs: clock.monotonicMs(),
      wallSeconds: Math.floor(clock.wallMs() / 1_000),
    };
  }
}
