/**
 * All requests of a client to one server, over one connection.
 *
 *  1. Requests submitted in one turn leave together, in order, in one write. A request that is
 *     withdrawn before that never leaves: what is not `sent` did not happen.
 *  2. Answers come in any order; a sequence id is a slot and a generation, so a late answer to a
 *     request that was given up meets nobody.
 *  3. At most `outstandingMax` requests are unanswered; the others wait in the queue. The queue is
 *     bounded by whoever owns the calls.
 *  4. When the connection breaks, every call is told, and knows whether it had been sent. Nothing
 *     is sent twice here: that decision needs to know what the request does.
 *  5. After a failure to connect the session refuses calls until its back-off is over, so that the
 *     owner can look elsewhere. A broken connection that had worked is tried again at once.
 *  6. Silence with requests outstanding is told to the observer; a connection silent for
 *     `deadAfterMs` is given up.
 */
import { assert } from '../base/assert.ts';
import type { ClientEnvironment } from '../env/environment.ts';
import type { CloseReason, Connection, ConnectionHandler } from '../env/transport.ts';
import { type HostPort, hostPortText } from '../model/identity.ts';
import { Reader } from '../wire/reader.ts';
import {
  beginRequest,
  finishRequest,
  parseReply,
  ReplyHeader,
  RequestHeader,
  replyFrameSize,
} from '../wire/thrift-frame.ts';
import { WireError } from '../wire/types.ts';
import { Writer } from '../wire/writer.ts';
import { CallQueue, type ClientCall, type LossReason } from './client-call.ts';
import type { DeadlineWheel, WheelEntry } from './client-deadlines.ts';
import { FrameBuffer, type FrameParser } from './frame-buffer.ts';

export interface ClientSessionOptions {
  /** Unanswered requests at most; a power of two up to 16,384. */
  readonly outstandingMax: number;
  readonly connectTimeoutMs: number;
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  readonly silenceMs: number;
  readonly deadAfterMs: number;
  /** Bytes buffered in the connection above which the queue waits. */
  readonly bufferedBytesMax: number;
}

export const SESSION_DEFAULTS: ClientSessionOptions = {
  outstandingMax: 4096,
  connectTimeoutMs: 2_000,
  backoffMs: 50,
  backoffMsMax: 1_000,
  silenceMs: 1_000,
  // Above the longest that a server works on one range.
  deadAfterMs: 40_000,
  bufferedBytesMax: 4 * 1024 * 1024,
};

export interface SessionObserver {
  onSessionLost(session: ClientSession): void;
  onSessionSilent(session: ClientSession): void;
}

/** Far above any answer: an explicit multi_get has no limit of its own. */
const REPLY_BYTES_MAX = 256 * 1024 * 1024;
/** Belongs to no call, because generations begin at 1. */
const SEQUENCE_NONE = 0;
const GENERATION_MAX = 0x1ffff;

type SessionState = 'idle' | 'connecting' | 'open' | 'closed';

export class ClientSession implements ConnectionHandler, FrameParser, WheelEntry {
  wakeMs = 0;
  wheelSlot = -1;
  wheelNext: WheelEntry | null = null;
  wheelPrevious: WheelEntry | null = null;

  readonly address: HostPort;
  readonly name: string;
  readonly #environment: ClientEnvironment;
  readonly #wheel: DeadlineWheel;
  readonly #options: ClientSessionOptions;
  readonly #observer: SessionObserver;
  readonly #reader: Reader = new Reader();
  readonly #writer: Writer = new Writer();
  #frames: FrameBuffer;
  readonly #requestHeader: RequestHeader = new RequestHeader();
  readonly #replyHeader: ReplyHeader = new ReplyHeader();

  readonly #slots: (ClientCall | null)[];
  readonly #freeSlots: Int32Array;
  #freeCount: number;
  #generation = 0;
  readonly #queue: CallQueue<ClientCall> = new CallQueue<ClientCall>();

  #state: SessionState = 'idle';
  #connection: Connection | null = null;
  #flushDeferred = false;
  /** Failures to get an answer out of this server since the last one. */
  #failures = 0;
  #retryAtMs = 0;
  #activeMs = 0;

  constructor(
    environment: ClientEnvironment,
    wheel: DeadlineWheel,
    address: HostPort,
    options: ClientSessionOptions,
    observer: SessionObserver,
  ) {
    const slots = options.outstandingMax;
    assert(slots >= 1 && slots <= 16_384, 'outstanding requests are bounded');
    assert((slots & (slots - 1)) === 0, 'the bound of outstanding requests is a power of two');
    this.#environment = environment;
    this.#wheel = wheel;
    this.address = address;
    this.name = hostPortText(address);
    this.#options = options;
    this.#observer = observer;
    this.#slots = new Array<ClientCall | null>(slots).fill(null);
    this.#freeSlots = new Int32Array(slots);
    for (let index = 0; index < slots; index++) this.#freeSlots[index] = slots - 1 - index;
    this.#freeCount = slots;
    this.#frames = new FrameBuffer(this.#reader, this);
  }

