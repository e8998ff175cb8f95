/**
 * The real meta server, but for its sockets and its disk: a term of it (src/meta/term.ts) with brain, committer, life
 * watch and ticks, on simulated time. What it receives is decoded from real frames, what it sends is encoded into them.
 *
 * All its work happens between `begin` and `end` of the meter, by kind; what the simulation does for itself does not.
 */
import { MemoryDisk } from '../../src/adapters/memory/disk.ts';
import { assert } from '../../src/base/assert.ts';
import { defaultOptions } from '../../src/base/option-table.ts';
import { SeededRandom } from '../../src/base/prng.ts';
import type { CreateTable } from '../../src/cluster/table-commands.ts';
import { planCreate, planDrop } from '../../src/cluster/table-commands.ts';
import type { TimerHandle, Timers } from '../../src/env/clock.ts';
import type { Logger } from '../../src/env/logger.ts';
import type { Connection, ConnectionHandler, Transport } from '../../src/env/transport.ts';
import type { MetaOptions } from '../../src/meta/options.ts';
import { META_OPTIONS } from '../../src/meta/options.ts';
import { MetaTerm } from '../../src/meta/term.ts';
import { type HostPort, hostPortText, type NodeId } from '../../src/model/identity.ts';
import * as wire from '../../src/wire/generated/internal.ts';
import {
  enterInternalFrame,
  type InternalMessageMap,
  internalFrameSize,
  writeInternalFrame,
} from '../../src/wire/internal-frame.ts';
import { Reader } from '../../src/wire/reader.ts';
import { InternalMessage } from '../../src/wire/schema/internal.ts';
import { Writer } from '../../src/wire/writer.ts';
import { CountingStore } from './counting-store.ts';
import type { Timeline } from './timeline.ts';

export type WorkKind =
  | 'beacon'
  | 'reportDecode'
  | 'report'
  | 'update'
  | 'told'
  | 'witness'
  | 'lost'
  | 'tick'
  | 'timer'
  | 'persisted'
  | 'command'
  | 'load';

/** Measures the time between `begin` and `end`, or nothing. */
export interface Meter {
  begin(): void;
  end(kind: WorkKind): void;
}

/** Whom the meta server talks to. */
export interface Surroundings {
  deliver<T extends InternalMessage>(to: NodeId, type: T, message: InternalMessageMap[T]): void;
  /** What a connection to that address meets. */
  isListening(address: HostPort): boolean | null;
  isInTouch(node: NodeId, incarnation: number): boolean;
}

const SELF = { host: 'meta', port: 34601 };
const FRAME_BYTES_MAX = 1 << 24;
/** Of a probe, there and back. */
const PROBE_MS = 1;

type Outgoing = [NodeId, InternalMessage, InternalMessageMap[InternalMessage]];

export class MetaHost {
  readonly store: CountingStore;
  readonly options: MetaOptions;
  /** Log events by name. */
  readonly events: Map<string, number> = new Map();
  sentCount = 0;
  sentBytes = 0;
  receivedBytes = 0;
  readonly #timeline: Timeline;
  readonly #meter: Meter;
  readonly #surroundings: Surroundings;
  readonly #reader = new Reader();
  readonly #writer = new Writer();
  #outgoing: Outgoing[] = [];
  #term: MetaTerm | null = null;

  constructor(
    timeline: Timeline,
    meter: Meter,
    surroundings: Surroundings,
    options: Partial<MetaOptions>,
  ) {
    this.#timeline = timeline;
    this.#meter = meter;
    this.#surroundings = surroundings;
    this.options = defaultOptions(META_OPTIONS, options);
    this.store = new CountingStore(timeline, (work) => this.#work('persisted', work));
  }

  get isRunning(): boolean {
    return this.#term !== null;
  }

  get term(): MetaTerm {
    assert(this.#term !== null, 'the meta server runs');
    return this.#term;
  }

  start(): void {
    assert(this.#term === null, 'the meta server does not run');
    this.store.reopen();
    const environment = {
      clock: this.#timeline,
      timers: this.#timers(),
      random: new SeededRandom(1),
      disk: new MemoryDisk(),
      transport: this.#transport(),
      logger: this.#logger(),
    };
    this.#work('load', () => {
      this.#term = new MetaTerm({
        environment,
        options: this.options,
        store: this.store,
        bus: {
          send: (to, type, message) => {
            writeInternalFrame(this.#writer, type, message);
            this.sentBytes += this.#writer.length;
            this.#writer.recycle();
            this.#outgoing.push([to, type, message]);
            return true;
          },
          isInTouchWith: (node, incarnation) => this.#surroundings.isInTouch(node, incarnation),
        },
        self: SELF,
        metaServers: [SELF],
        isSuccession: false,
        isSure: () => true,
        onDeposed: () => {},
      });
    });
  }

