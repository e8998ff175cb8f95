/**
 * One peer that we send to.
 *
 *   idle ──send──▶ connecting ──open──▶ greeting ──their Hello──▶ connected
 *     ▲                │                    │                         │
 *     └──── waiting ◀──┴─────── closed ─────┴─────────────────────────┘
 *
 * Messages are written into `#writer` in every state; from `greeting` on they leave when the turn
 * ends. While waiting or connecting they stay, so that a peer that is just starting gets what was
 * said a moment ago; a failed attempt drops them, so nothing in the queue is older than one
 * attempt. In `waiting` the next attempt starts after a growing, jittered delay, and only if there
 * is something to send.
 */
import { assert } from '../base/assert.ts';
import type { TimerHandle } from '../env/clock.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../env/transport.ts';
import type { NodeId } from '../model/identity.ts';
import type { Hello } from '../wire/generated/internal.ts';
import { type InternalMessageMap, writeInternalFrame } from '../wire/internal-frame.ts';
import { InternalMessage } from '../wire/schema/internal.ts';
import { WireError } from '../wire/types.ts';
import { Writer } from '../wire/writer.ts';
import { addressOf, type BusContext, type Flushable } from './bus-context.ts';
import {
  InternalStreamParser,
  type InternalStreamSink,
  refusalOf,
  writeGreeting,
} from './bus-handshake.ts';
import { FrameBuffer } from './frame-buffer.ts';

type PeerState = 'idle' | 'connecting' | 'greeting' | 'connected' | 'waiting' | 'closed';

/** Output above this leaves at once: the other side can begin while this turn goes on. */
const FLUSH_BYTES = 256 * 1024;

export class BusPeer implements ConnectionHandler, InternalStreamSink, Flushable {
  readonly #bus: BusContext;
  readonly #node: NodeId;
  readonly #writer: Writer = new Writer();
  #frames: FrameBuffer;
  #connection: Connection | null = null;
  #state: PeerState = 'idle';
  /** It is in the bus's list of this turn. */
  #isMarked = false;
  #attempts = 0;
  #timer: TimerHandle | null = null;
  /** Messages in the writer, for the count of what a failure drops. */
  #messagesWaiting = 0;
  #bufferedBefore = 0;
  #progressMs = 0;

  constructor(bus: BusContext, node: NodeId) {
    this.#bus = bus;
    this.#node = node;
    this.#frames = this.#newFrames();
  }

  get isConnected(): boolean {
    return this.#state === 'connected';
  }

  get queuedBytes(): number {
    return this.#writer.length + (this.#connection?.bufferedBytes ?? 0);
  }

