/**
 * Each server in a network namespace of its own, with an address of its own, on a bridge that only this
 * machine sees: partitions are in the kernel's network, with all that TCP does about them.
 *
 *  - A cut from A to B is a wrong hardware address for B in A's neighbour table. The bridge delivers such
 *    a packet to nobody, nobody is told, and the way back is not touched. It needs no packet filter.
 *  - A server's namespace outlives its process, so the kernel refuses connections for a process that is gone.
 *  - Delays need the netem queue and resets need socket destruction; a kernel without them skips these faults.
 *
 * Needs root, iproute2, and a kernel with bridges and veth pairs. The names carry this process's id.
 */
import { spawnSync } from 'node:child_process';
import { assert } from '../src/base/assert.ts';
import type { ChaosNetwork, ServerAddress } from './network.ts';

const PORT = 34_801;
const CLIENT = 'client';
/** A locally administered address that no interface has. */
const NOWHERE = '02:00:00:00:de:ad';
const DEVICE = 'eth0';
/** The bridge has the first address of the network, servers follow. */
const CLIENT_NUMBER = 1;
const FIRST_SERVER_NUMBER = 11;
const ATTEMPTS_MAX = 3;

interface End {
  /** Null: the namespace of this process. */
  readonly namespace: string | null;
  readonly device: string;
  readonly address: string;
}

export class NamespaceNetwork implements ChaosNetwork {
  readonly kind = 'namespaces';
  readonly skipped: Record<string, string> = {};
  readonly #bridge: string = `pgc${process.pid.toString(36)}`;
  readonly #network: string;
  readonly #ends: Map<string, End> = new Map();
  /** By namespace and address: who takes whom to be nowhere. */
  readonly #cuts: Set<string> = new Set();
  readonly #delayed: Set<string> = new Set();

  private constructor(network: string) {
    this.#network = network;
  }

