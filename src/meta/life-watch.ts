/**
 * Finds out that a replica server has crashed, so that nobody has to wait for its grace.
 *
 * A server's connection ends when its process ends, but also when something between resets it: then the server lives
 * and may hold a lease. What proves that a life is over is that its *machine* says so: the connection that this life
 * had opened has ended, and its address refuses a new one. For
 *  - a server listens from before its first beacon until after it has surrendered its lease (replica/server.ts),
 *  - the system closes the sockets of a process only when its last thread has stopped running,
 *  - for a process that is stopped or stuck the system goes on accepting.
 * A machine without power or out of reach answers nothing, and nothing proves nothing: that is left to the grace.
 *
 * Something between could refuse in the machine's place (a firewall that rejects). So it takes two refusals in a row
 * seen from here and one seen from another replica server, which must not be in touch with that life either; whoever
 * sees it starts the count anew. Without another server there is no witness, and nobody who could take over.
 *
 * Bounded: `PROBES_MAX` attempts per lost connection, one suspicion per node, `SUSPICIONS_MAX` nodes.
 */
import { assert } from '../base/assert.ts';
import { reached } from '../base/marks.ts';
import { PROBES_MAX } from '../cluster/settings.ts';
import type { TimerHandle } from '../env/clock.ts';
import type { ClientEnvironment } from '../env/environment.ts';
import type { HostPort, NodeId } from '../model/identity.ts';
import { ListenerProbe, type ProbeOutcome } from '../rpc/listener-probe.ts';
import type { WitnessAnswer, WitnessRequest } from '../wire/generated/internal.ts';
import { WitnessSight } from '../wire/schema/internal.ts';

export interface LifeWatchEffects {
  /** Where this life of the node listens; null when it is not alive any more, or not known. */
  addressOf(node: NodeId, incarnation: number): HostPort | null;
  /** Servers that may be asked about `node`. */
  witnessesOf(node: NodeId): readonly NodeId[];
  ask(witness: NodeId, request: WitnessRequest): void;
  ended(node: NodeId, incarnation: number): void;
}

const REFUSALS_NEEDED = 2;
/** Asked in each round, one after the other if there are more. */
const WITNESSES_MAX = 3;
const SUSPICIONS_MAX = 64;

/** A life whose connection has ended. */
class Suspicion {
  readonly node: NodeId;
  readonly incarnation: number;
  rounds = 0;
  /** Seen from here, in a row. */
  refusals = 0;
  isWitnessed = false;
  probe: ListenerProbe | null = null;
  timer: TimerHandle | null = null;

  constructor(node: NodeId, incarnation: number) {
    this.node = node;
    this.incarnation = incarnation;
  }

  get isProved(): boolean {
    return this.refusals >= REFUSALS_NEEDED && this.isWitnessed;
  }

  acquit(): void {
    this.refusals = 0;
    this.isWitnessed = false;
  }
}

export class LifeWatch {
  readonly #environment: ClientEnvironment;
  readonly #probeIntervalMs: number;
  readonly #effects: LifeWatchEffects;
  readonly #suspicions = new Map<NodeId, Suspicion>();

  constructor(environment: ClientEnvironment, probeIntervalMs: number, effects: LifeWatchEffects) {
    this.#environment = environment;
    this.#probeIntervalMs = probeIntervalMs;
    this.#effects = effects;
  }

  onConnectionLost(node: NodeId, incarnation: number): void {
    if (this.#effects.addressOf(node, incarnation) === null) return;
    const former = this.#suspicions.get(node);
    if (former !== undefined) this.#drop(former);
    if (this.#suspicions.size >= SUSPICIONS_MAX) return;
    const suspicion = new Suspicion(node, incarnation);
    this.#suspicions.set(node, suspicion);
    this.#nextRound(suspicion);
  }

  /** The node has said something that was not on its way when the connection ended. */
  onHeard(node: NodeId): void {
    const suspicion = this.#suspicions.get(node);
    if (suspicion !== undefined) this.#drop(suspicion);
  }

  onWitnessAnswer(_from: NodeId, answer: WitnessAnswer): void {
    const suspicion = this.#suspicions.get(answer.node as NodeId);
    if (suspicion === undefined || suspicion.incarnation !== answer.incarnation) return;
    if (answer.sight === WitnessSight.seen) suspicion.acquit();
    if (answer.sight === WitnessSight.refused) suspicion.isWitnessed = true;
    this.#judge(suspicion);
  }

  close(): void {
    for (const suspicion of [...this.#suspicions.values()]) this.#drop(suspicion);
  }

  #nextRound(suspicion: Suspicion): void {
    const { node, incarnation } = suspicion;
    const address = this.#effects.addressOf(node, incarnation);
    if (address === null || suspicion.rounds >= PROBES_MAX) {
      reached('meta.life.unproved');
      this.#drop(suspicion);
      return;
    }
    suspicion.rounds += 1;
    const { timers } = this.#environment;
    suspicion.timer = timers.after(this.#probeIntervalMs, () => this.#nextRound(suspicion));
    if (suspicion.probe === null) this.#probe(suspicion, address);
    this.#askWitnesses(suspicion, address);
  }

  #probe(suspicion: Suspicion, address: HostPort): void {
    const timeoutMs = PROBES_MAX * this.#probeIntervalMs;
    suspicion.probe = new ListenerProbe(this.#environment, address, timeoutMs, (outcome) => {
      suspicion.probe = null;
      this.#onProbed(suspicion, outcome);
    });
  }

  #onProbed(suspicion: Suspicion, outcome: ProbeOutcome): void {
    if (outcome === 'accepted') suspicion.acquit();
    else if (outcome === 'refused') suspicion.refusals += 1;
    else suspicion.refusals = 0;
    this.#judge(suspicion);
  }

  #askWitnesses(suspicion: Suspicion, address: HostPort): void {
    const { node, incarnation } = suspicion;
    const witnesses = this.#effects.witnessesOf(node);
    const count = Math.min(WITNESSES_MAX, witnesses.length);
    const first = suspicion.rounds * WITNESSES_MAX;
    for (let at = 0; at < count; at++) {
      const witness = witnesses[(first + at) % witnesses.length]!;
      assert(witness !== node, 'nobody is a witness of its own death');
      this.#effects.ask(witness, { node, incarnation, address });
    }
  }

  #judge(suspicion: Suspicion): void {
    if (!suspicion.isProved || this.#suspicions.get(suspicion.node) !== suspicion) return;
    this.#drop(suspicion);
    this.#effects.ended(suspicion.node, suspicion.incarnation);
  }

  #drop(suspicion: Suspicion): void {
    assert(this.#suspicions.get(suspicion.node) === suspicion, 'a suspicion is dropped once');
    this.#suspicions.delete(suspicion.node);
    suspicion.probe?.cancel();
    if (suspicion.timer !== null) this.#environment.timers.cancel(suspicion.timer);
  }
}