  /** Killed: all that is not in the store is gone. */
  stop(): void {
    this.term.end();
    this.#term = null;
  }

  receive(from: NodeId, frame: Uint8Array): void {
    const term = this.#term;
    if (term === null) return;
    this.receivedBytes += frame.length;
    const reader = this.#reader;
    this.#meter.begin();
    reader.reset(frame, 0, frame.length);
    const type = enterInternalFrame(reader, internalFrameSize(reader, FRAME_BYTES_MAX));
    switch (type) {
      case InternalMessage.beacon:
        term.onBeacon(from, wire.readBeacon(reader));
        this.#meter.end('beacon');
        break;
      case InternalMessage.replicaReport: {
        const report = wire.readReplicaReport(reader);
        this.#meter.end('reportDecode');
        this.#meter.begin();
        term.onReport(from, report);
        this.#meter.end('report');
        break;
      }
      case InternalMessage.configurationUpdate:
        term.onConfigurationUpdate(from, wire.readConfigurationUpdate(reader));
        this.#meter.end('update');
        break;
      case InternalMessage.configurationTold:
        term.onConfigurationTold(from, wire.readConfigurationTold(reader));
        this.#meter.end('told');
        break;
      default:
        assert(type === InternalMessage.witnessAnswer, 'a message for a meta server');
        term.onWitnessAnswer(from, wire.readWitnessAnswer(reader));
        this.#meter.end('witness');
    }
    this.#flush();
  }

  /** The connection that this life had opened has ended. */
  onConnectionLost(node: NodeId, incarnation: number): void {
    this.#work('lost', () => this.#term?.onInboundLost(node, incarnation));
  }

  createTable(request: CreateTable, done: () => void): void {
    const { brain } = this.term;
    this.#work('command', () => {
      const plan = planCreate(this.#context(), request);
      assert(plan.records.length > 0, 'the table is made');
      brain.submit(plan.records, done);
    });
  }

  dropTable(appName: string, done: () => void): void {
    const { brain } = this.term;
    this.#work('command', () => {
      const table = brain.state.tableNamed(appName);
      assert(table !== undefined, 'the table is there');
      assert(brain.freeze(table), 'no partition of it is being changed');
      const plan = planDrop(this.#context(), {
        appName,
        successIfNotExist: false,
        reserveSeconds: 1,
      });
      brain.submit(plan.records, () => {
        brain.unfreeze(table, this.#now());
        done();
      });
    });
  }

  #context(): Parameters<typeof planCreate>[0] {
    const { state, level } = this.term.brain;
    return { state, settings: this.options, level, wallSeconds: this.#now().wallSeconds };
  }

  #now(): { monotonicMs: number; wallSeconds: number } {
    const wallSeconds = Math.floor(this.#timeline.wallMs() / 1_000);
    return { monotonicMs: this.#timeline.monotonicMs(), wallSeconds };
  }

  #work(kind: WorkKind, work: () => void): void {
    this.#meter.begin();
    work();
    this.#meter.end(kind);
    this.#flush();
  }

  #flush(): void {
    const outgoing = this.#outgoing;
    if (outgoing.length === 0) return;
    this.#outgoing = [];
    this.sentCount += outgoing.length;
    for (const [to, type, message] of outgoing) {
      this.#timeline.mix(type);
      this.#surroundings.deliver(to, type, message);
    }
  }

  #timers(): Timers {
    const timeline = this.#timeline;
    return {
      after: (delayMs, callback): TimerHandle =>
        timeline.after(delayMs, () => this.#work('timer', callback)),
      every: (intervalMs, callback): TimerHandle =>
        timeline.every(intervalMs, () => this.#work('tick', callback)),
      cancel: (handle) => timeline.cancel(handle),
      defer: (callback) => timeline.defer(() => this.#work('timer', callback)),
    };
  }

  #logger(): Logger {
    const note = (event: string): void => {
      this.events.set(event, (this.events.get(event) ?? 0) + 1);
    };
    return { debug: note, info: note, warn: note, error: note };
  }

  /** Good for finding out who listens. */
  #transport(): Transport {
    return {
      listen: () => Promise.reject(new Error('a term does not listen')),
      connect: (address: HostPort, handler: ConnectionHandler): Connection => {
        const connection: Connection = {
          remote: hostPortText(address),
          bufferedBytes: 0,
          write: () => true,
          pause() {},
          resume() {},
          close() {},
          destroy() {},
        };
        const isListening = this.#surroundings.isListening(address);
        // A machine that is gone does not answer.
        if (isListening === null) return connection;
        this.#timeline.after(PROBE_MS, () =>
          this.#work('timer', () => {
            if (isListening) handler.onOpen(connection);
            else handler.onClose(connection, 'refused');
          }),
        );
        return connection;
      },
    };
  }
}
