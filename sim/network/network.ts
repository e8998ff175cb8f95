/**
 * The network of a simulated world: hosts, the links between each two of them, and the streams over these.
 *
 * Each host runs one process. Names are `host:port` as in production; nothing else identifies a node here.
 * Faults are switched on and off by the nemesis (sim/nemesis): cuts per direction, slowness, resets, and the fate of
 * single internal frames, which the protocol between servers must survive ("messages may be lost, doubled or late").
 */
import { assert } from '../../src/base/assert.ts';
import type { Random } from '../../src/env/random.ts';
import type {
  CloseReason,
  Connection,
  ConnectionHandler,
  Listener,
  Transport,
} from '../../src/env/transport.ts';
import { ListenError } from '../../src/env/transport.ts';
import { type HostPort, hostPortText } from '../../src/model/identity.ts';
import type { Owner } from '../kernel/owner.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { SimConnection } from './connection.ts';
import { Link, type LinkTraits } from './link.ts';

export interface NetworkTraits {
  readonly link: LinkTraits;
  /** Bytes that the two operating systems hold for a connection. */
  readonly windowBytes: number;
  readonly highWaterMarkBytes: number;
  /** Longest single delivery. */
  readonly readBytesMax: number;
  /** Chance that a delivery is cut at a random place. */
  readonly cutFraction: number;
  /** How long a half-open connection stays undetected at the least. */
  readonly probeUs: number;
  readonly connectTimeoutUs: number;
}

/** Faults of single internal frames, as fractions of all frames. */
export interface FrameFaults {
  dropFraction: number;
  duplicateFraction: number;
  delayFraction: number;
  delayUsMax: number;
}

export interface FrameFate {
  /** 0 = dropped. */
  readonly copies: number;
  readonly delayUs: number;
  /** One more arrives so much later; 0 = none. */
  readonly echoUs: number;
}

export type FrameForgery = (
  from: Host,
  to: Host,
  type: number,
  payload: Uint8Array,
) => Uint8Array | null;
export type FrameObserver = (from: Host, to: Host, type: number, payload: Uint8Array) => void;
type Accept = (connection: Connection) => ConnectionHandler;

export class Host {
  readonly index: number;
  readonly name: string;
  readonly owner: Owner;
  /** The machine has power; its process may still be down. */
  isUp: boolean = true;
  /** Faults that leave its process without a free descriptor: it neither connects nor accepts. */
  descriptorShortages: number = 0;
  readonly listeners: Map<number, Accept> = new Map();
  readonly connections: Set<SimConnection> = new Set();
  portNext: number = 50_000;

  constructor(index: number, owner: Owner) {
    this.index = index;
    this.name = owner.name;
    this.owner = owner;
  }
}

const DELIVERED: FrameFate = { copies: 1, delayUs: 0, echoUs: 0 };
const LOST: FrameFate = { copies: 0, delayUs: 0, echoUs: 0 };
const HELLO = 1;
/** Attempts to reach a host are repeated by the kernel while the connect timeout runs. */
const SYN_REPEAT_US = 1_000_000;

export class Network {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly traits: NetworkTraits;
  readonly frameFaults: FrameFaults = {
    dropFraction: 0,
    duplicateFraction: 0,
    delayFraction: 0,
    delayUsMax: 0,
  };
  /** Frames between servers that are lost without chance. */
  readonly frameLosses: Set<(from: Host, to: Host, type: number) => boolean> = new Set();
  /** What happens to certain frames between servers; null = nothing. */
  readonly frameRules: Set<(from: Host, to: Host, type: number) => FrameFate | null> = new Set();
  /**
   * Frames between servers that are other ones than their sender meant, with checksums that hold;
   * null = as it is. Called after the observers; what is returned is as long as the payload.
   */
  readonly frameForgeries: Set<FrameForgery> = new Set();
  /** Called with the bytes of streams that are no internal ones, as they were written. */
  plainObserver: ((connection: SimConnection, bytes: Uint8Array) => void) | null = null;
  /** Called with each internal frame as its sender wrote it, before any fault. */
  observers: FrameObserver[] = [];
  readonly frameFaultCounts: { dropped: number; duplicated: number; delayed: number } = {
    dropped: 0,
    duplicated: 0,
    delayed: 0,
  };
  readonly #hosts: Map<string, Host> = new Map();
  #scratch: Uint8Array = new Uint8Array(64 * 1024);
  readonly #links: Map<number, Link> = new Map();