  /** Requests that were sent and not yet answered. */
  get outstanding(): number {
    return this.#slots.length - this.#freeCount;
  }

  /** False: this server cannot be reached now, nothing was taken over. */
  submit(call: ClientCall): boolean {
    assert(call.session === null, 'a call is in one session at a time');
    if (this.#state === 'closed') return false;
    if (this.#state === 'idle') {
      if (this.#environment.clock.monotonicMs() < this.#retryAtMs) return false;
      this.#connect();
    }
    call.session = this;
    call.sent = false;
    this.#queue.push(call);
    if (this.#state === 'open') this.#deferFlush();
    return true;
  }

  /** Forgets the call; should an answer come, it is dropped. */
  withdraw(call: ClientCall): void {
    assert(call.session === this, 'a call is withdrawn from its own session');
    if (call.sent) this.#release(call);
    else this.#queue.remove(call);
    call.session = null;
  }

  /** The calls to one partition, sent or not. */
  callsTo(appId: number, partitionIndex: number): ClientCall[] {
    const found: ClientCall[] = [];
    const take = (call: ClientCall): void => {
      if (call.appId === appId && call.partitionIndex === partitionIndex) found.push(call);
    };
    for (const call of this.#slots) if (call !== null) take(call);
    for (const call of this.#queue.snapshot()) take(call);
    return found;
  }

  /** Sends a request whose answer nobody waits for; dropped when there is no open connection. */
  post(call: ClientCall): void {
    assert(call.session === null, 'a posted call is in no session');
    if (this.#state !== 'open') return;
    call.sequenceId = SEQUENCE_NONE;
    this.#write(call, this.#environment.clock.monotonicMs());
    this.#deferFlush();
  }

  close(): void {
    if (this.#state === 'closed') return;
    this.#leave('closed', 'closed');
  }

  onOpen(connection: Connection): void {
    if (connection !== this.#connection) return;
    assert(this.#state === 'connecting', 'a connection opens once');
    this.#state = 'open';
    this.#activeMs = this.#environment.clock.monotonicMs();
    this.#wheel.cancel(this);
    this.#flush();
  }

  onData(connection: Connection, bytes: Uint8Array): void {
    if (connection !== this.#connection) return;
    this.#activeMs = this.#environment.clock.monotonicMs();
    try {
      this.#frames.push(bytes);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#onBadReply(error);
    }
  }

  frameSize(reader: Reader): number {
    return replyFrameSize(reader, REPLY_BYTES_MAX);
  }

  onFrame(reader: Reader, size: number): boolean {
    const connection = this.#connection;
    const header = this.#replyHeader;
    parseReply(reader, size, header);
    const call = this.#slots[header.seqid & (this.#slots.length - 1)] ?? null;
    if (call === null || call.sequenceId !== header.seqid) return true;
    if (call.rpc !== header.rpc) {
      throw new WireError('badFrame', 'a reply is to another procedure than its request');
    }
    call.readReply(header, reader);
    this.#failures = 0;
    this.#release(call);
    call.session = null;
    call.onReply();
    // The call may have closed the session.
    return this.#connection === connection;
  }

  onDrain(connection: Connection): void {
    if (connection === this.#connection) this.#deferFlush();
  }

  onClose(connection: Connection, reason: CloseReason): void {
    if (connection !== this.#connection) return;
    this.#environment.logger.debug('client.session.lost', { server: this.name, reason });
    this.#leave('idle', 'connection');
  }

  /** The watch: over connecting while there is no connection yet, over silence afterwards. */
  onWake(nowMs: number): void {
    if (this.#state === 'connecting') {
      this.#environment.logger.debug('client.session.connectTimeout', { server: this.name });
      this.#leave('idle', 'connection');
      return;
    }
    if (this.#state !== 'open' || this.outstanding === 0) return;
    const silentMs = nowMs - this.#activeMs;
    if (silentMs >= this.#options.deadAfterMs) {
      this.#leave('idle', 'connection');
      return;
    }
    this.#wheel.schedule(this, nowMs + this.#options.silenceMs);
    if (silentMs >= this.#options.silenceMs) this.#observer.onSessionSilent(this);
  }

  #connect(): void {
    assert(this.#connection === null, 'one connection at a time');
    this.#state = 'connecting';
    const nowMs = this.#environment.clock.monotonicMs();
    this.#wheel.schedule(this, nowMs + this.#options.connectTimeoutMs);
    this.#connection = this.#environment.transport.connect(this.address, this);
  }

  /** Gives the connection up and tells all calls; they may come back at once. */
  #leave(state: 'idle' | 'closed', reason: LossReason): void {
    const connection = this.#connection;
    const wasOpen = this.#state === 'open';
    const lost = this.#takeAll();
    this.#connection = null;
    this.#state = state;
    this.#frames = new FrameBuffer(this.#reader, this);
    this.#writer.take();
    this.#wheel.cancel(this);
    const nowMs = this.#environment.clock.monotonicMs();
    // A connection that has answered may be tried again at once: most likely the server was
    // restarted.
    const worked = wasOpen && this.#failures === 0;
    this.#failures++;
    this.#retryAtMs = worked ? nowMs : nowMs + this.#backoffMs();
    if (connection !== null) connection.destroy();
    if (state === 'idle') this.#observer.onSessionLost(this);
    for (const call of lost) call.onLost(reason);
  }

  #backoffMs(): number {
    const { backoffMs, backoffMsMax } = this.#options;
    const boundMs = Math.min(backoffMs * 2 ** Math.min(this.#failures - 1, 16), backoffMsMax);
    return boundMs * (0.5 + this.#environment.random.fraction() / 2);
  }

  #takeAll(): ClientCall[] {
    const lost: ClientCall[] = [];
    for (const call of this.#slots) {
      if (call === null) continue;
      this.#release(call);
      call.session = null;
      lost.push(call);
    }
    for (const call of this.#queue.snapshot()) {
      this.#queue.remove(call);
      call.session = null;
      lost.push(call);
    }
    return lost;
  }

  #deferFlush(): void {
    if (this.#flushDeferred) return;
    this.#flushDeferred = true;
    this.#environment.timers.defer(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushDeferred = false;
    const connection = this.#connection;
    if (this.#state !== 'open' || connection === null) return;
    if (connection.bufferedBytes > this.#options.bufferedBytesMax) return;
    const nowMs = this.#environment.clock.monotonicMs();
    const wasIdle = this.outstanding === 0;
    for (let call = this.#queue.first; call !== null; call = this.#queue.first) {
      if (this.#freeCount === 0) break;
      this.#queue.remove(call);
      this.#assignSlot(call);
      this.#write(call, nowMs);
      call.sent = true;
    }
    if (wasIdle && this.outstanding > 0) this.#activeMs = nowMs;
    if (this.wheelSlot < 0 && this.outstanding > 0) {
      this.#wheel.schedule(this, nowMs + this.#options.silenceMs);
    }
    if (this.#writer.length === 0) return;
    if (connection.write(this.#writer.output())) this.#writer.recycle();
    else this.#writer.take();
  };

  #write(call: ClientCall, nowMs: number): void {
    const header = this.#requestHeader;
    header.rpc = call.rpc;
    header.seqid = call.sequenceId;
    header.appId = call.appId;
    header.partitionIndex = call.partitionIndex;
    header.partitionHashHigh = call.hashHigh;
    header.partitionHashLow = call.hashLow;
    header.timeoutMs = call.timeLeftMs(nowMs);
    header.isBackupRequest = call.isBackup;
    header.wantsStaleness = call.isBackup;
    const mark = beginRequest(this.#writer, header);
    call.writeArgument(this.#writer);
    finishRequest(this.#writer, mark, header.version, header.wantsStaleness);
  }

  #assignSlot(call: ClientCall): void {
    const slot = this.#freeSlots[--this.#freeCount]!;
    assert(this.#slots[slot] === null, 'a free slot is empty');
    this.#slots[slot] = call;
    this.#generation = this.#generation === GENERATION_MAX ? 1 : this.#generation + 1;
    call.sequenceId = this.#generation * this.#slots.length + slot;
  }

  #release(call: ClientCall): void {
    const slot = call.sequenceId & (this.#slots.length - 1);
    assert(this.#slots[slot] === call, 'a sent call has a slot');
    this.#slots[slot] = null;
    this.#freeSlots[this.#freeCount++] = slot;
    call.sequenceId = -1;
    if (this.#queue.first !== null) this.#deferFlush();
  }

  #onBadReply(error: WireError): void {
    this.#environment.logger.warn('client.session.badReply', {
      server: this.name,
      code: error.code,
      message: error.message,
    });
    this.#leave('idle', 'badReply');
  }
}
