/**
 * One side of a simulated TCP connection.
 *
 * 1. Bytes arrive in order or not at all; each segment may be cut anew at the receiver.
 * 2. After `onClose` nothing else fires, and no callback fires inside a call of the owner.
 * 3. What is in flight above `windowBytes` counts as buffered at the sender: a receiver that does not read, or a
 *    link that is cut, makes `bufferedBytes` grow.
 * 4. A crash of the other process is seen as the end or a reset of the stream; a power loss is not seen at all
 *    until something is sent and the host, up again, answers with a reset (half-open).
 */
import { assert } from '../../src/base/assert.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../../src/env/transport.ts';
import { FrameCutter } from './internal-frames.ts';
import { roundUpToTurn } from './link.ts';
import type { Host, Network } from './network.ts';

interface Segment {
  readonly bytes: Uint8Array;
  /** Global time from which the receiver may have it. */
  readyUs: number;
}

export class SimConnection implements Connection {
  readonly remote: string;
  readonly host: Host;
  readonly generation: number;
  peer: SimConnection | null = null;
  readonly #network: Network;
  readonly #peerHost: Host;
  #handler: ConnectionHandler | null = null;
  #opened: boolean = false;
  #closed: boolean = false;
  #readPaused: boolean = false;
  /** The process does not get round to reading, whatever it wants. */
  #isReaderSlow: boolean = false;
  /** What either side sends disappears on the way, as when a router forgets the connection. */
  #isSilent: boolean = false;
  /** The other host lost its memory of this connection without a word. */
  #isHalfOpen: boolean = false;

  /** Towards us. */
  readonly #inbound: Segment[] = [];
  #inboundEnd: CloseReason | null = null;
  #inboundReadyUs: number = 0;
  #arrivalPending: boolean = false;
  #stalled: (() => void) | null = null;

  /** From us, written and not yet handed to the other process. */
  #inFlightBytes: number = 0;
  #owesDrain: boolean = false;
  /** Written before the connection was established. */
  readonly #unsent: Uint8Array[] = [];
  readonly #cutter: FrameCutter;