  /** The network, or why there is none. */
  static create(servers: readonly string[]): NamespaceNetwork | { readonly reason: string } {
    if (process.platform !== 'linux') return { reason: 'namespaces are a matter of Linux' };
    if (process.getuid?.() !== 0) return { reason: 'namespaces need root' };
    let reason = '';
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      // Private addresses; a network that this machine knows already is refused by a later step or by chance free.
      const second = 128 + Math.floor(Math.random() * 127);
      const third = Math.floor(Math.random() * 255);
      const network = new NamespaceNetwork(`10.${second}.${third}`);
      reason = network.#build(servers);
      if (reason === '') return network;
      network.close();
    }
    return { reason };
  }

  addressOf(server: string): ServerAddress {
    const address = `${this.#end(server).address}:${PORT}`;
    return { listen: address, advertised: address };
  }

  launcherOf(server: string): readonly string[] {
    const { namespace } = this.#end(server);
    assert(namespace !== null, 'servers have namespaces of their own');
    return ['ip', 'netns', 'exec', namespace];
  }

  async open(): Promise<void> {}

  onStarted(): void {}

  onEnded(): void {}

  cut(from: string, to: string): void {
    const { namespace, device } = this.#end(from);
    const { address } = this.#end(to);
    const arguments_ = ['neigh', 'replace', address, 'lladdr', NOWHERE, 'dev', device];
    run(inside(namespace, [...arguments_, 'nud', 'permanent']));
    this.#cuts.add(`${from} ${to}`);
  }

  /** Towards everybody: the queue is that of the sender's device. */
  delay(from: string, _to: string, delayMs: number): void {
    const { namespace, device } = this.#end(from);
    if (namespace === null) return;
    run([...tc(namespace), 'replace', 'dev', device, 'root', 'netem', 'delay', `${delayMs}ms`]);
    this.#delayed.add(from);
  }

  reset(server: string): void {
    const { namespace } = this.#end(server);
    run(['ip', 'netns', 'exec', namespace ?? '', 'ss', '-K', 'state', 'established']);
  }

  healAll(): void {
    for (const cut of this.#cuts) {
      const [from, to] = cut.split(' ') as [string, string];
      const { namespace, device } = this.#end(from);
      run(inside(namespace, ['neigh', 'del', this.#end(to).address, 'dev', device]));
    }
    this.#cuts.clear();
    for (const server of this.#delayed) {
      const { namespace, device } = this.#end(server);
      run([...tc(namespace ?? ''), 'del', 'dev', device, 'root']);
    }
    this.#delayed.clear();
  }

  close(): void {
    for (const { namespace } of this.#ends.values()) {
      if (namespace !== null) run(['ip', 'netns', 'del', namespace]);
    }
    this.#ends.clear();
    run(['ip', 'link', 'del', this.#bridge]);
  }

  /** Empty when all is there, else what went wrong. */
  #build(servers: readonly string[]): string {
    const address = `${this.#network}.${CLIENT_NUMBER}`;
    this.#ends.set(CLIENT, { namespace: null, device: this.#bridge, address });
    const steps = [
      ['ip', 'link', 'add', this.#bridge, 'type', 'bridge'],
      ['ip', 'addr', 'add', `${address}/24`, 'dev', this.#bridge],
      ['ip', 'link', 'set', this.#bridge, 'up'],
      ...servers.flatMap((server, index) => this.#stepsOf(server, index)),
    ];
    for (const step of steps) {
      const failure = run(step);
      if (failure !== '') return `${step.join(' ')}: ${failure}`;
    }
    this.#probe(servers[0]!);
    return '';
  }

  #stepsOf(server: string, index: number): string[][] {
    const namespace = `${this.#bridge}-${server}`;
    const address = `${this.#network}.${FIRST_SERVER_NUMBER + index}`;
    const outer = `${this.#bridge}-${index}`;
    this.#ends.set(server, { namespace, device: DEVICE, address });
    const peer = ['type', 'veth', 'peer', 'name', DEVICE, 'netns', namespace];
    return [
      ['ip', 'netns', 'add', namespace],
      ['ip', 'link', 'add', outer, ...peer],
      ['ip', 'link', 'set', outer, 'master', this.#bridge, 'up'],
      inside(namespace, ['link', 'set', 'lo', 'up']),
      inside(namespace, ['addr', 'add', `${address}/24`, 'dev', DEVICE]),
      inside(namespace, ['link', 'set', DEVICE, 'up']),
    ];
  }

  #probe(server: string): void {
    const { namespace } = this.#end(server);
    const rules = [...tc(namespace ?? ''), 'add', 'dev', DEVICE, 'root', 'netem', 'delay', '1ms'];
    const noDelay = run(rules);
    if (noDelay === '') run([...tc(namespace ?? ''), 'del', 'dev', DEVICE, 'root']);
    else this.skipped['slowLink'] = `no netem queue: ${noDelay}`;
    const noReset = run(['ip', 'netns', 'exec', namespace ?? '', 'ss', '-K', 'dst', '127.0.0.2']);
    if (noReset !== '') this.skipped['resetConnection'] = `no socket destruction: ${noReset}`;
  }

  #end(name: string): End {
    const end = this.#ends.get(name);
    assert(end !== undefined, 'an end of this network');
    return end;
  }
}

function inside(namespace: string | null, arguments_: readonly string[]): string[] {
  return namespace === null ? ['ip', ...arguments_] : ['ip', '-n', namespace, ...arguments_];
}

function tc(namespace: string): string[] {
  return ['ip', 'netns', 'exec', namespace, 'tc', 'qdisc'];
}

/** Empty when it went well, else what the program said. */
function run(command: readonly string[]): string {
  const [program, ...rest] = command;
  const { status, error, stderr } = spawnSync(program!, rest, { encoding: 'utf8' });
  if (error !== undefined) return error.message;
  const words = stderr.trim();
  if (status === 0 && !words.includes('RTNETLINK answers')) return '';
  return words === '' ? `exit code ${status}` : words;
}