  send<T extends InternalMessage>(type: T, message: InternalMessageMap[T]): boolean {
    assert(this.#state !== 'closed', 'a closed peer is not in the map');
    if (!this.#hasRoom(type)) {
      this.#bus.statistics.messagesDropped += 1;
      this.#dropIfStalled();
      return false;
    }
    writeInternalFrame(this.#writer, type, message);
    this.#messagesWaiting += 1;
    this.#bus.statistics.messagesSent += 1;
    if (this.#state === 'idle') this.#connect();
    else if (this.#isOpen) this.#flushWhenDue();
    return true;
  }

  /** Called by the bus when the turn ends. */
  flush(): void {
    this.#isMarked = false;
    if (this.#isOpen) this.#flushNow();
  }

  /** Nobody answers: what comes next goes over another connection. */
  renew(): void {
    if (this.#isOpen) this.#connection?.destroy();
  }

  close(): void {
    if (this.#isOpen) this.#flushNow();
    this.#state = 'closed';
    this.#cancelTimer();
    this.#connection?.close();
    this.#connection = null;
  }

  // ---- connection ----

  onOpen(connection: Connection): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'greeting';
    const greeting = new Writer(FLUSH_BYTES / 1024);
    writeGreeting(greeting, this.#bus.hello);
    connection.write(greeting.take());
    this.#progressMs = this.#nowMs();
    this.#bufferedBefore = 0;
    this.#flushWhenDue();
  }

  onData(_connection: Connection, bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    try {
      this.#frames.push(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#bus.statistics.framesMalformed += 1;
      const { code, message } = error;
      const fields = { node: this.#node, code, message };
      this.#bus.environment.logger.warn('bus.message.malformed', fields);
      this.#connection?.destroy();
    }
  }

  onHello(hello: Hello): boolean {
    const refusal =
      hello.nodeId === this.#node
        ? refusalOf(this.#bus.hello, hello)
        : 'other node at this address';
    if (refusal !== null) {
      this.#bus.environment.logger.warn('bus.peer.refused', {
        node: this.#node,
        answered: hello.nodeId,
        cluster: hello.clusterName,
        protocolVersion: hello.protocolVersion,
        reason: refusal,
      });
      this.#connection?.destroy();
      return false;
    }
    this.#state = 'connected';
    this.#attempts = 0;
    this.#bus.statistics.peersConnected += 1;
    this.#bus.environment.logger.info('bus.peer.connected', { node: this.#node });
    this.#bus.events.onPeerConnected(this.#node);
    return this.#state === 'connected';
  }

  /** The other side says nothing but Hello; a later version may. */
  onInternalFrame(): boolean {
    this.#bus.statistics.messagesIgnored += 1;
    return true;
  }

  onDrain(_connection: Connection): void {
    this.#noteProgress();
  }

  onClose(connection: Connection, reason: CloseReason): void {
    if (connection !== this.#connection) return;
    const wasConnected = this.#state === 'connected';
    this.#connection = null;
    this.#frames = this.#newFrames();
    this.#dropQueue();
    this.#waitBeforeNext();
    const { environment, statistics, events } = this.#bus;
    environment.logger.info('bus.peer.lost', { node: this.#node, reason, wasConnected });
    if (!wasConnected) return;
    statistics.peersLost += 1;
    events.onPeerLost(this.#node);
  }

  get #isOpen(): boolean {
    return this.#state === 'connected' || this.#state === 'greeting';
  }

  #connect(): void {
    const address = addressOf(this.#node);
    if (address === null) {
      this.#bus.environment.logger.warn('bus.peer.address', { node: this.#node });
      this.#dropQueue();
      this.#waitBeforeNext();
      return;
    }
    this.#state = 'connecting';
    this.#connection = this.#bus.environment.transport.connect(address, this);
  }

  #waitBeforeNext(): void {
    const { reconnectDelayMsMin, reconnectDelayMsMax } = this.#bus.options;
    const { timers, random } = this.#bus.environment;
    this.#state = 'waiting';
    const ceiling = Math.min(reconnectDelayMsMax, reconnectDelayMsMin * 2 ** this.#attempts);
    this.#attempts = Math.min(this.#attempts + 1, 16);
    this.#timer = timers.after(ceiling * (0.5 + random.fraction() / 2), () => {
      this.#timer = null;
      this.#state = 'idle';
      if (this.#writer.length > 0) this.#connect();
    });
  }

  #cancelTimer(): void {
    if (this.#timer === null) return;
    this.#bus.environment.timers.cancel(this.#timer);
    this.#timer = null;
  }

  // ---- queue ----

  #hasRoom(type: InternalMessage): boolean {
    const { bulkBytesMax, controlBytesMax } = this.#bus.options;
    const limit = isBulk(type) ? bulkBytesMax : bulkBytesMax + controlBytesMax;
    return this.queuedBytes < limit;
  }

  #flushWhenDue(): void {
    if (this.#writer.length >= FLUSH_BYTES) {
      this.#flushNow();
    } else if (!this.#isMarked && this.#writer.length > 0) {
      this.#isMarked = true;
      this.#bus.flushSoon(this);
    }
  }

  #flushNow(): void {
    if (this.#writer.length === 0 || this.#connection === null) return;
    this.#noteProgress();
    if (this.#connection.write(this.#writer.output())) this.#writer.recycle();
    else this.#writer.take();
    this.#messagesWaiting = 0;
    this.#bufferedBefore = this.#connection.bufferedBytes;
  }

  #noteProgress(): void {
    const buffered = this.#connection?.bufferedBytes ?? 0;
    if (buffered === 0 || buffered < this.#bufferedBefore) this.#progressMs = this.#nowMs();
    this.#bufferedBefore = buffered;
  }

  /**
   * The machine at the other end may have vanished without a word: TCP would notice only after many
   * minutes.
   */
  #dropIfStalled(): void {
    if (!this.#isOpen) return;
    this.#noteProgress();
    if (this.#nowMs() - this.#progressMs < this.#bus.options.stallMs) return;
    this.#bus.environment.logger.warn('bus.peer.stalled', {
      node: this.#node,
      queuedBytes: this.queuedBytes,
    });
    this.#connection?.destroy();
  }

  #dropQueue(): void {
    this.#writer.rewind(0);
    this.#bus.statistics.messagesDropped += this.#messagesWaiting;
    this.#messagesWaiting = 0;
  }

  #newFrames(): FrameBuffer {
    const parser = new InternalStreamParser(this.#bus.options.frameBytesMax, this);
    return new FrameBuffer(this.#bus.reader, parser);
  }

  #nowMs(): number {
    return this.#bus.environment.clock.monotonicMs();
  }
}

function isBulk(type: InternalMessage): boolean {
  return (
    type === InternalMessage.prepare ||
    type === InternalMessage.fileChunk ||
    type === InternalMessage.learnMutations
  );
}