  constructor(scheduler: Scheduler, random: Random, traits: NetworkTraits) {
    this.scheduler = scheduler;
    this.random = random;
    this.traits = traits;
  }

  /**
   * What a connection delivers, valid until the next delivery. A copy, because it is overwritten after the delivery
   * and the sender may have kept its own; in one place, as in a socket's read buffer.
   */
  intoScratch(parts: readonly Uint8Array[], byteCount: number): Uint8Array {
    if (byteCount > this.#scratch.length) this.#scratch = new Uint8Array(2 * byteCount);
    let at = 0;
    for (const part of parts) {
      this.#scratch.set(part, at);
      at += part.length;
    }
    return this.#scratch.subarray(0, byteCount);
  }

  addHost(owner: Owner): Host {
    assert(!this.#hosts.has(owner.name), 'host names are unique');
    const host = new Host(this.#hosts.size, owner);
    this.#hosts.set(owner.name, host);
    return host;
  }

  /** For one life of the host's process. */
  transport(host: Host): Transport {
    return new SimTransport(this, host);
  }

  link(from: Host, to: Host): Link {
    const key = from.index * 1024 + to.index;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new Link();
      this.#links.set(key, link);
    }
    return link;
  }

  cut(from: Host, to: Host): void {
    this.link(from, to).cuts += 1;
  }

  heal(from: Host, to: Host): void {
    const link = this.link(from, to);
    assert(link.cuts > 0, 'only what was cut is healed');
    link.cuts -= 1;
    if (link.cuts === 0) for (const wake of [...link.waiting]) wake();
  }

  /** The process of the host was killed; the kernel lives and tells its peers. */
  processDied(host: Host): void {
    for (const connection of [...host.connections]) connection.ownerDied();
    host.listeners.clear();
  }

  /** The machine lost power: its peers hear nothing. */
  hostDied(host: Host): void {
    for (const connection of [...host.connections]) connection.hostDied();
    host.listeners.clear();
  }

  /** Resets one random connection of the host, on both sides. */
  resetOne(host: Host): boolean {
    const all = [...host.connections];
    if (all.length === 0) return false;
    const victim = all[this.random.below(all.length)]!;
    victim.peer?.fail('reset');
    victim.fail('reset');
    return true;
  }

  /** A random connection of the host; null if there is none. */
  connectionOf(host: Host, random: Random): SimConnection | null {
    const all = [...host.connections];
    return all.length === 0 ? null : all[random.below(all.length)]!;
  }

  host(name: string): Host | null {
    return this.#hosts.get(name) ?? null;
  }

  observeFrame(from: Host, to: Host, type: number, payload: Uint8Array): void {
    for (const observer of this.observers) observer(from, to, type, payload);
  }

  /** What the receiver is to get instead of `payload`; null = the same. */
  forgedPayload(from: Host, to: Host, type: number, payload: Uint8Array): Uint8Array | null {
    for (const forgery of this.frameForgeries) {
      const forged = from === to ? null : forgery(from, to, type, payload);
      if (forged === null) continue;
      assert(forged.length === payload.length, 'a forged payload is as long as the true one');
      return forged;
    }
    return null;
  }

  fateOfFrame(from: Host, to: Host, type: number): FrameFate {
    for (const isLost of this.frameLosses) {
      if (type !== HELLO && isLost(from, to, type)) return LOST;
    }
    for (const rule of this.frameRules) {
      const fate = type === HELLO || from === to ? null : rule(from, to, type);
      if (fate !== null) return this.#counted(fate);
    }
    const faults = this.frameFaults;
    const total = faults.dropFraction + faults.duplicateFraction + faults.delayFraction;
    // The greeting belongs to the connection, not to the messages that may be lost on it.
    if (total === 0 || type === HELLO || from === to) return DELIVERED;
    const luck = this.random.fraction();
    if (luck >= total) return DELIVERED;
    if (luck < faults.dropFraction) {
      this.frameFaultCounts.dropped += 1;
      return LOST;
    }
    const delayUs = 1 + this.random.below(faults.delayUsMax);
    if (luck < faults.dropFraction + faults.duplicateFraction) {
      this.frameFaultCounts.duplicated += 1;
      return { copies: 2, delayUs, echoUs: 0 };
    }
    this.frameFaultCounts.delayed += 1;
    return { copies: 1, delayUs, echoUs: 0 };
  }

  #counted(fate: FrameFate): FrameFate {
    if (fate.echoUs > 0) this.frameFaultCounts.duplicated += 1;
    else this.frameFaultCounts.delayed += 1;
    return fate;
  }
}

class SimTransport implements Transport {
  readonly #network: Network;
  readonly #host: Host;

