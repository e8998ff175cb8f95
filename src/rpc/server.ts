/**
 * The one port of a server: accepts connections and hands each to the dialect that its first four bytes name.
 *
 * A dialect is decided once per connection. What names none is counted and closed, and so is a connection that says
 * nothing for `sniffTimeoutMs`, or one too many of its address: that is known only with the dialect, since servers of
 * the own cluster are not counted. Which dialects there are is the caller's choice (`speak`): while there are none yet,
 * whoever connects is turned away. After that this file only passes events on.
 */
import { assert } from '../base/assert.ts';
import type { TimerHandle } from '../env/clock.ts';
import type { ClientEnvironment } from '../env/environment.ts';
import type { CloseReason, Connection, ConnectionHandler, Listener } from '../env/transport.ts';
import type { HostPort } from '../model/identity.ts';
import type { RpcStatistics } from './statistics.ts';

export interface ConnectionProtocol {
  /**
   * Takes an open connection over. `onOpen` of the result is not called; `onData` with all bytes so far, the four that
   * named the dialect among them, follows at once.
   */
  open(connection: Connection): ConnectionHandler;
}

/** The dialects' four bytes. */
export const ProtocolMagic = {
  thrift: 0x54484654,
  internal: 0x50474931,
  rdsn: 0x5244534e,
  httpGet: 0x47455420,
  httpPost: 0x504f5354,
} as const;

export interface RpcServerOptions {
  readonly connectionsMax: number;
  /** From one address, those of other servers not counted; 0 = no limit. */
  readonly connectionsPerAddressMax: number;
  readonly sniffTimeoutMs: number;
}

export const DEFAULT_RPC_SERVER_OPTIONS: RpcServerOptions = {
  connectionsMax: 10_000,
  connectionsPerAddressMax: 0,
  sniffTimeoutMs: 10_000,
};

export class RpcServer {
  readonly #environment: ClientEnvironment;
  readonly #options: RpcServerOptions;
  readonly #statistics: RpcStatistics;
  readonly #protocols = new Map<number, ConnectionProtocol>();
  readonly #connections = new Set<Connection>();
  /** Open ones by the address of the peer, where that has a limit. */
  readonly #addresses = new Map<string, number>();
  #listener: Listener | null = null;
  #closed = false;

  constructor(
    environment: ClientEnvironment,
    options: RpcServerOptions,
    statistics: RpcStatistics,
  ) {
    assert(options.connectionsMax >= 1, 'a server accepts at least one connection');
    this.#environment = environment;
    this.#options = options;
    this.#statistics = statistics;
  }

  /** Connections whose first four bytes are `magic`, as one big-endian number, go to `protocol` from now on. */
  speak(magic: number, protocol: ConnectionProtocol): void {
    assert(!this.#protocols.has(magic), 'a dialect is spoken by one protocol');
    this.#protocols.set(magic, protocol);
  }

  /** Rejects with `ListenError`. Returns the real address when port 0 was asked for. */
  async listen(address: HostPort): Promise<HostPort> {
    assert(this.#listener === null, 'a server listens once');
    const listener = await this.#environment.transport.listen(address, (connection) =>
      this.#accept(connection),
    );
    this.#listener = listener;
    if (this.#closed) await listener.close();
    return listener.address;
  }

  /** Stops accepting; closes every connection after the output of this turn was sent. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await new Promise<void>((resolve) => {
      this.#environment.timers.defer(resolve);
    });
    for (const connection of this.#connections) connection.close();
    await this.#listener?.close();
  }

  #accept(connection: Connection): ConnectionHandler {
    this.#statistics.connectionsAccepted += 1;
    if (this.#closed || this.#connections.size >= this.#options.connectionsMax) {
      this.#refuse(connection, 'limit');
      return IGNORE;
    }
    this.#connections.add(connection);
    this.#statistics.connectionsOpen += 1;
    let isCounted = false;
    return new AcceptedConnection(this.#environment, this.#options.sniffTimeoutMs, {
      choose: (magic) => {
        const protocol = this.#protocols.get(magic);
        if (protocol === undefined) return 'unknown dialect';
        if (magic === ProtocolMagic.internal) return protocol;
        isCounted = this.#count(connection);
        return isCounted ? protocol : 'limit of the address';
      },
      refused: (reason) => this.#refuse(connection, reason),
      closed: () => {
        this.#connections.delete(connection);
        this.#statistics.connectionsOpen -= 1;
        if (isCounted) this.#uncount(connection);
      },
    });
  }

  /** False: there are enough of this address. */
  #count(connection: Connection): boolean {
    const { connectionsPerAddressMax } = this.#options;
    if (connectionsPerAddressMax === 0) return true;
    const address = addressOf(connection);
    const count = this.#addresses.get(address) ?? 0;
    if (count >= connectionsPerAddressMax) return false;
    this.#addresses.set(address, count + 1);
    return true;
  }

  #uncount(connection: Connection): void {
    const address = addressOf(connection);
    const count = this.#addresses.get(address) ?? 0;
    if (count > 1) this.#addresses.set(address, count - 1);
    else this.#addresses.delete(address);
  }

