/**
 * A replica server as the second witness of a crash (meta/life-watch.ts): asked whether it still sees a life of
 * another server, it looks at its own connections with that server and tries a new one.
 *
 * The witness decides nothing, and what it does not know it does not say: beyond `PROBES_MAX` questions at a time
 * it stays silent, and the meta server asks again or waits for the grace.
 */
import type { ClientEnvironment } from '../env/environment.ts';
import type { NodeId } from '../model/identity.ts';
import { ListenerProbe, type ProbeOutcome } from '../rpc/listener-probe.ts';
import type { MessageBus } from '../rpc/message-bus.ts';
import type { WitnessRequest } from '../wire/generated/internal.ts';
import { InternalMessage, WitnessSight } from '../wire/schema/internal.ts';

const PROBES_MAX = 64;
const PROBE_TIMEOUT_MS = 500;

export class Witness {
  readonly #environment: ClientEnvironment;
  readonly #bus: MessageBus;
  readonly #probes = new Set<ListenerProbe>();

  constructor(environment: ClientEnvironment, bus: MessageBus) {
    this.#environment = environment;
    this.#bus = bus;
  }

  onWitnessRequest(from: NodeId, request: WitnessRequest): void {
    const { address } = request;
    if (address === null || address.port < 1 || this.#probes.size >= PROBES_MAX) return;
    if (this.#isInTouch(request)) {
      this.#answer(from, request, WitnessSight.seen);
      return;
    }
    const probe = new ListenerProbe(this.#environment, address, PROBE_TIMEOUT_MS, (outcome) => {
      this.#probes.delete(probe);
      this.#answer(from, request, this.#sightOf(request, outcome));
    });
    this.#probes.add(probe);
  }

  close(): void {
    for (const probe of this.#probes) probe.cancel();
    this.#probes.clear();
  }

  #sightOf(request: WitnessRequest, outcome: ProbeOutcome): WitnessSight {
    if (outcome === 'accepted' || this.#isInTouch(request)) return WitnessSight.seen;
    return outcome === 'refused' ? WitnessSight.refused : WitnessSight.nothing;
  }

  #isInTouch({ node, incarnation }: WitnessRequest): boolean {
    return this.#bus.isInTouchWith(node as NodeId, incarnation);
  }

  #answer(to: NodeId, { node, incarnation }: WitnessRequest, sight: WitnessSight): void {
    this.#bus.send(to, InternalMessage.witnessAnswer, { node, incarnation, sight });
  }
}
