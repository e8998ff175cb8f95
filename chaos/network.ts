/**
 * How the servers of a run reach each other, and how that is cut. There are two: between network
 * namespaces, where root allows (namespaces.ts), and through proxies (proxy-network.ts).
 *
 * Ends are `meta1`, `replica1` … and `client`, which is this process. A cut is one way, loses nothing that
 * TCP would not deliver after all, and never refuses: a refusal says that a process is gone (src/meta/life-watch.ts).
 */
export interface ServerAddress {
  /** Where the server listens, as `host:port`. */
  readonly listen: string;
  /** What others know it by. */
  readonly advertised: string;
}

export interface ChaosNetwork {
  readonly kind: 'namespaces' | 'proxy';
  /** Faults that it cannot do, and why. */
  readonly skipped: Readonly<Record<string, string>>;
  addressOf(server: string): ServerAddress;
  /** What the command line of this server's process begins with. */
  launcherOf(server: string): readonly string[];
  /** Its process is about to start. */
  open(server: string): Promise<void>;
  onStarted(server: string, pid: number): void;
  onEnded(server: string): void;
  cut(from: string, to: string): void;
  /** From now on, what goes from one to the other is late. */
  delay(from: string, to: string, delayMs: number): void;
  /** Resets all connections of a server, as a middlebox that forgets does. */
  reset(server: string): void;
  healAll(): void;
  /** At once, for good, and without a wait: also for the end of this process. */
  close(): void;
}

export function cutBoth(network: ChaosNetwork, one: string, other: string): void {
  network.cut(one, other);
  network.cut(other, one);
}