  constructor(network: Network, host: Host, peerHost: Host, remote: string) {
    this.#network = network;
    this.host = host;
    this.generation = host.owner.generation;
    this.#peerHost = peerHost;
    this.remote = remote;
    this.#cutter = new FrameCutter({
      plain: (bytes) => {
        network.plainObserver?.(this, bytes);
        this.#sendSegment(bytes);
      },
      frame: (type, payload, whole) => this.#sendFrame(type, payload, whole),
    });
  }

  get bufferedBytes(): number {
    return Math.max(0, this.#inFlightBytes - this.#network.traits.windowBytes);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  attach(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  /** In an event of the owner. */
  open(): void {
    if (this.#closed || this.#opened) return;
    assert(this.#handler !== null, 'an open connection has a handler');
    this.#opened = true;
    for (const bytes of this.#unsent.splice(0)) this.peer?.receive(bytes);
    this.#handler.onOpen(this);
    this.#scheduleArrival();
  }

  /** Never true: what is on its way is not copied. */
  write(bytes: Uint8Array): boolean {
    if (this.#closed || bytes.length === 0) return false;
    this.#inFlightBytes += bytes.length;
    if (this.bufferedBytes > this.#network.traits.highWaterMarkBytes) this.#owesDrain = true;
    this.#cutter.push(bytes);
    return false;
  }

  pause(): void {
    this.#readPaused = true;
  }

  resume(): void {
    this.#readPaused = false;
    this.#scheduleArrival();
  }

  slowReader(isSlow: boolean): void {
    this.#isReaderSlow = isSlow;
    this.#scheduleArrival();
  }

  /** For good: it ends with a reset at the latest. */
  silence(): void {
    this.#isSilent = true;
    if (this.peer !== null) this.peer.#isSilent = true;
  }

  close(): void {
    if (this.#closed) return;
    this.#cutter.takeRest();
    this.#endTowardsPeer('remote');
    this.#closeLater('local');
  }

  destroy(): void {
    if (this.#closed) return;
    this.#endTowardsPeer(this.#network.random.below(2) === 0 ? 'reset' : 'remote');
    this.#closeLater('local');
  }

  /** The process died: the kernel ends the stream for it. */
  ownerDied(): void {
    if (this.#closed) return;
    this.#endTowardsPeer(this.#network.random.below(2) === 0 ? 'reset' : 'remote');
    this.#forget();
  }

  /** The machine died: nobody ends the stream. */
  hostDied(): void {
    if (this.#closed) return;
    const peer = this.peer;
    this.#forget();
    if (peer === null || peer.#closed) return;
    peer.#isHalfOpen = true;
    peer.peer = null;
    peer.#probeLater();
  }

  /** A fault of the network, or the refusal of an attempt. */
  fail(reason: CloseReason): void {
    if (this.#closed) return;
    this.#closeLater(reason);
  }

  /** What the other side sent is on its way here. */
  receive(bytes: Uint8Array): void {
    if (this.#closed || this.#inboundEnd !== null) return;
    const readyUs = this.#arrivalUs(bytes.length);
    this.#inbound.push({ bytes, readyUs });
    this.#scheduleArrival();
  }

  #receiveEnd(reason: CloseReason): void {
    if (this.#closed || this.#inboundEnd !== null) return;
    this.#arrivalUs(0);
    this.#inboundEnd = reason;
    // A reset overtakes what the receiver has not read yet.
    if (reason === 'reset' && this.#network.random.below(2) === 0) this.#inbound.length = 0;
    this.#scheduleArrival();
  }

  #arrivalUs(byteCount: number): number {
    const network = this.#network;
    const link = network.link(this.#peerHost, this.host);
    const delayUs = link.delayUs(network.traits.link, byteCount, network.random);
    const arrivalUs = Math.max(network.scheduler.nowUs + delayUs, this.#inboundReadyUs);
    this.#inboundReadyUs = roundUpToTurn(arrivalUs, network.traits.link.turnUs);
    return this.#inboundReadyUs;
  }

  #sendSegment(bytes: Uint8Array): void {
    if (this.#isHalfOpen || this.#isSilent) return;
    if (this.peer === null || this.#unsent.length > 0) this.#unsent.push(bytes);
    else this.peer.receive(bytes);
  }

  #sendFrame(type: number, payload: Uint8Array, original: Uint8Array): void {
    const network = this.#network;
    network.observeFrame(this.host, this.#peerHost, type, payload);
    const forged = network.forgedPayload(this.host, this.#peerHost, type, payload);
    const whole = forged === null ? original : withPayload(original, forged);
    const fate = network.fateOfFrame(this.host, this.#peerHost, type);
    if (fate.copies === 0) this.#inFlightBytes -= whole.length;
    for (let copy = 0; copy < fate.copies; copy++) {
      if (copy > 0) this.#inFlightBytes += whole.length;
      if (fate.delayUs === 0) this.#sendSegment(whole);
      else
        network.scheduler.world(fate.delayUs * (copy + 1), 'lateFrame', () =>
          this.#sendLate(whole),
        );
    }
    if (fate.echoUs > 0) {
      this.#inFlightBytes += whole.length;
      network.scheduler.world(fate.echoUs, 'lateFrame', () => this.#sendLate(whole));
    }
  }

  #sendLate(whole: Uint8Array): void {
    if (!this.#closed) this.#sendSegment(whole);
  }

  #endTowardsPeer(reason: CloseReason): void {
    const peer = this.peer;
    if (peer !== null && !this.#isSilent) peer.#receiveEnd(reason);
  }

  #scheduleArrival(): void {
    if (this.#arrivalPending || this.#closed || !this.#opened) return;
    if (this.#readPaused || this.#isReaderSlow) return;
    const head = this.#inbound[0];
    if (head === undefined && this.#inboundEnd === null) return;
    this.#arrivalPending = true;
    const network = this.#network;
    const readyUs = head === undefined ? this.#inboundReadyUs : head.readyUs;
    const delayUs = Math.max(0, readyUs - network.scheduler.nowUs);
    network.scheduler.schedule(delayUs, this.host.owner, 'data', true, this.#arrive);
  }

  readonly #arrive = (): void => {
    this.#arrivalPending = false;
    if (this.#closed || this.#readPaused || this.#isReaderSlow) return;
    if (this.#stalled !== null) return;
    const network = this.#network;
    const link = network.link(this.#peerHost, this.host);
    if (link.isCut) {
      this.#stall();
      return;
    }
    const head = this.#inbound[0];
    if (head !== undefined) this.#deliver(this.#takeReady());
    else if (this.#inboundEnd !== null) this.#closeNow(this.#inboundEnd);
    this.#scheduleArrival();
  };

  /** Waits for the link; the sender's next retransmission after that is what gets through. */
  #stall(): void {
    const network = this.#network;
    const link = network.link(this.#peerHost, this.host);
    const wake = (): void => {
      link.waiting.delete(wake);
      network.scheduler.world(network.random.below(500_000), 'retransmit', () => {
        this.#stalled = null;
        this.#scheduleArrival();
      });
    };
    this.#stalled = wake;
    link.waiting.add(wake);
  }

  /** One or more segments that are there, perhaps cut: the receiver may not rely on where writes ended. */
  #takeReady(): Uint8Array {
    const { scheduler, random, traits } = this.#network;
    const parts: Uint8Array[] = [];
    let byteCount = 0;
    while (this.#inbound.length > 0 && this.#inbound[0]!.readyUs <= scheduler.nowUs) {
      const segment = this.#inbound.shift()!;
      parts.push(segment.bytes);
      byteCount += segment.bytes.length;
      if (byteCount >= traits.readBytesMax) break;
    }
    // The owner may be resumed before its head is due only by a stale arrival; then nothing is ready yet.
    if (parts.length === 0) return new Uint8Array(0);
    const joined = this.#network.intoScratch(parts, byteCount);
    const shouldCut = byteCount > 1 && random.fraction() < traits.cutFraction;
    if (!shouldCut) return joined;
    const cut = 1 + random.below(byteCount - 1);
    this.#inbound.unshift({ bytes: joined.slice(cut), readyUs: scheduler.nowUs });
    return joined.subarray(0, cut);
  }

  #deliver(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const { scheduler } = this.#network;
    const peer = this.peer;
    if (peer !== null) peer.#handedOver(bytes.length);
    scheduler.trace.mixBytes(bytes);
    assert(this.#handler !== null, 'an open connection has a handler');
    this.#handler.onData(this, bytes);
    // The contract says that the bytes are valid during the call only: hold the receiver to it.
    bytes.fill(0xdb);
  }

  #handedOver(byteCount: number): void {
    this.#inFlightBytes -= byteCount;
    if (!this.#owesDrain || this.bufferedBytes > 0 || this.#closed) return;
    this.#owesDrain = false;
    this.#network.scheduler.schedule(0, this.host.owner, 'drain', true, () => {
      if (!this.#closed) this.#handler?.onDrain(this);
    });
  }

  /** Keep-alive, or the answer of a host that is up again to a connection it does not know. */
  #probeLater(): void {
    const network = this.#network;
    network.scheduler.world(network.traits.probeUs, 'probe', () => {
      if (this.#closed) return;
      const link = network.link(this.host, this.#peerHost);
      const back = network.link(this.#peerHost, this.host);
      const isAnswered = !link.isCut && !back.isCut && this.#peerHost.isUp;
      if (isAnswered) this.#closeLater('reset');
      else this.#probeLater();
    });
  }

  #closeLater(reason: CloseReason): void {
    if (this.#closed) return;
    this.#forget();
    this.#network.scheduler.schedule(0, this.host.owner, 'close', true, () => {
      this.#handler?.onClose(this, reason);
    });
  }

  #closeNow(reason: CloseReason): void {
    const handler = this.#handler;
    this.#endTowardsPeer('remote');
    this.#forget();
    handler?.onClose(this, reason);
  }

  #forget(): void {
    this.#closed = true;
    this.#inbound.length = 0;
    if (this.#stalled !== null) {
      this.#network.link(this.#peerHost, this.host).waiting.delete(this.#stalled);
      this.#stalled = null;
    }
    this.host.connections.delete(this);
  }
}

function withPayload(whole: Uint8Array, payload: Uint8Array): Uint8Array {
  const changed = whole.slice();
  changed.set(payload, whole.length - payload.length);
  return changed;
}