  #refuse(connection: Connection, reason: string): void {
    this.#statistics.connectionsRefused += 1;
    this.#environment.logger.warn('rpc.connection.refused', { remote: connection.remote, reason });
    connection.destroy();
  }
}

/** Without the port. */
function addressOf(connection: Connection): string {
  const { remote } = connection;
  return remote.slice(0, remote.lastIndexOf(':'));
}

interface Sniffer {
  /** Or why there is none. */
  choose(magic: number): ConnectionProtocol | string;
  refused(reason: string): void;
  closed(): void;
}

const MAGIC_BYTES = 4;

class AcceptedConnection implements ConnectionHandler {
  readonly #environment: ClientEnvironment;
  readonly #sniffTimeoutMs: number;
  readonly #sniffer: Sniffer;
  #timer: TimerHandle | null = null;
  /** Bytes that came before there were four. */
  #first: number[] = [];
  /** Null until the dialect is known. */
  #handler: ConnectionHandler | null = null;

  constructor(environment: ClientEnvironment, sniffTimeoutMs: number, sniffer: Sniffer) {
    this.#environment = environment;
    this.#sniffTimeoutMs = sniffTimeoutMs;
    this.#sniffer = sniffer;
  }

  onOpen(_connection: Connection): void {
    this.#timer = this.#environment.timers.after(this.#sniffTimeoutMs, () => {
      this.#timer = null;
      this.#sniffer.refused('silent');
    });
  }

  onData(connection: Connection, bytes: Uint8Array): void {
    if (this.#handler !== null) {
      this.#handler.onData(connection, bytes);
      return;
    }
    if (this.#first.length === 0 && bytes.length >= MAGIC_BYTES) {
      this.#sniff(connection, bytes);
      return;
    }
    for (const byte of bytes) this.#first.push(byte);
    if (this.#first.length >= MAGIC_BYTES) this.#sniff(connection, Uint8Array.from(this.#first));
  }

  onDrain(connection: Connection): void {
    this.#handler?.onDrain(connection);
  }

  onClose(connection: Connection, reason: CloseReason): void {
    this.#cancelTimer();
    this.#sniffer.closed();
    this.#handler?.onClose(connection, reason);
  }

  #sniff(connection: Connection, bytes: Uint8Array): void {
    this.#cancelTimer();
    this.#first = [];
    const high = (bytes[0]! << 24) | (bytes[1]! << 16);
    const protocol = this.#sniffer.choose((high | (bytes[2]! << 8) | bytes[3]!) >>> 0);
    if (typeof protocol === 'string') {
      this.#handler = IGNORE;
      this.#sniffer.refused(protocol);
      return;
    }
    this.#handler = protocol.open(connection);
    this.#handler.onData(connection, bytes);
  }

  #cancelTimer(): void {
    if (this.#timer === null) return;
    this.#environment.timers.cancel(this.#timer);
    this.#timer = null;
  }
}

/** What still arrives on a connection that is being closed. */
const IGNORE: ConnectionHandler = {
  onOpen(): void {},
  onData(): void {},
  onDrain(): void {},
  onClose(): void {},
};