  constructor(network: Network, host: Host) {
    this.#network = network;
    this.#host = host;
  }

  async listen(address: HostPort, accept: Accept): Promise<Listener> {
    const host = this.#host;
    const port = address.port === 0 ? host.portNext++ : address.port;
    if (host.listeners.has(port)) {
      throw new ListenError('inUse', address, `${hostPortText(address)} is in use`);
    }
    host.listeners.set(port, accept);
    const close = async (): Promise<void> => {
      if (host.listeners.get(port) === accept) host.listeners.delete(port);
    };
    return { address: { host: address.host, port }, close };
  }

  connect(address: HostPort, handler: ConnectionHandler): Connection {
    const network = this.#network;
    const target = network.host(address.host);
    const peerHost = target ?? this.#host;
    const connection = new SimConnection(network, this.#host, peerHost, hostPortText(address));
    connection.attach(handler);
    this.#host.connections.add(connection);
    const isRefused = target === null || this.#host.descriptorShortages > 0;
    if (isRefused) connection.fail('unreachable');
    else new Attempt(network, connection, target, address.port).start();
    return connection;
  }
}

/** A connection on its way to being established. */
class Attempt {
  readonly #network: Network;
  readonly #connection: SimConnection;
  readonly #target: Host;
  readonly #port: number;
  readonly #deadlineUs: number;

  constructor(network: Network, connection: SimConnection, target: Host, port: number) {
    this.#network = network;
    this.#connection = connection;
    this.#target = target;
    this.#port = port;
    this.#deadlineUs = network.scheduler.nowUs + network.traits.connectTimeoutUs;
  }

  start(): void {
    const { scheduler } = this.#network;
    const delayUs = this.#delayUs(this.#connection.host, this.#target);
    scheduler.world(delayUs, 'syn', this.#arrive);
  }

  readonly #arrive = (): void => {
    const network = this.#network;
    const connection = this.#connection;
    if (connection.isClosed) return;
    const target = this.#target;
    const isHeard = target.isUp && !network.link(connection.host, target).isCut;
    const isAnswered = isHeard && !network.link(target, connection.host).isCut;
    if (!isAnswered) {
      this.#again();
      return;
    }
    const accept = target.listeners.get(this.#port);
    const backUs = this.#delayUs(target, connection.host);
    // The kernel has taken the connection before the process finds that it cannot have it.
    if (target.descriptorShortages > 0) {
      network.scheduler.world(backUs, 'noDescriptor', () => connection.fail('reset'));
      return;
    }
    if (accept === undefined || target.owner.state === 'stopped') {
      network.scheduler.world(backUs, 'refuse', () => connection.fail('refused'));
      return;
    }
    this.#establish(accept, backUs);
  };

  #again(): void {
    const { scheduler } = this.#network;
    if (scheduler.nowUs + SYN_REPEAT_US <= this.#deadlineUs) {
      scheduler.world(SYN_REPEAT_US, 'syn', this.#arrive);
      return;
    }
    const leftUs = Math.max(0, this.#deadlineUs - scheduler.nowUs);
    const reason: CloseReason = this.#target.isUp ? 'timeout' : 'unreachable';
    scheduler.world(leftUs, 'connectTimeout', () => this.#connection.fail(reason));
  }

  /** The kernel accepts at once, also for a paused process; the process learns of it when it runs. */
  #establish(accept: Accept, backUs: number): void {
    const network = this.#network;
    const connection = this.#connection;
    const target = this.#target;
    const client = connection.host;
    const remote = `${client.name}:${client.portNext++}`;
    const accepted = new SimConnection(network, target, client, remote);
    accepted.peer = connection;
    connection.peer = accepted;
    target.connections.add(accepted);
    const { scheduler } = network;
    scheduler.schedule(0, target.owner, 'accept', true, () => {
      if (accepted.isClosed) return;
      accepted.attach(accept(accepted));
      scheduler.schedule(0, target.owner, 'open', true, () => accepted.open());
    });
    scheduler.schedule(backUs, client.owner, 'open', true, () => connection.open());
  }

  #delayUs(from: Host, to: Host): number {
    const { traits, random } = this.#network;
    return this.#network.link(from, to).delayUs(traits.link, 64, random);
  }
}
