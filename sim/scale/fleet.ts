/** Many light replica servers and one meta server, with a network in between that takes up to a millisecond. */
import { assert } from '../../src/base/assert.ts';
import { SeededRandom } from '../../src/base/prng.ts';
import type { MetaOptions } from '../../src/meta/options.ts';
import { type HostPort, hostPortText, type NodeId, toNodeId } from '../../src/model/identity.ts';
import type {
  BeaconAck,
  ConfigurationPush,
  ReplicaForget,
  WitnessRequest,
} from '../../src/wire/generated/internal.ts';
import { type InternalMessageMap, writeInternalFrame } from '../../src/wire/internal-frame.ts';
import { InternalMessage, WitnessSight } from '../../src/wire/schema/internal.ts';
import { Writer } from '../../src/wire/writer.ts';
import { type FleetContext, FleetServer } from './fleet-server.ts';
import { MetaHost, type Meter, type Surroundings } from './meta-host.ts';
import { Timeline } from './timeline.ts';

const DELAY_MS_MIN = 0.2;
const DELAY_MS_SPREAD = 0.8;

export class Fleet implements FleetContext, Surroundings {
  readonly timeline: Timeline = new Timeline();
  readonly meta: MetaHost;
  readonly servers: FleetServer[] = [];
  /** Messages from replica servers, by type. */
  readonly received: Map<InternalMessage, number> = new Map();
  readonly #random: SeededRandom;
  readonly #byId = new Map<NodeId, FleetServer>();
  readonly #writer = new Writer();

  constructor(seed: number, meter: Meter, options: Partial<MetaOptions>) {
    this.#random = new SeededRandom(seed);
    this.meta = new MetaHost(this.timeline, meter, this, options);
  }

  /** Servers that have never run before. */
  addServers(count: number): void {
    for (let added = 0; added < count; added++) {
      const server = new FleetServer(this, this.servers.length);
      this.servers.push(server);
      this.#byId.set(server.id, server);
      server.start();
    }
  }

  /** Its process, or with `isUnreachable` its machine, is gone. */
  kill(server: FleetServer, isUnreachable: boolean): void {
    const { id, incarnation } = server;
    server.kill(isUnreachable);
    // A machine that is gone closes no connection.
    if (!isUnreachable) this.after(1, () => this.meta.onConnectionLost(id, incarnation));
  }

  /** All of it loses its processes. */
  killAll(): void {
    this.meta.stop();
    for (const server of this.servers) server.kill();
  }

  // ---- what servers see ----

  nowMs(): number {
    return this.timeline.monotonicMs();
  }

  after(delayMs: number, callback: () => void): void {
    this.timeline.after(delayMs, callback);
  }

  draw(bound: number): number {
    return this.#random.below(bound);
  }

  peer(id: NodeId): FleetServer | undefined {
    return this.#byId.get(id);
  }

  send<T extends InternalMessage>(
    from: FleetServer,
    type: T,
    message: InternalMessageMap[T],
  ): void {
    this.received.set(type, (this.received.get(type) ?? 0) + 1);
    writeInternalFrame(this.#writer, type, message);
    const frame = this.#writer.take();
    this.after(this.#delayMs(), () => this.meta.receive(from.id, frame));
  }

  // ---- what the meta server sees ----

  deliver<T extends InternalMessage>(to: NodeId, type: T, message: InternalMessageMap[T]): void {
    const server = this.#byId.get(to);
    assert(server !== undefined, 'messages go to servers that there are');
    const { incarnation } = server;
    this.after(this.#delayMs(), () => {
      if (server.isRunning && server.incarnation === incarnation) this.#hand(server, type, message);
    });
  }

  isListening(address: HostPort): boolean | null {
    const server = this.#byId.get(toNodeId(hostPortText(address)));
    return server === undefined || server.isUnreachable ? null : server.isRunning;
  }

  isInTouch(node: NodeId, incarnation: number): boolean {
    const server = this.#byId.get(node);
    return server?.isRunning === true && server.incarnation === incarnation;
  }

  #hand(
    server: FleetServer,
    type: InternalMessage,
    message: InternalMessageMap[InternalMessage],
  ): void {
    switch (type) {
      case InternalMessage.beaconAck:
        server.onAck(message as BeaconAck);
        break;
      case InternalMessage.configurationPush:
        server.onPush(message as ConfigurationPush);
        break;
      case InternalMessage.replicaForget:
        server.onForget(message as ReplicaForget);
        break;
      case InternalMessage.witnessRequest:
        this.#witness(server, message as WitnessRequest);
        break;
      default:
        assert(false, 'a message for a replica server');
    }
  }

  #witness(witness: FleetServer, { node, incarnation, address }: WitnessRequest): void {
    assert(address !== null, 'a witness is told where to look');
    const isListening = this.isListening(address);
    if (isListening === null) return;
    const sight = isListening ? WitnessSight.seen : WitnessSight.refused;
    this.send(witness, InternalMessage.witnessAnswer, { node, incarnation, sight });
  }

  #delayMs(): number {
    return DELAY_MS_MIN + DELAY_MS_SPREAD * this.#random.fraction();
  }
}
